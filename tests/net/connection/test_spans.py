"""What is lost with a connection whose streams another has taken over, or had already."""

from __future__ import annotations

from tick_logger.exchanges.base import Subscription
from tick_logger.net.connection.spans import Spans, earliest

A, B, C = (Subscription(symbol, "ticker") for symbol in "ABC")


def test_what_another_has_begun_since_is_lost_until_then() -> None:
    """What was on its way on a connection that had fallen silent before comes to nobody."""
    spans = Spans()
    spans.begin([A, B, C], 10)
    assert list(spans.lost([A, B, C], {A: 70, B: 90}, 80)) == [(B, 90)]
    assert list(spans.lost([A, B, C], {}, 80)) == []  # they are interrupted, which goes on


def test_what_has_ended_on_it_is_lost_until_it_ended() -> None:
    """Or until another began with it."""
    spans = Spans()
    spans.begin([A, B, C], 10)
    spans.end([A, B, C], 85)
    assert list(spans.lost([], {B: 82, C: 70}, 80)) == [(A, 85), (B, 82)]
    assert list(spans.lost([], {}, 90)) == []


def test_of_several_that_deliver_the_first_counts() -> None:
    """Since when is known of what was told; all else was there ever."""
    one, other = Spans(), Spans()
    one.begin([A, B], 20)
    other.begin([A], 30)
    assert earliest([one.since([A, B]), other.since([A, C])]) == {A: 20, B: 20, C: 0}
