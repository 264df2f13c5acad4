"""How long each step of a flush took.

A step that is tried again, because the disk had trouble, counts with all its attempts and without
the pauses between them.  Filled in the worker's thread, taken by the task that waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tick_logger.model.steps import Step


class StepTimes:
    """Seconds by step since the last `take`, on a clock that never steps back."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._secs: dict[Step, float] = {}

    @contextmanager
    def during(self, step: Step) -> Iterator[None]:
        """Measure what is done within, also if it fails."""
        began = self._monotonic()
        try:
            yield
        finally:
            self._secs[step] = self._secs.get(step, 0.0) + self._monotonic() - began

    def take(self) -> dict[Step, float]:
        """The seconds of each step that there was; they are forgotten with this."""
        secs, self._secs = self._secs, {}
        return secs
