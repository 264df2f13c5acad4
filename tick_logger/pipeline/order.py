"""Sorting rows of many streams at once, and cutting the sorted rows into streams and days.

Rows of one table are ordered by (instrument, event time, rank, arrival), where the rank is the seq,
or 0 for the instruments whose ids give no order.  Exchanges send nearly sorted, so the common case
is one stable sort by instrument and a check; only what fails the check pays for the full sort.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tick_logger.model.flush import Run
from tick_logger.model.rows import Array, RowBatch
from tick_logger.model.tables import ORIGIN_ASIDE, ORIGIN_LATE, ORIGIN_MAIN
from tick_logger.model.times import NS_PER_DAY

Index = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

SMALL_INSTRUMENTS = 32_767  # numpy sorts int16 by radix, several times faster than int32


def ranks(rows: RowBatch, opaque: Mask | None) -> npt.NDArray[np.uint64]:
    """What orders rows of one event time; `opaque` tells by instrument whose ids do not."""
    seq: npt.NDArray[np.uint64] = rows["seq"]
    if opaque is None or not opaque.any():
        return seq
    return np.where(opaque[rows["instrument"]], np.uint64(0), seq)


def sort_rows(rows: RowBatch, opaque: Mask | None = None) -> RowBatch:
    """The rows in file order: by instrument, event time, rank, and arrival where all are equal."""
    if len(rows) < 2:
        return rows
    rows = by_instrument(rows)
    if disordered(rows, opaque).any():
        rank = ranks(rows, opaque)
        rows = rows.take(np.lexsort((rank, rows["event_ns"], rows["instrument"])))
    return rows


def by_instrument(rows: RowBatch) -> RowBatch:
    """The rows grouped by instrument, ascending; those of each in their order so far."""
    instrument = rows["instrument"]
    if _ascending(instrument):
        return rows
    narrow = instrument.max() <= SMALL_INSTRUMENTS
    key = instrument.astype("i2") if narrow else instrument
    return rows.take(np.argsort(key, kind="stable"))


def disordered(rows: RowBatch, opaque: Mask | None = None) -> Mask:
    """Where a row sorts before its predecessor of the same stream; shape `(n - 1,)`."""
    event, rank = rows["event_ns"], ranks(rows, opaque)
    same_event = event[1:] == event[:-1]
    backwards = (event[1:] < event[:-1]) | (same_event & (rank[1:] < rank[:-1]))
    return np.asarray(same_stream(rows) & backwards)


def same_stream(rows: RowBatch) -> Mask:
    """Where a row belongs to the same instrument as the one before it; shape `(n - 1,)`."""
    instrument = rows["instrument"]
    return np.asarray(instrument[1:] == instrument[:-1])


def group_starts(rows: RowBatch) -> Index:
    """Where each instrument's rows begin, in rows that are grouped by instrument."""
    if not len(rows):
        return np.empty(0, np.intp)
    return np.concatenate(([0], np.flatnonzero(~same_stream(rows)) + 1))


def rows_of(rows: RowBatch, instrument: int) -> RowBatch:
    """One instrument's rows, from rows that are sorted by instrument."""
    column = rows["instrument"]
    edges = np.array([instrument, instrument + 1], column.dtype)  # any other would copy the column
    return rows.take(slice(*np.searchsorted(column, edges).tolist()))


def group_ends(starts: Index, count: int) -> Index:
    """The last row of each group."""
    return np.append(starts[1:], count)[: len(starts)] - 1


def cut_runs(rows: RowBatch, *, late: bool, origin: int | None = None) -> list[Run]:
    """Rows that are grouped by instrument as runs of one stream and one UTC day each, in order.

    Late rows are `ORIGIN_LATE` unless another is given.  The day of those whose event time cannot
    be right (`ORIGIN_ASIDE`) is that of the receipt.
    """
    if not len(rows):
        return []
    assert _ascending(rows["instrument"]), "a stream would be cut into several runs"
    days = rows["recv_ns" if origin == ORIGIN_ASIDE else "event_ns"] // NS_PER_DAY
    edges = np.flatnonzero(~same_stream(rows) | (days[1:] != days[:-1])) + 1
    starts = [0, *edges.tolist()]
    ends = [*starts[1:], len(rows)]
    assert all(start < end for start, end in zip(starts, ends, strict=True)), "a run without rows"
    instruments = rows["instrument"][starts].tolist()
    run_days = days[starts].tolist()
    if origin is None:
        origin = ORIGIN_LATE if late else ORIGIN_MAIN
    return [
        Run(instrument, rows.table, day, rows.take(slice(start, end)), late, origin)
        for instrument, day, start, end in zip(instruments, run_days, starts, ends, strict=True)
    ]


def _ascending(values: Array) -> bool:
    return bool((values[1:] >= values[:-1]).all())
