"""What a run without mishaps leaves behind, and what clocks do to it."""

from __future__ import annotations

import numpy as np
import pytest
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS
from tests.service.oracle import causes, check, recorded, rows
from tests.service.world import VenueMaker, binance, coinbase, in_virtual_time, running
from tick_logger.config.schema import DEFAULT_FEEDS
from tick_logger.simulator.faults import Faults

EVERY_FEED = ("ticker", "trades", "quotes", "orderbook")
MIDNIGHT_NS = NOON_NS + 12 * 3600 * 10**9


@pytest.mark.parametrize("venue", [binance, coinbase])
async def test_everything_sent_is_on_disk(venue: VenueMaker, autojump_clock: MockClock) -> None:
    """Every feed of every symbol; no row is lost, no rule broken, no loss claimed."""
    async with running(venue(feeds=EVERY_FEED)) as world:
        await world.until(30.123)
        assert await world.stop() == 0
    assert check(world) > 100
    for symbol in world.exchange.truth.symbols():
        for table in ("TRADES", "MD", "QUOTES", "BOOK"):
            assert len(rows(world.files, world.exchange.name, symbol, table)) > 10
    assert causes(world.files) == set()
    assert {line["level"] for line in world.lines} == {"info"}
    assert world.said("stopped")[0]["outcome"].endswith("rows are on disk; nothing was lost")


async def test_two_exchanges_at_once(autojump_clock: MockClock) -> None:
    """Each has its own files; the numbers of the run are the sums."""
    async with running(binance(), coinbase()) as world:
        await world.until(30.123)
        assert await world.stop() == 0
    trades = check(world)
    assert world.said("stopped")[0]["TRADES"] == trades
    assert {path.partition("/")[0] for path in recorded(world.files)} == {"binance", "coinbase"}


def test_equal_seeds_give_equal_recordings() -> None:
    """Whatever fails once under a seed fails again: the rest of these tests build on that."""

    async def recording(seed: int) -> dict[str, bytes]:
        mishaps = Faults(cut_after_secs=(2.0, 4.0), reorder_probability=0.1)
        venue = binance(feeds=EVERY_FEED, simulated={"faults": mishaps})
        async with running(venue, coinbase(), seed=seed) as world:
            await world.until(15.123)
        return {path: bytes(content) for path, content in world.files.contents.items()}

    first, again, other = [in_virtual_time(recording, seed) for seed in (1, 1, 2)]
    assert first == again
    assert first != other


async def test_only_wanted_feeds_are_recorded(autojump_clock: MockClock) -> None:
    """A ticker also tells quotes; who did not ask for them does not get them."""
    async with running(coinbase(feeds=("ticker",))) as world:
        await world.until(10.123)
    tables = {path.split("/")[2] for path in recorded(world.files)}
    assert tables == {"MD"}


async def test_a_day_ends_for_both_days_rows(autojump_clock: MockClock) -> None:
    """Rows go to the day of their event time, and nothing is lost at midnight."""
    async with running(binance(feeds=DEFAULT_FEEDS), start_ns=MIDNIGHT_NS - 10 * 10**9) as world:
        await world.until(20.123)
    check(world)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        found = rows(world.files, "binance", symbol, "TRADES")
        assert found.days == ["22.09.26", "23.09.26"]
        lengths = [
            len(world.files.contents[f"binance/{symbol}/TRADES/trade_time.{day}.bin"]) // 4
            for day in found.days
        ]
        before = int((found.event_ns < MIDNIGHT_NS).sum())
        assert lengths == [before, len(found) - before]
        assert min(lengths) > 10


@pytest.mark.parametrize("venue", [binance, coinbase])
@pytest.mark.parametrize("step_secs", [-3600.0, 3600.0])
async def test_a_stepping_clock_costs_nothing(
    venue: VenueMaker, step_secs: float, autojump_clock: MockClock
) -> None:
    """Intervals and order do not depend on this machine's clock being right."""
    async with running(venue(feeds=EVERY_FEED)) as world:
        await world.until(10.0)
        before = world.metric("rows_written_total")
        world.clock.step(step_secs)
        await world.until(35.123)
        assert world.metric("rows_written_total") > 2.5 * before
        assert await world.stop() == 0
    check(world)
    assert world.metric("reconnects_total") == 0
    recv = rows(
        world.files, world.exchange.name, world.exchange.truth.symbols()[0], "TRADES"
    ).recv_ns
    assert (np.diff(recv) >= 0).all()
    assert len(world.said("clock_set_back" if step_secs < 0 else "clock_set_forward")) == 1
