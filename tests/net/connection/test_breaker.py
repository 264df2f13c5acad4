"""When a connection speaks so much nonsense that it is replaced."""

from __future__ import annotations

import random

import pytest

from tick_logger.net.connection.breaker import Breaker


@pytest.mark.parametrize(
    ("frames", "bad", "trips"),
    [(99, 99, False), (100, 50, False), (100, 51, True), (101, 51, True), (10_000, 5_000, False)],
)
def test_more_than_half_of_at_least_a_hundred_frames(frames: int, bad: int, trips: bool) -> None:
    """Both bounds, to the frame."""
    assert Breaker().note(frames, bad, 1000.0) is trips


def test_good_frames_never_trip() -> None:
    """A bad past alone is no reason: the connection has recovered."""
    breaker = Breaker()
    breaker.note(99, 99, 0.0)
    assert not breaker.note(1, 0, 0.5)
    assert breaker.note(1, 1, 0.9)


def test_what_is_older_than_a_minute_does_not_count() -> None:
    """Counted by whole seconds: 60 of them."""
    breaker = Breaker()
    breaker.note(99, 99, 0.0)
    assert not breaker.note(1, 1, 60.0)
    breaker = Breaker()
    breaker.note(99, 99, 0.0)
    assert breaker.note(1, 1, 59.9)


@pytest.mark.parametrize("seed", range(5))
def test_any_course_agrees_with_counting_every_frame(seed: int) -> None:
    """The buckets are only a way to count."""
    rng = random.Random(seed)
    breaker, notes, now = Breaker(), list[tuple[float, int, int]](), 0.0
    tripped = 0
    for _ in range(400):
        now += rng.choice([0.0, 0.25, 1.0, 7.5])
        frames = rng.randrange(1, 20)
        bad = rng.randrange(frames + 1)
        notes.append((now // 1, frames, bad))
        recent = [(f, b) for second, f, b in notes if second > now // 1 - 60]
        total, nonsense = (sum(column) for column in zip(*recent, strict=True))
        expected = bad > 0 and total >= 100 and nonsense > total / 2
        assert breaker.note(frames, bad, now) is expected
        tripped += expected
    assert 0 < tripped < 400
    assert len(breaker._buckets) <= 61
