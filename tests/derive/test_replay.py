"""Feeding the journal into a derivation: the same bytes however often it is interrupted."""

from __future__ import annotations

import errno
from random import Random

import pytest

from tests.derive.derived import bytes_of, derivation, prepared, recorded, write_journal
from tests.derive.story import Frames, entries_of, story
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.sim_disk import SimDisk
from tick_logger.derive.derivation import Outcome
from tick_logger.derive.replay import FRAMES_PER_RUN, Replay
from tick_logger.errors import StorageError
from tick_logger.model.entries import Received


def journal_of(frames: Frames) -> MemoryFiles:
    """Files with this journal and nothing else."""
    files = MemoryFiles()
    write_journal(files, frames)
    return files


def replay_all(journal: MemoryFiles, onto: MemoryFiles) -> None:
    """A replay to its end."""
    replay = Replay(derivation(prepared(onto)), journal)
    while replay.run():
        pass


@pytest.mark.parametrize("seed", range(6))
def test_the_same_journal_gives_the_same_bytes(seed: int) -> None:
    """Twice, and as from the entries themselves."""
    frames = story(seed)
    journal = journal_of(frames)
    one, two = MemoryFiles(), MemoryFiles()
    replay_all(journal, one)
    replay_all(journal, two)
    assert recorded(one) == recorded(two) == bytes_of(entries_of(frames))


def test_it_counts_frames_and_messages() -> None:
    """And stands behind the last frame."""
    frames = story(2)
    files = MemoryFiles()
    replay = Replay(derived := derivation(prepared(files)), journal_of(frames))
    while replay.run(frames=1):
        pass
    assert replay.frames == len(frames)
    assert derived.next_seq == len(frames) + 1
    received = [entry for entry in entries_of(frames) if isinstance(entry, Received)]
    assert replay.messages == sum(len(entry.split()) for entry in received)


@pytest.mark.parametrize("portion", [1, 2, 5, FRAMES_PER_RUN])
def test_it_may_be_taken_in_portions(portion: int) -> None:
    """Between them the derivation stands between two frames."""
    frames = story(1)
    files = MemoryFiles()
    derived = derivation(prepared(files))
    replay = Replay(derived, journal_of(frames))
    seen = list[int]()
    while replay.run(portion):
        seen.append(derived.next_seq)
    whole = len(frames) // portion
    assert seen == [1 + portion * (number + 1) for number in range(whole)]
    assert recorded(files) == bytes_of(entries_of(frames))


@pytest.mark.parametrize("until_seq", [1, 2, 7, 20])
def test_it_ends_before_a_frame_if_told_so(until_seq: int) -> None:
    """Another may go on there: over the same derivation."""
    frames = story(3)
    journal, files = journal_of(frames), MemoryFiles()
    derived = derivation(prepared(files))
    for until in (until_seq, None):
        replay = Replay(derived, journal, until_seq=until)
        while replay.run():
            pass
        assert derived.next_seq == (until or len(frames) + 1)
    assert recorded(files) == bytes_of(entries_of(frames))


def test_outcomes_are_told_in_order_and_once() -> None:
    """All rows that are on disk in the end."""
    told = list[Outcome]()
    frames = story(0)
    replay = Replay(derivation(prepared()), journal_of(frames), on_outcome=told.append)
    while replay.run():
        pass
    derived = derivation(prepared())
    rows = list[int]()
    for entry in entries_of(frames):
        derived.apply(entry)
        outcome = derived.settle()
        rows += [] if outcome is None else [sum(len(run.rows) for run in outcome.flush.runs)]
    assert [sum(len(run.rows) for run in each.flush.runs) for each in told] == rows
    assert sum(rows) > 50


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_it_goes_on_after_any_append_that_failed(number: int) -> None:
    """The next `run` completes what was begun: no entry is taken twice or left out."""
    frames = story(1, rounds=1)
    journal, expected = journal_of(frames), bytes_of(entries_of(frames))
    appends = 0
    for nth in range(1 + number % 3, 1000, 3):
        disk = SimDisk(Random(nth))
        replay = Replay(derivation(prepared(disk)), journal)
        _let_nth_append_fail(disk, nth, number)
        more, failures = True, 0
        while more:
            try:
                more = replay.run()
            except (OSError, StorageError):
                failures += 1
        assert recorded(disk) == expected, nth
        if not failures:
            break
        appends += 1
    assert appends > 13


def _let_nth_append_fail(disk: SimDisk, nth: int, number: int) -> None:
    append, count = disk.append, 0

    def counted(path: str, data: bytes | memoryview) -> None:
        nonlocal count
        count += 1
        if count == nth:
            disk.fail("append", number=number, times=1)
        append(path, data)

    disk.append = counted  # type: ignore[method-assign]


def test_frames_that_are_missing_are_told_to_the_derivation() -> None:
    """As a loss, at the place where they were."""
    frames = story(2)
    files = MemoryFiles()
    derived = derivation(prepared(files))
    journal = MemoryFiles()
    write_journal(journal, frames[:6])
    write_journal(journal, frames[7:], next_seq=8, segment=2)
    replay = Replay(derived, journal, skip_damage=True)
    while replay.run():
        pass
    assert replay.reader.skipped == [(7, 8)]
    assert any(b'"damage"' in content for content in recorded(files).values())


def test_damage_ends_it_unless_it_is_to_be_passed_over() -> None:
    """The derivation stands before it."""
    frames = story(2)
    derived = derivation(prepared())
    journal = MemoryFiles()
    write_journal(journal, frames[:6])
    write_journal(journal, frames[7:], next_seq=8, segment=2)
    replay = Replay(derived, journal)
    while replay.run():
        pass
    assert replay.reader.damage is not None
    assert derived.next_seq == 7
