"""What all connections know to be refused: for how long, and when it is asked for again."""

from __future__ import annotations

import pytest

from tests.net.connection.subscribing import A, B, C, just
from tests.net.small_venue import TinyVenue
from tick_logger.net.connection.refusals import ASK_AGAIN_SECS, Refusals


def test_what_is_refused_for_being_what_it_is_waits_for_its_turn() -> None:
    """It is not released by itself, and asked for again ten minutes later: all of it."""
    refusals = Refusals(TinyVenue())
    refusals.last({A, B}, "delisted", 5.0)
    refusals.last({C}, "unknown", 65.0)
    assert refusals.all == refusals.lasting == {A, B, C}
    assert (refusals.reason(A), refusals.reason(C)) == ("delisted", "unknown")
    assert refusals.due_at({A, B, C}) is None
    refusals.release(10_000.0)
    assert refusals.all == {A, B, C}
    assert refusals.again_at == 5.0 + ASK_AGAIN_SECS
    assert refusals.again(4.9 + ASK_AGAIN_SECS) == just()
    assert refusals.again(5.0 + ASK_AGAIN_SECS) == {A, B}
    assert refusals.again(65.0 + ASK_AGAIN_SECS) == {A, B, C}


def test_what_is_refused_once_more_rests_anew() -> None:
    """From the last answer on."""
    refusals = Refusals(TinyVenue())
    refusals.last({A}, "no", 0.0)
    refusals.last({A}, "still no", 600.0)
    assert (refusals.again_at, refusals.reason(A)) == (1200.0, "still no")


def test_a_busy_venue_is_asked_again_soon_and_then_later_and_later() -> None:
    """Twice as late each time, up to a minute."""
    refusals = Refusals(TinyVenue())
    waits = []
    now = 0.0
    for _ in range(9):
        waits.append(refusals.postpone({A}, "busy", now, 0.0))
        assert refusals.due_at({A}) == now + waits[-1]
        refusals.release(now + waits[-1] - 0.001)
        assert refusals.all == {A}
        now += waits[-1]
        refusals.release(now)
        assert refusals.all == just()
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    refusals.granted({A})
    assert refusals.postpone({A}, "busy", now, 0.0) == 1.0


@pytest.mark.parametrize(("said", "expected"), [(0.2, 1.0), (45.0, 45.0), (7200.0, 7200.0)])
def test_a_busy_venue_may_say_how_long(said: float, expected: float) -> None:
    """It is left alone so long, and no shorter than if it had not said it."""
    assert Refusals(TinyVenue()).postpone({A}, "busy", 0.0, said) == expected


def test_what_a_venue_says_has_a_bound() -> None:
    """A day: who says more means a person."""
    assert Refusals(TinyVenue()).postpone({A}, "busy", 0.0, 1e9) == 86_400.0


def test_what_waits_for_a_busy_venue_is_not_refused_for_long() -> None:
    """Nor is it asked for again in ten minutes; who may be asked for first counts for each."""
    refusals = Refusals(TinyVenue())
    refusals.postpone({A, B}, "busy", 0.0, 0.0)
    refusals.postpone({A}, "busy", 0.0, 0.0)
    assert refusals.lasting == just()
    assert refusals.again_at is None
    assert (refusals.due_at({A, B}), refusals.due_at({A}), refusals.due_at({C})) == (1.0, 2.0, None)


def test_what_is_granted_or_not_wanted_is_forgotten() -> None:
    """However it was refused."""
    refusals = Refusals(TinyVenue())
    refusals.last({A}, "no", 0.0)
    refusals.postpone({B}, "busy", 0.0, 0.0)
    refusals.suspects.accuse({A, B, C})
    refusals.keep({B, C})
    assert (refusals.all, refusals.suspects.all) == (just(B), just(B, C))
    refusals.granted({B})
    assert (refusals.all, refusals.suspects.all) == (just(), just(C))
