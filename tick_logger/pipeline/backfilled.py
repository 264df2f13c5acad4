"""Trades that came by REST: which of them are new, and what they heal.

They change nothing that the stream shows: no clock, no window, no numbering grows with them.  Of
ids that rise by one, those are taken that lie in a hole, or before everything that is known: the
answer was asked for them, and nothing else of it is here.  Of other ids, those that are not among
the newest that came.  All go to `late/` at once, in the day of their own time.

The stream may bring the same trade after all.  The first one wins: what was taken is remembered
for long enough to know it again.  Ids begin again: a trade of another time is another one.

Invariant: a trade that is taken here is taken once, and is no row of the stream any more.  Not
here: when a venue is asked, and for what.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from tick_logger.model.flush import GapRecord, Run
from tick_logger.model.marks import Healed
from tick_logger.model.proof import Ids
from tick_logger.model.rows import RowBatch
from tick_logger.model.surroundings import SAME_NS
from tick_logger.model.tables import ORIGIN_REST, Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.pipeline.gap_records import REST, as_record
from tick_logger.pipeline.id_line import HoleFilled, Place, Range, cut
from tick_logger.pipeline.ids import IdLedger
from tick_logger.pipeline.order import cut_runs
from tick_logger.pipeline.plain_state import Plain
from tick_logger.pipeline.recent_ids import RecentIds

MAX_TAKEN = 50_000
"""Trades that are remembered, 10 MB: more than a stream brings late of all that is asked for within
minutes, and fifty of the largest pages."""

MOST_OF_AN_ID = 8
"""Of the trades that had one id, so many are remembered: as numberings are."""

MAX_AHEAD_NS = NS_PER_DAY
"""A trade later than its receipt by more than that has no time that can be right."""

Mask = npt.NDArray[np.bool_]


class Backfilled:
    """What was taken of answers by REST, the oldest first.

    `trade_ids(instrument)` says what ids are; `ids` and `recent` know those that came.
    """

    def __init__(self, trade_ids: Callable[[int], Ids], ids: IdLedger, recent: RecentIds) -> None:
        self._trade_ids = trade_ids
        self._ids = ids
        self._recent = recent
        # Event times by instrument and id, several where ids have begun again.
        self._taken: dict[tuple[int, int], tuple[int, ...]] = {}
        self._until_ns: dict[int, int] = {}  # the newest of them, by instrument

    def take(self, rows: RowBatch) -> tuple[RowBatch, list[HoleFilled], Counter[int]]:
        """The rows that are new, sorted; holes that they fill; how many are not, by instrument."""
        order = np.lexsort((rows["seq"], rows["event_ns"], rows["instrument"]))
        rows = rows.take(order)
        fields = (rows[name].tolist() for name in ("instrument", "seq", "event_ns", "recv_ns"))
        keep = np.zeros(len(rows), np.bool_)
        filled: list[HoleFilled] = []
        for row, (instrument, id_, event_ns, recv_ns) in enumerate(zip(*fields, strict=True)):
            if not 0 < event_ns <= recv_ns + MAX_AHEAD_NS:
                continue
            if self._was_taken(instrument, id_, event_ns):
                continue
            if not self._is_new(instrument, id_, event_ns, recv_ns, filled):
                continue
            keep[row] = True
            self._remember(instrument, id_, event_ns)
        self._forget()
        return rows.take(keep), _joined(filled), Counter(rows["instrument"][~keep].tolist())

    def unrepeated(self, rows: RowBatch) -> tuple[RowBatch, list[int]]:
        """Trades of the stream without those that were taken here, and whose those are."""
        if not self._until_ns:
            return rows, []
        reach = np.zeros(max(max(self._until_ns), int(rows["instrument"].max(initial=0))) + 1, "i8")
        reach[list(self._until_ns)] = list(self._until_ns.values())
        old = np.flatnonzero(rows["event_ns"] <= reach[rows["instrument"]] + SAME_NS)
        fields = (rows[name][old].tolist() for name in ("instrument", "seq", "event_ns"))
        again = [
            row
            for row, instrument, id_, event_ns in zip(old.tolist(), *fields, strict=True)
            if self._was_taken(instrument, id_, event_ns)
        ]
        if not again:
            return rows, []
        keep = np.ones(len(rows), np.bool_)
        keep[again] = False
        return rows.take(keep), rows["instrument"][again].tolist()

    def confirmed(self, mark: Healed) -> Iterator[GapRecord]:
        """The records that follow from an answer about a hole, as far as rows have not told.

        Of ids in a numbering, those that came have told it (`lacking` are the others).  What was
        taken before all that is known has not.
        """
        record = as_record(mark)
        if mark.from_id is None or mark.to_id is None:
            yield record
            return
        for ids, place, _ in self._ids.places(mark.instrument, (mark.from_id, mark.to_id)):
            if place is Place.BEFORE:
                yield from self._parts(record, ids, came=mark.how == REST)

    def lacking(self, mark: Healed) -> Iterator[HoleFilled]:
        """The holes of a numbering of which the venue has nothing either."""
        if mark.from_id is None or mark.to_id is None or mark.how == REST:
            return
        for ids, place, number in self._ids.places(mark.instrument, (mark.from_id, mark.to_id)):
            if place is Place.HOLE:
                yield HoleFilled(mark.instrument, *ids, mark.at_ns, number)

    def _parts(self, record: GapRecord, ids: Range, *, came: bool) -> Iterator[GapRecord]:
        """Of ids before all that is known, those that came by REST, or those that did not."""
        missing, number = [ids], record.instrument
        taken = sorted(id_ for of, id_ in self._taken if of == number and ids[0] <= id_ <= ids[1])
        for each in taken:
            cut(missing, each, each)
        parts = [ids] if came else missing
        if came:
            for part in missing:
                cut(parts, *part)
        for part in parts:
            yield _of_ids(record, part)

    def _is_new(
        self, instrument: int, id_: int, event_ns: int, recv_ns: int, filled: list[HoleFilled]
    ) -> bool:
        if self._trade_ids(instrument) not in {Ids.DENSE, Ids.SEEM_DENSE}:
            return not self._recent.has_trade(instrument, id_, event_ns)
        place, numbering = self._ids.refill(instrument, id_, event_ns)
        if place is Place.HOLE:
            filled.append(HoleFilled(instrument, id_, id_, recv_ns, numbering))
        return place in {Place.HOLE, Place.BEFORE}

    def _was_taken(self, instrument: int, id_: int, event_ns: int) -> bool:
        times = self._taken.get((instrument, id_), ())
        return any(abs(taken_ns - event_ns) <= SAME_NS for taken_ns in times)

    def _remember(self, instrument: int, id_: int, event_ns: int) -> None:
        times = self._taken.pop((instrument, id_), ())  # the newest is the last
        self._taken[instrument, id_] = (*times, event_ns)[-MOST_OF_AN_ID:]
        self._until_ns[instrument] = max(self._until_ns.get(instrument, 0), event_ns)

    def _forget(self) -> None:
        """Remember no more than the newest; they are in order of receipt."""
        too_many = len(self._taken) - MAX_TAKEN
        if too_many <= 0:
            return
        for key in list(islice(self._taken, too_many)):
            del self._taken[key]
        left = {instrument for instrument, _ in self._taken}
        self._until_ns = {of: ns for of, ns in self._until_ns.items() if of in left}

    def dump(self) -> Plain:
        """What was taken, as an element of each array."""
        every = [(*key, ns) for key, times in self._taken.items() for ns in times]
        return {
            "instrument": np.array([of for of, _, _ in every], np.int64),
            "id": np.array([id_ for _, id_, _ in every], np.uint64),
            "event_ns": np.array([ns for _, _, ns in every], np.int64),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over the state that `dump` returned."""
        columns = (state[name].tolist() for name in ("instrument", "id", "event_ns"))
        for instrument, id_, event_ns in zip(*columns, strict=True):
            self._remember(instrument, id_, event_ns)


def runs_by_rest(rows: RowBatch) -> list[Run]:
    """Rows sorted by instrument and time, as runs of the days of their own times."""
    assert rows.table is Table.TRADES, "nothing else is asked for"
    return cut_runs(rows, late=True, origin=ORIGIN_REST)


def _joined(filled: Sequence[HoleFilled]) -> list[HoleFilled]:
    """Those of adjacent ids of one numbering as one."""
    joined: list[HoleFilled] = []
    for each in filled:
        before = joined[-1] if joined else None
        if before is not None and _adjoins(before, each):
            joined[-1] = HoleFilled(
                each.instrument, before.first, each.last, before.at_ns, each.numbering
            )
        else:
            joined.append(each)
    return joined


def _adjoins(before: HoleFilled, after: HoleFilled) -> bool:
    same = (before.instrument, before.numbering) == (after.instrument, after.numbering)
    return same and after.first == before.last + 1


def _of_ids(record: GapRecord, ids: Range) -> GapRecord:
    stream = record.instrument, record.table
    return GapRecord(*stream, *ids, record.from_ns, record.to_ns, record.cause, record.healed)
