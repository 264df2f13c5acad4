"""What was refused, or never answered, is asked for again: when, in which order, and how often."""

from __future__ import annotations

import pytest

from tests.net.connection.subscribing import A_QUOTES, A, B, C, just, send_all, subs, texts
from tests.net.small_venue import ACK_TIMEOUT_SECS, OneAtATime, Replacing, TinyVenue
from tick_logger.exchanges.base import Request
from tick_logger.net.connection.subscriptions import MAX_ATTEMPTS, Settled, Subscriptions

AGAIN = 600.0
AT_A_TIME = 10
UNANSWERED = "no acknowledgement"


def asked(requests: list[Request]) -> list[list[str]]:
    """The symbols of each request that subscribes."""
    return [sorted({sub.symbol for sub in r.subscriptions}) for r in requests if r.subscriptions]


def refused_all(subscriptions: Subscriptions, now: float) -> None:
    """Ask, and refuse each by name."""
    for request in send_all(subscriptions, now):
        for sub in request.subscriptions:
            subscriptions.refused(None, "no", now, just(sub))


# -- when ------------------------------------------------------------------------------------------


def test_what_was_refused_is_asked_for_again_after_ten_minutes() -> None:
    """Not before; and it stays refused until it is granted."""
    subscriptions = Subscriptions(TinyVenue(), [A, B])
    (first,) = send_all(subscriptions)
    subscriptions.granted(just(A))
    assert subscriptions.refused(first.request_id, "not yet", 3.0).refused == ((B, "not yet"),)
    assert subscriptions.deadline == 3.0 + AGAIN
    assert subscriptions.overdue(3.0 + AGAIN - 0.01) == Settled()
    assert send_all(subscriptions) == []
    assert subscriptions.overdue(3.0 + AGAIN) == Settled()
    (second,) = send_all(subscriptions, 3.0 + AGAIN)
    assert second.subscriptions == {B}
    assert subscriptions.settled
    assert subscriptions.deadline == 3.0 + AGAIN + ACK_TIMEOUT_SECS
    assert subscriptions.acknowledged(second.request_id) == Settled(live=(B,))
    assert subscriptions.live == {A, B}
    assert subscriptions.deadline is None


def test_what_is_refused_once_more_waits_again() -> None:
    """It is told apart from what was never refused before."""
    subscriptions = Subscriptions(TinyVenue(), [A])
    refused_all(subscriptions, 0.0)
    for nth in range(1, 4):
        assert subscriptions.deadline == nth * AGAIN
        subscriptions.overdue(nth * AGAIN)
        (request,) = send_all(subscriptions, nth * AGAIN)
        answer = subscriptions.refused(request.request_id, "no", nth * AGAIN)
        assert answer == Settled(still_refused=((A, "no"),))
        assert subscriptions.settled


@pytest.mark.parametrize("venue", [TinyVenue(), OneAtATime()])
def test_who_was_silent_is_asked_once_each_time(venue: TinyVenue) -> None:
    """All of its attempts it had in the beginning."""
    subscriptions = Subscriptions(venue, [A])
    for attempt in range(MAX_ATTEMPTS):
        send_all(subscriptions, attempt * ACK_TIMEOUT_SECS)
        settled = subscriptions.overdue((attempt + 1) * ACK_TIMEOUT_SECS)
    assert [sub for sub, _ in settled.refused] == [A]
    for nth in range(1, 4):
        now = MAX_ATTEMPTS * ACK_TIMEOUT_SECS + nth * AGAIN + (nth - 1) * ACK_TIMEOUT_SECS
        assert subscriptions.deadline == now
        subscriptions.overdue(now)
        assert asked(send_all(subscriptions, now)) == [["A"]]
        answer = subscriptions.overdue(now + ACK_TIMEOUT_SECS)
        assert answer == Settled(still_refused=((A, UNANSWERED),))
        assert send_all(subscriptions, now) == []


