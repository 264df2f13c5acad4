"""What is live begins anew, or ends: in the way of each model of venues."""

from __future__ import annotations

from tests.net.connection.subscribing import A_QUOTES, A, B, D, all_live, just, send_all, texts
from tests.net.small_venue import ACK_TIMEOUT_SECS, Replacing, Sharing, TinyVenue
from tick_logger.net.connection.denials import MAX_ATTEMPTS
from tick_logger.net.connection.states import Settled
from tick_logger.net.connection.subscriptions import Subscriptions

# -- renewals --------------------------------------------------------------------------------------


def test_a_renewal_ends_and_begins_again() -> None:
    """Only what is named; it is live again with its new answer."""
    subscriptions = all_live(TinyVenue(), A, B)
    assert subscriptions.renew([A]) == (A,)
    assert subscriptions.live == {A, B}
    (end,) = subscriptions.next_requests()
    assert subscriptions.ends(end)
    subscriptions.sent(end, 0.0)
    assert subscriptions.live == {B}
    assert subscriptions.begun_anew == {A}
    (begin,) = (
        subscriptions.next_requests()
    )  # at once: its answer has a name, or names what it grants
    assert (begin.text, subscriptions.ends(begin)) == ("subscribe A/trades", False)
    subscriptions.sent(begin, 0.0)
    assert subscriptions.next_requests() == []
    assert begin.request_id is not None
    assert subscriptions.acknowledged(end.request_id) == Settled()
    assert subscriptions.acknowledged(begin.request_id) == Settled(live=(A,))
    assert subscriptions.begun_anew == set()
    assert subscriptions.next_requests() == []


def test_only_what_is_live_is_renewed_and_once() -> None:
    """What is not live yet begins anyway."""
    subscriptions = Subscriptions(TinyVenue(), [A, B])
    assert subscriptions.renew([A]) == ()
    subscriptions.granted(just(A))
    send_all(subscriptions)
    assert subscriptions.renew([A, D]) == (A,)
    assert subscriptions.renew([A]) == ()
    assert texts(send_all(subscriptions)) == ["unsubscribe A/trades"]
    assert subscriptions.renew([A]) == ()


def test_feeds_of_one_channel_are_renewed_together() -> None:
    """They end together, so both are interrupted."""
    subscriptions = all_live(Sharing(), A, A_QUOTES, B)
    assert subscriptions.renew([A]) == (A_QUOTES, A)
    (end,) = send_all(subscriptions)
    assert end.subscriptions == {A, A_QUOTES}
    (begin,) = send_all(subscriptions)
    assert begin.subscriptions == {A, A_QUOTES}
    assert subscriptions.granted(just(A, A_QUOTES)).live == (A_QUOTES, A)
    assert subscriptions.live == {A, A_QUOTES, B}


def test_a_renewal_where_requests_replace_is_a_request_for_everything() -> None:
    """What was not renewed stays live."""
    subscriptions = all_live(Replacing(), A, B)
    assert subscriptions.renew([A]) == (A,)
    assert texts(send_all(subscriptions)) == ["subscribe A/trades B/trades", "list"]
    assert subscriptions.live == {B}
    assert subscriptions.begun_anew == {A}
    assert subscriptions.confirmed(just(A, B)) == Settled(live=(A,))
    assert send_all(subscriptions) == []


def test_what_is_renewed_has_all_its_attempts_each_time() -> None:
    """Answers that were missed in the course of days do not add up to a refusal."""
    subscriptions = all_live(TinyVenue(), A)
    for day in range(1, 5):
        subscriptions.renew([A])
        send_all(subscriptions)
        for attempt in range(1, MAX_ATTEMPTS):
            now = 86_400.0 * day + attempt * ACK_TIMEOUT_SECS
            send_all(subscriptions, now)
            assert subscriptions.overdue(now + ACK_TIMEOUT_SECS) == Settled(retried=(A,))
        send_all(subscriptions, now)
        assert subscriptions.granted(just(A)) == Settled(live=(A,))


def test_what_was_live_and_is_refused_is_known() -> None:
    """As long as it is wanted."""
    subscriptions = all_live(TinyVenue(), A)
    subscriptions.renew([A])
    send_all(subscriptions)
    (begin,) = send_all(subscriptions)
    assert subscriptions.refused(begin.request_id, "no", 0.0).refused == ((A, "no"),)
    assert subscriptions.begun_anew == {A}
    subscriptions.retarget([B])
    assert subscriptions.begun_anew == set()


def test_a_renewal_of_what_is_no_longer_wanted_is_an_end() -> None:
    """Whether its end is out already or not."""
    subscriptions = all_live(TinyVenue(), A, B)
    subscriptions.renew([A, B])
    subscriptions.retarget([B])
    assert texts(send_all(subscriptions)) == ["unsubscribe A/trades B/trades"]
    assert texts(send_all(subscriptions)) == ["subscribe B/trades"]
    subscriptions.granted(just(B))
    assert subscriptions.live == {B}
    assert send_all(subscriptions) == []


# -- what is live and not wanted -------------------------------------------------------------------


def test_a_feed_whose_channel_is_still_wanted_is_not_ended() -> None:
    """It is no longer counted as live, and needs no request if it is wanted again."""
    subscriptions = all_live(Sharing(), A, A_QUOTES)
    assert subscriptions.retarget([A]) == set()
    assert send_all(subscriptions) == []
    assert subscriptions.live == {A}
    assert subscriptions.retarget([A, A_QUOTES]) == {A_QUOTES}
    assert send_all(subscriptions) == []
    assert subscriptions.live == {A, A_QUOTES}


def test_a_channel_is_ended_with_the_last_of_its_feeds() -> None:
    """By a request that names what was live."""
    subscriptions = all_live(Sharing(), A, A_QUOTES, B)
    subscriptions.retarget([B])
    (end,) = send_all(subscriptions)
    assert end.subscriptions == {A, A_QUOTES}
    assert subscriptions.live == {B}
