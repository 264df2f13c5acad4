"""The building blocks: times, UUIDs and numbers in bulk agree with plain one-by-one oracles."""

from __future__ import annotations

import datetime as dt
import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tick_logger.exchanges.columns import ABOVE_ZERO, ABSENT, FROM_ZERO, Findings, NumberRule
from tick_logger.exchanges.times import unix_times
from tick_logger.model.tables import NO_TIME

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
FIRST, LAST = dt.datetime(2000, 1, 1), dt.datetime(2099, 12, 31)  # noqa: DTZ001
USUAL = "2021-04-17T16:43:30.244075Z"
USUAL_NS = 1_618_677_810_244_075_000


def frames(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.int32)


def bad(found: Findings) -> dict[int, str]:
    return {each.frame: each.reason for each in found.done().bad}


@given(
    st.lists(st.datetimes(FIRST, LAST, timezones=st.just(dt.UTC)), min_size=1, max_size=5),
    st.integers(0, 9),
)
def test_iso_times_keep_every_digit(moments: list[dt.datetime], decimals: int) -> None:
    """Any number of decimals from none to nine, alone or mixed with the usual six."""
    texts, expected = [USUAL], [USUAL_NS]
    for moment in moments:
        fraction = f"{moment.microsecond:06d}789"[:decimals]
        texts.append(f"{moment:%Y-%m-%dT%H:%M:%S}" + (f".{fraction}" if decimals else "") + "Z")
        whole = (moment.replace(microsecond=0) - EPOCH) // dt.timedelta(seconds=1)
        expected.append(whole * 10**9 + int(fraction.ljust(9, "0")))
    found = Findings({})
    assert found.iso_times(frames(len(texts)), texts).tolist() == expected
    assert bad(found) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0001-01-01T00:00:00.000000Z",
        "0001-01-01T00:00:00Z",
        "1999-12-31T23:59:59.999999Z",
        "2100-01-01T00:00:00.000000Z",
        "9999-12-31T23:59:59.999999999Z",
    ],
)
@pytest.mark.parametrize("others", [[], [USUAL], ["2021-04-17T16:43:30Z"]])
def test_a_placeholder_is_no_time(text: str, others: list[str]) -> None:
    """Times outside 2000 to 2100 are known not to be times, whatever stands beside them."""
    found = Findings({})
    assert found.iso_times(frames(1 + len(others)), [text, *others])[0] == NO_TIME
    assert bad(found) == {}


@pytest.mark.parametrize(
    "text",
    [
        "2021-13-17T16:43:30.244075Z",
        "2021-02-29T16:43:30.244075Z",
        "2021-04-17T24:43:30Z",
        "2021-04-17T16:43:30.244075",
        "2021-04-17 16:43:30.244075Z",
        "2021-04-17T16:43:30+02:0000",
        "2021-04-17T16:43:30.2440751234Z",
        "2021-04-17T16:43:30.\u0662\u0664\u0664\u0660\u0667\u0665Z",
        "2021-04- 7T16:43:30.5Z",
        "2021-04-17T16:43:3Z.5Z",
        "2021-04-17T16:43:30.Z",
        "2021-04-17T16:43:30.5ZZ",
        "2021-04-17T16:43:30.5Z ",
        "NaT",
        "now",
        "27 characters but no time.Z",
    ],
)
def test_what_is_no_time_makes_its_payload_bad(text: str) -> None:
    """Its neighbours keep their times."""
    found = Findings({})
    times = found.iso_times(np.array([4, 5, 9], np.int32), [USUAL, text, USUAL])
    assert times[[0, 2]].tolist() == [USUAL_NS, USUAL_NS]
    assert bad(found) == {5: f"{text!r} is not a time"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1723161255342, 1723161255342_000_000),
        (1723161255342999, 1723161255342999_000),
        (946684800000, 946684800 * 10**9),
        (946684800000000, 946684800 * 10**9),
        (4102444799999, 4102444799999_000_000),
        (4102444799999999, 4102444799999999_000),
        (0, NO_TIME),
        (946684799999, NO_TIME),
        (4102444800000, NO_TIME),
        (946684799999999, NO_TIME),
        (4102444800000000, NO_TIME),
        (2**63 - 1, NO_TIME),
    ],
)
def test_unix_times_tell_their_unit_by_their_size(value: int, expected: int) -> None:
    """Milli- and microseconds from 2000 to 2100 cannot be confused; the rest is no time."""
    assert unix_times([value, 1723161255342]).tolist() == [expected, 1723161255342_000_000]


