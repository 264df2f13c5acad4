"""Holes in ids that seem to rise by one, though nobody promises it: suspects, no records.

    found -> held back while rows may come late -> told once -> a record if REST has the trades

An interruption has a record of its own, by times: what is missing by ids within one is no suspect.

Invariant: a suspect is told at most once, and becomes a record only together with its healing.  Not
here: ids that are promised to rise by one, where a hole is a loss (`gaps`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.pipeline.gap_records import REST
from tick_logger.pipeline.id_holes import IdHoles
from tick_logger.pipeline.id_line import HoleFilled, HoleOpened


class Suspects:
    """Those that are held back, and those that were told and may be filled."""

    def __init__(self) -> None:
        self._holes = IdHoles()
        self._tick = 0
        self._interrupted: dict[int, tuple[int, int]] = {}  # by instrument, when it was last

    def opened(self, found: HoleOpened) -> None:
        """Ids were skipped."""
        self._holes.opened(Table.TRADES, found, Cause.SEQUENCE, self._tick)

    def filled(self, found: HoleFilled) -> None:
        """They came on the stream after all."""
        self._holes.filled(Table.TRADES, found)

    def refilled(self, found: HoleFilled) -> list[GapRecord]:
        """They came by REST: records of what was missing, each with its healing behind it."""
        return [
            record
            for hole in self._holes.recorded_in(Table.TRADES, found)
            for record in (hole, *self._healed(found, hole))
        ]

    def _healed(self, found: HoleFilled, hole: GapRecord) -> list[GapRecord]:
        assert hole.from_id is not None
        assert hole.to_id is not None
        part = attrs.evolve(found, first=hole.from_id, last=hole.to_id)
        return self._holes.filled(Table.TRADES, part, how=REST)

    def tick(self, records: Iterable[GapRecord]) -> tuple[GapRecord, ...]:
        """Those that are due, as records; `records` are those that are written with this tick."""
        self._tick += 1
        for each in records:
            by_times = each.table is Table.TRADES and each.from_id is None and not each.healed
            if by_times and each.from_ns is not None and each.to_ns is not None:
                self._interrupted[each.instrument] = (each.from_ns, each.to_ns)
        due = self._holes.take_due(self._tick, lambda _: None)
        for each in filter(self._was_interrupted, due):
            self._forget(each)
        return tuple(each for each in due if not self._was_interrupted(each))

    def _forget(self, hole: GapRecord) -> None:
        """Its ids are those that an interruption has cost, and are told with that."""
        assert hole.from_id is not None
        assert hole.to_id is not None
        for each in self._holes.numberings_of(hole.instrument, Table.TRADES):
            ids = hole.from_id, hole.to_id
            self.filled(HoleFilled(hole.instrument, *ids, hole.to_ns or 0, each))

    def _was_interrupted(self, hole: GapRecord) -> bool:
        from_ns, to_ns = self._interrupted.get(hole.instrument, (0, 0))
        assert hole.from_ns is not None
        assert hole.to_ns is not None
        return hole.from_ns <= to_ns and from_ns <= hole.to_ns

    def dump(self) -> list[Any]:
        """Everything, as lists."""
        interrupted = [[of, *times] for of, times in self._interrupted.items()]
        return [self._tick, self._holes.dump(), self._holes.dump_recorded(), interrupted]

    def load(self, state: list[Any]) -> None:
        """Take over what `dump` returned."""
        self._tick, pending, recorded, interrupted = state
        self._holes.load(pending, recorded)
        self._interrupted = {of: (from_ns, to_ns) for of, from_ns, to_ns in interrupted}
