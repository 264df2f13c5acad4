"""Lets in the rows that are new, by whatever the ids of their table are.

Ids of trades that rise by one are kept as ranges (`ids`).  Ids with holes that mean nothing would
need as many ranges as there are ids, so that only the newest of them are remembered (`recent_ids`).
All other tables go to `duplicates`.

A trade comes here when its time has been judged (`doubtful`).  Where that cannot be right, its id
alone decides which ids have been seen.  But ids may begin again meanwhile: a trade that differs in
its time from each that is there is kept, too, and called a stray; nothing else follows from such a
time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import NO_TIME, Table
from tick_logger.pipeline import duplicates
from tick_logger.pipeline.answers import Answers
from tick_logger.pipeline.doubtful import Judged
from tick_logger.pipeline.id_line import Finding
from tick_logger.pipeline.order import rows_of, sort_rows
from tick_logger.pipeline.recent_ids import RecentIds
from tick_logger.pipeline.said import repeats
from tick_logger.pipeline.table_state import TableState

Mask = npt.NDArray[np.bool_]


def admit(rows: RowBatch, state: TableState, recent: RecentIds) -> tuple[Mask, list[Finding]]:
    """Which of the sorted rows are new, and what they show of the ids of their streams."""
    held = state.window.held
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


def _others(rows: RowBatch, wrong: Mask, state: TableState) -> Mask:
    """Which trades of wrong times are none of those that are there, whatever their ids.

    What has left the window is not newer than the newest of it.  As long as nothing has, this tells
    nothing; and what was set aside is known before (`row_times`).
    """
    instrument, released = rows["instrument"], state.streams.released_event[rows["instrument"]]
    others = wrong & (rows["event_ns"] > released) & (released != NO_TIME)
    if others.any():
        for each in np.unique(instrument[others]).tolist():
            mine = instrument == each
            others[mine] &= ~repeats(rows.take(mine), rows_of(state.window.held, each))
    return np.asarray(others)


class Admission:
    """The rows of all tables; `found` is told what ids show, `repeated` whose rows came again."""

    def __init__(
        self,
        tables: Mapping[Table, TableState],
        recent: RecentIds,
        answers: Answers,
        *,
        found: Callable[[Table, list[Finding]], None],
        repeated: Callable[[list[int]], None],
    ) -> None:
        self._tables = tables
        self._recent = recent
        self._answers = answers
        self._found = found
        self._repeated = repeated

    def but_by_rest(self, trades: RowBatch) -> RowBatch:
        """Trades of the stream without those that came by REST."""
        trades, again = self._answers.unrepeated(trades)
        self._repeated(again)
        return trades

    def trades(self, judged: Judged) -> Judged:
        """Those that were not there before, on the stream, or by REST while they waited."""
        sound, wrong = map(self.but_by_rest, (judged.sound, judged.wrong))
        if len(wrong):
            sound, wrong = self._new_trades(sound, wrong)
        else:
            sound = self.rows(sort_rows(sound, self._tables[Table.TRADES].streams.opaque))
        return attrs.evolve(judged, sound=sound, wrong=wrong)

    def _new_trades(self, sound: RowBatch, wrong: RowBatch) -> tuple[RowBatch, RowBatch]:
        """The new ones of those whose times are right and wrong."""
        state = self._tables[Table.TRADES]
        rows = RowBatch.concat(Table.TRADES, [sound, wrong])
        is_wrong = np.arange(len(rows)) >= len(sound)
        # Where times do not tell the order of trades, that of their receipt does.
        order = np.lexsort((rows["seq"], rows["recv_ns"], rows["instrument"]))
        rows, is_wrong = rows.take(order), is_wrong[order]
        others = _others(rows, is_wrong, state)
        event = np.where(is_wrong, NO_TIME, rows["event_ns"])
        keep = self._new(rows.replace(event_ns=event), others)
        return rows.take(keep & ~is_wrong), rows.take(keep & is_wrong)

    def rows(self, rows: RowBatch) -> RowBatch:
        """The sorted rows that were not there before."""
        keep = self._new(rows)
        return rows if keep.all() else rows.take(keep)

    def _new(self, rows: RowBatch, others: Mask | None = None) -> Mask:
        """Which rows are new, among them the `others`, though their ids may have been seen."""
        keep, findings = admit(rows, self._tables[rows.table], self._recent)
        assert len(keep) == len(rows), "each row is either new or a duplicate"
        if others is not None:
            findings += self._tables[rows.table].ids.strays(rows.take(others & ~keep))
            keep |= others
        self._found(rows.table, findings)
        if not keep.all():
            self._repeated(rows["instrument"][~keep].tolist())
        return keep
