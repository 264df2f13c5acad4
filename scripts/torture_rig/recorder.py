"""The recorder as a process: started as users start it, watched, stopped and killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import attrs
import trio

from scripts.torture_rig.errors import Failed
from scripts.torture_rig.ledger import Ledger

ROOT = Path(__file__).parents[2]
START_PATIENCE_SECS = 60.0
STOP_PATIENCE_SECS = 30.0  # more than the recorder's own deadline for a stop
LOOK_SECS = 0.01
LOG_LINES_SHOWN = 6
COMMAND = f"{sys.executable}\0-m\0tick_logger\0".encode()


@attrs.define
class Recorder:
    """One running process; `pid` is the recorder's own, also under a tracer."""

    process: trio.Process
    pid: int
    start_ns: int
    log: Path
    _ledger: Ledger
    _noted_before: int

    async def flowing(self) -> None:
        """Return when the first row was sent to it."""
        with trio.move_on_after(START_PATIENCE_SECS):
            while self._ledger.noted == self._noted_before:
                self.check_alive()
                await trio.sleep(LOOK_SECS)
            return
        raise Failed(f"no row was asked for within {START_PATIENCE_SECS:g} s{self._said()}")

    def check_alive(self) -> None:
        """Raise `Failed` if it has ended by itself."""
        code = self.process.poll()
        if code is not None:
            raise Failed(f"it ended by itself with {code}{self._said()}")

    async def kill(self) -> int:
        """`kill -9`; returns the time just before, when the process is gone."""
        now_ns = time.time_ns()
        with contextlib.suppress(ProcessLookupError):  # a broken disk may have ended it
            os.kill(self.pid, signal.SIGKILL)
        await self.process.wait()
        return now_ns

    async def terminate(self) -> int:
        """SIGTERM; returns the time just before, when it has ended with 0, else raises."""
        self.check_alive()
        now_ns = time.time_ns()
        os.kill(self.pid, signal.SIGTERM)
        with trio.move_on_after(STOP_PATIENCE_SECS):
            code = await self.process.wait()
            if code != 0:
                raise Failed(f"after SIGTERM it ended with {code}{self._said()}")
            return now_ns
        raise Failed(f"{STOP_PATIENCE_SECS:g} s after SIGTERM it still runs{self._said()}")

    def _said(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        return ": " + " | ".join(lines) if lines else ""


@contextlib.asynccontextmanager
async def recording(
    configuration: Path, data: Path, ledger: Ledger, *, log: Path, tracer: Sequence[str] = ()
) -> AsyncIterator[Recorder]:
    """A recorder from its start to the end of the block, where it is killed if it still runs.

    `tracer` is a command that runs it.
    """
    command = [*tracer, sys.executable, "-m", "tick_logger", "--config", str(configuration)]
    command += ["--data-path", str(data)]
    ledger.life += 1
    noted, start_ns = ledger.noted, time.time_ns()
    with log.open("a") as output:
        process = await trio.lowlevel.open_process(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,  # Ctrl-C is for the torture, which stops it in order
        )  # fmt: skip
    try:
        pid = await _tracee(process) if tracer else process.pid
        yield Recorder(process, pid, start_ns, log, ledger, noted)
    finally:
        with trio.CancelScope(shield=True), contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its own group, made above
            await process.wait()


async def _tracee(tracer: trio.Process) -> int:
    """The process that a tracer runs; it has short-lived helpers too."""
    with trio.move_on_after(START_PATIENCE_SECS):
        while tracer.poll() is None:
            for pid in _children(tracer.pid):
                if _command(pid).startswith(COMMAND):
                    return pid
            await trio.sleep(LOOK_SECS)
    raise Failed("the tracer did not start the recorder")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended
        return b""


async def verify(data: Path, *, deep: bool) -> str:
    """What the recorder's own check has found; empty if every promise holds."""
    command = [sys.executable, "-m", "tick_logger", "verify", str(data)]
    done = await trio.run_process(
        [*command, "--deep"] if deep else command,
        cwd=ROOT, check=False, capture_stdout=True, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode == 0:
        return ""
    lines = done.stdout.decode(errors="replace").splitlines()
    shown = " | ".join([*lines[:LOG_LINES_SHOWN], *lines[LOG_LINES_SHOWN:][-1:]])
    return f"verify ended with {done.returncode}: {shown}"
