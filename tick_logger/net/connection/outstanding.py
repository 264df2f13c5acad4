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


class Outstanding:
    """Awaited requests, the oldest first, and those that are overdue."""

    def __init__(self) -> None:
        self._awaited: list[Awaited] = []
        self._overdue: dict[int, frozenset[Subscription]] = {}

    def __bool__(self) -> bool:
        return bool(self._awaited)

    @property
    def asked(self) -> frozenset[Subscription]:
        """What the awaited requests are about, be it an end."""
        return frozenset().union(*(item.request.subscriptions for item in self._awaited))

    @property
    def deadlines(self) -> list[float]:
        """Of every awaited request."""
        return [item.deadline for item in self._awaited]

    def asks_for(self, subscription: Subscription) -> bool:
        """Whether an answer may grant this."""
        return any(
            subscription in item.request.subscriptions and not item.ends for item in self._awaited
        )

    def add(self, awaited: Awaited) -> None:
        """A request was sent."""
        self._awaited.append(awaited)

    def take(self, request_id: int | None) -> Awaited | None:
        """The request that was answered, which is awaited no longer; None if there is none."""
        for item in self._awaited:
            if request_id is None or item.request.request_id == request_id:
                self._awaited.remove(item)
                return item
        return None

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
            elif item.ends or item.request.subscriptions & wanted <= subscriptions:
                self._awaited.remove(item)
        return subscriptions

    def keep(self, unanswered: Set[Subscription]) -> None:
        """Only these await an answer: a request for none of them does not, unless it is an end."""
        self._awaited = [
            item for item in self._awaited if item.ends or item.request.subscriptions & unanswered
        ]

    def expire(self, now_secs: float) -> list[Request]:
        """Await no longer what is overdue; returns the requests of it that asked for something."""
        late = [
            item.request for item in self._awaited if item.deadline <= now_secs and not item.ends
        ]
        self._awaited = [item for item in self._awaited if item.deadline > now_secs]
        for request in late:
            if request.request_id is not None:
                self._overdue[request.request_id] = request.subscriptions
        while len(self._overdue) > MAX_OVERDUE:
            del self._overdue[min(self._overdue)]
        return late
