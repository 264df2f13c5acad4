"""Data as an acknowledgement: when it is one, and when it proves nothing."""

from __future__ import annotations

import pytest

from tests.net.connection.subscribing import (
    A,
    B,
    C,
    D,
    all_live,
    just,
    send_all,
)
from tests.net.small_venue import ACK_TIMEOUT_SECS, OneAtATime, Replacing, TinyVenue
from tick_logger.net.connection.states import Settled
from tick_logger.net.connection.subscriptions import Subscriptions


@pytest.mark.parametrize("venue", [TinyVenue(), OneAtATime(), Replacing()])
def test_who_delivers_has_granted(venue: TinyVenue) -> None:
    """What is delivered is live; the others of its request await their answer."""
    subscriptions = Subscriptions(venue, [A, B])
    send_all(subscriptions)
    assert subscriptions.delivered({A: 3.0, C: 3.0}) == Settled(live=(A,))
    assert subscriptions.delivered({A: 4.0}) == Settled()
    assert subscriptions.live == {A}
    assert subscriptions.overdue(ACK_TIMEOUT_SECS) == Settled(retried=(B,))


def test_the_answer_to_what_delivers_is_not_taken_for_another() -> None:
    """It comes late, and names no request: so nothing else is asked for before."""
    subscriptions = Subscriptions(OneAtATime(), [A, B, C, D])
    send_all(subscriptions)
    assert subscriptions.delivered({A: 1.0, B: 1.0, C: 1.0}).live == (A, B, C)
    assert send_all(subscriptions) == []
    assert subscriptions.acknowledged(None) == Settled()
    assert [request.subscriptions for request in send_all(subscriptions)] == [{D}]
    assert subscriptions.live == {A, B, C}


def test_who_delivers_what_it_refused_has_granted_it() -> None:
    """But what comes right after the refusal may have been sent before it."""
    subscriptions = Subscriptions(TinyVenue(), [A])
    send_all(subscriptions)
    subscriptions.refused(1, "no", 10.0)
    assert subscriptions.delivered({A: 11.9}) == Settled()
    assert subscriptions.delivered({A: 12.1}) == Settled(live=(A,))
    assert subscriptions.refused_now == just()


def test_what_still_comes_of_what_was_ended_proves_nothing() -> None:
    """It is asked for again, and what comes a while after that is its own."""
    subscriptions = all_live(TinyVenue(), A)
    subscriptions.renew([A])
    send_all(subscriptions, 50.0)
    send_all(subscriptions, 50.0)
    assert subscriptions.delivered({A: 51.5}) == Settled()
    assert subscriptions.delivered({A: 52.5}) == Settled(live=(A,))


def test_what_comes_of_what_was_ended_and_not_asked_for_again_proves_nothing_at_all() -> None:
    """However long it comes: the end has no effect yet."""
    subscriptions = all_live(OneAtATime(), A)
    subscriptions.renew([A])
    send_all(subscriptions, 50.0)
    assert subscriptions.delivered({A: 60.0}) == Settled()
    subscriptions.acknowledged(None)
    send_all(subscriptions, 61.0)
    assert subscriptions.delivered({A: 64.0}) == Settled(live=(A,))
