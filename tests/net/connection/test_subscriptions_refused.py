"""What becomes of refusals: whom they are about, who is asked for again, and how."""

from __future__ import annotations

import pytest

from tests.net.connection.subscribing import (
    A_QUOTES,
    A,
    B,
    C,
    D,
    all_live,
    just,
    send_all,
    subs,
    texts,
)
from tests.net.small_venue import ACK_TIMEOUT_SECS, OneAtATime, Replacing, TinyVenue
from tick_logger.exchanges.base import Request, Subscription
from tick_logger.net.connection.denials import MAX_ATTEMPTS
from tick_logger.net.connection.refusals import Refusals
from tick_logger.net.connection.states import Settled, State
from tick_logger.net.connection.subscriptions import Subscriptions


def answer_all(
    subscriptions: Subscriptions, venue: TinyVenue, bad: set[Subscription], reason: str = "no"
) -> list[set[str]]:
    """Send and answer until there is nothing to ask for; returns what each request asked for."""
    asked = []
    while requests := send_all(subscriptions):
        for request in requests:
            if not request.subscriptions:
                continue
            asked.append({f"{sub.symbol}/{sub.feed}" for sub in request.subscriptions})
            if bad & request.subscriptions:
                subscriptions.refused(request.request_id, reason, 0.0)
            elif venue.names_requests:
                subscriptions.acknowledged(request.request_id)
            else:
                subscriptions.confirmed(subscriptions.live | request.subscriptions)
    return asked


# -- a request is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("venue", [TinyVenue(), OneAtATime()])
def test_one_bad_symbol_does_not_take_the_others_with_it(venue: TinyVenue) -> None:
    """A refused request is repeated in halves."""
    subscriptions = Subscriptions(venue, [A, B, C])
    (request,) = send_all(subscriptions)
    assert subscriptions.refused(request.request_id, "one is bad", 0.0) == Settled(
        retried=(A, B, C)
    )
    asked = answer_all(subscriptions, venue, {B})
    assert asked == [{"A/trades", "C/trades"}, {"B/trades"}]
    assert subscriptions.live == {A, C}
    assert subscriptions.settled
    assert subscriptions.state(B) is State.REFUSED


def test_a_bad_feed_takes_no_other_feed_with_it() -> None:
    """Nor the others of its symbol, which are asked for apart from those of others."""
    venue = OneAtATime()
    subscriptions = Subscriptions(venue, [A, A_QUOTES, B])
    asked = answer_all(subscriptions, venue, {A_QUOTES})
    assert asked == [
        {"A/trades", "A/quotes", "B/trades"},
        {"A/quotes"},
        {"B/trades"},
        {"A/trades"},
    ]
    assert subscriptions.live == {A, B}


def test_a_refused_request_that_replaces_is_repeated_in_parts() -> None:
    """What is live already is named with each; at last, all but what is refused."""
    venue = Replacing()
    subscriptions = Subscriptions(venue, [A, B, C])
    asked = answer_all(subscriptions, venue, {B})
    assert asked == [
        {"A/trades", "B/trades", "C/trades"},
        {"A/trades", "C/trades"},
        {"A/trades", "B/trades", "C/trades"},
        {"A/trades", "C/trades"},
    ]
    assert subscriptions.live == {A, C}


def test_a_refusal_that_names_a_request_is_of_what_that_has_asked_for() -> None:
    """A venue may name a symbol and no channel."""
    subscriptions = Subscriptions(TinyVenue(), [A, A_QUOTES])
    (first,) = send_all(subscriptions)
    assert first.subscriptions == {A, A_QUOTES}
    subscriptions.granted(just(A))
    settled = subscriptions.refused(1, "no quotes", 0.0, just(A, A_QUOTES, B))
    assert settled == Settled(refused=((A_QUOTES, "no quotes"),))
    assert subscriptions.refused(7, "of no request", 0.0, just(A_QUOTES, B)) == Settled()


