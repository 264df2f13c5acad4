"""The simulated exchanges on loopback sockets, and a ledger that overhears what they send.

They run in this process and go on through all deaths of the recorder, as real ones do.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from functools import partial

import attrs
import trio

from scripts.torture_rig.ledger import Ledger
from scripts.torture_rig.queues import Tape
from scripts.torture_rig.rows import NEVER_NS
from tick_logger.clock import SystemClock
from tick_logger.simulator.exchange import Settings, SimulatedExchange
from tick_logger.simulator.faults import Faults

TRUTH_KEPT = 100  # trades per symbol that the exchange itself remembers: the ledger is the truth
FEEDS = {"coinbase": ("ticker", "trades"), "binance": ("ticker", "trades")}
MORE_FEEDS = {
    "coinbase": (("BTC-USD", "ETH-USD", "SOL-USD"), ("ticker", "trades", "orderbook")),
    "binance": (
        ("BTCUSDT", "ETHUSDT", "SOLUSDT"),
        ("ticker", "trades", "quotes", "orderbook"),
    ),
}
"""Busy symbols of which more is recorded than of the others."""


class Overheard(trio.abc.Stream):
    """A client's connection whose outgoing bytes go into a ledger.

    What the kernel still takes for a process that is dead already was sent to nobody.
    """

    def __init__(self, inner: trio.abc.Stream, ledger: Ledger, exchange: str, tape: Tape) -> None:
        self._inner = inner
        self._ledger = ledger
        self._tape = tape
        self._life = ledger.life
        self._exchange = exchange

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, and note when the kernel had taken all of it."""
        sent_ns = NEVER_NS
        try:
            await self._inner.send_all(data)
            self._tape.sent_bytes += len(data)
            if self._life == self._ledger.life:
                sent_ns = time.time_ns()
        finally:
            for stream, record in self._ledger.note(self._exchange, data, sent_ns):
                if sent_ns != NEVER_NS:
                    self._tape.messages.append((self._tape.sent_bytes, sent_ns, stream, record))

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the connection takes more bytes."""
        await self._inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """What the client says."""
        return await self._inner.receive_some(max_bytes)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._inner.aclose()


@attrs.define
class Venues:
    """The exchanges by name with their ports; `ledger` is replaced for each directory."""

    ports: dict[str, int] = attrs.Factory(dict)
    ledger: Ledger = attrs.Factory(Ledger)
    tapes: dict[int, Tape] = attrs.Factory(dict)
    """By the port of the client, the newest connection."""

    def configuration(self) -> str:
        """The recorder's configuration of the exchanges, as TOML."""
        return "\n".join(self._exchange(name, port) for name, port in self.ports.items())

    def _exchange(self, name: str, port: int) -> str:
        symbols, feeds = MORE_FEEDS[name]
        return f"""
[exchanges.{name}]
ws_endpoint = "ws://127.0.0.1:{port}"
rest_endpoint = "http://127.0.0.1:{port}"
feeds = {list(FEEDS[name])}
connects_per_second = 100.0
backfill = false  # the ledger has only what was sent on connections
reconnect_initial_secs = 0.1
reconnect_max_secs = 1.0
[[exchanges.{name}.markets]]
symbols = {list(symbols)}
feeds = {list(feeds)}
"""


@contextlib.asynccontextmanager
async def open_venues(
    rate: float, seed: int, faults: Faults | None = None
) -> AsyncIterator[Venues]:
    """Run all exchanges, together at up to `rate` messages a second if all feeds are recorded."""
    venues = Venues()
    async with trio.open_nursery() as nursery:
        for number, name in enumerate(FEEDS):
            exchange = SimulatedExchange(
                name,
                messages_per_second=rate / len(FEEDS),
                clock=SystemClock(),
                seed=seed + number,
                faults=faults,
                settings=Settings(truth_trades_per_symbol=TRUTH_KEPT),
            )
            serve = partial(_serve, exchange, venues, name)
            listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
            venues.ports[name] = listeners[0].socket.getsockname()[1]
            await nursery.start(exchange.run_market)
        yield venues
        nursery.cancel_scope.cancel("the torture is over")


async def _serve(
    exchange: SimulatedExchange, venues: Venues, name: str, stream: trio.SocketStream
) -> None:
    port = stream.socket.getpeername()[1]
    tape = venues.tapes[port] = Tape(port)
    await exchange.serve_stream(Overheard(stream, venues.ledger, name, tape))
