"""Best bids and asks: whether they are crossed, and between which prices the market lately was.

Looked at are quotes, the bid and ask of tickers, and of books each snapshot by itself.  Not looked
at: what updates make of a book, which only who keeps the whole book can tell.

Invariant: a bid that is not below its ask is a finding, and no measure for trades.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tick_logger.model.doubts import DoubtKind
from tick_logger.model.rows import Array
from tick_logger.model.tables import BOOK_BID, FLAG_SNAPSHOT
from tick_logger.quality.findings import Finding
from tick_logger.quality.joined import Joined
from tick_logger.quality.limits import QUOTE_HOLDS_NS
from tick_logger.quality.numbered import Numbered

QUOTE_FIELDS = ("recv_ns", "best_bid", "best_ask")
BOOK_FIELDS = ("recv_ns", "event_ns", "seq", "side", "price", "size", "flags")


class Quotes:
    """Between which prices each instrument was quoted in the newest two flushes with quotes."""

    def __init__(self) -> None:
        self._low = Numbered(np.inf)
        self._high = Numbered(-np.inf)
        self._seen_ns = Numbered(0)
        self.low: Array = np.empty(0)
        """Lowest bid by instrument, infinite where nothing holds; for the flush that was taken."""
        self.high: Array = np.empty(0)
        """Highest ask; minus infinite there."""

    def take(self, count: int, now_ns: int, quotes: list[Joined]) -> Iterator[Finding]:
        """The quotes of a flush of `count` instruments, received up to `now_ns`."""
        low, high = np.full(count, np.inf), np.full(count, -np.inf)
        for each in quotes:
            bid, ask = each["best_bid"], each["best_ask"]
            sound = (bid > 0) & (bid < ask) & (ask < np.inf)
            least = each.lows(np.where(sound, bid, np.inf))
            most = each.highs(np.where(sound, ask, -np.inf))
            low[each.instruments] = np.minimum(low[each.instruments], least)
            high[each.instruments] = np.maximum(high[each.instruments], most)
            yield from _crossed(each, bid, ask)
        self._remember(count, now_ns, low, high)

    def width(self, instruments: Array) -> Array:
        """How wide they were quoted, as a share of the lowest bid; 0 where nothing holds."""
        low, high = self.low[instruments], self.high[instruments]
        quoted = low <= high
        found: Array = np.where(quoted, high, 1.0) / np.where(quoted, low, 1.0) - 1.0
        return found

    def _remember(self, count: int, now_ns: int, low: Array, high: Array) -> None:
        known = self._low.all(count)[:count], self._high.all(count)[:count]
        seen_ns = self._seen_ns.all(count)[:count]
        holds = now_ns - seen_ns <= QUOTE_HOLDS_NS
        self.low = np.where(holds, np.minimum(known[0], low), low)
        self.high = np.where(holds, np.maximum(known[1], high), high)
        quoted = low <= high
        known[0][quoted], known[1][quoted], seen_ns[quoted] = low[quoted], high[quoted], now_ns


def snapshots(books: Joined) -> Iterator[Finding]:
    """What is crossed among the snapshots of books in a flush, of each by itself."""
    there = (books["flags"] & FLAG_SNAPSHOT) != 0
    levels = books.where(there & (books["size"] > 0) & (books["price"] > 0))
    if levels is None:
        return
    begins = np.zeros(len(levels["seq"]), np.bool_)
    begins[levels.starts] = True
    for name in ("seq", "event_ns", "recv_ns"):
        begins[1:] |= levels[name][1:] != levels[name][:-1]
    first = np.flatnonzero(begins)
    is_bid, price = levels["side"] == BOOK_BID, levels["price"]
    bid = np.maximum.reduceat(np.where(is_bid, price, -np.inf), first)
    ask = np.minimum.reduceat(np.where(is_bid, np.inf, price), first)
    counts = np.add.reduceat(begins.astype(np.int64), levels.starts)
    tops = Joined(
        levels.table,
        levels.instruments,
        np.cumsum(counts) - counts,
        counts,
        {"recv_ns": levels["recv_ns"][first]},
    )
    yield from _crossed(tops, bid, ask)


def _crossed(quotes: Joined, bid: Array, ask: Array) -> Iterator[Finding]:
    wrong = (ask > 0) & (bid >= ask)
    if wrong.any():
        figures = {"bid": bid, "ask": ask}
        wide = np.where(wrong, bid, 1.0) / np.where(wrong, ask, 1.0) - 1.0
        yield from quotes.found(wrong & (bid > ask), DoubtKind.CROSSED, wide, figures)
        yield from quotes.found(wrong & (bid == ask), DoubtKind.LOCKED, wide, figures)
