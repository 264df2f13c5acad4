"""How much room a disk has, and when it will be full if it goes on like this.

Pure: samples come in with their time.  What else uses the disk counts as well, since it fills it.
"""

from __future__ import annotations

from collections import deque

import attrs

SAMPLE_SECS = 30.0
MAX_SAMPLES = 2_880
"""One day's; the slope is that of the time they span."""

MIN_SPAN_SECS = 600.0
"""A shorter time says more about one checkpoint than about a disk."""

DAY_SECS = 86_400.0


@attrs.frozen
class Space:
    """Of a disk, in bytes; `free_bytes` is what this user may still write."""

    free_bytes: int
    size_bytes: int


class DiskSpace:
    """The newest sample, and the trend."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque(maxlen=MAX_SAMPLES)
        self.newest: Space | None = None

    def add(self, monotonic_secs: float, space: Space) -> None:
        """What was found at that time."""
        self.newest = space
        if not self._samples or monotonic_secs - self._samples[-1][0] >= SAMPLE_SECS:
            self._samples.append((monotonic_secs, space.free_bytes))

    @property
    def bytes_per_day(self) -> float | None:
        """How fast it fills; negative if it empties, None if that is not known yet."""
        if len(self._samples) < 2:
            return None
        (first_at, first), (last_at, last) = self._samples[0], self._samples[-1]
        if last_at - first_at < MIN_SPAN_SECS:
            return None
        return (first - last) / (last_at - first_at) * DAY_SECS

    @property
    def days_until_full(self) -> float | None:
        """None if it is not known, or never."""
        per_day = self.bytes_per_day
        if self.newest is None or per_day is None or per_day <= 0:
            return None
        return self.newest.free_bytes / per_day
