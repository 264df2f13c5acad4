"""What one connection has asked for and what it was granted: the state behind acknowledgements.

    a subscription is   until                                  and then
    UNWANTED            it is wanted                           MISSING
    MISSING             its request is sent                    ASKED
    ASKED               it is granted                          LIVE
                        it is refused                          REFUSED
                        it is refused together with others     MISSING, to be asked for alone
                        the deadline has passed                MISSING, at most MAX_ATTEMPTS times
    LIVE                it is to be renewed                    RENEWING
                        it is wanted no longer                 ENDING
    RENEWING            its end is sent                        MISSING
    ENDING              its end is sent                        UNWANTED
                        it is wanted again                     LIVE
    REFUSED             its turn has come (`refusals`)         ASKED_AGAIN
    ASKED_AGAIN         it is granted                          LIVE
                        it is refused, or not answered         REFUSED

Whatever is wanted no longer is UNWANTED at once if it is not live.  A late answer makes LIVE, or
REFUSED, what is MISSING by then.  `MOVES` has every way from one state to another.

Where answers do not name their request, only one is outstanding at a time, be it an end.  A request
for several symbols that is refused, or has no answer at the last attempt but one, is repeated
symbol by symbol, so that one bad symbol does not take the others with it.  What is refused is asked
for again symbol by symbol too, when there is nothing else to ask; until it is granted it stays
refused.

Where a request replaces what was subscribed before, each names everything that is wanted and not
refused, so that all of it awaits an answer again; what was live stays live meanwhile.

Invariant: a subscription is in one state, and never live and refused at once.

Pure: times are given in seconds of trio's clock, requests are returned for others to send.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Set

import attrs

from tick_logger.exchanges.base import Exchange, Request, Subscription
from tick_logger.net.connection.outstanding import Awaited, Outstanding
from tick_logger.net.connection.refusals import Refusals

MAX_ATTEMPTS = 3
"""A subscription that is not acknowledged this often is reported as refused."""


class State(enum.Enum):
    """Where one subscription stands on a connection."""

    UNWANTED = "not wanted, and not delivered"
    MISSING = "wanted, and to be asked for"
    ASKED = "wanted, and awaits an answer"
    LIVE = "wanted, and granted"
    RENEWING = "wanted and granted, and to be ended in order to begin anew"
    ENDING = "granted, but not wanted: to be ended"
    REFUSED = "wanted, and refused or never answered"
    ASKED_AGAIN = "refused, but to be asked for again, or awaiting the answer to that"


_S = State
MOVES: Mapping[State, frozenset[State]] = {
    _S.UNWANTED: frozenset({_S.MISSING, _S.ASKED, _S.ENDING}),  # an answer may be on its way
    _S.MISSING: frozenset({_S.ASKED, _S.LIVE, _S.REFUSED, _S.UNWANTED}),
    _S.ASKED: frozenset({_S.LIVE, _S.REFUSED, _S.MISSING, _S.UNWANTED}),
    _S.LIVE: frozenset({_S.RENEWING, _S.ENDING, _S.MISSING}),  # wanted again as its end was sent
    _S.RENEWING: frozenset({_S.MISSING, _S.ASKED, _S.ENDING}),  # asked at once where that replaces
    _S.ENDING: frozenset({_S.UNWANTED, _S.LIVE}),
    _S.REFUSED: frozenset({_S.ASKED_AGAIN, _S.LIVE, _S.UNWANTED}),
    _S.ASKED_AGAIN: frozenset({_S.REFUSED, _S.LIVE, _S.UNWANTED}),
}
"""The states that may follow each state by one call."""


@attrs.frozen
class Settled:
    """What an answer, or its absence, changed."""

    live: tuple[Subscription, ...] = ()
    retried: tuple[Subscription, ...] = ()
    refused: tuple[tuple[Subscription, str], ...] = ()
    still_refused: tuple[tuple[Subscription, str], ...] = ()
    """What had been refused before, was asked for again, and is refused once more."""


class Subscriptions:
    """The subscriptions of one connection."""

    def __init__(self, exchange: Exchange, wanted: Iterable[Subscription]) -> None:
        self._exchange = exchange
        self._wanted = set(wanted)
        self._ever_wanted = set(self._wanted)
        self._live: set[Subscription] = set()  # also what is not wanted any more, until it ends
        self._refusals = Refusals()
        self._attempts: dict[Subscription, int] = {}  # that had no answer
        self._alone: set[Subscription] = set()  # to be asked for symbol by symbol
        self._outstanding = Outstanding()
        self._ending: set[Request] = set()  # to be sent
        self._renewing: set[Subscription] = set()  # always some of those live
        self.begun_anew: set[Subscription] = set()
        """What was live, was ended in order to renew it, and has not been granted again."""
        self._asked: frozenset[Subscription] = frozenset()  # of the last request that replaces
        self._next_id = 1

    def state(self, subscription: Subscription) -> State:
        """Where it stands."""
        wanted = subscription in self._wanted
        if subscription in self._live:
            renewing = subscription in self._renewing
            return State.ENDING if not wanted else State.RENEWING if renewing else State.LIVE
        if not wanted:
            return State.UNWANTED
        if subscription in self._refusals.all:
            again = subscription in self._refusals.again
            return State.ASKED_AGAIN if again else State.REFUSED
        return State.ASKED if self._outstanding.asks_for(subscription) else State.MISSING

    @property
    def live(self) -> frozenset[Subscription]:
        """What is wanted and the venue has acknowledged."""
        return frozenset(self._live & self._wanted)

    @property
    def refused_now(self) -> frozenset[Subscription]:
        """What the venue does not deliver, and has said so or never answered."""
        return self._refusals.all

    @property
    def settled(self) -> bool:
        """Whether everything wanted is either live or refused."""
        return self._wanted <= self._live | self._refusals.all

    @property
    def deadline(self) -> float | None:
        """When the oldest outstanding request is overdue, or something refused is asked again."""
        due = self._outstanding.deadlines
        if (ask_again_at := self._refusals.due_at) is not None:
            due.append(ask_again_at)
        return min(due, default=None)

    def retarget(self, wanted: Iterable[Subscription]) -> frozenset[Subscription]:
        """Want something else from now on; returns what is new among it and live already."""
        ending = {sub for request in self._ending for sub in request.subscriptions}
        new = set(wanted) - self._wanted
        self._wanted = set(wanted)
        self._ever_wanted |= self._wanted
        self._alone &= self._wanted
        self._renewing &= self._wanted
        self.begun_anew &= self._wanted
        self._refusals.keep(self._wanted)
        for subscription in self._attempts.keys() - self._wanted:
            del self._attempts[subscription]
        return frozenset(new & self._live - ending)

    def next_requests(self) -> list[Request]:
        """What should be sent now; each must be reported by `sent` or not sent at all."""
        if self._outstanding and self._one_at_a_time:
            return []
        if self._exchange.requests_replace:
            return self._replacing()
        asked = self._outstanding.asked
        missing = sorted(self._wanted - self._live - self._refusals.all - asked)
        surplus = sorted(self._ended())
        requests = []
        if missing:
            alone = [sub for sub in missing if sub in self._alone]
            group = [sub for sub in missing if sub.symbol == alone[0].symbol] if alone else missing
            requests = self._exchange.subscribe(group, self._next_id)
        elif surplus:
            requests = self._exchange.unsubscribe(surplus, self._next_id)
            self._ending = set(requests)
        elif again := self._next_again(asked):  # last: what is ended above needs its turn first
            requests = self._exchange.subscribe(again, self._next_id)
        return requests[:1] if self._one_at_a_time else requests

    def _next_again(self, asked: Set[Subscription]) -> list[Subscription]:
        """What was refused and is asked for again, of the one symbol whose turn it is."""
        again = [sub for sub in self._refusals.again if sub not in asked]
        return [sub for sub in again if sub.symbol == again[0].symbol]

    def _ended(self) -> set[Subscription]:
        """What is live and should not be, or must begin anew.

        A feed that shares its channel with one that is wanted cannot be ended alone: what still
        comes of it is not recorded.
        """
        unwanted = self._live - self._wanted
        kept = {sub for sub in unwanted if self._exchange.together(sub) & self._wanted}
        return (unwanted - kept) | (self._renewing & self._live)

    def _replacing(self) -> list[Request]:
        """One request for everything, if that has changed, and one for what came of it."""
        everything = frozenset(self._wanted - self._refusals.all)
        unanswered = everything - self._live
        if not unanswered and not self._renewing:
            everything = everything.union(self._next_again(frozenset()))
        if not everything:  # there is no request for nothing; what still comes is not recorded
            return []
        if self._alone & unanswered:  # one symbol more at a time, to find the one that is refused
            symbol = min(self._alone & unanswered).symbol
            others = {sub for sub in unanswered if sub.symbol != symbol}
            everything -= others
        if everything == self._asked and everything <= self._live and not self._renewing:
            return []
        requests = self._exchange.subscribe(sorted(everything), self._next_id)
        listing = self._exchange.list_request(self._next_id + len(requests))
        return [*requests, *([listing] if listing is not None else [])]

    def renew(self, subscriptions: Iterable[Subscription]) -> tuple[Subscription, ...]:
        """Subscribe again to what is live, from the beginning; returns those it will be done for.

        What is not live yet, or no longer wanted, needs no renewal.
        """
        named = {other for sub in subscriptions for other in self._exchange.together(sub)}
        chosen = named & self._live & self._wanted - self._renewing
        self._renewing |= chosen
        return tuple(sorted(chosen))

    def sent(self, request: Request, now_secs: float) -> None:
        """A request went out: its answer is awaited from now on."""
        self._next_id = max(self._next_id, (request.request_id or 0) + 1)
        deadline = now_secs + self._exchange.profile.ack_timeout_secs
        if self._exchange.requests_replace and request.subscriptions:
            self._asked = request.subscriptions
            self.begun_anew |= self._renewing & self._live
            self._live &= self._asked - self._renewing
            self._renewing.clear()
        if request in self._ending:  # even if wanted again by now: then it is missing from here on
            self._ending.remove(request)
            self._live -= request.subscriptions
            self.begun_anew |= self._renewing & request.subscriptions
            self._renewing -= request.subscriptions
            if self._one_at_a_time:
                self._outstanding.add(Awaited(request, deadline, ends=True))
        elif request.subscriptions:  # even if not wanted by now: once granted, it must be ended
            self._outstanding.add(Awaited(request, deadline))

    def ends(self, request: Request) -> bool:
        """Whether a request that is not sent yet ends subscriptions."""
        return request in self._ending

    def acknowledged(self, request_id: int | None) -> Settled:
        """The venue accepted a request: the one named, or else the oldest outstanding."""
        if item := self._outstanding.take(request_id):
            return Settled() if item.ends else self._now_live(item.request.subscriptions)
        if request_id is None:
            return Settled()
        # Better late than never: also what was given up since is live now.
        return self._now_live(self._outstanding.take_overdue(request_id))

    def granted(self, subscriptions: frozenset[Subscription]) -> Settled:
        """The venue accepted these subscriptions, of one request or several."""
        settled = self._now_live(subscriptions)
        self._forget_answered()
        return settled

    def confirmed(self, subscriptions: frozenset[Subscription]) -> Settled:
        """The venue listed everything that this connection receives."""
        return self._now_live(self._outstanding.listed(subscriptions, self._wanted))

    def refused(
        self,
        request_id: int | None,
        reason: str,
        now_secs: float,
        subscriptions: frozenset[Subscription] = frozenset(),
    ) -> Settled:
        """The venue refused a request: the one named, or else the oldest outstanding.

        With `subscriptions` it refused these, and the others of their request await an answer.
        """
        if subscriptions:
            named = subscriptions & self._wanted - self._live - self._refusals.resting
            refused = self._refuse(sorted(named), reason, now_secs)
            self._forget_answered()
            return refused
        item = self._outstanding.take(request_id)
        if item is None or item.ends:
            return Settled()
        return self._not_granted(item.request, reason, now_secs)

    def overdue(self, now_secs: float) -> Settled:
        """Requests whose answer did not come in time: asked again, or given up.

        And what was refused long enough ago is to be asked for again.
        """
        retried: list[Subscription] = []
        given_up: list[Subscription] = []
        unanswered_again: list[Subscription] = []
        for request in self._outstanding.expire(now_secs):
            awaited = request.subscriptions & self._wanted - self._live
            unanswered_again += sorted(awaited.intersection(self._refusals.again))
            for sub in sorted(awaited - self._refusals.all):
                self._attempts[sub] = self._attempts.get(sub, 0) + 1
                (retried if self._attempts[sub] < MAX_ATTEMPTS else given_up).append(sub)
                if self._attempts[sub] == MAX_ATTEMPTS - 1:
                    self._alone.add(sub)
        reason = f"no acknowledgement after {MAX_ATTEMPTS} attempts"
        refused = self._refuse(given_up, reason, now_secs).refused
        again = self._refuse(unanswered_again, "no acknowledgement", now_secs).still_refused
        if again and self._one_at_a_time:
            # An answer that comes after all must not be taken for that to the next of them.
            self._refusals.pause(now_secs)
        self._refusals.begin(now_secs)
        return Settled(retried=tuple(retried), refused=refused, still_refused=again)

    @property
    def _one_at_a_time(self) -> bool:
        return not self._exchange.names_requests or self._exchange.requests_replace

    def _now_live(self, subscriptions: frozenset[Subscription]) -> Settled:
        new = (subscriptions & self._wanted) - self._live
        self._live |= subscriptions & self._ever_wanted  # venues may list what nobody asked for
        self._refusals.discard(new)
        for sub in new:
            self._attempts.pop(sub, None)
            self._alone.discard(sub)
        self.begun_anew -= new
        assert self._live.isdisjoint(self._refusals.all), "live and refused at once"
        return Settled(live=tuple(sorted(new)))

    def _not_granted(self, request: Request, reason: str, now_secs: float) -> Settled:
        subscriptions = sorted(
            request.subscriptions & self._wanted - self._live - self._refusals.resting
        )
        if len({sub.symbol for sub in subscriptions}) > 1:
            self._alone.update(subscriptions)
            return Settled(retried=tuple(subscriptions))
        return self._refuse(subscriptions, reason, now_secs)

    def _refuse(self, named: Iterable[Subscription], reason: str, now_secs: float) -> Settled:
        refused: list[tuple[Subscription, str]] = []
        still: list[tuple[Subscription, str]] = []
        for sub in named:
            self._alone.discard(sub)
            (refused if self._refusals.add(sub, now_secs) else still).append((sub, reason))
            assert self.state(sub) is State.REFUSED, "only what is wanted and not live is refused"
        return Settled(refused=tuple(refused), still_refused=tuple(still))

    def _forget_answered(self) -> None:
        """Requests all of whose subscriptions are live, refused or not wanted await nothing."""
        self._outstanding.keep(self._wanted - self._live - self._refusals.resting)
