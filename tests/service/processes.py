"""The program as a process of its own: started, heard, stopped, and its recording verified."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from tick_logger.simulator.registry import DIALECTS

ROOT = Path(__file__).parent.parent.parent
ENOUGH_SECS = 60  # for a slow machine; it ends much sooner
SOME_BYTES = 40  # ten rows of prices
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def command(*arguments: str) -> list[str]:
    """The program with these arguments."""
    return [sys.executable, "-m", "tick_logger", *arguments]


def demo_command(folder: Path) -> list[str]:
    """The demo, recording into a folder."""
    return command("demo", "--data-path", str(folder), "--duration", str(ENOUGH_SECS))


@attrs.define
class Demo:
    """A process, and what it has said."""

    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = attrs.field(factory=list)

    def said(self, event: str) -> list[dict[str, Any]]:
        """Every line about an event, up to now."""
        return [line for line in self.lines if line["event"] == event]

    @property
    def address(self) -> str:
        """Where its status page is, as its log says."""
        (line,) = self.said("serving")
        address: str = line["address"]
        return address

    def receives(self) -> bool:
        """Whether every exchange has a connection for market data."""
        connected = {line["exchange"] for line in self.said("connected") if line["symbols"]}
        return connected == DIALECTS.keys()

    def wait_until_it_receives(self) -> None:
        """Read what it says until then."""
        assert self.process.stderr is not None
        while not self.receives():
            self.lines.append(json.loads(self.process.stderr.readline()))

    def interrupt(self) -> dict[str, Any]:
        """Stop it as Ctrl-C does; returns its last words."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.stderr is not None
        self.lines += [json.loads(line) for line in self.process.stderr]
        assert self.process.wait(ENOUGH_SECS) == 0
        return self.lines[-1]


@contextmanager
def demo(folder: Path) -> Iterator[Demo]:
    """The demo as a process, killed in the end if it still runs."""
    with subprocess.Popen(
        demo_command(folder),
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield Demo(process)
        finally:
            process.kill()


def wait_for_rows(
    folder: Path, size: int = SOME_BYTES, names: str = "*/*/QUOTES/best_bid.*.bin"
) -> Path:
    """A column that has some rows by now."""
    deadline = time.monotonic() + ENOUGH_SECS
    while time.monotonic() < deadline:
        for path in folder.glob(names):
            if path.stat().st_size >= size:
                return path
        time.sleep(0.1)
    raise TimeoutError(f"{names} do not grow")


def wait_for_words(path: Path, words: str) -> None:
    """Until a file has them."""
    deadline = time.monotonic() + ENOUGH_SECS
    while time.monotonic() < deadline:
        if path.exists() and words in path.read_text():
            return
        time.sleep(0.05)
    raise TimeoutError(f"{path} does not say {words}")


def verify(folder: Path) -> dict[str, Any]:
    """What a deep verification says of a folder in which all is well."""
    verified = subprocess.run(
        command("verify", str(folder), "--json", "--deep"),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=ENOUGH_SECS,
    )
    assert verified.returncode == 0, verified.stdout
    report: dict[str, Any] = json.loads(verified.stdout)
    return report
