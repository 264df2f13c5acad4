"""Rates that were learned and rates that were remembered, taken together."""

from __future__ import annotations

import numpy as np
import pytest

from tick_logger.exchanges.base import Subscription
from tick_logger.model.routes import FIRST_LINE, LINES, SECOND_LINE
from tick_logger.model.tables import Table
from tick_logger.net.connection.accesses import Lane
from tick_logger.net.intake.rates import HALF_LIFE_SECS, Rates
from tick_logger.net.venue.known_rates import KnownRates, by_lane

WANTED = {"A": ("trades", "ticker"), "B": ("trades",), "NEW": ("trades",)}
NUMBERS = {"A": 0, "B": 1}


def trade(rates: Rates, instrument: int, per_second: int, secs: float, since: float = 0.0) -> None:
    """So many a second, for so long."""
    for second in np.arange(since, since + secs, 10.0):
        many = 10 * per_second
        numbers = np.full(many, instrument, np.int32)
        rates.delivered(Table.TRADES, numbers, np.arange(many, dtype=np.int32), float(second))


def test_what_was_remembered_holds_until_something_is_learned() -> None:
    """And of nothing else anything is known."""
    known = KnownRates({line: Rates() for line in LINES}.__getitem__, NUMBERS)
    known.remember({"A": {"trades": 12.0, "quotes": 1.0}, "GONE": {"trades": 3.0}}, 100.0)
    assert known.of(WANTED, 100.0) == {"A": {"trades": 12.0}}


def test_what_is_learned_takes_its_place() -> None:
    """Half of it after an hour and a bit, nearly all in the end."""
    lines = {line: Rates() for line in LINES}
    known = KnownRates(lines.__getitem__, NUMBERS)
    known.remember({"A": {"trades": 10.0}}, 0.0)
    trade(lines[FIRST_LINE], 0, 2, HALF_LIFE_SECS)
    soon = known.of(WANTED, HALF_LIFE_SECS)["A"]["trades"]
    trade(lines[FIRST_LINE], 0, 2, 5 * HALF_LIFE_SECS, HALF_LIFE_SECS)
    late = known.of(WANTED, 6 * HALF_LIFE_SECS)["A"]["trades"]
    assert 4.0 < soon < 6.0
    assert late == pytest.approx(2.0, abs=0.2)


def test_two_lines_are_not_added_up() -> None:
    """Each of them carries all of it."""
    lines = {line: Rates() for line in LINES}
    for line in (FIRST_LINE, SECOND_LINE):
        trade(lines[line], 1, 3, 600.0)
    known = KnownRates(lines.__getitem__, NUMBERS)
    assert known.of(WANTED, 600.0)["B"]["trades"] == pytest.approx(3.0, rel=0.1)


def test_a_connection_carries_what_its_lane_has() -> None:
    """The feeds of it together."""

    def lane_of(sub: Subscription) -> Lane:
        return Lane("deals" if sub.feed == "trades" else "")

    found = by_lane({"A": {"trades": 5.0, "ticker": 1.0, "quotes": 2.0}}, lane_of)
    assert found == {"A": {Lane("deals"): 5.0, Lane(""): 3.0}}
