"""The task behind the journal: the same bytes, however far it falls behind and whatever fails."""

from __future__ import annotations

import errno
from collections.abc import Callable
from random import Random

import pytest
import structlog
import trio
from trio.testing import MockClock

from tests.derive.derived import bytes_of, derivation, prepared, recorded
from tests.derive.story import Frames, entries_of, story
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.offload import StallingOffload
from tests.fakes.sim_disk import SimDisk
from tests.recording.lives import live
from tests.recording.rig import DerivingRig, SlowOffload, TimedFiles
from tick_logger.errors import RefusedError
from tick_logger.model.steps import Step
from tick_logger.recording.deriver import MAX_LAST_ATTEMPTS
from tick_logger.storage.checkpoint import CheckpointSlots

STORY = story(2)
EXPECTED = bytes_of(entries_of(STORY))

OF_DATA = ("gaps", "not_recorded_while_stopped", "ids_begun_again", "stray_ids")
"""Events that tell of what the story's exchanges have said, not of how it is derived."""


async def derive(
    rig: DerivingRig,
    frames: Frames,
    *,
    every_secs: float = 0.5,
    meanwhile: Callable[[int], None] = lambda _: None,
) -> list[str]:
    """Put these frames and derive to the end; returns the events that were logged."""
    with structlog.testing.capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.deriver.run)
            for number, frame in enumerate(frames):
                meanwhile(number)
                rig.put(frame)
                await trio.sleep(every_secs)
            rig.backlog.end()
    return [line["event"] for line in logs if line["event"] not in OF_DATA]


def total_rows() -> int:
    """Rows that the story gives."""
    derived = derivation(prepared())
    count = 0
    for entry in entries_of(STORY):
        derived.apply(entry)
        outcome = derived.settle()
        count += 0 if outcome is None else sum(len(run.rows) for run in outcome.flush.runs)
    return count


def assert_complete(rig: DerivingRig) -> None:
    """Everything on disk, counted once, saved; and all of the budget given back."""
    assert recorded(rig.files) == EXPECTED
    assert sum(rig.accounts.totals.rows.values()) == total_rows()
    assert rig.deriver.next_seq == len(STORY) + 1
    saved = CheckpointSlots(rig.files).load()
    assert saved is not None
    assert saved.next_seq == len(STORY) + 1
    assert (rig.budget.taken_bytes, rig.backlog.held_bytes) == (0, 0)
    assert rig.readiness.reasons == {}


async def test_what_comes_is_derived_and_saved_at_the_end(autojump_clock: MockClock) -> None:
    """Without a word, if nothing is wrong."""
    rig = DerivingRig(MemoryFiles())
    assert await derive(rig, STORY) == []
    assert_complete(rig)


async def test_each_flush_says_how_long_its_steps_took(autojump_clock: MockClock) -> None:
    """Sorted and written are all; looked at and synced is only what is new."""
    rig = DerivingRig(MemoryFiles())
    await derive(rig, STORY)
    read = rig.metrics.registry.get_sample_value
    flushes = read("collector_flush_seconds_count")
    steps = {
        step: read("collector_flush_step_seconds_count", {"step": step.value}) for step in Step
    }
    assert flushes is not None
    assert steps[Step.PIPELINE] == steps[Step.OPENING] == steps[Step.WRITING] == flushes > 10
    assert 0 < (steps[Step.SYNCING] or 0) < flushes


async def test_a_second_run_goes_on(autojump_clock: MockClock) -> None:
    """From what the first saved."""
    files = MemoryFiles()
    await derive(DerivingRig(files), STORY[:9])
    rig = DerivingRig(files)
    assert rig.deriver.next_seq == 10
    await derive(rig, STORY[9:])
    assert recorded(files) == EXPECTED


