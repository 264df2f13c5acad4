"""How long to wait before connecting again."""

from __future__ import annotations

from random import Random

from tick_logger.net.backoff import STABLE_SECS, Backoff


class Longest(Random):
    """Always the upper end, so that the bounds can be seen."""

    def uniform(self, a: float, b: float) -> float:
        assert a == 0
        return b


def test_the_bound_doubles_up_to_the_maximum() -> None:
    """From the first wait on."""
    backoff = Backoff(1.0, 60.0, Longest())
    waits = [backoff.next_wait_secs(0.0) for _ in range(9)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_only_a_stable_minute_starts_anew() -> None:
    """A connection that is cut every few seconds keeps its long waits."""
    backoff = Backoff(1.0, 60.0, Longest())
    lived = [0.0, 0.0, STABLE_SECS - 0.1, STABLE_SECS, 0.0]
    assert [backoff.next_wait_secs(secs) for secs in lived] == [1, 2, 4, 1, 2]


def test_waits_are_spread_over_the_whole_range() -> None:
    """Full jitter: many connections that fell together do not return together."""
    waits = []
    for seed in range(200):
        backoff = Backoff(8.0, 60.0, Random(seed))
        waits.append(backoff.next_wait_secs(0.0))
    assert all(0 <= wait <= 8 for wait in waits)
    assert [sum(low <= wait < low + 2 for wait in waits) > 25 for low in (0, 2, 4, 6)] == [True] * 4


def test_the_same_seed_gives_the_same_waits() -> None:
    """Simulations can be repeated."""
    one, two = (Backoff(1.0, 60.0, Random(7)) for _ in range(2))
    assert [one.next_wait_secs(0) for _ in range(5)] == [two.next_wait_secs(0) for _ in range(5)]


def test_other_limits_hold_from_the_next_wait_on() -> None:
    """How far it has come is kept, within them."""
    backoff = Backoff(1.0, 60.0, Longest())
    assert [backoff.next_wait_secs(0.0) for _ in range(5)] == [1, 2, 4, 8, 16]
    backoff.limit(0.5, 20.0)
    assert [backoff.next_wait_secs(0.0) for _ in range(2)] == [20, 20]
    assert backoff.next_wait_secs(STABLE_SECS) == 0.5
    backoff.limit(30.0, 40.0)
    assert backoff.next_wait_secs(0.0) == 30
