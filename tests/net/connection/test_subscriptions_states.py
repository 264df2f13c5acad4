"""The table of states: no call moves a subscription otherwise, and every move in it happens."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from tests.net.connection.model_venue import ModelVenue
from tests.net.connection.subscribing import A, all_live, just, send_all, subs
from tests.net.small_venue import ACK_TIMEOUT_SECS, OneAtATime, Replacing, Sharing, TinyVenue
from tick_logger.exchanges.base import Request, Subscription
from tick_logger.net.connection.states import MOVES, Settled, State
from tick_logger.net.connection.subscriptions import Subscriptions

T = TypeVar("T")
EVERY = (*subs(*"ABCDEF"), *subs(*"ABCDEF", feed="quotes"))
NOBODY: frozenset[Subscription] = frozenset()


class Watched(Subscriptions):
    """Notes every move, and lets none pass that is not in the table."""

    def __init__(self, venue: TinyVenue, wanted: Iterable[Subscription]) -> None:
        super().__init__(venue, wanted)
        self.moves: set[tuple[State, State]] = set()

    def _watch(self, call: Callable[[], T]) -> T:
        before = [self.state(sub) for sub in EVERY]
        result = call()
        after = [self.state(sub) for sub in EVERY]
        moves = {(a, b) for a, b in zip(before, after, strict=True) if a is not b}
        assert {(a, b) for a, b in moves if b not in MOVES[a]} == set()
        self.moves |= moves
        return result

    def retarget(self, wanted: Iterable[Subscription]) -> frozenset[Subscription]:
        return self._watch(lambda: super(Watched, self).retarget(wanted))

    def renew(self, subscriptions: Iterable[Subscription]) -> tuple[Subscription, ...]:
        return self._watch(lambda: super(Watched, self).renew(subscriptions))

    def sent(self, request: Request, now_secs: float) -> None:
        self._watch(lambda: super(Watched, self).sent(request, now_secs))

    def acknowledged(self, request_id: int | None) -> Settled:
        return self._watch(lambda: super(Watched, self).acknowledged(request_id))

    def granted(
        self, subscriptions: frozenset[Subscription], request_id: int | None = None
    ) -> Settled:
        return self._watch(lambda: super(Watched, self).granted(subscriptions, request_id))

    def delivered(self, came_at: Mapping[Subscription, float]) -> Settled:
        return self._watch(lambda: super(Watched, self).delivered(came_at))

    def confirmed(self, subscriptions: frozenset[Subscription]) -> Settled:
        return self._watch(lambda: super(Watched, self).confirmed(subscriptions))

    def refused(
        self,
        request_id: int | None,
        reason: str,
        now_secs: float,
        subscriptions: frozenset[Subscription] = NOBODY,
        *,
        with_others: bool = False,
        wait_secs: float | None = None,
    ) -> Settled:
        return self._watch(
            lambda: super(Watched, self).refused(
                request_id,
                reason,
                now_secs,
                subscriptions,
                with_others=with_others,
                wait_secs=wait_secs,
            )
        )

    def overdue(self, now_secs: float) -> Settled:
        return self._watch(lambda: super(Watched, self).overdue(now_secs))


def random_life(seed: int) -> set[tuple[State, State]]:
    """The moves on one connection whose wishes change, with a venue that answers by chance."""
    rng = random.Random(seed)
    venue = rng.choice([TinyVenue(), OneAtATime(), Replacing(), Sharing()])
    model = ModelVenue(rng, venue, bad=set(rng.sample("ABCDEF", 2)))
    subscriptions = Watched(venue, rng.sample(EVERY, 6))
    now = 0.0
    for _ in range(200):
        if rng.random() < 0.2:
            subscriptions.renew(rng.sample(EVERY, 2))
        for request in subscriptions.next_requests():
            if rng.random() < 0.2:
                subscriptions.retarget(rng.sample(EVERY, rng.randrange(1, 8)))
            model.take(subscriptions, request, now)
            if rng.random() < 0.1:  # late, and of whatever
                some = frozenset(rng.sample(EVERY, 2))
                with_others = rng.random() < 0.5
                subscriptions.refused(None, "late", now, some, with_others=with_others)
            if rng.random() < 0.1:
                subscriptions.delivered(dict.fromkeys(rng.sample(EVERY, 2), now))
        now += rng.choice([0.0, 1.0, ACK_TIMEOUT_SECS, 100.0])
        subscriptions.overdue(now)
        if rng.random() < 0.1:
            subscriptions.granted(frozenset(rng.sample(EVERY, 2)))
    return subscriptions.moves


def test_every_move_is_in_the_table_and_every_move_of_the_table_happens() -> None:
    """In lives that are random, but the same each time."""
    moves = set().union(*(random_life(seed) for seed in range(60)))
    assert moves == {(before, after) for before, then in MOVES.items() for after in then}


def test_the_states_of_a_renewal() -> None:
    """From one grant to the next."""
    subscriptions = all_live(TinyVenue(), A)
    seen = [subscriptions.state(A)]
    subscriptions.renew([A])
    seen.append(subscriptions.state(A))
    send_all(subscriptions)
    seen.append(subscriptions.state(A))
    send_all(subscriptions)
    seen.append(subscriptions.state(A))
    subscriptions.granted(just(A))
    seen.append(subscriptions.state(A))
    assert seen == [State.LIVE, State.RENEWING, State.MISSING, State.ASKED, State.LIVE]
