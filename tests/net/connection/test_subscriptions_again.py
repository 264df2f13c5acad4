"""What was refused, or never answered, is asked for again: when, in which order, and how often."""

from __future__ import annotations

import pytest

from tests.net.connection.sessions import A_QUOTES, A, B, C, just, send_all, subs, texts
from tests.net.small_venue import ACK_TIMEOUT_SECS, OneAtATime, Replacing, TinyVenue
from tick_logger.exchanges.base import Request
from tick_logger.net.connection.subscriptions import MAX_ATTEMPTS, Settled, Subscriptions

AGAIN = 600.0
AT_A_TIME = 10
UNANSWERED = "no acknowledgement"


def asked(requests: list[Request]) -> list[list[str]]:
    """The symbols of each request that subscribes."""
    return [sorted({sub.symbol for sub in r.subscriptions}) for r in requests if r.subscriptions]


def refused_all(session: Subscriptions, now: float) -> None:
    """Ask, and refuse each by name."""
    for request in send_all(session, now):
        for sub in request.subscriptions:
            session.refused(None, "no", now, just(sub))


# -- when ------------------------------------------------------------------------------------------


def test_what_was_refused_is_asked_for_again_after_ten_minutes() -> None:
    """Not before; and it stays refused until it is granted."""
    session = Subscriptions(TinyVenue(), [A, B])
    (first,) = send_all(session)
    session.granted(just(A))
    assert session.refused(first.request_id, "not yet", 3.0).refused == ((B, "not yet"),)
    assert session.deadline == 3.0 + AGAIN
    assert session.overdue(3.0 + AGAIN - 0.01) == Settled()
    assert send_all(session) == []
    assert session.overdue(3.0 + AGAIN) == Settled()
    (second,) = send_all(session, 3.0 + AGAIN)
    assert second.subscriptions == {B}
    assert session.settled
    assert session.deadline == 3.0 + AGAIN + ACK_TIMEOUT_SECS
    assert session.acknowledged(second.request_id) == Settled(live=(B,))
    assert session.live == {A, B}
    assert session.deadline is None


def test_what_is_refused_once_more_waits_again() -> None:
    """It is told apart from what was never refused before."""
    session = Subscriptions(TinyVenue(), [A])
    refused_all(session, 0.0)
    for nth in range(1, 4):
        assert session.deadline == nth * AGAIN
        session.overdue(nth * AGAIN)
        (request,) = send_all(session, nth * AGAIN)
        answer = session.refused(request.request_id, "no", nth * AGAIN)
        assert answer == Settled(still_refused=((A, "no"),))
        assert session.settled


@pytest.mark.parametrize("venue", [TinyVenue(), OneAtATime()])
def test_who_was_silent_is_asked_once_each_time(venue: TinyVenue) -> None:
    """All of its attempts it had in the beginning."""
    session = Subscriptions(venue, [A])
    for attempt in range(MAX_ATTEMPTS):
        send_all(session, attempt * ACK_TIMEOUT_SECS)
        settled = session.overdue((attempt + 1) * ACK_TIMEOUT_SECS)
    assert [sub for sub, _ in settled.refused] == [A]
    for nth in range(1, 4):
        now = MAX_ATTEMPTS * ACK_TIMEOUT_SECS + nth * AGAIN + (nth - 1) * ACK_TIMEOUT_SECS
        assert session.deadline == now
        session.overdue(now)
        assert asked(send_all(session, now)) == [["A"]]
        answer = session.overdue(now + ACK_TIMEOUT_SECS)
        assert answer == Settled(still_refused=((A, UNANSWERED),))
        assert send_all(session, now) == []


def test_a_late_answer_to_such_a_request_is_an_answer_all_the_same() -> None:
    """Where it names its request."""
    session = Subscriptions(TinyVenue(), [A])
    refused_all(session, 0.0)
    session.overdue(AGAIN)
    (request,) = send_all(session, AGAIN)
    session.overdue(AGAIN + ACK_TIMEOUT_SECS)
    assert session.acknowledged(request.request_id) == Settled(live=(A,))
    assert session.deadline is None


def test_what_is_no_longer_wanted_is_not_asked_for_again() -> None:
    """Whether its turn has come already or not."""
    session = Subscriptions(TinyVenue(), [A, B])
    refused_all(session, 0.0)
    session.overdue(AGAIN)
    session.retarget([B])
    assert asked(send_all(session, AGAIN)) == [["B"]]
    session.retarget([])
    assert session.deadline == AGAIN + ACK_TIMEOUT_SECS
    assert session.overdue(AGAIN + ACK_TIMEOUT_SECS) == Settled()
    assert session.deadline is None


# -- how many, and in which order ------------------------------------------------------------------


def test_a_few_at_a_time_the_longest_refused_first() -> None:
    """Each symbol in a request of its own; the others have their turn ten minutes later."""
    names = [f"S{number:02}" for number in range(25)]
    session = Subscriptions(TinyVenue(), subs(*names))
    for number, request in enumerate(reversed(send_all(session))):
        for sub in sorted(request.subscriptions):
            session.refused(None, "no", float(number), just(sub))
    # Requests of three, of which the last was refused first.
    by_age = [name for start in range(24, -1, -3) for name in names[start : start + 3]]
    rounds = []
    for nth in (1, 2, 3):
        now = nth * AGAIN + 8.0  # when all but one of the nine requests are refused so long ago
        session.overdue(now)
        requests = send_all(session, now)
        while more := send_all(session, now):
            requests += more
        rounds.append([name for (name,) in asked(requests)])
        for request in requests:
            session.refused(request.request_id, "no", now)
    assert rounds == [by_age[:10], by_age[10:20], [*by_age[20:], *sorted(by_age[:10])[:5]]]


