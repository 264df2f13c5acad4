"""The ways in which venues acknowledge, refuse and list: one model after the other."""

from __future__ import annotations

import pytest

from tests.net.connection.subscribing import A_QUOTES, A, B, C, D, all_live, just, send_all, texts
from tests.net.small_venue import ACK_TIMEOUT_SECS, OneAtATime, Replacing, TinyVenue
from tick_logger.exchanges.base import Subscription
from tick_logger.net.connection.denials import MAX_ATTEMPTS
from tick_logger.net.connection.states import Settled
from tick_logger.net.connection.subscriptions import Subscriptions

# -- grants ----------------------------------------------------------------------------------------


def test_grants_may_come_one_by_one() -> None:
    """Each makes its own live; the request is answered with the last of them."""
    subscriptions = Subscriptions(TinyVenue(), [A, B, C])
    send_all(subscriptions)
    assert subscriptions.granted(just(B)) == Settled(live=(B,))
    assert subscriptions.granted(just(B)) == Settled()
    assert subscriptions.granted(just(A)) == Settled(live=(A,))
    assert subscriptions.deadline == ACK_TIMEOUT_SECS
    assert subscriptions.granted(just(C)) == Settled(live=(C,))
    assert subscriptions.deadline is None
    assert subscriptions.settled


def test_one_grant_may_answer_parts_of_several_requests() -> None:
    """All feeds of a symbol, say; what nobody wants is not live."""
    subscriptions = Subscriptions(TinyVenue(), [A, B, C, D])
    assert len(send_all(subscriptions)) == 2
    assert subscriptions.granted(just(C, D, A_QUOTES)) == Settled(live=(C, D))
    assert subscriptions.granted(just(A, B)) == Settled(live=(A, B))
    assert subscriptions.deadline is None


def test_what_was_not_granted_in_time_is_asked_again_alone() -> None:
    """The others of its request stay live."""
    subscriptions = Subscriptions(TinyVenue(), [A, B, C])
    send_all(subscriptions)
    subscriptions.granted(just(A, C))
    assert subscriptions.overdue(ACK_TIMEOUT_SECS) == Settled(retried=(B,))
    assert [request.subscriptions for request in send_all(subscriptions)] == [{B}]


# -- refusals --------------------------------------------------------------------------------------


def test_a_refusal_may_name_what_it_refuses() -> None:
    """The others of the same request still await their answer, and are not asked again."""
    subscriptions = Subscriptions(TinyVenue(), [A, B, C])
    send_all(subscriptions)
    assert subscriptions.refused(None, "no such symbol", 0.0, just(B)) == Settled(
        refused=((B, "no such symbol"),)
    )
    assert subscriptions.deadline == ACK_TIMEOUT_SECS
    assert send_all(subscriptions) == []
    subscriptions.granted(just(A, C))
    assert subscriptions.deadline is None
    assert subscriptions.settled
    assert subscriptions.live == {A, C}


def test_a_refusal_of_what_is_live_or_not_wanted_changes_nothing() -> None:
    """ "Already subscribed" is no reason to give up what delivers."""
    subscriptions = all_live(TinyVenue(), A)
    assert subscriptions.refused(None, "already subscribed", 0.0, just(A, B)) == Settled()
    assert subscriptions.live == {A}


def test_the_last_answer_may_be_a_refusal() -> None:
    """Then nothing is awaited any more."""
    subscriptions = Subscriptions(TinyVenue(), [A, B])
    send_all(subscriptions)
    subscriptions.granted(just(A))
    subscriptions.refused(None, "bad", 7.0, just(B))
    assert subscriptions.deadline is None
    assert subscriptions.settled


# -- answers without a name ------------------------------------------------------------------------


def test_an_acknowledgement_without_a_name_is_of_the_oldest_request() -> None:
    """One at a time is out, so there is only one."""
    subscriptions = Subscriptions(OneAtATime(), [A, B, C, D])
    send_all(subscriptions)
    assert subscriptions.acknowledged(None) == Settled(live=(A, B, C))
    assert subscriptions.acknowledged(None) == Settled()
    send_all(subscriptions)
    assert subscriptions.acknowledged(None) == Settled(live=(D,))


