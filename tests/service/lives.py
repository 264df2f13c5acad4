"""Several lives of the service, one after the other: the same exchanges, the same disk.

The exchanges go on while no service runs.  A life ends in order, or is killed: then nothing of it
runs any more, whatever it was about to do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import attrs
import pytest
import structlog
import trio
from trio.testing import wait_all_tasks_blocked

from tests.fakes.clock import NOON_NS, VirtualClock
from tests.fakes.dial import MemoryDial
from tests.fakes.kept_memory import KeptMemory
from tests.fakes.scheduling import schedule_by
from tests.fakes.sim_disk import Kind, SimDisk
from tests.service.world import Collector, Venue, World
from tick_logger.app import Ports
from tick_logger.config.schema import Config, HttpConfig, LoggerConfig
from tick_logger.errors import ConfigError
from tick_logger.offload import InlineOffload, Offload
from tick_logger.simulator.exchange import SimulatedExchange

DATA_PATH = "nowhere"


@attrs.define(eq=False)
class Lives:
    """What outlives a service."""

    disk: SimDisk
    clock: VirtualClock
    venues: tuple[Venue, ...]
    exchanges: dict[str, SimulatedExchange]
    _nursery: trio.Nursery
    _seed: int
    memory: KeptMemory | None = None
    _count: int = 0
    _scopes: dict[int, trio.CancelScope] = attrs.field(factory=dict)  # by id(world)

    async def begin(
        self, *, offload: Offload | None = None, logger: Mapping[str, Any] | None = None
    ) -> World:
        """Start a service; returns when it runs, or has ended at once (see `World.code`)."""
        world = self._world()
        config, ports = self._given(world, offload, logger)
        scope = self._scopes[id(world)] = trio.CancelScope()

        async def live() -> None:
            with scope:
                await world.record(config, ports)

        self._nursery.start_soon(live)
        await world.started()
        return world

    async def refused(self, *, logger: Mapping[str, Any] | None = None) -> list[tuple[str, str]]:
        """Start a service that refuses its configuration; returns what it says."""
        lines = structlog.get_config()["processors"]
        world = self._world()
        with pytest.raises(ConfigError) as caught:
            await world.record(*self._given(world, None, logger))
        structlog.configure(processors=lines)  # of the one that runs, if any
        return caught.value.problems

    def _given(
        self, world: World, offload: Offload | None, logger: Mapping[str, Any] | None
    ) -> tuple[Config, Ports]:
        self._count += 1
        config = Config(
            logger=LoggerConfig(data_path=DATA_PATH, **(logger or {})),
            http=HttpConfig(enabled=False),
            exchanges={each.name: each.configure() for each in self.venues},
        )
        ports = Ports(
            dial=lambda name, clock: world.dials[name].by(clock),
            clock=self.clock,
            offload=offload or InlineOffload(),
            files=self.disk,
            memory=self.memory,
            rng=Random(self._seed + self._count),
            signals=world.signals,
        )
        return config, ports

    def _world(self) -> World:
        dials = {
            name: MemoryDial(each, self.clock, self._nursery)
            for name, each in self.exchanges.items()
        }
        world = World(self.clock, self.clock, self.disk, self.exchanges, dials, [])
        structlog.configure(processors=[Collector(world.lines)])
        return world

    async def kill(self, world: World, kind: Kind = "kill") -> None:
        """End a service at once, for itself or with the whole machine."""
        self.disk.power_cut_at(self.disk.operations + 1)  # whatever would still touch it raises
        world.unshield()
        self._scopes[id(world)].cancel()
        for dial in world.dials.values():
            for connection in dial.connections:
                await connection.cut()
        await wait_all_tasks_blocked()
        self.disk.crash(Random(self._count), kind)
        if self.memory is not None and kind == "power":
            self.memory.held.clear()

    async def pause(self, secs: float) -> None:
        """Let the exchanges go on while nobody listens."""
        await trio.sleep(secs)


@asynccontextmanager
async def lives(
    *venues: Venue,
    disk: SimDisk | None = None,
    start_ns: int = NOON_NS,
    seed: int = 0,
    memory: KeptMemory | None = None,
) -> AsyncIterator[Lives]:
    """Exchanges that run, and a disk; no service yet.  `memory` outlives services, too."""
    schedule_by(seed)
    clock = VirtualClock(start_ns)
    async with trio.open_nursery() as nursery:
        exchanges = {each.name: each.simulate(clock, seed) for each in venues}
        for exchange in exchanges.values():
            await nursery.start(exchange.run_market)
        try:
            disk = disk or SimDisk(Random(seed))
            yield Lives(disk, clock, venues, exchanges, nursery, seed, memory=memory)
        finally:
            structlog.reset_defaults()
            nursery.cancel_scope.cancel()
