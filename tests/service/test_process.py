"""The real thing once: a process with sockets, threads and a disk, stopped by Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ENOUGH_SECS = 60  # for a slow machine; it ends much sooner


def tick_logger(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tick_logger", *arguments]


@pytest.mark.slow
def test_the_demo_is_stopped_by_ctrl_c(tmp_path: Path) -> None:
    """Exit code 0, the last line says that nothing was given up, and verification agrees."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = tick_logger("demo", "--data-path", str(tmp_path), "--duration", str(ENOUGH_SECS))
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as demo:
        try:
            stderr = demo.stderr
            assert stderr is not None
            lines, receiving = [], set()
            for line in stderr:
                lines.append(json.loads(line))
                if lines[-1]["event"] == "connected" and lines[-1]["symbols"]:
                    receiving.add(lines[-1]["exchange"])
                # The one that lists its symbols on a connection is a second behind the other.
                if len(receiving) == 2:
                    break
            demo.send_signal(signal.SIGINT)
            lines += [json.loads(line) for line in stderr]
            assert demo.wait(ENOUGH_SECS) == 0
        finally:
            demo.kill()
    last = lines[-1]
    assert (last["event"], last["exit_code"]) == ("stopped", 0)
    assert (last["messages_dropped"], last["bytes_not_written"]) == (0, 0)
    verified = subprocess.run(
        tick_logger("verify", str(tmp_path), "--json"),
        env=environment,
        capture_output=True,
        text=True,
        timeout=ENOUGH_SECS,
    )
    assert verified.returncode == 0, verified.stdout
    assert json.loads(verified.stdout)["totals"]["rows"] == last["rows"]
