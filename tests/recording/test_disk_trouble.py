"""Whatever operation fails, once: the recording goes on, and a crash later finds a way back."""

from __future__ import annotations

import errno
from contextlib import suppress
from random import Random

import pytest

from tests.derive.derived import bytes_of, recorded
from tests.derive.story import Frames, entries_of, story
from tests.fakes.sim_disk import Kind, SimDisk
from tests.recording.lives import NOTHING, live
from tick_logger.errors import RefusedError

CHECKPOINTS = (1, 4)
STEP = 23
"""Each test tries every 23rd operation, beginning with another one: all would take a minute."""


def live_with_trouble(disk: SimDisk, frames: Frames, *, at: int, number: int) -> bool:
    """A life in which one operation fails; False if it is over before that."""
    disk.fail(number=number, at=disk.operations + at)
    reached = disk.operations + at
    with suppress(RefusedError):  # a tail that cannot be read: the next life begins anew
        live(disk, frames, checkpoints=CHECKPOINTS, kept=NOTHING)
    disk.heal()
    return disk.operations >= reached


@pytest.mark.parametrize("kind", ["power", "kill"])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("phase", range(8))
def test_after_any_failure_a_crash_costs_nothing(phase: int, number: int, kind: Kind) -> None:
    """What failed half-way may or may not be on the disk: both are dealt with."""
    frames = story(phase, rounds=2)
    lived = frames[:9]
    for at in range(1 + phase, 1000, STEP):
        disk = SimDisk(Random(at))
        reached = live_with_trouble(disk, lived, at=at, number=number)
        disk.crash(Random(at), kind)
        live(disk, lived, kept=NOTHING)
        assert recorded(disk) == bytes_of(entries_of(lived)), at
        if not reached:
            break
    assert at > 200


@pytest.mark.parametrize(
    "operations", [["append"], ["append", "truncate"], ["sync_file", "truncate"]]
)
@pytest.mark.parametrize("kind", ["power", "kill"])
def test_a_checkpoint_that_failed_may_be_one_or_not(operations: list[str], kind: Kind) -> None:
    """A later start may find it valid, and must know what was met since it was tried."""
    frames = story(4, rounds=2)[:9]
    for seed in range(10):
        disk = SimDisk(Random(seed))
        live(disk, frames[:4], checkpoints=(1,))
        for operation in operations:
            disk.fail(operation, number=errno.EIO, path="journal/checkpoint.1")
        live(disk, frames, checkpoints=(5,))
        disk.heal()
        disk.crash(Random(seed), kind)
        live(disk, frames)
        assert recorded(disk) == bytes_of(entries_of(frames)), seed


def test_what_a_failed_sync_may_have_lost_is_written_anew() -> None:
    """Column files that look whole in memory are not trusted: the journal has it all."""
    frames = story(3, rounds=2)
    disk = SimDisk(Random(3))
    disk.fail("sync", number=errno.EIO, times=1)
    live(disk, frames[:9], checkpoints=(6, 8))
    disk.crash(Random(3))
    live(disk, frames)
    assert recorded(disk) == bytes_of(entries_of(frames))
