"""What a venue has refused, whatever the connection, and when each is asked for again.

    refused for being what it is -> rests ASK_AGAIN_SECS -> asked for apart (`again`), or granted
    the venue was too busy       -> rests a moment       -> asked for once more, or granted

No refusal is for good: the venue may not have known a new symbol yet.  But a connection never asks
again for what was refused for being what it is: a venue may close the connection for it.

One of these is shared by all connections of an exchange, so that what one has learned outlives it.
Invariant: it never holds more than is wanted.

Pure: times are given in seconds of trio's clock.  Not here: the requests (`subscriptions`).
"""

from __future__ import annotations

from collections.abc import Iterable, Set

import attrs

from tick_logger.exchanges.base import Exchange, Subscription
from tick_logger.net.connection.suspects import Suspects

ASK_AGAIN_SECS = 600.0
"""So long after a refusal: soon for a new symbol, and seldom for one that will never be."""

FIRST_WAIT_SECS = 1.0
"""Where a busy venue does not say how long to wait; doubled each time."""

MOST_WAIT_SECS = 60.0
"""No wait is longer, unless the venue says so: what is missing meanwhile is lost."""

LONGEST_SAID_SECS = 24 * 3600.0
"""What a venue says is believed up to here: bans are known to last minutes to days."""


@attrs.frozen
class Refusal:
    """One refused subscription."""

    reason: str
    due_at: float  # when it may be asked for again
    lasting: bool  # and not for want of time


class Refusals:
    """The refused subscriptions of one exchange, and those that are suspected."""

    def __init__(self, exchange: Exchange) -> None:
        self.suspects = Suspects(exchange)
        self._resting: dict[Subscription, Refusal] = {}
        self._waits: dict[Subscription, int] = {}  # how often the venue was too busy

    @property
    def all(self) -> frozenset[Subscription]:
        """What is not to be asked for now by those who want it."""
        return frozenset(self._resting)

    @property
    def lasting(self) -> frozenset[Subscription]:
        """What of that is refused for being what it is."""
        return frozenset(sub for sub, each in self._resting.items() if each.lasting)

    def reason(self, subscription: Subscription) -> str:
        """Why it is refused now; empty if it is not."""
        refusal = self._resting.get(subscription)
        return "" if refusal is None else refusal.reason

    def last(self, subscriptions: Iterable[Subscription], reason: str, now: float) -> None:
        """These are refused for being what they are."""
        refused = frozenset(subscriptions)
        self.suspects.clear(refused)
        for sub in refused:
            self._waits.pop(sub, None)
            self._resting[sub] = Refusal(reason, now + ASK_AGAIN_SECS, lasting=True)

    def postpone(
        self, subscriptions: Iterable[Subscription], reason: str, now: float, said_secs: float
    ) -> float:
        """The venue is too busy for these; returns how many seconds it is to be left alone.

        That is as long as it has said, and longer each time that it says so again.
        """
        wait_secs = 0.0
        for sub in subscriptions:
            count = self._waits[sub] = self._waits.get(sub, 0) + 1
            own_secs = min(FIRST_WAIT_SECS * 2.0 ** min(count - 1, 30), MOST_WAIT_SECS)
            secs = max(own_secs, min(said_secs, LONGEST_SAID_SECS))
            self._resting[sub] = Refusal(reason, now + secs, lasting=False)
            wait_secs = max(wait_secs, secs)
        return wait_secs

    def was_postponed(self, subscription: Subscription) -> bool:
        """Whether the venue was too busy for it before, and has not granted it since."""
        return subscription in self._waits

    def granted(self, subscriptions: Iterable[Subscription]) -> None:
        """These are live."""
        live = frozenset(subscriptions)
        self.suspects.granted(live)
        for sub in live:
            self._resting.pop(sub, None)
            self._waits.pop(sub, None)

    def keep(self, wanted: Set[Subscription]) -> None:
        """Nothing else is wanted any more."""
        self.suspects.keep(wanted)
        self._resting = {sub: each for sub, each in self._resting.items() if sub in wanted}
        self._waits = {sub: count for sub, count in self._waits.items() if sub in wanted}

    def due_at(self, among: Set[Subscription]) -> float | None:
        """When the first of these that waits for a busy venue may be asked for once more."""
        waiting = (
            each.due_at for sub, each in self._resting.items() if not each.lasting and sub in among
        )
        return min(waiting, default=None)

    def release(self, now: float) -> None:
        """Let what has waited long enough for a busy venue be asked for once more."""
        rested = [s for s, each in self._resting.items() if not each.lasting and each.due_at <= now]
        for sub in rested:
            del self._resting[sub]

    @property
    def again_at(self) -> float | None:
        """When the first of those that are refused for being what they are is asked for again."""
        return min((e.due_at for e in self._resting.values() if e.lasting), default=None)

    def again(self, until: float) -> frozenset[Subscription]:
        """What of them is to be asked for again until this moment."""
        return frozenset(
            sub for sub, each in self._resting.items() if each.lasting and each.due_at <= until
        )
