"""A second process on a directory that one records into: it must be turned away, and do nothing."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import trio

from tests.fakes.signals import FakeSignals
from tests.fakes.sim_disk import SYNCS, WRITES
from tests.sim.disk import StoryDisk
from tick_logger.app import Ports, Service, record
from tick_logger.clock import MachineClock
from tick_logger.config.schema import Config
from tick_logger.errors import ConfigError
from tick_logger.net.wire.dial import Dial
from tick_logger.offload import InlineOffload

REFUSAL_SECS = 1.0
"""In which a process that may not record has ended."""


class DiskBeside(StoryDisk):
    """The files of a disk as a second process has them, which has locks of its own.

    `changes` are the operations by which it changed, or tried to change, anything.
    """

    def __init__(self, disk: StoryDisk) -> None:
        super().__init__(Random(0))
        self.changes: list[tuple[str, str]] = []
        self.contents = disk.contents
        self._locked = set(disk._locked)
        self._folders = disk._folders
        self._unsynced, self._new_names = disk._unsynced, disk._new_names
        self._removed, self._lost = disk._removed, disk._lost

    def _mishap(self, operation: str, path: str) -> BaseException | None:
        if operation in (*WRITES, *SYNCS) and operation != "lock":
            self.changes.append((operation, path))
        return super()._mishap(operation, path)


async def misdeeds(
    config: Config, dials: Mapping[str, Dial], disk: StoryDisk, clock: MachineClock
) -> list[str]:
    """Start it; what it did beside ending with a configuration error."""
    files = DiskBeside(disk)
    ports = Ports(
        dial=lambda name, _clock: dials[name],
        clock=clock,
        offload=InlineOffload(),
        files=files,
        rng=Random(0),
        signals=FakeSignals(),
    )
    refused = False
    with trio.move_on_after(REFUSAL_SECS):
        try:
            await record(config, ports=ports, show=_show)
        except ConfigError:
            refused = True
    found = [] if refused else ["a second process was not refused"]
    return found + [f"a second process did {operation} {path}" for operation, path in files.changes]


async def _show(_: Service) -> None:
    """Nobody looks."""