def test_a_refusal_of_one_request_leaves_what_another_awaits() -> None:
    """Though it is of the same symbol, and has no answer yet."""
    subscriptions = Subscriptions(TinyVenue(), [A, A_QUOTES, B, C, D])
    first, second = send_all(subscriptions)
    assert (first.subscriptions, second.subscriptions) == (just(A, A_QUOTES, B), just(C, D))
    settled = subscriptions.refused(2, "no such channel", 0.0, just(A, A_QUOTES, C))
    assert settled == Settled(refused=((C, "no such channel"),))
    assert subscriptions.state(A) is subscriptions.state(A_QUOTES) is State.ASKED
    assert subscriptions.acknowledged(1).live == (A_QUOTES, A, B)


def test_a_grant_that_names_a_request_is_of_what_that_has_asked_for() -> None:
    """Be it overdue."""
    subscriptions = Subscriptions(TinyVenue(), [A, A_QUOTES, B, C, D])
    send_all(subscriptions)
    every = just(A, A_QUOTES, B, C, D)
    assert subscriptions.granted(every, 2) == Settled(live=(C, D))
    subscriptions.overdue(ACK_TIMEOUT_SECS)
    assert subscriptions.granted(every, 1) == Settled(live=(A_QUOTES, A, B))
    assert subscriptions.granted(every, 99) == Settled()


# -- a request is refused for one of it ------------------------------------------------------------


def test_who_is_named_is_refused_and_the_others_are_asked_for_without() -> None:
    """At once, and together."""
    subscriptions = Subscriptions(OneAtATime(), [A, B, C])
    send_all(subscriptions)
    settled = subscriptions.refused(None, "B is unknown", 0.0, just(B), with_others=True)
    assert settled == Settled(refused=((B, "B is unknown"),), retried=(A, C))
    assert [request.subscriptions for request in send_all(subscriptions)] == [{A, C}]


def test_who_is_live_already_only_stood_in_the_way() -> None:
    """After a lost answer each retry is refused for one that is live: all of them are found."""
    subscriptions = Subscriptions(OneAtATime(), [A, B, C])
    send_all(subscriptions)
    assert subscriptions.overdue(ACK_TIMEOUT_SECS) == Settled(retried=(A, B, C))
    for sub, others in ((A, (B, C)), (B, (C,)), (C, ())):
        (request,) = send_all(subscriptions, ACK_TIMEOUT_SECS)
        assert request.subscriptions == {sub, *others}
        assert subscriptions.granted(just(sub)) == Settled(live=(sub,))
        again = subscriptions.refused(None, "already", 11.0, just(sub), with_others=True)
        assert again == Settled(retried=others)
    assert subscriptions.live == {A, B, C}
    assert subscriptions.deadline is None


def test_who_is_named_without_having_been_asked_for_says_nothing_of_the_others() -> None:
    """The request is searched; it is not sent as it was for ever."""
    subscriptions = Subscriptions(OneAtATime(), [A, B])
    send_all(subscriptions)
    settled = subscriptions.refused(None, "D is unknown", 0.0, just(D), with_others=True)
    assert settled == Settled(retried=(A, B))
    assert [request.subscriptions for request in send_all(subscriptions)] == [{A}]


# -- the venue is too busy -------------------------------------------------------------------------


@pytest.mark.parametrize("venue", [TinyVenue(), OneAtATime(), Replacing()])
def test_a_busy_venue_is_left_alone_and_asked_the_same_again(venue: TinyVenue) -> None:
    """Nobody is suspected, what is live stays so, and it does not count as an attempt."""
    subscriptions = all_live(venue, A)
    subscriptions.retarget([A, B, C])
    now = 0.0
    for wait in (1.0, 2.0, 4.0, 8.0):
        requests = [request for request in send_all(subscriptions, now) if request.subscriptions]
        assert [request.subscriptions - {A} for request in requests] == [{B, C}]
        settled = subscriptions.refused(requests[0].request_id, "busy", now, wait_secs=0.0)
        assert settled == Settled(postponed=((B, "busy"), (C, "busy")), wait_secs=wait)
        assert (subscriptions.live, subscriptions.settled) == (just(A), False)
        assert subscriptions.deadline == now + wait
        assert send_all(subscriptions, now) == []
        now += wait
        assert subscriptions.overdue(now) == Settled()
    assert len([request for request in send_all(subscriptions, now) if request.subscriptions]) == 1


