"""Port: the wall clock, which labels what was received.

Deadlines and intervals never use it: they run on trio's clock.  A machine's clock may be set; a
`SteadyClock` over it never runs backwards, so that what is labelled by it stays in its order.
`ManualClock` serves tests and everything else that must say which time it is.
"""

from __future__ import annotations

import time
from typing import Protocol

CATCH_UP = 2
"""A clock that was set back is waited for at this part of the speed of time: an hour is made good
in two, and labels go on being apart from each other."""

MOST_HELD_NS = 86_400 * 10**9
"""A day: further than a clock is off by a mistake of zones.  A process that starts and finds that
what was recorded is further ahead than this believes its clock."""


class WallClock(Protocol):
    """What tells the time."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC."""
        ...


class MachineClock(WallClock, Protocol):
    """The clock of a machine; it steps when it is set."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since some moment; runs like time, and is never set."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """Nanoseconds since some moment."""
        return time.monotonic_ns()


class SteadyClock:
    """Shows what the clock of the machine shows, but never less than before.

    If that is set back, this one goes on at a part of the speed of time until it has caught up.  It
    is for one thread.
    """

    def __init__(self, machine: MachineClock) -> None:
        self.machine = machine
        self._shown_ns = machine.now_ns()
        self._looked_ns = machine.monotonic_ns()

    def now_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC; never less than at the last call."""
        machine_ns, looked_ns = self.machine.now_ns(), self.machine.monotonic_ns()
        least_ns = self._shown_ns + (looked_ns - self._looked_ns) // CATCH_UP
        self._looked_ns = looked_ns
        self._shown_ns = max(machine_ns, least_ns)
        return self._shown_ns

    @property
    def held_ns(self) -> int:
        """How far this clock is ahead of the machine's, because that was set back."""
        return self.now_ns() - self.machine.now_ns()

    def continue_from(self, recorded_ns: int) -> None:
        """Show no less than this: it was shown before, by another process.

        Not if that is further ahead than `MOST_HELD_NS`.
        """
        if recorded_ns - self.now_ns() <= MOST_HELD_NS:
            self._shown_ns = max(self._shown_ns, recorded_ns)


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
