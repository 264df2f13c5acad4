"""What is recorded around a hole in a stream of trades: where it begins and ends.

An id alone does not tell a trade: ids begin again, also where they give no order.  Two are the same
if their times are, too, but for the digits that a venue leaves out by REST.

Not here: how it is read (`reader`), and what is asked for by it (`net.rest`).
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt

SAME_NS = 2 * 10**6
"""Two times of one trade differ by so much at most: REST may have it in ms, the stream in finer."""

Ids = npt.NDArray[np.uint64]
Times = npt.NDArray[np.int64]


@attrs.frozen
class Trade:
    """A trade that is on disk: its id, and its time by its venue (ns since 1970)."""

    id: int
    event_ns: int


@attrs.frozen(eq=False)
class KnownTrades:
    """Some trades by ids and event times (each of shape `(n,)`), in the order of both."""

    ids: Ids
    event_ns: Times

    @classmethod
    def of(cls, ids: npt.ArrayLike, event_ns: npt.ArrayLike) -> KnownTrades:
        """These trades, in whatever order."""
        numbers, times = np.asarray(ids, np.uint64), np.asarray(event_ns, np.int64)
        assert len(numbers) == len(times), "a time for each id"
        order = np.lexsort((times, numbers))
        return cls(numbers[order], times[order])

    @classmethod
    def of_all(cls, trades: Sequence[Trade]) -> KnownTrades:
        """These trades, one by one."""
        return cls.of([each.id for each in trades], [each.event_ns for each in trades])

    def __len__(self) -> int:
        return len(self.ids)

    def has(self, ids: Ids, event_ns: Times) -> npt.NDArray[np.bool_]:
        """Which of other trades are among these (shape `(m,)`)."""
        found = np.zeros(len(ids), np.bool_)
        place = np.searchsorted(self.ids, ids)
        end = np.searchsorted(self.ids, ids, side="right")
        while (place < end).any():  # once for each time that ids began again
            there = np.flatnonzero(place < end)
            apart = np.abs(self.event_ns[place[there]] - event_ns[there])
            found[there] |= apart <= SAME_NS
            place += 1
        return found

    def union(self, other: KnownTrades) -> KnownTrades:
        """These and others."""
        return self.of(
            np.concatenate((self.ids, other.ids)), np.concatenate((self.event_ns, other.event_ns))
        )


def _nothing() -> KnownTrades:
    return KnownTrades.of((), ())


@attrs.frozen(eq=False)
class Surroundings:
    """The last trades received before a hole, the first ones behind it, and those within.

    Both sides are in the order of their event times; they are empty where nothing was recorded.
    Those within came by REST, or late.
    """

    before: tuple[Trade, ...] = ()
    after: tuple[Trade, ...] = ()
    within: KnownTrades = attrs.field(factory=_nothing)

    @property
    def known(self) -> KnownTrades:
        """All of them."""
        return self.within.union(KnownTrades.of_all((*self.before, *self.after)))
