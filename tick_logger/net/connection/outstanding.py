"""The requests of one connection that have no answer yet.

    sent -> awaited -> answered
                  `--> overdue: no longer awaited, but its answer is still understood

An answer names its request, or else it is of the oldest that is awaited.  Pure.
"""

from __future__ import annotations

from collections.abc import Set

import attrs

from tick_logger.exchanges.base import Request, Subscription

MAX_OVERDUE = 256
"""Requests whose answer is still understood after its deadline; the oldest are forgotten."""


@attrs.frozen
class Awaited:
    """A request whose answer is due by `deadline`, in seconds of trio's clock."""

    request: Request
    deadline: float
    ends: bool = False  # it ends subscriptions: whatever its answer is, it only clears the way
    open: frozenset[Subscription] = attrs.field()  # what of it has no answer yet

    @open.default
    def _all(self) -> frozenset[Subscription]:
        return self.request.subscriptions


@attrs.frozen
class Blame:
    """Whom a refusal is about: those that it names, all of a request, and others it keeps out."""

    named: frozenset[Subscription] = frozenset()
    whole: frozenset[Subscription] = frozenset()
    others: frozenset[Subscription] = frozenset()


class Outstanding:
    """Awaited requests, the oldest first, and those that are overdue."""

    def __init__(self) -> None:
        self._awaited: list[Awaited] = []
        self._overdue: dict[int, frozenset[Subscription]] = {}

    def __bool__(self) -> bool:
        return bool(self._awaited)

    @property
    def asked(self) -> frozenset[Subscription]:
        """What the awaited requests are about and has no answer, be it an end."""
        return frozenset().union(*(item.open for item in self._awaited))

    @property
    def deadlines(self) -> list[float]:
        """Of every awaited request."""
        return [item.deadline for item in self._awaited]

    def asks_for(self, subscription: Subscription) -> bool:
        """Whether an answer may grant this."""
        return any(subscription in item.open and not item.ends for item in self._awaited)

    def add(self, awaited: Awaited) -> None:
        """A request was sent."""
        self._awaited.append(awaited)

    def find(self, request_id: int | None) -> Awaited | None:
        """The request that an answer means, where it is still awaited."""
        for item in self._awaited:
            if request_id is None or item.request.request_id == request_id:
                return item
        return None

    def take(self, request_id: int | None) -> Awaited | None:
        """The request that was answered, which is awaited no longer; None if there is none."""
        item = self.find(request_id)
        if item is not None:
            self._awaited.remove(item)
        return item

    def asked_by(self, request_id: int) -> frozenset[Subscription]:
        """What a request was about, overdue or not; nothing if it is not known."""
        item = self.find(request_id)
        overdue = self._overdue.get(request_id, frozenset())
        return overdue if item is None else item.request.subscriptions

    def blame(
        self, request_id: int | None, named: frozenset[Subscription], *, with_others: bool
    ) -> Blame:
        """Whom a refusal is about; its request is answered, unless it leaves others unanswered.

        `named` are those that it names, which may be nobody, and `with_others` says that it is an
        answer for all of its request.
        """
        item = self.find(request_id)
        if named and request_id is not None:
            named &= self.asked_by(request_id)
            if not named:  # what the request has not asked for
                return Blame()
        elif with_others and item is not None and not named & item.request.subscriptions:
            named = frozenset()  # what nobody has asked for: it is not known whom it is about
        if named and not with_others:
            return Blame(named)
        if item is None:
            return Blame(named)
        self._awaited.remove(item)
        if item.ends:
            return Blame()
        return Blame(named, others=item.open - named) if named else Blame(whole=item.open)

    def take_overdue(self, request_id: int) -> frozenset[Subscription]:
        """What an overdue request was about, which is answered after all."""
        return self._overdue.pop(request_id, frozenset())

    def listed(
        self, subscriptions: frozenset[Subscription], wanted: Set[Subscription]
    ) -> frozenset[Subscription]:
        """The venue listed all that it delivers; returns what of it is not about to end."""
        for item in list(self._awaited):
            if item.ends and item.request.subscriptions & subscriptions:
                subscriptions -= item.request.subscriptions  # an older list: the end is yet to come
            elif item.ends or item.open & wanted <= subscriptions:
                self._awaited.remove(item)
        return subscriptions

    def settle(self, answered: Set[Subscription], wanted: Set[Subscription]) -> None:
        """These have an answer: a request for nothing else that is wanted awaits none.

        An end awaits its own.
        """
        left = [
            item if item.ends else attrs.evolve(item, open=item.open - answered)
            for item in self._awaited
        ]
        self._awaited = [item for item in left if item.ends or item.open & wanted]

    def expire(self, now_secs: float) -> list[frozenset[Subscription]]:
        """Await no longer what is overdue; returns what of each request has no answer.

        An end asked for nothing.
        """
        late = [item for item in self._awaited if item.deadline <= now_secs and not item.ends]
        self._awaited = [item for item in self._awaited if item.deadline > now_secs]
        for item in late:
            if item.request.request_id is not None:
                self._overdue[item.request.request_id] = item.request.subscriptions
        while len(self._overdue) > MAX_OVERDUE:
            del self._overdue[min(self._overdue)]
        return [item.open for item in late]
