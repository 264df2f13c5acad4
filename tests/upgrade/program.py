"""All that the upgrade tests know of the program: what is renamed there is followed here alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tests.fakes.memory_files import MemoryFiles
from tests.service.world import Venue, in_virtual_time, running
from tick_logger.clock import SystemClock
from tick_logger.derive.recovery import recover_directory
from tick_logger.exchanges import registry
from tick_logger.simulator.exchange import Settings, SimulatedExchange
from tick_logger.simulator.faults import Faults

__all__ = [
    "Faults",
    "Settings",
    "SimulatedExchange",
    "SystemClock",
    "command",
    "feeds_of",
    "go_on",
    "path_of",
    "recover",
    "run",
]

ROOT = Path(__file__).parent.parent.parent
ENOUGH_SECS = 60


def command(*arguments: str) -> list[str]:
    """The program with these arguments."""
    return [sys.executable, "-m", "tick_logger", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The program with these arguments, after its end."""
    return subprocess.run(
        command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=ENOUGH_SECS
    )


def recover(files: MemoryFiles, now_ns: int) -> None:
    """Bring files in memory up to date, as the command `recover` does."""
    recover_directory(
        files, "memory", now_ns, accept_damage=False, on_progress=lambda _messages, _share: None
    )


def go_on(
    files: MemoryFiles,
    venues: Mapping[str, Sequence[str]],
    *,
    start_ns: int,
    secs: float,
    seed: int,
) -> int:
    """Record so long into files in memory, and stop; returns the exit code.

    `venues` are simulated exchanges and their symbols.  The service is the whole one, in virtual
    time, and `start_ns` is what the wall clocks show at its start.
    """

    async def live() -> int:
        simulated = [
            Venue(name=name, symbols=tuple(symbols), feeds=tuple(feeds_of(name)))
            for name, symbols in venues.items()
        ]
        async with running(*simulated, files=files, start_ns=start_ns, seed=seed) as world:
            await world.until(secs)
            return await world.stop()

    return in_virtual_time(live)


def feeds_of(exchange: str) -> list[str]:
    """All that can be recorded of an exchange."""
    return sorted(registry.get(exchange).feeds)


def path_of(exchange: str) -> str:
    """Where on its server the feed of an exchange is."""
    return urlsplit(registry.get(exchange).ws_endpoint).path
