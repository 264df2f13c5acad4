"""From interruptions and holes in ids to the records in the gaps files.

Two kinds of loss are told apart.  Where ids are dense, a hole in them is the proof, and an
interruption only names its cause: if the ids continue without a hole nothing was lost.  Where they
are not, the interruption itself is all that is known, and becomes a record when it ends.  So does
an interruption of dense ids when everything ends, if no id came after it.

A hole is held back for `GRACE_TICKS`, because reordered rows often fill it at once.  A hole that
is filled after its record was written gets a second record of the filled part, healed "late".

When a process ends, all streams stop.  That becomes an interruption if a later process uses the
stream again, and no record if none does: then nobody wanted the stream.

Invariant: an interruption is recorded at most once, however many processes it lasts.
"""

from __future__ import annotations

import enum
from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.marks import Interrupted, Lapse, MissingIds, Resumed
from tick_logger.model.tables import Table
from tick_logger.pipeline.ids import HoleFilled, HoleOpened, Range, cut
from tick_logger.pipeline.lost_trades import LostTrades
from tick_logger.pipeline.plain_state import Plain

GRACE_TICKS = 2
"""A hole is written when the rows around it leave the reorder window, not before."""

MAX_PAST_OUTAGES = 16
"""Per stream of dense ids: how many past interruptions are kept as possible causes."""

APART_NS = 10**9
"""Lapses of one stream that are closer share a record: a venue may send nothing but nonsense."""

Stream = tuple[int, Table]


@attrs.define
class _Outage:
    from_ns: int
    cause: Cause
    to_ns: int | None = None
    proven_ns: int | None = None  # how far the stream's ids were complete when it ended

    def explains(self, hole: HoleOpened) -> bool:
        """Whether the hole lies around this interruption."""
        first, last = sorted((hole.from_ns, hole.to_ns))  # the wall clock may have been set back
        begin, end = sorted((self.from_ns, last if self.to_ns is None else self.to_ns))
        return first <= end and begin <= last

    def dump(self, stream: Stream) -> list[Any]:
        """Its fields and its stream's."""
        instrument, table = stream
        return [instrument, table.value, self.from_ns, self.cause.value, self.to_ns, self.proven_ns]

    @classmethod
    def load(cls, fields: Sequence[Any]) -> tuple[Stream, _Outage]:
        """The stream and the interruption that `dump` was given."""
        instrument, table, from_ns, cause, *rest = fields
        return (instrument, Table(table)), cls(from_ns, Cause(cause), *rest)


@attrs.define
class _Hole:
    table: Table
    opened: HoleOpened
    cause: Cause
    due_tick: int
    parts: list[Range]  # what of it is still missing

    def dump(self) -> list[Any]:
        """Its fields, those of the hole as it opened in a list."""
        opened = list(attrs.astuple(self.opened))
        return [
            self.table.value,
            opened,
            self.cause.value,
            self.due_tick,
            list(map(list, self.parts)),
        ]

    @classmethod
    def load(cls, fields: Sequence[Any]) -> _Hole:
        """The hole that `dump` was given."""
        table, opened, cause, due_tick, parts = fields
        ranges = [(first, last) for first, last in parts]
        return cls(Table(table), HoleOpened(*opened), Cause(cause), due_tick, ranges)


