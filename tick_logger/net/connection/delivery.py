"""What one connection is to deliver, what it delivers, and what of that is to end or begin anew.

Invariant: only what is live is being renewed.  Pure: times are in seconds of trio's clock.  Not
here: what was refused or not answered, and requests (`subscriptions`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set

from tick_logger.exchanges.base import Exchange, Subscription

LATE_DATA_SECS = 2.0
"""What comes so soon after an end or a refusal may have been sent before it."""


class Delivery:
    """The subscriptions of one connection that are wanted, and those that are live."""

    def __init__(self, exchange: Exchange, wanted: Iterable[Subscription]) -> None:
        self._exchange = exchange
        self.wanted = frozenset(wanted)
        self.live: set[Subscription] = set()  # also what is not wanted any more, until it ends
        self.renewing: set[Subscription] = set()
        self.begun_anew: set[Subscription] = set()
        """What was live, was ended in order to renew it, and has not been granted again."""
        self._ever_wanted = set(self.wanted)
        self._late_until: dict[Subscription, float] = {}  # until when data may be of before
        self._unasked: set[Subscription] = set()  # ended, and not asked for since

    @property
    def missing(self) -> frozenset[Subscription]:
        """What is wanted and not live, whatever the reason."""
        return self.wanted - self.live

    def retarget(self, wanted: Iterable[Subscription]) -> None:
        """Want something else from now on."""
        self.wanted = frozenset(wanted)
        self._ever_wanted |= self.wanted
        self.renewing &= self.wanted
        self.begun_anew &= self.wanted
        for subscription in self._late_until.keys() - self.wanted:
            del self._late_until[subscription]

    def renew(self, subscriptions: Iterable[Subscription]) -> tuple[Subscription, ...]:
        """Let these begin anew, with what shares their channels; returns those that will.

        What is not live yet, or no longer wanted, needs no renewal.
        """
        named = {other for sub in subscriptions for other in self._exchange.together(sub)}
        chosen = named & self.live & self.wanted - self.renewing
        self.renewing |= chosen
        return tuple(sorted(chosen))

    def to_end(self) -> set[Subscription]:
        """What is live and should not be, or must begin anew.

        A feed that shares its channel with one that is wanted cannot be ended alone: what still
        comes of it is not recorded.
        """
        unwanted = self.live - self.wanted
        kept = {sub for sub in unwanted if self._exchange.together(sub) & self.wanted}
        assert self.renewing <= self.live, "what is not live has nothing to end"
        return (unwanted - kept) | self.renewing

    def end(self, ended: Collection[Subscription], now_secs: float) -> None:
        """The end of these was sent."""
        self.begun_anew |= self.renewing.intersection(ended)
        self.renewing.difference_update(ended)
        self.live.difference_update(ended)
        self._unasked |= set(ended)
        self.distrust(ended, now_secs)

    def ask(self, subscriptions: Iterable[Subscription]) -> None:
        """The request for these was sent."""
        self._unasked.difference_update(subscriptions)

    def grant(self, subscriptions: Set[Subscription]) -> frozenset[Subscription]:
        """These are live, as far as they were ever wanted; returns those that were not before."""
        new = self._ever_wanted.intersection(subscriptions) - self.live  # venues tell of others
        self.live |= new
        self.begun_anew -= new
        self._unasked -= new
        return frozenset(new)

    def distrust(self, subscriptions: Iterable[Subscription], now_secs: float) -> None:
        """What comes of these in the next moments proves nothing."""
        self._late_until |= dict.fromkeys(subscriptions, now_secs + LATE_DATA_SECS)

    def flowing(self, came_at: Mapping[Subscription, float]) -> frozenset[Subscription]:
        """What is missing though data of it came, at these times, that is not of before.

        Data of what was ended, and not asked for since, shows only that the end has no effect yet.
        """
        return frozenset(
            sub
            for sub in self.missing & came_at.keys() - self._unasked
            if came_at[sub] > self.flows_after(sub)
        )

    def flows_after(self, sub: Subscription) -> float:
        """Until then data of it was of before."""
        return self._late_until.get(sub, float("-inf"))
