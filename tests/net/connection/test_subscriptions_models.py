"""The ways in which venues acknowledge, refuse and list: one model after the other."""

from __future__ import annotations

import pytest

from tests.net.connection.sessions import A_QUOTES, A, B, C, D, all_live, just, send_all, texts
from tests.net.small_venue import ACK_TIMEOUT_SECS, OneAtATime, Replacing, TinyVenue
from tick_logger.exchanges.base import Subscription
from tick_logger.net.connection.refusals import ASK_AGAIN_SECS
from tick_logger.net.connection.subscriptions import MAX_ATTEMPTS, Settled, Subscriptions

# -- grants ----------------------------------------------------------------------------------------


def test_grants_may_come_one_by_one() -> None:
    """Each makes its own live; the request is answered with the last of them."""
    session = Subscriptions(TinyVenue(), [A, B, C])
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
    session = Subscriptions(TinyVenue(), [A, B, C, D])
    assert len(send_all(session)) == 2
    assert session.granted(just(C, D, A_QUOTES)) == Settled(live=(C, D))
    assert session.granted(just(A, B)) == Settled(live=(A, B))
    assert session.deadline is None


def test_what_was_not_granted_in_time_is_asked_again_alone() -> None:
    """The others of its request stay live."""
    session = Subscriptions(TinyVenue(), [A, B, C])
    send_all(session)
    session.granted(just(A, C))
    assert session.overdue(ACK_TIMEOUT_SECS) == Settled(retried=(B,))
    assert [request.subscriptions for request in send_all(session)] == [{B}]


# -- refusals --------------------------------------------------------------------------------------


def test_a_refusal_may_name_what_it_refuses() -> None:
    """The others of the same request still await their answer, and are not asked again."""
    session = Subscriptions(TinyVenue(), [A, B, C])
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
    session = Subscriptions(TinyVenue(), [A, B])
    send_all(session)
    session.granted(just(A))
    session.refused(None, "bad", 7.0, just(B))
    assert session.deadline == 7.0 + ASK_AGAIN_SECS
    assert session.settled


# -- answers without a name ------------------------------------------------------------------------


def test_an_acknowledgement_without_a_name_is_of_the_oldest_request() -> None:
    """One at a time is out, so there is only one."""
    session = Subscriptions(OneAtATime(), [A, B, C, D])
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
    session = Subscriptions(Replacing(), [A, B])
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
    session = Subscriptions(Replacing(), [A, B, C])
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
    session = Subscriptions(Replacing(), [A, B, C])
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
