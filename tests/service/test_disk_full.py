"""Want of space: everything waits for it, and what cannot wait any longer is written down."""

from __future__ import annotations

import errno

import pytest
from trio.testing import MockClock

from tests.fakes.sim_disk import SimDisk
from tests.service.lives import Lives, lives
from tests.service.oracle import causes, check, gaps, recorded
from tests.service.world import VenueMaker, World, binance, coinbase, in_virtual_time, running

FULL = "No space left on device (make room; recording goes on by itself)"
BUSY = {"messages_per_second": 150.0, "ping_interval_secs": 5.0}
SMALL = {"buffer_limit_mib": 1}


@pytest.mark.parametrize("venue", [binance, coinbase])
async def test_a_full_disk_costs_nothing_for_a_while(
    venue: VenueMaker, autojump_clock: MockClock
) -> None:
    """Frames are held while it is said what is wrong; with space it goes on by itself."""
    disk = SimDisk()
    async with running(venue(), files=disk) as world:
        await world.until(10.0)
        disk.capacity_bytes = disk._used
        await world.until(12.0)
        reasons = world.service._resources.readiness.reasons
        assert reasons["journal"] == f"the journal cannot be written: {FULL}"
        assert world.service.metrics.ready._value.get() == 0
        await world.until(60.0)
        disk.heal()
        await world.until(62.0)
        assert world.service._resources.readiness.reasons == {}
        assert world.service.metrics.ready._value.get() == 1
        assert world.service._resources.budget.taken_bytes < 100_000
        await world.until(70.123)
        assert await world.stop() == 0
    assert len(world.said("not_ready", component="journal")) == 1
    assert len(world.said("ready", component="journal")) == 1
    assert check(world) > 200
    assert causes(world.files) == set()


@pytest.mark.parametrize("venue", [binance, coinbase])
async def test_a_disk_that_stays_full_overflows(
    venue: VenueMaker, autojump_clock: MockClock
) -> None:
    """Beyond the budget frames are given up, with gap records; the recording never ends of it."""
    disk = SimDisk()
    async with running(venue(simulated=BUSY), files=disk, logger=SMALL) as world:
        await world.until(10.0)
        disk.capacity_bytes = disk._used + 1000
        await world.until(300.0)
        assert world.service._resources.budget.taken_bytes <= 1024 * 1024
        assert world.metric("messages_dropped_total") > 1000
        disk.heal()
        await world.until(302.0)
        dropped = world.metric("messages_dropped_total")
        await world.until(320.123)
        assert world.metric("messages_dropped_total") == dropped
        assert await world.stop() == 0
    assert world.metric("reconnects_total") == 0
    assert check(world) > 1000
    assert causes(world.files) == {"overflow"}
    for symbol in world.exchange.truth.symbols():
        (hole,) = gaps(world.files, world.exchange.name, symbol, "TRADES")
        assert hole["to_id"] - hole["from_id"] > 1000
    said = world.said("stopped")[0]["outcome"]
    assert f"{int(dropped):,} messages were dropped" in said


async def full_columns(full: bool, logger: dict[str, int]) -> dict[str, bytes]:
    """A recording during which there was no space for column files, or a perfect one."""
    disk = SimDisk()
    async with running(binance(simulated=BUSY), files=disk, logger=logger) as world:
        await world.until(10.0)
        if full:
            disk.fail("append", number=errno.ENOSPC, path="*.bin")
        await world.until(100.0)
        disk.heal()
        await world.until(120.123)
        assert await world.stop() == 0
    assert world.metric("messages_dropped_total") == 0
    assert len(world.said("not_ready", component="columns")) == full
    assert len(world.said("ready", component="columns")) == full
    assert len(world.said("behind")) == (full and logger == SMALL)
    check(world)
    assert causes(world.files) == set()
    return recorded(world.files)


@pytest.mark.parametrize("logger", [{}, SMALL], ids=["in_memory", "from_the_journal"])
def test_without_space_for_columns_nothing_is_given_up(logger: dict[str, int]) -> None:
    """The journal has everything: later the files are as they would have been, to the byte."""
    assert in_virtual_time(full_columns, True, logger) == in_virtual_time(
        full_columns, False, logger
    )


# -- the end of a process while there is no space -------------------------------------------------


async def stopped_without_space(story: Lives, path: str, *, exit_code: int) -> World:
    """A life that is told to stop ten seconds after space ran out, and waits its twenty seconds."""
    world = await story.begin()
    await world.until(10.0)
    story.disk.fail("append", number=errno.ENOSPC, path=path)
    await world.until(20.0)
    world.note_stop()
    world.service.stop("a test")
    assert await world.end() == exit_code
    assert world.elapsed == pytest.approx(40.0)
    return world


async def test_a_stop_while_the_journal_finds_no_space(autojump_clock: MockClock) -> None:
    """It waits until the deadline; exit code 3 then, with what was given up in bytes."""
    disk = SimDisk()
    async with lives(binance(), disk=disk) as story:
        world = await stopped_without_space(story, "journal/*.tlj", exit_code=3)
        (stopped,) = world.said("stopped")
        assert stopped["bytes_not_written"] > 1000
        assert f"{stopped['bytes_not_written']:,} bytes were received but not" in stopped["outcome"]
        disk.heal()
        world = await story.begin()
        assert world.said("recovered_from_a_crash")
        await world.until(10.123)
        assert await world.stop() == 0
    assert check(world) > 50
    assert causes(world.files) == {"crash"}


async def test_a_stop_while_columns_find_no_space(autojump_clock: MockClock) -> None:
    """At the deadline they are left to the next start, which completes them; exit code 4."""
    disk = SimDisk()
    async with lives(binance(), disk=disk) as story:
        world = await stopped_without_space(story, "*.bin", exit_code=4)
        (stopped,) = world.said("stopped")
        assert stopped["bytes_not_written"] == 0
        assert stopped["outcome"].endswith("the next start puts it into the column files")
        disk.heal()
        world = await story.begin()
        (line,) = world.said("continuing")
        assert line["rows_recovered"] > 100
        await world.until(10.123)
        assert await world.stop() == 0
    assert check(world) > 100
    assert causes(world.files) == {"restart"}


async def test_a_start_on_a_full_disk(autojump_clock: MockClock) -> None:
    """It connects and waits, like one that runs already."""
    disk = SimDisk()
    async with lives(binance(), disk=disk) as story:
        world = await story.begin()
        await world.until(10.123)
        assert await world.stop() == 0
        disk.capacity_bytes = disk._used
        world = await story.begin()
        await world.until(20.0)
        assert world.service._resources.readiness.reasons["journal"].endswith(FULL)
        disk.heal()
        await world.until(30.123)
        assert await world.stop() == 0
    assert check(world) > 100
    assert causes(world.files) == {"restart"}
