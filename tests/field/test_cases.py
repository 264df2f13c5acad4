"""Each case comes out right: what venues have really sent, made small, and its kin."""

from __future__ import annotations

import pytest

from tests.field import not_yet
from tests.field.case import Case, cases_in
from tests.field.places import CASES, OWN_CASES, needs_cases

OWN = {case.id: case for case in cases_in(OWN_CASES)}
BESIDE = {case.id: case for case in cases_in(CASES)}


@pytest.mark.parametrize("name", not_yet.marked(OWN, not_yet.CASES))
def test_a_case_of_our_own(name: str) -> None:
    assert OWN[name].complaints() == []


@needs_cases
@pytest.mark.parametrize("name", not_yet.marked(BESIDE, not_yet.CASES))
def test_a_case_from_the_field(name: str) -> None:
    assert BESIDE[name].complaints() == []


def test_names_are_given_once() -> None:
    """Or one of two would not be tried."""
    assert len(OWN) == len(cases_in(OWN_CASES))
    assert not OWN.keys() & BESIDE.keys()


@needs_cases
def test_what_is_wrong_still_has_a_case() -> None:
    assert {*OWN, *BESIDE} >= not_yet.CASES


@pytest.mark.parametrize(
    ("right", "complaint"),
    [
        ({"bad": [0]}, "bad payloads: [], not [0]"),
        ({"bad": [], "events": []}, "events: ['Acknowledged'], not []"),
        ({"bad": [], "rows": {"MD": [{"price": 1.0}]}}, "rows of MD: 0, not 1"),
        ({"bad": [], "counted": [1]}, "numbers: [], not [1]"),
    ],
)
def test_what_is_not_right_is_said(right: dict[str, object], complaint: str) -> None:
    case = Case("x", "binance", right, ("A",), (b'{"result":null,"id":1}',))
    assert case.complaints() == [complaint]
