"""What a connection asks for, what it was granted, and what becomes of silence and refusals."""

from __future__ import annotations

import pytest

from tests.net.connection.sessions import A_QUOTES, A, B, C, D, send_all, texts
from tests.net.small_venue import ACK_TIMEOUT_SECS, OneAtATime, TinyVenue
from tick_logger.net.connection.subscriptions import MAX_ATTEMPTS, Settled, Subscriptions


def test_everything_wanted_is_asked_for_once() -> None:
    """In the venue's portions; nothing is asked again while the answer may come."""
    session = Subscriptions(TinyVenue(), [A, B, C, D])
    assert [r.subscriptions for r in send_all(session)] == [{A, B, C}, {D}]
    assert session.next_requests() == []
    assert not session.settled


def test_an_acknowledgement_makes_its_request_live() -> None:
    """By the request's id; a second one, or one of no request, changes nothing."""
    session = Subscriptions(TinyVenue(), [A, B, C, D])
    first, second = send_all(session)
    assert (first.request_id, second.request_id) == (1, 2)
    assert session.acknowledged(2) == Settled(live=(D,))
    assert session.acknowledged(2) == session.acknowledged(77) == Settled()
    assert session.acknowledged(1) == Settled(live=(A, B, C))
    assert session.settled
    assert session.live == {A, B, C, D}
    assert session.deadline is None


def test_a_session_that_wants_nothing_is_settled() -> None:
    """A connection that only lists instruments."""
    session = Subscriptions(TinyVenue(), [])
    assert session.settled
    assert session.next_requests() == []


@pytest.mark.parametrize("venue", [TinyVenue(), OneAtATime()])
def test_what_is_granted_when_it_is_not_wanted_any_more_is_ended(venue: TinyVenue) -> None:
    """The request was on its way when the wish ended, or was about to be sent."""
    session = Subscriptions(venue, [A])
    (request,) = session.next_requests()
    session.retarget([B])
    session.sent(request, 0.0)
    answer = session.acknowledged(request.request_id)
    assert answer == Settled()
    assert session.live == set()
    asked = []
    while requests := send_all(session):
        for each in requests:
            asked.append(each.text)
            session.acknowledged(each.request_id)
    assert sorted(asked) == ["subscribe B/trades", "unsubscribe A/trades"]
    assert session.live == {B}


def test_what_was_never_wanted_is_not_ended() -> None:
    """A venue may list it all the same."""
    session = Subscriptions(OneAtATime(), [A])
    send_all(session)
    assert session.confirmed(frozenset({A, B})) == Settled(live=(A,))
    assert session.next_requests() == []


def test_what_is_wanted_again_before_its_end_was_sent_goes_on() -> None:
    """But not what the venue is being told already."""
    session = Subscriptions(TinyVenue(), [A, B])
    for request in send_all(session):
        session.acknowledged(request.request_id)
    session.retarget([A])
    assert session.retarget([A, B]) == {B}
    assert session.next_requests() == []
    session.retarget([A])
    (end,) = session.next_requests()
    assert session.retarget([A, B]) == set()
    session.sent(end, 0.0)
    assert [request.text for request in send_all(session)] == ["subscribe B/trades"]


def test_silence_leads_to_another_attempt_and_then_to_refusal() -> None:
    """Deadlines count from when a request was sent, each by its own."""
    session = Subscriptions(TinyVenue(), [A])
    for attempt in range(1, MAX_ATTEMPTS + 1):
        sent_at = 100.0 * attempt
        assert len(send_all(session, sent_at)) == 1
        assert session.deadline == sent_at + ACK_TIMEOUT_SECS
        assert session.overdue(sent_at + ACK_TIMEOUT_SECS - 0.01) == Settled()
        settled = session.overdue(sent_at + ACK_TIMEOUT_SECS)
        last = attempt == MAX_ATTEMPTS
        assert settled.retried == (() if last else (A,))
        assert [sub for sub, _ in settled.refused] == ([A] if last else [])
    assert session.settled
    assert session.live == frozenset()
    assert session.next_requests() == []


def test_the_last_attempt_is_made_symbol_by_symbol() -> None:
    """One symbol that makes a venue fall silent must not take the others with it."""
    session = Subscriptions(OneAtATime(), [A, B])
    for attempt in range(1, MAX_ATTEMPTS):
        assert [r.subscriptions for r in send_all(session)] == [{A, B}]
        assert session.overdue(ACK_TIMEOUT_SECS).retried == (A, B), attempt
    assert [r.subscriptions for r in send_all(session)] == [{A}]
    assert session.confirmed(frozenset({A})) == Settled(live=(A,))
    assert [r.subscriptions for r in send_all(session)] == [{B}]
    assert [sub for sub, _ in session.overdue(ACK_TIMEOUT_SECS).refused] == [B]
    assert session.settled


def test_each_attempt_has_a_new_id() -> None:
    """So that answers can be told apart; one that comes late is an answer all the same."""
    session = Subscriptions(TinyVenue(), [A])
    (first,) = send_all(session)
    session.overdue(ACK_TIMEOUT_SECS)
    (second,) = send_all(session, ACK_TIMEOUT_SECS)
    assert (first.request_id, second.request_id) == (1, 2)
    assert session.acknowledged(3) == Settled()
    assert session.acknowledged(1) == Settled(live=(A,))
    assert session.acknowledged(2) == Settled()


def test_a_late_answer_revives_what_was_given_up() -> None:
    """A venue that takes longer than its deadline is slow, not unwilling."""
    session = Subscriptions(TinyVenue(), [A])
    for attempt in range(MAX_ATTEMPTS):
        send_all(session, attempt * ACK_TIMEOUT_SECS)
        settled = session.overdue((attempt + 1) * ACK_TIMEOUT_SECS)
    assert [sub for sub, _ in settled.refused] == [A]
    assert session.acknowledged(1) == Settled(live=(A,))
    assert session.live == {A}


