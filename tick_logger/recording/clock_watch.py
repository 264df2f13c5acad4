"""Tells of this machine's clock being set, while it is recorded and since the process before.

Receive times come from a clock that never runs backwards (`SteadyClock`); how far it is ahead of
the machine's, because that was set back, is a metric.  Not here: what exchanges show (see
`clock_offsets`).
"""

from __future__ import annotations

from tick_logger.clock import CATCH_UP, MOST_HELD_NS, SteadyClock
from tick_logger.telemetry.logs import get_logger
from tick_logger.telemetry.metrics import Metrics

LEAST_STEP_NS = 10**9
"""Less than this is what keeps a clock right; it is no news."""


class ClockWatch:
    """Looks now and then."""

    def __init__(self, clock: SteadyClock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._log = get_logger()
        self._ahead_ns = self._ahead_of_time()
        self._is_held = False

    def started(self, recorded_ns: int | None) -> None:
        """Go on behind what was recorded before, if anything; to be called before there is more."""
        if recorded_ns is None:
            return
        behind_ns = recorded_ns - self._clock.machine.now_ns()
        self._clock.continue_from(recorded_ns)
        if behind_ns > MOST_HELD_NS:
            what = "believed, being so far off; rows that have no time but this are late until then"
            self._tell_set_back(behind_ns, what, since="the last run")
        elif behind_ns >= LEAST_STEP_NS:
            self._tell_set_back(behind_ns, _held(behind_ns), since="the last run")

    def look(self) -> None:
        """Once a second, say."""
        ahead_ns = self._ahead_of_time()
        step_ns, self._ahead_ns = ahead_ns - self._ahead_ns, ahead_ns
        if step_ns <= -LEAST_STEP_NS:
            self._tell_set_back(-step_ns, _held(-step_ns), since="it is recorded")
        elif step_ns >= LEAST_STEP_NS:
            self._log.warning(
                "clock_set_forward",
                seconds=round(step_ns / 1e9, 3),
                explanation="the clock of this machine, or the machine was asleep",
            )
        held_ns = self._clock.held_ns
        self._metrics.clock_held_seconds.set(held_ns / 1e9)
        if self._is_held and not held_ns:
            self._log.info("clock_caught_up", explanation="receive times are the machine's again")
        self._is_held = held_ns >= LEAST_STEP_NS or (self._is_held and held_ns > 0)

    def _tell_set_back(self, secs_ns: int, what: str, *, since: str) -> None:
        self._log.warning(
            "clock_set_back",
            seconds=round(secs_ns / 1e9, 3),
            since=since,
            explanation=f"the clock of this machine; {what}",
        )

    def _ahead_of_time(self) -> int:
        """What changes only when the clock is set."""
        return self._clock.machine.now_ns() - self._clock.machine.monotonic_ns()


def _held(secs_ns: int) -> str:
    slower = secs_ns * CATCH_UP / 1e9
    return f"receive times run at a part of its speed until it has caught up, in {slower:,.0f} s"
