"""Lets in the rows that are new, by whatever the ids of their table are.

Ids of trades that rise by one are kept as ranges (`ids`).  Ids with holes that mean nothing would
need as many ranges as there are ids, so that only the newest of them are remembered (`recent_ids`).
All other tables go to `duplicates`.

Where the time of a trade may not be right, its id alone decides which ids have been seen.  But ids
may begin again meanwhile: a trade that differs in its time from each that is there is kept, too,
and called a stray; nothing else follows from such a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import NO_TIME, Table
from tick_logger.pipeline import duplicates
from tick_logger.pipeline.id_line import Finding
from tick_logger.pipeline.order import by_instrument, rows_of
from tick_logger.pipeline.recent_ids import RecentIds
from tick_logger.pipeline.row_times import RowTimes
from tick_logger.pipeline.said import repeats
from tick_logger.pipeline.table_state import TableState

Mask = npt.NDArray[np.bool_]


def admit(
    rows: RowBatch, state: TableState, recent: RecentIds, waiting: RowBatch
) -> tuple[Mask, list[Finding]]:
    """Which of the sorted rows are new, and what they show of the ids of their streams.

    `waiting` were admitted before, and are not in the window yet.
    """
    held = _held(state, waiting)
    if rows.table is not Table.TRADES:
        keep, begun_again = duplicates.admit(rows, state.streams, held)
        return keep, [*begun_again]
    released = state.streams.released_event
    sparse = state.streams.sparse[rows["instrument"]]
    if not sparse.any():
        return state.ids.admit(rows, released, held)
    keep = np.ones(len(rows), np.bool_)
    keep[sparse], begun_again = recent.admit(rows.take(sparse), state.streams, held)
    if sparse.all():
        return keep, [*begun_again]
    keep[~sparse], findings = state.ids.admit(rows.take(~sparse), released, held)
    return keep, [*begun_again, *findings]


def _held(state: TableState, waiting: RowBatch) -> RowBatch:
    """The rows in the window, and those that are not in it yet, by instrument."""
    held = state.window.held
    if len(waiting):
        held = by_instrument(RowBatch.concat(held.table, [held, waiting]))
    return held


def _others(rows: RowBatch, doubtful: Mask, state: TableState, waiting: RowBatch) -> Mask:
    """Which trades of doubtful times are none of those that are there, whatever their ids.

    What has left the window is not newer than the newest of it.  As long as nothing has, this tells
    nothing; and what was set aside is known before (`row_times`).
    """
    instrument, released = rows["instrument"], state.streams.released_event[rows["instrument"]]
    others = doubtful & (rows["event_ns"] > released) & (released != NO_TIME)
    if others.any():
        held = _held(state, waiting)
        for each in np.unique(instrument[others]).tolist():
            mine = instrument == each
            others[mine] &= ~repeats(rows.take(mine), rows_of(held, each))
    return np.asarray(others)


class Admission:
    """The rows of all tables; `found` is told what ids show, `repeated` whose rows came again."""

    def __init__(
        self,
        tables: Mapping[Table, TableState],
        recent: RecentIds,
        times: RowTimes,
        *,
        found: Callable[[Table, list[Finding]], None],
        repeated: Callable[[list[int]], None],
    ) -> None:
        self._tables = tables
        self._recent = recent
        self._times = times
        self._found = found
        self._repeated = repeated

    def trades(self, rows: RowBatch) -> RowBatch:
        """The sorted trades that were not there before, as far as their times tell it."""
        waiting, doubtful = self._times.waiting(rows.table), self._times.doubtful(rows)
        if not doubtful.any():
            return self.rows(rows, waiting)
        # Where times do not tell the order of trades, that of their receipt does.
        order = np.lexsort((rows["seq"], rows["recv_ns"], rows["instrument"]))
        event = np.where(doubtful, NO_TIME, rows["event_ns"])
        others = _others(rows, doubtful, self._tables[rows.table], waiting)
        keep = np.empty(len(rows), np.bool_)
        in_order = rows.replace(event_ns=event).take(order)
        keep[order] = self._new(in_order, waiting, others[order])
        return rows.take(keep)

    def rows(self, rows: RowBatch, waiting: RowBatch | None = None) -> RowBatch:
        """The sorted rows that were not there before."""
        keep = self._new(rows, RowBatch.empty(rows.table) if waiting is None else waiting)
        return rows if keep.all() else rows.take(keep)

    def _new(self, rows: RowBatch, waiting: RowBatch, others: Mask | None = None) -> Mask:
        """Which rows are new, among them the `others`, though their ids may have been seen."""
        keep, findings = admit(rows, self._tables[rows.table], self._recent, waiting)
        assert len(keep) == len(rows), "each row is either new or a duplicate"
        if others is not None:
            findings += self._tables[rows.table].ids.strays(rows.take(others & ~keep))
            keep |= others
        self._found(rows.table, findings)
        if not keep.all():
            self._repeated(rows["instrument"][~keep].tolist())
        return keep
