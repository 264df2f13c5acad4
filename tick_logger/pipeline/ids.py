"""Which trade ids have been seen: finds duplicates and holes, for ids that rise by one.

The usual batch (ids continue where the last ended) is recognised for all instruments at once; only
an instrument that skips, repeats or goes back is looked at on its own (`numberings`).

Invariant: a trade is reported as new exactly once; of one numbering, so is an id.  A hole is
reported when it opens; a part of it that is filled later is reported as healed.  What a hole means
for the user is decided in `gaps`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tick_logger.model.flush import IdRun
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import NO_TIME
from tick_logger.model.times import Times
from tick_logger.pipeline.id_line import Finding, HoleOpened, IdLine, Place, Range, Stray
from tick_logger.pipeline.numberings import Numberings, Outsider, Piece
from tick_logger.pipeline.order import group_ends, group_starts, rows_of
from tick_logger.pipeline.plain_state import Plain
from tick_logger.pipeline.said import repeats

Mask = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.uint64]

_NEVER = np.iinfo(np.int64).max
"""Later than any event: that of a numbering of which no trade has come."""


class IdLedger:
    """The ids of every instrument of one table."""

    def __init__(self) -> None:
        self._numberings: dict[int, Numberings] = {}

    def seed(self, instrument: int, runs: Sequence[IdRun]) -> None:
        """Continue from trades that are on disk, in the order of their event times."""
        findings: list[Finding] = []  # have their records on disk as well
        for run in runs:
            self._take(instrument, Piece.of_run(run), NO_TIME, findings)

    def has(self, instrument: int, trade_id: int) -> bool:
        """Whether this id has been seen, in the present numbering."""
        known = self._numberings.get(instrument)
        return known is not None and known.line.place(trade_id)[0] is Place.SEEN

    def admit(self, rows: RowBatch, released: Times, held: RowBatch) -> tuple[Mask, list[Finding]]:
        """Which rows (sorted) are new, and what they show of the ids.

        `released` has, by instrument, the newest event time that has left the reorder window;
        `held` are the rows in it.
        """
        keep = np.ones(len(rows), np.bool_)
        findings: list[Finding] = []
        starts = group_starts(rows)
        ends = group_ends(starts, len(rows))
        seq = rows["seq"]
        steps = np.zeros(len(rows), np.int64)
        steps[1:] = seq[1:] - seq[:-1] != 1
        steps[starts] = 0
        irregular = np.add.reduceat(steps, starts) if len(starts) else steps
        event, recv = rows["event_ns"], rows["recv_ns"]
        groups = zip(
            rows["instrument"][starts].tolist(),
            starts.tolist(),
            ends.tolist(),
            irregular.tolist(),
            seq[starts].tolist(),
            seq[ends].tolist(),
            event[starts].tolist(),
            event[ends].tolist(),
            recv[ends].tolist(),
            strict=True,
        )
        for instrument, start, end, breaks, *run in groups:
            known = self._numberings.get(instrument)
            if known is None and not breaks:
                first_id, last_id, *events, recv_ns = run
                piece = Piece(first_id, last_id, events, (int(recv[start]), recv_ns))
                self._numberings[instrument] = Numberings.begin(instrument, piece)
                continue
            if known is not None and not breaks and known.goes_on(*run):
                continue
            part, released_ns = slice(start, end + 1), int(released[instrument])
            ids = seq[part]
            behind = known is not None and known.lies_behind(run[0], run[2])
            if behind and (ids[1:] > ids[:-1]).all():
                # Some are skipped, and nothing else: no id was there before.
                columns = ids, event[part], recv[part]
                keep[part] = self._admit_in_order(instrument, columns, released_ns, findings)
                continue
            mine = rows.take(part)
            repeated = repeats(mine, rows_of(held, instrument))
            new = self._admit_group(instrument, mine.take(~repeated), released_ns, findings)
            keep[part][~repeated] = new
            keep[part][repeated] = False
        return keep, findings

    def strays(self, rows: RowBatch) -> list[Finding]:
        """What is told of trades with ids that others had, where their times do not tell more."""
        findings: list[Finding] = []
        columns = (rows[name].tolist() for name in ("instrument", "seq", "recv_ns"))
        for instrument, id_, recv_ns in zip(*columns, strict=True):
            known = self._numberings.get(instrument)
            if known is not None:  # else its ids are not kept here
                before_ns = min(known.line.high_recv_ns, recv_ns)
                findings.append(Stray(instrument, known.line.high, id_, before_ns, recv_ns))
        return findings

    def announce(self, instrument: int, newest_id: int, at_ns: int) -> list[HoleOpened]:
        """Open a hole if the exchange knows of newer ids than were received."""
        known = self._numberings.get(instrument)
        if known is not None:
            opened = known.announce(newest_id, at_ns)
            return [] if opened is None else [opened]
        ids, times = (newest_id + 1, newest_id), (_NEVER, NO_TIME, at_ns, at_ns)
        empty = IdLine(instrument, *ids, *times, timed_last=newest_id)
        self._numberings[instrument] = Numberings(empty)
        return []

    def refill(self, instrument: int, id_: int, event_ns: int) -> tuple[Place, int]:
        """Where the id of a trade lies that came beside the stream, and in which numbering.

        If that is a hole, it is none any more; else nothing changes.
        """
        known = self._numberings.get(instrument)
        return (Place.BEFORE, 0) if known is None else known.refill(id_, event_ns)

    def places(self, instrument: int, ids: Range) -> list[tuple[Range, Place, int]]:
        """Where ids lie, part by part, in the numbering that has some of them, and its number.

        Those that no numbering reaches lie before.
        """
        known = self._numberings.get(instrument)
        return [(ids, Place.BEFORE, 0)] if known is None else known.places(ids)

    def complete_until_ns(self, instrument: int) -> int | None:
        """Receive time up to which every id is known, as seen or as a hole; None without any."""
        known = self._numberings.get(instrument)
        return None if known is None else known.line.high_recv_ns

    def dump(self) -> Plain:
        """Every numbering as an element of each array; holes and trades apart after the others."""
        every = self._numberings.values()
        lines = [line for known in every for line in (*known.past, known.line)]
        holes = [hole for line in lines for hole in line.holes]
        outside = [
            (known.line.instrument, each, doubtful)
            for known in every
            for doubtful, some in ((False, known.outsiders), (True, known.doubtful))
            for each in some
        ]
        return {
            "instrument": np.array([line.instrument for line in lines], np.int64),
            "low": np.array([line.low for line in lines], np.uint64),
            "high": np.array([line.high for line in lines], np.uint64),
            "timed_last": np.array([line.timed_last for line in lines], np.uint64),
            "unsure_last": np.array([line.unsure_last for line in lines], np.uint64),
            **{name: np.array([getattr(line, name) for line in lines], np.int64) for name in _REST},
            "holes": np.array([len(line.holes) for line in lines], np.int64),
            "hole_first": np.array([first for first, _ in holes], np.uint64),
            "hole_last": np.array([last for _, last in holes], np.uint64),
            "outside_instrument": np.array([of for of, _, _ in outside], np.int64),
            **{
                f"outside_{name}": np.array([getattr(each, name) for _, each, _ in outside], dtype)
                for name, dtype in _OUTSIDER.items()
            },
            "outside_doubtful": np.array([doubtful for _, _, doubtful in outside], np.bool_),
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned, of this version or an earlier one."""
        holes = list(zip(state["hole_first"].tolist(), state["hole_last"].tolist(), strict=True))
        stops = np.cumsum(state["holes"]).tolist()
        starts = [0, *stops]
        assert starts[-1] == len(holes), "holes that belong to no line"
        # Earlier versions knew one numbering, and of its times only the newest.
        times = {name: state.get(name, state["high_recv_ns"]) for name in _REST}
        for name in ("number", "unsure_last"):
            times[name] = state.get(name, np.zeros(len(stops), np.uint64))
        times["timed_last"] = state.get("timed_last", state["high"])
        columns = {name: state[name] for name in ("instrument", "low", "high")} | times
        lines = [
            IdLine(**dict(zip(columns, fields, strict=True)), holes=holes[start:stop])
            for *fields, start, stop in zip(
                *(column.tolist() for column in columns.values()), starts, stops, strict=False
            )
        ]
        if "timed_last" not in state:  # an earlier version knew that none lay behind the last hole
            for line in lines:
                line.timed_last = line.last_before_open_end
        for instrument, of_it in itertools.groupby(lines, key=lambda line: line.instrument):
            *past, line = of_it
            self._numberings[instrument] = Numberings(line, past)
        if "outside_id" in state:
            self._load_outsiders(state)

    def _load_outsiders(self, state: Plain) -> None:
        names = ("instrument", *_OUTSIDER, "doubtful")
        columns = (state[f"outside_{name}"].tolist() for name in names)
        for instrument, *fields, doubtful in zip(*columns, strict=True):
            known = self._numberings[instrument]
            (known.doubtful if doubtful else known.outsiders).append(Outsider(*fields))

    def _admit_group(
        self, instrument: int, rows: RowBatch, released_ns: int, findings: list[Finding]
    ) -> Mask:
        """Which rows of one instrument, none of which is in the window already, are new."""
        # Of one time, those that came first: that tells a numbering that begins from one that ends.
        times = [rows["recv_ns"], rows["event_ns"]]
        if (rows["event_ns"] == NO_TIME).any():
            del times[-1]
        order = np.lexsort((rows["seq"], *times))
        ids, event, recv = (rows[name][order] for name in ("seq", "event_ns", "recv_ns"))
        keep = np.empty(len(rows), np.bool_)
        keep[order] = self._admit_in_order(instrument, (ids, event, recv), released_ns, findings)
        return keep

    def _admit_in_order(
        self,
        instrument: int,
        columns: tuple[Ids, Times, Times],
        released_ns: int,
        findings: list[Finding],
    ) -> Mask:
        """As `_admit_group`, of trades in order: their ids, event and receive times."""
        ids, event, recv = (column.tolist() for column in columns)
        edges = (np.flatnonzero(np.diff(columns[0]) != 1) + 1).tolist()
        parts: list[tuple[int, bool]] = []
        for start, stop in itertools.pairwise([0, *edges, len(ids)] if ids else []):
            piece = Piece(ids[start], ids[stop - 1], event[start:stop], recv[start:stop])
            parts += self._take(instrument, piece, released_ns, findings)
        return np.repeat([new for _, new in parts], [count for count, _ in parts]).astype(np.bool_)

    def _take(
        self, instrument: int, piece: Piece, released_ns: int, findings: list[Finding]
    ) -> list[tuple[int, bool]]:
        known = self._numberings.get(instrument)
        if known is not None:
            return list(known.admit(piece, released_ns, findings))
        self._numberings[instrument] = Numberings.begin(instrument, piece)
        return [(piece.last - piece.first + 1, True)]


_OUTSIDER = {
    "id": np.uint64,
    "event_ns": np.int64,
    "recv_ns": np.int64,
    "before_id": np.uint64,
    "before_ns": np.int64,
}
_REST = ("low_event_ns", "high_event_ns", "low_recv_ns", "high_recv_ns", "number")
