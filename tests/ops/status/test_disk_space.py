"""Room on a disk: the newest sample, the trend of a day, and when it will be full."""

from __future__ import annotations

import pytest

from tick_logger.ops.status.disk_space import (
    DAY_SECS,
    MAX_SAMPLES,
    MIN_SPAN_SECS,
    SAMPLE_SECS,
    DiskSpace,
    Space,
)

GIB = 1024**3


def filled(bytes_per_sec: float, secs: float, *, free: int = 100 * GIB) -> DiskSpace:
    """A disk on which so much was written every second, looked at every five seconds."""
    disk = DiskSpace()
    for at in range(0, int(secs) + 1, 5):
        disk.add(1000.0 + at, Space(free - int(at * bytes_per_sec), 200 * GIB))
    return disk


def test_nothing_is_known_at_first() -> None:
    """Neither of the disk nor of its future."""
    disk = DiskSpace()
    assert (disk.newest, disk.bytes_per_day, disk.days_until_full) == (None, None, None)


def test_a_short_time_says_nothing() -> None:
    """One checkpoint is not a trend."""
    disk = filled(1e6, MIN_SPAN_SECS - 30)
    assert disk.newest == Space(100 * GIB - 570_000_000, 200 * GIB)
    assert (disk.bytes_per_day, disk.days_until_full) == (None, None)


def test_the_day_on_which_it_will_be_full() -> None:
    """At the speed of what was seen, from what is free now."""
    disk = filled(1_000_000, 3600)
    assert disk.bytes_per_day == pytest.approx(86.4e9)
    assert disk.days_until_full == pytest.approx((100 * GIB - 3_600_000_000) / 86.4e9)


@pytest.mark.parametrize(("bytes_per_sec", "per_day"), [(0.0, 0.0), (-1000.0, -86.4e6)])
def test_a_disk_that_does_not_fill_is_never_full(bytes_per_sec: float, per_day: float) -> None:
    """What was removed counts as well."""
    disk = filled(bytes_per_sec, 3600)
    assert disk.bytes_per_day == pytest.approx(per_day)
    assert disk.days_until_full is None


def test_a_full_disk() -> None:
    """Is full now."""
    disk = filled(1_000_000, 3600, free=3_600_000_000)
    assert disk.days_until_full == 0.0


def test_only_the_last_day_counts() -> None:
    """After a quiet day the storm before it is forgotten, and memory is bounded."""
    disk = DiskSpace()
    step = int(SAMPLE_SECS)
    for at in range(0, 3600, step):
        disk.add(float(at), Space(10 * GIB - at * 1_000_000, 20 * GIB))
    for at in range(3600, 3600 + MAX_SAMPLES * step, step):
        disk.add(float(at), Space(5 * GIB, 20 * GIB))
    assert MAX_SAMPLES * SAMPLE_SECS == DAY_SECS
    assert disk.bytes_per_day == 0.0


def test_the_newest_is_shown_even_between_samples() -> None:
    """Samples of the trend are kept rarely; what is shown is what was found last."""
    disk = DiskSpace()
    disk.add(0.0, Space(10, 20))
    disk.add(1.0, Space(9, 20))
    assert disk.newest == Space(9, 20)
