"""Ids as ascending, disjoint ranges: what is missing of a stream, and what is left of it.

Everything is found by bisection, so that many ranges cost no more than few.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import TypeAlias

Range: TypeAlias = tuple[int, int]
"""First and last id, both included."""

_first = itemgetter(0)


def cut(ranges: list[Range], first: int, last: int) -> None:
    """Take the ids `first` to `last` out of the ranges, in place."""
    start = max(bisect_right(ranges, first, key=_first) - 1, 0)
    stop = bisect_right(ranges, last, key=_first)
    ranges[start:stop] = [
        piece
        for low, high in ranges[start:stop]
        for piece in ((low, min(high, first - 1)), (max(low, last + 1), high))
        if piece[0] <= piece[1]
    ]
