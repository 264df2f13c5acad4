"""What is recorded around a hole in a stream of trades: where it begins and ends.

Not here: how it is read (`reader`), and what is asked for by it (`net.rest`).
"""

from __future__ import annotations

import attrs


@attrs.frozen
class Trade:
    """A trade that is on disk: its id, and its time by its venue (ns since 1970)."""

    id: int
    event_ns: int


@attrs.frozen
class Surroundings:
    """The last trades received before a hole, the first ones behind it, and those within.

    Both sides are in the order of their event times; they are empty where nothing was recorded.
    Those within came by REST, or late.
    """

    before: tuple[Trade, ...] = ()
    after: tuple[Trade, ...] = ()
    within: frozenset[int] = frozenset()

    @property
    def known(self) -> frozenset[int]:
        """The ids of all of them."""
        return self.within.union(each.id for each in (*self.before, *self.after))
