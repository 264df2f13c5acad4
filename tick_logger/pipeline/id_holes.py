"""Holes in ids between their discovery and their record.

A hole is held back for `GRACE_TICKS`, because reordered rows often fill it at once.  A hole that
is filled after its record was written gets a second record of the filled part, which heals it: that
begins as the first one did.

Invariant: each missing id is in one record at most.  Not here: what caused a hole (`gaps`).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.flush import HEALED, GapRecord, OpenHole
from tick_logger.model.tables import Table
from tick_logger.pipeline.gap_records import in_order
from tick_logger.pipeline.id_line import MAX_OPEN_HOLES, HoleFilled, HoleOpened, Range, cut

GRACE_TICKS = 2
"""A hole is written when the rows around it leave the reorder window, not before."""

Numbering = tuple[int, Table, int]
"""Holes of several numberings of a stream have nothing to do with each other."""


@attrs.define
class _Hole:
    table: Table
    opened: HoleOpened
    cause: Cause
    due_tick: int
    parts: list[Range]  # what of it is still missing
    of_ns: int | None = None  # when the interruption began that caused it

    @property
    def interruption(self) -> OpenHole | None:
        """What caused it, if that was an interruption."""
        if self.of_ns is None:
            return None
        return OpenHole(self.opened.instrument, self.table, self.cause, self.of_ns)

    def dump(self) -> list[Any]:
        """Its fields, those of the hole as it opened in a list."""
        opened = list(attrs.astuple(self.opened))
        return [
            self.table.value,
            opened,
            self.cause.value,
            self.due_tick,
            list(map(list, self.parts)),
            self.of_ns,
        ]

    @classmethod
    def load(cls, fields: Sequence[Any]) -> _Hole:
        """The hole that `dump` was given."""
        table, opened, cause, due_tick, parts, *more = fields
        ranges = [(first, last) for first, last in parts]
        return cls(Table(table), HoleOpened(*opened), Cause(cause), due_tick, ranges, *more)


@attrs.frozen
class _Recorded:
    """Ids that a record calls missing."""

    first: int
    last: int
    from_ns: int  # as the record has it
    cause: Cause
    to_ns: int = 0  # 0: in a state of an earlier version, which did not keep it


class IdHoles:
    """The holes that have no record yet, and the records that may be healed, by numbering."""

    def __init__(self) -> None:
        self._pending: dict[Numbering, list[_Hole]] = {}  # ascending
        self._recorded: dict[Numbering, list[_Recorded]] = {}  # ascending

    def opened(
        self, table: Table, found: HoleOpened, cause: Cause, tick: int, of_ns: int | None = None
    ) -> None:
        """Hold back a hole that was found in this tick; an interruption since `of_ns` caused it."""
        ids = [(found.first, found.last)]
        hole = _Hole(table, found, cause, tick + GRACE_TICKS, ids, of_ns)
        numbering = (found.instrument, table, found.numbering)
        insort(self._pending.setdefault(numbering, []), hole, key=_first)

    def filled(
        self, table: Table, found: HoleFilled, *, by_hole: bool = True, how: str = HEALED
    ) -> list[GapRecord]:
        """Take out what was filled; the records of those parts whose holes have records already.

        What was filled may lie in several holes: there is a record for each, or, unless `by_hole`,
        one that does not say which, as earlier versions wrote it.  `how` says what healed them.
        """
        whole = [(found.first, found.last)]
        pending = self._pending.get((found.instrument, table, found.numbering), [])
        start = max(bisect_right(pending, found.first, key=_first) - 1, 0)
        for hole in pending[start : bisect_right(pending, found.last, key=_first)]:
            cut(hole.parts, found.first, found.last)
            cut(whole, hole.opened.first, hole.opened.last)
        if not whole:
            return []
        ids = list(whole)
        records = self._healed(table, found, whole, how)
        return records if by_hole else _unattributed(table, found, ids, how)

    def numberings_of(self, instrument: int, table: Table) -> list[int]:
        """The numberings of a stream of which something is recorded."""
        return [number for of, its, number in self._recorded if (of, its) == (instrument, table)]

    def recorded_in(self, table: Table, found: HoleFilled) -> list[GapRecord]:
        """What of these ids is in records that may be healed, with the bounds of those records."""
        stream = found.instrument, table
        return [
            GapRecord(
                *stream,
                max(each.first, found.first),
                min(each.last, found.last),
                each.from_ns,
                max(each.to_ns, each.from_ns),
                each.cause,
            )
            for each in self._recorded.get((*stream, found.numbering), [])
            if each.first <= found.last and found.first <= each.last
        ]

    def _healed(
        self, table: Table, found: HoleFilled, filled: list[Range], how: str
    ) -> list[GapRecord]:
        """The records of what was filled of those that are written."""
        number = found.instrument
        recorded = self._recorded.get((number, table, found.numbering), [])
        start = max(bisect_right(recorded, found.first, key=_first_recorded) - 1, 0)
        stop = bisect_right(recorded, found.last, key=_first_recorded)
        records, rest = [], []
        for each in recorded[start:stop]:
            parts, left = [(each.first, each.last)], [(each.first, each.last)]
            for first, last in filled:
                cut(left, first, last)
            for first, last in left:
                cut(parts, first, last)
                rest.append(attrs.evolve(each, first=first, last=last))
            for first, last in parts:
                ids = number, table, first, last
                records.append(GapRecord(*ids, each.from_ns, found.at_ns, each.cause, how))
                cut(filled, first, last)
        recorded[start:stop] = rest
        # Of what an earlier version has recorded, the beginning is not known.
        return records + _unattributed(table, found, filled, how)

    def are_due_to(self, interruption: OpenHole) -> bool:
        """Whether it has caused one that has no record yet."""
        stream = (interruption.instrument, interruption.table)
        return any(
            hole.interruption == interruption
            for numbering, holes in self._pending.items()
            if numbering[:2] == stream
            for hole in holes
        )

    def take_due(self, tick: int, cost_ids: Callable[[OpenHole], int | None]) -> list[GapRecord]:
        """The records of the holes that have waited long enough by this tick.

        `cost_ids` is told of each interruption that has cost some; it may give from when the record
        is to be.
        """
        records: list[GapRecord] = []
        for numbering, holes in list(self._pending.items()):
            for hole in holes:
                if hole.due_tick <= tick:
                    records += self._record(numbering, hole, cost_ids)
            rest = [hole for hole in holes if hole.due_tick > tick]
            if rest:
                self._pending[numbering] = rest
            else:
                del self._pending[numbering]
        return records

    def _record(
        self, numbering: Numbering, hole: _Hole, cost_ids: Callable[[OpenHole], int | None]
    ) -> list[GapRecord]:
        """What of a hole is missing; it may be healed later."""
        opened = hole.opened
        assert all(opened.first <= low <= high <= opened.last for low, high in hole.parts)
        if not hole.parts:
            return []
        from_ns, interruption = opened.from_ns, hole.interruption
        begun_ns = None if interruption is None else cost_ids(interruption)
        if begun_ns is not None and begun_ns <= opened.to_ns:
            from_ns = begun_ns
        stream, times = (opened.instrument, hole.table), (from_ns, opened.to_ns)
        records = [
            in_order(GapRecord(*stream, first, last, *times, hole.cause))
            for first, last in hole.parts
        ]
        recorded = self._recorded.setdefault(numbering, [])
        for first, last in hole.parts:
            part = _Recorded(first, last, min(times), hole.cause, max(times))
            insort(recorded, part, key=_first_recorded)
        del recorded[:-MAX_OPEN_HOLES]
        return records

    def dump(self) -> list[Any]:
        """Each hole as a list, in the order in which they will be recorded."""
        return [hole.dump() for holes in self._pending.values() for hole in holes]

    def dump_recorded(self) -> list[Any]:
        """What may be healed, as lists."""
        return [
            [
                instrument,
                table.value,
                number,
                *attrs.astuple(each)[:3],
                each.cause.value,
                each.to_ns,
            ]
            for (instrument, table, number), recorded in self._recorded.items()
            for each in recorded
        ]

    def load(self, state: Sequence[Any], recorded: Sequence[Any]) -> None:
        """Take over what `dump` and `dump_recorded` returned; earlier versions had no second."""
        for hole in map(_Hole.load, state):
            numbering = (hole.opened.instrument, hole.table, hole.opened.numbering)
            self._pending.setdefault(numbering, []).append(hole)
        for instrument, table, number, first, last, from_ns, cause, *more in recorded:
            of_numbering = self._recorded.setdefault((instrument, Table(table), number), [])
            of_numbering.append(_Recorded(first, last, from_ns, Cause(cause), *more))


def _unattributed(
    table: Table, found: HoleFilled, ids: Sequence[Range], how: str
) -> list[GapRecord]:
    """Healing records that do not say of which hole these ids were."""
    stream, times = (found.instrument, table), (None, found.at_ns)
    return [GapRecord(*stream, *each, *times, Cause.SEQUENCE, how) for each in ids]


def _first(hole: _Hole) -> int:
    return hole.opened.first


def _first_recorded(recorded: _Recorded) -> int:
    return recorded.first
