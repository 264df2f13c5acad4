"""Trades far outside the quotes around them, and prices that jump."""

from __future__ import annotations

import pytest

from tests.quality.flushes import figures, look, quotes, run, trades, unnamed
from tick_logger.model.tables import ORIGIN_LATE, ORIGIN_REST, Table
from tick_logger.quality.checks import Checks

STEPS = [100.0, 100.1] * 12
"""24 prices, each a tenth of a per cent from the one before."""


def settled(checks: Checks, instrument: int = 0, scale: float = 1.0) -> None:
    """Let the usual moves of an instrument become known, until second 3."""
    secs = [1 + 2 * number / len(STEPS) for number in range(len(STEPS))]
    assert look(checks, trades(instrument, secs, [scale * each for each in STEPS])) == []


def test_trades_far_outside_the_quotes_are_found() -> None:
    """More than five per cent beyond: above at one instrument, below at the other."""
    checks = unnamed()
    runs = [quotes(each, [1], [99.9], [100.0]) for each in (0, 7)]
    assert look(checks, *runs, trades(0, [1], [104.9]), trades(7, [1], [95.0])) == []
    found = look(checks, trades(0, [2, 2.1], [105.1, 106]), trades(7, [2], [94.8]))
    assert figures(found) == [
        (0, "TRADES", "outside", 2, {"price": 106, "bid": 99.9, "ask": 100}),
        (7, "TRADES", "outside", 1, {"price": 94.8, "bid": 99.9, "ask": 100}),
    ]


def test_the_quotes_of_the_same_flush_count_whether_they_come_before_or_after() -> None:
    """Tables are clocked apart: a trade may stand before the quote that it made."""
    checks = unnamed()
    look(checks, quotes(0, [1], [99.9], [100.0]))
    assert look(checks, trades(0, [2], [120.0]), quotes(0, [2.2], [119.0], [121.0])) == []


def test_old_quotes_are_no_measure() -> None:
    """They hold for 5 s: quotes may stop while trades go on."""
    checks = unnamed()
    look(checks, quotes(0, [1], [99.9], [100.0]))
    assert len(look(checks, trades(0, [6], [120.0]))) == 1
    assert look(checks, trades(0, [6.1], [120.0])) == []


def test_where_nobody_quotes_narrowly_trades_may_be_far() -> None:
    """Three times the width of the quotes, where that is more than five per cent."""
    checks = unnamed()
    wide = quotes(0, [1], [90.0], [100.0])
    assert look(checks, wide, trades(0, [1], [130.0])) == []
    assert figures(look(checks, trades(0, [2], [130.1]))) == [
        (0, "TRADES", "outside", 1, {"price": 130.1, "bid": 90, "ask": 100})
    ]


def test_crossed_quotes_are_no_measure() -> None:
    """Of something that is wrong it cannot be told what is right."""
    found = look(unnamed(), quotes(0, [1], [200.0], [100.0]), trades(0, [1], [110.0]))
    assert [each.kind.value for each in found] == ["crossed"]


def test_a_jump_is_found_once_there_and_once_back() -> None:
    """At two instruments, up tenfold and down to a tenth; what stays is found once."""
    checks = unnamed()
    settled(checks)
    settled(checks, 1, 0.01)
    spike = trades(0, [4, 4.1, 4.2], [1010.0, 101.0, 101.1])
    found = look(checks, spike, trades(1, [4, 5, 6], [0.1, 0.1, 0.1]))
    assert figures(found) == [
        (0, "TRADES", "jump", 2, {"before": 100.1, "price": 1010, "usual": 0.0009995}),
        (1, "TRADES", "jump", 1, {"before": 1.001, "price": 0.1, "usual": 0.0009995}),
    ]
    assert look(checks, trades(0, [7], [100.0]), trades(1, [7], [0.1])) == []


def test_less_than_five_per_cent_is_no_jump() -> None:
    """However quiet it was before."""
    checks = unnamed()
    settled(checks)
    assert look(checks, trades(0, [4], [105.2])) == []
    assert len(look(checks, trades(0, [5], [110.9]))) == 1


def test_where_every_move_is_large_it_takes_more() -> None:
    """Thirty times what is usual: here a per cent."""
    checks, prices = unnamed(), [100.0, 101.0] * 12
    look(checks, trades(0, [1] * 24, prices))
    assert look(checks, trades(0, [2], [134.0])) == []
    checks = unnamed()
    look(checks, trades(0, [1] * 24, prices))
    assert len(look(checks, trades(0, [2], [138.0]))) == 1


def test_what_is_wrong_does_not_become_usual() -> None:
    """Ten spikes one after the other are all found."""
    checks = unnamed()
    settled(checks)
    for number in range(10):
        secs = [4.0 + number, 4.5 + number]
        (found,) = look(checks, trades(0, secs, [1000.0, 100.0]))
        assert found.rows == 2


def test_a_jump_is_judged_when_enough_moves_are_known() -> None:
    """Not by the first trades of a run, nor over a silence of more than a minute."""
    assert look(unnamed(), trades(0, [1, 2, 3], [100.0, 100.1, 1000.0])) == []
    checks = unnamed()
    settled(checks)
    assert look(checks, trades(0, [64], [1000.0])) == []


def test_tickers_jump_too() -> None:
    """They have moves of their own."""
    checks = unnamed()
    no = [float("nan")] * len(STEPS)
    ticker = run(0, Table.MD, [1] * len(STEPS), price=STEPS, best_bid=no, best_ask=no)
    assert look(checks, ticker) == []
    found = look(checks, run(0, Table.MD, [2], price=[10.0], best_bid=[9.9], best_ask=[10.1]))
    assert [(each.table, each.kind.value) for each in found] == [(Table.MD, "jump")]


@pytest.mark.parametrize("origin", [ORIGIN_LATE, ORIGIN_REST])
def test_prices_of_rows_that_came_late_are_not_judged(origin: int) -> None:
    """They are of another time."""
    checks = unnamed()
    settled(checks)
    late = run(0, Table.TRADES, [4], event_secs=[2.5], price=[1000.0], origin=origin)
    assert look(checks, late) == []


def test_a_trade_without_a_price_is_passed_over() -> None:
    """And is no move for the next."""
    checks = unnamed()
    settled(checks)
    assert look(checks, trades(0, [4, 5, 6], [float("nan"), 0.0, 100.0])) == []
