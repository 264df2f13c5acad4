"""What venues have done to others who do this job, done to the whole service in virtual time."""

from __future__ import annotations

import pytest

from tests.field import not_yet
from tests.field.from_field import FROM_FIELD
from tests.field.own import OWN
from tests.field.places import DIALOGUES, OWN_DIALOGUES, needs_cases
from tests.field.stage import perform

OURS = {dialogue.name: dialogue for dialogue in OWN}
THEIRS = {dialogue.name: dialogue for dialogue in FROM_FIELD}


@pytest.mark.parametrize("name", not_yet.marked(OURS, not_yet.DIALOGUES))
def test_a_dialogue_of_our_own(name: str) -> None:
    assert OURS[name].complaints(perform(OURS[name])) == []


@needs_cases
@pytest.mark.parametrize("name", not_yet.marked(THEIRS, not_yet.DIALOGUES))
def test_a_dialogue_from_the_field(name: str) -> None:
    assert THEIRS[name].complaints(perform(THEIRS[name])) == []


def test_each_of_our_own_is_judged() -> None:
    assert {dialogue.path for dialogue in OWN} == {*OWN_DIALOGUES.glob("*.jsonl")}


@needs_cases
def test_each_from_the_field_is_judged() -> None:
    assert {dialogue.path for dialogue in FROM_FIELD} == {*DIALOGUES.glob("*.jsonl")}


def test_what_is_wrong_still_has_a_dialogue() -> None:
    assert {*OURS, *THEIRS} >= not_yet.DIALOGUES
    assert not OURS.keys() & THEIRS.keys()
