"""`Book`: an order book at one moment, as a user gets it."""

from __future__ import annotations

from typing import NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.reader.levels import Levels
from tick_logger.reader.source import Symbol

SHOWN_LEVELS = 10
"""Levels of each side that a book shows of itself."""


class Best(NamedTuple):
    """The best bid and ask, NaN where a side has no levels."""

    bid: float
    bid_size: float
    ask: float
    ask_size: float


@attrs.frozen(eq=False, repr=False)
class Book:
    """An order book as it was at a moment, with all rows of event times up to it applied.

    `bids` and `asks` are float64 of shape `(n, 2)`, price and size of each level, the best first;
    they cannot be written to.  Prices and sizes are as the venue sent them.

    >>> book = rec.book("coinbase:BTC-USD", "2026-11-29T10:02:00Z", depth=10)
    >>> book.best.bid, book.best.ask, book.cause
    (84106.07, 84106.11, '')
    """

    symbol: Symbol
    at: np.datetime64
    """The moment that was asked for (ns, UTC)."""
    as_of: np.datetime64
    """The event time of the last row that was applied; NaT where there is no book."""
    bids: npt.NDArray[np.float64]
    asks: npt.NDArray[np.float64]
    cause: str
    """Why it is broken: a word of the list in the page on files, or "no snapshot" before the first
    one, when there is no book; empty if it is not broken."""
    levels: tuple[int, int]
    """How many bids and asks there are, whatever `depth` was asked for."""

    @property
    def broken(self) -> bool:
        """Whether it is not known to be right: inside a hole, or before it began."""
        return bool(self.cause)

    @property
    def best(self) -> Best:
        """Prices and sizes of the best bid and ask."""
        (bid, bid_size), (ask, ask_size) = (
            side[0].tolist() if len(side) else (float("nan"), float("nan"))
            for side in (self.bids, self.asks)
        )
        return Best(bid, bid_size, ask, ask_size)

    def __repr__(self) -> str:
        """A line that says what it is, and the best levels of both sides."""
        state = f", broken: {self.cause}" if self.broken else ""
        bids, asks = self.levels
        of = "" if np.isnat(self.as_of) else f", as of {self.as_of}Z"
        head = f"{self.symbol} book at {self.at}Z{of}: {bids:,} bids, {asks:,} asks{state}"
        return "\n".join([head, *_ladder(self.bids, self.asks)])


def book_of(
    symbol: Symbol, at_ns: int, levels: Levels | None, last_ns: int, cause: str, depth: int | None
) -> Book:
    """A book of these levels; None: there is none."""
    levels = levels or Levels()
    bids = _column(levels.bids.prices[::-1], levels.bids.sizes[::-1], depth)
    asks = _column(levels.asks.prices, levels.asks.sizes, depth)
    return Book(
        symbol,
        np.datetime64(at_ns, "ns"),
        np.datetime64(last_ns, "ns"),
        bids,
        asks,
        cause,
        (len(levels.bids.prices), len(levels.asks.prices)),
    )


def _column(
    prices: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64], depth: int | None
) -> npt.NDArray[np.float64]:
    made = np.column_stack([prices[:depth], sizes[:depth]])
    made.flags.writeable = False
    return made


def _ladder(bids: npt.NDArray[np.float64], asks: npt.NDArray[np.float64]) -> list[str]:
    rows = min(max(len(bids), len(asks)), SHOWN_LEVELS)
    if not rows:
        return []
    cells = [("bid size", "bid", "ask", "ask size")]
    for row in range(rows):
        bid, ask = (
            [f"{number:.15g}" for number in side[row].tolist()] if row < len(side) else ["", ""]
            for side in (bids, asks)
        )
        cells.append((bid[1], bid[0], ask[0], ask[1]))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
