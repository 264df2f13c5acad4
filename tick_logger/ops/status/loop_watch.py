"""Who keeps the event loop: the longest time for which one task let no other run.

While a task computes, no socket is read and no ping is answered.  A `LoopWatch` is an instrument of
trio, called twice for each step of each task: it does as little as it can.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from time import perf_counter

import attrs
import trio

from tick_logger.telemetry.logs import get_logger

SPAN_SECS = 5.0
SPANS = 3
"""So many spans are remembered: a peak is seen by every scrape within 15 seconds."""

ALARM_SECS = 0.25
"""A step so long is worth a line in the log: quotes are received that much later."""


@attrs.frozen
class Step:
    """One step of a task."""

    secs: float = 0.0
    task: str = ""


class LoopWatch(trio.abc.Instrument):
    """Measures steps; `clock` gives seconds that only run forward."""

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._began = math.inf  # the first step that is seen may have begun before
        self._longest = Step()
        self._spans: deque[Step] = deque(maxlen=SPANS)
        self._log = get_logger()

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """A task begins to run."""
        self._began = self._clock()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """It lets others run."""
        secs = self._clock() - self._began
        if secs > self._longest.secs:
            self._longest = Step(secs, task.name)

    @property
    def longest(self) -> Step:
        """The longest step of the last spans."""
        return max((*self._spans, self._longest), key=lambda step: step.secs)

    def end_span(self) -> None:
        """Begin to measure anew; what was longest is remembered for some spans."""
        step = self._longest
        if step.secs >= ALARM_SECS:
            self._log.warning(
                "loop_blocked",
                task=step.task,
                secs=round(step.secs, 3),
                explanation="nothing was received meanwhile",
            )
        self._spans.append(step)
        self._longest = Step()