async def test_checkpoints_keep_their_interval(autojump_clock: MockClock) -> None:
    """The first at once: from then on nothing is read twice at a start; the last at the end."""
    files = TimedFiles()
    rig = DerivingRig(files, checkpoint_interval_secs=3.0)
    await derive(rig, STORY, every_secs=0.5)
    saved = sorted(files.times("sync_file", "checkpoint.0") + files.times("sync_file", "point.1"))
    end = 0.5 * len(STORY)
    assert saved == [*(3.0 * n for n in range(int((end - 0.1) // 3) + 1)), end]


@pytest.mark.parametrize("backlog_bytes", [0, 500, 2_000])
async def test_what_the_backlog_forgot_is_read_from_the_journal(
    backlog_bytes: int, autojump_clock: MockClock
) -> None:
    """A slow disk: each hop takes longer than the next frame needs to come."""
    rig = DerivingRig(MemoryFiles(), backlog_bytes=backlog_bytes, offload=SlowOffload(3.0))
    events = await derive(rig, STORY, every_secs=0.1)
    assert set(events) == {"behind"}
    assert rig.backlog.forgotten > 0
    assert_complete(rig)


async def test_a_stalled_disk_delays_and_costs_nothing(autojump_clock: MockClock) -> None:
    """Chunks pile up, are forgotten, and are made up for."""
    offload = StallingOffload()
    rig = DerivingRig(MemoryFiles(), backlog_bytes=1_500, offload=offload)

    def stall(number: int) -> None:
        if number == 4:
            offload.stall()
        if number == len(STORY) - 2:
            offload.resume()

    await derive(rig, STORY, meanwhile=stall)
    assert rig.backlog.forgotten > 3
    assert_complete(rig)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("backlog_bytes", [0, 10**6])
async def test_column_files_that_cannot_be_written_are_written_later(
    number: int, backlog_bytes: int, autojump_clock: MockClock
) -> None:
    """The journal goes on; it is said once that they lag behind, and once that they do not."""
    disk = SimDisk(Random(1))
    rig = DerivingRig(disk, backlog_bytes=backlog_bytes)

    def trouble(at: int) -> None:
        if at == 5:
            disk.fail("append", number=number, path="coinbase/*")
            disk.fail("append", number=number, path="binance/*")
        if at == len(STORY) - 3:
            disk.heal()

    events = await derive(rig, STORY, meanwhile=trouble)
    assert [event for event in events if event != "behind"] == ["not_ready", "ready"]
    assert_complete(rig)


@pytest.mark.parametrize("at", [0, 3, 9, 14])
async def test_after_a_failed_sync_everything_since_the_checkpoint_is_written_anew(
    at: int, autojump_clock: MockClock
) -> None:
    """What looks written may be lost; rows that were counted are not counted again."""
    disk = SimDisk(Random(at))
    rig = DerivingRig(disk, checkpoint_interval_secs=1.0)

    def trouble(number: int) -> None:
        if number == at:
            disk.fail("sync", number=errno.EIO, times=1)

    events = await derive(rig, STORY, meanwhile=trouble)
    assert "deriving_again" in events
    assert_complete(rig)
    disk.crash(Random(7))
    live(disk, STORY)
    assert recorded(disk) == EXPECTED


async def test_a_checkpoint_that_cannot_be_saved_is_tried_at_the_next_interval(
    autojump_clock: MockClock,
) -> None:
    """Nothing is lost without it; it is trouble all the same, until it is saved."""
    disk = SimDisk()
    rig = DerivingRig(disk, checkpoint_interval_secs=2.0)

    def trouble(number: int) -> None:
        if number == 3:
            disk.fail("append", number=errno.ENOSPC, path="journal/checkpoint.*")
        if number == 12:
            assert list(rig.readiness.reasons) == ["checkpoint"]
            disk.heal()

    events = await derive(rig, STORY, meanwhile=trouble)
    assert events == ["not_ready", "ready"]
    assert_complete(rig)


async def test_at_the_end_it_is_tried_a_few_times_to_save(autojump_clock: MockClock) -> None:
    """Column files are complete for readers all the same; the next start derives them again."""
    disk = SimDisk()
    rig = DerivingRig(disk)

    def trouble(number: int) -> None:
        if number == len(STORY) - 1:
            disk.fail("sync", number=errno.EIO)

    events = await derive(rig, STORY, meanwhile=trouble)
    assert events.count("deriving_again") == MAX_LAST_ATTEMPTS
    assert recorded(disk) == EXPECTED
    disk.heal()
    disk.crash(Random(1))
    live(disk, STORY)
    assert recorded(disk) == EXPECTED


async def test_a_tail_that_cannot_be_read_ends_the_recording(autojump_clock: MockClock) -> None:
    """Rather than go on without the rows of that tick; the next start has them."""
    disk = SimDisk()
    rig = DerivingRig(disk)
    disk.fail("list", number=errno.EIO, path="coinbase/*")
    with pytest.RaisesGroup(RefusedError):
        await derive(rig, STORY)
    disk.heal()
    disk.crash(Random(1), "kill")
    live(disk, STORY)
    assert recorded(disk) == EXPECTED


async def test_cancelled_it_leaves_the_rest_to_the_next_start(autojump_clock: MockClock) -> None:
    """As a second signal does; what it had taken is given back."""
    offload = StallingOffload()
    rig = DerivingRig(MemoryFiles(), offload=offload)
    with structlog.testing.capture_logs(), trio.move_on_after(20.0):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.deriver.run)
            for number, frame in enumerate(STORY):
                if number == 6:
                    offload.stall()
                rig.put(frame)
                await trio.sleep(0.5)
    assert rig.budget.taken_bytes == rig.backlog.held_bytes
    live(rig.files, STORY)
    assert recorded(rig.files) == EXPECTED
