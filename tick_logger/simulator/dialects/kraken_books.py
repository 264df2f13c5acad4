"""The books of Kraken as the subscribers to each depth have them.

Invariant: a level that falls out of the depth is not deleted, and one that comes back is sent
again.  Not here: when something is sent, and to whom.
"""

from __future__ import annotations

import attrs

from tick_logger.simulator.book import Sides
from tick_logger.simulator.listing import Listing


@attrs.define
class View:
    """A book as the subscribers to one depth of it have it."""

    depth: int
    sides: Sides
    time_ns: int

    @classmethod
    def of(cls, listing: Listing, depth: int, now_ns: int) -> View:
        """The book as it is now."""
        return cls(depth, _sides(listing, depth), now_ns)

    def follow(self, listing: Listing, now_ns: int) -> Sides:
        """Become the book as it is now; returns the levels that changed, deletions first."""
        after, changes = _sides(listing, self.depth), []
        for is_bid, old, new in zip((True, False), self.sides, after, strict=True):
            there, held = listing.book.shown(is_bid), dict(old)
            deleted = [(ticks, 0) for ticks, _ in old if ticks not in there]
            changes.append([*deleted, *(level for level in new if held.get(level[0]) != level[1])])
        self.sides, self.time_ns = after, now_ns
        return changes[0], changes[1]


def _sides(listing: Listing, depth: int) -> Sides:
    book = listing.book
    return book.levels(is_bid=True, limit=depth), book.levels(is_bid=False, limit=depth)
