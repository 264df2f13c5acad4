"""Decides when so much of what a connection brings is undecodable that it should be replaced.

Pure: times are given, in seconds of any clock that does not go backwards.
"""

from __future__ import annotations

from collections import deque

WINDOW_SECS = 60.0
MIN_FRAMES = 100
MAX_BAD_SHARE = 0.5
BUCKET_SECS = 1.0
"""Frames are counted per second, so the window never holds more than 61 entries."""


class Breaker:
    """Counts good and bad frames of one connection over the last minute."""

    def __init__(self) -> None:
        self._buckets: deque[list[float]] = deque()  # [second, frames, bad frames]

    def note(self, frames: int, bad: int, now_secs: float) -> bool:
        """Count; True if more than half of at least 100 frames within 60 s were bad."""
        second = now_secs // BUCKET_SECS
        if not self._buckets or self._buckets[-1][0] != second:
            self._buckets.append([second, 0, 0])
        self._buckets[-1][1] += frames
        self._buckets[-1][2] += bad
        while self._buckets[0][0] <= second - WINDOW_SECS / BUCKET_SECS:
            self._buckets.popleft()
        if not bad:
            return False
        total = sum(bucket[1] for bucket in self._buckets)
        all_bad = sum(bucket[2] for bucket in self._buckets)
        return total >= MIN_FRAMES and all_bad > MAX_BAD_SHARE * total
