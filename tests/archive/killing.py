"""Waiting for a real process to come to the point at which it is to be killed."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

LOOK_SECS = 0.01

ENOUGH_SECS = 300
"""For a machine that is busy with other tests; it ends much sooner."""


def until(running: subprocess.Popen[str], seen: Callable[[], bool]) -> None:
    """Wait for something while the program runs."""
    began = time.monotonic()
    while not seen():
        assert time.monotonic() - began < ENOUGH_SECS
        assert running.poll() is None, "it has ended before that"
        time.sleep(LOOK_SECS)


def is_packing(root: Path) -> bool:
    """Whether an object is being written in an archive's folder."""
    folder = root / "incoming"
    return folder.is_dir() and any(name.endswith(".part") for name in os.listdir(folder))


def has_step(root: Path, word: str) -> bool:
    """Whether the ledger has a line of this kind."""
    path = root / "meta/ledger.jsonl"
    return path.exists() and f'"step":"{word}"' in path.read_text()
