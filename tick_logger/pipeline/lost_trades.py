"""Trades that were not understood, and of which only their ids tell: until they come otherwise.

A venue sends trades more than once: to two connections while one takes over, or the last ones again
to each new subscriber.  So one that was not understood may have come before, or come later.  Its
record is held back for `GRACE_TICKS`, and is written only if it has not come by then; one that
comes after that gets a second record, which heals the first.

Pure.  Not here: ids that are dense, where the hole is the record (`gaps`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, Protocol, TypeGuard

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.flush import HEALED, GapRecord
from tick_logger.model.marks import Lapse, Mark, MissingIds
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table
from tick_logger.pipeline.id_holes import GRACE_TICKS

MOST_TOLD = 1_000
"""Trades whose records are written and may still be healed; the oldest are forgotten."""


class SeenIds(Protocol):
    """The ids of trades that have come."""

    def has(self, instrument: int, trade_id: int) -> bool:
        """Whether one has."""
        ...


def asks_ids(mark: Mark) -> TypeGuard[Lapse]:
    """Whether ids are to tell, if they can, what was not understood."""
    return isinstance(mark, Lapse) and mark.ids_tell


@attrs.define
class _Lost:
    mark: MissingIds
    due_tick: int
    told: bool = False


class LostTrades:
    """Those of all instruments, by instrument and id, the oldest first."""

    def __init__(self) -> None:
        self._lost: dict[tuple[int, int], _Lost] = {}
        self._healed: list[GapRecord] = []
        self._tick = 0

    def note(self, mark: MissingIds, *seen: SeenIds) -> None:
        """One was not understood; of an id that was seen it has come before."""
        assert mark.from_id == mark.to_id, "each trade is told by its own id"
        key = (mark.instrument, mark.from_id)
        if not any(each.has(*key) for each in seen):
            self._lost.setdefault(key, _Lost(mark, self._tick + GRACE_TICKS))

    def came(self, rows: RowBatch, how: str = HEALED) -> None:
        """Rows have come, perhaps some of these trades; `how` says on which way."""
        if not self._lost or rows.table is not Table.TRADES:
            return
        columns = (rows[name].tolist() for name in ("instrument", "seq", "recv_ns"))
        for instrument, trade_id, at_ns in zip(*columns, strict=True):
            lost = self._lost.pop((instrument, trade_id), None)
            if lost is not None and lost.told:
                self._healed.append(
                    GapRecord(
                        instrument, Table.TRADES, trade_id, trade_id, lost.mark.from_ns, at_ns,
                        Cause.UNDECODABLE, how,
                    )
                )  # fmt: skip

    def tick(self, *, last: bool = False) -> list[GapRecord]:
        """The records that are due; all of them if nothing more will come."""
        self._tick += 1
        records = self.take_healed()
        for lost in self._lost.values():
            if not lost.told and (last or lost.due_tick <= self._tick):
                lost.told = True
                records.append(_record(lost.mark))
        told = [key for key, lost in self._lost.items() if lost.told]
        for key in islice(told, max(len(told) - MOST_TOLD, 0)):
            del self._lost[key]
        return records

    def take_healed(self) -> list[GapRecord]:
        """The records of those that have come since the last call, of this or `tick`."""
        records, self._healed = self._healed, []
        return records

    def dump(self) -> list[list[Any]]:
        """Each as a list, and before them the number of the tick."""
        fields = (
            [m.instrument, m.from_id, m.from_ns, m.to_ns, lost.due_tick, lost.told]
            for lost in self._lost.values()
            for m in (lost.mark,)
        )
        assert not self._healed, "taken when they came: with the tick, or by a new process"
        return [[self._tick], *fields]

    def load(self, state: Sequence[Sequence[Any]]) -> None:
        """Take over what `dump` gave; nothing, if an earlier version did."""
        for fields in state[:1]:
            (self._tick,) = fields
        for instrument, trade_id, from_ns, to_ns, due_tick, told in state[1:]:
            mark = MissingIds(
                instrument, Table.TRADES, trade_id, trade_id, from_ns, to_ns, Cause.UNDECODABLE
            )
            self._lost[instrument, trade_id] = _Lost(mark, due_tick, bool(told))


def _record(mark: MissingIds) -> GapRecord:
    ids = mark.from_id, mark.to_id
    return GapRecord(mark.instrument, mark.table, *ids, mark.from_ns, mark.to_ns, mark.cause)
