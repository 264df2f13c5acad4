"""The books of Kraken as the subscribers to each depth have them.

Invariant: a level that falls out of the depth is not deleted, and one that comes back is sent
again.  Not here: when something is sent, and to whom.
"""

from __future__ import annotations

import attrs

from tick_logger.simulator.book import Sides, parted
from tick_logger.simulator.dialects import kraken_texts as texts
from tick_logger.simulator.hub import Hub
from tick_logger.simulator.listing import Listing
from tick_logger.simulator.symbols import SymbolSpec


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


def begun(spec: SymbolSpec, view: View, hub: Hub) -> list[bytes]:
    """The first message of a book, or two: one without some side, and one that fills it."""
    first, filling = parted(view.sides, hub.next_hollow_sides())
    after = None if hub.omits_next_checksum() else first
    snapshot = texts.book("snapshot", spec, first, after, view.time_ns)
    return [snapshot] + ([] if filling is None else [changed(spec, filling, view, hub)])


def changed(spec: SymbolSpec, changes: Sides, view: View, hub: Hub) -> bytes:
    """A message about changes, with the checksum of the book after it unless that is omitted."""
    after = None if hub.omits_next_checksum() else view.sides
    return texts.book("update", spec, changes, after, view.time_ns)
