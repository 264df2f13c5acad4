"""Which of the holes that were counted since the start are left: not healed, and nobody is asked.

    record -> asked about by REST -> healed
                                 `-> left, as are holes about which nobody can be asked

Invariant: a hole is healed once, when nothing is missing of it any more; a part that was filled
changes nothing.  Holes of earlier processes are not among them; what heals those counts for none.

Not here: the records (`storage.gap_files`), and asking (`net.rest`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.storage.gap_files import standing

Asked: TypeAlias = Callable[[str], Iterable[GapRecord]]
"""The holes that an exchange is asked about, or will be: few, where many may be left for good."""

MAX_KNOWN = 20_000
"""Holes that may still be healed, 10 MB: a cut of each connection of all venues makes a few
thousand.  The oldest are forgotten first, and count as left for good."""

_Beginning = tuple[int, Table, int | None]


@attrs.define(eq=False)
class _Hole:
    exchange: str
    record: GapRecord
    parts: list[GapRecord]  # what is still missing


class LeftHoles:
    """The holes of one run."""

    def __init__(self, asked: Asked = lambda _exchange: ()) -> None:
        self._asked = asked
        self._known: OrderedDict[int, _Hole] = OrderedDict()  # by number, the oldest first
        self._begun: dict[_Beginning, dict[int, _Hole]] = {}
        self._of: dict[tuple[str, Cause], dict[int, _Hole]] = {}
        self._forgotten: dict[tuple[str, Cause], int] = {}
        self._next = 0

    def written(self, exchange: str, record: GapRecord) -> None:
        """This hole was counted."""
        hole = _Hole(exchange, record, [record])
        self._known[self._next] = hole
        self._begun.setdefault(_beginning(record), {})[self._next] = hole
        self._of.setdefault((exchange, record.cause), {})[self._next] = hole
        self._next += 1
        if len(self._known) > MAX_KNOWN:
            number, oldest = next(iter(self._known.items()))
            self._forget(number, oldest)
            key = oldest.exchange, oldest.record.cause
            self._forgotten[key] = self._forgotten.get(key, 0) + 1

    def healed(self, record: GapRecord) -> list[Cause]:
        """What a record has healed: the causes of the holes of which nothing is missing now."""
        found: list[Cause] = []
        for number, hole in list(self._begun.get(_beginning(record), {}).items()):
            hole.parts = _less(hole.parts, record)
            if not hole.parts:
                self._forget(number, hole)
                found.append(hole.record.cause)
        return found

    def count(self, exchange: str, cause: Cause) -> int:
        """How many are left of this exchange and cause."""
        known = len(self._of.get((exchange, cause), {}))
        asked = sum(each.cause is cause and self._knows(each) for each in self._asked(exchange))
        return known - asked + self._forgotten.get((exchange, cause), 0)

    def _knows(self, record: GapRecord) -> bool:
        return any(
            hole.record == record for hole in self._begun.get(_beginning(record), {}).values()
        )

    def _forget(self, number: int, hole: _Hole) -> None:
        del self._known[number]
        begun = self._begun[_beginning(hole.record)]
        del begun[number]
        if not begun:
            del self._begun[_beginning(hole.record)]
        del self._of[hole.exchange, hole.record.cause][number]


def _beginning(record: GapRecord) -> _Beginning:
    return record.instrument, record.table, record.from_ns


def _less(parts: Sequence[GapRecord], record: GapRecord) -> list[GapRecord]:
    return [part for part in standing([*parts, record]) if not part.healed]
