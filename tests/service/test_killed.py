"""A service that is killed has lost nothing that it had read, where memory outlives it."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from tests.fakes.kept_memory import KeptMemory
from tests.service.lives import lives
from tests.service.oracle import causes, check, rows
from tests.service.world import VenueMaker, World, binance, coinbase

EVERY_FEED = ("ticker", "trades", "quotes", "orderbook")
LINGER_NS = 220_000_000  # and one read
LIVES_SECS = (6.123, 2.871, 1.377, 4.049)


def missing_of(world: World, begin_ns: int, end_ns: int) -> list[int]:
    """The trades between two times that were sent, and are not on disk."""
    name, exchange = world.exchange.name, world.exchange
    found: list[int] = []
    for symbol in exchange.truth.symbols():
        on_disk = {
            number
            for late in (False, True)
            for number in rows(world.files, name, symbol, "TRADES", late)["trade_id"].tolist()
        }
        found += [
            each.trade_id
            for each in exchange.truth.trades(symbol)
            if each.subscribed and begin_ns <= each.event_ns < end_ns
            if each.trade_id not in on_disk
        ]
    return found


@pytest.mark.parametrize("venue", [binance, coinbase])
@pytest.mark.parametrize("lines", [1, 2])
async def test_all_that_was_read_is_recorded(
    venue: VenueMaker, lines: int, autojump_clock: MockClock
) -> None:
    """Up to the kill, however often; the hole begins there, and nothing is twice, or made up."""
    told = venue(feeds=EVERY_FEED, config={"redundancy": lines})
    async with lives(told, memory=KeptMemory()) as story:
        killed: list[tuple[int, int]] = []
        for secs in LIVES_SECS:
            world = await story.begin()
            await world.until(secs)
            killed.append((story.clock.now_ns() - 10**9, story.clock.now_ns()))
            await story.kill(world)
            await story.pause(1.0)
        world = await story.begin()
        await world.until(6.0)
        assert await world.stop() == 0
    recovered = world.said("recovered_from_a_crash")
    assert [line["messages_left_in_memory"] > 0 for line in recovered] == [True]
    for begin_ns, end_ns in killed:
        assert missing_of(world, begin_ns, end_ns) == []
    assert check(world) > 0
    assert "crash" in causes(world.files)
    assert story.memory is not None
    assert story.memory.held == {}


async def test_without_memory_only_what_was_not_decoded_is_lost(autojump_clock: MockClock) -> None:
    """A full memory file system keeps nobody from starting; batches are written one by one."""
    refused = KeptMemory(refuse=OSError(28, "No space left on device"))
    async with lives(coinbase(feeds=EVERY_FEED), memory=refused) as story:
        for secs in (4.123, 3.871, 6.377):
            world = await story.begin()
            await world.until(secs)
            end_ns = story.clock.now_ns()
            await story.kill(world)
            (line,) = world.said("reads_not_kept")
            assert line["reason"] == "No space left on device"
            world = await story.begin()
            await world.until(3.0)
            assert missing_of(world, end_ns - 10**9, end_ns - LINGER_NS) == []
            assert await world.stop() == 0
    assert check(world) > 0


async def test_beyond_the_memory_it_goes_on_and_says_so(autojump_clock: MockClock) -> None:
    """What finds no room is recorded all the same, and counted."""
    async with lives(coinbase(feeds=EVERY_FEED), memory=KeptMemory(size=9_500)) as story:
        world = await story.begin()
        await world.until(8.0)
        assert await world.stop() == 0
    assert world.said("reads_not_kept")
    assert world.service.metrics.read("collector_reads_not_kept_total", "") > 0
    assert check(world) > 0
