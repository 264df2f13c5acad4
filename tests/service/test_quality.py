"""Rows that look wrong, from a venue's mistake to the numbers and the marks beside the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from trio.testing import MockClock

from tests.service.each_venue import at_each_venue
from tests.service.oracle import check
from tests.service.world import World, binance, coinbase, running, venue
from tick_logger.exchanges import registry
from tick_logger.model.doubts import DoubtKind
from tick_logger.simulator.faults import Faults
from tick_logger.storage.quality_files import ReadDoubt, doubts_in

QUOTED = ("quotes", "ticker", "trades")


def marks(world: World, name: str) -> list[ReadDoubt]:
    """What stands beside the data of an exchange."""
    return [
        each
        for path, content in world.files.contents.items()
        if path.startswith(f"{name}/quality.")
        for each in doubts_in(bytes(content))
    ]


def counted(world: World, name: str) -> dict[str, int]:
    """Rows that look wrong, by kind, as they are counted."""
    of_kinds = world.service.metrics.exchange(name).quality_rows
    return {kind.value: rows for kind in DoubtKind if (rows := int(of_kinds[kind]._value.get()))}


def rows_of(found: list[ReadDoubt]) -> dict[str, int]:
    """Rows that are marked, by kind."""
    kinds = sorted({each.kind for each in found})
    return {kind: sum(each.rows for each in found if each.kind == kind) for kind in kinds}


def options(name: str) -> dict[str, Any]:
    """With all feeds that a venue has of these."""
    return {"feeds": tuple(each for each in QUOTED if each in registry.get(name).feeds)}


@at_each_venue(0)
async def test_a_venue_that_is_well_has_no_marks(name: str, autojump_clock: MockClock) -> None:
    """A minute of all its feeds."""
    async with running(venue(name, 3, feeds=tuple(registry.get(name).feeds))) as world:
        await world.until(60.123)
    assert (counted(world, name), marks(world, name)) == ({}, [])


CROSSABLE = ("binance", "coinbase", "coinbase_advanced", "kraken", "okx")
"""Quotes of the others are the top of a book, and the simulated market keeps its books right."""


@pytest.mark.parametrize("name", CROSSABLE)
async def test_crossed_quotes_are_marked(name: str, autojump_clock: MockClock) -> None:
    """Every one of them is in a mark, with figures that say so; rows stand as they were sent."""
    async with running(venue(name, 2, **options(name))) as world:
        await world.until(20.05)
        assert counted(world, name) == {}
        world.exchanges[name].set_faults(Faults(crossed_quote_probability=0.5))
        await world.until(40.05)
    found = marks(world, name)
    assert rows_of(found) == counted(world, name)
    assert rows_of(found)["crossed"] > 10
    assert all(
        each.figures["bid"] > each.figures["ask"] for each in found if each.kind == "crossed"
    )
    assert {each.symbol for each in found} <= set(world.exchanges[name].market.listings)
    (first, *_) = world.said("rows_look_wrong", exchange=name)
    assert "crossed" in first["rows"]
    assert world.service._resources.today.doubtful(name) == counted(world, name)
    assert check(world) > 100


@pytest.mark.parametrize("name", ["binance", "kraken", "upbit"])
async def test_wrong_prices_are_marked(name: str, autojump_clock: MockClock) -> None:
    """Trades at ten times their price are a jump, there and back, and outside the quotes."""
    async with running(venue(name, 2, **options(name))) as world:
        await world.until(30.05)
        world.exchanges[name].set_faults(Faults(odd_price_probability=0.05))
        await world.until(60.05)
    found = marks(world, name)
    assert rows_of(found) == counted(world, name)
    kinds = {(each.table.value, each.kind) for each in found}
    assert {("TRADES", "jump"), ("TRADES", "outside")} <= kinds
    outside = [each.figures for each in found if each.kind == "outside"]
    assert all(each["price"] > 5 * each["ask"] for each in outside)
    assert check(world) > 100


HERE, THERE = "binance", "okx"
OFF_SECS, WELL_SECS = 30.05, 60.05
"""From when until when the quotes of one venue are off."""


def between_quotes(world: World, name: str, symbol: str, each: ReadDoubt) -> bool:
    """Whether the price of a mark is one of the quotes that were recorded while it lasted."""
    folder = f"{name}/{symbol}/QUOTES/"
    columns = {
        path.removeprefix(folder).partition(".")[0]: bytes(content)
        for path, content in world.files.contents.items()
        if path.startswith(folder)
    }
    bid, ask = (np.frombuffer(columns[of], "<f4") for of in ("best_bid", "best_ask"))
    secs, nanos = (np.frombuffer(columns[f"recv_{of}"], "<u4") for of in ("time", "nanos"))
    recv_ns = secs.astype(np.int64) * 10**9 + nanos
    during = (each.from_ns - 4 * 10**9 <= recv_ns) & (recv_ns <= each.to_ns)
    return bool(bid[during].min() <= each.figures["price"] <= ask[during].max())


async def test_prices_apart_from_another_venue_are_marked(autojump_clock: MockClock) -> None:
    """Of two that differ both, by one doubt that lasts as long as they do; and what no other has,
    or is quoted alike, is not marked.
    """
    quotes = {"feeds": ("quotes",)}
    async with running(venue(HERE, 1, **quotes), venue(THERE, 2, **quotes)) as world:
        pair = {HERE: "BTCUSDT", THERE: "BTC-USDT"}
        began_ns = world.clock.now_ns()
        await world.until(OFF_SECS)
        for name in pair:
            assert (counted(world, name), marks(world, name)) == ({}, [])
        world.exchanges[THERE].set_faults(Faults(quote_factor=1.1))
        await world.until(WELL_SECS)
        world.exchanges[THERE].set_faults(Faults())
        await world.until(WELL_SECS + 20.0)
        written = {name: marks(world, name) for name in pair}
        await world.until(WELL_SECS + 60.0)
    assert set(world.exchanges[HERE].market.listings) == {pair[HERE]}
    for name, off in ((HERE, 1 / 1.1), (THERE, 1.1)):
        (mark,) = marks(world, name)
        assert written[name] == [mark]
        assert (mark.symbol, mark.table.value, mark.kind) == (pair[name], "QUOTES", "apart")
        assert mark.figures["price"] / mark.figures["others"] == pytest.approx(off, rel=1e-3)
        assert between_quotes(world, name, pair[name], mark)
        assert OFF_SECS < (mark.from_ns - began_ns) / 1e9 <= OFF_SECS + 4.0
        assert WELL_SECS - 4.0 <= (mark.to_ns - began_ns) / 1e9 < WELL_SECS + 4.0
        assert counted(world, name) == {"apart": mark.rows}
        lines = world.said("rows_look_wrong", exchange=name)
        assert {tuple(line["streams"]) for line in lines} == {(f"{pair[name]} QUOTES apart",)}
        assert sum(line["rows"]["apart"] for line in lines) == mark.rows
        assert lines[0]["at"] <= OFF_SECS + 5.0
        assert {tuple(line["rows"]) for line in lines} == {("apart",)}


async def test_times_that_go_back_are_marked(autojump_clock: MockClock) -> None:
    """By a minute; the rows are kept apart, as all that come late."""
    async with running(coinbase()) as world:
        await world.until(30.05)
        world.exchange.set_faults(Faults(odd_time_probability=0.05, odd_time_secs=-60.0))
        await world.until(60.05)
    found = marks(world, "coinbase")
    assert rows_of(found) == counted(world, "coinbase")
    assert {each.kind for each in found} == {"backwards"}
    assert all(50 < each.figures["seconds"] <= 60 for each in found)


async def test_it_can_be_switched_off(autojump_clock: MockClock) -> None:
    """With `validate = false` nothing is looked at."""
    faults = Faults(crossed_quote_probability=0.5)
    wrong = binance(feeds=QUOTED, simulated={"faults": faults})
    async with running(wrong, logger={"validate": False}) as world:
        await world.until(20.05)
    assert (counted(world, "binance"), marks(world, "binance")) == ({}, [])
