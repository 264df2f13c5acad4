"""The two processes of a case: the simulated venues, and the recorder as users start it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import trio

ROOT = Path(__file__).parents[2]
RESOLVER = Path(__file__).parent / "resolver"
STOP_PATIENCE_SECS = 40.0  # more than the recorder's own deadline for a stop
SAID_LINES = 4
_RECEIVE_BYTES = 64 * 1024


class Failed(Exception):
    """A case that did not go as it must for its figures to mean anything; says why."""


@attrs.define
class VenuesProcess:
    """The venues of a case, at their ports on loopback; `authority` is who issued their TLS."""

    process: trio.Process
    ports: Mapping[str, int] = attrs.Factory(dict)
    rest_ports: Mapping[str, int] = attrs.Factory(dict)
    authority: str = ""
    _rest: bytes = b""

    async def do(self, what: str, **order: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Give an order, and return the answer."""
        assert self.process.stdin is not None
        await self.process.stdin.send_all(json.dumps({"do": what, **order}).encode() + b"\n")
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        """The next line that the process says."""
        assert self.process.stdout is not None
        while b"\n" not in self._rest:
            data = await self.process.stdout.receive_some(_RECEIVE_BYTES)
            if not data:
                raise Failed("the simulated venues have ended by themselves")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        return said


@contextlib.asynccontextmanager
async def open_venues(asked: Mapping[str, Any]) -> AsyncIterator[VenuesProcess]:
    """The venues that are asked for (see `venues`), until the end of the block."""
    command = [sys.executable, "-m", "scripts.faults_rig.venues", json.dumps(asked)]
    process = await trio.lowlevel.open_process(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        venues = VenuesProcess(process)
        said = await venues.hear()
        venues.ports, venues.rest_ports = said["ports"], said["rest_ports"]
        venues.authority = said["authority"]
        yield venues
    finally:
        await _end(process)


@attrs.define
class Recorder:
    """The recorder in one data directory, through all its processes."""

    configuration: Path
    data: Path
    log: Path
    resolver_off: Path  # while this file is there, no name is known
    process: trio.Process | None = None

    async def start(self) -> None:
        """Start it, as a user does."""
        command = [sys.executable, "-m", "tick_logger", "--config", str(self.configuration)]
        command += ["--data-path", str(self.data)]
        environment = {
            **os.environ,
            "PYTHONPATH": f"{RESOLVER}:{ROOT}",
            "FAULTS_RESOLVER_OFF": str(self.resolver_off),
        }
        with self.log.open("a") as output:
            self.process = await trio.lowlevel.open_process(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=environment, start_new_session=True,
            )  # fmt: skip

    def check_alive(self) -> None:
        """Raise `Failed` if it has ended by itself."""
        assert self.process is not None
        code = self.process.poll()
        if code is not None:
            raise Failed(f"it ended by itself with {code}{self._said()}")

    async def kill(self) -> None:
        """`kill -9`."""
        assert self.process is not None
        await _end(self.process)

    async def stop(self) -> None:
        """SIGTERM; raises `Failed` if that does not end it with 0."""
        self.check_alive()
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        with trio.move_on_after(STOP_PATIENCE_SECS):
            code = await self.process.wait()
            if code != 0:
                raise Failed(f"after SIGTERM it ended with {code}{self._said()}")
            return
        raise Failed(f"{STOP_PATIENCE_SECS:g} s after SIGTERM it still runs{self._said()}")

    def _said(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-SAID_LINES:]
        return ": " + " | ".join(lines) if lines else ""


async def _end(process: trio.Process) -> None:
    with trio.CancelScope(shield=True), contextlib.suppress(ProcessLookupError):
        process.kill()
        await process.wait()
