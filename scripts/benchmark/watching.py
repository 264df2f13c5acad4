"""What being watched costs: the same recorder, unwatched and watched in turn.

Two recorders differ by more than is looked for here, and so does one an hour later.  So a single
one is measured, in pairs of windows next to each other: one in which nobody asks it anything, and
one with an audience (see `audience`), whose own CPU time does not count.  Every other pair begins
with the audience, so that what grows all the time favours neither.  Pages are opened and closed
between the windows.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from scripts.benchmark.processes import Process, cpu_secs

PAIRS = 3
TURN_SECS = 2.0
"""For coming and leaving; a whole number of flush intervals, as the windows should be."""
PATIENCE_SECS = 10.0

Shares = dict[bool, list[float]]
"""CPU seconds per second: the windows without and with an audience, which are pairs."""


def duration_secs(seconds: float) -> float:
    """How long it takes to watch for so many seconds, and not to watch for as many."""
    return 2 * (seconds + PAIRS * TURN_SECS)


def served_at(log: Path) -> str:
    """The address that a recorder names in its log."""
    patience = time.monotonic() + PATIENCE_SECS
    while time.monotonic() < patience:
        said = [json.loads(line) for line in log.read_text().split("\n")[:-1]]
        found = [line["address"] for line in said if line["event"] == "serving"]
        if found:
            return str(found[0])
        time.sleep(0.1)
    raise SystemExit("the recorder does not say where it can be watched")


def compare(pid: int, address: str, begun: float, seconds: float) -> Shares:
    """Measure a process from `begun` (Unix time) on, for `duration_secs`."""
    audience = Process("-m", "scripts.benchmark.audience", address)
    secs, until = seconds / PAIRS, begun
    shares: Shares = {False: [], True: []}
    try:
        for number in range(2 * PAIRS):
            watched = number % 4 in (1, 2)
            until += TURN_SECS + secs
            if watched:
                audience.go()
                audience.hear("watching")
            shares[watched].append(window(pid, until, secs))
            if watched:
                audience.go()
                check(audience.hear("left"), int(secs))
    finally:
        audience.child.kill()
    return shares


def window(pid: int, until: float, secs: float) -> float:
    """CPU seconds per second in the window that ends at a moment (Unix time)."""
    wait = until - secs - time.time()
    if wait < 0:
        raise SystemExit(f"coming and leaving took {-wait:.1f} s longer than there is time for it")
    time.sleep(wait)
    began, before = time.monotonic(), cpu_secs(pid)
    time.sleep(until - time.time())
    used, ended = cpu_secs(pid) - before, time.monotonic()
    return used / (ended - began)


def check(told: dict[str, Any], secs: int) -> None:
    """That somebody did watch: `SystemExit` unless everyone was told something each second."""
    if min(*told["statuses"], told["scrapes"]) < secs:
        raise SystemExit(f"the recorder told its audience too little in {secs} s: {told}")


def figures(shares: Shares, rate: float) -> dict[str, float]:
    """Medians of the windows, and of the changes from one to the other of a pair."""
    unwatched, watched = (np.array(shares[kind]) for kind in (False, True))
    changes = (watched / unwatched - 1) * 100
    return {
        "us_per_message": float(np.median(watched)) / rate * 1e6,
        "core_share_percent": float(np.median(watched)) * 100,
        "unwatched_us": float(np.median(unwatched)) / rate * 1e6,
        "change_percent": float(np.median(changes)),
        "change_least_percent": float(changes.min()),
        "change_most_percent": float(changes.max()),
    }
