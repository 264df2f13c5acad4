"""The ways in which venues acknowledge, refuse, list and end: one model after the other."""

from __future__ import annotations

import random

import pytest

from tests.net.test_session import A, B, C, D, send_all
from tests.net.venue import ACK_TIMEOUT_SECS, OneAtATime, Replacing, Sharing, TinyVenue
from tick_logger.exchanges.base import Request, Subscription
from tick_logger.net.refusals import ASK_AGAIN_SECS
from tick_logger.net.session import MAX_ATTEMPTS, Session, Settled

A_QUOTES = Subscription("A", "quotes")


def just(*subscriptions: Subscription) -> frozenset[Subscription]:
    return frozenset(subscriptions)


def texts(requests: list[Request]) -> list[str]:
    return [request.text for request in requests]


def all_live(venue: TinyVenue, *wanted: Subscription) -> Session:
    """A session that has everything it wants."""
    session = Session(venue, wanted)
    while requests := send_all(session):
        for request in requests:
            session.granted(request.subscriptions)
    assert session.live == set(wanted)
    return session


# -- grants ----------------------------------------------------------------------------------------


def test_grants_may_come_one_by_one() -> None:
    """Each makes its own live; the request is answered with the last of them."""
    session = Session(TinyVenue(), [A, B, C])
    send_all(session)
    assert session.granted(just(B)) == Settled(live=(B,))
    assert session.granted(just(B)) == Settled()
    assert session.granted(just(A)) == Settled(live=(A,))
    assert session.deadline == ACK_TIMEOUT_SECS
    assert session.granted(just(C)) == Settled(live=(C,))
    assert session.deadline is None
    assert session.settled


def test_one_grant_may_answer_parts_of_several_requests() -> None:
    """All feeds of a symbol, say; what nobody wants is not live."""
    session = Session(TinyVenue(), [A, B, C, D])
    assert len(send_all(session)) == 2
    assert session.granted(just(C, D, A_QUOTES)) == Settled(live=(C, D))
    assert session.granted(just(A, B)) == Settled(live=(A, B))
    assert session.deadline is None


def test_what_was_not_granted_in_time_is_asked_again_alone() -> None:
    """The others of its request stay live."""
    session = Session(TinyVenue(), [A, B, C])
    send_all(session)
    session.granted(just(A, C))
    assert session.overdue(ACK_TIMEOUT_SECS) == Settled(retried=(B,))
    assert [request.subscriptions for request in send_all(session)] == [{B}]


# -- refusals --------------------------------------------------------------------------------------


def test_a_refusal_may_name_what_it_refuses() -> None:
    """The others of the same request still await their answer, and are not asked again."""
    session = Session(TinyVenue(), [A, B, C])
    send_all(session)
    assert session.refused(None, "no such symbol", 0.0, just(B)) == Settled(
        refused=((B, "no such symbol"),)
    )
    assert session.deadline == ACK_TIMEOUT_SECS
    assert send_all(session) == []
    session.granted(just(A, C))
    assert session.deadline == ASK_AGAIN_SECS
    assert session.settled
    assert session.live == {A, C}


def test_a_refusal_of_what_is_live_or_not_wanted_changes_nothing() -> None:
    """ "Already subscribed" is no reason to give up what delivers."""
    session = all_live(TinyVenue(), A)
    assert session.refused(None, "already subscribed", 0.0, just(A, B)) == Settled()
    assert session.live == {A}


def test_the_last_answer_may_be_a_refusal() -> None:
    """Then nothing is awaited any more but the time to ask again."""
    session = Session(TinyVenue(), [A, B])
    send_all(session)
    session.granted(just(A))
    session.refused(None, "bad", 7.0, just(B))
    assert session.deadline == 7.0 + ASK_AGAIN_SECS
    assert session.settled


# -- answers without a name ------------------------------------------------------------------------


