"""Listings that are odd, and symbols that leave them for a while: what is recorded meanwhile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from trio.testing import MockClock

from tests.service.each_venue import VENUES, at_each_venue
from tests.service.oracle import causes, check, rows
from tests.service.world import Venue, World, binance, running, venue
from tick_logger.net.venue.leaving import CHECK_SECS, GRACE_SECS
from tick_logger.simulator.dialects.okx import OkxDialect
from tick_logger.simulator.faults import Faults
from tick_logger.simulator.registry import DIALECTS

SOME_VENUES = [
    each if each in ("binance", "coinbase") else pytest.param(each, marks=pytest.mark.seldom)
    for each in VENUES
]
"""One that lists by REST and one that lists on a channel, and seldom all."""
READ_AGAIN_SECS = 300.0


def slow(name: str, symbols: int = 2, **changes: Any) -> Venue:  # noqa: ANN401 - what `Venue` takes
    """One with so little to say that long runs are cheap."""
    return venue(
        name,
        symbols,
        simulated={"messages_per_second": 1.5 * symbols, "step_secs": 2.0},
        **{"feeds": ("trades",), **changes},
    )


def opened(world: World) -> int:
    """How many connections were made."""
    return len(world.dial.connections)


def faults_of_logs(world: World) -> Sequence[object]:
    """The log lines that somebody should look at."""
    return [line for line in world.lines if line["level"] in ("warning", "error")]


@at_each_venue(0)
async def test_odd_entries_cost_nothing_else(name: str, autojump_clock: MockClock) -> None:
    """All symbols are recorded; the odd entries are counted, and named once."""
    changed = {"simulated": {"faults": Faults(odd_listing=True)}}
    async with running(venue(name, 2, **changed)) as world:
        await world.until(30.05)
        assert world.metric("symbols") == 2
        assert world.metric("listing_entries_odd") >= 1
    (line,) = world.said("listing_odd")
    assert line["count"] == len(line["entries"]) >= 1
    assert world.said("listing_failed") == []
    assert check(world) > 20


@at_each_venue(1)
async def test_a_halt(name: str, autojump_clock: MockClock) -> None:
    """The stream goes on with the first trade after it, on the same connection."""
    async with running(slow(name)) as world:
        await world.until(250.0)
        first, halted = world.exchange.truth.symbols()
        before = opened(world)
        world.exchange.delist_symbol(halted)
        await world.until(360.0)
        world.exchange.list_symbol(halted)
        await world.until(660.3)
        assert opened(world) == before
        assert world.metric("symbols") == 2
    assert world.said("retired") == []
    assert check(world) > 20
    assert causes(world.files) == set()
    for symbol in (first, halted):
        on_disk = set(rows(world.files, name, symbol, "TRADES")["trade_id"].tolist())
        sent = [
            trade.trade_id
            for trade in world.exchange.truth.trades(symbol)
            if trade.event_ns > world.clock._offset_ns + 365 * 10**9
            and trade.event_ns < world.stopped_ns - 10**9
        ]
        assert len(sent) > 10
        assert set(sent) <= on_disk


@pytest.mark.parametrize("name", ["binance", "bybit", "kraken"])
async def test_a_halt_of_all_that_a_connection_carries(
    name: str, autojump_clock: MockClock
) -> None:
    """Its silence is no fault as soon as the halt is known."""
    alone = {"symbols_per_connection": 1, "data_timeout_secs": 400.0}
    async with running(slow(name, config=alone)) as world:
        await world.until(290.0)
        before = opened(world)
        halted = world.exchange.truth.symbols()[1]
        world.exchange.delist_symbol(halted)
        await world.until(1000.0)
        world.exchange.list_symbol(halted)
        await world.until(1300.3)
        assert opened(world) == before
    assert world.said("retired") == []
    assert causes(world.files) == set()
    assert check(world) > 20


@pytest.mark.parametrize("name", SOME_VENUES)
async def test_a_symbol_that_a_listing_lacks_though_it_trades(
    name: str, autojump_clock: MockClock
) -> None:
    """Nothing is missed, for however long."""
    async with running(slow(name)) as world:
        await world.until(200.0)
        before = opened(world)
        gone = frozenset(world.exchange.truth.symbols()[1:])
        world.exchange.set_faults(Faults(unlisted_symbols=gone))
        await world.until(200.0 + GRACE_SECS + 2 * READ_AGAIN_SECS)
        assert (world.metric("symbols"), world.metric("symbols_kept")) == (2, 1)
        world.exchange.set_faults(Faults())
        await world.until(200.3 + GRACE_SECS + 4 * READ_AGAIN_SECS)
        assert world.metric("symbols_kept") == 0
        assert opened(world) == before
    assert world.said("retired") == []
    assert causes(world.files) == set()
    assert check(world) > 20


@at_each_venue(2)
async def test_what_is_delisted_is_retired_without_an_error(
    name: str, autojump_clock: MockClock
) -> None:
    """When its time is over; the others are not touched."""
    async with running(slow(name)) as world:
        await world.until(290.0)
        before = opened(world)
        world.exchange.delist_symbol(world.exchange.truth.symbols()[1])
        await world.until(300.3 + GRACE_SECS + CHECK_SECS)
        assert world.metric("symbols") == 1
        assert opened(world) == before
    assert len(world.said("retired")) == 1
    assert faults_of_logs(world) == []
    assert causes(world.files) == set()
    assert check(world) > 10


# -- restarts --------------------------------------------------------------------------------------


async def test_what_was_recorded_before_a_start_is_asked_for_though_it_is_halted(
    autojump_clock: MockClock,
) -> None:
    """So its first trade after the halt is recorded; what was halted long ago is left alone."""
    symbols = ("BTCUSDT", "ETHUSDT", "OLDUSDT")
    venue = binance(*symbols, feeds=("trades",), simulated={"step_secs": 0.5})
    async with running(venue) as world:
        world.exchange.delist_symbol("OLDUSDT")
        await world.until(20.0 + GRACE_SECS + READ_AGAIN_SECS + CHECK_SECS)
        assert world.metric("symbols") == 2
    files = world.files
    files.close()
    later_ns = world.clock.now_ns() + 10**9
    async with running(venue, files=files, start_ns=later_ns) as world:
        for symbol in ("ETHUSDT", "OLDUSDT"):
            world.exchange.delist_symbol(symbol)
        await world.until(60.0)
        asked = {topic for client in world.exchange._hub.clients for topic in client.topics}
        assert asked == {"btcusdt@trade", "ethusdt@trade"}
        world.exchange.list_symbol("ETHUSDT")
        await world.until(90.05)
        assert world.metric("symbols") == 2
    received = rows(files, "binance", "ETHUSDT", "TRADES").event_ns
    after = received[received > later_ns + 60 * 10**9]
    assert (after[0] - later_ns) / 1e9 < 63.0


# -- names -----------------------------------------------------------------------------------------

LONG = f"{'X' * 255}-USDT"
TAKEN = "instruments.01.01.26.json"


class OddNames(OkxDialect):
    """Lists names that no folder can have, and one that it can."""

    def rest(self, target: str) -> tuple[int, bytes]:
        """With three more."""
        status, body = super().rest(target)
        answer = json.loads(body)
        first = answer["data"][0]
        names = (LONG, TAKEN, "..")
        answer["data"] += [{**first, "instId": name} for name in names]
        return status, json.dumps(answer).encode()


async def test_names_that_no_folder_can_have(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """They are refused with a clear line, and cost nothing else, at the next start neither."""
    monkeypatch.setitem(DIALECTS, "okx", OddNames)
    files, later_ns = None, None
    for _ in range(2):
        options: dict[str, Any] = {"files": files, "start_ns": later_ns} if files else {}
        async with running(attrs.evolve(venue("okx", 1), feeds=("trades",)), **options) as world:
            await world.until(30.05)
            assert world.metric("listing_entries_odd") == 2
        (line,) = world.said("listing_odd")
        assert line["entries"] == [
            f"{'X' * 40}...: its folder's name would have 260 bytes, and may have 255",
            f"{TAKEN}: a file of its exchange is called so",
        ]
        assert world.code == 0
        files, later_ns = world.files, world.clock.now_ns() + 10**9
        files.close()
    folders = {path.split("/")[1] for path in world.files.contents if path.startswith("okx/")}
    assert not [name for name in folders if name.startswith("X")]
