"""The listing while the service runs: symbols come and go, and nothing else is touched."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from tests.service.oracle import causes, check, recorded, rows
from tests.service.world import VenueMaker, World, binance, coinbase, running
from tick_logger.net.venue.leaving import CHECK_SECS, GRACE_SECS
from tick_logger.simulator.faults import Faults

SLOW = {"messages_per_second": 10.0, "step_secs": 0.5}
"""What is kept for a quarter of an hour takes half an hour of a market to be seen."""


def carried(world: World) -> dict[str, list[str]]:
    """What each connection is subscribed to."""
    return {client.name: list(client.topics) for client in world.exchange._hub.clients}


def opened(world: World) -> list[float]:
    """When each connection was made, in the order of making."""
    return [each.opened - world.began for each in world.dial.connections]


@pytest.mark.parametrize(
    ("venue", "new", "noticed"),
    [(binance, "NEWUSDT", 300.0), (coinbase, "NEW-USD", 10.0)],
)
async def test_a_new_symbol_is_picked_up(
    venue: VenueMaker, new: str, noticed: float, autojump_clock: MockClock
) -> None:
    """On a connection that has room; the others stay as they are."""
    async with running(venue(simulated={"step_secs": 0.5})) as world:
        await world.until(10.0)
        before = opened(world)
        world.exchange.list_symbol(new)
        await world.until(noticed + 1.0)
        assert world.metric("symbols") == 3
        await world.until(noticed + 30.123)
        assert opened(world) == before
    assert check(world) > 100
    assert len(rows(world.files, world.exchange.name, new, "TRADES")) > 10
    assert causes(world.files) == set()
    assert world.exchange.violations == []


async def test_a_new_symbol_without_room_gets_a_connection(autojump_clock: MockClock) -> None:
    """One more is opened, and those that were there go on."""
    async with running(coinbase(config={"symbols_per_connection": 2})) as world:
        await world.until(10.0)
        before = opened(world)
        world.exchange.list_symbol("NEW-USD")
        await world.until(30.123)
        assert len(opened(world)) == len(before) + 1
        assert opened(world)[:-1] == before
        assert world.metric("connections_wanted") == world.metric("connections_up") == 2
    assert check(world) > 50
    assert causes(world.files) == set()


@pytest.mark.parametrize(
    ("venue", "old", "noticed"), [(binance, "ETHUSDT", 300.0), (coinbase, "ETH-USD", 11.0)]
)
async def test_a_delisted_symbol_is_retired(
    venue: VenueMaker, old: str, noticed: float, autojump_clock: MockClock
) -> None:
    """It is unsubscribed without a reconnect, and its silence is no gap."""
    symbols = {"ETHUSDT": ("BTCUSDT", old, "SOLUSDT"), "ETH-USD": ("BTC-USD", old, "SOL-USD")}
    async with running(venue(*symbols[old], simulated={"step_secs": 0.5})) as world:
        await world.until(10.0)
        before = opened(world)
        world.exchange.delist_symbol(old)
        await world.until(noticed + GRACE_SECS - 0.1)
        assert world.metric("symbols") == 3
        assert world.metric("symbols_kept") == 1
        await world.until(noticed + GRACE_SECS + CHECK_SECS + 20.123)
        assert opened(world) == before
        assert world.metric("symbols") == 2
        assert world.metric("symbols_kept") == 0
        topics = {topic for client in world.exchange._hub.clients for topic in client.topics}
        assert not [topic for topic in topics if old.lower() in topic.lower()]
    assert world.said("retired")[0]["symbols"] == [old]
    assert [line for line in world.lines if line["level"] in ("warning", "error")] == []
    assert check(world) > 50
    assert len(rows(world.files, world.exchange.name, old, "TRADES")) > 5
    assert causes(world.files) == set()
    assert world.exchange.violations == []


async def test_a_connection_without_symbols_ends(autojump_clock: MockClock) -> None:
    """Its last symbol was delisted; the others never notice."""
    symbols, alone = ("BTC-USD", "ETH-USD", "SOL-USD"), {"symbols_per_connection": 1}
    async with running(coinbase(*symbols, simulated=SLOW, config=alone)) as world:
        await world.until(10.0)
        before, carried_before = opened(world), carried(world)
        world.exchange.delist_symbol("ETH-USD")
        await world.until(30.123 + GRACE_SECS + CHECK_SECS)
        assert opened(world) == before
        assert carried(world).items() <= carried_before.items()
        assert world.metric("connections_up") == world.metric("connections_wanted") == 2
        assert world.exchange.live_sessions == 3  # with that of the listing
    assert check(world) > 50
    assert causes(world.files) == set()


async def test_a_symbol_that_comes_back(autojump_clock: MockClock) -> None:
    """After it was retired: what was traded meanwhile is a hole by intent; no row comes twice."""
    async with running(
        coinbase("BTC-USD", "ETH-USD", "SOL-USD", simulated={"step_secs": 0.5})
    ) as world:
        await world.until(10.0)
        world.exchange.delist_symbol("ETH-USD")
        await world.until(20.0 + GRACE_SECS + CHECK_SECS)
        assert world.metric("symbols") == 2
        world.exchange.list_symbol("ETH-USD")
        await world.until(40.123 + GRACE_SECS + CHECK_SECS)
        assert world.metric("symbols") == 3
    assert check(world) > 100
    eth = rows(world.files, "coinbase", "ETH-USD", "TRADES").event_ns / 1e9 - world.dial.attempts[0]
    assert len(eth) > 20


async def test_more_symbols_than_places(autojump_clock: MockClock) -> None:
    """It starts with what fits, and says loudly what does not."""
    symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT")
    places = {"max_connections": 2, "symbols_per_connection": 2}
    async with running(binance(*symbols, config=places)) as world:
        await world.until(10.123)
        assert world.metric("symbols") == 4
        assert world.metric("symbols_left_out") == 1
    (line,) = world.said("symbols_left_out", level="error")
    assert (line["count"], line["symbols"]) == (1, ["ADAUSDT"])
    assert check(world) > 20


async def test_a_place_that_becomes_free_is_used(autojump_clock: MockClock) -> None:
    """When a symbol is delisted, one that was left out is taken in."""
    symbols = ("BTC-USD", "ETH-USD", "SOL-USD")
    places = {"max_connections": 1, "symbols_per_connection": 2}
    async with running(coinbase(*symbols, simulated=SLOW, config=places)) as world:
        await world.until(10.0)
        world.exchange.delist_symbol("ETH-USD")
        await world.until(30.123 + GRACE_SECS + CHECK_SECS)
        assert world.metric("symbols_left_out") == 0
        assert len(opened(world)) == 2
    assert check(world) > 20
    assert len(rows(world.files, "coinbase", "SOL-USD", "TRADES")) > 10


async def test_patterns_choose_symbols(autojump_clock: MockClock) -> None:
    """What matches is recorded, what matches nothing is reported."""
    config = {"symbols": ("ETH*", "NOPE*")}
    async with running(binance("BTCUSDT", "ETHUSDT", "ETHBTC", config=config)) as world:
        await world.until(10.123)
        assert world.metric("symbols_not_listed") == 1
    assert {path.split("/")[1] for path in recorded(world.files)} == {"ETHUSDT", "ETHBTC"}
    assert [line["symbols"] for line in world.said("symbols_not_listed")] == [["NOPE*"]]
    check(world)


async def test_a_listing_that_fails_is_read_again(autojump_clock: MockClock) -> None:
    """Every ten seconds, until it works."""
    async with running(binance(simulated={"faults": Faults(rest_status=503)})) as world:
        await world.until(25.0)
        world.exchange.set_faults(Faults())
        await world.until(60.123)
    assert world.times("listing_failed") == [0.0, 10.0, 20.0]
    assert world.times("listing") == [30.0]
    assert check(world) > 50


async def test_without_its_channel_the_listing_is_read_by_rest(autojump_clock: MockClock) -> None:
    """A channel that says nothing for 15 s is not waited for."""
    async with running(coinbase()) as world:
        world.dial.refusals = 1
        world.exchange.set_faults(Faults(ack_delay_secs=60.0))
        await world.until(20.0)
        assert world.times("listing") == [15.0]
        world.exchange.set_faults(Faults())
        await world.until(150.123)
    assert check(world) > 50


async def test_a_truncated_listing_is_doubted(autojump_clock: MockClock) -> None:
    """One that lacks more than half ends no recording, unless it is repeated twice."""
    symbols = ("BTC-USD", "ETH-USD", "SOL-USD", "ADA-USD")
    async with running(coinbase(*symbols, simulated=SLOW)) as world:
        await world.until(11.0)
        for symbol in symbols[1:]:
            world.exchange.market.listings[symbol].active = False
        await world.until(21.0)  # the status came at 15 and 20 s
        assert len(world.said("listing_doubted")) == 2
        assert world.metric("symbols") == 4
        for symbol in symbols[1:]:
            world.exchange.market.listings[symbol].active = True
        await world.until(31.0)
        assert world.said("retired") == []
        for symbol in symbols[1:]:
            world.exchange.market.listings[symbol].active = False
        await world.until(46.0)
        assert len(world.said("listing", kept=3)) == 1
        await world.until(46.0 + GRACE_SECS + CHECK_SECS)
        assert world.metric("symbols") == 4  # what delivers is kept, whatever is listed
        for symbol in symbols[1:]:
            world.exchange.delist_symbol(symbol)
        await world.until(46.123 + 2 * (GRACE_SECS + CHECK_SECS))
        assert world.metric("symbols") == 1
    assert check(world) > 50
    assert causes(world.files) == set()
