"""One small story, in which each operation of its first life on the disk goes wrong in turn.

Drawn stories are long and hit what they happen to hit; this one is short and leaves nothing out.
It has all that a first life can have: several checkpoints, two days, and segments of the journal
that fill up and, if they are not kept, are removed.  The power goes after every life, also after
one that ended in order, unless it is said otherwise.
"""

from __future__ import annotations

import errno
from functools import cache
from random import Random

import attrs
import pytest
import trio

from tests.fakes.sim_disk import SYNCS, Kind
from tests.service.world import binance
from tests.sim.disk import StoryDisk
from tests.sim.oracle import judge
from tests.sim.plan import MIDNIGHT_NS, Life, Story
from tests.sim.world import World, tell
from tick_logger.app import EXIT_STORAGE

FULL_SECS = 1.5
"""How long there is no space: the second attempt, or the third one, has it again."""

MOST_LATER = 40
"""How many operations after a failed sync the power may go."""

POWER_CUTS_EACH = 2
"""For each failed sync, at different operations after it."""

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
        "price_dtype": "f4",
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
STORIES = {"kept": KEPT, "removed": REMOVED}


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


def lived(name: str, number: int, disk: Disk, *, what: str, crash: Kind = "power") -> World:
    """The world after the story on this disk, on which something happens at an operation."""
    world = tell(STORIES[name], disk, crash)
    operation = first_life(name)[number - 1]
    where = f"{what} at operation {number} of the story '{name}': {' '.join(operation)}"
    assert disk.trace[number - 1] == operation, where
    verdict = judge(world)
    assert verdict.violations == [], where
    assert verdict.counts["rows"] > 0, where
    return world


def test_the_story_has_everything() -> None:
    """What the tests below go through is not less than it was meant to be."""
    kept, removed = first_life("kept"), first_life("removed")
    assert {name for name, _ in kept} >= {"lock", "append", "truncate", "remove", *SYNCS}
    assert kept.count(("sync", "")) == 4, "checkpoints"
    assert ("append", "journal/00000003.tlj") in kept
    assert ("remove", "journal/00000001.tlj") in removed
    assert len({path for _, path in kept if "/TRADES/trade_id." in path}) == 2, "days"


@pytest.mark.parametrize(
    ("name", "crash", "first", "step"),
    [("kept", "power", 0, 1), ("removed", "power", 1, 3), ("removed", "kill", 2, 3)],
)
def test_the_process_dies_at_any_operation(name: str, crash: Kind, first: int, step: int) -> None:
    """By a power cut or by a signal: the next life brings everything in order."""
    for number in numbers(name)[first::step]:
        disk = Disk(number)
        disk.power_cut_at(number)
        world = lived(name, number, disk, what=f"death by {crash}", crash=crash)
        assert world.processes[0].code is None, number


def test_any_operation_fails_once() -> None:
    """It costs nothing, and few of them end the process, so that its supervisor starts another."""
    ended = []
    for number in numbers("kept"):
        disk = Disk(number)
        disk.fail(number=errno.EIO, at=number)
        world = lived("kept", number, disk, what="EIO")
        if world.processes[0].code != 0:
            assert world.processes[0].code == EXIT_STORAGE, number
            ended.append(first_life("kept")[number - 1])
    assert ended == [
        ("lock", "journal/lock"),
        ("list", "binance/BTCUSDT/TRADES"),  # of a stream that is met for the first time
    ]


def test_space_runs_out_at_any_append() -> None:
    """And comes back: what was received meanwhile has waited for it."""
    for number in numbers("removed", "append"):
        disk = Disk(number)
        disk.fill_at(number)
        world = lived("removed", number, disk, what="ENOSPC")
        assert world.processes[0].code == 0, number


def test_any_sync_fails_and_the_power_goes_soon() -> None:
    """What a failed sync has lost is not taken for safe."""
    for number in numbers("removed", *SYNCS):
        for later in Random(number).sample(range(1, MOST_LATER), POWER_CUTS_EACH):
            disk = Disk(number)
            disk.fail(number=errno.EIO, at=number)
            disk.power_cut_at(number + later)
            lived("removed", number, disk, what=f"a failed sync, {later} before a power cut,")


def test_a_sync_that_is_left_out_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somewhere on the way through the story a power cut shows it."""
    whole = first_life("kept")
    for name in SYNCS:
        with monkeypatch.context() as patch:
            patch.setattr(StoryDisk, name, lambda *_: None)
            assert any(_breaks_a_promise(number) for number in range(1, len(whole), 5)), name


def _breaks_a_promise(number: int) -> bool:
    """Whether a power cut at this operation does."""
    disk = Disk(number)
    disk.power_cut_at(number)
    try:
        return judge(tell(KEPT, disk, "power")).violations != []
    except ValueError:  # a column that ends within a value cannot even be read
        return True
