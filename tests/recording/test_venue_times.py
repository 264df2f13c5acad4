"""What time it is by the clocks of exchanges."""

from __future__ import annotations

import structlog

from tick_logger.recording.venue_times import MUTE_NS, SILENT_NS, VenueTimes

NOW = 10**18
DAY_NS = 86_400 * 10**9


class Time:
    """Passes when it is told to."""

    ns = 5

    def __call__(self) -> int:
        return self.ns


def test_an_exchange_is_never_believed_to_be_ahead() -> None:
    """And one that shows nothing is believed to agree with the others."""
    times = VenueTimes(Time())
    assert times.now_ns("a", NOW) is None
    times.showed({"a": -5, "b": 7, "c": -9}, "abc")
    assert [times.now_ns(name, NOW) for name in "abcd"] == [NOW - 5, NOW, NOW - 9, NOW - 5]


def test_a_silent_exchange_is_believed_for_an_hour() -> None:
    """This machine's clock was a day ahead, and was set right: the others show it, it is told once,
    and what comes again counts at once."""
    time = Time()
    times = VenueTimes(time)
    times.showed({"a": -DAY_NS, "b": -DAY_NS}, "ab")
    time.ns += SILENT_NS - 1
    times.showed({"a": -DAY_NS, "b": -7}, "b")
    with structlog.testing.capture_logs() as logs:
        assert times.now_ns("a", NOW) == NOW - DAY_NS
        assert logs == []
        time.ns += 1
        assert [times.now_ns("a", NOW) for _ in range(3)] == [NOW - 7] * 3
    (line,) = logs
    assert (line["event"], line["clock"]) == ("clock_offset_not_believed", "a")
    assert line["seconds"] == -86_400
    times.showed({"a": -DAY_NS, "b": -7}, "a")
    assert times.now_ns("a", NOW) == NOW - DAY_NS


def test_where_all_are_silent_they_are_believed_for_a_day() -> None:
    """The network is down: no clock of this machine ends a day that they said is not over."""
    time = Time()
    times = VenueTimes(time)
    times.showed({"a": -DAY_NS}, "a")
    time.ns += MUTE_NS - 1
    assert times.now_ns("a", NOW) == times.now_ns("b", NOW) == NOW - DAY_NS
    time.ns += 1
    assert times.now_ns("a", NOW) is None
