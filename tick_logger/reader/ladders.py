"""A book that moves on row by row, and can be looked at in between.

    WholeLadder   all levels: each row is put at the place of its price by numpy
    CutLadder     cut to some levels a side after each update, as its venue does

A venue that cuts deletes nothing that fell out, and sends it again when it comes back.  So a book
must be cut where the venue does, or levels that went away unseen would come back.  Pure.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, insort
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tick_logger.reader.cut_levels import cut
from tick_logger.reader.levels import Floats, Levels, Side, Updates, joined

WINDOW = 256
"""Levels among which the best are looked for at first: most books have few dead ones in front."""

Best = tuple[Floats, Floats, Floats, Floats]
"""Prices and sizes of the best bids, highest first, and of the best asks, lowest first."""


class Ladder(Protocol):
    """A book at one row of some; rows are counted from the first of them."""

    def forget(self, depth: int | None) -> None:
        """The book begins anew, empty, to be cut to a depth."""
        ...

    def apply(self, start: int, stop: int) -> None:
        """Move on over rows `start` to `stop`."""
        ...

    def best(self, depth: int) -> Best:
        """The best levels, at most so many of each side."""
        ...

    def levels(self) -> Levels:
        """All levels as they are now."""
        ...


def ladder_of(levels: Levels, updates: Updates, *, is_cut: bool) -> Ladder:
    """A book before some rows."""
    return CutLadder(levels, updates) if is_cut else WholeLadder(levels, updates)


class _Places:
    """One side: a place for each price that occurs, ascending, and what is there now."""

    def __init__(self, side: Side, updates: Updates, mine: npt.NDArray[np.bool_]) -> None:
        self._rows = np.flatnonzero(mine & ~np.isnan(updates.prices))
        prices = updates.prices[self._rows]
        self._new_sizes = updates.sizes[self._rows]
        self.prices, place = np.unique(joined(side, prices, prices)[0], return_inverse=True)
        self.sizes = np.zeros(len(self.prices))
        self.sizes[place[: len(side.prices)]] = side.sizes
        self._place = place[len(side.prices) :]

    def apply(self, start: int, stop: int) -> None:
        a, b = np.searchsorted(self._rows, (start, stop))
        self.sizes[self._place[a:b]] = self._new_sizes[a:b]  # of equal places the last one counts

    def lowest(self, depth: int) -> tuple[Floats, Floats]:
        return self._first(self.prices, self.sizes, depth)

    def highest(self, depth: int) -> tuple[Floats, Floats]:
        return self._first(self.prices[::-1], self.sizes[::-1], depth)

    @staticmethod
    def _first(prices: Floats, sizes: Floats, depth: int) -> tuple[Floats, Floats]:
        window = WINDOW
        while True:
            found = np.flatnonzero(sizes[:window])[:depth]
            if len(found) == depth or window >= len(sizes):
                return prices[found], sizes[found]
            window *= 8

    def side(self) -> Side:
        there = self.sizes != 0
        return Side(self.prices[there], self.sizes[there])


class WholeLadder:
    """A book of all levels; see `Ladder`."""

    def __init__(self, levels: Levels, updates: Updates) -> None:
        self._bids = _Places(levels.bids, updates, updates.is_bid)
        self._asks = _Places(levels.asks, updates, ~updates.is_bid)

    def forget(self, depth: int | None) -> None:
        """See `Ladder`."""
        assert depth is None, "this book is not cut"
        self._bids.sizes[:] = 0
        self._asks.sizes[:] = 0

    def apply(self, start: int, stop: int) -> None:
        """See `Ladder`."""
        self._bids.apply(start, stop)
        self._asks.apply(start, stop)

    def best(self, depth: int) -> Best:
        """See `Ladder`."""
        return (*self._bids.highest(depth), *self._asks.lowest(depth))

    def levels(self) -> Levels:
        """See `Ladder`."""
        return Levels(self._bids.side(), self._asks.side())


class _CutSide:
    """One side, its prices times `sign`, so that the best come first: -1 for bids."""

    def __init__(self, side: Side, sign: int) -> None:
        self._sign = sign
        self._keys: list[float] = (side.prices[::sign] * sign).tolist()
        self._sizes = dict(zip(self._keys, side.sizes[::sign].tolist(), strict=True))

    def apply(self, prices: Floats, sizes: Floats, ends: list[bool], depth: int) -> None:
        keys, levels = self._keys, self._sizes
        signed = (prices * self._sign).tolist()
        for key, size, is_last in zip(signed, sizes.tolist(), ends, strict=True):
            if size:
                if key not in levels:
                    insort(keys, key)
                levels[key] = size
            elif key in levels:
                del levels[key]
                del keys[bisect_left(keys, key)]
            if is_last and len(keys) > depth:
                self.cut(depth)

    def cut(self, depth: int) -> None:
        cut(self._keys, self._sizes, depth)

    def best(self, depth: int) -> tuple[Floats, Floats]:
        keys = self._keys[:depth]
        sizes = np.array([self._sizes[key] for key in keys], np.float64)
        return np.array(keys, np.float64) * self._sign, sizes

    def side(self) -> Side:
        prices, sizes = self.best(len(self._keys))
        return Side(prices[:: self._sign], sizes[:: self._sign])


class CutLadder:
    """A book that is cut after each update; see `Ladder`."""

    def __init__(self, levels: Levels, updates: Updates) -> None:
        there = ~np.isnan(updates.prices)
        self._updates = updates
        self._rows = [np.flatnonzero(of & there) for of in (updates.is_bid, ~updates.is_bid)]
        self._ended = np.concatenate(([0], np.cumsum(updates.ends)))  # updates before each row
        self._begin(levels)

    def _begin(self, levels: Levels) -> None:
        self._depth = levels.depth
        self._sides = (_CutSide(levels.bids, -1), _CutSide(levels.asks, 1))

    def forget(self, depth: int | None) -> None:
        """See `Ladder`."""
        self._begin(Levels(depth=depth))

    def apply(self, start: int, stop: int) -> None:
        """See `Ladder`."""
        depth = sys.maxsize if self._depth is None else self._depth
        for side, all_rows in zip(self._sides, self._rows, strict=True):
            a, b = np.searchsorted(all_rows, (start, stop))
            rows = all_rows[a:b]
            # An update may go on from rows before these, or in those that follow.
            ended = self._ended[np.concatenate(([start], rows, [stop]))]
            is_last = (ended[1:] > ended[:-1]).tolist()
            if is_last[0]:
                side.cut(depth)
            side.apply(self._updates.prices[rows], self._updates.sizes[rows], is_last[1:], depth)

    def best(self, depth: int) -> Best:
        """See `Ladder`."""
        bids, asks = (side.best(depth) for side in self._sides)
        return (*bids, *asks)

    def levels(self) -> Levels:
        """See `Ladder`."""
        bids, asks = (side.side() for side in self._sides)
        return Levels(bids, asks, self._depth)
