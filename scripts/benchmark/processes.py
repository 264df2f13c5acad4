"""Child processes that speak JSON lines, and what the kernel says that a process has used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import IO, Any


class Process:
    """A child that speaks JSON lines."""

    def __init__(self, *arguments: str, stderr: IO[str] | None = None) -> None:
        self.child = subprocess.Popen(  # killed by whoever started it
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
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
    """CPU time of all threads of a process, from the scheduler's nanosecond account."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def peak_rss_mib(pid: int) -> float:
    """The largest resident size of a process so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def disk_bytes(pid: int) -> int:
    """Bytes that a process has caused to be written to disks so far, in whole pages."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))
