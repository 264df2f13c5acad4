"""Holes, late rows, rows set aside and doubtful ones of the current UTC day, for the status.

Counted since midnight, or since the start if that was later; the files beside the data have all.
"""

from __future__ import annotations

from collections import Counter

from tick_logger.clock import WallClock
from tick_logger.model.cause import Cause
from tick_logger.model.doubts import DoubtKind
from tick_logger.model.times import day_of
from tick_logger.telemetry.open_holes import OpenHolesNow


class Today:
    """Counts by exchange; the first that is counted of a new day begins it.

    `open_holes` are those of now.
    """

    def __init__(self, clock: WallClock) -> None:
        self.open_holes = OpenHolesNow(clock)
        self._clock = clock
        self._day = day_of(clock.now_ns())
        self._gaps: Counter[tuple[str, Cause]] = Counter()
        self._late: Counter[str] = Counter()
        self._aside: Counter[str] = Counter()
        self._doubtful: Counter[tuple[str, DoubtKind]] = Counter()

    def gaps(self, exchange: str) -> dict[str, int]:
        """Holes by cause."""
        self._turn()
        return {
            cause.value: count for (name, cause), count in self._gaps.items() if name == exchange
        }

    def late(self, exchange: str) -> int:
        """Rows that came after their place was written."""
        self._turn()
        return self._late[exchange]

    def aside(self, exchange: str) -> int:
        """Rows whose time cannot be right."""
        self._turn()
        return self._aside[exchange]

    def doubtful(self, exchange: str) -> dict[str, int]:
        """Rows that look wrong, by kind."""
        self._turn()
        found = self._doubtful.items()
        return {kind.value: rows for (name, kind), rows in found if name == exchange}

    def count_doubtful(self, exchange: str, kind: DoubtKind, rows: int) -> None:
        """So many rows more that look wrong in this way."""
        self._turn()
        self._doubtful[exchange, kind] += rows

    def count_gaps(self, exchange: str, cause: Cause, holes: int) -> None:
        """So many holes more."""
        self._turn()
        self._gaps[exchange, cause] += holes

    def count_late(self, exchange: str, rows: int) -> None:
        """So many late rows more."""
        self._turn()
        self._late[exchange] += rows

    def count_aside(self, exchange: str, rows: int) -> None:
        """So many rows more that were set aside."""
        self._turn()
        self._aside[exchange] += rows

    def _turn(self) -> None:
        day = day_of(self._clock.now_ns())
        if day != self._day:
            self._day = day
            self._gaps.clear()
            self._late.clear()
            self._aside.clear()
            self._doubtful.clear()
