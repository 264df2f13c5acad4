"""Holes that a venue is to be asked about, and how far each has come.

Invariant: `missing` only shrinks; what is not in it any more was in an answer, or is on disk.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.marks import Healed
from tick_logger.model.tables import Table

Range = tuple[int, int]

NOT_TO_BE_FILLED = frozenset({Cause.UNWRITABLE, Cause.RENUMBERED, Cause.STRAY, Cause.RETIRED})
"""Rows without a place on the disk were received, and are told apart from no answer: whatever REST
gave would be left out as known.  What was retired was not wanted.  The others are about no hole."""

REST = "rest"
"""How a hole is healed of which all that it lacked was in answers."""


@attrs.frozen
class Hole:
    """Trades of one symbol that are missing: by ids, first and last, or between times of receipt.

    `suspected`: its ids only seem to rise by one, and perhaps nothing is missing.
    """

    symbol: str
    instrument: int
    from_id: int | None
    to_id: int | None
    from_ns: int
    to_ns: int
    cause: Cause
    suspected: bool = False

    @classmethod
    def of(cls, record: GapRecord, symbol: str, *, suspected: bool = False) -> Hole | None:
        """The hole of a record; None if it is about none that REST could fill."""
        if record.table is not Table.TRADES or record.healed or record.to_ns is None:
            return None
        if record.cause in NOT_TO_BE_FILLED:
            return None
        ids = record.from_id, record.to_id
        if (None in ids and ids != (None, None)) or record.from_ns is None:
            return None
        times = record.from_ns, record.to_ns
        return cls(symbol, record.instrument, *ids, *times, record.cause, suspected)

    @property
    def record(self) -> GapRecord:
        """What was told of it."""
        ids, times = (self.from_id, self.to_id), (self.from_ns, self.to_ns)
        return GapRecord(self.instrument, Table.TRADES, *ids, *times, self.cause)

    @property
    def ids(self) -> Range | None:
        """First and last, where they are known."""
        if self.from_id is None or self.to_id is None:
            return None
        return self.from_id, self.to_id

    def healed(self, how: str, at_ns: int, ids: Range | None) -> Healed:
        """What is said of it, or of some of its ids; without ids the hole is told by its end."""
        first, last = ids or (None, None)
        at_ns = at_ns if ids else self.to_ns
        stream = self.instrument, Table.TRADES
        return Healed(*stream, first, last, self.from_ns, at_ns, self.cause, how)


@attrs.define(eq=False)
class Task:
    """A hole on its way: when it is due, by trio's clock, and what was tried."""

    hole: Hole
    due: float
    missing: list[Range] = attrs.field()
    looks: int = 0  # answers that may have come too early to count
    asked_at: list[float] = attrs.field(factory=list)  # when answers counted
    failures: int = 0
    trades: int = 0  # that were put into the journal

    @missing.default
    def _all(self) -> list[Range]:
        return [self.hole.ids] if self.hole.ids else []

    def found(self, ids: Iterable[int]) -> None:
        """These were in an answer."""
        for id_ in sorted(set(ids)):
            self.missing = [part for each in self.missing for part in _less(each, id_)]


def _less(ids: Range, id_: int) -> list[Range]:
    first, last = ids
    if not first <= id_ <= last:
        return [ids]
    return [each for each in ((first, id_ - 1), (id_ + 1, last)) if each[0] <= each[1]]