def test_an_acknowledgement_without_a_name_is_of_the_oldest_request() -> None:
    """One at a time is out, so there is only one."""
    session = Session(OneAtATime(), [A, B, C, D])
    send_all(session)
    assert session.acknowledged(None) == Settled(live=(A, B, C))
    assert session.acknowledged(None) == Settled()
    send_all(session)
    assert session.acknowledged(None) == Settled(live=(D,))


def test_the_answer_to_an_end_is_not_taken_for_that_to_a_beginning() -> None:
    """Nothing is asked before it is there."""
    session = all_live(OneAtATime(), A)
    session.retarget([B])
    send_all(session)
    session.acknowledged(None)
    assert texts(send_all(session)) == ["unsubscribe A/trades"]
    session.retarget([B, C])
    assert send_all(session) == []
    assert session.acknowledged(None) == Settled()
    assert texts(send_all(session)) == ["subscribe C/trades"]
    assert session.acknowledged(None) == Settled(live=(C,))


@pytest.mark.parametrize("answer", ["refusal", "silence"])
def test_an_end_without_success_holds_up_nothing(answer: str) -> None:
    """It is an answer whatever it says, and after its deadline none is expected."""
    session = all_live(OneAtATime(), A)
    session.renew([A])
    send_all(session)
    assert send_all(session) == []
    settled = (
        session.refused(None, "no", 0.0)
        if answer == "refusal"
        else session.overdue(ACK_TIMEOUT_SECS)
    )
    assert settled == Settled()
    assert texts(send_all(session)) == ["subscribe A/trades"]


def test_a_list_from_before_an_end_does_not_undo_it() -> None:
    """It still names what is being ended, which is not live for that."""
    session = all_live(OneAtATime(), A, B)
    session.renew([A])
    send_all(session)
    assert session.confirmed(just(A, B)) == Settled()
    assert send_all(session) == []
    assert session.confirmed(just(B)) == Settled()
    assert texts(send_all(session)) == ["subscribe A/trades"]
    assert session.confirmed(just(A, B)) == Settled(live=(A,))


# -- requests that replace -------------------------------------------------------------------------


def test_a_request_that_replaces_names_everything() -> None:
    """And is followed by the question of what came of it; one such pair is out at a time."""
    session = Session(Replacing(), [A, B])
    assert texts(send_all(session)) == ["subscribe A/trades B/trades", "list"]
    assert send_all(session) == []
    assert session.confirmed(just(A, B)) == Settled(live=(A, B))
    assert send_all(session) == []
    session.retarget([A, B, C])
    assert texts(send_all(session)) == ["subscribe A/trades B/trades C/trades", "list"]
    assert session.live == {A, B}
    assert session.confirmed(just(A, B, C)) == Settled(live=(C,))
    session.retarget([B, C])
    assert texts(send_all(session)) == ["subscribe B/trades C/trades", "list"]
    assert session.live == {B, C}
    assert session.confirmed(just(B, C)) == Settled()
    assert send_all(session) == []
    assert session.deadline is None


def test_there_is_no_request_for_nothing() -> None:
    """What still comes is not recorded."""
    session = all_live(Replacing(), A)
    session.retarget([])
    assert send_all(session) == []


def test_a_list_that_lacks_something_leads_to_more_attempts() -> None:
    """Of everything; the last one without the others that have no answer.  The bad one is found."""
    session = Session(Replacing(), [A, B, C])
    now, asked = 0.0, []
    refused: list[Subscription] = []
    while not session.settled:
        request, listing = send_all(session, now)
        assert listing.text == "list"
        asked.append(sorted(sub.symbol for sub in request.subscriptions))
        # The venue has never heard of B and ignores a request that names it.
        session.confirmed(just() if B in request.subscriptions else request.subscriptions)
        now += ACK_TIMEOUT_SECS
        refused += [sub for sub, _ in session.overdue(now).refused]
    assert asked == [["A", "B", "C"]] * (MAX_ATTEMPTS - 1) + [["A"], ["A", "B"], ["A", "C"]]
    assert refused == [B]
    assert session.live == {A, C}
    assert send_all(session) == []


