"""What a book that its venue cuts is after many rows, nearly all of them applied at once.

A level can fall out only where as many better ones are there as the book is deep.  Of all prices
that a side has or is given in a stretch of rows, the best so many therefore never fall out: they
are *safe*, only the last row of each counts, and how many of them are there at each row is a sum.
The others are applied row by row, and cut to the places that the safe ones leave.  Pure.

Not here: a book that is looked at between two rows (`ladders.CutLadder`).
"""

from __future__ import annotations

import sys
from bisect import bisect_left, insort

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.reader.levels import Floats, Levels, Side, Updates

Ints = npt.NDArray[np.int64]

NO_CUT = -(1 << 40)
"""Levels that are there where no update has ended: nothing is cut."""


def after_cut(levels: Levels, updates: Updates) -> Levels:
    """A book that is cut after each update, after some rows."""
    depth = sys.maxsize if levels.depth is None else levels.depth
    there = ~np.isnan(updates.prices)  # NaN: a snapshot says that a side has no levels
    ended = np.concatenate(([0], np.cumsum(updates.ends)))  # updates before each row
    sides = []
    for side, sign, of in (
        (levels.bids, -1, updates.is_bid),
        (levels.asks, 1, ~updates.is_bid),
    ):
        rows = np.flatnonzero(of & there)
        before = ended[np.concatenate(([0], rows, [len(updates)]))]
        stretch = _Stretch(
            np.concatenate([side.prices[::sign], updates.prices[rows]]) * sign,
            np.concatenate([side.sizes[::sign], updates.sizes[rows]]),
            len(side.prices),
            before[1:] > before[:-1],
        )
        keys, sizes = stretch.last(depth)
        sides.append(Side((keys * sign)[::sign], sizes[::sign]))
    return Levels(sides[0], sides[1], levels.depth)


@attrs.frozen(eq=False)
class _Stretch:
    """The levels of one side as if they were rows, the best first, and behind them its rows.

    `keys`: prices times a sign, so that better ones are lower.  `ends`, one more than rows: whether
    an update has ended before the first row, and after each.
    """

    keys: Floats
    sizes: Floats
    levels: int
    ends: npt.NDArray[np.bool_]

    def last(self, depth: int) -> tuple[Floats, Floats]:
        """Keys, ascending, and sizes of the levels that are there in the end."""
        count = len(self.keys)
        if not count:
            return self.keys, self.sizes
        order = np.argsort(self.keys)  # not stable, but several times faster
        ascending = self.keys[order]
        is_first = np.concatenate(([True], ascending[1:] != ascending[:-1]))
        firsts = np.flatnonzero(is_first)
        is_set = self.sizes != 0
        candidates = np.flatnonzero(np.logical_or.reduceat(is_set[order], firsts))
        safe, safe_firsts = count, firsts
        if len(candidates) > depth:
            safe = int(firsts[candidates[depth]])
            safe_firsts = firsts[: candidates[depth]]
        last = np.maximum.reduceat(order[:safe], safe_firsts)
        last = last[is_set[last]]
        if safe == count:
            return self.keys[last], self.sizes[last]
        filled = self._filled(order[:safe], is_first[:safe], is_set)
        others = self._others(np.sort(order[safe:]), depth - filled)
        keys, sizes = (np.array(list(of), np.float64) for of in (others.keys(), others.values()))
        return np.concatenate([self.keys[last], keys]), np.concatenate([self.sizes[last], sizes])

    def _filled(
        self, order: Ints, is_first: npt.NDArray[np.bool_], is_set: npt.NDArray[np.bool_]
    ) -> Ints:
        """How many safe levels there are where an update ends, `NO_CUT` where none does.

        `order`: the rows of safe levels by key, and which of them are the first of theirs.
        """
        count = len(self.keys)
        base = np.cumsum(is_first) * count
        rows = np.sort(base + order) - base  # in order within each key
        now = is_set[rows].astype(np.int8)
        change = now.copy()
        change[1:] -= np.where(is_first[1:], 0, now[:-1]).astype(np.int8)
        changes = np.zeros(count, np.int8)
        changes[rows] = change
        filled = np.cumsum(changes, dtype=np.int64)
        ends = np.zeros(count, np.bool_)
        ends[self.levels :] = self.ends[1:]
        if self.levels:
            ends[self.levels - 1] = self.ends[0]
        return np.where(ends, filled, NO_CUT)

    def _others(self, rows: Ints, places: Ints) -> dict[float, float]:
        """Sizes by key, ascending, of the levels that are not safe, given their rows in order.

        `places`: for how many of them there is a place where an update ends.  What holds between
        two of their rows is the least of these.
        """
        begun = int(np.searchsorted(rows, self.levels))
        keys: list[float] = self.keys[rows[:begun]].tolist()
        there = dict(zip(keys, self.sizes[rows[:begun]].tolist(), strict=True))
        least = np.minimum.reduceat(places, np.concatenate(([0], rows[begun:]))).tolist()
        steps = zip(
            least, self.keys[rows[begun:]].tolist(), self.sizes[rows[begun:]].tolist(), strict=False
        )
        for most, key, size in steps:
            if len(keys) > most:
                cut(keys, there, most)
            if size:
                if key not in there:
                    insort(keys, key)
                there[key] = size
            elif key in there:
                del there[key]
                del keys[bisect_left(keys, key)]
        if len(keys) > least[-1]:
            cut(keys, there, least[-1])
        return {key: there[key] for key in keys}


def cut(keys: list[float], there: dict[float, float], most: int) -> None:
    """Leave so many levels; `keys`, ascending, are those of `there`."""
    for key in keys[most:]:
        del there[key]
    del keys[most:]