def test_no_ten_minutes_have_more_than_so_many() -> None:
    """Also where the symbols were refused one after the other."""
    session = Subscriptions(TinyVenue(), subs(*(f"S{number:02}" for number in range(30))))
    requests = send_all(session)
    for number, sub in enumerate(sub for r in requests for sub in sorted(r.subscriptions)):
        session.refused(None, "no", 40.0 * number, just(sub))
    times: list[float] = []
    while len(times) < 200:
        assert session.deadline is not None
        now = session.deadline
        session.overdue(now)
        while requests := send_all(session, now):
            for request in requests:
                times.append(now)
                session.refused(request.request_id, "no", now)
    assert times[:3] == [600.0, 640.0, 680.0]
    assert all(late - early >= AGAIN for early, late in zip(times, times[AT_A_TIME:], strict=False))


def test_all_feeds_of_a_symbol_have_one_turn() -> None:
    """In one request, where the venue can."""
    session = Subscriptions(TinyVenue(), [A, A_QUOTES])
    send_all(session)
    session.refused(None, "no", 0.0, just(A))
    session.refused(None, "no", 5.0, just(A_QUOTES))
    session.overdue(AGAIN)
    assert [r.subscriptions for r in send_all(session, AGAIN)] == [{A, A_QUOTES}]
    assert session.granted(just(A)) == Settled(live=(A,))
    assert session.refused(None, "no", AGAIN, just(A_QUOTES)).still_refused == ((A_QUOTES, "no"),)
    assert session.deadline == 2 * AGAIN


def test_whatever_else_is_to_be_asked_goes_first() -> None:
    """A renewal needs the place in the hour that was kept for it."""
    session = Subscriptions(TinyVenue(), [A, B])
    send_all(session)
    session.granted(just(A))
    session.refused(None, "no", 0.0, just(B))
    session.renew([A])
    session.retarget([A, B, C])
    session.overdue(AGAIN)
    assert [texts(send_all(session, AGAIN)) for _ in range(5)] == [
        ["subscribe C/trades"],
        ["unsubscribe A/trades"],
        ["subscribe A/trades"],
        ["subscribe B/trades"],
        [],
    ]


# -- where answers name nothing --------------------------------------------------------------------


def asked_for_a_again() -> Subscriptions:
    """A and B were refused, and the first of them has its turn."""
    session = Subscriptions(OneAtATime(), [A, B])
    send_all(session)
    for sub in (A, B):
        session.refused(None, "no", 0.0, just(sub))
    session.overdue(AGAIN)
    assert asked(send_all(session, AGAIN)) == [["A"]]
    return session


def test_without_names_the_next_is_asked_when_the_last_has_its_answer() -> None:
    """One request is out at a time."""
    session = asked_for_a_again()
    assert send_all(session, AGAIN) == []
    assert session.refused(None, "no", AGAIN).still_refused == ((A, "no"),)
    assert asked(send_all(session, AGAIN)) == [["B"]]
    assert session.acknowledged(None) == Settled(live=(B,))


def test_without_names_an_answer_that_is_missing_ends_the_round() -> None:
    """If it comes late it finds nothing that it could be taken for; the others come first then."""
    session = asked_for_a_again()
    late = AGAIN + ACK_TIMEOUT_SECS
    assert session.overdue(late).still_refused == ((A, UNANSWERED),)
    assert send_all(session, late) == []
    assert session.acknowledged(None) == Settled()
    assert session.deadline == late + AGAIN
    session.overdue(late + AGAIN)
    assert asked(send_all(session, late + AGAIN)) == [["B"]]


# -- where requests replace ------------------------------------------------------------------------


def test_where_requests_replace_everything_is_named_with_one_symbol_more() -> None:
    """What is live stays live; when it was refused again, everything is asked for without it."""
    session = Subscriptions(Replacing(), [A, B, C])
    while requests := send_all(session):
        if C in requests[0].subscriptions or B in requests[0].subscriptions:
            session.refused(None, "no", 0.0)
        else:
            session.confirmed(requests[0].subscriptions)
    assert session.live == {A}
    session.overdue(AGAIN)
    told = []
    while requests := send_all(session, AGAIN):
        told.append(asked(requests))
        assert session.live >= {A}
        if C in requests[0].subscriptions:
            assert session.refused(None, "no", AGAIN).still_refused == ((C, "no"),)
        else:
            session.confirmed(requests[0].subscriptions)
    assert told == [[["A", "B"]], [["A", "B", "C"]], [["A", "B"]]]
    assert session.live == {A, B}
    assert session.deadline == 2 * AGAIN


def test_where_requests_replace_what_alone_is_wanted_may_be_refused() -> None:
    """Then a request names it and nothing else."""
    session = Subscriptions(Replacing(), [A])
    send_all(session)
    session.refused(None, "no", 0.0)
    session.overdue(AGAIN)
    assert asked(send_all(session, AGAIN)) == [["A"]]
    assert session.confirmed(just(A)) == Settled(live=(A,))
    assert send_all(session, AGAIN) == []
