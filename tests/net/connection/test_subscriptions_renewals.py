"""What is live begins anew, or ends: in the way of each model of venues."""

from __future__ import annotations

from tests.net.connection.sessions import A_QUOTES, A, B, D, all_live, just, send_all, texts
from tests.net.small_venue import ACK_TIMEOUT_SECS, Replacing, Sharing, TinyVenue
from tick_logger.net.connection.subscriptions import MAX_ATTEMPTS, Settled, Subscriptions

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
    session = Subscriptions(TinyVenue(), [A, B])
    assert session.renew([A]) == ()
    session.granted(just(A))
    send_all(session)
    assert session.renew([A, D]) == (A,)
    assert session.renew([A]) == ()
    assert texts(send_all(session)) == ["unsubscribe A/trades"]
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
    """It is no longer counted as live, and needs no request if it is wanted again."""
    session = all_live(Sharing(), A, A_QUOTES)
    assert session.retarget([A]) == set()
    assert send_all(session) == []
    assert session.live == {A}
    assert session.retarget([A, A_QUOTES]) == {A_QUOTES}
    assert send_all(session) == []
    assert session.live == {A, A_QUOTES}


def test_a_channel_is_ended_with_the_last_of_its_feeds() -> None:
    """By a request that names what was live."""
    session = all_live(Sharing(), A, A_QUOTES, B)
    session.retarget([B])
    (end,) = send_all(session)
    assert end.subscriptions == {A, A_QUOTES}
    assert session.live == {B}