def test_only_what_was_sent_has_a_deadline() -> None:
    """A request that waits for its turn at the gate is not overdue."""
    session = Subscriptions(TinyVenue(), [A, B, C, D])
    first, _ = session.next_requests()
    session.sent(first, 5.0)
    assert session.deadline == 5.0 + ACK_TIMEOUT_SECS
    assert session.overdue(99.0).retried == (A, B, C)


def test_a_refusal_that_names_its_request_refuses_that_one() -> None:
    """One symbol: that symbol.  A refusal of no known request changes nothing."""
    session = Subscriptions(TinyVenue(), [A, B, C, D])
    send_all(session)
    assert session.refused(2, "no such symbol", 0.0) == Settled(refused=((D, "no such symbol"),))
    assert session.refused(2, "again", 0.0) == session.refused(99, "what?", 0.0) == Settled()
    session.acknowledged(1)
    assert session.settled


@pytest.mark.parametrize("venue", [TinyVenue(), OneAtATime()])
def test_one_bad_symbol_does_not_take_the_others_with_it(venue: TinyVenue) -> None:
    """A refused request of several symbols is repeated symbol by symbol."""
    session = Subscriptions(venue, [A, B, C])
    (request,) = send_all(session)
    assert session.refused(request.request_id, "one is bad", 0.0) == Settled(retried=(A, B, C))
    asked = []
    while not session.settled:
        (request,) = send_all(session)
        asked.append(request.subscriptions)
        if B in request.subscriptions:
            assert session.refused(request.request_id, "bad", 0.0).refused == ((B, "bad"),)
        elif venue.names_requests and request.request_id is not None:
            session.acknowledged(request.request_id)
        else:
            session.confirmed(session.live | request.subscriptions)
    assert asked == [{A}, {B}, {C}]
    assert session.live == {A, C}


def test_all_feeds_of_a_symbol_are_asked_for_together_when_it_is_asked_alone() -> None:
    """What is bad is the symbol, not the feed."""
    session = Subscriptions(OneAtATime(), [A, B, A_QUOTES])
    send_all(session)
    session.refused(None, "one is bad", 0.0)
    assert [r.subscriptions for r in send_all(session)] == [{A, A_QUOTES}]


def test_without_names_one_request_is_out_at_a_time() -> None:
    """So that it is clear which one an answer means."""
    session = Subscriptions(OneAtATime(), [A, B, C, D])
    assert [r.subscriptions for r in send_all(session)] == [{A, B, C}]
    assert send_all(session) == []
    assert session.confirmed(frozenset({A, B, C})) == Settled(live=(A, B, C))
    assert [r.subscriptions for r in send_all(session)] == [{D}]
    assert session.confirmed(frozenset({A, B, C, D})) == Settled(live=(D,))
    assert session.settled


def test_a_confirmation_of_a_part_leaves_the_request_open() -> None:
    """What it lists is live, what it lacks is asked again when the deadline has passed."""
    session = Subscriptions(OneAtATime(), [A, B])
    send_all(session)
    assert session.confirmed(frozenset({A, D})) == Settled(live=(A,))
    assert session.overdue(ACK_TIMEOUT_SECS) == Settled(retried=(B,))
    assert [r.subscriptions for r in send_all(session)] == [{B}]


def test_new_wishes_ask_for_what_is_missing_and_end_what_is_not_wanted() -> None:
    """Without touching what stays."""
    session = Subscriptions(TinyVenue(), [A, B])
    send_all(session)
    session.acknowledged(1)
    session.retarget([B, C])
    assert not session.settled
    assert texts(send_all(session)) == ["subscribe C/trades"]
    assert texts(send_all(session)) == ["unsubscribe A/trades"]
    assert session.live == {B}
    session.acknowledged(2)
    assert session.live == {B, C}
    assert send_all(session) == []


@pytest.mark.parametrize(("venue", "portions"), [(TinyVenue(), [2]), (OneAtATime(), [1, 1])])
def test_every_portion_of_what_is_not_wanted_is_ended(
    venue: TinyVenue, portions: list[int]
) -> None:
    """Also where one request goes out at a time."""
    session = Subscriptions(venue, [])
    session.retarget([A, B, C, D])
    while requests := send_all(session):
        for request in requests:
            if venue.names_requests and request.request_id is not None:
                session.acknowledged(request.request_id)
        if not venue.names_requests:
            session.confirmed(session.live | requests[0].subscriptions)
    session.retarget([])
    sent = []
    for _ in range(3):
        sent.append(send_all(session))
        session.confirmed(session.live)
    assert [len(requests) for requests in sent] == [*portions, 0, 0][:3]
    assert {sub for requests in sent for r in requests for sub in r.subscriptions} == {A, B, C, D}
    assert session.live == frozenset()


def test_a_wish_that_returns_before_its_end_was_sent_is_asked_for_again() -> None:
    """The end still goes out, so the subscription must be taken for ended."""
    session = Subscriptions(TinyVenue(), [A])
    send_all(session)
    session.acknowledged(1)
    session.retarget([])
    (end,) = session.next_requests()  # now waiting at the gate
    session.retarget([A])
    session.sent(end, 0.0)
    assert not session.settled
    assert texts(send_all(session)) == ["subscribe A/trades"]


def test_a_wish_that_returns_is_tried_anew() -> None:
    """What was refused before may be possible now."""
    session = Subscriptions(TinyVenue(), [A])
    send_all(session)
    session.refused(1, "not yet", 0.0)
    session.retarget([])
    session.retarget([A])
    assert [r.subscriptions for r in send_all(session)] == [{A}]
