"""How a process meets streams: it continues each at its first use, from its state or from disk.

Invariant: a stream is met once by each process, before any of its rows are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tick_logger.model.cause import Cause
from tick_logger.model.flush import StreamTail
from tick_logger.model.marks import Interrupted
from tick_logger.model.proof import Ids
from tick_logger.model.tables import Table
from tick_logger.pipeline.gaps import GapLedger
from tick_logger.pipeline.recent_ids import RecentIds
from tick_logger.pipeline.table_state import TableState


class Meetings:
    """Lets the states of streams begin.

    `trade_ids(instrument)` says what the ids of its trades are.  `tail_of` gives what is on disk of
    a stream; it is not asked for one whose state is here.
    """

    def __init__(
        self,
        tables: Mapping[Table, TableState],
        recent: RecentIds,
        gaps: GapLedger,
        *,
        trade_ids: Callable[[int], Ids],
        tail_of: Callable[[int, Table], StreamTail | None],
    ) -> None:
        self._tables = tables
        self._recent = recent
        self._gaps = gaps
        self._trade_ids = trade_ids
        self._tail_of = tail_of

    def meet_all(self, tables: Sequence[Table], instruments: Sequence[int]) -> None:
        """As `meet`, for several tables."""
        for table in tables:
            self.meet(table, instruments)

    def meet(self, table: Table, instruments: Sequence[int]) -> None:
        """Continue the streams that this process meets for the first time, if need be from disk."""
        states = self._tables[table].streams
        if len(instruments):
            states.reserve(max(instruments) + 1)
        for instrument in instruments:
            if states.known[instrument]:
                continue
            states.known[instrument] = True
            if table is Table.TRADES:
                states.number(instrument, self._trade_ids(instrument))
            if self._gaps.met_again((instrument, table)):
                continue  # its state here says more than its tail on disk
            tail = self._tail_of(instrument, table)
            if tail is None:
                continue
            states.continue_from(instrument, tail)
            if states.sparse[instrument]:
                recent = zip(tail.recent_ids, tail.recent_event_ns, strict=True)
                self._recent.seed(instrument, recent)
            else:
                self._tables[table].ids.seed(instrument, tail.id_runs)
            # Rows on disk without a state here: nobody knows what was sent since the last of them.
            self._gaps.interrupted(
                Interrupted((instrument,), (table,), tail.last_recv_ns, Cause.RESTART)
            )