@given(st.lists(st.uuids(), min_size=1, max_size=5), st.booleans())
def test_uuids_are_their_sixteen_bytes(ids: list[uuid.UUID], upper: bool) -> None:
    """The same bytes as the standard library's."""
    texts = [str(each).upper() if upper else str(each) for each in ids]
    found = Findings({})
    packed = found.uuids(frames(len(ids)), texts)
    assert packed.tobytes() == b"".join(each.bytes for each in ids)
    assert bad(found) == {}


GOOD_UUID = "27fff20b-af29-4f45-8744-56dd1ef57dc0"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "27fff20b-af29-4f45-8744-56dd1ef57dc",
        "27fff20b-af29-4f45-8744-56dd1ef57dc00",
        "27fff20baf294f45874456dd1ef57dc0",
        "27fff20b-af29-4f45-8744-56dd1ef57d g",
        "27fff20b-af29-4f45-8744-56dd1ef57d  ",
        "27fff20b-af29-4f45-8744-56dd1ef57dcx",
        "27fff20-baf29-4f45-8744-56dd1ef57dc0",
        "27fff20b-af29-4f45-8744-56dd1ef57d-0",
        "27fff20b-af29-4f45-8744-56dd1ef57dc\u0660",
    ],
)
def test_what_is_no_uuid_makes_its_payload_bad(text: str) -> None:
    """Its neighbours keep theirs, even if lengths would add up."""
    found = Findings({})
    packed = found.uuids(frames(3), [GOOD_UUID, text, GOOD_UUID])
    assert packed[[0, 2]].tobytes() == uuid.UUID(GOOD_UUID).bytes * 2
    assert bad(found) == {1: f"{text!r} is not a UUID"}


def test_neighbours_cannot_lend_each_other_characters() -> None:
    """Two texts that are wrong alone are not right together."""
    found = Findings({})
    found.uuids(frames(2), [GOOD_UUID[:-1], GOOD_UUID[-1] + GOOD_UUID])
    assert list(bad(found)) == [0, 1]
    found = Findings({})
    found.iso_times(frames(2), [USUAL[:-1], "Z" + USUAL])
    assert list(bad(found)) == [0, 1]


RULE = NumberRule(price=ABOVE_ZERO, size=FROM_ZERO)


@pytest.mark.parametrize(
    ("price", "size", "reason"),
    [
        (0.0, 1.0, "price of 0.0 is out of range"),
        (-1.0, 1.0, "price of -1.0 is out of range"),
        (float("nan"), 1.0, "price of nan is out of range"),
        (float("inf"), 1.0, "price of inf is out of range"),
        (1e30, 1.0, "price of 1e+30 is out of range"),
        (1.0, -0.5, "size of -0.5 is out of range"),
        (1.0, float("nan"), "size of nan is out of range"),
        (1.0, 1e300, "size of 1e+300 is out of range"),
    ],
)
def test_numbers_out_of_range_make_their_payload_bad(
    price: float, size: float, reason: str
) -> None:
    """Only that payload, with the field's name and value."""
    found = Findings({})
    found.numbers(np.array([2, 3, 8], np.int32), RULE, [1.0, price, 5e-9], [0.0, size, 9e29])
    assert bad(found) == {3: reason}


def test_an_absent_number_is_nan_and_fine() -> None:
    """The default of a field is told from a NaN that was sent."""
    found = Findings({})
    values = found.numbers(frames(2), RULE, [1.5, ABSENT], [ABSENT, 2.5])
    np.testing.assert_array_equal(values, [[1.5, np.nan], [np.nan, 2.5]])
    assert bad(found) == {}
