"""The whole service fills its holes: what a cut, a stop or a crash cost comes by REST."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS
from tests.service.lives import lives
from tests.service.oracle import REST, check, gaps, rows
from tests.service.processes import ENOUGH_SECS, ENVIRONMENT, command, demo, verify
from tests.service.reloads import reloading
from tests.service.world import World, running, venue
from tick_logger.cli.filling_at_rest import fill
from tick_logger.journal.reader import segments
from tick_logger.model.times import NS_PER_DAY
from tick_logger.verify.recording import verify_recording

EXACT = ["binance", "coinbase", "okx", "coinbase_advanced", "kraken"]
MIDNIGHT_NS = NOON_NS + NS_PER_DAY // 2
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


def expect_all_between_the_first_and_the_last(world: World, symbol: str) -> None:
    """Each trade that was made since the first on disk is there once, up to the last."""
    ids = recorded_ids(world, symbol)
    truth = [each.trade_id for each in world.exchange.truth.kept(symbol)]
    places = sorted(truth.index(each) for each in ids)
    assert places == list(range(places[0], places[-1] + 1))


def left_open(world: World, symbol: str) -> list[dict[str, Any]]:
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
        assert world.metric("holes_healed_total") == world.metric("sequence_gaps_total")
        assert world.metric("holes_left") == 0
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


NEWEST_ONLY = ["bybit", "bybit_linear"]


@pytest.mark.parametrize("name", [*NEWEST_ONLY, "upbit"])
async def test_a_cut_where_holes_are_known_by_times(name: str, autojump_clock: MockClock) -> None:
    """What the newest trades, or the days of a venue, reach back to is there, and no hole left."""
    slow = {"messages_per_second": 10.0, "step_secs": 0.2}
    async with running(venue(name, 1, feeds=("trades",), simulated=slow, config=ASKING)) as world:
        await world.until(20.0)
        world.exchange.cut_all(abrupt=True)
        await world.until(21.0)
        world.exchange.cut_all(abrupt=True)
        await world.until(80.123)
        assert await world.stop() == 0, world.said("crashed")
        (symbol,) = world.exchange.truth.symbols()
        expect_all_between_the_first_and_the_last(world, symbol)
        assert left_open(world, symbol) == []
        assert check(world) > 100


@pytest.mark.parametrize("name", NEWEST_ONLY)
async def test_what_the_newest_trades_do_not_reach_stays_a_hole(
    name: str, autojump_clock: MockClock
) -> None:
    """With its own bounds, and what came of it is recorded all the same."""
    quick = {"messages_per_second": 400.0, "step_secs": 0.2}
    what = venue(name, 1, feeds=("trades",), simulated=quick, config=ASKING)
    async with lives(what) as story:
        world = await story.begin()
        await world.until(5.123)
        assert await world.stop() == 0
        await story.pause(15.0)
        world = await story.begin()
        await world.until(30.123)
        assert await world.stop() == 0
        (symbol,) = world.exchange.truth.symbols()
        (hole,) = left_open(world, symbol)
        assert (hole["cause"], hole["from_id"]) == ("restart", None)
        assert (hole["to_ns"] - hole["from_ns"]) / 1e9 == pytest.approx(15.0, abs=2.0)
        assert world.said("backfill_left", symbol=symbol)
        assert check(world) > 100
        assert verify_recording(story.disk, deep=True).findings == []


@pytest.mark.parametrize("name", ["binance", "okx", "kraken", "upbit"])
async def test_what_a_crash_has_cost_is_asked_for_at_the_next_start(
    name: str, autojump_clock: MockClock
) -> None:
    """Also over a midnight, after which the trades of both days lie in their own."""
    before_ns = MIDNIGHT_NS - 25 * 10**9
    what = venue(name, 1, feeds=("trades",), simulated=BUSY, config=ASKING)
    async with lives(what, start_ns=before_ns) as story:
        world = await story.begin()
        await world.until(20.123)
        await story.kill(world)
        await story.pause(10.0)
        world = await story.begin()
        await world.until(80.123)
        assert await world.stop() == 0
        (symbol,) = world.exchange.truth.symbols()
        expect_all_between_the_first_and_the_last(world, symbol)
        assert left_open(world, symbol) == []
        filled = rows(story.disk, name, symbol, "TRADES", late=True, origin=REST)
        assert len({ns // NS_PER_DAY for ns in filled.event_ns.tolist()}) == 2
        assert verify_recording(story.disk, deep=True).findings == []


async def test_a_reload_switches_it_off_and_on(autojump_clock: MockClock) -> None:
    """What was missed meanwhile stays as it is until the next start; later holes are filled."""
    what = venue("binance", 1, feeds=("trades",), simulated=BUSY, config=ASKING)
    async with reloading(what) as reloads:
        world = reloads.world
        (symbol,) = world.exchange.truth.symbols()
        reloads.reload(backfill=False)
        await world.until(20.0)
        world.exchange.cut_all(abrupt=True)
        await world.until(40.0)
        assert (by_rest(world, symbol), len(left_open(world, symbol))) == (0, 1)
        reloads.reload(backfill=True)
        await world.until(60.0)
        world.exchange.cut_all(abrupt=True)
        await world.until(90.123)
        assert by_rest(world, symbol) > 0
        assert len(left_open(world, symbol)) == 1


def test_a_recording_that_goes_on_is_not_filled_beside_its_recorder(tmp_path: Path) -> None:
    """Two processes would write to one journal; who comes second is told, and changes nothing."""
    folder = tmp_path / "data"
    with demo(folder) as recorder:
        recorder.wait_until_it_receives()
        filled = subprocess.run(
            command("backfill", str(folder)),
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=ENOUGH_SECS,
        )
        assert filled.returncode != 0
        assert "another" in filled.stderr
        assert recorder.interrupt()["event"] == "stopped"
    verify(folder)


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
        assert world.metric("holes_left") == world.metric("sequence_gaps_total") > 0
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
        kept = attrs.evolve(config.logger, journal_keep_hours=0.0, journal_keep_mib=0)
        config, journal = attrs.evolve(config, logger=kept), segments(story.disk)
        filled, code = await fill(config, ports, 7)
        # Whatever is kept otherwise: nobody knows here whether an archive is to have it first.
        assert segments(story.disk)[: len(journal)] == journal
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