def test_a_late_answer_to_such_a_request_is_an_answer_all_the_same() -> None:
    """Where it names its request."""
    subscriptions = Subscriptions(TinyVenue(), [A])
    refused_all(subscriptions, 0.0)
    subscriptions.overdue(AGAIN)
    (request,) = send_all(subscriptions, AGAIN)
    subscriptions.overdue(AGAIN + ACK_TIMEOUT_SECS)
    assert subscriptions.acknowledged(request.request_id) == Settled(live=(A,))
    assert subscriptions.deadline is None


def test_what_is_no_longer_wanted_is_not_asked_for_again() -> None:
    """Whether its turn has come already or not."""
    subscriptions = Subscriptions(TinyVenue(), [A, B])
    refused_all(subscriptions, 0.0)
    subscriptions.overdue(AGAIN)
    subscriptions.retarget([B])
    assert asked(send_all(subscriptions, AGAIN)) == [["B"]]
    subscriptions.retarget([])
    assert subscriptions.deadline == AGAIN + ACK_TIMEOUT_SECS
    assert subscriptions.overdue(AGAIN + ACK_TIMEOUT_SECS) == Settled()
    assert subscriptions.deadline is None


# -- how many, and in which order ------------------------------------------------------------------


def test_a_few_at_a_time_the_longest_refused_first() -> None:
    """Each symbol in a request of its own; the others have their turn ten minutes later."""
    names = [f"S{number:02}" for number in range(25)]
    subscriptions = Subscriptions(TinyVenue(), subs(*names))
    for number, request in enumerate(reversed(send_all(subscriptions))):
        for sub in sorted(request.subscriptions):
            subscriptions.refused(None, "no", float(number), just(sub))
    # Requests of three, of which the last was refused first.
    by_age = [name for start in range(24, -1, -3) for name in names[start : start + 3]]
    rounds = []
    for nth in (1, 2, 3):
        now = nth * AGAIN + 8.0  # when all but one of the nine requests are refused so long ago
        subscriptions.overdue(now)
        requests = send_all(subscriptions, now)
        while more := send_all(subscriptions, now):
            requests += more
        rounds.append([name for (name,) in asked(requests)])
        for request in requests:
            subscriptions.refused(request.request_id, "no", now)
    assert rounds == [by_age[:10], by_age[10:20], [*by_age[20:], *sorted(by_age[:10])[:5]]]


def test_no_ten_minutes_have_more_than_so_many() -> None:
    """Also where the symbols were refused one after the other."""
    subscriptions = Subscriptions(TinyVenue(), subs(*(f"S{number:02}" for number in range(30))))
    requests = send_all(subscriptions)
    for number, sub in enumerate(sub for r in requests for sub in sorted(r.subscriptions)):
        subscriptions.refused(None, "no", 40.0 * number, just(sub))
    times: list[float] = []
    while len(times) < 200:
        assert subscriptions.deadline is not None
        now = subscriptions.deadline
        subscriptions.overdue(now)
        while requests := send_all(subscriptions, now):
            for request in requests:
                times.append(now)
                subscriptions.refused(request.request_id, "no", now)
    assert times[:3] == [600.0, 640.0, 680.0]
    assert all(late - early >= AGAIN for early, late in zip(times, times[AT_A_TIME:], strict=False))


def test_all_feeds_of_a_symbol_have_one_turn() -> None:
    """In one request, where the venue can."""
    subscriptions = Subscriptions(TinyVenue(), [A, A_QUOTES])
    send_all(subscriptions)
    subscriptions.refused(None, "no", 0.0, just(A))
    subscriptions.refused(None, "no", 5.0, just(A_QUOTES))
    subscriptions.overdue(AGAIN)
    assert [r.subscriptions for r in send_all(subscriptions, AGAIN)] == [{A, A_QUOTES}]
    assert subscriptions.granted(just(A)) == Settled(live=(A,))
    assert subscriptions.refused(None, "no", AGAIN, just(A_QUOTES)).still_refused == (
        (A_QUOTES, "no"),
    )
    assert subscriptions.deadline == 2 * AGAIN


