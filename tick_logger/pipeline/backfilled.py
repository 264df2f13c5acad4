"""Trades that came by REST: which of them are new, and what they heal.

They change nothing that the stream shows: no clock, no window, no numbering grows with them.  Of
ids that rise by one, those are taken that lie in a hole, or before everything that is known: the
answer was asked for them, and nothing else of it is here.  Of other ids, those that are not among
the newest that came.  All go to `late/` at once, in the day of their own time.

The stream may bring the same trade after all.  The first one wins: what was taken is remembered
for long enough to know it again.  Ids begin again: a trade of another time is another one.  They
may do so within one hole, so that of an id that lay in it there are two: both are taken, and it is
told that ids began again, which the stream has not shown.

Invariant: a trade that is taken here is taken once, and is no row of the stream any more.  Not
here: when a venue is asked, and for what.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import attrs
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
from tick_logger.pipeline.id_line import BegunAgain, HoleFilled, Place, Range, cut
from tick_logger.pipeline.ids import IdLedger
from tick_logger.pipeline.order import cut_runs
from tick_logger.pipeline.plain_state import Plain
from tick_logger.pipeline.recent_ids import RecentIds

MAX_TAKEN = 50_000
"""Trades that are remembered, 10 MB: more than a stream brings late of all that is asked for within
minutes, and fifty of the largest pages."""

MOST_OF_AN_ID = 8
"""Of the trades that had one id, so many are remembered: as numberings are."""

IN_NO_HOLE = -1
"""Instead of a numbering: the id of the trade was not missing from any."""

MAX_AHEAD_NS = NS_PER_DAY
"""A trade later than its receipt by more than that has no time that can be right."""

Mask = npt.NDArray[np.bool_]


@attrs.frozen
class _Taken:
    """A trade, and the numbering in a hole of which its id lay."""

    id: int
    event_ns: int
    recv_ns: int
    numbering: int


@attrs.define
class _Numbered:
    """What the trades of one instrument in an answer show: holes filled, ids begun again."""

    found: list[HoleFilled | BegunAgain] = attrs.field(factory=list)
    last: _Taken | None = None
    begun: list[_Taken] = attrs.field(factory=list)

    def note(self, instrument: int, trade: _Taken, others: Sequence[_Taken]) -> None:
        """One more was taken, in order of time; `others` had its id, and filled its hole."""
        if trade.numbering != IN_NO_HOLE:
            ids = trade.id, trade.id
            self.found.append(HoleFilled(instrument, *ids, trade.recv_ns, trade.numbering))
        for other in others:
            older, newer = sorted((trade, other), key=lambda each: each.event_ns)
            first_of = (each for each in self.begun if older.event_ns < each.event_ns)
            if any(_is_behind(newer, first) for first in first_of):
                continue
            before = self.last
            if before is None or before.event_ns >= newer.event_ns:
                before = older
            ids, times = (before.id, newer.id), (before.recv_ns, newer.recv_ns)
            self.found.append(BegunAgain(instrument, *ids, *times))
            self.begun.append(newer)
        self.last = trade


def _is_behind(trade: _Taken, first: _Taken) -> bool:
    """Whether it is that first trade of a numbering, or comes after it."""
    return (trade.event_ns, trade.recv_ns) >= (first.event_ns, first.recv_ns)


class Backfilled:
    """What was taken of answers by REST, the oldest first.

    `trade_ids(instrument)` says what ids are; `ids` and `recent` know those that came.
    """

    def __init__(self, trade_ids: Callable[[int], Ids], ids: IdLedger, recent: RecentIds) -> None:
        self._trade_ids = trade_ids
        self._ids = ids
        self._recent = recent
        # By instrument and id, several where ids have begun again.
        self._taken: dict[tuple[int, int], tuple[_Taken, ...]] = {}
        self._until_ns: dict[int, int] = {}  # the newest of them, by instrument

    def take(self, rows: RowBatch) -> tuple[RowBatch, list[HoleFilled | BegunAgain], Counter[int]]:
        """The rows that are new, sorted; what they show of ids; how many are not, by instrument."""
        order = np.lexsort((rows["seq"], rows["event_ns"], rows["instrument"]))
        rows = rows.take(order)
        fields = (rows[name].tolist() for name in ("instrument", "seq", "event_ns", "recv_ns"))
        keep = np.zeros(len(rows), np.bool_)
        numbered: dict[int, _Numbered] = {}
        for row, (instrument, id_, event_ns, recv_ns) in enumerate(zip(*fields, strict=True)):
            if not 0 < event_ns <= recv_ns + MAX_AHEAD_NS:
                continue
            if self._was_taken(instrument, id_, event_ns):
                continue
            place, numbering, others = self._place(instrument, id_, event_ns)
            if place is Place.AFTER or (place is Place.SEEN and not others):
                continue
            keep[row] = True
            hole = numbering if place is Place.HOLE else IN_NO_HOLE
            trade = _Taken(id_, event_ns, recv_ns, hole)
            numbered.setdefault(instrument, _Numbered()).note(instrument, trade, others)
            self._remember(instrument, trade)
        self._forget()
        found = [each for of_one in numbered.values() for each in of_one.found]
        return rows.take(keep), _joined(found), Counter(rows["instrument"][~keep].tolist())

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

    def _place(self, instrument: int, id_: int, event_ns: int) -> tuple[Place, int, list[_Taken]]:
        """Where a trade lies, in which numbering, and which others of its id filled a hole of it.

        These came from here, so that the stream has never brought one of that id.
        """
        if self._trade_ids(instrument) not in {Ids.DENSE, Ids.SEEM_DENSE}:
            known = self._recent.has_trade(instrument, id_, event_ns)
            return (Place.SEEN if known else Place.BEFORE), 0, []
        place, numbering = self._ids.refill(instrument, id_, event_ns)
        taken = self._taken.get((instrument, id_), ()) if place is Place.SEEN else ()
        return place, numbering, [each for each in taken if each.numbering == numbering]

    def _was_taken(self, instrument: int, id_: int, event_ns: int) -> bool:
        times = [each.event_ns for each in self._taken.get((instrument, id_), ())]
        return any(abs(taken_ns - event_ns) <= SAME_NS for taken_ns in times)

    def _remember(self, instrument: int, trade: _Taken) -> None:
        before = self._taken.pop((instrument, trade.id), ())  # the newest is the last
        self._taken[instrument, trade.id] = (*before, trade)[-MOST_OF_AN_ID:]
        self._until_ns[instrument] = max(self._until_ns.get(instrument, 0), trade.event_ns)

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
        every = [(of, each) for (of, _), trades in self._taken.items() for each in trades]
        return {
            "instrument": np.array([of for of, _ in every], np.int64),
            "id": np.array([each.id for _, each in every], np.uint64),
            "event_ns": np.array([each.event_ns for _, each in every], np.int64),
            "recv_ns": np.array([each.recv_ns for _, each in every], np.int64),
            "numbering": np.array([each.numbering for _, each in every], np.int64),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over the state that `dump` returned; earlier versions kept no more than times."""
        count = len(state["id"])
        later = {"recv_ns": np.zeros(count, np.int64), "numbering": np.full(count, IN_NO_HOLE)}
        names = ("instrument", "id", "event_ns", "recv_ns", "numbering")
        columns = ((later | dict(state))[name].tolist() for name in names)
        for instrument, *trade in zip(*columns, strict=True):
            self._remember(instrument, _Taken(*trade))


def runs_by_rest(rows: RowBatch) -> list[Run]:
    """Rows sorted by instrument and time, as runs of the days of their own times."""
    assert rows.table is Table.TRADES, "nothing else is asked for"
    return cut_runs(rows, late=True, origin=ORIGIN_REST)


def _joined(found: Sequence[HoleFilled | BegunAgain]) -> list[HoleFilled | BegunAgain]:
    """What was filled of adjacent ids of one numbering as one."""
    joined: list[HoleFilled | BegunAgain] = []
    for each in found:
        before = joined[-1] if joined else None
        if (
            isinstance(before, HoleFilled)
            and isinstance(each, HoleFilled)
            and _adjoins(before, each)
        ):
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
