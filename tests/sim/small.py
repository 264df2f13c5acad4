"""A story so small that whatever can happen in it can be tried, and the disk that it is told on.

It has all that a first life can have: several checkpoints, two days, and segments of the journal
that fill up and, if they are not kept, are removed.
"""

from __future__ import annotations

from functools import cache
from random import Random

import attrs
import trio

from tests.fakes.sim_disk import Kind
from tests.service.world import binance
from tests.sim.disk import StoryDisk
from tests.sim.oracle import judge
from tests.sim.plan import MIDNIGHT_NS, Life, Story
from tests.sim.world import tell

FULL_SECS = 1.5
"""How long there is no space: the second attempt, or the third one, has it again."""

KEPT = Story(
    seed=0,
    start_ns=MIDNIGHT_NS - 2_123_456_789,
    venues=(
        binance(
            "BTCUSDT",
            feeds=("trades",),
            simulated={"messages_per_second": 8.0, "step_secs": 0.5, "book_levels": 2},
        ),
    ),
    logger={
        "flush_interval_secs": 1.0,
        "persist_interval_secs": 1.0,
        "checkpoint_interval_secs": 1.5,
        "linger_ms": 20,
        "price_dtype": "f4+rest",
        "journal_keep_hours": 24.0,
        "journal_keep_mib": 1024,
        "shutdown_timeout_secs": 10.0,
        "buffer_limit_mib": 16,
    },
    segment_bytes=900,
    lives=(Life(4.53, "stop", 0.5), Life(1.6, "stop")),
    troubles=(),
)
REMOVED = attrs.evolve(
    KEPT, logger={**KEPT.logger, "journal_keep_hours": 0.0, "journal_keep_mib": 0}
)
SHORT_SEGMENTS = attrs.evolve(REMOVED, segment_bytes=300)
"""As `REMOVED`, but every checkpoint after the first lets segments go."""

STORIES = {"kept": KEPT, "removed": REMOVED, "short segments": SHORT_SEGMENTS}


class Disk(StoryDisk):
    """Notes its operations, and can run out of space at one of them.

    What is left of operations and after power cuts is drawn from `number`.
    """

    def __init__(self, number: int = 0) -> None:
        super().__init__(Random(f"disk {number}"))
        self._luck = Random(f"crashes {number}")
        self.trace: list[tuple[str, str]] = []
        self._full_at = 0
        self._full_until = 0.0

    def fill_at(self, number: int) -> None:
        """Half of this append has room, and then nothing has for a while."""
        self._full_at = number

    def crash(self, rng: Random, kind: Kind = "power") -> None:
        """As that of `SimDisk`, but with other luck in each story: their seeds are all the same."""
        del rng
        super().crash(self._luck, kind)

    def append(self, path: str, data: bytes | memoryview) -> None:
        if self.operations + 1 == self._full_at:
            self.capacity_bytes = self.used_bytes + len(data) // 2
            self._full_until = trio.current_time() + FULL_SECS
        elif trio.current_time() >= self._full_until:
            self.capacity_bytes = None
        super().append(path, data)

    def _mishap(self, operation: str, path: str) -> BaseException | None:
        self.trace.append((operation, path))
        return super()._mishap(operation, path)


@cache
def first_life(name: str) -> tuple[tuple[str, str], ...]:
    """The operations of the first life, if nothing goes wrong."""
    disk = Disk()
    world = tell(STORIES[name], disk, "power")
    assert judge(world).violations == []
    assert [process.code for process in world.processes] == [0, 0]
    return tuple(disk.trace[: disk.trace.index(("lock", "journal/lock"), 1)])


def numbers(name: str, *operations: str) -> list[int]:
    """The numbers of these operations (none: of all) of the first life."""
    return [
        number
        for number, (operation, _) in enumerate(first_life(name), 1)
        if not operations or operation in operations
    ]
