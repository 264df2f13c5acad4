"""The trace of a story: all that two tellings of it must have in common, step by step.

Where two traces part, the first step that differs says when, and what was done there.  As a program
it traces the seeds that it is given, and disturbs the telling: other stories come before, another
thread is busy, and garbage is collected very often.  The environment gives other hashes of strings.
"""

from __future__ import annotations

import gc
import itertools
import json
import sys
import threading
from collections.abc import Iterable
from random import Random
from zlib import crc32

import trio
from trio._core import _run

from tests.sim.disk import StoryDisk
from tests.sim.plan import draw
from tests.sim.world import tell

ANOTHER_SEED = 1000
"""Of the stories that are told in between."""

CONTAINERS_PER_COLLECTION = 100

SWITCH_INTERVAL_SECS = 0.0001
"""Between threads: many times within a step of a story."""


class TracedDisk(StoryDisk):
    """Notes each operation: when it was, what it wrote, and how often tasks were put in order."""

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self.steps: list[str] = []

    def _mishap(self, operation: str, path: str) -> BaseException | None:
        self.steps.append(f"{trio.current_time()!r} {operation} {path} {luck()}")
        return super()._mishap(operation, path)

    def _grow(self, path: str, data: bytes | memoryview) -> None:
        self.steps.append(f"{len(data)} bytes, {crc32(data):08x}")
        super()._grow(path, data)


def luck() -> int:
    """A number for the state of the generator that orders trio's tasks."""
    return hash(_run._r.getstate()[1])  # of integers, whose hashes are the same everywhere


def trace(seed: int) -> list[str]:
    """The steps of this seed's story, the newest log lines of all processes, and what is left."""
    disk = TracedDisk(Random(f"disk {seed}"))
    world = tell(draw(seed), disk)
    lines = [repr(sorted(line.items())) for line in world.lines]
    files = [
        f"{path} {len(data)} bytes, {crc32(data):08x}"
        for path, data in sorted(disk.contents.items())
    ]
    counts = [repr(sorted(counted.items())) for counted in (world.counts, world.events)]
    return [*disk.steps, *lines, *files, *counts, f"{disk.operations} operations, {luck()}"]


def parting(one: list[str], other: list[str]) -> tuple[str | None, str | None] | None:
    """The first steps that differ; None if none does."""
    pairs = itertools.zip_longest(one, other)
    return next((pair for pair in pairs if pair[0] != pair[1]), None)


def disturbed(seeds: Iterable[int]) -> dict[int, list[str]]:
    """Their traces, the last seed first."""
    over = threading.Event()
    threading.Thread(target=_be_busy, args=[over], daemon=True).start()
    gc.set_threshold(CONTAINERS_PER_COLLECTION)
    sys.setswitchinterval(SWITCH_INTERVAL_SECS)
    try:
        found = {}
        for seed in sorted(seeds, reverse=True):
            trace(ANOTHER_SEED + seed)
            found[seed] = trace(seed)
        return found
    finally:
        over.set()


def _be_busy(over: threading.Event) -> None:
    while not over.is_set():
        sum(range(1000))


if __name__ == "__main__":
    json.dump(disturbed(map(int, sys.argv[1:])), sys.stdout)
