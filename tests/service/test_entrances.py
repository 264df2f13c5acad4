"""Several entrances of one venue in one process, each under its own name, and markets elsewhere."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trio
from trio.testing import MockClock

import tick_logger
from tests.fakes.clock import VirtualClock
from tests.fakes.dial import MemoryDial
from tests.fakes.simulated import simulated
from tests.service.oracle import check
from tests.service.processes import ENOUGH_SECS, ENVIRONMENT, command, verify, wait_for_rows
from tests.service.world import Venue, binance, running
from tick_logger.clock import SystemClock
from tick_logger.config.schema import MarketConfig
from tick_logger.net.wire.dial import NO_HEADERS, Headers, HttpAnswer
from tick_logger.net.wire.link import Link
from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.faults import Faults

FEEDS = ("ticker", "trades", "quotes", "orderbook")
US = "binance_us"


def binance_us(*symbols: str, **changes: Any) -> Venue:  # noqa: ANN401 - what `Venue` takes
    """Another entrance of it, with the same symbols."""
    return Venue(name=US, adapter="binance", symbols=symbols or ("BTCUSDT", "ETHUSDT"), **changes)


async def test_two_entrances_are_two_exchanges(autojump_clock: MockClock) -> None:
    """Each has its own data, holes and numbers; what befalls one costs the other nothing."""
    mine, other = binance(feeds=FEEDS), binance_us(feeds=FEEDS)
    async with running(mine, other) as world:
        await world.until(10.0)
        world.exchanges[US].set_faults(Faults(id_hole_probability=0.2))
        await world.until(20.0)
        assert await world.stop() == 0
    assert check(world) > 50
    folders = {path.partition("/")[0] for path in world.files.contents}
    assert {"binance", US} <= folders
    causes = {
        name: {
            json.loads(line)["cause"]
            for path, content in world.files.contents.items()
            if path.startswith(f"{name}/") and "/gaps." in path
            for line in content.splitlines()[1:]
        }
        for name in ("binance", US)
    }
    assert causes == {"binance": set(), US: {"sequence"}}
    assert {line["exchange"] for line in world.said("connected")} == {"binance", US}
    for name in ("binance", US):
        assert world.metric("messages_received_total", name) > 100


# -- markets that are entered elsewhere --------------------------------------------------------


class TwoHosts(MemoryDial):
    """Leads to another exchange at the host "other.test", and remembers which URLs were dialled."""

    def __init__(
        self, simulated_exchange: SimulatedExchange, clock: VirtualClock, nursery: trio.Nursery
    ) -> None:
        super().__init__(simulated_exchange, clock, nursery)
        self.usual = simulated_exchange
        self.other = simulated(
            "binance",
            symbols=("BTCUSDT", "ETHUSDT"),
            clock=clock,
            seed=7,
            messages_per_second=20.0,
            step_secs=0.1,
            book_levels=10,
        )
        nursery.start_soon(self.other.run_market)
        self._to_other = MemoryDial(self.other, clock, nursery)
        self.urls: list[str] = []

    def _is_other(self, url: str) -> bool:
        self.urls.append(url.partition("?")[0])
        return urlsplit(url).hostname == "other.test"

    async def open(self, nursery: trio.Nursery, url: str, **named: Any) -> Link:  # noqa: ANN401
        """Connect there."""
        if self._is_other(url):
            return await self._to_other.open(nursery, url, **named)
        return await super().open(nursery, url, **named)

    async def get(self, url: str, headers: Headers = NO_HEADERS) -> HttpAnswer:
        """Ask there."""
        if self._is_other(url):
            return await self._to_other.get(url, headers)
        return await super().get(url, headers)


async def test_a_market_is_entered_elsewhere(autojump_clock: MockClock) -> None:
    """Its connections, and the snapshots of its books, come from there; the listing does not."""
    market = MarketConfig(
        symbols=("ETH*",),
        ws_endpoint="ws://other.test/ws",
        rest_endpoint="http://other.test/api/v3",
    )
    venue = binance(feeds=("trades", "orderbook"), markets=(market,))
    async with running(venue, dial=TwoHosts) as world:
        await world.until(15.0)
        dial = world.dial
        assert isinstance(dial, TwoHosts)
        labels = {state.label for state in world.service.venues["binance"].connections()}
        assert labels == {"1.1", "1-market1.1"}
        assert await world.stop() == 0
    subscribed = {
        name: {
            symbol
            for symbol in ("BTCUSDT", "ETHUSDT")
            if any(trade.subscribed for trade in each.truth.trades(symbol))
        }
        for name, each in (("usual", dial.usual), ("other", dial.other))
    }
    assert subscribed == {"usual": {"BTCUSDT"}, "other": {"ETHUSDT"}}
    assert dial.usual.violations == dial.other.violations == []
    assert set(dial.urls) == {
        "http://venue.test/api/v3/exchangeInfo",
        "http://venue.test/api/v3/depth",
        "http://other.test/api/v3/depth",
        "ws://venue.test/stream",
        "ws://other.test/stream",
    }
    for symbol, of in (("BTCUSDT", dial.usual), ("ETHUSDT", dial.other)):
        there = {path for path in world.files.contents if path.startswith(f"binance/{symbol}/")}
        assert any("/TRADES/" in path for path in there)
        assert any("/BOOK/" in path for path in there)
        assert len(of.truth.subscribed(symbol)) > 20
    assert world.metric("sequence_breaks_total") == 0


async def test_one_that_is_turned_away_is_told_of_others(autojump_clock: MockClock) -> None:
    """HTTP 451 is said with the entrances that are known, and which REST belongs to each."""
    async with running(binance()) as world:
        world.exchange.set_faults(Faults(rest_status=451, upgrade_status=451))
        await world.until(10.0)
        said = world.said("listing_failed")[-1]["what_to_do"]
        unreachable = world.service.venues["binance"].unreachable
    assert said.startswith(
        "this machine, or its region, may be refused there: set another ws_endpoint and "
        "rest_endpoint; known are "
    )
    assert "wss://data-stream.binance.vision with https://data-api.binance.vision (" in said
    assert "wss://stream.binance.us:9443 with https://api.binance.us (" in said
    assert unreachable is not None
    assert unreachable.what_to_do == said


# -- as an operator has it -----------------------------------------------------------------------


@asynccontextmanager
async def served(seed: int) -> AsyncIterator[tuple[SimulatedExchange, str]]:
    """A simulated Binance on loopback, and its host and port."""
    exchange = simulated(
        "binance", symbols=("BTCUSDT",), clock=SystemClock(), seed=seed, messages_per_second=40.0
    )
    async with trio.open_nursery() as nursery:
        port = await nursery.start(exchange.run)
        yield exchange, f"127.0.0.1:{port}"
        nursery.cancel_scope.cancel()


CONFIG = """
[logger]
data_path = "{folder}/data"
[http]
enabled = false
[exchanges.binance]
base_url = "ws://{first}/ws"
rest_endpoint = "http://{first}/api/v3"
feeds = ["trades", "quotes", "orderbook"]
[exchanges.binance_us]
adapter = "binance"
ws_endpoint = "ws://{second}/stream"
rest_endpoint = "http://{second}"
feeds = ["trades", "quotes", "orderbook"]
"""


@pytest.mark.slow
async def test_a_recorder_with_two_entrances(tmp_path: Path) -> None:
    """A process, two simulators: data of each under its own name, as every command reads it."""
    async with served(1) as (first, at_first), served(2) as (second, at_second):
        config = tmp_path / "config.toml"
        config.write_text(CONFIG.format(folder=tmp_path, first=at_first, second=at_second))
        data = tmp_path / "data"
        process = await trio.lowlevel.open_process(
            command("record", "--config", str(config)),
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            await _until_there_are_rows(data)
            process.send_signal(signal.SIGINT)
            with trio.fail_after(ENOUGH_SECS):
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
    report = await trio.to_thread.run_sync(verify, data)
    assert report["totals"]["rows"] > 100
    recording = tick_logger.open(str(data))
    for name, exchange in (("binance", first), (US, second)):
        assert exchange.violations == []
        true = {each.trade_id: float(each.price) for each in exchange.truth.sent("BTCUSDT")}
        trades = recording.trades(f"{name}:BTCUSDT", "2026-01-01", "2100-01-01")
        rows = trades.numpy()
        assert len(rows) > 3
        found = dict(zip(rows["id"].tolist(), rows["price"].tolist(), strict=True))
        assert found.items() <= true.items()
        assert trades.proof == "proven"
        assert not recording.book(f"{name}:BTCUSDT", rows["ts"][-1]).broken
    assert set(recording.catalog().polars()["exchange"].to_list()) == {"binance", US}
    replayed = await _first_line("replay", str(data), US, "--port", "0")
    assert replayed.startswith(f"Replaying {US} from ")
    assert "/stream?timeUnit=MICROSECOND" in replayed
    refused = await _said("backfill", str(data), "--exchange", US)
    assert refused.startswith(
        "tick_logger: binance_us cannot be asked: --config must name a file that says by which "
        "entrance\n"
    )


async def _until_there_are_rows(data: Path) -> None:
    """Of both tables at both entrances."""
    for name in ("binance", US):
        for table in ("TRADES/trade_price", "BOOK/price"):
            names = f"{name}/BTCUSDT/{table}.*.bin"
            await trio.to_thread.run_sync(wait_for_rows, data, 200, names)


async def _first_line(*arguments: str) -> str:
    """What a command that goes on says first; it is killed then."""
    process = await trio.lowlevel.open_process(
        command(*arguments), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        said = b""
        with trio.fail_after(ENOUGH_SECS):
            while b"\n" not in said and (more := await process.stdout.receive_some()):
                said += more
    finally:
        process.kill()
        await process.wait()
        await process.stdout.aclose()
    return said.decode().partition("\n")[0]


async def _said(*arguments: str) -> str:
    """What a command says, on both streams."""
    found = await trio.to_thread.run_sync(
        partial(
            subprocess.run,
            command(*arguments),
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=ENOUGH_SECS,
        )
    )
    text: str = found.stdout
    return text
