"""Finds subscriptions that were acknowledged and deliver nothing, and says what to do about each.

    quiet as usual -> silent: subscribed again -> still silent: its connection replaced -> accepted

A subscription is silent when nothing came for longer than the configured time-out and far longer
than is usual for it (`rhythm`).  Where the venue greets, which means that it answers each
subscription with data at once, one that was never greeted is silent too.

Each step is taken once.  Then the silence is called normal, and the next alarm comes only after one
several times as long.  When rows come again after a renewal, nobody knows whether the renewal or
the market ended the silence.  The first such silence on a connection is taken for a fault, and not
learned from; later ones are taken for the market's.

Invariant: no step costs a row.

Pure: it says what to do, `silence_task` does it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from operator import attrgetter

import attrs

from tick_logger.exchanges.base import Exchange, Subscription
from tick_logger.model.tables import FEEDS, Table
from tick_logger.net.connection.context import Timeouts
from tick_logger.net.intake.rhythm import Rhythm

CHECK_SECS = 5.0
"""How often the subscriptions of a connection are looked at."""

_named = attrgetter("symbol", "feed")
"""The order of subscriptions: their own comparison takes ten times as long."""


@attrs.define
class _Watched:
    asked_at: float  # rows that came later are owed to this subscription
    renewed: bool = False
    suspected: bool = False  # a silence of it was taken for a fault, on this connection


@attrs.define
class Steps:
    """What to do now, with the seconds of each silence."""

    renew: list[tuple[Subscription, float]] = attrs.field(factory=list)
    move: list[tuple[Subscription, float]] = attrs.field(factory=list)
    recovered: list[Subscription] = attrs.field(factory=list)


class SilenceWatch:
    """The subscriptions of one connection, which was made at `now`.

    `not_greeted` holds subscriptions whose missing greeting was accepted: it raises no alarm again.
    Like `rhythm` it is shared by the connections of an exchange.
    """

    def __init__(
        self,
        exchange: Exchange,
        index: Mapping[str, int],
        rhythm: Rhythm,
        not_greeted: set[Subscription],
        now: float,
    ) -> None:
        self._exchange = exchange
        self._index = index
        self._rhythm = rhythm
        self._not_greeted = not_greeted
        self._looked_at = now
        self._watched: dict[Subscription, _Watched] = {}
        self.silent: set[Subscription] = set()

    def look(
        self,
        wanted: Collection[Subscription],
        live: Collection[Subscription],
        timeouts: Timeouts,
        now: float,
    ) -> Steps:
        """What follows from the silences so far; `live` is what is acknowledged.

        A silent subscription is remembered while it is renewed, and forgotten when it is no longer
        wanted.
        """
        steps = Steps()
        self.silent.intersection_update(wanted)
        for sub in self._watched.keys() - live - self.silent:
            del self._watched[sub]
        for sub in sorted(live, key=_named):
            watched = self._watched.get(sub)
            if watched is None:
                self._rhythm.begin_again(*self._place(sub), now)
                watched = self._watched[sub] = _Watched(self._looked_at)
            self._judge(sub, watched, timeouts, now, steps)
        self._looked_at = now
        assert self.silent <= set(wanted), "what is not wanted is not silent"
        return steps

    def _place(self, sub: Subscription) -> tuple[Table, int]:
        return FEEDS[sub.feed], self._index[sub.symbol]

    def _judge(
        self, sub: Subscription, watched: _Watched, timeouts: Timeouts, now: float, steps: Steps
    ) -> None:
        last = self._rhythm.last(*self._place(sub))
        delivers = last >= watched.asked_at
        if delivers:
            self._not_greeted.discard(sub)
        if sub in self.silent and delivers:
            self.silent.discard(sub)
            watched.renewed = False
            steps.recovered.append(sub)
        silence = now - max(last, watched.asked_at)
        limit = self._limit_secs(sub, delivers=delivers, timeouts=timeouts)
        if limit is None or silence <= limit:
            return
        self.silent.add(sub)
        watched.asked_at = now
        if not watched.renewed:
            watched.renewed = True
            if not watched.suspected:
                watched.suspected = True
                self._rhythm.begin_again(*self._place(sub), now)
            steps.renew.append((sub, silence))
        else:
            self._rhythm.accept(*self._place(sub), silence)
            self._not_greeted.add(sub)
            steps.move.append((sub, silence))

    def _limit_secs(self, sub: Subscription, *, delivers: bool, timeouts: Timeouts) -> float | None:
        """The silence that is too long; None where none is."""
        usual = self._rhythm.limit_secs(*self._place(sub))
        if usual is not None:
            return max(usual, timeouts.of(sub.symbol))
        greeted = sub.feed in self._exchange.greets
        if greeted and not delivers and sub not in self._not_greeted:
            return max(timeouts.first_data_secs, timeouts.of(sub.symbol))
        return None