def test_a_refused_request_that_replaces_is_repeated_symbol_by_symbol() -> None:
    """What is live already is named with each."""
    session = Session(Replacing(), [A, B, C])
    asked = []
    while requests := send_all(session):
        asked.append(sorted(sub.symbol for sub in requests[0].subscriptions))
        if B in requests[0].subscriptions:
            session.refused(None, "bad", 0.0)
        else:
            session.confirmed(requests[0].subscriptions)
    assert asked == [["A", "B", "C"], ["A"], ["A", "B"], ["A", "C"]]
    assert session.settled
    assert session.live == {A, C}


# -- renewals --------------------------------------------------------------------------------------


def test_a_renewal_ends_and_begins_again() -> None:
    """Only what is named; it is live again with its new answer."""
    session = all_live(TinyVenue(), A, B)
    assert session.renew([A]) == (A,)
    assert session.live == {A, B}
    (end,) = session.next_requests()
    assert session.ends(end)
    session.sent(end, 0.0)
    assert session.live == {B}
    assert session.begun_anew == {A}
    (begin,) = session.next_requests()  # at once: its answer has a name, or names what it grants
    assert (begin.text, session.ends(begin)) == ("subscribe A/trades", False)
    session.sent(begin, 0.0)
    assert session.next_requests() == []
    assert begin.request_id is not None
    assert session.acknowledged(end.request_id) == Settled()
    assert session.acknowledged(begin.request_id) == Settled(live=(A,))
    assert session.begun_anew == set()
    assert session.next_requests() == []


def test_only_what_is_live_is_renewed_and_once() -> None:
    """What is not live yet begins anyway."""
    session = Session(TinyVenue(), [A, B])
    assert session.renew([A]) == ()
    session.granted(just(A))
    send_all(session)
    assert session.renew([A, D]) == (A,)
    assert session.renew([A]) == ()
    assert [request.text for request in send_all(session)] == ["unsubscribe A/trades"]
    assert session.renew([A]) == ()


def test_feeds_of_one_channel_are_renewed_together() -> None:
    """They end together, so both are interrupted."""
    session = all_live(Sharing(), A, A_QUOTES, B)
    assert session.renew([A]) == (A_QUOTES, A)
    (end,) = send_all(session)
    assert end.subscriptions == {A, A_QUOTES}
    (begin,) = send_all(session)
    assert begin.subscriptions == {A, A_QUOTES}
    assert session.granted(just(A, A_QUOTES)).live == (A_QUOTES, A)
    assert session.live == {A, A_QUOTES, B}


def test_a_renewal_where_requests_replace_is_a_request_for_everything() -> None:
    """What was not renewed stays live."""
    session = all_live(Replacing(), A, B)
    assert session.renew([A]) == (A,)
    assert texts(send_all(session)) == ["subscribe A/trades B/trades", "list"]
    assert session.live == {B}
    assert session.begun_anew == {A}
    assert session.confirmed(just(A, B)) == Settled(live=(A,))
    assert send_all(session) == []


def test_what_is_renewed_has_all_its_attempts_each_time() -> None:
    """Answers that were missed in the course of days do not add up to a refusal."""
    session = all_live(TinyVenue(), A)
    for day in range(1, 5):
        session.renew([A])
        send_all(session)
        for attempt in range(1, MAX_ATTEMPTS):
            now = 86_400.0 * day + attempt * ACK_TIMEOUT_SECS
            send_all(session, now)
            assert session.overdue(now + ACK_TIMEOUT_SECS) == Settled(retried=(A,))
        send_all(session, now)
        assert session.granted(just(A)) == Settled(live=(A,))


def test_what_was_live_and_is_refused_is_known() -> None:
    """As long as it is wanted."""
    session = all_live(TinyVenue(), A)
    session.renew([A])
    send_all(session)
    (begin,) = send_all(session)
    assert session.refused(begin.request_id, "no", 0.0).refused == ((A, "no"),)
    assert session.begun_anew == {A}
    session.retarget([B])
    assert session.begun_anew == set()


