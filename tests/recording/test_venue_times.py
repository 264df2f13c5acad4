"""What time it is by the clocks of exchanges."""

from __future__ import annotations

from tick_logger.recording.venue_times import VenueTimes

NOW = 10**18


def test_an_exchange_is_never_believed_to_be_ahead() -> None:
    """And one that shows nothing is believed to agree with the others."""
    times = VenueTimes()
    assert times.now_ns("a", NOW) is None
    times.showed({"a": -5, "b": 7, "c": -9})
    assert [times.now_ns(name, NOW) for name in "abcd"] == [NOW - 5, NOW, NOW - 9, NOW - 5]
