"""A disk that does not answer: frames are held, pings answered, and what is given up is known."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from tests.fakes.offload import StallingOffload
from tests.service.oracle import causes, check, gaps
from tests.service.world import VenueMaker, binance, coinbase, running
from tests.service.world import venue as make_venue
from tick_logger.simulator.faults import Faults

EVERY_FEED = ("ticker", "trades", "quotes", "orderbook")


@pytest.mark.parametrize("venue", [binance, coinbase])
async def test_a_short_stall_costs_nothing(venue: VenueMaker, autojump_clock: MockClock) -> None:
    """More than a minute of frames fits into the buffer; nobody takes that for silence."""
    offload = StallingOffload()
    async with running(venue(feeds=EVERY_FEED), offload=offload) as world:
        await world.until(10.0)
        offload.stall()
        await world.until(85.0)
        offload.resume()
        await world.until(95.123)
    assert world.said("connection_lost") == []
    assert world.exchange.violations == []
    assert check(world) > 300
    assert causes(world.files) == set()


async def test_acks_that_wait_in_the_buffer_are_not_missing(autojump_clock: MockClock) -> None:
    """A stall from the start on: the subscriptions are not asked for again."""
    offload = StallingOffload()
    symbols = [f"A{number}USDT" for number in range(20)]
    slowly = {"symbols_per_connection": 1, "max_connections": 20, "connects_per_second": 1.0}
    venue = binance(*symbols, config=slowly)
    async with running(venue, offload=offload) as world:
        offload.stall()
        await world.until(60.0)
        offload.resume()
        await world.until(80.123)
    assert world.metric("ack_retries_total") == 0
    assert world.said("connection_lost") == []
    check(world)


@pytest.mark.parametrize("venue", [binance, coinbase])
async def test_a_long_stall_overflows(venue: VenueMaker, autojump_clock: MockClock) -> None:
    """Whole batches are given up, counted and written down, while pings are answered; then on."""
    offload = StallingOffload()
    busy = {"messages_per_second": 150.0, "ping_interval_secs": 5.0}
    limit = {"buffer_limit_mib": 1}
    async with running(venue(simulated=busy), offload=offload, logger=limit) as world:
        await world.until(10.0)
        offload.stall()
        await world.until(100.0)
        assert world.service._resources.budget.taken_bytes <= 1024 * 1024
        assert world.metric("messages_dropped_total") > 1000
        offload.resume()
        await world.until(101.0)
        assert world.service._resources.budget.taken_bytes < 100_000
        dropped = world.metric("messages_dropped_total")
        await world.until(120.123)
        assert world.metric("messages_dropped_total") == dropped
    assert world.exchange.violations == []
    assert world.metric("reconnects_total") == 0
    assert check(world) > 1000
    assert causes(world.files) == {"overflow"}
    for symbol in world.exchange.truth.symbols():
        assert gaps(world.files, world.exchange.name, symbol, "MD")
        (hole,) = gaps(world.files, world.exchange.name, symbol, "TRADES")
        assert hole["to_id"] - hole["from_id"] > 100
    lines = world.said("overflow", level="error")
    assert sum(line["messages"] for line in world.said("overflow_ended")) == dropped
    assert lines
    said = world.said("stopped")[0]["outcome"]
    assert f"{int(dropped):,} messages were dropped" in said


async def test_an_overflow_is_told_once_where_messages_are_numbered(
    autojump_clock: MockClock,
) -> None:
    """The jump of the numbers says no more than the overflow does; a later one is told."""
    offload = StallingOffload()
    simulated = {"messages_per_second": 150.0}
    advanced = make_venue("coinbase_advanced", 2, feeds=EVERY_FEED[:2], simulated=simulated)
    async with running(advanced, offload=offload, logger={"buffer_limit_mib": 1}) as world:
        await world.until(10.0)
        offload.stall()
        await world.until(100.0)
        offload.resume()
        await world.until(120.0)
        assert world.metric("messages_dropped_total") > 1000
        assert world.metric("sequence_breaks_total") == 0
        world.exchange.set_faults(Faults(lose_probability=0.2))
        await world.until(122.0)
        world.exchange.set_faults(Faults())
        await world.until(130.123)
        assert world.metric("sequence_breaks_total") > 0
    for symbol in world.exchange.truth.symbols():
        for table in ("TRADES", "MD"):
            told = [gap["cause"] for gap in gaps(world.files, "coinbase_advanced", symbol, table)]
            assert told[0] == "overflow"
            assert {*told[1:]} == {"sequence"}


async def test_a_stop_during_a_stall_waits_for_the_disk(autojump_clock: MockClock) -> None:
    """Everything that was held reaches the disk if it answers before the deadline."""
    offload = StallingOffload()
    async with running(binance(feeds=EVERY_FEED), offload=offload) as world:
        await world.until(10.0)
        offload.stall()
        await world.until(40.123)
        world.note_stop()
        world.service.stop("a test")
        await world.until(59.0)
        assert world.code is None
        offload.resume()
        assert await world.end() == 0
        assert world.elapsed == pytest.approx(59.0)
    assert check(world) > 100
    assert causes(world.files) == set()
