"""Which trade ids have been seen: finds duplicates and holes, for ids that rise by one.

Per instrument the ids seen are the range `low` to `high` without its open holes.  The usual batch
(ids continue where the last ended) is recognised for all instruments at once; only an instrument
that skips, repeats or goes back is looked at on its own.

Invariant: an id is reported as new exactly once.  A hole is reported when it opens; a part of it
that is filled later is reported as healed.  What a hole means for the user is decided in `gaps`.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right, insort
from operator import itemgetter
from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import RowBatch
from tick_logger.model.times import Times
from tick_logger.pipeline.order import group_ends, group_starts
from tick_logger.pipeline.plain_state import Plain

MAX_OPEN_HOLES = 1_000
"""Per instrument; a feed with more is hopeless, and older holes are then no longer healed."""

Ids: TypeAlias = npt.NDArray[np.uint64]
"""Shape `(n,)`."""

Range: TypeAlias = tuple[int, int]
"""First and last id, both included."""

_first = itemgetter(0)


def cut(ranges: list[Range], first: int, last: int) -> None:
    """Take the ids `first` to `last` out of ascending disjoint ranges, in place.

    The ranges are found by bisection, so that many of them cost no more than few.
    """
    start = max(bisect_right(ranges, first, key=_first) - 1, 0)
    stop = bisect_right(ranges, last, key=_first)
    ranges[start:stop] = [
        piece
        for low, high in ranges[start:stop]
        for piece in ((low, min(high, first - 1)), (max(low, last + 1), high))
        if piece[0] <= piece[1]
    ]


@attrs.define
class IdLine:
    """The ids of one instrument: a range with holes, and receive times at its upper end."""

    low: int
    high: int
    high_recv_ns: int
    holes: list[Range] = attrs.field(factory=list)

    def unseen(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """Which of the ids have not been seen; shape as `ids`."""
        new = (ids < self.low) | (ids > self.high)
        if self.holes and not new.all():
            firsts, lasts = np.array(self.holes, np.uint64).T
            at = np.searchsorted(firsts, ids, side="right")
            new |= (at > 0) & (ids <= lasts[at - 1])
        return new


@attrs.frozen
class HoleOpened:
    """Ids `first` to `last` were skipped between two receive times."""

    instrument: int
    first: int
    last: int
    from_ns: int
    to_ns: int


@attrs.frozen
class HoleFilled:
    """Ids `first` to `last`, missing until now, have arrived."""

    instrument: int
    first: int
    last: int
    at_ns: int


class IdLedger:
    """The ids of every instrument of one table."""

    def __init__(self) -> None:
        self._lines: dict[int, IdLine] = {}

    def seed(self, instrument: int, ranges: tuple[Range, ...], recv_ns: int) -> None:
        """Continue from ids that are on disk, given as ascending disjoint ranges."""
        assert all(a[1] < b[0] for a, b in itertools.pairwise(ranges)), "ranges that overlap"
        if ranges:
            holes = [(a[1] + 1, b[0] - 1) for a, b in itertools.pairwise(ranges)]
            self._lines[instrument] = IdLine(
                ranges[0][0], ranges[-1][1], recv_ns, holes[-MAX_OPEN_HOLES:]
            )

    def has(self, instrument: int, trade_id: int) -> bool:
        """Whether this id has been seen."""
        line = self._lines.get(instrument)
        return line is not None and not line.unseen(np.array([trade_id], np.uint64)).any()

    def admit(self, rows: RowBatch) -> tuple[npt.NDArray[np.bool_], list[HoleOpened | HoleFilled]]:
        """Which rows (grouped by instrument) are new, and the holes that they opened or filled."""
        keep = np.ones(len(rows), np.bool_)
        findings: list[HoleOpened | HoleFilled] = []
        starts = group_starts(rows)
        ends = group_ends(starts, len(rows))
        seq, recv = rows["seq"], rows["recv_ns"]
        steps = np.zeros(len(rows), np.int64)
        steps[1:] = seq[1:] - seq[:-1] != 1
        steps[starts] = 0
        irregular = np.add.reduceat(steps, starts) if len(starts) else steps
        groups = zip(
            rows["instrument"][starts].tolist(),
            starts.tolist(),
            ends.tolist(),
            seq[starts].tolist(),
            seq[ends].tolist(),
            irregular.tolist(),
            strict=True,
        )
        for instrument, start, end, first, last, breaks in groups:
            line = self._lines.get(instrument)
            if line is not None and not breaks and first == line.high + 1:
                line.high, line.high_recv_ns = last, int(recv[end])
                continue
            part = slice(start, end + 1)
            keep[part] = self._admit_group(instrument, seq[part], recv[part], findings)
        return keep, findings

    def announce(self, instrument: int, newest_id: int, at_ns: int) -> list[HoleOpened]:
        """Open a hole if the exchange knows of newer ids than were received."""
        line = self._lines.get(instrument)
        if line is None:
            self._lines[instrument] = IdLine(newest_id + 1, newest_id, at_ns)
            return []
        if newest_id <= line.high:
            if newest_id == line.high:  # so nothing was missed up to now
                line.high_recv_ns = max(line.high_recv_ns, at_ns)
            return []
        opened = HoleOpened(instrument, line.high + 1, newest_id, line.high_recv_ns, at_ns)
        self._open(line, opened)
        line.high, line.high_recv_ns = newest_id, at_ns
        return [opened]

    def complete_until_ns(self, instrument: int) -> int | None:
        """Receive time up to which every id is known, as seen or as a hole; None without any."""
        line = self._lines.get(instrument)
        return None if line is None else line.high_recv_ns

    def dump(self) -> Plain:
        """Every line as an element of each array; the holes of all lines one after the other."""
        lines = self._lines.values()
        holes = [hole for line in lines for hole in line.holes]
        return {
            "instrument": np.array(list(self._lines), np.int64),
            "low": np.array([line.low for line in lines], np.uint64),
            "high": np.array([line.high for line in lines], np.uint64),
            "high_recv_ns": np.array([line.high_recv_ns for line in lines], np.int64),
            "holes": np.array([len(line.holes) for line in lines], np.int64),
            "hole_first": np.array([first for first, _ in holes], np.uint64),
            "hole_last": np.array([last for _, last in holes], np.uint64),
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned."""
        holes = list(zip(state["hole_first"].tolist(), state["hole_last"].tolist(), strict=True))
        names = ("instrument", "low", "high", "high_recv_ns")
        lines = zip(*(state[name].tolist() for name in names), strict=True)
        stops = np.cumsum(state["holes"]).tolist()
        starts = [0, *stops]
        assert [0, *stops][-1] == len(holes), "holes that belong to no line"
        self._lines = {
            instrument: IdLine(low, high, recv_ns, holes[start:stop])
            for (instrument, low, high, recv_ns), start, stop in zip(
                lines, starts[: len(stops)], stops, strict=True
            )
        }

    def _admit_group(
        self,
        instrument: int,
        ids: Ids,
        recv: Times,
        findings: list[HoleOpened | HoleFilled],
    ) -> npt.NDArray[np.bool_]:
        """Admit the rows of one instrument, in any order of ids."""
        unique, first_at = np.unique(ids, return_index=True)
        line = self._lines.get(instrument)
        new = np.ones(len(unique), np.bool_) if line is None else line.unseen(unique)
        # The first of the rows with an id is the one that is new.
        keep = np.zeros(len(ids), np.bool_)
        keep[first_at[new]] = True
        fresh, times = unique[new], recv[first_at[new]]
        if len(fresh):
            edges = np.flatnonzero(fresh[1:] - fresh[:-1] != 1) + 1
            starts = np.concatenate(([0], edges))
            stops = np.append(edges, len(fresh)) - 1
            for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
                first, last = int(fresh[start]), int(fresh[stop])
                self._cover(instrument, first, last, int(times[start]), int(times[stop]), findings)
        return keep

    def _cover(
        self,
        instrument: int,
        first: int,
        last: int,
        first_ns: int,
        last_ns: int,
        findings: list[HoleOpened | HoleFilled],
    ) -> None:
        """Note that the unseen, adjacent ids `first` to `last` have now been seen."""
        assert first <= last, "no ids to note"
        line = self._lines.get(instrument)
        if line is None:
            self._lines[instrument] = IdLine(first, last, last_ns)
        elif first > line.high:
            if first > line.high + 1:
                hole = HoleOpened(instrument, line.high + 1, first - 1, line.high_recv_ns, first_ns)
                self._open(line, hole)
                findings.append(hole)
            line.high, line.high_recv_ns = last, last_ns
        elif last < line.low:
            if last < line.low - 1:
                # Older than everything so far: what lies between may never have been sent to us.
                hole = HoleOpened(instrument, last + 1, line.low - 1, last_ns, last_ns)
                self._open(line, hole)
                findings.append(hole)
            line.low = first
        elif last > line.high:
            # Part of it fills a hole that an announcement had opened up to `high`.
            self._cover(instrument, first, line.high, first_ns, first_ns, findings)
            self._cover(instrument, line.high + 1, last, first_ns, last_ns, findings)
        else:
            cut(line.holes, first, last)
            findings.append(HoleFilled(instrument, first, last, first_ns))

    @staticmethod
    def _open(line: IdLine, hole: HoleOpened) -> None:
        assert hole.first <= hole.last, "a hole without ids"
        insort(line.holes, (hole.first, hole.last))
        del line.holes[:-MAX_OPEN_HOLES]
