"""How many messages a second each stream brings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tick_logger.model.tables import Table
from tick_logger.net.intake.rates import COUNTED_EVERY_SECS, FIRST_SIZE, HALF_LIFE_SECS, Rates


def bring(rates: Rates, instruments: Sequence[int], frames: Sequence[int], now: float) -> None:
    rates.delivered(Table.BOOK, np.array(instruments, np.int32), np.array(frames, np.int32), now)


def rate(rates: Rates, instrument: int) -> float:
    messages, secs = rates.known(Table.BOOK)[instrument]
    return messages / secs


def test_rows_of_one_message_count_once() -> None:
    """Messages of several instruments count for each of them."""
    rates = Rates()
    for second in range(100):
        bring(rates, [3, 3, 3, 3, 5], [0, 0, 1, 2, 2], float(second))
    rates.count(100.0 + COUNTED_EVERY_SECS)
    assert rate(rates, 3) / rate(rates, 5) == pytest.approx(3.0)


def test_a_rate_is_messages_by_seconds() -> None:
    """Of all the time since the first, whether anything came or not."""
    rates = Rates()
    for second in range(600):
        bring(rates, [0, 0], [0, 1], float(second))
    rates.count(600.0)
    assert rate(rates, 0) == pytest.approx(2.0, rel=0.1)
    rates.count(1200.0)
    assert rate(rates, 0) == pytest.approx(1.0, rel=0.2)


def test_what_is_old_counts_for_less() -> None:
    """After three half lives of another rate hardly anything is left of it."""
    rates = Rates()
    for second in range(0, int(4 * HALF_LIFE_SECS), 10):
        many = 100 if second < HALF_LIFE_SECS else 10
        bring(rates, [1] * many, range(many), float(second))
    rates.count(4 * HALF_LIFE_SECS)
    assert 1.0 < rate(rates, 1) < 2.0


def test_nothing_is_known_of_what_never_came() -> None:
    """Nor of an instrument with a number that is far beyond all others, until it comes."""
    rates, far = Rates(), 10 * FIRST_SIZE
    assert len(rates.known(Table.BOOK)) < far
    bring(rates, [far], [0], 0.0)
    rates.count(COUNTED_EVERY_SECS)
    assert rate(rates, far) == pytest.approx(1 / COUNTED_EVERY_SECS)
    assert rates.known(Table.BOOK)[0] == (0.0, 0.0)
    assert set(rates.known(Table.TRADES)) == {(0.0, 0.0)}
