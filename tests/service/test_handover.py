"""Announced ends: the successor subscribes before the predecessor goes, so that nothing is lost."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from tests.service.oracle import causes, check
from tests.service.world import binance, coinbase, running
from tick_logger.simulator.faults import Faults

DAY_SECS = 86_400.0


async def test_an_announced_shutdown_costs_nothing(autojump_clock: MockClock) -> None:
    """Both connections live for a moment; their rows are recorded once, and no gap is claimed."""
    feeds = ("ticker", "trades", "quotes", "orderbook")
    busy = {"messages_per_second": 400.0, "step_secs": 0.005}
    async with running(binance(feeds=feeds, simulated=busy)) as world:
        await world.until(3.0)
        assert world.exchange.announce_shutdown() == 1
        await world.until(4.0)
        assert world.exchange.connections_opened == 2
        assert world.exchange.live_sessions == 1
        await world.until(8.1234)
        assert world.metric("connections_up") == 1
    assert check(world) > 100
    assert causes(world.files) == set()
    assert world.metric("reconnects_total") == 0
    assert world.metric("duplicates_total") > 0
    assert world.exchange.violations == []
    (retiring,) = world.times("retiring", reason="serverShutdown")
    assert 3.0 <= retiring <= 3.2  # when it is decoded


async def test_the_successor_may_have_to_try_again(autojump_clock: MockClock) -> None:
    """While its dials are refused the old connection goes on."""
    async with running(binance(), seed=1) as world:
        await world.until(10.0)
        world.dial.refusals = 3
        world.exchange.announce_shutdown()
        await world.until(40.123)
    assert len(world.said("connect_failed", cause="dial")) == 3
    assert check(world) > 150
    assert causes(world.files) == set()


async def test_a_venue_that_shuts_down_before_the_handover(autojump_clock: MockClock) -> None:
    """What is lost then is written down."""
    async with running(binance(config={"reconnect_initial_secs": 8.0})) as world:
        await world.until(10.0)
        world.dial.refusals = 1
        world.exchange.announce_shutdown()
        await world.until(10.1)
        world.exchange.cut_all(abrupt=False)
        await world.until(40.123)
    assert check(world) > 100
    assert causes(world.files) == {"disconnect"}


async def test_a_successor_that_gets_no_answer(autojump_clock: MockClock) -> None:
    """The old one is given up after half a minute, when its venue had said that it would end."""
    async with running(binance()) as world:
        await world.until(10.0)
        world.exchange.set_faults(Faults(never_acked_symbols=frozenset({"BTCUSDT", "ETHUSDT"})))
        world.exchange.announce_shutdown()
        await world.until(30.0)
        world.exchange.set_faults(Faults())
        await world.until(80.123)
        assert world.exchange.live_sessions == 1
    assert check(world) > 300


@pytest.mark.seldom
async def test_connections_are_replaced_before_their_venue_ends_them(
    autojump_clock: MockClock,
) -> None:
    """Between 20 and 23 hours of age, at a random time, without a trace in the recording."""
    slow = {"messages_per_second": 0.02, "step_secs": 20.0, "ping_interval_secs": 3600.0}
    quiet = {"data_timeout_secs": DAY_SECS, "first_data_timeout_secs": DAY_SECS}
    venue = binance("BTCUSDT", feeds=("trades",), simulated=slow, config=quiet)
    logger = {
        "flush_interval_secs": 60.0,
        "persist_interval_secs": 4.5,
        "checkpoint_interval_secs": 3600.0,
    }
    async with running(venue, logger=logger) as world:
        await world.until(1.05 * DAY_SECS + 0.123)
    retired = world.times("retiring")
    assert len(retired) == 1
    assert 20 * 3600.0 <= retired[0] <= 23 * 3600.0
    assert world.exchange.connections_opened == 2
    assert check(world) > 100
    assert causes(world.files) == set()
    assert world.exchange.violations == []


@pytest.mark.parametrize("abrupt", [True, False])
async def test_a_venue_that_ends_connections_early(abrupt: bool, autojump_clock: MockClock) -> None:
    """Unannounced ends are losses, and written down, whatever the venue calls them."""
    faults = Faults(cut_after_secs=(7.0, 7.0), abrupt_cut_probability=float(abrupt))
    async with running(coinbase(simulated={"faults": faults})) as world:
        await world.until(50.123)
    assert world.exchange.counts.cut >= 5
    assert check(world) > 100
    assert causes(world.files) == {"disconnect"}
