"""The real thing: processes with sockets, threads and a disk, stopped, killed, and refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from tick_logger.simulator.registry import DIALECTS

ROOT = Path(__file__).parent.parent.parent
ENOUGH_SECS = 60  # for a slow machine; it ends much sooner
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}

pytestmark = pytest.mark.slow


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tick_logger", *arguments]


def demo_command(folder: Path) -> list[str]:
    return command("demo", "--data-path", str(folder), "--duration", str(ENOUGH_SECS))


@attrs.define
class Demo:
    """A process, and what it has said."""

    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = attrs.field(factory=list)

    def said(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]

    def receives(self) -> bool:
        """Whether every exchange has a connection for market data."""
        connected = {line["exchange"] for line in self.said("connected") if line["symbols"]}
        return connected == DIALECTS.keys()

    def wait_until_it_receives(self) -> None:
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


def test_the_demo_is_stopped_by_ctrl_c(tmp_path: Path) -> None:
    """Exit code 0, the last line says that nothing was given up, and verification agrees."""
    with demo(tmp_path) as running:
        running.wait_until_it_receives()
        last = running.interrupt()
    assert (last["event"], last["exit_code"]) == ("stopped", 0)
    assert (last["messages_dropped"], last["bytes_not_written"]) == (0, 0)
    assert verify(tmp_path)["totals"]["rows"] == last["rows"]


def test_the_demo_is_killed_and_started_again(tmp_path: Path) -> None:
    """What it had received is recovered, the pause is in the gap records, and it goes on."""
    with demo(tmp_path) as killed:
        killed.wait_until_it_receives()
        killed.process.kill()
        assert killed.process.wait(ENOUGH_SECS) == -signal.SIGKILL
    with demo(tmp_path) as restarted:
        restarted.wait_until_it_receives()
        last = restarted.interrupt()
    (recovered,) = restarted.said("recovered_from_a_crash")
    assert recovered["messages_replayed"] > 0
    assert verify(tmp_path)["totals"]["rows"] >= recovered["rows_recovered"] + last["rows"]
    gaps = [
        json.loads(line)
        for path in tmp_path.rglob("gaps.*.jsonl")
        for line in path.read_text().splitlines()[1:]  # the first is about no hole
    ]
    assert "crash" in {gap["cause"] for gap in gaps}  # a busy machine may add others


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    """With exit code 2 and a calm word about the directory; the first does not notice."""
    with demo(tmp_path) as running:
        running.wait_until_it_receives()
        second = subprocess.run(
            demo_command(tmp_path),
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=ENOUGH_SECS,
        )
        assert second.returncode == 2
        *_, title, reason = second.stderr.splitlines()
        assert title == "tick_logger did not start:"
        assert f"another process records into {tmp_path}" in reason
        assert f"its number is {running.process.pid}" in reason
        running.interrupt()
    verify(tmp_path)
