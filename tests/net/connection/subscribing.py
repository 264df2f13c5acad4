"""What tests of `Subscriptions` share: some of them, and the ways to ask, grant and read."""

from __future__ import annotations

from tests.net.small_venue import TinyVenue
from tick_logger.exchanges.base import Request, Subscription
from tick_logger.net.connection.subscriptions import Subscriptions


def subs(*symbols: str, feed: str = "trades") -> list[Subscription]:
    """A feed of each symbol."""
    return [Subscription(symbol, feed) for symbol in symbols]


A, B, C, D = subs("A", "B", "C", "D")
(A_QUOTES,) = subs("A", feed="quotes")


def just(*subscriptions: Subscription) -> frozenset[Subscription]:
    """As an answer names them."""
    return frozenset(subscriptions)


def send_all(subscriptions: Subscriptions, now: float = 0.0) -> list[Request]:
    """Every request that may go out now, sent."""
    requests = subscriptions.next_requests()
    for request in requests:
        subscriptions.sent(request, now)
    return requests


def texts(requests: list[Request]) -> list[str]:
    """What the venue reads."""
    return [request.text for request in requests]


def all_live(venue: TinyVenue, *wanted: Subscription) -> Subscriptions:
    """Of a connection that has everything it wants."""
    subscriptions = Subscriptions(venue, wanted)
    while requests := send_all(subscriptions):
        for request in requests:
            subscriptions.granted(request.subscriptions)
    assert subscriptions.live == set(wanted)
    return subscriptions
