"""This machine's clock is wrong, or is set, while the exchanges' are right."""

from __future__ import annotations

import numpy as np
import pytest
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS, VirtualClock
from tests.service.lives import lives
from tests.service.oracle import ASIDE, check, gaps, rows
from tests.service.world import Venue, World, binance, dense, running, venue
from tick_logger.verify.tree import verify

TABLES = {"ticker": "MD", "trades": "TRADES", "quotes": "QUOTES", "orderbook": "BOOK"}
HOUR, DAY = 3600.0, 86_400.0
SECOND = 10**9


def every(name: str, symbols: int = 2) -> Venue:
    """A venue with all its feeds."""
    found = venue(name, symbols)
    return venue(name, symbols, feeds=tuple(sorted(FEEDS[found.name])))


FEEDS = {
    "binance": {"trades", "quotes", "orderbook", "ticker"},
    "coinbase": {"trades", "ticker", "orderbook"},
    "kraken": {"trades", "ticker", "orderbook"},
    "okx": {"trades", "ticker", "orderbook", "quotes"},
    "upbit": {"trades", "ticker", "orderbook"},
    "bybit": {"trades", "ticker", "orderbook", "quotes"},
}


def streams(world: World) -> list[tuple[str, str, str]]:
    """Exchange, symbol and table of all that is recorded."""
    return [
        (name, symbol, table)
        for name, exchange in world.exchanges.items()
        for symbol in exchange.truth.symbols()
        for table in TABLES.values()
    ]


def late_rows(world: World) -> int:
    files = world.files
    return sum(len(rows(files, *each, late=True)) for each in streams(world))


def aside_rows(world: World) -> int:
    files = world.files
    return sum(len(rows(files, *each, late=True, origin=ASIDE)) for each in streams(world))


@pytest.mark.parametrize(
    "off_secs",
    [
        -3 * DAY,
        pytest.param(3 * DAY, marks=pytest.mark.seldom),
        pytest.param(-40 * DAY, marks=pytest.mark.seldom),
        40 * DAY,
    ],
)
@pytest.mark.parametrize("names", [("binance", "kraken", "okx"), ("upbit",), ("coinbase", "bybit")])
async def test_event_times_stand_where_the_machine_is_days_off(
    names: tuple[str, ...], off_secs: float, autojump_clock: MockClock
) -> None:
    """From the start; nothing is late or aside, and the offset is told, once."""
    async with running(*(every(name) for name in names), off_secs=off_secs) as world:
        await world.until(40.123)
        assert await world.stop() == 0
        for name in names:
            assert world.metric("clock_offset_seconds", name) == pytest.approx(-off_secs, abs=1.0)
    check(world)
    assert (late_rows(world), aside_rows(world)) == (0, 0)
    whose = "this machine" if len(names) > 1 else names[0]
    assert [line["clock"] for line in world.said("clock_offset")] == [whose]
    for exchange, symbol, table in streams(world):
        found = rows(world.files, exchange, symbol, table)
        if table == "TRADES":
            assert len(found) > 30
            assert (np.abs(found.event_ns - NOON_NS) < 600 * SECOND).all()
            assert (np.abs(found.recv_ns - NOON_NS - off_secs * SECOND) < 60 * SECOND).all()


@pytest.mark.parametrize("back_secs", [90.0, 9 * HOUR, 3 * DAY])
async def test_a_clock_set_back_makes_nothing_late(
    back_secs: float, autojump_clock: MockClock
) -> None:
    """Quotes without a time of their own go on in order, and the log says it once."""
    async with running(every("binance"), every("kraken")) as world:
        await world.until(15.0)
        world.clock.step(-back_secs)
        await world.until(60.123)
        assert world.service.metrics.samples()["collector_clock_held_seconds", ""] == (
            pytest.approx(back_secs - 22.5, abs=1.0)
        )
        assert await world.stop() == 0
    check(world)
    assert (late_rows(world), aside_rows(world)) == (0, 0)
    said = [(line["seconds"], line["since"]) for line in world.said("clock_set_back")]
    assert said == [(back_secs, "it is recorded")]
    quotes = rows(world.files, "binance", "BTCUSDT", "QUOTES")
    assert (np.diff(quotes.recv_ns) >= 0).all()
    assert len(np.unique(quotes.event_ns)) > 0.9 * len(np.unique(quotes["update_id"]))


async def test_a_clock_that_caught_up_is_told(autojump_clock: MockClock) -> None:
    """Twice the time by which it was set back."""
    async with running(binance()) as world:
        await world.until(10.0)
        world.clock.step(-20.0)
        await world.until(60.0)
        (at,) = world.times("clock_caught_up")
        assert at == pytest.approx(50.0, abs=1.5)


@pytest.mark.parametrize("ending", ["stop", "kill"])
@pytest.mark.parametrize("back_secs", [120.0, 9 * HOUR, 3 * DAY])
async def test_a_start_after_the_clock_was_set_back(
    ending: str, back_secs: float, autojump_clock: MockClock
) -> None:
    """No record ends before it begins, and it is said what becomes of the rest."""
    async with lives(every("binance"), every("coinbase")) as life:
        first = await life.begin()
        await life.pause(20.0)
        if ending == "stop":
            await first.stop()
        else:
            await life.kill(first)
        await life.pause(3.0)
        real = life.clock
        life.clock = VirtualClock(real.now_ns() - round(back_secs * 1e9))
        second = await life.begin()
        second.venue_clock = real
        await life.pause(20.0)
        assert await second.stop() == 0
        (line,) = second.said("clock_set_back")
        assert line["since"] == "the last run"
        assert line["seconds"] == pytest.approx(back_secs - 3.0, abs=2.0)
        found = [gap for each in streams(second) for gap in gaps(life.disk, *each)]
        assert {gap["cause"] for gap in found} >= {"restart" if ending == "stop" else "crash"}
        assert all(gap["from_ns"] <= gap["to_ns"] for gap in found)
        assert sum(len(rows(life.disk, *each)) for each in streams(second)) > 500
        report = verify(life.disk, dense=dense)
        assert report.findings == []
        assert (late_rows(second) == 0) == (back_secs < DAY)
