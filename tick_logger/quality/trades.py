"""Prices of trades and tickers: against the quotes around them, and against their own moves.

What is usual is a running mean of the moves that were none of zero, each counting `MOVE_AT_MOST`
times as much as that at most, so that what is wrong does not become usual.

Invariant: what was found is the next one's measure all the same: a price that stays is found once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tick_logger.model.doubts import DoubtKind
from tick_logger.model.rows import Array
from tick_logger.quality.findings import Finding
from tick_logger.quality.joined import Joined
from tick_logger.quality.limits import (
    JUMP_MOVES,
    JUMP_SHARE,
    JUMP_TIMES,
    JUMP_WITHIN_NS,
    MOVE_AT_MOST,
    MOVES_REMEMBERED,
    OUTSIDE_SHARE,
    OUTSIDE_SPREADS,
)
from tick_logger.quality.numbered import Numbered
from tick_logger.quality.quotes import Quotes

PRICE_FIELDS = ("recv_ns", "event_ns", "price")


def outside(trades: Joined, quotes: Quotes) -> Iterator[Finding]:
    """Trades that are far outside the quotes around them."""
    low, high = quotes.low[trades.instruments], quotes.high[trades.instruments]
    quoted = low <= high
    low, high = np.where(quoted, low, 0.0), np.where(quoted, high, np.inf)
    margin = np.where(quoted, np.maximum(OUTSIDE_SHARE * low, OUTSIDE_SPREADS * (high - low)), 0.0)
    price = trades["price"]
    if not ((trades.lows(price) < low - margin) | (trades.highs(price) > high + margin)).any():
        return
    below, above = trades.spread(low - margin) - price, price - trades.spread(high + margin)
    figures = {"price": price, "bid": trades.spread(low), "ask": trades.spread(high)}
    beyond = np.maximum(below, above)
    yield from trades.found(beyond > 0, DoubtKind.OUTSIDE, beyond / price, figures)


class Moves:
    """How far prices of one table move from one row to the next, by instrument."""

    def __init__(self) -> None:
        self._price = Numbered(np.nan)
        self._event_ns = Numbered(0)
        self._usual = Numbered(0.0)  # of the moves that are none of zero, as logarithms
        self._known = Numbered(0.0)  # of so many

    def take(self, count: int, rows: Joined, quotes: Quotes) -> Iterator[Finding]:
        """The rows of a flush of `count` instruments, with prices above 0."""
        whose, price, event_ns = rows.instruments, rows["price"], rows["event_ns"]
        before, moves = self._moves(count, rows)
        usual, known = self._usual.all(count), self._known.all(count)
        most = np.maximum(JUMP_SHARE, JUMP_TIMES * usual[whose]) + quotes.width(whose)
        most[known[whose] < JUMP_MOVES] = np.inf
        greatest = rows.highs(moves)
        if (greatest > most).any():
            wrong = moves > rows.spread(most)
            figures = {"before": before, "price": price, "usual": rows.spread(usual[whose])}
            yield from rows.found(wrong, DoubtKind.JUMP, moves, figures)
        self._learn(rows, moves, usual, known)
        self._price.all(count)[whose] = rows.lasts(price)
        self._event_ns.all(count)[whose] = rows.lasts(event_ns)

    def _moves(self, count: int, rows: Joined) -> tuple[Array, Array]:
        """The price before each row, and how far it moved; 0 after a silence."""
        price, event_ns = rows["price"], rows["event_ns"]
        before, before_ns = np.roll(price, 1), np.roll(event_ns, 1)
        before[rows.starts] = self._price.all(count)[rows.instruments]
        before_ns[rows.starts] = self._event_ns.all(count)[rows.instruments]
        moves = np.abs(np.log(price / before))
        moves[(event_ns - before_ns > JUMP_WITHIN_NS) | np.isnan(moves)] = 0.0
        return before, moves

    def _learn(self, rows: Joined, moves: Array, usual: Array, known: Array) -> None:
        whose = rows.instruments
        most = np.where(known[whose] >= JUMP_MOVES, MOVE_AT_MOST * usual[whose], np.inf)
        sums = rows.sums(np.minimum(moves, rows.spread(most)))
        counts = rows.sums((moves > 0).astype(np.float64))
        moved = counts > 0
        whose, sums, counts = whose[moved], sums[moved], counts[moved]
        known[whose] = np.minimum(known[whose] + counts, MOVES_REMEMBERED)
        share = np.minimum(counts / known[whose], 1.0)
        usual[whose] += share * (sums / counts - usual[whose])
