"""What f4 loses of a price comes back by its rest, bit for bit."""

from __future__ import annotations

import struct
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tick_logger.storage.rests import rests_of, with_rest

PRICES = [
    "84106.09",
    "1234567.89",
    "0.00001234",
    "123456789.12",
    "1e-8",
    "123456789012345.6",
    "0",
    "1e-38",
    "3.4e38",
    "0.1",
    "16777217",
]


def through(*values: float) -> tuple[list[float], int]:
    """Written and read again: the numbers, and how many were told to be lost."""
    exact = np.array(values)
    with np.errstate(over="ignore"):
        halves = exact.astype("<f4")
    rests = np.empty(len(exact), "<i4")
    lost = rests_of(exact, halves, rests)
    return with_rest(halves, rests).tolist(), 0 if lost is None else int(lost.sum())


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


@pytest.mark.parametrize("text", PRICES)
def test_a_price_comes_back_bit_for_bit(text: str) -> None:
    """As the f8 of its text."""
    (again,), lost = through(float(text))
    assert bits(again) == bits(float(Decimal(text)))
    assert lost == 0


@given(st.lists(st.floats(1e-38, 3.4e38), min_size=1))
def test_every_number_in_range_comes_back(values: list[float]) -> None:
    """Whatever its digits, and its neighbours."""
    again, lost = through(*values, *(-value for value in values))
    assert list(map(bits, again)) == list(map(bits, [*values, *(-value for value in values)]))
    assert lost == 0


@pytest.mark.parametrize("value", [1e39, 3.5e38, 1e-60, 1e-43])
def test_what_no_rest_can_mend_is_counted(value: float) -> None:
    """Beyond the range of f4; its neighbours are as they were."""
    (before, found, after), lost = through(0.1, value, 0.2)
    assert (before, after, lost) == (0.1, 0.2, 1)
    assert found == pytest.approx(value, rel=0.5) or found in (0.0, float("inf"))


def test_a_number_that_was_not_sent_is_no_loss() -> None:
    """NaN stays NaN, with nothing beside it."""
    exact = np.array([float("nan"), 0.1])
    rests = np.empty(2, "<i4")
    assert rests_of(exact, exact.astype("<f4"), rests) is None
    assert rests[0] == 0
