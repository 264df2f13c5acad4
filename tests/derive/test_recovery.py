"""A start: the newest checkpoint that holds, the files cut to it, the journal from there on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.derive.derived import NOW_NS, bytes_of, recorded, take
from tests.derive.story import COLUMNS, Frames, entries_of, story
from tests.fakes.memory_files import MemoryFiles
from tests.recording.lives import EVERYTHING, NOTHING, live, recover, recovery
from tick_logger.derive.checkpoints import Kept
from tick_logger.derive.recovery import Recovered, recover_directory
from tick_logger.derive.replay import FRAMES_PER_RUN
from tick_logger.errors import ConfigError, RefusedError, StorageError
from tick_logger.journal.reader import segments
from tick_logger.model.entries import Closed, Entry, Started
from tick_logger.model.tables import EXACT

STORY = story(0, rounds=2)
EXPECTED = bytes_of(entries_of(STORY))
RELEASED = bytes_of(
    [*entries_of(STORY), Started(NOW_NS, "1.0", EXACT, 1, COLUMNS), Closed(NOW_NS, recovered=True)]
)
"""With the rows that wait at the end of the story, as a process that starts releases them, and what
the crash has left open."""


def checkpoints(files: MemoryFiles) -> list[str]:
    return sorted(path for path in files.contents if path.startswith("journal/checkpoint."))


def by_command(files: MemoryFiles) -> Recovered:
    """As the command does that recovers without recording."""
    return recover_directory(
        files, "here", NOW_NS, accept_damage=False, on_progress=lambda _messages, _share: None
    )


def numbers(files: MemoryFiles) -> list[int]:
    return [each.number for each in segments(files)]


# -- beginnings ------------------------------------------------------------------------------------


def test_an_empty_directory_is_a_first_start() -> None:
    """Frames and segments count from one; nothing is written."""
    files = MemoryFiles()
    found = recover(files)
    assert (found.first, found.next_seq, found.next_segment) == (True, 1, 1)
    assert (found.frames, found.messages, found.rows, found.torn_bytes) == (0, 0, 0, 0)
    assert found.findings == ()
    assert files.contents == {}


def test_files_without_a_journal_are_continued() -> None:
    """As an older version left them: rows are appended behind theirs, and none of theirs twice."""
    frames, first_process = story(5), 7
    files = MemoryFiles()
    live(files, [*frames[:first_process], [Closed(1)]])
    for path in [path for path in files.contents if path.startswith("journal/")]:
        files.remove(path)
    before = recorded(files)
    found = live(files, frames)  # the first part comes once more
    assert found.first
    after = recorded(files)
    assert all(after[path].startswith(content) for path, content in before.items())
    assert sum(map(len, after.values())) > sum(map(len, before.values()))


@pytest.mark.parametrize("count", [1, 4, len(STORY)])
def test_a_journal_without_a_checkpoint_is_replayed_from_its_beginning(count: int) -> None:
    """All of it is counted."""
    files = MemoryFiles()
    live(files, STORY[:count])
    found = recover(files)
    assert not found.first
    assert (found.frames, found.next_seq, found.next_segment) == (count, count + 1, 2)
    assert recorded(files) == bytes_of(entries_of(STORY[:count]))


@pytest.mark.parametrize("chosen", [(1,), (1, 5), (5, 9, 12), (3, len(STORY))])
def test_only_what_is_behind_the_newest_checkpoint_is_replayed(chosen: tuple[int, ...]) -> None:
    """Files are cut to it before; the bytes are the same."""
    files = MemoryFiles()
    live(files, STORY, checkpoints=chosen)
    found = recover(files)
    assert found.frames == len(STORY) - chosen[-1]
    assert recorded(files) == EXPECTED


def test_a_recovery_may_be_repeated() -> None:
    """Any number of times, by the same object or another."""
    files = MemoryFiles()
    live(files, STORY, checkpoints=(5,))
    process = recovery(files)
    first, second = process.run(NOW_NS), process.run(NOW_NS)
    assert (first.rows, first.messages) == (second.rows, second.messages)
    assert recover(files).rows == first.rows > 0
    assert recorded(files) == EXPECTED


def test_progress_is_told_in_messages_and_as_a_share() -> None:
    """Whoever waits for a long replay wants to see that it moves, and how far it is."""
    files = MemoryFiles()
    live(files, story(0, rounds=40))
    told = list[tuple[int, float]]()
    found = recovery(files).run(NOW_NS, lambda *progress: told.append(progress))
    assert len(told) > 5
    assert told == sorted(told)
    assert 0 < told[-1][0] <= found.messages
    frames = [share * found.frames for _, share in told]
    assert frames == pytest.approx([FRAMES_PER_RUN * run for run in range(1, len(told) + 1)])


# -- slots -----------------------------------------------------------------------------------------


def test_a_torn_newest_slot_leaves_the_other() -> None:
    """One line says so; the journal still has what that one needs, however little is kept."""
    files = MemoryFiles()
    live(files, STORY, checkpoints=(1, 5, 9), kept=NOTHING)
    newest = max(checkpoints(files), key=lambda path: bytes(files.contents[path])[12:20])
    del files.contents[newest][-3:]
    found = recover(files)
    assert found.frames == len(STORY) - 5
    assert found.findings == (
        f"{newest} holds no valid checkpoint: "
        f"{len(files.contents[newest]) - 44} bytes of state instead of "
        f"{len(files.contents[newest]) - 41}",
    )
    assert recorded(files) == EXPECTED


def test_the_very_first_slot_may_be_torn() -> None:
    """As a crash leaves it: everything is there to begin from the first frame."""
    files = MemoryFiles()
    live(files, STORY, checkpoints=(3,))
    (slot,) = checkpoints(files)
    del files.contents[slot][-3:]
    assert recover(files).frames == len(STORY)
    assert recorded(files) == EXPECTED


@pytest.mark.parametrize("kept", [NOTHING, EVERYTHING])
def test_with_both_slots_invalid_nothing_is_guessed(kept: Kept) -> None:
    """It is refused with nothing changed; accepted, it goes on behind what is there."""
    files = MemoryFiles()
    live(files, STORY, checkpoints=(1, 5, 9), kept=kept)
    for slot in checkpoints(files):
        files.contents[slot][-1] ^= 1
    before = recorded(files)
    with pytest.raises(RefusedError, match="no checkpoint to continue from"):
        recover(files)
    assert recorded(files) == before
    found = recover(files, accept_damage=True)
    assert (found.next_seq, found.frames) == (len(STORY) + 1, 0)
    assert "its checksum is wrong" in found.findings[0]
    assert recorded(files) == before
    assert recover(files).next_seq == len(STORY) + 1  # accepted once and for all


def test_deleted_checkpoints_are_missed() -> None:
    """The files may be longer than the extents say."""
    files = MemoryFiles()
    live(files, STORY, checkpoints=(1, 5, 9))
    for slot in checkpoints(files):
        files.remove(slot)
    with pytest.raises(RefusedError, match="the checkpoints are gone"):
        recover(files)


# -- what is kept ----------------------------------------------------------------------------------


def test_segments_go_when_neither_checkpoint_needs_them() -> None:
    """Every life begins another one; the one in use always stays."""
    files = MemoryFiles()
    for count in (3, 6, 9):
        live(files, STORY[:count], kept=EVERYTHING)
    assert numbers(files) == [1, 2, 3]
    live(files, STORY[:11], checkpoints=(11,), kept=NOTHING)
    assert numbers(files) == [1, 2, 3, 4]  # there is one checkpoint only
    live(files, STORY[:12], checkpoints=(12,), kept=NOTHING)
    assert numbers(files) == [5]
    live(files, STORY, kept=NOTHING)
    assert recorded(files) == EXPECTED


def test_lengths_are_forgotten_when_neither_checkpoint_needs_them() -> None:
    """What was met before the older one is in both."""
    files = MemoryFiles()
    live(files, STORY, checkpoints=range(2, len(STORY)))
    logs = [path for path in files.contents if path.startswith("journal/extents.")]
    assert len(logs) <= 2
    assert recover(files).frames == 1
    assert recorded(files) == EXPECTED


# -- settings and others ---------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", [(), (3, 6)])
def test_another_width_of_prices_is_refused(chosen: tuple[int, ...]) -> None:
    """According to a checkpoint, or to the journal; with nothing touched."""
    files = MemoryFiles()
    live(files, STORY, checkpoints=chosen)
    before = {path: bytes(content) for path, content in files.contents.items()}
    with pytest.raises(ConfigError, match=r'logger.price_dtype: .* recorded as "f4\+rest"'):
        recovery(files, price_dtype="f8").run(NOW_NS)
    assert files.contents == before
    assert recovery(files, price_dtype=None).run(NOW_NS).derivation.price_dtype == EXACT


def test_a_directory_is_recovered_without_recording() -> None:
    """Every row is in the files then, and saved: the next start has nothing left to do."""
    files = MemoryFiles()
    live(files, STORY)
    found = by_command(files)
    assert found.frames == len(STORY)
    assert recorded(files) == RELEASED
    files.lock("journal/lock")
    assert recover(files).frames == 0
    assert recorded(files) == RELEASED


def gaps(files: MemoryFiles) -> list[dict[str, Any]]:
    """Every line of every gaps file, with its file."""
    return [
        {"file": path, **json.loads(line)}
        for path, content in sorted(files.contents.items())
        if path.endswith(".jsonl") and "/gaps." in path
        for line in content.splitlines()
    ]


def test_what_a_crash_left_open_is_told_and_closed_by_the_next_process() -> None:
    """Without an end at first; then with one, or with what the ids tell.  Nothing is told twice."""
    _, second, *_ = (at for at, frame in enumerate(STORY) if isinstance(frame[0], Started))
    files = MemoryFiles()
    live(files, STORY[:second])
    by_command(files)
    once = gaps(files)
    by_command(files)
    assert gaps(files) == once
    told = [gap for gap in once if gap["cause"] == "crash" and gap["to_ns"] is None]
    assert len({(gap["file"], gap["table"]) for gap in told}) == len(told) > 3
    assert all(gap["healed"] is False and gap["from_id"] is None for gap in told)
    recovered: list[Entry] = []  # a frame that is in the journal already
    live(files, [*STORY[:second], recovered, *STORY[second:]])
    after = gaps(files)
    for hole in told:
        same = [
            gap
            for gap in after
            if all(gap[key] == hole[key] for key in ("file", "table", "cause", "from_ns"))
        ]
        assert same[0] == hole
        assert len(same) >= 2, hole
        assert all(gap["to_ns"] is not None for gap in same[1:])


def test_recovering_what_stopped_in_order_changes_nothing() -> None:
    """There is no row that waits for others."""
    files = MemoryFiles()
    frames: Frames = [*STORY, [Closed(NOW_NS)]]
    live(files, frames)
    for _ in range(2):
        by_command(files)
        assert recorded(files) == bytes_of(entries_of(frames))


def test_a_directory_in_use_is_not_recovered() -> None:
    """Whoever records there holds the lock."""
    files = MemoryFiles()
    live(files, STORY)
    before = recorded(files)
    files.lock("journal/lock")
    with pytest.raises(ConfigError, match="another process records into here"):
        by_command(files)
    assert recorded(files) == before


def test_a_disk_that_fails_is_a_storage_error() -> None:
    """For a command that says so; it may be tried again."""
    files = MemoryFiles()
    live(files, STORY)
    files.fail_from = files.operations + 50
    with pytest.raises(StorageError):
        by_command(files)
    files.heal()
    by_command(files)
    assert recorded(files) == RELEASED


def test_a_closed_recording_continues_as_such() -> None:
    """What the report at a start tells apart: after a stop in order, or after a crash."""
    files = MemoryFiles()
    closing = next(at for at, frame in enumerate(STORY) if isinstance(frame[-1], Closed))
    live(files, STORY[: closing + 1])
    assert recover(files).derivation.closed
    found = recover(files)
    take(found.derivation, STORY[closing + 1] + STORY[closing + 2])
    assert not found.derivation.closed
