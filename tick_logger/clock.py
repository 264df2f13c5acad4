"""Port: the wall clock, which labels what was received.

Deadlines and intervals never use it: they run on trio's clock.  `ManualClock` serves tests and
everything else that must say which time it is.
"""

from __future__ import annotations

import time
from typing import Protocol


class WallClock(Protocol):
    """Where receive times come from."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC; may step when the machine's clock is set."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC."""
        return time.time_ns()


class ManualClock:
    """A clock that shows what it was told."""

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC."""
        return self._now_ns

    def set_ns(self, now_ns: int) -> None:
        """Step to another time, forwards or backwards."""
        self._now_ns = now_ns
