"""An order book that is kept only to compare it with the checksums that a venue sends.

Prices and sizes stay the texts that were sent, because a checksum is computed from their digits.
Pure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence

from tick_logger.exchanges.base import TextLevel

MOST_CHECKED = 25
"""No venue's checksum looks at more levels of a side."""

MOST_LEVELS = 50_000
"""Levels that are kept of a side of any depth: more than the largest book ever seen has."""


def depth_of(
    bids: Sequence[TextLevel],
    asks: Sequence[TextLevel],
    asked: int | None,
    depths: Collection[int],
) -> int | None:
    """To how many levels a side a book is cut that begins with these.

    If both sides have a depth that is one of `depths`, it is that, and else what was `asked` for.
    A gateway or a player of recordings may serve another depth than was asked for, and no checksum
    agrees if the book is cut to the wrong one.
    """
    found = len(bids)
    return found if found == len(asks) and found in depths else asked


class _Side:
    """One side, best first: `sign` is -1 for bids."""

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._keys: list[float] = []
        self._levels: list[TextLevel] = []  # in the same order

    def apply(self, levels: Iterable[TextLevel], depth: int) -> None:
        keys, held = self._keys, self._levels
        for level in levels:
            key = self._sign * float(level[0])
            at = bisect_left(keys, key)
            known = at < len(keys) and keys[at] == key
            if not float(level[1]):
                if known:
                    del keys[at], held[at]
            elif known:
                held[at] = level
            else:
                keys.insert(at, key)
                held.insert(at, level)
        del keys[depth:], held[depth:]

    def best(self) -> list[TextLevel]:
        return self._levels[:MOST_CHECKED]


class ChecksumBook:
    """A book that begins empty and is cut to `depth` levels a side after each message.

    If `depth` is None, it is as deep as the venue sends it, up to `MOST_LEVELS`.
    """

    def __init__(self, depth: int | None) -> None:
        self._depth = MOST_LEVELS if depth is None else depth
        self._bids, self._asks = _Side(-1), _Side(1)

    def apply(self, bids: Sequence[TextLevel], asks: Sequence[TextLevel]) -> None:
        """Set levels; a size of zero deletes one."""
        self._bids.apply(bids, self._depth)
        self._asks.apply(asks, self._depth)

    def bids(self) -> list[TextLevel]:
        """The best bids, highest first, `MOST_CHECKED` at most."""
        return self._bids.best()

    def asks(self) -> list[TextLevel]:
        """The best asks, lowest first, `MOST_CHECKED` at most."""
        return self._asks.best()
