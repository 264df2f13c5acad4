"""Limits of how often a client may do something: at most so many times within a window."""

from __future__ import annotations

from collections import deque

_ROUNDING = 1e-9  # times in seconds are sums of floats


class RateLimit:
    """Says when more than `limit` things happened within a window.

    Times and the window have the same unit, seconds or nanoseconds.
    """

    def __init__(self, limit: int, window: float = 1.0) -> None:
        self._window = window
        self._times: deque[float] = deque(maxlen=limit)

    def exceeded(self, now: float) -> bool:
        """Count one more; whether it was one too many."""
        full = len(self._times) == self._times.maxlen
        exceeded = full and now - self._times[0] < self._window - _ROUNDING
        self._times.append(now)
        return exceeded
