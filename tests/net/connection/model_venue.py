"""A venue as subscriptions see it, which decides by chance how it answers, and whether."""

from __future__ import annotations

import random

import attrs

from tests.net.small_venue import TinyVenue
from tick_logger.exchanges.base import Request, Subscription
from tick_logger.net.connection.subscriptions import Subscriptions


@attrs.define
class ModelVenue:
    """Keeps subscriptions as a venue would; refuses requests with bad symbols."""

    rng: random.Random
    venue: TinyVenue
    bad: set[str]
    subscribed: set[Subscription] = attrs.field(factory=set)
    asked: int = 0

    def take(self, subscriptions: Subscriptions, request: Request, now: float) -> None:
        """Receive a request; the answer may get lost on the way."""
        self.asked += 1
        subscriptions.sent(request, now)
        refused = not self._follows(request)
        if self.rng.random() < 0.1:
            return
        if self.rng.random() < 0.1 and request.subscriptions:
            subscriptions.refused(request.request_id, "busy", now, wait_secs=0.0)
        elif refused:
            self._refuse(subscriptions, request, now)
        elif request.text == "list" or not self.venue.names_requests:
            subscriptions.confirmed(frozenset(self.subscribed))
        elif request.text.startswith("unsubscribe") or self.rng.random() < 0.5:
            subscriptions.acknowledged(request.request_id)
        else:
            subscriptions.granted(request.subscriptions)

    def _refuse(self, subscriptions: Subscriptions, request: Request, now: float) -> None:
        """As a whole, or by the name of one that is bad."""
        bad = sorted(sub for sub in request.subscriptions if sub.symbol in self.bad)
        named = frozenset(bad[:1]) if self.rng.random() < 0.3 else frozenset()
        subscriptions.refused(request.request_id, "bad symbol", now, named, with_others=bool(named))

    def _follows(self, request: Request) -> bool:
        """Whether it does what it is asked for."""
        concerned = {other for sub in request.subscriptions for other in self.venue.together(sub)}
        if request.text.startswith("unsubscribe"):
            self.subscribed -= concerned
        elif any(sub.symbol in self.bad for sub in request.subscriptions):
            return False
        elif request.text != "list":
            kept = set() if self.venue.requests_replace else self.subscribed
            self.subscribed = kept | concerned
        return True
