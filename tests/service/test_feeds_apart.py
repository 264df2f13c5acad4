"""A connection of its own for each feed: what is recorded is the same, to the row."""

from __future__ import annotations

from random import Random

import attrs
import pytest
from trio.testing import MockClock

from tests.service.cuts import cut_again_and_again
from tests.service.each_venue import VENUES, at_each_venue
from tests.service.oracle import causes, check
from tests.service.reloads import Reloads, reloading
from tests.service.world import Venue, venue
from tick_logger.exchanges import registry

TOGETHER, APART = "together", "apart"


def every(name: str) -> tuple[str, ...]:
    """The feeds that a venue has."""
    return tuple(sorted(registry.get(name).feeds))


def recorded(name: str, how: str, **config: object) -> Venue:
    """Three symbols in all feeds, on two shares."""
    settings = {"feeds_per_connection": how, "symbols_per_connection": 2, **config}
    quiet = {"messages_per_second": 12.0}
    return venue(name, 3, feeds=every(name), config=settings, simulated=quiet)


def channels(name: str) -> list[tuple[str, ...]]:
    """The feeds of each connection of a share, where they are apart."""
    exchange = registry.get(name)
    alone: dict[str, tuple[str, ...]] = {feed: (feed,) for feed in exchange.feeds}
    for feeds in exchange.shared_channels:
        alone |= {feed: tuple(sorted(feeds)) for feed in feeds}
    return sorted(set(alone.values()))


def carried(reloads: Reloads) -> dict[str, list[tuple[str, ...]]]:
    """By share, without its line, the feeds that each of its connections is to carry."""
    (recorder,) = reloads.world.service.venues.values()
    found: dict[str, list[tuple[str, ...]]] = {}
    for share in recorder.shares():
        feeds = tuple(sorted({sub.feed for sub in share.load.subscriptions}))
        found.setdefault(share.label.partition("-")[0], []).append(feeds)
    return {number: sorted(feeds) for number, feeds in found.items()}


@at_each_venue(0)
async def test_each_feed_has_a_connection(name: str, autojump_clock: MockClock) -> None:
    """But for those of one channel, which come together or not at all; nothing is lost by it."""
    async with reloading(recorded(name, APART, max_connections=30)) as reloads:
        await reloads.world.until(8.05)
        assert carried(reloads) == {"1": channels(name), "2": channels(name)}
        assert reloads.world.metric("connections_up") == 2 * len(channels(name))
        await reloads.world.until(20.05)
    assert reloads.check() > 100
    assert reloads.causes() == {}
    assert reloads.world.metric("duplicates_total") <= 50  # which venues greet new ones with


@at_each_venue(1)
@pytest.mark.parametrize("lines", [1, pytest.param(2, marks=pytest.mark.seldom)])
async def test_a_reload_moves_feeds_without_a_hole(
    name: str, lines: int, autojump_clock: MockClock
) -> None:
    """Apart, and together again: each stays where it is until the other connection has it."""
    what = recorded(name, TOGETHER, redundancy=lines, max_connections=60)
    async with reloading(what) as reloads:
        for secs, how in ((8.05, APART), (25.05, TOGETHER)):
            await reloads.world.until(secs)
            before = carried(reloads)
            reloads.reload(feeds_per_connection=how)
            await reloads.world.until(secs + 12.0)
            assert carried(reloads) != before
        await reloads.world.until(45.05)
        lanes = {registry.get(name).lane(feed) for feed in every(name)}
        assert reloads.world.metric("connections_up") == 2 * len(lanes) * lines
    assert reloads.check() > 100
    assert check(reloads.world) > 50  # also what a connection that was not there would have brought
    assert reloads.causes() == {}
    assert reloads.retired() == []


@pytest.mark.seldom
@pytest.mark.parametrize("name", VENUES)
async def test_to_and_fro_before_anything_is_there(name: str, autojump_clock: MockClock) -> None:
    """Within a second, and while connections cannot be made at all."""
    async with reloading(recorded(name, TOGETHER)) as reloads:
        await reloads.world.until(8.05)
        reloads.reload(feeds_per_connection=APART)
        await reloads.world.until(8.35)
        reloads.reload(feeds_per_connection=TOGETHER)
        await reloads.world.until(12.05)
        reloads.world.dial.refusals = 1000
        reloads.reload(feeds_per_connection=APART)
        await reloads.world.until(25.05)
        reloads.world.dial.refusals = 0
        await reloads.world.until(60.05)
        assert sorted({feeds for each in carried(reloads).values() for feeds in each}) == channels(
            name
        )
    assert reloads.check() > 100
    assert reloads.causes() == {}


@pytest.mark.seldom
@pytest.mark.parametrize("name", VENUES)
async def test_cuts_of_one_line_cost_nothing(name: str, autojump_clock: MockClock) -> None:
    """On connections of single feeds as on others.

    The market is busy: when a connection is cut, it may have missed what it was silent for.
    """
    what = recorded(name, APART, redundancy=2, max_connections=60, reconnect_initial_secs=0.2)
    # Of two lines a ticker without number and time may stand for another that says the same.
    untimed = {"ticker"} if name == "coinbase_advanced" else set[str]()
    feeds, busy = tuple(sorted({*every(name)} - untimed)), {"messages_per_second": 60.0}
    led = registry.get(name).led_feeds
    async with reloading(attrs.evolve(what, feeds=feeds, simulated=busy)) as reloads:
        await reloads.world.until(8.05)
        await cut_again_and_again(reloads.world, 10, Random(name))
        await reloads.world.until(45.05)
    assert reloads.check() > 100
    assert reloads.world.metric("reconnects_total") == 10
    assert {feed for of in reloads.causes().values() for _, feed in of} <= led
    if not led:
        assert causes(reloads.world.files) == set()
