"""What a measured recorder shows beside its CPU: late receive times, wake-ups, work done twice.

From its column files, its log and the kernel's account of its process; nothing here disturbs it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

PERCENTILES = {"recv_p50_ms": 50, "recv_p99_ms": 99}


def wake_ups(pid: int) -> int:
    """How often the threads of a process went to sleep, and so were woken, since it began."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                total += int(line.split()[1])
    return total


def receipt(folders: Iterable[Path], prefix: str, since: float) -> dict[str, float]:
    """How long after its sending a row was received by its own account, in ms.

    `folders` hold the columns of one table each, `prefix` begins the names of its event time; rows
    sent before `since` (Unix time) do not count.  The least is below zero if a time is too early.
    """
    parts = [*_delays(folders, prefix, since)]
    if not sum(map(len, parts)):
        return {}
    delays = np.concatenate(parts) * 1e3
    found = {name: float(np.percentile(delays, at)) for name, at in PERCENTILES.items()}
    return found | {"recv_least_ms": float(delays.min())}


def _delays(folders: Iterable[Path], prefix: str, since: float) -> Iterator[np.ndarray]:
    for folder in folders:
        for sent in folder.glob(f"{prefix}time.*.bin"):
            day = sent.name.removeprefix(f"{prefix}time.")
            names = f"{prefix}time", f"{prefix}nanos", "recv_time", "recv_nanos"
            secs, nanos, recv_secs, recv_nanos = (
                np.fromfile(folder / f"{name}.{day}", "<u4").astype(np.int64) for name in names
            )
            ns = (recv_secs - secs) * 10**9 + recv_nanos - nanos
            yield ns[secs + nanos / 1e9 >= since] / 1e9


def said(log: Path) -> dict[str, float]:
    """How often column files fell behind (rows are then decoded twice), or the buffer was full."""
    events = [json.loads(line)["event"] for line in log.read_text().split("\n")[:-1]]
    return {"behind": events.count("behind"), "overflows": events.count("overflow")}
