"""A connection that carries many times what another does is relieved, and nothing is lost by it."""

from __future__ import annotations

from typing import Any

import pytest
from trio.testing import MockClock

from tests.fakes.memory_files import MemoryFiles
from tests.service.each_venue import VENUES, at_each_venue
from tests.service.oracle import causes, check
from tests.service.reloads import reloading
from tests.service.world import Venue, World, running, venue
from tick_logger.exchanges import registry
from tick_logger.net.venue import balance, moves
from tick_logger.storage.rates_file import decode
from tick_logger.verify.recording import verify_recording

FIVE_AND_ONE = 5
"""Symbols on the first connection, of six; simulated markets are the busier, the earlier listed."""

EVEN_ENOUGH = 4.0


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a quarter of an hour takes a minute, and little is busy."""
    monkeypatch.setattr(moves, "LOOK_SECS", 5.0)
    monkeypatch.setattr(moves, "LASTS_SECS", 20.0)
    monkeypatch.setattr(moves, "MOVED_WITHIN_SECS", 15.0)
    monkeypatch.setattr(moves, "REMEMBER_EVERY_SECS", 30.0)
    monkeypatch.setattr(balance, "BUSY_PER_SECOND", 1.0)


def uneven(name: str, *feeds: str, per_second: float = 20.0, **config: object) -> Venue:
    """Six symbols, of which the first connection has all but the quietest."""
    settings = {"symbols_per_connection": FIVE_AND_ONE, "max_connections": 60, **config}
    own = feeds or tuple(sorted(registry.get(name).feeds))
    return venue(name, 6, feeds=own, config=settings, simulated={"messages_per_second": per_second})


def places(world: World) -> dict[str, set[str]]:
    """By share, without its line and its lane, the symbols that it is to carry."""
    (recorder,) = world.service.venues.values()
    found: dict[str, set[str]] = {}
    for share in recorder.shares():
        number = share.label.partition("-")[0].rstrip("b")
        found.setdefault(number, set()).update(sub.symbol for sub in share.load.subscriptions)
    return found


@pytest.mark.usefixtures("hasty")
@at_each_venue(2)
@pytest.mark.parametrize(
    "config",
    [
        {},
        pytest.param({"redundancy": 2}, marks=pytest.mark.seldom),
        pytest.param({"feeds_per_connection": "apart"}, marks=pytest.mark.seldom),
    ],
    ids=["plain", "two lines", "apart"],
)
async def test_a_loaded_connection_is_relieved(
    name: str, config: dict[str, Any], autojump_clock: MockClock
) -> None:
    """Symbols go to the quiet one, without a hole, a row too many, or another connection."""
    # Of two lines a ticker without number and time may stand for another that says the same.
    untimed = {"ticker"} if "redundancy" in config and name == "coinbase_advanced" else set()
    feeds = sorted(registry.get(name).feeds - untimed)
    async with reloading(uneven(name, *feeds, **config)) as reloads:
        world = reloads.world
        await world.until(40.05)
        assert [len(each) for each in places(world).values()] == [FIVE_AND_ONE, 1]
        opened = reloads.opened()
        await world.until(70.05)
        assert world.metric("connection_unevenness") < EVEN_ENOUGH
        assert reloads.opened() == opened
        moved = places(world)
        assert sum(map(len, moved.values())) == len(world.exchange.truth.symbols())
        assert len(moved["2"]) > 1
    (line,) = world.said("moving")
    assert (line["from_connection"], line["to_connection"]) == (1, 2)
    assert set(line["symbols"]) < moved["2"]
    assert 45.0 <= world.times("moving")[0] <= 60.0
    assert world.said("move_taken_back") == []
    assert reloads.check() > 300
    assert check(world) > 100  # also what a connection that was not there would have brought
    assert reloads.causes() == {}
    assert reloads.retired() == []


@pytest.mark.usefixtures("hasty")
@pytest.mark.seldom
@pytest.mark.parametrize("name", VENUES)
async def test_what_is_not_delivered_there_comes_back(name: str, autojump_clock: MockClock) -> None:
    """It has never left the connection that it was on."""
    async with reloading(uneven(name, per_second=40.0)) as reloads:
        world = reloads.world
        await world.until(44.05)
        (quietest,) = places(world)["2"]
        world.dial.refusals = 10_000
        for client in [*world.exchange._hub.clients]:
            if any(quietest.lower() in topic.lower() for topic in client.topics):
                client.end(None, "cut")
        await world.until(75.05)
        assert len(world.said("moving")) >= 1
        assert len(world.said("move_taken_back")) >= 1
        assert [len(each) for each in places(world).values()] == [FIVE_AND_ONE, 1]
    assert reloads.check() > 300
    assert reloads.symbols_with_gaps() == {quietest}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("name", ["binance"])
async def test_a_start_plans_by_what_was_learned_before(
    name: str, autojump_clock: MockClock
) -> None:
    """Rates are remembered; with them the busiest symbols are on two connections at once."""
    files, what = MemoryFiles(), uneven(name, "trades", per_second=60.0)
    async with running(what, files=files) as world:
        await world.until(40.05)
        assert places(world)["2"] == {what.symbols[-1]}
        assert await world.stop() == 0
        start_ns = world.clock.now_ns() + 10**9
    known = decode(files.read(f"{name}/rates.json"))
    assert known.keys() == set(what.symbols)
    _, second, *_ = sorted(known, key=lambda symbol: -known[symbol]["trades"])
    assert second != what.symbols[-1]
    async with running(what, files=files, start_ns=start_ns) as world:
        await world.until(10.05)
        assert places(world) == {"1": {*what.symbols} - {second}, "2": {second}}
    assert verify_recording(files, deep=True).ok


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no file of rates"),
        (b'{"format":1,"rates":{"BTCUSDT":{"trades":12', "no file of rates"),
        (b'{"format":2,"rates":[]}', "format 2 is not 1: of another version"),
        (b'{"format":1,"rates":{"BTCUSDT":{"trades":-1}}}', "a rate in it is impossible"),
    ],
)
async def test_a_damaged_memory_costs_nothing_else(
    content: bytes, reason: str, autojump_clock: MockClock
) -> None:
    """A line says so, rates are learned anew, and everything is recorded."""
    files = MemoryFiles()
    files.replace("binance/rates.json", content)
    async with running(uneven("binance", "trades"), files=files) as world:
        await world.until(20.05)
        assert [len(each) for each in places(world).values()] == [FIVE_AND_ONE, 1]
        (line,) = world.said("rates_forgotten")
        assert line["reason"].startswith(reason)
    assert check(world) > 50
    assert causes(world.files) == set()
