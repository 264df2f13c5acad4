"""The books of Bybit as last sent, and the contents of each topic's next message.

A book topic holds as many levels as it is named for: a delta is the difference to what was sent
before, so that levels which are pushed out are deleted.  Update ids rise by one per topic.

Not here: when something is sent, and to whom.
"""

from __future__ import annotations

import attrs

from tick_logger.simulator.dialects.bybit_requests import BEST
from tick_logger.simulator.dialects.bybit_texts import Levels
from tick_logger.simulator.listing import Listing, Quote

_REPEAT_US = 3_000_000
_FIRST_UPDATE_ID = 15_000_000


@attrs.define
class _Best:
    """The best levels as last sent."""

    quote: Quote
    update_id: int
    sent_us: int


class BestPrices:
    """The best levels of every listing, which are sent when they change, or after a quiet time."""

    def __init__(self) -> None:
        self._of: dict[str, _Best] = {}

    def begin(self, quote: Quote) -> None:
        """Follow a listing from these best prices on."""
        self._of[quote.listing.spec.symbol] = _Best(quote, _FIRST_UPDATE_ID, 0)

    def due(self, quote: Quote, elapsed_us: int) -> bool:
        """Whether the best prices of now are to be sent; then they are taken for sent."""
        best = self._of[quote.listing.spec.symbol]
        if quote.listing.book.top() != best.quote[3:]:
            best.quote, best.update_id = quote, best.update_id + 1
        elif elapsed_us - best.sent_us < _REPEAT_US:
            return False
        best.sent_us = elapsed_us
        return True

    def levels(self, listing: Listing) -> tuple[Levels, int]:
        """The best levels as last sent, and their time in nanoseconds."""
        best = self._of[listing.spec.symbol]
        levels = Levels(
            listing=listing,
            topic=BEST + listing.spec.symbol,
            kind="snapshot",
            update_id=best.update_id,
            bids=[(best.quote.bid_ticks, best.quote.bid_lots)],
            asks=[(best.quote.ask_ticks, best.quote.ask_lots)],
        )
        return levels, best.quote.time_ns


@attrs.define
class _Window:
    """The levels of one book topic as last sent."""

    update_id: int
    bids: dict[int, int]
    asks: dict[int, int]


class BookWindows:
    """The levels of every book topic that somebody was sent."""

    def __init__(self) -> None:
        self._of: dict[str, _Window] = {}  # by topic

    def begin(self, listing: Listing, topic: str) -> None:
        """Take the book of now for sent, with the next update id."""
        before, depth = self._of.get(topic), int(topic.split(".")[1])
        self._of[topic] = _Window(
            _FIRST_UPDATE_ID if before is None else before.update_id + 1,
            dict(listing.book.levels(is_bid=True, limit=depth)),
            dict(listing.book.levels(is_bid=False, limit=depth)),
        )

    def snapshot(self, listing: Listing, topic: str) -> Levels:
        """The levels as last sent."""
        window = self._of[topic]
        return Levels(
            listing=listing,
            topic=topic,
            kind="snapshot",
            update_id=window.update_id,
            bids=window.bids.items(),
            asks=window.asks.items(),
        )

    def delta(self, listing: Listing, topic: str) -> Levels | None:
        """The levels that differ from those last sent; None if none does."""
        before = self._of[topic]
        self.begin(listing, topic)
        now = self._of[topic]
        bids, asks = _difference(before.bids, now.bids), _difference(before.asks, now.asks)
        if not bids and not asks:
            self._of[topic] = before  # no message, no id
            return None
        return Levels(
            listing=listing,
            topic=topic,
            kind="delta",
            update_id=now.update_id,
            bids=sorted(bids, reverse=True),
            asks=sorted(asks),
        )


def _difference(before: dict[int, int], now: dict[int, int]) -> list[tuple[int, int]]:
    """The levels to set, and those to delete (no lots), to get from one side to another."""
    changed = [(ticks, lots) for ticks, lots in now.items() if before.get(ticks) != lots]
    return changed + [(ticks, 0) for ticks in before if ticks not in now]
