"""Subscriptions that a venue has refused, or never answered, and when each is asked for again.

    refused -> (ASK_AGAIN_SECS later, in its turn) -> asked again -> refused once more, or live

No refusal is for good: the venue may not have known a new symbol yet, or the request may have been
over a limit of that moment.  A subscription that is asked for again stays refused until it is
granted, so that no interruption begins or ends by the asking alone.
Invariant: no more than `MAX_ASKED_AGAIN` symbols are asked again within any `ASK_AGAIN_SECS`.

Pure: times are given in seconds of trio's clock.  Not here: the requests (`subscriptions`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable

from tick_logger.exchanges.base import Subscription

ASK_AGAIN_SECS = 600.0
"""So long after a refusal: soon for a new symbol, and seldom for one that will never be."""

MAX_ASKED_AGAIN = 10
"""Symbols: with a request for each of four feeds, they use half of the tightest hourly limit."""


class Refusals:
    """The refused subscriptions of one connection."""

    def __init__(self) -> None:
        self._since: dict[Subscription, float] = {}  # of the last refusal
        self._again: list[Subscription] = []  # by turn; until the answer
        self._asked_at: deque[float] = deque(maxlen=MAX_ASKED_AGAIN)  # one per symbol

    @property
    def all(self) -> frozenset[Subscription]:
        """What is refused, asked again or not."""
        return frozenset(self._since)

    @property
    def resting(self) -> frozenset[Subscription]:
        """What is refused and not being asked for."""
        return self.all.difference(self._again)

    @property
    def again(self) -> tuple[Subscription, ...]:
        """What is to be asked for again, or has been and awaits its answer, by turn."""
        return tuple(self._again)

    @property
    def due_at(self) -> float | None:
        """When the next symbol is to be asked for again."""
        resting = self.resting
        if not resting:
            return None
        since = min(self._since[sub] for sub in resting)
        used_up = len(self._asked_at) == MAX_ASKED_AGAIN
        return (max(since, self._asked_at[0]) if used_up else since) + ASK_AGAIN_SECS

    def add(self, subscription: Subscription, now_secs: float) -> bool:
        """It is refused now; returns whether it was not before."""
        is_new = subscription not in self._since
        self._since[subscription] = now_secs
        if subscription in self._again:
            self._again.remove(subscription)
        return is_new

    def discard(self, subscriptions: Iterable[Subscription]) -> None:
        """These are granted, or no longer wanted."""
        for sub in subscriptions:
            self._since.pop(sub, None)
            if sub in self._again:
                self._again.remove(sub)

    def keep(self, subscriptions: Collection[Subscription]) -> None:
        """Nothing else is wanted any more."""
        self.discard([sub for sub in self._since if sub not in subscriptions])

    def begin(self, now_secs: float) -> None:
        """Choose what is to be asked for again now: the longest refused, all of a symbol."""
        assert self._since.keys() >= set(self._again), "only what is refused is asked for again"
        while (due_at := self.due_at) is not None and due_at <= now_secs:
            resting = self.resting
            symbol = min(resting, key=lambda sub: (self._since[sub], sub)).symbol
            self._again += sorted(sub for sub in resting if sub.symbol == symbol)
            self._asked_at.append(now_secs)

    def pause(self, now_secs: float) -> None:
        """Ask for nothing more before `ASK_AGAIN_SECS` from now; what awaits its turn rests."""
        self._again.clear()
        self._asked_at.extend([now_secs] * MAX_ASKED_AGAIN)
