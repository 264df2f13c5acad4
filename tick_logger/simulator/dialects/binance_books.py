"""The books of Binance on the socket: changes at two speeds, and the best levels alone.

A stream of changes says each 100 ms, or each second, what has changed since it said so last; ids
join in each by itself.  A partial one says its best levels, all of them, when anything has changed.
Changes can be held back, so that a snapshot by REST is ahead of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

import attrs

from tick_logger.simulator.book import BookChanges, Level
from tick_logger.simulator.dialects import binance_texts as texts
from tick_logger.simulator.hub import Hub
from tick_logger.simulator.listing import Listing
from tick_logger.simulator.market import Market
from tick_logger.simulator.periods import Periodic

_PERIOD_US, _SLOW_PERIOD_US = 100_000, 1_000_000
_FAST = "@100ms"
_PARTIAL_DEPTHS = (5, 10, 20)


class Depths:
    """What the streams of all books have to say."""

    def __init__(self, hub: Hub, market: Market) -> None:
        self._hub = hub
        self._market = market
        self._due = Periodic(_PERIOD_US, _PERIOD_US)
        self._slow_due = Periodic(_SLOW_PERIOD_US, _SLOW_PERIOD_US)
        self._slow: dict[str, BookChanges] = {}  # since the slow streams said so last, by symbol
        # What is held back: since when, in microseconds, stream and text.
        self._held: deque[tuple[int, str, Callable[[int], str]]] = deque()

    def tick(self, elapsed_us: int) -> None:
        """Send what is due."""
        if not self._due.due(elapsed_us):
            return
        for listing in self._market.listings.values():
            if listing.book.changed:
                changes, symbol = listing.book.fetch_changes(), listing.spec.symbol
                self._slow[symbol] = _together(self._slow.get(symbol), changes)
                self._hold(listing, _FAST, changes, elapsed_us)
                self._publish_best(listing, _FAST)
        if self._slow_due.due(elapsed_us):
            for symbol, changes in self._slow.items():
                listing = self._market.listings[symbol]
                self._hold(listing, "", changes, elapsed_us)
                self._publish_best(listing, "")
            self._slow = {}
        until_us = elapsed_us - round(self._hub.faults.rest_lead_secs * 1e6)
        while self._held and self._held[0][0] <= until_us:
            _, stream, text = self._held.popleft()
            self._hub.publish(stream, partial(_wrapped, stream, text))

    def _hold(self, listing: Listing, speed: str, changes: BookChanges, elapsed_us: int) -> None:
        text = partial(texts.depth_update, listing.spec, changes, self._market.now_ns)
        self._held.append((elapsed_us, f"{listing.spec.symbol.lower()}@depth{speed}", text))

    def _publish_best(self, listing: Listing, speed: str) -> None:
        for depth in _PARTIAL_DEPTHS:
            stream = f"{listing.spec.symbol.lower()}@depth{depth}{speed}"
            if self._hub.wanted(stream):
                text = texts.depth_snapshot(listing, depth).decode()
                self._hub.publish(stream, partial(texts.wrapped, stream, text))


def _together(before: BookChanges | None, after: BookChanges) -> BookChanges:
    """Each level once, with its newest lots, best first."""
    if before is None:
        return after
    return attrs.evolve(
        after,
        first_id=before.first_id,
        bids=sorted(_newest(before.bids, after.bids), reverse=True),
        asks=sorted(_newest(before.asks, after.asks)),
    )


def _newest(before: list[Level], after: list[Level]) -> list[Level]:
    return list((dict(before) | dict(after)).items())


def _wrapped(stream: str, text: Callable[[int], str], variant: int) -> bytes:
    return texts.wrapped(stream, text(variant), variant)
