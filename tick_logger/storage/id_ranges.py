"""Sets of ids held as unbroken ranges: 16 bytes per range, however many ids it spans.  Pure."""

from __future__ import annotations

from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

Ids: TypeAlias = npt.NDArray[np.uint64]

_NONE = np.empty(0, np.uint64)
_ONE = np.uint64(1)


@attrs.frozen(eq=False)
class IdRanges:
    """Ranges `first` to `last` (both included; uint64, shape `(n,)`), ascending, never touching."""

    first: Ids = _NONE
    last: Ids = _NONE

    @classmethod
    def of(cls, ids: Ids) -> IdRanges:
        """The set of these ids, which may come in any order and repeat."""
        return cls.spanning(ids, ids)

    @classmethod
    def spanning(cls, first: Ids, last: Ids) -> IdRanges:
        """The union of ranges, which may overlap and come in any order."""
        if not len(first):
            return cls()
        order = np.argsort(first, kind="stable")  # linear in the usual case, already sorted
        first, reach = first[order], np.maximum.accumulate(last[order])
        # Written without adding one, which would wrap at the largest id.
        apart = (first[1:] > reach[:-1]) & (first[1:] - reach[:-1] > _ONE)
        edges = np.flatnonzero(apart)
        starts = np.concatenate(([0], edges + 1))
        ends = np.append(edges, len(first) - 1)
        found = cls(first[starts], reach[ends])
        assert (found.last[:-1] < found.first[1:]).all(), "ranges that touch, or go back"
        return found

    def union(self, other: IdRanges) -> IdRanges:
        """The ids of either set."""
        return self.spanning(
            np.concatenate((self.first, other.first)), np.concatenate((self.last, other.last))
        )

    def contains(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """Which of the ids are in the set."""
        if not len(self.first):
            return np.zeros(len(ids), np.bool_)
        at = np.searchsorted(self.first, ids, side="right") - 1
        return np.asarray((at >= 0) & (ids <= self.last[at]))

    def holes(self) -> IdRanges:
        """The ids between the ranges."""
        return IdRanges(self.last[:-1] + _ONE, self.first[1:] - _ONE)

    def common(self, other: IdRanges) -> IdRanges:
        """The ids of both sets."""
        # Each range of `self` meets an unbroken stretch of the ranges of `other`.
        begin = np.searchsorted(other.last, self.first, side="left")
        end = np.searchsorted(other.first, self.last, side="right")
        counts = end - begin
        mine = np.repeat(np.arange(len(self.first)), counts)
        within = np.arange(len(mine)) - np.repeat(np.cumsum(counts) - counts, counts)
        theirs = begin[mine] + within
        return IdRanges(
            np.maximum(self.first[mine], other.first[theirs]),
            np.minimum(self.last[mine], other.last[theirs]),
        )

    def without(self, other: IdRanges) -> IdRanges:
        """The ids of this set that are not in the other."""
        everything = np.array([0], np.uint64), np.array([np.iinfo(np.uint64).max], np.uint64)
        if not len(other.first):
            return self
        # What surrounds the other set: its holes, what is below and what is above.
        first = np.concatenate((everything[0], other.last + _ONE))
        last = np.concatenate((other.first - _ONE, everything[1]))
        real = np.ones(len(first), np.bool_)
        real[0] = other.first[0] > 0
        real[-1] = other.last[-1] < everything[1][0]
        return self.common(IdRanges(first[real], last[real]))

    def count(self) -> int:
        """How many ids are in the set."""
        return int((self.last - self.first).sum()) + len(self.first)

    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The ranges as (first, last)."""
        return tuple(zip(self.first.tolist(), self.last.tolist(), strict=True))
