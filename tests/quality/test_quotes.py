"""Crossed and locked: quotes, tickers, and snapshots of books."""

from __future__ import annotations

import math

import pytest

from tests.quality.flushes import at, book, figures, look, quotes, run, unnamed
from tick_logger.model.tables import BOOK_ASK, BOOK_BID, Table


def test_crossed_and_locked_quotes_are_told_apart() -> None:
    """Of two instruments, in one flush; the figures are of the worst row."""
    wrong = quotes(0, [1, 2, 3, 4], [99, 101, 103, 100], [100, 100, 100, 100])
    found = look(unnamed(), wrong, quotes(1, [1, 2], [5, 6], [6, 7]))
    assert figures(found) == [
        (0, "QUOTES", "crossed", 2, {"bid": 103, "ask": 100}),
        (0, "QUOTES", "locked", 1, {"bid": 100, "ask": 100}),
    ]
    assert (found[0].from_ns, found[0].to_ns) == (at(2), at(3))


@pytest.mark.parametrize(
    ("bid", "ask"), [(math.nan, 5), (5, math.nan), (0, 0), (5, 0), (math.nan, math.nan)]
)
def test_a_side_without_a_price_crosses_nothing(bid: float, ask: float) -> None:
    """An empty side is sent as 0 by some, and is not sent by others."""
    assert look(unnamed(), quotes(0, [1], [bid], [ask])) == []


def test_tickers_have_bid_and_ask_too() -> None:
    """Where nobody subscribes quotes, that is what there is."""
    rows = run(3, Table.MD, [1, 2], price=[10, 10], best_bid=[9, 12], best_ask=[11, 11])
    found = look(unnamed(), rows)
    assert figures(found) == [(3, "MD", "crossed", 1, {"bid": 12, "ask": 11})]


def test_each_snapshot_of_a_book_is_looked_at_by_itself() -> None:
    """A book that moved up between two snapshots is not crossed with what it was."""
    sound = book(0, 1, [99, 98], [100, 101]), book(0, 2, [109, 108], [110, 111], seq=2)
    assert look(unnamed(), *sound) == []
    found = look(unnamed(), book(0, 1, [99, 98], [100, 101]), book(1, 2, [98, 104], [103, 101]))
    assert figures(found) == [(1, "BOOK", "crossed", 1, {"bid": 104, "ask": 101})]


def test_updates_of_a_book_are_not_looked_at() -> None:
    """What they make of the book cannot be told from them alone."""
    sides, prices = [BOOK_BID, BOOK_ASK], [105, 100]
    assert look(unnamed(), run(0, Table.BOOK, [1, 1], side=sides, price=prices)) == []
