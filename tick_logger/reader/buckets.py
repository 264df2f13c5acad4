"""What a long stretch looks like: the least and the greatest value of each piece of time.

A stretch is cut into buckets of equal length.  Of each, what is needed to draw it is kept: where a
price began and ended, how low and how high it went, and how much was traded; so a chart of a day
costs as much as it has pixels, and hides no spike.  Reads rows in pieces, in bounded memory.  Pure.

Not here: which stretch that is, and what a page is told of it (`looking_back`).
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.reader.errors import DamagedError
from tick_logger.reader.rows import Rows

ROWS_AT_ONCE = 500_000
"""Rows that are read together: some 20 MB."""

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@attrs.frozen
class Grid:
    """`many` buckets of `step_ns` ns each from `start_ns` on."""

    start_ns: int
    step_ns: int
    many: int

    @classmethod
    def over(cls, start_ns: int, end_ns: int, most: int) -> Grid:
        """At most `most` buckets that cover a half-open range, which is not empty."""
        assert most > 0, "no bucket at all"
        assert end_ns > start_ns, "a stretch without time"
        step_ns = -(-(end_ns - start_ns) // most)
        return cls(start_ns, step_ns, -(-(end_ns - start_ns) // step_ns))

    def buckets(self, times: npt.NDArray[np.datetime64]) -> Places:
        """In which bucket each time lies, shape `(n,)`; all lie in one."""
        return (times.view(np.int64) - self.start_ns) // self.step_ns


class Extremes:
    """The first, least, greatest and last value in each bucket; NaN where there is none."""

    def __init__(self, many: int) -> None:
        self.first, self.low, self.high, self.last = (np.full(many, np.nan) for _ in range(4))

    def add(self, buckets: Places, values: Numbers) -> None:
        """Take in values, in order of time, behind all that were taken in; NaN is none."""
        there = np.isfinite(values)
        if not there.all():
            buckets, values = buckets[there], values[there]
        if not len(values):
            return
        starts = _starts(buckets)
        at = buckets[starts]
        firsts = self.first[at]
        self.first[at] = np.where(np.isnan(firsts), values[starts], firsts)
        self.low[at] = np.fmin(self.low[at], np.minimum.reduceat(values, starts))
        self.high[at] = np.fmax(self.high[at], np.maximum.reduceat(values, starts))
        self.last[at] = values[np.append(starts[1:], len(values)) - 1]


class Drawn:
    """Prices by bucket, how much was traded, and of how many rows; arrays of shape `(many,)`."""

    def __init__(self, many: int) -> None:
        self.price = Extremes(many)
        self.volume = np.zeros(many)
        self.rows = np.zeros(many, np.int64)


class Spread:
    """The best bid and the best ask by bucket."""

    def __init__(self, many: int) -> None:
        self.bid, self.ask = Extremes(many), Extremes(many)


def prices_of(rows: Rows, grid: Grid) -> Drawn:
    """Rows with `ts`, `price` and `size`, all of them within the grid.

    Raises `OSError`, and of that `DamagedError` where times are not in order.
    """
    drawn = Drawn(grid.many)
    for piece, buckets in _pieces(rows, grid):
        drawn.price.add(buckets, piece.numpy("price"))
        starts = _starts(buckets)
        sizes = np.nan_to_num(piece.numpy("size"), nan=0.0, posinf=0.0, neginf=0.0)
        drawn.volume[buckets[starts]] += np.add.reduceat(sizes, starts)
        drawn.rows[buckets[starts]] += np.diff(np.append(starts, len(buckets)))
    return drawn


def spread_of(rows: Rows, grid: Grid) -> Spread:
    """Rows with `ts`, `bid` and `ask`; a side without a price, or with 0, is an empty one."""
    spread = Spread(grid.many)
    for piece, buckets in _pieces(rows, grid):
        for side, name in ((spread.bid, "bid"), (spread.ask, "ask")):
            values = piece.numpy(name)
            side.add(buckets, np.where(values == 0, np.nan, values))
    return spread


def _pieces(rows: Rows, grid: Grid) -> Iterator[tuple[Rows, Places]]:
    reached = 0
    for piece in rows.chunks(ROWS_AT_ONCE):
        buckets = grid.buckets(piece.numpy("ts"))
        if buckets[0] < reached or (buckets[1:] < buckets[:-1]).any():
            raise DamagedError("times are not in order")
        reached = int(buckets[-1])
        assert reached < grid.many, "a row beyond the grid"
        yield piece, buckets


def _starts(buckets: Places) -> Places:
    """Where each run of equal buckets begins; there is one at least."""
    return np.flatnonzero(np.concatenate(([True], buckets[1:] != buckets[:-1])))
