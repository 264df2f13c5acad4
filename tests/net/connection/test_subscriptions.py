"""What a connection asks for, what it was granted, and what becomes of silence and refusals."""

from __future__ import annotations

import pytest

from tests.net.connection.subscribing import A, B, C, D, send_all, texts
from tests.net.small_venue import ACK_TIMEOUT_SECS, OneAtATime, TinyVenue
from tick_logger.net.connection.denials import MAX_ATTEMPTS
from tick_logger.net.connection.states import Settled
from tick_logger.net.connection.subscriptions import Subscriptions


def test_everything_wanted_is_asked_for_once() -> None:
    """In the venue's portions; nothing is asked again while the answer may come."""
    subscriptions = Subscriptions(TinyVenue(), [A, B, C, D])
    assert [r.subscriptions for r in send_all(subscriptions)] == [{A, B, C}, {D}]
    assert subscriptions.next_requests() == []
    assert not subscriptions.settled


def test_an_acknowledgement_makes_its_request_live() -> None:
    """By the request's id; a second one, or one of no request, changes nothing."""
    subscriptions = Subscriptions(TinyVenue(), [A, B, C, D])
    first, second = send_all(subscriptions)
    assert (first.request_id, second.request_id) == (1, 2)
    assert subscriptions.acknowledged(2) == Settled(live=(D,))
    assert subscriptions.acknowledged(2) == subscriptions.acknowledged(77) == Settled()
    assert subscriptions.acknowledged(1) == Settled(live=(A, B, C))
    assert subscriptions.settled
    assert subscriptions.live == {A, B, C, D}
    assert subscriptions.deadline is None


def test_wanting_nothing_is_settled() -> None:
    """A connection that only lists instruments."""
    subscriptions = Subscriptions(TinyVenue(), [])
    assert subscriptions.settled
    assert subscriptions.next_requests() == []


@pytest.mark.parametrize("venue", [TinyVenue(), OneAtATime()])
def test_what_is_granted_when_it_is_not_wanted_any_more_is_ended(venue: TinyVenue) -> None:
    """The request was on its way when the wish ended, or was about to be sent."""
    subscriptions = Subscriptions(venue, [A])
    (request,) = subscriptions.next_requests()
    subscriptions.retarget([B])
    subscriptions.sent(request, 0.0)
    answer = subscriptions.acknowledged(request.request_id)
    assert answer == Settled()
    assert subscriptions.live == set()
    asked = []
    while requests := send_all(subscriptions):
        for each in requests:
            asked.append(each.text)
            subscriptions.acknowledged(each.request_id)
    assert sorted(asked) == ["subscribe B/trades", "unsubscribe A/trades"]
    assert subscriptions.live == {B}


def test_what_was_never_wanted_is_not_ended() -> None:
    """A venue may list it all the same."""
    subscriptions = Subscriptions(OneAtATime(), [A])
    send_all(subscriptions)
    assert subscriptions.confirmed(frozenset({A, B})) == Settled(live=(A,))
    assert subscriptions.next_requests() == []


def test_what_is_wanted_again_before_its_end_was_sent_goes_on() -> None:
    """But not what the venue is being told already."""
    subscriptions = Subscriptions(TinyVenue(), [A, B])
    for request in send_all(subscriptions):
        subscriptions.acknowledged(request.request_id)
    subscriptions.retarget([A])
    assert subscriptions.retarget([A, B]) == {B}
    assert subscriptions.next_requests() == []
    subscriptions.retarget([A])
    (end,) = subscriptions.next_requests()
    assert subscriptions.retarget([A, B]) == set()
    subscriptions.sent(end, 0.0)
    assert [request.text for request in send_all(subscriptions)] == ["subscribe B/trades"]


def test_silence_leads_to_another_attempt_and_then_to_refusal() -> None:
    """Deadlines count from when a request was sent, each by its own."""
    subscriptions = Subscriptions(TinyVenue(), [A])
    for attempt in range(1, MAX_ATTEMPTS + 1):
        sent_at = 100.0 * attempt
        assert len(send_all(subscriptions, sent_at)) == 1
        assert subscriptions.deadline == sent_at + ACK_TIMEOUT_SECS
        assert subscriptions.overdue(sent_at + ACK_TIMEOUT_SECS - 0.01) == Settled()
        settled = subscriptions.overdue(sent_at + ACK_TIMEOUT_SECS)
        last = attempt == MAX_ATTEMPTS
        assert settled.retried == (() if last else (A,))
        assert [sub for sub, _ in settled.refused] == ([A] if last else [])
    assert subscriptions.settled
    assert subscriptions.live == frozenset()
    assert subscriptions.next_requests() == []


def test_the_last_attempt_is_made_symbol_by_symbol() -> None:
    """One symbol that makes a venue fall silent must not take the others with it."""
    subscriptions = Subscriptions(OneAtATime(), [A, B])
    for attempt in range(1, MAX_ATTEMPTS):
        assert [r.subscriptions for r in send_all(subscriptions)] == [{A, B}]
        assert subscriptions.overdue(ACK_TIMEOUT_SECS).retried == (A, B), attempt
    assert [r.subscriptions for r in send_all(subscriptions)] == [{A}]
    assert subscriptions.confirmed(frozenset({A})) == Settled(live=(A,))
    assert [r.subscriptions for r in send_all(subscriptions)] == [{B}]
    assert [sub for sub, _ in subscriptions.overdue(ACK_TIMEOUT_SECS).refused] == [B]
    assert subscriptions.settled


