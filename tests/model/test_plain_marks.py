"""Marks as plain data: lists, numbers, texts, truths and nulls, and the same marks from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from tests.model.marks import MARKS
from tick_logger.model.cause import Cause
from tick_logger.model.marks import (
    AwaitSnapshot,
    Interrupted,
    Lapse,
    Mark,
    MissingIds,
    Resumed,
    Retired,
)
from tick_logger.model.plain_marks import mark_from_plain, mark_to_plain
from tick_logger.model.tables import Table


def is_plain(value: object) -> bool:
    """Whether there is nothing in it that JSON has no word for; enumerations count as foreign."""
    if type(value) is list:
        return all(map(is_plain, value))
    return value is None or type(value) in (str, int, bool)


@given(MARKS)
def test_every_mark_comes_back_equal(mark: Mark) -> None:
    """By way of an encoding that has neither tuples nor enumerations."""
    plain = mark_to_plain(mark)
    assert is_plain(plain)
    again = mark_from_plain(json.loads(json.dumps(plain)))
    assert type(again) is type(mark)
    assert again == mark
    assert hash(again) == hash(mark)  # tuples within, not lists


def test_a_mark_is_its_kind_and_its_fields_in_order() -> None:
    """The form that journals hold, written down: older ones have to be read as well."""
    mark = Interrupted((3, 4), (Table.MD, Table.BOOK), 5, Cause.DISCONNECT)
    assert mark_to_plain(mark) == ["Interrupted", [3, 4], ["MD", "BOOK"], 5, "disconnect", 0]
    hole = MissingIds(1, Table.TRADES, 2, 3, 4, 5, Cause.SEQUENCE)
    plain = ["MissingIds", 1, "TRADES", 2, 3, 4, 5, "sequence"]
    assert mark_to_plain(hole) == [*plain, "none", 0]
    assert mark_from_plain(plain) == hole, "as older journals have it"


def test_a_lapse_of_an_older_journal_is_told_whatever_ids_say() -> None:
    """It did not say."""
    plain = ["Lapse", [3], ["MD"], 4, 5, "sequence"]
    assert mark_from_plain(plain) == Lapse((3,), (Table.MD,), 4, 5, Cause.SEQUENCE, ids_tell=False)


def test_a_retirement_of_an_older_journal_is_of_all_tables() -> None:
    """It named none."""
    assert mark_from_plain(["Retired", [3], 4]) == Retired((3,), 4, tuple(Table))
    assert mark_to_plain(Retired((3,), 4, (Table.MD,))) == ["Retired", [3], 4, ["MD"]]


def test_marks_of_older_journals_break_no_books() -> None:
    """They did not say which update a snapshot was to join, nor which books were broken."""
    assert mark_from_plain(["AwaitSnapshot", 3, 4]) == AwaitSnapshot(3, 4, 0, broken=False)
    resumed = Resumed((3,), (Table.BOOK,), 4, books_await=False)
    assert mark_from_plain(["Resumed", [3], ["BOOK"], 4]) == resumed
    asked = AwaitSnapshot(3, 4, 5, broken=True)
    assert mark_to_plain(asked) == ["AwaitSnapshot", 3, 4, 5, True]


@pytest.mark.parametrize(
    "plain",
    [
        [],
        ["Unheard", 1],
        ["Retired", [3]],  # a field too few
        ["Retired", [3], 4, 5],
        ["Retired", 3, 4],
        ["Retired", [3], "4"],
        ["Interrupted", [3], ["NO_TABLE"], 4, "x"],
    ],
)
def test_what_is_no_mark_is_refused(plain: list[Any]) -> None:
    """With one kind of error, whatever is wrong."""
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own words
        mark_from_plain(plain)