def test_nothing_else_is_asked_for_while_a_venue_is_busy() -> None:
    """Nor ended: it would be refused as well."""
    subscriptions = all_live(TinyVenue(), A, B)
    subscriptions.retarget([B, C])
    (request,) = send_all(subscriptions)
    subscriptions.refused(request.request_id, "busy", 0.0, wait_secs=20.0)
    subscriptions.retarget([B, C, D])
    assert send_all(subscriptions) == []
    assert subscriptions.deadline == 20.0
    subscriptions.overdue(20.0)
    assert texts(send_all(subscriptions, 20.0)) == ["subscribe C/trades D/trades"]
    assert texts(send_all(subscriptions, 20.0)) == ["unsubscribe A/trades"]


def test_a_busy_venue_may_grant_some_of_a_request() -> None:
    """They are live; the others are asked for again although some still await their answer."""
    subscriptions = Subscriptions(TinyVenue(), [A, B, C])
    (request,) = send_all(subscriptions)
    subscriptions.granted(just(A))
    subscriptions.refused(request.request_id, "busy", 0.0, just(B), wait_secs=0.0)
    subscriptions.overdue(1.0)
    assert [again.subscriptions for again in send_all(subscriptions, 1.0)] == [{B}]
    assert subscriptions.live == {A}


def test_a_busy_venue_that_names_nobody_is_left_alone_all_the_same() -> None:
    """Whatever it was that it did not want."""
    subscriptions = all_live(TinyVenue(), A)
    settled = subscriptions.refused(None, "busy", 5.0, wait_secs=0.0)
    assert settled == Settled(wait_secs=1.0)
    subscriptions.retarget([A, B])
    assert send_all(subscriptions, 5.0) == []
    subscriptions.overdue(6.0)
    assert texts(send_all(subscriptions, 6.0)) == ["subscribe B/trades"]


def test_what_is_wanted_again_by_another_connection_waits_as_long() -> None:
    """The venue is as busy for that."""
    refusals = Refusals(TinyVenue())
    first = Subscriptions(TinyVenue(), [A], refusals)
    send_all(first)
    first.refused(1, "busy", 0.0, wait_secs=30.0)
    second = Subscriptions(TinyVenue(), [A, B], refusals)
    assert texts(send_all(second, 10.0)) == ["subscribe B/trades"]
    second.acknowledged(1)
    assert (second.settled, second.deadline) == (False, 30.0)
    second.overdue(30.0)
    assert texts(send_all(second, 30.0)) == ["subscribe A/trades"]


# -- what is refused outlives the connection -------------------------------------------------------


@pytest.mark.parametrize("venue", [TinyVenue(), OneAtATime(), Replacing()])
def test_a_search_goes_on_where_the_last_connection_was_closed_for_it(venue: TinyVenue) -> None:
    """Each connection asks for what is known to be good, then for one group, and so on."""
    refusals = Refusals(venue)
    wanted = subs(*(f"S{number}" for number in range(8)))
    bad = wanted[3]
    connections = 0
    while True:
        connections += 1
        subscriptions = Subscriptions(venue, wanted, refusals)
        closed = False
        while not closed and (requests := send_all(subscriptions)):
            for request in requests:
                if bad in request.subscriptions:
                    subscriptions.refused(request.request_id, "no", 0.0)
                    closed = True
                    break
                subscriptions.granted(request.subscriptions)
        if not closed:
            break
    assert subscriptions.live == set(wanted) - {bad}
    assert subscriptions.settled
    assert refusals.lasting == {bad}
    assert connections <= 1 + 4  # the whole, its halves, and the last without


def test_what_is_refused_is_not_asked_for_by_this_or_any_other_connection() -> None:
    """However long it lives; a retrial does that."""
    refusals = Refusals(TinyVenue())
    first = Subscriptions(TinyVenue(), [A], refusals)
    send_all(first)
    assert first.refused(1, "no", 0.0).refused == ((A, "no"),)
    assert first.deadline is None
    first.overdue(10_000.0)
    second = Subscriptions(TinyVenue(), [A, B], refusals)
    assert [send_all(first), texts(send_all(second))] == [[], ["subscribe B/trades"]]
    assert second.refused_now == {A}
    refusals.granted({A})
    assert [texts(send_all(each)) for each in (first, second)] == [["subscribe A/trades"]] * 2


