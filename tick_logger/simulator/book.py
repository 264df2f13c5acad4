"""One symbol's order book in whole ticks and lots, and what changed in it since last asked.

Every change takes a new update id.  The best bid is always below the best ask, and both sides
always hold levels: whoever moves the market calls `set_level` in an order that keeps this true.  A
side can be hidden: for clients it is empty then, while the market goes on with it.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

Level = tuple[int, int]  # (ticks, lots)


@attrs.frozen
class BookChanges:
    """Levels that changed within update ids `first_id` to `last_id`; zero lots delete a level."""

    first_id: int
    last_id: int
    bids: list[Level]
    asks: list[Level]


Sides = tuple[list[Level], list[Level]]
"""Bids and asks, best first."""


def parted(sides: Sides, hollow: tuple[bool, bool] | None) -> tuple[Sides, Sides | None]:
    """What a snapshot has that lacks these sides, and what fills it; None if it lacks none."""
    if hollow is None:
        return sides, None
    bids, asks = sides
    lacks_bids, lacks_asks = hollow
    first = [] if lacks_bids else bids, [] if lacks_asks else asks
    return first, (bids if lacks_bids else [], asks if lacks_asks else [])


class Book:
    """Levels of both sides, the best of each, and the changes not yet fetched."""

    def __init__(self, bids: Mapping[int, int], asks: Mapping[int, int], update_id: int) -> None:
        self._bids = dict(bids)
        self._asks = dict(asks)
        self.best_bid = max(self._bids, default=0)
        self.best_ask = min(self._asks, default=0)
        self.most_levels = max(len(self._bids), len(self._asks))
        self.update_id = update_id
        self._fetched_id = update_id
        self._hidden: tuple[bool, bool] = (False, False)  # asks, bids
        self._changed_bids: dict[int, int] = {}
        self._changed_asks: dict[int, int] = {}

    @property
    def changed(self) -> bool:
        """Whether anything changed since `fetch_changes`."""
        return self.update_id != self._fetched_id

    def side(self, is_bid: bool) -> Mapping[int, int]:
        """Lots by ticks of one side."""
        return self._bids if is_bid else self._asks

    def set_level(self, is_bid: bool, ticks: int, lots: int, ids: int = 1) -> None:
        """Set a level's lots (zero deletes it), using up `ids` update ids."""
        levels, changed = (
            (self._bids, self._changed_bids) if is_bid else (self._asks, self._changed_asks)
        )
        if not self._hidden[is_bid]:
            changed[ticks] = lots
        self.update_id += ids
        if lots:
            levels[ticks] = lots
            if is_bid and ticks > self.best_bid:
                self.best_bid = ticks
            elif not is_bid and ticks < self.best_ask:
                self.best_ask = ticks
            return
        del levels[ticks]
        if is_bid and ticks == self.best_bid:
            self.best_bid = max(levels)
        elif not is_bid and ticks == self.best_ask:
            self.best_ask = min(levels)

    def hide(self, *, asks: bool, bids: bool) -> None:
        """Hide these sides from now on, and show the others."""
        for is_bid, hides in ((False, asks), (True, bids)):
            levels = self.side(is_bid)
            changed = self._changed_bids if is_bid else self._changed_asks
            if hides != self._hidden[is_bid]:
                changed.update(dict.fromkeys(levels, 0) if hides else levels)
                self.update_id += 1
        self._hidden = asks, bids

    def shown(self, is_bid: bool) -> Mapping[int, int]:
        """Lots by ticks of one side, as clients may see it."""
        return {} if self._hidden[is_bid] else self.side(is_bid)

    def top(self) -> tuple[int, int, int, int]:
        """(bid ticks, bid lots, ask ticks, ask lots) of the best levels."""
        return (
            self.best_bid,
            self._bids[self.best_bid],
            self.best_ask,
            self._asks[self.best_ask],
        )

    def levels(self, is_bid: bool, limit: int | None = None) -> list[Level]:
        """The levels of one side that clients may see, best first."""
        return sorted(self.shown(is_bid).items(), reverse=is_bid)[:limit]

    def fetch_changes(self) -> BookChanges:
        """The changes since the last call, each level once with its newest lots, best first."""
        changes = BookChanges(
            first_id=self._fetched_id + 1,
            last_id=self.update_id,
            bids=sorted(self._changed_bids.items(), reverse=True),
            asks=sorted(self._changed_asks.items()),
        )
        self._fetched_id = self.update_id
        self._changed_bids.clear()
        self._changed_asks.clear()
        return changes
