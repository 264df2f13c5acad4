"""The whole service in virtual time: simulated exchanges, memory for a network and for a disk.

Virtual time stands still while any task can run, so whatever an exchange has sent before a moment
of virtual time has been received by then: what must be on disk can be said to the message.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Never, TypeAlias, TypeVar

import attrs
import structlog
import trio
import trio.testing

from tests.fakes.clock import NOON_NS, VirtualClock
from tests.fakes.dial import MemoryDial
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.scheduling import schedule_by
from tests.fakes.signals import FakeSignals
from tests.fakes.simulated import simulated
from tick_logger.app import Ports, Service, record
from tick_logger.config.schema import (
    ArchiveConfig,
    Config,
    ExchangeConfig,
    HttpConfig,
    LoggerConfig,
    MarketConfig,
)
from tick_logger.exchanges import registry
from tick_logger.model.tables import Table
from tick_logger.offload import InlineOffload, Offload
from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.registry import DIALECTS
from tick_logger.simulator.session import Session

LONGEST_END_SECS = 100.0
"""Virtual seconds after which a service that should end counts as hanging."""

T = TypeVar("T")
Line = Mapping[str, Any]


@attrs.frozen(kw_only=True)
class Venue:
    """A simulated exchange (options of `simulated`) and how the service records it."""

    name: str
    symbols: tuple[str, ...]
    feeds: tuple[str, ...] = ("ticker", "trades")
    simulated: Mapping[str, Any] = attrs.field(factory=dict)
    config: Mapping[str, Any] = attrs.field(factory=dict)
    markets: tuple[MarketConfig, ...] = ()
    adapter: str = ""  # where the name is that of another entrance

    def simulate(self, clock: VirtualClock, seed: int) -> SimulatedExchange:
        """The exchange; by default 10 messages a second and symbol, in steps of 100 ms."""
        options: dict[str, Any] = {
            "messages_per_second": 10.0 * len(self.symbols),
            "step_secs": 0.1,
            "book_levels": 10,
            **self.simulated,
        }
        exchange = simulated(self.kind, symbols=self.symbols, clock=clock, seed=seed, **options)
        exchange.name = self.name
        return exchange

    @property
    def kind(self) -> str:
        """Whose venue it is."""
        return self.adapter or self.name

    def configure(self) -> ExchangeConfig:
        """The service's settings."""
        # What is missing is looked at as it was left; that it is filled has tests of its own.
        settings: dict[str, Any] = {
            "connects_per_second": 10.0,
            "backfill": False,
            **self.config,
        }
        return ExchangeConfig(
            ws_endpoint="ws://venue.test",
            rest_endpoint="http://venue.test",
            feeds=self.feeds,
            markets=self.markets,
            adapter=self.adapter,
            **settings,
        )


def binance(*symbols: str, **changes: Any) -> Venue:  # noqa: ANN401 - what `Venue` takes
    """One that names requests, pings, and ends connections after a day."""
    return Venue(name="binance", symbols=symbols or ("BTCUSDT", "ETHUSDT"), **changes)


def coinbase(*symbols: str, **changes: Any) -> Venue:  # noqa: ANN401 - what `Venue` takes
    """One that tells its newest trade ids, and lists its symbols on a channel."""
    return Venue(name="coinbase", symbols=symbols or ("BTC-USD", "ETH-USD"), **changes)


VenueMaker: TypeAlias = Callable[..., Venue]
"""One of the two."""


def venue(name: str, symbols: int, **changes: Any) -> Venue:  # noqa: ANN401 - what `Venue` takes
    """Any venue that can be simulated, with so many symbols in its own spelling."""
    return Venue(name=name, symbols=tuple(DIALECTS[name].symbols[:symbols]), **changes)


