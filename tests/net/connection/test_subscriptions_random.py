"""Whatever happens in whatever order, subscriptions come to rest in agreement with their venue."""

from __future__ import annotations

import random

import pytest

from tests.net.connection.model_venue import ModelVenue
from tests.net.connection.subscribing import subs
from tests.net.small_venue import ACK_TIMEOUT_SECS, OneAtATime, Replacing, Sharing, TinyVenue
from tick_logger.exchanges.base import Subscription
from tick_logger.net.connection.refusals import ASK_AGAIN_SECS, Refusals
from tick_logger.net.connection.subscriptions import Subscriptions


def check_rest(subscriptions: Subscriptions, model: ModelVenue, wanted: set[Subscription]) -> None:
    """All is answered, and nothing is taken for live that the venue does not have."""
    assert subscriptions.settled
    assert subscriptions.live <= wanted & model.subscribed
    assert not {sub for sub in subscriptions.live if sub.symbol in model.bad}


def check_recovery(
    subscriptions: Subscriptions,
    refusals: Refusals,
    model: ModelVenue,
    wanted: set[Subscription],
    now: float,
) -> None:
    """What was bad is live some time after it is not any more, and was granted to another."""
    model.bad.clear()
    refusals.keep(wanted)
    refusals.granted(refusals.again(now + ASK_AGAIN_SECS))
    for _ in range(100):
        for request in subscriptions.next_requests():
            model.take(subscriptions, request, now)
        now = now if subscriptions.deadline is None else max(now, subscriptions.deadline)
        subscriptions.overdue(now)
    assert subscriptions.next_requests() == []
    assert subscriptions.deadline is None
    assert subscriptions.live == wanted
    assert subscriptions.live <= model.subscribed


@pytest.mark.parametrize("seed", range(40))
def test_wishes_may_change_between_any_two_requests(seed: int) -> None:
    """Those that were made already go out all the same."""
    rng = random.Random(seed)
    venue = rng.choice([TinyVenue(), OneAtATime()])
    symbols = [f"S{number}" for number in range(8)]
    model = ModelVenue(rng, venue, bad=set(rng.sample(symbols, 2)))
    refusals = Refusals(venue)
    subscriptions = Subscriptions(venue, wanted := set(subs(*rng.sample(symbols, 5))), refusals)
    now = 0.0
    for step in range(300):
        requests = subscriptions.next_requests()
        for request in requests:
            if step < 40 and rng.random() < 0.1:
                subscriptions.retarget(wanted := set(subs(*rng.sample(symbols, rng.randrange(8)))))
                refusals.keep(wanted)
            model.take(subscriptions, request, now)
        now += rng.choice([0.0, 1.0, ACK_TIMEOUT_SECS])
        subscriptions.overdue(now)
        if step < 40 and rng.random() < 0.2:
            subscriptions.retarget(wanted := set(subs(*rng.sample(symbols, rng.randrange(8)))))
    check_rest(subscriptions, model, wanted)
    check_recovery(subscriptions, refusals, model, wanted, now)


@pytest.mark.parametrize("seed", range(60))
def test_feeds_may_be_renewed_at_any_time_in_every_model(seed: int) -> None:
    """While wishes change, answers come in every form, and some symbol is bad."""
    rng = random.Random(seed)
    venue = rng.choice([TinyVenue(), OneAtATime(), Replacing(), Sharing()])
    every = [*subs(*"ABCDEF"), *subs(*"ABCDEF", feed="quotes")]
    model = ModelVenue(rng, venue, bad=set(rng.sample("ABCDEF", 1)))
    refusals = Refusals(venue)
    subscriptions = Subscriptions(venue, wanted := set(rng.sample(every, 6)), refusals)
    now = 0.0
    for step in range(400):
        if step < 60 and rng.random() < 0.3:
            subscriptions.renew(rng.sample(every, 2))
        if step < 60 and rng.random() < 0.2:
            subscriptions.retarget(wanted := set(rng.sample(every, rng.randrange(1, 8))))
        for request in subscriptions.next_requests():
            model.take(subscriptions, request, now)
        now += rng.choice([0.0, 1.0, ACK_TIMEOUT_SECS])
        subscriptions.overdue(now)
    check_rest(subscriptions, model, wanted)
    check_recovery(subscriptions, refusals, model, wanted, now)
    assert model.asked < 400