def test_each_attempt_has_a_new_id() -> None:
    """So that answers can be told apart; one that comes late is an answer all the same."""
    subscriptions = Subscriptions(TinyVenue(), [A])
    (first,) = send_all(subscriptions)
    subscriptions.overdue(ACK_TIMEOUT_SECS)
    (second,) = send_all(subscriptions, ACK_TIMEOUT_SECS)
    assert (first.request_id, second.request_id) == (1, 2)
    assert subscriptions.acknowledged(3) == Settled()
    assert subscriptions.acknowledged(1) == Settled(live=(A,))
    assert subscriptions.acknowledged(2) == Settled()


def test_a_late_answer_revives_what_was_given_up() -> None:
    """A venue that takes longer than its deadline is slow, not unwilling."""
    subscriptions = Subscriptions(TinyVenue(), [A])
    for attempt in range(MAX_ATTEMPTS):
        send_all(subscriptions, attempt * ACK_TIMEOUT_SECS)
        settled = subscriptions.overdue((attempt + 1) * ACK_TIMEOUT_SECS)
    assert [sub for sub, _ in settled.refused] == [A]
    assert subscriptions.acknowledged(1) == Settled(live=(A,))
    assert subscriptions.live == {A}


def test_only_what_was_sent_has_a_deadline() -> None:
    """A request that waits for its turn at the gate is not overdue."""
    subscriptions = Subscriptions(TinyVenue(), [A, B, C, D])
    first, _ = subscriptions.next_requests()
    subscriptions.sent(first, 5.0)
    assert subscriptions.deadline == 5.0 + ACK_TIMEOUT_SECS
    assert subscriptions.overdue(99.0).retried == (A, B, C)


def test_a_refusal_that_names_its_request_refuses_that_one() -> None:
    """One symbol: that symbol.  A refusal of no known request changes nothing."""
    subscriptions = Subscriptions(TinyVenue(), [A, B, C, D])
    send_all(subscriptions)
    assert subscriptions.refused(2, "no such symbol", 0.0) == Settled(
        refused=((D, "no such symbol"),)
    )
    assert (
        subscriptions.refused(2, "again", 0.0)
        == subscriptions.refused(99, "what?", 0.0)
        == Settled()
    )
    subscriptions.acknowledged(1)
    assert subscriptions.settled


def test_without_names_one_request_is_out_at_a_time() -> None:
    """So that it is clear which one an answer means."""
    subscriptions = Subscriptions(OneAtATime(), [A, B, C, D])
    assert [r.subscriptions for r in send_all(subscriptions)] == [{A, B, C}]
    assert send_all(subscriptions) == []
    assert subscriptions.confirmed(frozenset({A, B, C})) == Settled(live=(A, B, C))
    assert [r.subscriptions for r in send_all(subscriptions)] == [{D}]
    assert subscriptions.confirmed(frozenset({A, B, C, D})) == Settled(live=(D,))
    assert subscriptions.settled


def test_a_confirmation_of_a_part_leaves_the_request_open() -> None:
    """What it lists is live, what it lacks is asked again when the deadline has passed."""
    subscriptions = Subscriptions(OneAtATime(), [A, B])
    send_all(subscriptions)
    assert subscriptions.confirmed(frozenset({A, D})) == Settled(live=(A,))
    assert subscriptions.overdue(ACK_TIMEOUT_SECS) == Settled(retried=(B,))
    assert [r.subscriptions for r in send_all(subscriptions)] == [{B}]


def test_new_wishes_ask_for_what_is_missing_and_end_what_is_not_wanted() -> None:
    """Without touching what stays."""
    subscriptions = Subscriptions(TinyVenue(), [A, B])
    send_all(subscriptions)
    subscriptions.acknowledged(1)
    subscriptions.retarget([B, C])
    assert not subscriptions.settled
    assert texts(send_all(subscriptions)) == ["subscribe C/trades"]
    assert texts(send_all(subscriptions)) == ["unsubscribe A/trades"]
    assert subscriptions.live == {B}
    subscriptions.acknowledged(2)
    assert subscriptions.live == {B, C}
    assert send_all(subscriptions) == []


@pytest.mark.parametrize(("venue", "portions"), [(TinyVenue(), [2]), (OneAtATime(), [1, 1])])
def test_every_portion_of_what_is_not_wanted_is_ended(
    venue: TinyVenue, portions: list[int]
) -> None:
    """Also where one request goes out at a time."""
    subscriptions = Subscriptions(venue, [])
    subscriptions.retarget([A, B, C, D])
    while requests := send_all(subscriptions):
        for request in requests:
            if venue.names_requests and request.request_id is not None:
                subscriptions.acknowledged(request.request_id)
        if not venue.names_requests:
            subscriptions.confirmed(subscriptions.live | requests[0].subscriptions)
    subscriptions.retarget([])
    sent = []
    for _ in range(3):
        sent.append(send_all(subscriptions))
        subscriptions.confirmed(subscriptions.live)
    assert [len(requests) for requests in sent] == [*portions, 0, 0][:3]
    assert {sub for requests in sent for r in requests for sub in r.subscriptions} == {A, B, C, D}
    assert subscriptions.live == frozenset()


def test_a_wish_that_returns_before_its_end_was_sent_is_asked_for_again() -> None:
    """The end still goes out, so the subscription must be taken for ended."""
    subscriptions = Subscriptions(TinyVenue(), [A])
    send_all(subscriptions)
    subscriptions.acknowledged(1)
    subscriptions.retarget([])
    (end,) = subscriptions.next_requests()  # now waiting at the gate
    subscriptions.retarget([A])
    subscriptions.sent(end, 0.0)
    assert not subscriptions.settled
    assert texts(send_all(subscriptions)) == ["subscribe A/trades"]
