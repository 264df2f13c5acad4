"""Which rows the gaps files of the other recording say it lacks.  Pure.

A hole with ids tells of rows with these ids, received or made about then; one without ids, or where
rows have none, of all rows that were received or made within its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.compare.rows import Piece
from tick_logger.model.flush import GapRecord
from tick_logger.model.times import NS_PER_SECOND

ABOUT_NS = 60 * NS_PER_SECOND
"""How far from a hole's time its ids may lie: ids may begin again, and clocks differ."""

_ENDLESS = np.iinfo(np.int64).max

Mask = npt.NDArray[np.bool_]


@attrs.frozen(eq=False)
class Ranges:
    """Ranges of integers, ends included, sorted, none touching another."""

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int]]) -> Ranges:
        """Put together those that overlap."""
        merged: list[tuple[int, int]] = []
        for start, end in sorted(ranges):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], end))
            else:
                merged.append((start, end))
        starts, ends = zip(*merged, strict=True) if merged else ((), ())
        return cls(np.array(starts, np.int64), np.array(ends, np.int64))

    def have(self, values: npt.NDArray[np.int64]) -> Mask:
        """Which values lie in one of them; shape `(n,)`."""
        if not len(self.starts):
            return np.zeros(len(values), np.bool_)
        at = np.searchsorted(self.starts, values, "right") - 1
        return np.asarray((at >= 0) & (values <= self.ends[np.maximum(at, 0)]))


class Explained:
    """The holes of one stream, as the gaps files of a recording tell them."""

    def __init__(self, holes: Sequence[GapRecord]) -> None:
        numbered = [hole for hole in holes if hole.from_id is not None and hole.to_id is not None]
        self._any = Ranges.of(map(_times, holes))
        self._without_ids = Ranges.of(_times(each) for each in holes if each not in set(numbered))
        self._about = Ranges.of(
            (start - ABOUT_NS, min(end, _ENDLESS - ABOUT_NS) + ABOUT_NS)
            for start, end in map(_times, numbered)
        )
        self._ids = Ranges.of(
            (each.from_id, each.to_id)
            for each in numbered
            if each.from_id is not None and each.to_id is not None
        )

    def tell(self, piece: Piece) -> Mask:
        """Which rows are missing there, as it says itself; shape `(n,)`."""
        if not len(self._any.starts) or not piece.rows:
            return np.zeros(piece.rows, np.bool_)
        has_id = piece.ids != 0
        by_id = self._ids.have(piece.ids.view(np.int64)) & _within(self._about, piece)
        return np.where(
            has_id, by_id | _within(self._without_ids, piece), _within(self._any, piece)
        )


def _within(times: Ranges, piece: Piece) -> Mask:
    return times.have(piece.fields["event_ns"]) | times.have(piece.fields["recv_ns"])


def _times(hole: GapRecord) -> tuple[int, int]:
    start = hole.from_ns if hole.from_ns is not None else hole.to_ns
    assert start is not None, "a hole without any time"
    return start, _ENDLESS if hole.to_ns is None else max(hole.to_ns, start)