def test_what_was_live_and_is_refused_may_be_granted_to_another() -> None:
    """Only that connection has been refused it."""
    refusals = Refusals(TinyVenue())
    subscriptions = Subscriptions(TinyVenue(), [A], refusals)
    send_all(subscriptions)
    subscriptions.acknowledged(1)
    subscriptions.renew([A])
    send_all(subscriptions)
    send_all(subscriptions)
    assert subscriptions.refused(3, "no", 0.0).refused == ((A, "no"),)
    assert send_all(subscriptions) == []
    assert len(send_all(Subscriptions(TinyVenue(), [A], refusals))) == 1


# -- no answer -------------------------------------------------------------------------------------


def unanswered(subscriptions: Subscriptions, attempts: int, now: float = 0.0) -> float:
    """Ask so often without an answer; returns when."""
    for _ in range(attempts):
        assert send_all(subscriptions, now)
        while send_all(subscriptions, now):
            pass
        now += ACK_TIMEOUT_SECS
        subscriptions.overdue(now)
    return now


def test_who_never_answers_one_has_refused_it() -> None:
    """If it has answered others; no other connection asks for it either."""
    refusals = Refusals(TinyVenue())
    subscriptions = Subscriptions(TinyVenue(), [A, B, C, D], refusals)
    first, _ = send_all(subscriptions)
    assert subscriptions.acknowledged(2) == Settled(live=(D,))
    subscriptions.overdue(ACK_TIMEOUT_SECS)
    (again,) = send_all(subscriptions)
    assert again.subscriptions == first.subscriptions
    subscriptions.overdue(ACK_TIMEOUT_SECS)
    alone: list[Request] = []
    while requests := send_all(subscriptions):
        alone += requests
    assert [request.subscriptions for request in alone] == [{A}, {B}, {C}]
    subscriptions.acknowledged(alone[0].request_id)
    subscriptions.acknowledged(alone[2].request_id)
    settled = subscriptions.overdue(ACK_TIMEOUT_SECS)
    assert settled.refused == ((B, f"no acknowledgement after {MAX_ATTEMPTS} attempts"),)
    assert refusals.lasting == {B}


def test_who_answers_nothing_is_given_up_and_asked_by_the_next_connection() -> None:
    """Or by this one, if there is none for ten minutes."""
    refusals = Refusals(TinyVenue())
    subscriptions = Subscriptions(TinyVenue(), [A, B], refusals)
    now = unanswered(subscriptions, MAX_ATTEMPTS)
    assert (subscriptions.settled, subscriptions.refused_now) == (True, just(A, B))
    assert refusals.lasting == just()
    assert subscriptions.deadline == now + 600.0
    assert len(send_all(Subscriptions(TinyVenue(), [A, B], refusals))) == 1
    subscriptions.overdue(now + 600.0)
    assert len(send_all(subscriptions)) == 1


def test_a_large_group_without_an_answer_is_asked_for_in_several_parts() -> None:
    """At once, because waiting takes longer than asking."""
    venue = TinyVenue()
    subscriptions = Subscriptions(venue, subs(*(f"S{number:03}" for number in range(3))))
    now = unanswered(subscriptions, MAX_ATTEMPTS - 1)
    parts = []
    while requests := send_all(subscriptions, now):
        parts += [request.subscriptions for request in requests]
    assert list(map(len, parts)) == [1, 1, 1]


# -- a token is refused ----------------------------------------------------------------------------


def test_a_request_that_was_not_looked_at_is_sent_once_more() -> None:
    """It is no fault of what it asks for."""
    subscriptions = Subscriptions(OneAtATime(), [A, B])
    (first,) = send_all(subscriptions)
    assert subscriptions.unanswerable() == Settled(retried=(A, B))
    (second,) = send_all(subscriptions)
    assert second.subscriptions == first.subscriptions
    subscriptions.acknowledged(None)
    assert subscriptions.unanswerable() == Settled()
