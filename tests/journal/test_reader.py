"""The journal's reader: which frames it gives, and how it judges what it cannot read."""

from __future__ import annotations

import pytest

from tests.journal.journals import (
    NOW_NS,
    LoggingFiles,
    add,
    add_frames,
    body,
    expected,
    firsts,
    frames_of,
    journal,
    parse,
    path,
    read,
    spoil,
    twenty_frames,
)
from tick_logger.journal.reader import JournalReader, segments
from tick_logger.journal.segment import SegmentInfo


@pytest.fixture
def files() -> LoggingFiles:
    """A journal of four segments."""
    return twenty_frames()


def test_the_journal_for_these_tests(files: LoggingFiles) -> None:
    """Four segments, so that there are a first, a last, and two between."""
    assert firsts(files) == [1, 7, 13, 19]


def test_every_stretch_is_read(files: LoggingFiles) -> None:
    """From any frame to before any other, across segments."""
    for from_seq in range(1, 23):
        for until_seq in range(from_seq, 22):
            frames, reader = read(files, from_seq, until_seq)
            assert frames == expected(from_seq, until_seq)
            assert (reader.next_seq, reader.damage, reader.torn_bytes) == (until_seq, None, 0)
        frames, reader = read(files, from_seq)
        assert frames == expected(from_seq, 21)
        assert (reader.next_seq, reader.damage, reader.torn_bytes) == (max(from_seq, 21), None, 0)


def test_a_frame_says_where_it_ends(files: LoggingFiles) -> None:
    """For a report on how much was read."""
    found = [(frame.segment, frame.end_offset) for frame in JournalReader(files, from_seq=10)]
    assert found == [
        (number, frame.end)
        for number in range(1, 5)
        for frame in frames_of(files, number)
        if frame.seq >= 10
    ]


def test_only_what_is_needed_is_read_and_one_segment_at_a_time(files: LoggingFiles) -> None:
    """Beside the headers: the segment with the first frame, later ones when they are due."""
    reader = JournalReader(files, from_seq=9, until_seq=16)
    files.take_log()
    log = [(frame.seq, files.take_log()) for frame in reader]
    reads = {9: [f"read {path(2)}"], 13: [f"read {path(3)}"]}
    assert log == [(seq, reads.get(seq, [])) for seq in range(9, 16)]
    assert files.take_log() == []


def test_an_empty_journal() -> None:
    """Nothing, from wherever it is asked for."""
    frames, reader = read(LoggingFiles(), 5)
    assert (frames, reader.next_seq, reader.last_segment) == ([], 5, 0)
    assert (reader.damage, reader.torn_bytes) == (None, 0)


def test_a_journal_that_is_being_written(files: LoggingFiles) -> None:
    """What comes behind `until_seq`, torn or not, is not looked at."""
    add(journal(files, next_seq=21, segment=5, small=False), body(21), body(22), sync=False)
    files.contents[path(5)] += b"TLJF half a frame"
    frames, reader = read(files, 15, 22)
    assert frames == expected(15, 22)
    assert (reader.damage, reader.torn_bytes) == (None, 0)


def test_a_read_that_fails_is_no_end(files: LoggingFiles) -> None:
    """Whoever recovers must not take it for one."""
    reader = JournalReader(files, from_seq=1)
    files.fail_at = files.operations + 2
    with pytest.raises(OSError, match="Input/output"):
        list(reader)


# -- torn tails -----------------------------------------------------------------------------------


def test_the_last_segment_may_end_anywhere(files: LoggingFiles) -> None:
    """Whole frames before the cut are read; that later ones are gone nobody can know."""
    whole = bytes(files.contents[path(4)])
    ends = [frame.end for frame in parse(whole)]
    for size in range(len(whole) + 1):
        files.contents[path(4)][:] = whole[:size]
        frames, reader = read(files)
        count = sum(end <= size for end in ends)
        good = ([64, *ends][count]) if size >= 64 else 0
        assert frames == expected(1, 19 + count)
        assert (reader.damage, reader.torn_bytes) == (None, size - good)
        assert (reader.next_seq, reader.last_segment) == (19 + count, 4)


