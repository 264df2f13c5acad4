"""A clock that is off is told once, by whom it belongs to, and once when it is well again."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import structlog
from prometheus_client import CollectorRegistry

from tick_logger.recording.clock_offsets import PATIENCE, ClockOffsets
from tick_logger.telemetry.metrics import Metrics

DAY = 86_400.0


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


@pytest.fixture
def clocks(metrics: Metrics) -> ClockOffsets:
    return ClockOffsets(metrics)


def told(clocks: ClockOffsets, *phases: Mapping[str, float]) -> list[tuple[str, str, float | None]]:
    """What is said while each of these offsets (seconds) shows for some flushes."""
    with structlog.testing.capture_logs() as lines:
        for offsets in phases:
            for _ in range(3 * PATIENCE):
                clocks.showed({name: round(secs * 1e9) for name, secs in offsets.items()})
    return [(line["event"], line["clock"], line.get("seconds")) for line in lines]


def test_clocks_that_are_well_are_not_told(clocks: ClockOffsets, metrics: Metrics) -> None:
    """They are shown all the same."""
    assert told(clocks, {"one": -0.25, "two": 9.0}) == []
    assert metrics.read("collector_clock_offset_seconds", "one") == -0.25


def test_one_exchange_that_is_off_is_told_once(clocks: ClockOffsets) -> None:
    """And what hovers about the limit is not told again and again."""
    phases = [{"one": secs, "two": 0.0, "three": 0.1} for secs in (600.0, 11.0, 8.0, 11.0, 0.0)]
    assert told(clocks, *phases) == [
        ("clock_offset", "one", 600.0),
        ("clock_offset_over", "one", None),
    ]


def test_exchanges_that_agree_show_that_this_machine_is_off(clocks: ClockOffsets) -> None:
    """Three days ahead; it is said of the machine alone, though one exchange shows it first."""
    off = {"one": -3 * DAY - 0.1, "two": -3 * DAY - 0.2, "three": -3 * DAY}
    well = {"one": -0.1, "two": -0.2, "three": 0.0}
    assert told(clocks, {"one": off["one"]}, off, well) == [
        ("clock_offset", "one", -259200.1),
        ("clock_offset", "this machine", 259200.1),
        ("clock_offset_over", "this machine", None),
    ]


def test_exchanges_that_do_not_agree_are_told_one_by_one(clocks: ClockOffsets) -> None:
    """Then their clocks are off, and nothing shows that this machine's is."""
    assert told(clocks, {"one": 600.0, "two": -300.0, "three": 0.0}) == [
        ("clock_offset", "one", 600.0),
        ("clock_offset", "two", -300.0),
    ]


def test_a_short_delay_is_no_clock(clocks: ClockOffsets) -> None:
    """An exchange that lags for a few flushes."""
    with structlog.testing.capture_logs() as lines:
        for _ in range(PATIENCE):
            clocks.showed({"one": -20 * 10**9})
        clocks.showed({"one": 0})
    assert lines == []
