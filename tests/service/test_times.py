"""Exchanges whose times are wrong now and then, or by a clock that is off: what becomes of rows."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS
from tests.service.each_venue import at_each_venue
from tests.service.oracle import ASIDE, Rows, causes, date, rows
from tests.service.world import World, dense, running, venue
from tick_logger.exchanges import registry
from tick_logger.simulator.faults import Faults
from tick_logger.verify.tree import verify

SECOND = 10**9
HOUR, DAY = 3600.0, 86_400.0
TABLES = {"ticker": "MD", "trades": "TRADES", "quotes": "QUOTES", "orderbook": "BOOK"}


def parts(world: World, symbol: str, table: str) -> tuple[Rows, Rows, Rows]:
    """The rows of a stream: in order, late, and set aside."""
    files, name = world.files, world.exchange.name
    return (
        rows(files, name, symbol, table),
        rows(files, name, symbol, table, late=True),
        rows(files, name, symbol, table, late=True, origin=ASIDE),
    )


@pytest.mark.parametrize("off_secs", [45.0, 9 * HOUR, -9 * DAY])
@at_each_venue(2)
async def test_single_wrong_times_cost_nothing_else(
    name: str, off_secs: float, autojump_clock: MockClock
) -> None:
    """The trades that have them are aside, all others in order; no file is of another day."""
    feeds = tuple(sorted(registry.get(name).feeds))
    async with running(venue(name, 2, feeds=feeds), seed=3) as world:
        await world.until(10.0)
        world.exchange.set_faults(Faults(odd_time_probability=0.05, odd_time_secs=off_secs))
        await world.until(50.0)
        world.exchange.set_faults(Faults())
        await world.until(60.123)
        assert await world.stop() == 0
        told = "event_time_ahead" if off_secs > 0 else "event_time_behind"
        assert world.said(told, exchange=name)
        counted = world.metric("rows_aside_total", name)
    assert verify(world.files, dense=dense).findings == []
    apart = 0
    for symbol in world.exchange.truth.symbols():
        for feed in feeds:
            in_order, late, aside = parts(world, symbol, TABLES[feed])
            assert len(late) == 0
            assert set(in_order.days) | set(aside.days) == {date(NOON_NS)}
            ahead = (in_order.event_ns - in_order.recv_ns) / 1e9
            assert ((ahead < 1.0) & (ahead > -600.0)).all()
            apart += len(aside)
        trades = {each.trade_id: each for each in world.exchange.truth.trades(symbol)}
        wrong = {n for n, each in trades.items() if abs(each.event_ns - each.made_ns) > SECOND}
        in_order, _, aside = parts(world, symbol, "TRADES")
        assert set(aside["trade_id"].tolist()) == wrong.intersection(aside["trade_id"].tolist())
        assert not wrong.intersection(in_order["trade_id"].tolist())
        assert aside.event_ns.tolist() == [trades[n].event_ns for n in aside["trade_id"].tolist()]
    assert apart == counted > 0
    assert causes(world.files) == set()


@pytest.mark.parametrize("ahead_secs", [100.0, 9 * HOUR, 3 * DAY])
@at_each_venue(3)
async def test_the_clock_of_an_exchange_that_is_ahead_is_believed(
    name: str, ahead_secs: float, autojump_clock: MockClock
) -> None:
    """From one moment on; its times stand, and it is told once."""
    feeds = tuple(sorted(registry.get(name).feeds))
    async with running(venue(name, 2, feeds=feeds)) as world:
        await world.until(20.0)
        world.exchange.set_faults(Faults(clock_offset_secs=ahead_secs))
        await world.until(60.123)
        assert await world.stop() == 0
        assert world.metric("clock_offset_seconds") == pytest.approx(ahead_secs, abs=1.0)
    assert len(world.said("clock_offset", clock=name)) == 1
    for symbol in world.exchange.truth.symbols():
        for feed in feeds:
            in_order, late, aside = parts(world, symbol, TABLES[feed])
            assert (len(late), len(aside)) == (0, 0)
        after = NOON_NS + round((ahead_secs + 15) * 1e9)
        assert (in_order.event_ns > after).any()
