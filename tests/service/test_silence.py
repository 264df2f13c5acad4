"""Connections that live without telling anything, and those that are dead without a word."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from tests.service.oracle import causes, check
from tests.service.world import binance, coinbase, running, venue
from tick_logger.config.schema import MarketConfig
from tick_logger.simulator.faults import Faults
from tick_logger.simulator.registry import DIALECTS

QUIET = {"messages_per_second": 0.0, "step_secs": 1.0}  # a market in which nothing happens


async def test_the_first_data_has_its_grace(autojump_clock: MockClock) -> None:
    """Acknowledgements, pings and pongs are no market data; 120 s pass before that is a fault."""
    async with running(binance(simulated=QUIET)) as world:
        await world.until(150.0)
    assert world.times("connection_lost") == [120.0]
    assert world.said("connection_lost")[0]["reason"] == "no market data for 120 s"
    assert world.metric("pings_sent_total") >= 5
    assert world.metric("message_timeouts_total") == 1
    metrics = world.service.metrics
    for name in ("feed_message_timeouts", "feed_reconnects"):
        by_feed = metrics.read_by(f"collector_{name}_total", "feed")
        assert {feed for (_, feed), count in by_feed.items() if count == 1} == {"ticker", "trades"}


async def test_heartbeats_are_no_market_data(autojump_clock: MockClock) -> None:
    """They come each second, and the connection ends 60 s after the last rows all the same."""
    async with running(coinbase(simulated=QUIET)) as world:
        await world.until(100.0)
    # The greeting came soon after the acknowledgement, and counts from when it is decoded.
    assert world.times("connection_lost", connection="1") == [60.22]
    assert world.said("connection_lost")[0]["cause"] == "silent"
    check(world)


async def test_a_market_may_be_allowed_more_silence(autojump_clock: MockClock) -> None:
    """The most patient symbol of a connection decides, for the first data too."""
    patient = MarketConfig(symbols=("ETH*",), data_timeout_secs=600.0)
    async with running(binance(simulated=QUIET, markets=(patient,))) as world:
        await world.until(650.0)
    assert world.times("connection_lost") == [600.0]


async def test_an_active_market_is_never_silent(autojump_clock: MockClock) -> None:
    """The time counts from the last data, however old the connection is."""
    async with running(binance(config={"data_timeout_secs": 5.0})) as world:
        await world.until(40.123)
    assert world.said("connection_lost") == []
    assert check(world) > 150


async def test_a_half_open_connection_fails_its_ping(autojump_clock: MockClock) -> None:
    """No end and no data: the ping at 20 s gets no pong within 10 s."""
    faults = Faults(half_open_after_secs=(5.0, 5.0))
    async with running(binance(simulated={"faults": faults})) as world:
        await world.until(10.0)
        world.exchange.set_faults(Faults())
        await world.until(45.123)
    assert world.times("connection_lost") == [30.0]
    assert world.said("connection_lost")[0]["cause"] == "ping"
    check(world)
    assert causes(world.files) == {"disconnect"}


async def test_missing_heartbeats_end_a_connection(autojump_clock: MockClock) -> None:
    """Fifteen seconds after the last sign of life, which is sooner than any ping."""
    faults = Faults(half_open_after_secs=(5.0, 5.0))
    async with running(coinbase(simulated={"faults": faults})) as world:
        await world.until(10.0)
        world.exchange.set_faults(Faults())
        await world.until(45.123)
    (lost,) = world.said("connection_lost", connection="1")
    assert (lost["cause"], lost["reason"]) == ("heartbeat", "no heartbeat for 15 s")
    assert 19.0 <= lost["at"] - world.began <= 20.11
    check(world)
    assert causes(world.files) == {"disconnect"}


async def test_a_stall_shorter_than_the_timeout_costs_nothing(autojump_clock: MockClock) -> None:
    """What was held up arrives late, and everything is there."""
    faults = Faults(stall_after_secs=(5.0, 5.0), stall_secs=40.0)
    async with running(binance(simulated={"faults": faults})) as world:
        await world.until(60.123)
    assert world.exchange.counts.stalled == 1
    assert world.said("connection_lost") == []
    assert check(world) > 250
    assert causes(world.files) == set()


@pytest.mark.parametrize("name", sorted(DIALECTS))
async def test_what_is_missed_in_silence_is_written_down(
    name: str, autojump_clock: MockClock
) -> None:
    """From the last row on, although heartbeats and pongs have gone on until the end."""
    impatient = {"data_timeout_secs": 25.0, "first_data_timeout_secs": 25.0}
    made = venue(name, 1, simulated={"messages_per_second": 40.0}, config=impatient)
    async with running(made) as world:
        await world.until(10.0)
        world.exchange.set_faults(Faults(silent_symbols=frozenset(made.symbols)))
        await world.until(30.0)
        world.exchange.set_faults(Faults())
        await world.until(60.0)
        world.exchange.market._credit = -1e9  # what is traded last is sent, too
        await world.until(61.0)
    assert len(world.exchange.truth.withheld(made.symbols[0])) > 100
    assert check(world) > 100
