"""A wall clock for virtual time: it follows trio's clock, and can be set like a real one."""

from __future__ import annotations

import trio

NOON_NS = 1_790_078_400 * 10**9  # 2026-09-22 12:00 UTC


class VirtualClock:
    """Shows `start_ns` at the moment of its making, and moves with trio's clock."""

    def __init__(self, start_ns: int = NOON_NS) -> None:
        self._offset_ns = start_ns - _trio_ns()

    def now_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC."""
        return self._offset_ns + _trio_ns()

    def monotonic_ns(self) -> int:
        """Nanoseconds since trio's clock began."""
        return _trio_ns()

    def step(self, secs: float) -> None:
        """Be set by so many seconds, backwards if negative."""
        self._offset_ns += round(secs * 1e9)


def _trio_ns() -> int:
    return round(trio.current_time() * 1e9)


class StillClock:
    """Shows what it was set to."""

    def __init__(self, start_ns: int = NOON_NS) -> None:
        self.at_ns = start_ns

    def now_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC."""
        return self.at_ns
