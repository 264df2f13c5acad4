"""What one connection has asked for and what it was granted: the state behind acknowledgements.

    wanted -> requested -> live
                  |-> (deadline passed) -> wanted again, at most MAX_ATTEMPTS times
                  |-> refused

Pure: times are given in seconds of trio's clock, requests are returned for others to send.
Where the venue's refusals do not name a request, only one request is outstanding at a time.  A
request of several symbols that was refused, or not acknowledged but for the last attempt, is
repeated symbol by symbol, so that one bad symbol does not take the others with it.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from tick_logger.exchanges.base import Exchange, Request, Subscription

MAX_OVERDUE = 256
"""Requests whose answer is still understood after its deadline; the oldest are forgotten."""

MAX_ATTEMPTS = 3
"""A subscription that is not acknowledged this often is reported as refused."""


@attrs.frozen
class Settled:
    """What an answer, or its absence, changed."""

    live: tuple[Subscription, ...] = ()
    retried: tuple[Subscription, ...] = ()
    refused: tuple[tuple[Subscription, str], ...] = ()


@attrs.define
class _Outstanding:
    request: Request
    deadline: float


class Session:
    """Subscriptions of one connection."""

    def __init__(self, exchange: Exchange, wanted: Iterable[Subscription]) -> None:
        self._exchange = exchange
        self._wanted = set(wanted)
        self._live: set[Subscription] = set()
        self._refused: dict[Subscription, str] = {}
        self._attempts: dict[Subscription, int] = {}
        self._alone: set[Subscription] = set()
        self._outstanding: list[_Outstanding] = []
        self._overdue: dict[int, frozenset[Subscription]] = {}
        self._ending: set[Request] = set()
        self._next_id = 1

    @property
    def live(self) -> frozenset[Subscription]:
        """What the venue has acknowledged."""
        return frozenset(self._live)

    @property
    def settled(self) -> bool:
        """Whether everything wanted is either live or refused."""
        return self._wanted <= self._live | self._refused.keys()

    @property
    def deadline(self) -> float | None:
        """When the oldest outstanding request is overdue."""
        return min((item.deadline for item in self._outstanding), default=None)

    def retarget(self, wanted: Iterable[Subscription]) -> None:
        """Want something else from now on."""
        self._wanted = set(wanted)
        self._alone &= self._wanted
        for forget in (self._refused.keys() - self._wanted, self._attempts.keys() - self._wanted):
            for subscription in forget:
                self._refused.pop(subscription, None)
                self._attempts.pop(subscription, None)

    def next_requests(self) -> list[Request]:
        """What should be sent now; each must be reported by `sent` or not sent at all."""
        asked = {sub for item in self._outstanding for sub in item.request.subscriptions}
        if asked and self._one_at_a_time:
            return []
        missing = sorted(self._wanted - self._live - self._refused.keys() - asked)
        surplus = sorted(self._live - self._wanted)
        requests = []
        if missing:
            alone = [sub for sub in missing if sub in self._alone]
            group = [sub for sub in missing if sub.symbol == alone[0].symbol] if alone else missing
            requests = self._exchange.subscribe(group, self._next_id)
        elif surplus:
            requests = self._exchange.unsubscribe(surplus, self._next_id)
            self._ending = set(requests)
        return requests[:1] if self._one_at_a_time else requests

    def sent(self, request: Request, now_secs: float) -> None:
        """A request went out: its answer is awaited from now on."""
        self._next_id = max(self._next_id, (request.request_id or 0) + 1)
        if request in self._ending:  # even if wanted again by now: then it is missing from here on
            self._ending.remove(request)
            self._live -= request.subscriptions
        elif request.subscriptions & self._wanted:
            deadline = now_secs + self._exchange.profile.ack_timeout_secs
            self._outstanding.append(_Outstanding(request, deadline))

    def acknowledged(self, request_id: int) -> Settled:
        """The venue accepted a request by its id."""
        for item in self._outstanding:
            if item.request.request_id == request_id:
                self._outstanding.remove(item)
                return self._now_live(item.request.subscriptions)
        # Better late than never: also what was given up since is live now.
        return self._now_live(self._overdue.pop(request_id, frozenset()))

    def confirmed(self, subscriptions: frozenset[Subscription]) -> Settled:
        """The venue listed everything that this connection receives."""
        for item in list(self._outstanding):
            if item.request.subscriptions & self._wanted <= subscriptions:
                self._outstanding.remove(item)
        return self._now_live(subscriptions)

    def refused(self, request_id: int | None, reason: str) -> Settled:
        """The venue refused a request: the one named, or else the oldest outstanding."""
        for item in self._outstanding:
            if request_id is None or item.request.request_id == request_id:
                self._outstanding.remove(item)
                return self._not_granted(item.request, reason)
        return Settled()

    def overdue(self, now_secs: float) -> Settled:
        """Requests whose answer did not come in time: asked again, or given up."""
        late = [item for item in self._outstanding if item.deadline <= now_secs]
        self._outstanding = [item for item in self._outstanding if item.deadline > now_secs]
        retried: list[Subscription] = []
        refused: list[tuple[Subscription, str]] = []
        for item in late:
            if item.request.request_id is not None:
                self._overdue[item.request.request_id] = item.request.subscriptions
                while len(self._overdue) > MAX_OVERDUE:
                    del self._overdue[min(self._overdue)]
            for sub in sorted(item.request.subscriptions & self._wanted - self._live):
                self._attempts[sub] = self._attempts.get(sub, 0) + 1
                if self._attempts[sub] < MAX_ATTEMPTS:
                    retried.append(sub)
                    if self._attempts[sub] == MAX_ATTEMPTS - 1:
                        self._alone.add(sub)
                else:
                    self._alone.discard(sub)
                    self._refused[sub] = f"no acknowledgement after {MAX_ATTEMPTS} attempts"
                    refused.append((sub, self._refused[sub]))
        return Settled(retried=tuple(retried), refused=tuple(refused))

    @property
    def _one_at_a_time(self) -> bool:
        return not self._exchange.names_requests

    def _now_live(self, subscriptions: frozenset[Subscription]) -> Settled:
        new = (subscriptions & self._wanted) - self._live
        self._live |= new
        for sub in new:
            self._refused.pop(sub, None)
            self._alone.discard(sub)
        return Settled(live=tuple(sorted(new)))

    def _not_granted(self, request: Request, reason: str) -> Settled:
        subscriptions = sorted(request.subscriptions & self._wanted)
        if len({sub.symbol for sub in subscriptions}) > 1:
            self._alone.update(subscriptions)
            return Settled(retried=tuple(subscriptions))
        for sub in subscriptions:
            self._refused[sub] = reason
            self._alone.discard(sub)
        return Settled(refused=tuple((sub, reason) for sub in subscriptions))
