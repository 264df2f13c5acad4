"""The whole service fills its holes: what a cut, a stop or a crash cost comes by REST."""

from __future__ import annotations

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.service.lives import lives
from tests.service.oracle import REST, check, gaps, rows
from tests.service.world import World, running, venue
from tick_logger.cli.filling_at_rest import fill
from tick_logger.verify.recording import verify_recording

EXACT = ["binance", "coinbase", "okx", "coinbase_advanced", "kraken"]
ASKING = {"backfill": True}
BUSY = {"messages_per_second": 60.0, "step_secs": 0.2}


def recorded_ids(world: World, symbol: str) -> list[int]:
    """Every id on disk, on whatever way it came."""
    stream = world.files, world.exchange.name, symbol, "TRADES"
    parts = [rows(*stream), rows(*stream, late=True), rows(*stream, late=True, origin=REST)]
    return sorted(np.concatenate([part["trade_id"] for part in parts]).tolist())


def by_rest(world: World, symbol: str) -> int:
    """How many trades have origin 2."""
    return len(rows(world.files, world.exchange.name, symbol, "TRADES", late=True, origin=REST))


def left_open(world: World, symbol: str) -> list[object]:
    """What the gaps files say is missing of trades."""
    return [*gaps(world.files, world.exchange.name, symbol, "TRADES")]


@pytest.mark.parametrize("name", EXACT)
async def test_what_a_cut_has_cost_is_there_after_healing(
    name: str, autojump_clock: MockClock
) -> None:
    """Every trade from the first on, each once, and no hole is left."""
    busy = venue(name, 1, feeds=("trades",), simulated=BUSY, config=ASKING)
    async with running(busy) as world:
        await world.until(20.0)
        world.exchange.cut_all(abrupt=True)
        await world.until(80.123)
        assert await world.stop() == 0, world.said("crashed")
        (symbol,) = world.exchange.truth.symbols()
        ids = recorded_ids(world, symbol)
        assert len(ids) == len(set(ids))
        truth = [each.trade_id for each in world.exchange.truth.kept(symbol)]
        first, last = truth.index(ids[0]), truth.index(ids[-1])
        assert ids == truth[first : last + 1]
        # Some send a new subscriber again what it has just missed.
        assert by_rest(world, symbol) > 0 or name in {"coinbase_advanced", "kraken"}
        assert left_open(world, symbol) == []
        assert check(world) > 100
        assert verify_recording(world.files, deep=True).findings == []


@pytest.mark.parametrize("name", EXACT)
async def test_what_a_stop_has_cost_is_asked_for_at_the_next_start(
    name: str, autojump_clock: MockClock
) -> None:
    async with lives(venue(name, 1, feeds=("trades",), simulated=BUSY, config=ASKING)) as story:
        world = await story.begin()
        await world.until(20.0)
        assert await world.stop() == 0
        await story.pause(10.0)
        world = await story.begin()
        await world.until(60.123)
        assert await world.stop() == 0
        (symbol,) = world.exchange.truth.symbols()
        ids = recorded_ids(world, symbol)
        truth = [each.trade_id for each in world.exchange.truth.kept(symbol)]
        assert ids == truth[truth.index(ids[0]) : truth.index(ids[-1]) + 1]
        assert left_open(world, symbol) == []


async def test_a_service_that_is_told_not_to_asks_nothing(autojump_clock: MockClock) -> None:
    quiet = venue("binance", 1, feeds=("trades",), simulated=BUSY, config={"backfill": False})
    async with running(quiet) as world:
        await world.until(20.0)
        world.exchange.cut_all(abrupt=True)
        await world.until(60.123)
        await world.stop()
        (symbol,) = world.exchange.truth.symbols()
        assert by_rest(world, symbol) == 0
        assert left_open(world, symbol)
    await trio.lowlevel.checkpoint()


async def test_a_recording_at_rest_is_filled_by_the_command(autojump_clock: MockClock) -> None:
    """What was recorded without asking; the next life goes on as if nobody had been there."""
    slow = {"reconnect_initial_secs": 30.0}
    quiet = venue("binance", 1, feeds=("trades",), simulated=BUSY, config=slow)
    async with lives(quiet) as story:
        world = await story.begin()
        await world.until(20.123)
        world.exchange.cut_all(abrupt=True)
        await world.until(21.123)
        world.exchange.cut_all(abrupt=True)  # it has come back at once, and waits now
        await world.until(60.123)
        assert await world.stop() == 0
        (symbol,) = world.exchange.truth.symbols()
        assert left_open(world, symbol)
        config, ports = story._given(world, None, None)
        filled, code = await fill(config, ports, 7)
        assert code == 0
        assert left_open(world, symbol) == []
        assert filled["binance"].healed == filled["binance"].holes == 1
        assert filled["binance"].trades == by_rest(world, symbol) > 0
        assert verify_recording(story.disk, deep=True).findings == []
        again, code = await fill(config, ports, 7)
        assert (again, code) == ({}, 0)
        world = await story.begin()
        await world.until(20.123)
        assert await world.stop() == 0
        assert check(world) > 100
        assert verify_recording(story.disk, deep=True).findings == []
