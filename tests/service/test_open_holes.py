"""A hole is on the disk, in the numbers and in the log while it is open, and is closed in time."""

from __future__ import annotations

from typing import Any

import pytest
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS
from tests.service.lives import lives
from tests.service.oracle import check, gap_records, gaps
from tests.service.world import VenueMaker, World, binance, coinbase, running
from tick_logger.simulator.faults import Faults

SECOND_NS = 10**9
HALF_A_DAY_NS = 43_200 * SECOND_NS
TABLES = ("MD", "TRADES")

NOBODY_IN = Faults(upgrade_status=503)
CUT = Faults(cut_after_secs=(5.0, 5.0))
CUT_FOR_LONG = Faults(cut_after_secs=(5.0, 5.0), upgrade_status=503)
"""Counted from when it is set."""
FROZEN = Faults(half_open_after_secs=(5.0, 5.0))

on_both = pytest.mark.parametrize("venue", [binance, coinbase])


def still_open(world: World) -> list[dict[str, Any]]:
    """The open holes on the disk, of all streams."""
    name = world.exchange.name
    symbols = world.exchange.truth.symbols()
    left = [gap for s in symbols for table in TABLES for gap in gaps(world.files, name, s, table)]
    return [gap for gap in left if gap["to_ns"] is None]


def streams(world: World) -> int:
    return len(world.exchange.truth.symbols()) * len(TABLES)


def shows(world: World, count: int) -> bool:
    """Whether all who look are told of as many: Prometheus, and who sits at the terminal."""
    numbers = world.service.snapshot().exchanges[world.exchange.name]
    return world.metric("holes_open") == numbers.holes_open == count == len(still_open(world))


@on_both
async def test_a_connection_that_is_cut_is_an_open_hole(
    venue: VenueMaker, autojump_clock: MockClock
) -> None:
    """Within ten seconds of the cut; and it is closed soon after the venue is back."""
    async with running(venue(simulated={"faults": CUT})) as world:
        await world.until(4.0)
        world.exchange.set_faults(CUT_FOR_LONG)
        await world.until(14.0)
        assert shows(world, 0)
        await world.until(9.0 + 7.1)
        assert shows(world, streams(world))
        assert {gap["cause"] for gap in still_open(world)} == {"disconnect"}
        began_secs = {(gap["from_ns"] - NOON_NS) / SECOND_NS for gap in still_open(world)}
        assert all(8.0 <= secs <= 9.0 for secs in began_secs)
        assert world.metric("hole_open_seconds") == pytest.approx(16.1 - min(began_secs))
        (told,) = world.said("hole_open")
        assert (told["cause"], told["holes"]) == ("disconnect", streams(world))
        assert world.metric("sequence_gaps_total") == 0
        await world.until(120.0)
        assert shows(world, streams(world))
        assert len(world.said("hole_open")) == 1
        world.exchange.set_faults(Faults())
        await world.until(200.123)
        assert shows(world, 0)
        assert world.metric("hole_open_seconds") == 0
        assert world.metric("sequence_gaps_total") > 0
    assert check(world) > 100


@pytest.mark.parametrize(("venue", "detected"), [(binance, 30.0), (coinbase, 20.1)])
async def test_a_peer_that_freezes_is_an_open_hole_since_its_last_word(
    venue: VenueMaker, detected: float, autojump_clock: MockClock
) -> None:
    """Six seconds after that is noticed, if nobody lets the recorder in again."""
    async with running(venue(simulated={"faults": FROZEN})) as world:
        await world.until(10.0)
        world.exchange.set_faults(NOBODY_IN)
        await world.until(detected + 6.1)
        assert shows(world, streams(world))
        # A market of some messages a second: its last word came just before it froze.
        for gap in still_open(world):
            assert 4.0 <= (gap["from_ns"] - NOON_NS) / SECOND_NS <= detected - 9.9
        assert world.metric("hole_open_seconds") > 15.0
        world.exchange.set_faults(Faults())
        await world.until(120.123)
        assert shows(world, 0)
    check(world)


@on_both
async def test_an_open_hole_is_split_at_midnight(
    venue: VenueMaker, autojump_clock: MockClock
) -> None:
    """Each day has its part; none is open in a day that is over."""
    start_ns = NOON_NS + HALF_A_DAY_NS - 20 * SECOND_NS
    async with running(venue(simulated={"faults": CUT}), start_ns=start_ns) as world:
        await world.until(4.0)
        world.exchange.set_faults(CUT_FOR_LONG)
        await world.until(19.0)
        assert shows(world, streams(world))
        await world.until(25.0)
        assert shows(world, streams(world))
        midnight_ns = NOON_NS + HALF_A_DAY_NS
        assert {gap["from_ns"] for gap in still_open(world)} == {midnight_ns}
        world.exchange.set_faults(Faults())
        await world.until(120.123)
        assert shows(world, 0)
        symbol = world.exchange.truth.symbols()[0]
        old, new = gaps(world.files, world.exchange.name, symbol, "MD")
        assert (old["to_ns"], new["from_ns"]) == (midnight_ns, midnight_ns)
    check(world)


@on_both
@pytest.mark.parametrize("is_killed", [False, True])
async def test_an_open_hole_outlives_its_process(
    venue: VenueMaker, is_killed: bool, autojump_clock: MockClock
) -> None:
    """A stop in order closes it; what a death left open goes on until the venue is back."""
    async with lives(venue(simulated={"faults": CUT})) as story:
        world = await story.begin()
        await world.until(4.0)
        world.exchange.set_faults(CUT_FOR_LONG)
        await world.until(20.0)
        assert shows(world, streams(world))
        if is_killed:
            await story.kill(world)
            assert len(still_open(world)) == streams(world)
        else:
            assert await world.stop() == 0
            assert still_open(world) == []
        await story.pause(5.0)
        world = await story.begin()
        await world.until(12.0)
        if is_killed:
            assert len(still_open(world)) == streams(world)
        world.exchange.set_faults(Faults())
        await world.until(120.123)
        assert still_open(world) == []
        symbol = world.exchange.truth.symbols()[0]
        told = gap_records(world.files, world.exchange.name, symbol, "MD")
        assert sum(gap["to_ns"] is None for gap in told) <= 2
        assert await world.stop() == 0
        assert still_open(world) == []
    check(world)


async def test_what_is_resumed_within_five_seconds_is_one_line(autojump_clock: MockClock) -> None:
    """A connection that is lost and made again at once, and a stop and a start soon after."""
    async with lives(binance(simulated={"faults": Faults(cut_after_secs=(5.0, 8.0))})) as story:
        for _ in range(2):
            world = await story.begin()
            await world.until(30.123)
            assert await world.stop() == 0
            await story.pause(60.0)
        assert world.said("hole_open") == []
        told = gap_records(world.files, "binance", world.exchange.truth.symbols()[0], "MD")
        assert len(told) > 3
        assert [gap for gap in told if gap["to_ns"] is None or gap["healed"]] == []
    check(world)
