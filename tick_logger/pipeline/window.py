"""The reorder window of one table: rows wait a tick so that those overtaken can fall in line.

Rows are added tick by tick.  Rows that were there at the last tick are released at this one,
together with younger rows of the same stream that sort before the last of them.  A row that
sorts before what its stream released earlier is late: kept, but kept apart.

Invariant: the rows released of a stream, late ones aside, are in file order over all ticks.
"""

from __future__ import annotations

import numpy as np

from tick_logger.model.flush import Run
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table
from tick_logger.pipeline.order import (
    cut_runs,
    disordered,
    group_ends,
    group_starts,
    ranks,
    sort_rows,
)
from tick_logger.pipeline.plain_state import Plain, rows_from_plain, rows_to_plain
from tick_logger.pipeline.state import StreamStates


class ReorderWindow:
    """The rows of one table between their arrival and their release."""

    def __init__(self, table: Table, states: StreamStates) -> None:
        self._table = table
        self._states = states
        self._young = RowBatch.empty(table)

    @property
    def held(self) -> RowBatch:
        """The rows that wait, sorted."""
        return self._young

    def turn(self, rows: RowBatch) -> list[Run]:
        """Add sorted rows; release those of the tick before."""
        assert rows.table is self._table, "rows of another table"
        older = self._young
        waiting = len(older) + len(rows)
        if len(older):
            overtaken = self._sorts_before(rows, older)
            if overtaken.any():
                both = RowBatch.concat(self._table, [older, rows.take(overtaken)])
                older = sort_rows(both, self._states.opaque)
                rows = rows.take(~overtaken)
        assert len(older) + len(rows) == waiting, "no row is new here, and none is dropped"
        self._young = rows
        return self._release(older)

    def drain(self) -> list[Run]:
        """Release everything."""
        older, self._young = self._young, RowBatch.empty(self._table)
        return self._release(older)

    def dump(self) -> Plain:
        """The rows that wait."""
        return rows_to_plain(self._young)

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned."""
        self._young = rows_from_plain(state)

    def _sorts_before(self, rows: RowBatch, older: RowBatch) -> np.ndarray:
        """Which rows sort before the last older row of their stream."""
        # Per instrument, where its last older row is; -1 for those that have none.
        ends = group_ends(group_starts(older), len(older))
        reach = np.full(len(self._states.known), -1, np.intp)
        reach[older["instrument"][ends]] = ends
        last = reach[rows["instrument"]]
        event, rank = older["event_ns"][last], ranks(older, self._states.opaque)[last]
        before = rows["event_ns"] < event
        before |= (rows["event_ns"] == event) & (ranks(rows, self._states.opaque) < rank)
        return np.asarray((last >= 0) & before)

    def _release(self, rows: RowBatch) -> list[Run]:
        if not len(rows):
            return []
        states = self._states
        # Whoever reads the files searches them by bisection.
        assert not disordered(rows, states.opaque).any(), "rows that leave are in file order"
        instrument, event = rows["instrument"], rows["event_ns"]
        done_event, done_rank = states.released_event[instrument], states.released_seq[instrument]
        late = event < done_event
        late |= (event == done_event) & (ranks(rows, states.opaque) < done_rank)
        runs = []
        if late.any():
            runs = cut_runs(rows.take(late), late=True)
            rows = rows.take(~late)
        if len(rows):
            ends = group_ends(group_starts(rows), len(rows))
            last = rows["instrument"][ends]
            states.released_event[last] = rows["event_ns"][ends]
            states.released_seq[last] = ranks(rows, states.opaque)[ends]
        return cut_runs(rows, late=False) + runs