def test_whatever_else_is_to_be_asked_goes_first() -> None:
    """A renewal needs the place in the hour that was kept for it."""
    subscriptions = Subscriptions(TinyVenue(), [A, B])
    send_all(subscriptions)
    subscriptions.granted(just(A))
    subscriptions.refused(None, "no", 0.0, just(B))
    subscriptions.renew([A])
    subscriptions.retarget([A, B, C])
    subscriptions.overdue(AGAIN)
    assert [texts(send_all(subscriptions, AGAIN)) for _ in range(5)] == [
        ["subscribe C/trades"],
        ["unsubscribe A/trades"],
        ["subscribe A/trades"],
        ["subscribe B/trades"],
        [],
    ]


# -- where answers name nothing --------------------------------------------------------------------


def asked_for_a_again() -> Subscriptions:
    """A and B were refused, and the first of them has its turn."""
    subscriptions = Subscriptions(OneAtATime(), [A, B])
    send_all(subscriptions)
    for sub in (A, B):
        subscriptions.refused(None, "no", 0.0, just(sub))
    subscriptions.overdue(AGAIN)
    assert asked(send_all(subscriptions, AGAIN)) == [["A"]]
    return subscriptions


def test_without_names_the_next_is_asked_when_the_last_has_its_answer() -> None:
    """One request is out at a time."""
    subscriptions = asked_for_a_again()
    assert send_all(subscriptions, AGAIN) == []
    assert subscriptions.refused(None, "no", AGAIN).still_refused == ((A, "no"),)
    assert asked(send_all(subscriptions, AGAIN)) == [["B"]]
    assert subscriptions.acknowledged(None) == Settled(live=(B,))


def test_without_names_an_answer_that_is_missing_ends_the_round() -> None:
    """If it comes late it finds nothing that it could be taken for; the others come first then."""
    subscriptions = asked_for_a_again()
    late = AGAIN + ACK_TIMEOUT_SECS
    assert subscriptions.overdue(late).still_refused == ((A, UNANSWERED),)
    assert send_all(subscriptions, late) == []
    assert subscriptions.acknowledged(None) == Settled()
    assert subscriptions.deadline == late + AGAIN
    subscriptions.overdue(late + AGAIN)
    assert asked(send_all(subscriptions, late + AGAIN)) == [["B"]]


# -- where requests replace ------------------------------------------------------------------------


def test_where_requests_replace_everything_is_named_with_one_symbol_more() -> None:
    """What is live stays live; when it was refused again, everything is asked for without it."""
    subscriptions = Subscriptions(Replacing(), [A, B, C])
    while requests := send_all(subscriptions):
        if C in requests[0].subscriptions or B in requests[0].subscriptions:
            subscriptions.refused(None, "no", 0.0)
        else:
            subscriptions.confirmed(requests[0].subscriptions)
    assert subscriptions.live == {A}
    subscriptions.overdue(AGAIN)
    told = []
    while requests := send_all(subscriptions, AGAIN):
        told.append(asked(requests))
        assert subscriptions.live >= {A}
        if C in requests[0].subscriptions:
            assert subscriptions.refused(None, "no", AGAIN).still_refused == ((C, "no"),)
        else:
            subscriptions.confirmed(requests[0].subscriptions)
    assert told == [[["A", "B"]], [["A", "B", "C"]], [["A", "B"]]]
    assert subscriptions.live == {A, B}
    assert subscriptions.deadline == 2 * AGAIN


def test_where_requests_replace_what_alone_is_wanted_may_be_refused() -> None:
    """Then a request names it and nothing else."""
    subscriptions = Subscriptions(Replacing(), [A])
    send_all(subscriptions)
    subscriptions.refused(None, "no", 0.0)
    subscriptions.overdue(AGAIN)
    assert asked(send_all(subscriptions, AGAIN)) == [["A"]]
    assert subscriptions.confirmed(just(A)) == Settled(live=(A,))
    assert send_all(subscriptions, AGAIN) == []
