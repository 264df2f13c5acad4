"""What counters of the last hours say, and how long what holds must hold before it is told."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from tests.ops.status.test_status import view
from tick_logger.ops.alerts.bell import Bell, Notice
from tick_logger.ops.alerts.conditions import findings
from tick_logger.ops.alerts.lookback import MAX_SAMPLES, STEP_SECS, Key, Lookback, silent_feeds
from tick_logger.ops.status.disk_space import DiskSpace, Space

FEED = ("alpha", "trades")


def silences(per_secs: float, until: float, after: float) -> Iterator[float]:
    """How long after its last row, at one in so many seconds, a feed is called silent."""
    rows, silent = Lookback(0.0), list[Key]()
    for step in range(int((until + after) / 5)):
        now = 5.0 * step
        rows.add(now, {FEED: min(now, until) // per_secs})
        if silent := silent_feeds(rows, now, silent):
            yield now - until


def test_a_fast_feed_is_missed_after_a_minute() -> None:
    """At three rows in a second; it stays so, until it has been gone for hours."""
    found = list(silences(1 / 3, 4000.0, 15_000.0))
    assert 60 <= found[0] <= 60 + STEP_SECS
    assert 11_700 <= found[-1] <= 11_700 + STEP_SECS
    assert len(found) == (found[-1] - found[0]) // 5 + 1


def test_a_slow_feed_is_missed_after_a_quarter_of_an_hour() -> None:
    """At 720 an hour; slower ones may well be silent for so long."""
    found = list(silences(5.0, 14_000.0, 1_500.0))
    assert 900 <= found[0] <= 900 + STEP_SECS
    assert list(silences(10.0, 14_000.0, 3_000.0)) == []


def test_what_is_remembered_is_bounded() -> None:
    """To what the longest look back needs."""
    rows = Lookback(0.0)
    for step in range(2 * MAX_SAMPLES):
        rows.add(step * STEP_SECS, {FEED: step})
    assert len(rows.since(0.0)) == MAX_SAMPLES
    assert MAX_SAMPLES * STEP_SECS > 900.0 + 10_800.0


def test_a_disk_that_fills() -> None:
    """Nine tenths of it, and within a day: two conditions, each when its time has come."""
    disk, bell, told = DiskSpace(), Bell(), list[tuple[float, Notice]]()
    for step in range(900):
        now = 60.0 * step
        disk.add(now, Space(int(max(0.5e12 - step * 0.6e9, 0.05e12)), 10**12))
        seen = attrs.evolve(view({}), disk=disk, uptime_secs=now, troubles=())
        told += ((now, each) for each in bell.look(findings(seen, [], []), now, 0))
    assert [(now, each.subject.kind.name) for now, each in told] == [
        (5460.0, "DiskFullSoon"),
        (40_320.0, "DiskAlmostFull"),
    ]
    assert told[0][1].words == "the disk will be full in 12 hours"
    assert told[1][1].words == "the disk is 90% full"
