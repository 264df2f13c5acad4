"""The books of Bybit as last sent, and the contents of each topic's next message.

A book topic holds as many levels as it is named for: a delta is the difference to what was sent
before, so that levels which are pushed out are deleted.  Update ids rise by one per topic.

Not here: when something is sent, and to whom.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

import attrs

from tick_logger.simulator.book import parted
from tick_logger.simulator.dialects.bybit_requests import BEST, DEPTHS
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

    def begin_again(self) -> None:
        """Let update ids begin at 1 with what is sent next, whether or not it has changed."""
        for best in self._of.values():
            best.update_id, best.sent_us = 0, -_REPEAT_US

    def due(self, quote: Quote, elapsed_us: int) -> bool:
        """Whether the best prices of now are to be sent; then they are taken for sent."""
        best = self._of[quote.listing.spec.symbol]
        if quote.listing.book.top() != best.quote[3:] or not best.update_id:
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

    def begin_again(
        self, listings: Iterable[Listing], wanted: Callable[[str], bool]
    ) -> Iterator[Levels]:
        """The books of now that are wanted, which are taken for sent with the first id of all."""
        for listing, depth in itertools.product(listings, DEPTHS):
            topic = f"orderbook.{depth}.{listing.spec.symbol}"
            if wanted(topic):
                self.begin(listing, topic)
                self._of[topic].update_id = 1
                yield from self.begun(listing, topic, None)

    def begun(self, listing: Listing, topic: str, hollow: tuple[bool, bool] | None) -> list[Levels]:
        """The levels as last sent, or a snapshot without these sides, and what fills it."""
        window = self._of[topic]
        sides = list(window.bids.items()), list(window.asks.items())
        first, filling = parted(sides, hollow)
        last_id = window.update_id
        parts = [("snapshot", last_id, sides)]
        if filling is not None and last_id > 1:  # the first id of all has none before it
            parts = [("snapshot", last_id - 1, first), ("delta", last_id, filling)]
        return [
            Levels(
                listing=listing, topic=topic, kind=kind, update_id=update_id, bids=bids, asks=asks
            )
            for kind, update_id, (bids, asks) in parts
        ]

    def deltas(self, listing: Listing, wanted: Callable[[str], bool]) -> Iterator[Levels]:
        """What differs from what was last sent, of the topics that are wanted."""
        for depth in DEPTHS:
            topic = f"orderbook.{depth}.{listing.spec.symbol}"
            levels = self._delta(listing, topic) if wanted(topic) else None
            if levels is not None:
                yield levels

    def _delta(self, listing: Listing, topic: str) -> Levels | None:
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
