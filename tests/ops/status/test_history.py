"""The last ten minutes of rates for the charts."""

from __future__ import annotations

from tick_logger.ops.status.history import STEP_SECS, STEPS, History

KEY = ("alpha", "messages")


def test_rates_from_totals() -> None:
    """What came between two steps, per second; the first total is no rate yet."""
    history = History()
    for at, total in ((100.0, 50), (105.0, 60), (110.0, 60), (115.0, 85)):
        history.add(at, {KEY: total})
    assert history.of(*KEY) == [2.0, 0.0, 5.0]


def test_what_comes_too_early_is_passed_over() -> None:
    """And is part of the next step, whose true length counts."""
    history = History()
    for tick in range(12):
        history.add(float(tick), {KEY: tick * 7})
    assert history.of(*KEY) == [7.0, 7.0]
    history.add(30.0, {KEY: 70 + 40})  # the loop was blocked for long
    assert history.of(*KEY) == [7.0, 7.0, 2.0]


def test_ten_minutes_are_kept() -> None:
    """The oldest goes first."""
    history = History()
    for step in range(STEPS + 11):
        history.add(step * STEP_SECS, {KEY: step * step * 5})
    found = history.of(*KEY)
    assert len(found) == STEPS
    assert (found[0], found[-1]) == (21.0, 259.0)  # n squared grows by 2n - 1


def test_series_are_apart() -> None:
    """One that begins later is shorter; one that nobody knows is empty."""
    history = History()
    history.add(0.0, {KEY: 0})
    history.add(5.0, {KEY: 5, ("beta", "rows"): 1000})
    history.add(10.0, {KEY: 5, ("beta", "rows"): 1010})
    assert history.of("beta", "rows") == [2.0]
    assert history.of(*KEY) == [1.0, 0.0]
    assert history.of("gamma", "rows") == []


def test_what_is_given_away_does_not_change() -> None:
    """A list of its own."""
    history = History()
    history.add(0.0, {KEY: 0})
    history.of(*KEY).append(1.0)
    assert history.of(*KEY) == []