@pytest.mark.parametrize("zeros", [1, 31, 32, 96, 4096])
def test_zeros_at_the_end_are_a_torn_tail(files: LoggingFiles, zeros: int) -> None:
    """A file system may leave a length without the data."""
    files.contents[path(4)] += bytes(zeros)
    frames, reader = read(files)
    assert (frames, reader.damage, reader.torn_bytes) == (expected(1, 21), None, zeros)


def test_a_new_segment_of_zeros_is_a_torn_tail(files: LoggingFiles) -> None:
    """Its number is not free, though."""
    files.contents[path(5)] = bytearray(512)
    frames, reader = read(files)
    assert (frames, reader.damage, reader.torn_bytes) == (expected(1, 21), None, 512)
    assert reader.last_segment == 5


def test_a_later_frame_that_was_not_synced_either_is_no_proof() -> None:
    """Of un-synced frames any may survive: they are used up to the first that did not."""
    files = LoggingFiles()
    writer = journal(files, small=False)
    add_frames(writer, 4)
    add_frames(writer, 9, sync=False)
    size = len(files.contents[path(1)])
    torn = frames_of(files, 1)[4]
    spoil(files, 1, torn.offset + 40)
    frames, reader = read(files)
    assert frames == expected(1, 5)
    assert (reader.damage, reader.torn_bytes) == (None, size - torn.offset)


def test_what_a_crash_left_torn_is_not_damage_later() -> None:
    """Another process went on: its frames count, not those behind the torn one."""
    files = LoggingFiles()
    writer = journal(files, small=False)
    add_frames(writer, 4)
    add_frames(writer, 9, sync=False)
    spoil(files, 1, frames_of(files, 1)[4].offset + 40)
    second = journal(files, next_seq=5, segment=2, small=False)
    add(second, b"new five", b"new six")
    add(second, b"new seven")
    new = [(5, b"new five"), (6, b"new six"), (7, b"new seven")]
    for skip_damage in (False, True):
        frames, reader = read(files, skip_damage=skip_damage)
        assert frames == [*expected(1, 5), *new]
        assert (reader.damage, reader.torn_bytes) == (None, 0)


# -- abandoned segments ---------------------------------------------------------------------------


def abandoned(*, torn: bool) -> LoggingFiles:
    """Frames 1 to 3 synced, 4 to 6 not, and rewritten with 7 to 9 into the next segment."""
    files = LoggingFiles()
    writer = journal(files, small=False)
    add_frames(writer, 4)
    add_frames(writer, 7, sync=False)
    files.fail("sync_file")
    with pytest.raises(OSError, match="Input/output"):
        writer.sync()
    if torn:
        spoil(files, 1, frames_of(files, 1)[4].offset + 40)
    add_frames(writer, 10)
    return files


@pytest.mark.parametrize("torn", [False, True])
def test_rewritten_frames_are_read_once(torn: bool) -> None:
    """From the abandoned segment as far as it is good, from the next one then."""
    files = abandoned(torn=torn)
    assert [frame.seq for frame in frames_of(files, 2)] == [4, 5, 6, 7, 8, 9]
    for from_seq in range(1, 10):
        frames, reader = read(files, from_seq)
        assert frames == expected(from_seq, 10)
        assert (reader.damage, reader.torn_bytes) == (None, 0)


def test_an_abandoned_segment_is_read_where_rewriting_was_cut_short() -> None:
    """Frames that are there are used, and the same ones from wherever reading begins."""
    files = abandoned(torn=False)
    del files.contents[path(2)][frames_of(files, 2)[0].end :]
    add(journal(files, next_seq=7, segment=3), b"new seven")
    for from_seq in range(1, 8):
        frames, reader = read(files, from_seq)
        assert frames == [*expected(from_seq, 7), (7, b"new seven")]
        assert reader.damage is None


def test_an_abandoned_segment_is_not_needed_from_the_first_new_frame_on() -> None:
    """Which is what its successor says to whoever removes segments."""
    files = abandoned(torn=True)
    assert segments(files) == [
        SegmentInfo(1, 1, len(files.contents[path(1)]), NOW_NS),
        SegmentInfo(2, 7, len(files.contents[path(2)]), NOW_NS),
    ]
    files.remove(path(1))
    frames, reader = read(files, 7)
    assert (frames, reader.damage) == (expected(7, 10), None)
