"""What was asked for on one connection and never answered: how often, and what was given up.

What is given up rests `ASK_AGAIN_SECS`, and only on this connection: where nothing at all is
answered, the fault is the connection's, and another may have an answer at once.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from tick_logger.exchanges.base import Subscription
from tick_logger.net.connection.refusals import ASK_AGAIN_SECS


class Unanswered:
    """Attempts without an answer, by subscription."""

    def __init__(self) -> None:
        self._attempts: dict[Subscription, int] = {}
        self._given_up: dict[Subscription, float] = {}  # until when

    @property
    def given_up(self) -> frozenset[Subscription]:
        """What is not asked for any more, for now."""
        return frozenset(self._given_up)

    @property
    def due_at(self) -> float | None:
        """When the first of these is asked for once more."""
        return min(self._given_up.values(), default=None)

    def count(self, subscriptions: Set[Subscription]) -> int:
        """These had no answer once more; returns how often one of them had none by now."""
        for sub in subscriptions:
            self._attempts[sub] = self._attempts.get(sub, 0) + 1
        return max(self._attempts[sub] for sub in subscriptions)

    def give_up(self, subscriptions: Iterable[Subscription], now_secs: float) -> None:
        """These are not asked for any more, for now."""
        self._given_up |= dict.fromkeys(subscriptions, now_secs + ASK_AGAIN_SECS)

    def forget(self, subscriptions: Iterable[Subscription]) -> None:
        """These have an answer, or need none."""
        for sub in subscriptions:
            self._attempts.pop(sub, None)
            self._given_up.pop(sub, None)

    def keep(self, wanted: Set[Subscription]) -> None:
        """Nothing else is wanted any more."""
        self.forget((self._attempts.keys() | self._given_up.keys()) - wanted)

    def release(self, now_secs: float) -> None:
        """Let what has rested long enough be asked for once more, with all its attempts."""
        self.forget([sub for sub, until in self._given_up.items() if until <= now_secs])
