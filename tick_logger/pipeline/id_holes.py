"""Holes in ids between their discovery and their record.

A hole is held back for `GRACE_TICKS`, because reordered rows often fill it at once.  A hole that
is filled after its record was written gets a second record of the filled part, healed "late".

Invariant: each missing id is in one record at most.  Not here: what caused a hole (`gaps`).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from typing import Any

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.pipeline.id_line import HoleFilled, HoleOpened, Range, cut

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


class IdHoles:
    """The holes that have no record yet, by numbering."""

    def __init__(self) -> None:
        self._pending: dict[Numbering, list[_Hole]] = {}  # ascending

    def opened(self, table: Table, found: HoleOpened, cause: Cause, tick: int) -> None:
        """Hold back a hole that was found in this tick."""
        hole = _Hole(table, found, cause, tick + GRACE_TICKS, [(found.first, found.last)])
        numbering = (found.instrument, table, found.numbering)
        insort(self._pending.setdefault(numbering, []), hole, key=_first)

    def filled(self, table: Table, found: HoleFilled) -> list[GapRecord]:
        """Take out what was filled; the records of those parts whose holes have records already.

        What was filled may lie in several holes.
        """
        whole = [(found.first, found.last)]
        pending = self._pending.get((found.instrument, table, found.numbering), [])
        start = max(bisect_right(pending, found.first, key=_first) - 1, 0)
        for hole in pending[start : bisect_right(pending, found.last, key=_first)]:
            cut(hole.parts, found.first, found.last)
            cut(whole, hole.opened.first, hole.opened.last)
        number = found.instrument
        return [
            GapRecord(number, table, first, last, None, found.at_ns, Cause.SEQUENCE, "late")
            for first, last in whole
        ]

    def take_due(self, tick: int) -> list[GapRecord]:
        """The records of the holes that have waited long enough by this tick."""
        records: list[GapRecord] = []
        for numbering, holes in list(self._pending.items()):
            for hole in holes:
                if hole.due_tick <= tick:
                    records += _records_of(hole)
            rest = [hole for hole in holes if hole.due_tick > tick]
            if rest:
                self._pending[numbering] = rest
            else:
                del self._pending[numbering]
        return records

    def dump(self) -> list[Any]:
        """Each hole as a list, in the order in which they will be recorded."""
        return [hole.dump() for holes in self._pending.values() for hole in holes]

    def load(self, state: Sequence[Any]) -> None:
        """Take over what `dump` returned."""
        for hole in map(_Hole.load, state):
            numbering = (hole.opened.instrument, hole.table, hole.opened.numbering)
            self._pending.setdefault(numbering, []).append(hole)


def _records_of(hole: _Hole) -> list[GapRecord]:
    opened = hole.opened
    assert all(opened.first <= low <= high <= opened.last for low, high in hole.parts)
    return [
        GapRecord(
            opened.instrument, hole.table, first, last, opened.from_ns, opened.to_ns, hole.cause
        )
        for first, last in hole.parts
    ]


def _first(hole: _Hole) -> int:
    return hole.opened.first