def test_the_answer_to_an_end_is_not_taken_for_that_to_a_beginning() -> None:
    """Nothing is asked before it is there."""
    subscriptions = all_live(OneAtATime(), A)
    subscriptions.retarget([B])
    send_all(subscriptions)
    subscriptions.acknowledged(None)
    assert texts(send_all(subscriptions)) == ["unsubscribe A/trades"]
    subscriptions.retarget([B, C])
    assert send_all(subscriptions) == []
    assert subscriptions.acknowledged(None) == Settled()
    assert texts(send_all(subscriptions)) == ["subscribe C/trades"]
    assert subscriptions.acknowledged(None) == Settled(live=(C,))


@pytest.mark.parametrize("answer", ["refusal", "silence"])
def test_an_end_without_success_holds_up_nothing(answer: str) -> None:
    """It is an answer whatever it says, and after its deadline none is expected."""
    subscriptions = all_live(OneAtATime(), A)
    subscriptions.renew([A])
    send_all(subscriptions)
    assert send_all(subscriptions) == []
    settled = (
        subscriptions.refused(None, "no", 0.0)
        if answer == "refusal"
        else subscriptions.overdue(ACK_TIMEOUT_SECS)
    )
    assert settled == Settled()
    assert texts(send_all(subscriptions)) == ["subscribe A/trades"]


def test_a_list_from_before_an_end_does_not_undo_it() -> None:
    """It still names what is being ended, which is not live for that."""
    subscriptions = all_live(OneAtATime(), A, B)
    subscriptions.renew([A])
    send_all(subscriptions)
    assert subscriptions.confirmed(just(A, B)) == Settled()
    assert send_all(subscriptions) == []
    assert subscriptions.confirmed(just(B)) == Settled()
    assert texts(send_all(subscriptions)) == ["subscribe A/trades"]
    assert subscriptions.confirmed(just(A, B)) == Settled(live=(A,))


# -- requests that replace -------------------------------------------------------------------------


def test_a_request_that_replaces_names_everything() -> None:
    """And is followed by the question of what came of it; one such pair is out at a time."""
    subscriptions = Subscriptions(Replacing(), [A, B])
    assert texts(send_all(subscriptions)) == ["subscribe A/trades B/trades", "list"]
    assert send_all(subscriptions) == []
    assert subscriptions.confirmed(just(A, B)) == Settled(live=(A, B))
    assert send_all(subscriptions) == []
    subscriptions.retarget([A, B, C])
    assert texts(send_all(subscriptions)) == ["subscribe A/trades B/trades C/trades", "list"]
    assert subscriptions.live == {A, B}
    assert subscriptions.confirmed(just(A, B, C)) == Settled(live=(C,))
    subscriptions.retarget([B, C])
    assert texts(send_all(subscriptions)) == ["subscribe B/trades C/trades", "list"]
    assert subscriptions.live == {B, C}
    assert subscriptions.confirmed(just(B, C)) == Settled()
    assert send_all(subscriptions) == []
    assert subscriptions.deadline is None


def test_there_is_no_request_for_nothing() -> None:
    """What still comes is not recorded."""
    subscriptions = all_live(Replacing(), A)
    subscriptions.retarget([])
    assert send_all(subscriptions) == []


def test_a_list_that_lacks_something_leads_to_more_attempts() -> None:
    """Of everything; the last one without the others that have no answer.  The bad one is found."""
    subscriptions = Subscriptions(Replacing(), [A, B, C])
    now, asked = 0.0, []
    refused: list[Subscription] = []
    while not subscriptions.settled:
        request, listing = send_all(subscriptions, now)
        assert listing.text == "list"
        asked.append(sorted(sub.symbol for sub in request.subscriptions))
        # The venue has never heard of B and ignores a request that names it.
        subscriptions.confirmed(just() if B in request.subscriptions else request.subscriptions)
        now += ACK_TIMEOUT_SECS
        refused += [sub for sub, _ in subscriptions.overdue(now).refused]
    assert asked == [["A", "B", "C"]] * (MAX_ATTEMPTS - 1) + [["A"], ["A", "B"], ["A", "C"]]
    assert refused == [B]
    assert subscriptions.live == {A, C}
    assert send_all(subscriptions) == []