def test_a_renewal_of_what_is_no_longer_wanted_is_an_end() -> None:
    """Whether its end is out already or not."""
    session = all_live(TinyVenue(), A, B)
    session.renew([A, B])
    session.retarget([B])
    assert texts(send_all(session)) == ["unsubscribe A/trades B/trades"]
    assert texts(send_all(session)) == ["subscribe B/trades"]
    session.granted(just(B))
    assert session.live == {B}
    assert send_all(session) == []


# -- what is live and not wanted -------------------------------------------------------------------


def test_a_feed_whose_channel_is_still_wanted_is_not_ended() -> None:
    """It is no longer counted as live, and asked for again if it is wanted again."""
    session = all_live(Sharing(), A, A_QUOTES)
    session.retarget([A])
    assert send_all(session) == []
    assert session.live == {A}
    session.retarget([A, A_QUOTES])
    assert texts(send_all(session)) == ["subscribe A/quotes"]


def test_a_channel_is_ended_with_the_last_of_its_feeds() -> None:
    """By a request that names what was live."""
    session = all_live(Sharing(), A, A_QUOTES, B)
    session.retarget([B])
    (end,) = send_all(session)
    assert end.subscriptions == {A, A_QUOTES}
    assert session.live == {B}


# -- all of it -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_every_model_comes_to_rest_in_agreement_with_the_venue(seed: int) -> None:
    """Renewals and new wishes at any time, answers in every form, some lost; bad symbols.

    What was bad is live some time after it is not any more.
    """
    rng = random.Random(seed)
    venue = rng.choice([TinyVenue(), OneAtATime(), Replacing(), Sharing()])
    every = [Subscription(s, f) for s in "ABCDEF" for f in ("trades", "quotes")]
    bad = set(rng.sample("ABCDEF", 1))
    at_venue: set[Subscription] = set()
    session = Session(venue, wanted := set(rng.sample(every, 6)))
    now, asked = 0.0, 0

    def answer(request: Request) -> None:
        nonlocal at_venue
        named = request.subscriptions
        refused = {sub for sub in named if sub.symbol in bad}
        if request.text.startswith("unsubscribe"):
            at_venue -= {other for sub in named for other in venue.together(sub)}
            refused = set()
        elif request.text.startswith("subscribe") and not refused:
            joined = {other for sub in named for other in venue.together(sub)}
            at_venue = joined if venue.requests_replace else at_venue | joined
        if rng.random() < 0.1:
            return
        if refused:
            session.refused(request.request_id, "bad symbol", now)
        elif request.text == "list" or not venue.names_requests:
            session.confirmed(frozenset(at_venue))
        elif request.text.startswith("unsubscribe") or rng.random() < 0.5:
            session.acknowledged(request.request_id)
        else:
            session.granted(frozenset(rng.sample(sorted(named), len(named))))

    for step in range(400):
        busy = step < 60
        if busy and rng.random() < 0.3:
            session.renew(rng.sample(every, 2))
        if busy and rng.random() < 0.2:
            session.retarget(wanted := set(rng.sample(every, rng.randrange(1, 8))))
        for request in session.next_requests():
            asked += 1
            session.sent(request, now)
            answer(request)
        now += rng.choice([0.0, 1.0, ACK_TIMEOUT_SECS])
        session.overdue(now)
    assert session.settled
    assert session.live <= wanted & at_venue
    assert not {sub for sub in session.live if sub.symbol in bad}
    bad.clear()
    for _ in range(100):
        for request in session.next_requests():
            asked += 1
            session.sent(request, now)
            answer(request)
        now = now if session.deadline is None else max(now, session.deadline)
        session.overdue(now)
    assert session.next_requests() == []
    assert session.deadline is None
    assert session.live == wanted
    assert session.live <= at_venue
    assert asked < 400
