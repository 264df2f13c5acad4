"""Things that repeat on the market's own time, in whole microseconds."""

from __future__ import annotations


class Periodic:
    """Becomes due every `period_us`, first at `first_us`."""

    def __init__(self, period_us: int, first_us: int) -> None:
        self._period_us = period_us
        self._next_us = first_us

    def due(self, now_us: int) -> bool:
        """Whether it is due; once per period at most, and missed periods are skipped."""
        if now_us < self._next_us:
            return False
        self._next_us += ((now_us - self._next_us) // self._period_us + 1) * self._period_us
        return True
