"""Child processes that speak JSON lines, and what the kernel says that a process has used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

PROCESS_CPU_CLOCK = 2
"""Linux: the low bits of a clock's number if it shows the CPU time of a process."""


class Process:
    """A child that speaks JSON lines; `environment` is what differs from ours."""

    def __init__(
        self,
        *arguments: str,
        stderr: IO[str] | None = None,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.child = subprocess.Popen(  # killed by whoever started it
            [python, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    def hear(self, word: str) -> dict[str, Any]:
        """The next line that has this key."""
        assert self.child.stdout is not None
        for line in self.child.stdout:
            said: dict[str, Any] = json.loads(line)
            if word in said:
                return said
        raise SystemExit(f"the process ended before it said {word!r}")

    def go(self, word: str = "") -> None:
        """Send a line."""
        assert self.child.stdin is not None
        self.child.stdin.write(word + "\n")
        self.child.stdin.flush()


def say(**words: object) -> None:
    """One JSON line to whoever started this process."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def cpu_secs(pid: int) -> float:
    """CPU time of a process so far, to the nanosecond; that of threads which have ended too."""
    return time.clock_gettime(~pid << 3 | PROCESS_CPU_CLOCK)


def peak_rss_mib(pid: int) -> float:
    """The largest resident size of a process so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def disk_bytes(pid: int) -> int:
    """Bytes that a process has caused to be written to disks so far, in whole pages."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))
