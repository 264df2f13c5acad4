"""What follows from the answers to requests by REST: rows of their own, healed holes, void ones.

    rows -> the new ones (`backfilled`) -> runs, and healing records of the holes that they fill
    `Healed` -> the records that rows have not told

Invariant: a hole is healed where its rows were taken, or where its venue has none of it.  Not here:
holes that are found on the stream (`gaps`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from tick_logger.model.flush import GapRecord, Run
from tick_logger.model.marks import Healed
from tick_logger.model.proof import Ids
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table
from tick_logger.pipeline.backfilled import Backfilled, runs_by_rest
from tick_logger.pipeline.gap_records import REST, begins_again
from tick_logger.pipeline.gaps import GapLedger
from tick_logger.pipeline.id_line import HoleFilled, HoleOpened
from tick_logger.pipeline.ids import IdLedger
from tick_logger.pipeline.plain_state import Plain
from tick_logger.pipeline.recent_ids import RecentIds
from tick_logger.pipeline.suspects import Suspects


class Answers:
    """What was answered of all instruments, and the holes that are only suspected.

    `trade_ids(instrument)` says what ids are; `ids` and `recent` know those that came.
    """

    def __init__(
        self,
        trade_ids: Callable[[int], Ids],
        ids: IdLedger,
        recent: RecentIds,
        gaps: GapLedger,
    ) -> None:
        self._trade_ids = trade_ids
        self._backfilled = Backfilled(trade_ids, ids, recent)
        self._suspects = Suspects()
        self._gaps = gaps
        self._marks: list[Healed] = []  # of this tick, which come after its rows

    def note(self, mark: Healed) -> None:
        """The venue has answered about a hole."""
        self._marks.append(mark)

    def unrepeated(self, rows: RowBatch) -> tuple[RowBatch, list[int]]:
        """Trades of the stream without those that came by REST, and whose those are."""
        return self._backfilled.unrepeated(rows)

    def take(self, rows: RowBatch) -> tuple[list[Run], Counter[int], Counter[int]]:
        """Runs of the rows by REST that are new, and how many are not, by instrument.

        Third, how often ids are found to have begun again.
        """
        runs: list[Run] = []
        unneeded, begun_again = Counter[int](), Counter[int]()
        if len(rows):
            new, found, unneeded = self._backfilled.take(rows)
            assert len(new) + unneeded.total() == len(rows), "each row is taken, or counted"
            self._gaps.lost_trades.came(new, REST)
            for each in found:
                if isinstance(each, HoleFilled):
                    self._gaps.record(self._healed(each))
                else:
                    self._gaps.record([begins_again(Table.TRADES, each)])
                    begun_again[each.instrument] += 1
            runs = runs_by_rest(new)
        marks, self._marks = self._marks, []
        for mark in marks:
            self._gaps.record(self._backfilled.confirmed(mark))
            for lacking in self._backfilled.lacking(mark):
                self._gaps.record(self._gaps.holes.filled(mark.table, lacking, how=mark.how))
        return runs, unneeded, begun_again

    def _healed(self, filled: HoleFilled) -> list[GapRecord]:
        if self._trade_ids(filled.instrument) is Ids.DENSE:
            return self._gaps.holes.filled(Table.TRADES, filled, how=REST)
        return self._suspects.refilled(filled)

    def suspect(self, found: HoleOpened | HoleFilled) -> None:
        """The stream shows this of ids that only seem to rise by one."""
        if isinstance(found, HoleOpened):
            self._suspects.opened(found)
        else:
            self._suspects.filled(found)

    def tick(self, records: Iterable[GapRecord]) -> tuple[GapRecord, ...]:
        """The suspects that are due; `records` are those that are written with this tick."""
        return self._suspects.tick(records)

    def dump(self) -> Plain:
        """The parts by name."""
        return {"taken": self._backfilled.dump(), "suspects": self._suspects.dump()}

    def load(self, state: dict[str, Any]) -> None:
        """Take over the state that `dump` returned."""
        self._backfilled.load(state["taken"])
        self._suspects.load(state["suspects"])
