"""Records of holes that the feed side has told of, held back while what is missing may come late.

Invariant: a record is given once, or never if it became void in time.  Not here: holes that the
pipeline finds itself, in the ids of trades (`gaps`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tick_logger.model.flush import GapRecord
from tick_logger.model.marks import Doubt
from tick_logger.pipeline.gap_records import record_from_plain, record_to_plain
from tick_logger.pipeline.id_holes import GRACE_TICKS


class ToldHoles:
    """The records that are not written yet, with the tick at which each is due, oldest first."""

    def __init__(self) -> None:
        self._held: list[tuple[int, GapRecord]] = []

    def tell(self, record: GapRecord, doubt: Doubt, tick: int) -> list[GapRecord]:
        """The record if there is no doubt; else hold it back, or take it back if it is void.

        One that is written already stands.
        """
        match doubt:
            case Doubt.NONE:
                return [record]
            case Doubt.OPEN:
                self._held.append((tick + GRACE_TICKS, record))
            case Doubt.VOID:
                records = [each for _, each in self._held]
                if record in records:
                    del self._held[records.index(record)]
        return []

    def take_due(self, tick: int) -> list[GapRecord]:
        """Those that are due by then."""
        due = [record for due_tick, record in self._held if due_tick <= tick]
        self._held = [each for each in self._held if each[0] > tick]
        return due

    def dump(self) -> list[Any]:
        """Everything held, as lists."""
        return [[due_tick, record_to_plain(record)] for due_tick, record in self._held]

    def load(self, state: Iterable[Any]) -> None:
        """Take over what `dump` returned."""
        self._held = [(due_tick, record_from_plain(fields)) for due_tick, fields in state]