class GapLedger:
    """The interruptions in progress, and the holes that have no record yet.

    `complete_until_ns` gives the receive time up to which a stream's ids prove what is missing.
    """

    def __init__(
        self,
        dense: Callable[[int, Table], bool],
        complete_until_ns: Callable[[Stream], int | None],
    ) -> None:
        self._dense = dense
        self._complete_until_ns = complete_until_ns
        self._outages: dict[Stream, _Outage] = {}
        self._stopped: dict[Stream, _Outage] = {}  # not used since the process that used them
        self._past: dict[Stream, list[_Outage]] = {}
        self._pending: dict[Stream, list[_Hole]] = {}  # ascending
        self._records: list[GapRecord] = []
        self.lost_trades = LostTrades()
        self._lapses: dict[tuple[Stream, Cause], int] = {}  # of this tick, where their records are
        self._tick = 0

    def interrupted(self, mark: Interrupted) -> None:
        """Begin an interruption; one that is already in progress keeps its beginning and cause.

        One by intent ends: what is interrupted is wanted again.
        """
        for instrument in mark.instruments:
            for table in mark.tables:
                stream, at_ns = (instrument, table), mark.at_ns
                current = self._outages.get(stream)
                if current is not None and current.cause is Cause.RETIRED:
                    at_ns = max(at_ns, current.from_ns)
                    self._end(stream, at_ns)
                self._outages.setdefault(stream, _Outage(at_ns, mark.cause))

    def resumed(self, mark: Resumed) -> None:
        """End the interruption of these streams."""
        for instrument in mark.instruments:
            for table in mark.tables:
                self._end((instrument, table), mark.at_ns)

    def retired(self, stream: Stream, at_ns: int) -> None:
        """The stream is no longer wanted: an interruption by intent, which is no loss."""
        self._end(stream, at_ns)
        assert stream not in self._outages, "a stream has one interruption at a time"
        self._outages[stream] = _Outage(at_ns, Cause.RETIRED)

    def restarted(
        self, streams: Iterable[Stream], stopped_ns: Mapping[int, int], cause: Cause
    ) -> None:
        """A new process continues: these streams stopped at the time given per instrument."""
        self.end_unused()
        for stream in streams:
            self._stopped[stream] = _Outage(stopped_ns[stream[0]], cause)

    def met_again(self, stream: Stream) -> bool:
        """Whether the stream had stopped; then that is an interruption, now in progress."""
        stop = self._stopped.pop(stream, None)
        if stop is None:
            return False
        self._outages.setdefault(stream, stop)
        return True

    def end_unused(self) -> None:
        """End the interruptions of streams that had stopped, and that this process has not used.

        To be called when this process ends, or has ended.
        """
        for stream, stop in self._stopped.items():
            outage = self._outages.get(stream)
            if outage is not None and outage.cause is not Cause.RETIRED:
                self._end(stream, stop.from_ns)

    def missing(self, mark: MissingIds) -> None:
        """Record a hole that the feed side has proven."""
        self._records.append(
            GapRecord(
                mark.instrument,
                mark.table,
                mark.from_id,
                mark.to_id,
                mark.from_ns,
                mark.to_ns,
                mark.cause,
            )
        )

    def lapsed(self, mark: Lapse) -> None:
        """Record a span of time in which rows may be missing, or let the ids tell."""
        for instrument in mark.instruments:
            for table in mark.tables:
                stream = (instrument, table)
                known_ns = self._complete_until_ns(stream) if self._dense(*stream) else None
                if not mark.ids_tell:
                    self._record_lapse(stream, mark)
                elif known_ns is None:
                    self._record_together(stream, mark)
                else:
                    self._let_ids_tell(stream, mark, known_ns)

    def _record_lapse(self, stream: Stream, mark: Lapse) -> None:
        self._records.append(GapRecord(*stream, None, None, mark.from_ns, mark.to_ns, mark.cause))

    def _record_together(self, stream: Stream, mark: Lapse) -> None:
        """Record it with the one before in the same record, if that is of the same tick."""
        at = self._lapses.get((stream, mark.cause))
        if at is not None:
            before = self._records[at]
            if before.to_ns is not None and mark.from_ns - before.to_ns <= APART_NS:
                to_ns = max(before.to_ns, mark.to_ns)
                self._records[at] = attrs.evolve(before, to_ns=to_ns)
                return
        self._lapses[stream, mark.cause] = len(self._records)
        self._record_lapse(stream, mark)

    def _let_ids_tell(self, stream: Stream, mark: Lapse, known_ns: int) -> None:
        """Keep it as the cause of the hole that will show, if later ids come."""
        past = self._past.setdefault(stream, [])
        if past and past[-1].cause is mark.cause and past[-1].proven_ns == known_ns:
            past[-1].to_ns = max(past[-1].to_ns or mark.to_ns, mark.to_ns)  # no id came since
            return
        past.append(_Outage(mark.from_ns, mark.cause, mark.to_ns, known_ns))
        del past[:-MAX_PAST_OUTAGES]

    def unplaced(self, books: Sequence[tuple[int, int, int]]) -> None:
        """Record books that cannot be rebuilt, for want of a snapshot in its place."""
        self._records += [
            GapRecord(instrument, Table.BOOK, None, None, from_ns, to_ns, Cause.SNAPSHOT)
            for instrument, from_ns, to_ns in books
        ]

    def hole(self, table: Table, found: HoleOpened | HoleFilled) -> None:
        """Take note of a hole that opened, or of one that was filled."""
        stream = (found.instrument, table)
        whole = [(found.first, found.last)]
        if isinstance(found, HoleOpened):
            cause = self._cause(stream, found)
            hole = _Hole(table, found, cause, self._tick + GRACE_TICKS, whole)
            insort(self._pending.setdefault(stream, []), hole, key=_first)
            return
        # What was filled may lie in several holes, of which the older have their records already.
        pending = self._pending.get(stream, [])
        start = max(bisect_right(pending, found.first, key=_first) - 1, 0)
        for hole in pending[start : bisect_right(pending, found.last, key=_first)]:
            cut(hole.parts, found.first, found.last)
            cut(whole, hole.opened.first, hole.opened.last)
        self._records += (
            GapRecord(
                found.instrument, table, first, last, None, found.at_ns, Cause.SEQUENCE, "late"
            )
            for first, last in whole
        )

    def tick(self) -> tuple[GapRecord, ...]:
        """The records that are due."""
        self._tick += 1
        self._write_holes(due=self._tick)
        self._records += self.lost_trades.tick()
        return self._take_records()

    def unproven(self) -> None:
        """Record the interruptions of dense ids that no id came after, before the end."""
        for stream, past in list(self._past.items()):
            proven_ns = self._complete_until_ns(stream)
            for outage in list(past):
                if outage.to_ns is None:
                    continue
                # Nothing moved since it ended: times alone prove little where a clock was set back.
                unmoved = proven_ns == outage.proven_ns
                # What is not understood is an id itself: others must come after it.
                last_ns = outage.to_ns - (outage.cause is not Cause.UNDECODABLE)
                if proven_ns is None or unmoved or proven_ns <= last_ns:
                    self._record_outage(stream, outage, outage.to_ns)
                    past.remove(outage)
            if not past:
                del self._past[stream]

    def close(self, at_ns: int) -> tuple[GapRecord, ...]:
        """Everything that is still open, when nothing more will come.

        What is retired stays so: a process that records it again has not lost what lies between.
        """
        for stream, outage in list(self._outages.items()):
            if outage.cause is not Cause.RETIRED:
                self._record_outage(stream, outage, at_ns)
                del self._outages[stream]
        self._write_holes(due=self._tick + GRACE_TICKS)
        self._records += self.lost_trades.tick(last=True)
        return self._take_records()

    def _take_records(self) -> tuple[GapRecord, ...]:
        records, self._records = self._records, []
        self._lapses.clear()
        return tuple(map(_in_order, records))

    def dump(self) -> Plain:
        """Everything that is open, as lists, in the order in which it will be recorded."""
        return {
            "tick": self._tick,
            "outages": [outage.dump(stream) for stream, outage in self._outages.items()],
            "stopped": [outage.dump(stream) for stream, outage in self._stopped.items()],
            "past": [each.dump(stream) for stream, past in self._past.items() for each in past],
            "pending": [hole.dump() for holes in self._pending.values() for hole in holes],
            "records": [_record_to_plain(record) for record in self._records],
            "lost_trades": self.lost_trades.dump(),
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned."""
        self._tick = state["tick"]
        self._outages = dict(map(_Outage.load, state["outages"]))
        self._stopped = dict(map(_Outage.load, state["stopped"]))
        for stream, outage in map(_Outage.load, state["past"]):
            self._past.setdefault(stream, []).append(outage)
        for hole in map(_Hole.load, state["pending"]):
            self._pending.setdefault((hole.opened.instrument, hole.table), []).append(hole)
        self._records = [_record_from_plain(fields) for fields in state["records"]]
        self.lost_trades.load(state.get("lost_trades", ()))

    def _end(self, stream: Stream, at_ns: int) -> None:
        outage = self._outages.pop(stream, None)
        if outage is None:
            return
        assert outage.to_ns is None, "an interruption ends once"
        outage.to_ns = at_ns
        outage.proven_ns = self._complete_until_ns(stream) if self._dense(*stream) else None
        if outage.proven_ns is not None:  # without ids before it, those behind prove nothing
            past = self._past.setdefault(stream, [])
            past.append(outage)
            del past[:-MAX_PAST_OUTAGES]
            return
        self._record_outage(stream, outage, at_ns)

    def _record_outage(self, stream: Stream, outage: _Outage, to_ns: int) -> None:
        if outage.cause is not Cause.RETIRED:
            self._records.append(
                GapRecord(*stream, None, None, outage.from_ns, to_ns, outage.cause)
            )

    def _cause(self, stream: Stream, hole: HoleOpened) -> Cause:
        current = self._outages.get(stream)
        candidates = [*self._past.get(stream, []), *([current] if current else [])]
        return next((o.cause for o in reversed(candidates) if o.explains(hole)), Cause.SEQUENCE)

    def _write_holes(self, due: int) -> None:
        for stream, holes in list(self._pending.items()):
            for hole in holes:
                if hole.due_tick <= due:
                    self._records.extend(_records_of(hole))
            rest = [hole for hole in holes if hole.due_tick > due]
            if rest:
                self._pending[stream] = rest
            else:
                del self._pending[stream]


def _records_of(hole: _Hole) -> list[GapRecord]:
    opened = hole.opened
    assert all(opened.first <= low <= high <= opened.last for low, high in hole.parts)
    return [
        GapRecord(
            opened.instrument, hole.table, first, last, opened.from_ns, opened.to_ns, hole.cause
        )
        for first, last in hole.parts
    ]


def _in_order(record: GapRecord) -> GapRecord:
    """The record with the earlier time first: between the two the wall clock may have stepped."""
    if record.from_ns is None or record.to_ns is None or record.from_ns <= record.to_ns:
        return record
    return attrs.evolve(record, from_ns=record.to_ns, to_ns=record.from_ns)


def _record_to_plain(record: GapRecord) -> list[Any]:
    return [each.value if isinstance(each, enum.Enum) else each for each in attrs.astuple(record)]


def _record_from_plain(fields: Sequence[Any]) -> GapRecord:
    instrument, table, from_id, to_id, from_ns, to_ns, cause, healed = fields
    return GapRecord(instrument, Table(table), from_id, to_id, from_ns, to_ns, Cause(cause), healed)


def _first(hole: _Hole) -> int:
    return hole.opened.first
