"""What one connection has asked for and what it was granted: the state behind acknowledgements.

`states` has the table of what becomes of a subscription.

Where answers do not name their request, only one is outstanding at a time, be it an end.  A request
that is refused as a whole, or has no answer at the last attempt but one, is repeated in smaller
groups, until what is refused is known (`suspects`).  What is refused is so for all connections of
the exchange (`refusals`), and not asked for here again, unless the venue was only too busy: then
whatever is missing waits as long as it wants, and is asked for once more.

Where a request replaces what was subscribed before, each names everything that is wanted and not
refused, so that all of it awaits an answer again; what was live stays live meanwhile.

Invariant: a subscription is in one state, and one whose data flows is live, whatever was said.

Pure: times are given in seconds of trio's clock, requests are returned for others to send.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from tick_logger.exchanges.base import Exchange, Request, Subscription
from tick_logger.net.connection.delivery import Delivery
from tick_logger.net.connection.denials import Denials
from tick_logger.net.connection.outstanding import Awaited, Outstanding
from tick_logger.net.connection.refusals import Refusals
from tick_logger.net.connection.states import Settled, State
from tick_logger.net.intake.arrivals import Came, first_of


class Subscriptions:
    """The subscriptions of one connection; `refusals` is what all connections know."""

    def __init__(
        self, exchange: Exchange, wanted: Iterable[Subscription], refusals: Refusals | None = None
    ) -> None:
        self._exchange = exchange
        self._delivery = Delivery(exchange, wanted)
        self._denials = Denials(exchange, self._delivery, refusals or Refusals(exchange))
        self._outstanding = Outstanding()
        self._ending: set[Request] = set()  # to be sent
        self._asked: frozenset[Subscription] = frozenset()  # of the last request that replaces
        self._next_id = 1

    def state(self, subscription: Subscription) -> State:
        """Where it stands."""
        wanted = subscription in self._delivery.wanted
        if subscription in self._delivery.live:
            renewing = subscription in self._delivery.renewing
            return State.ENDING if not wanted else State.RENEWING if renewing else State.LIVE
        if not wanted:
            return State.UNWANTED
        if subscription in self.refused_now:
            return State.REFUSED
        return State.ASKED if self._outstanding.asks_for(subscription) else State.MISSING

    @property
    def live(self) -> frozenset[Subscription]:
        """What is wanted and the venue has acknowledged."""
        return self._delivery.wanted & self._delivery.live

    @property
    def missing(self) -> frozenset[Subscription]:
        """What is wanted and not live, whatever the reason."""
        return self._delivery.missing

    @property
    def begun_anew(self) -> frozenset[Subscription]:
        """What was live, was ended in order to renew it, and has not been granted again."""
        return frozenset(self._delivery.begun_anew)

    @property
    def refused_now(self) -> frozenset[Subscription]:
        """What the venue does not deliver, and has said so or never answered."""
        return self._denials.now

    @property
    def awaiting(self) -> bool:
        """Whether any request has no answer."""
        return bool(self._outstanding)

    @property
    def settled(self) -> bool:
        """Whether everything wanted is either live or refused for more than a moment."""
        return self.missing <= self._denials.lasting

    @property
    def deadline(self) -> float | None:
        """When the oldest outstanding request is overdue, or something may be asked once more."""
        return min([*self._outstanding.deadlines, *self._denials.due], default=None)

    # -- what is asked for ------------------------------------------------------------------------

    def retarget(self, wanted: Iterable[Subscription]) -> frozenset[Subscription]:
        """Want something else from now on; returns what is new among it and live already."""
        ending = {sub for request in self._ending for sub in request.subscriptions}
        new = frozenset(wanted) - self._delivery.wanted
        self._delivery.retarget(wanted)
        self._denials.keep_wanted()
        return new & self._delivery.live - ending

    def next_requests(self) -> list[Request]:
        """What should be sent now; each must be reported by `sent` or not sent at all."""
        if self._denials.paused or (self.awaiting and self._one_at_a_time):
            return []
        if self._exchange.requests_replace:
            return self._replacing()
        missing = self.missing - self.refused_now - self._outstanding.asked
        suspects, awaiting = self._denials.refusals.suspects, self.awaiting
        requests = []
        if unsuspected := missing - suspects.all:
            requests = self._exchange.subscribe(sorted(unsuspected), self._next_id)
        elif group := suspects.next(missing, awaiting=awaiting):  # others by the next calls
            requests = self._exchange.subscribe(sorted(group), self._next_id)
        elif surplus := self._delivery.to_end():
            requests = self._exchange.unsubscribe(sorted(surplus), self._next_id)
            self._ending = set(requests)
        return requests[:1] if self._one_at_a_time else requests

    def _replacing(self) -> list[Request]:
        """One request for everything, if that has changed, and one for what came of it.

        The suspects are added group by group, when all else is live.
        """
        everything = self._delivery.wanted - self.refused_now
        suspects, missing = self._denials.refusals.suspects, everything & self.missing
        everything -= missing & suspects.all
        known_live = everything <= self._delivery.live - self._delivery.renewing
        if known_live and (group := suspects.next(missing, awaiting=False)):
            everything |= group
        if not everything:  # there is no request for nothing; what still comes is not recorded
            return []
        if (
            everything == self._asked
            and everything <= self._delivery.live - self._delivery.renewing
        ):
            return []
        requests = self._exchange.subscribe(sorted(everything), self._next_id)
        listing = self._exchange.list_request(self._next_id + len(requests))
        return [*requests, *([listing] if listing is not None else [])]

    def renew(self, subscriptions: Iterable[Subscription]) -> tuple[Subscription, ...]:
        """Subscribe again to these, from the beginning; returns those it will be done for."""
        return self._delivery.renew(subscriptions)

    def sent(self, request: Request, now_secs: float) -> None:
        """A request went out: its answer is awaited from now on."""
        self._next_id = max(self._next_id, (request.request_id or 0) + 1)
        deadline = now_secs + self._exchange.profile.ack_timeout_secs
        if self._exchange.requests_replace and request.subscriptions:
            self._asked = request.subscriptions
            kept = self._asked - self._delivery.renewing
            self._delivery.end(self._delivery.live - kept, now_secs)
            self._delivery.ask(self._asked)
        if request in self._ending:  # even if wanted again by now: then it is missing from here on
            self._ending.remove(request)
            self._delivery.end(request.subscriptions, now_secs)
            if self._one_at_a_time and self._exchange.answers_ends:
                self._outstanding.add(Awaited(request, deadline, ends=True))
        elif request.subscriptions:  # even if not wanted by now: once granted, it must be ended
            self._delivery.ask(request.subscriptions)
            self._outstanding.add(Awaited(request, deadline))

    def ends(self, request: Request) -> bool:
        """Whether a request that is not sent yet ends subscriptions."""
        return request in self._ending

    # -- what is answered -------------------------------------------------------------------------

    def acknowledged(self, request_id: int | None) -> Settled:
        """The venue accepted a request: the one named, or else the oldest outstanding."""
        if item := self._outstanding.take(request_id):
            return Settled() if item.ends else self._now_live(item.request.subscriptions)
        if request_id is None:
            return Settled()
        # Better late than never: also what was given up since is live now.
        return self._now_live(self._outstanding.take_overdue(request_id))

    def granted(
        self, subscriptions: frozenset[Subscription], request_id: int | None = None
    ) -> Settled:
        """The venue accepted these, as far as the request asked for them, if one is named."""
        if request_id is not None:
            subscriptions &= self._outstanding.asked_by(request_id)
        settled = self._now_live(subscriptions)
        self._forget_answered()
        return settled

    def confirmed(self, subscriptions: frozenset[Subscription]) -> Settled:
        """The venue listed everything that this connection receives."""
        return self._now_live(self._outstanding.listed(subscriptions, self._delivery.wanted))

    def delivered(self, came_at: Mapping[Subscription, float]) -> Settled:
        """Data of these came on this connection: who delivers has granted, whatever was said.

        Their request may still be answered, and nobody else's must be taken for that answer.
        """
        return self._now_live(self._delivery.flowing(came_at))

    def delivered_since(self, came: Mapping[Subscription, Came]) -> list[tuple[int, Settled]]:
        """As `delivered`, by the receive time of the first data that shows it."""
        settled = self.delivered({sub: times[-1][0] for sub, times in came.items()})
        since = {sub: first_of(came[sub], self._delivery.flows_after(sub)) for sub in settled.live}
        return [
            (at_ns, Settled(live=tuple(sub for sub in settled.live if since[sub] == at_ns)))
            for at_ns in sorted({*since.values()})
        ]

    def refused(
        self,
        request_id: int | None,
        reason: str,
        now_secs: float,
        subscriptions: frozenset[Subscription] = frozenset(),
        *,
        with_others: bool = False,
        wait_secs: float | None = None,
    ) -> Settled:
        """The venue refused a request: the one named, or else the oldest outstanding.

        See `Refused`; with `wait_secs` it is only too busy, for so long.
        """
        blame = self._outstanding.blame(request_id, subscriptions, with_others=with_others)
        blamed, whole, others = (
            each & self.missing - self.refused_now
            for each in (blame.named, blame.whole, blame.others)
        )
        settled = Settled()
        if wait_secs is not None:
            settled = self._denials.postponed(blamed | whole, reason, now_secs, wait_secs)
        elif blamed:
            settled = self._denials.refused(blamed, reason, now_secs)
        elif whole:
            settled = self._denials.accused(whole, reason, now_secs)
        self._forget_answered()
        return attrs.evolve(settled, retried=tuple(sorted({*settled.retried, *others})))

    def unanswerable(self) -> Settled:
        """The oldest outstanding request was not even looked at: it is to be sent once more."""
        item = self._outstanding.take(None)
        again = self.missing & item.open if item is not None and not item.ends else ()
        return Settled(retried=tuple(sorted(again)))

    def overdue(self, now_secs: float) -> Settled:
        """Requests whose answer did not come in time: asked again, or given up.

        And what has waited long enough is to be asked for once more.
        """
        retried: set[Subscription] = set()
        refused: list[tuple[Subscription, str]] = []
        for without_answer in self._outstanding.expire(now_secs):
            if awaited := without_answer & self.missing - self.refused_now:
                settled = self._denials.unanswered(awaited, now_secs)
                retried.update(settled.retried)
                refused += settled.refused
        self._denials.release(now_secs)
        return Settled(retried=tuple(sorted(retried)), refused=tuple(refused))

    # -- parts ------------------------------------------------------------------------------------

    @property
    def _one_at_a_time(self) -> bool:
        return not self._exchange.names_requests or self._exchange.requests_replace

    def _now_live(self, subscriptions: frozenset[Subscription]) -> Settled:
        new = self._delivery.grant(subscriptions)
        self._denials.granted(new)
        return Settled(live=tuple(sorted(new & self._delivery.wanted)))

    def _forget_answered(self) -> None:
        """What is live, refused or not wanted awaits no answer."""
        answered = self.refused_now | self._delivery.live
        self._outstanding.settle(answered, self._delivery.wanted)
