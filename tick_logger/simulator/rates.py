"""Client rate limits: a sliding window of one second."""

from __future__ import annotations

from collections import deque

_WINDOW_SECS = 1.0
_ROUNDING_SECS = 1e-9  # times are sums of floats


class RateLimit:
    """Says when more than `limit` things happened within one second."""

    def __init__(self, limit: int) -> None:
        self._times: deque[float] = deque(maxlen=limit)

    def exceeded(self, now_secs: float) -> bool:
        """Count one more; whether it was one too many."""
        full = len(self._times) == self._times.maxlen
        exceeded = full and now_secs - self._times[0] < _WINDOW_SECS - _ROUNDING_SECS
        self._times.append(now_secs)
        return exceeded