@attrs.define(eq=False)
class World:
    """A running service and everything around it.

    The exchanges go by `venue_clock`, the service by `clock`.
    """

    clock: VirtualClock
    venue_clock: VirtualClock
    files: MemoryFiles
    exchanges: dict[str, SimulatedExchange]
    dials: dict[str, MemoryDial]
    lines: list[Line]
    began: float = attrs.field(factory=trio.current_time)
    stopped_ns: int = 0  # venue's time at which the service began to stop
    signals: FakeSignals = attrs.field(factory=FakeSignals)
    unsent: bytes = b""  # what simulated mishaps held back at that moment
    code: int | None = None
    _service: Service | None = None
    _started: trio.Event = attrs.field(factory=trio.Event)
    _ended: trio.Event = attrs.field(factory=trio.Event)

    @property
    def service(self) -> Service:
        """The service, once it runs."""
        assert self._service is not None
        return self._service

    @property
    def exchange(self) -> SimulatedExchange:
        """The only exchange."""
        (exchange,) = self.exchanges.values()
        return exchange

    @property
    def dial(self) -> MemoryDial:
        """The dial of the only exchange."""
        (dial,) = self.dials.values()
        return dial

    @property
    def elapsed(self) -> float:
        """Virtual seconds since the start."""
        return trio.current_time() - self.began

    async def until(self, secs: float) -> None:
        """Wait for a moment, in virtual seconds since the start."""
        await trio.sleep_until(self.began + secs)

    async def stop(self) -> int:
        """Stop the service as a signal does; returns its exit code."""
        self.note_stop()
        self.service.stop("the test has seen enough")
        return await self.end()

    def note_stop(self) -> None:
        """What the exchanges send from now on need not be recorded."""
        self.stopped_ns = self.venue_clock.now_ns()
        self.unsent = b"".join(
            frame
            for exchange in self.exchanges.values()
            for client in exchange._hub.clients
            if isinstance(client, Session)
            for frame in (*client._queue, client._delivery._held or b"")
        )

    async def end(self) -> int:
        """Wait for the service to end by itself; returns its exit code."""
        with trio.fail_after(LONGEST_END_SECS):
            await self._ended.wait()
        assert self.code is not None
        return self.code

    def unshield(self) -> None:
        """Let a service that hangs be cancelled, so that its test fails instead."""
        if self._service is not None:
            for scope in self.service._survivors:
                scope.shield = False

    def metric(self, name: str, exchange: str | None = None) -> float:
        """A sample, such as `reconnects_total`, of the only exchange or of a named one."""
        chosen = next(iter(self.exchanges)) if exchange is None else exchange
        return self.service.metrics.read(f"collector_{name}", chosen)

    def said(self, event: str, **values: object) -> list[Line]:
        """The log lines of this event that have these values."""
        return [
            line for line in self.lines if line["event"] == event and values.items() <= line.items()
        ]

    def times(self, event: str, **values: object) -> list[float]:
        """When they were written, in virtual seconds since the start."""
        return [seconds(line["at"] - self.began) for line in self.said(event, **values)]

    async def record(self, config: Config, ports: Ports) -> None:
        """Run the service, and note its exit code."""
        self.code = await record(config, ports=ports, show=self._show)
        self._started.set()
        self._ended.set()

    async def _show(self, service: Service) -> None:
        self._service = service
        self._started.set()

    async def started(self) -> None:
        """Wait until there is a service, or an exit code instead."""
        with trio.fail_after(LONGEST_END_SECS):
            await self._started.wait()


@asynccontextmanager
async def running(
    *venues: Venue,
    logger: Mapping[str, Any] | None = None,
    archive: ArchiveConfig = ArchiveConfig(),  # noqa: B008 - it is immutable
    http: HttpConfig = HttpConfig(enabled=False),  # noqa: B008 - it is immutable
    start_ns: int = NOON_NS,
    off_secs: float = 0.0,
    files: MemoryFiles | None = None,
    offload: Offload | None = None,
    seed: int = 0,
    dial: Callable[[SimulatedExchange, VirtualClock, trio.Nursery], MemoryDial] = MemoryDial,
) -> AsyncIterator[World]:
    """A world whose service has just started; at the end of the block it is stopped.

    Equal seeds give equal worlds: markets, mishaps, waits, and the order of tasks.
    """
    schedule_by(seed)
    clock, venue_clock = VirtualClock(start_ns), VirtualClock(start_ns)
    clock.step(off_secs)
    async with trio.open_nursery() as nursery:
        exchanges = {each.name: each.simulate(venue_clock, seed) for each in venues}
        dials = {name: dial(each, clock, nursery) for name, each in exchanges.items()}
        world = World(clock, venue_clock, files or MemoryFiles(), exchanges, dials, [])
        config = Config(
            logger=LoggerConfig(data_path="nowhere", **(logger or {})),
            http=http,
            archive=archive,
            exchanges={each.name: each.configure() for each in venues},
        )
        ports = Ports(
            dial=lambda name, clock: dials[name].by(clock),
            clock=clock,
            offload=offload or InlineOffload(),
            files=world.files,
            rng=Random(seed),
            signals=world.signals,
        )
        structlog.configure(processors=[Collector(world.lines)])
        try:
            for exchange in exchanges.values():
                await nursery.start(exchange.run_market)
            nursery.start_soon(world.record, config, ports)
            await world.started()
            yield world
            if world.code is None:
                await world.stop()
        finally:
            structlog.reset_defaults()
            world.unshield()
        nursery.cancel_scope.cancel()


def in_virtual_time(work: Callable[..., Awaitable[T]], *arguments: object) -> T:
    """The result of `work(*arguments)` in a run of its own, which begins at second zero.

    Raises `KeyboardInterrupt` alone, in no group, because only so it ends the tests.
    """
    clock = trio.testing.MockClock(autojump_threshold=0)
    try:
        return trio.run(work, *arguments, clock=clock)
    except BaseExceptionGroup as group:
        if group.subgroup(KeyboardInterrupt) is not None:
            raise KeyboardInterrupt from group
        raise


class Collector:
    """A log processor that keeps every line with its virtual time, and shows none."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines

    def __call__(self, _logger: object, method: str, event: MutableMapping[str, Any]) -> Never:
        self._lines.append({**event, "level": method, "at": trio.current_time()})
        raise structlog.DropEvent


def seconds(secs: float) -> float:
    """Virtual seconds without the noise of adding floats."""
    return math.floor(secs * 1000 + 0.5) / 1000


def dense(exchange: str, table: Table) -> bool:
    """Whether the ids of a table rise by one."""
    return registry.has_dense_ids(exchange, table)
