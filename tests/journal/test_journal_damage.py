"""Damage in the journal: found wherever it is, and passed over if that is wanted."""

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
    path,
    read,
    spoil,
    twenty_frames,
)
from tick_logger.journal.reader import (
    Damage,
    SegmentsCheck,
    check_segments,
    keep_copy,
    segments,
)
from tick_logger.journal.segment import SegmentInfo, frame_head


@pytest.fixture
def files() -> LoggingFiles:
    """A journal of four segments."""
    return twenty_frames()


def test_damage_in_the_middle_is_found(files: LoggingFiles) -> None:
    """Reading ends before it, and it is said what is missing."""
    hit = frames_of(files, 2)[1]
    spoil(files, 2, hit.end - 1)
    frames, reader = read(files)
    assert frames == expected(1, 8)
    assert reader.damage == Damage(2, hit.offset, 8, 9)
    assert (reader.next_seq, reader.torn_bytes, reader.skipped) == (8, 0, [])
    assert str(reader.damage) == (
        f"journal/00000002.tlj is damaged or missing at byte {hit.offset}: "
        "frame 8 should be there, the next that can be read is 9"
    )


def test_damage_can_be_skipped(files: LoggingFiles) -> None:
    """Everything else is read, and each hole is told."""
    for number, index in [(2, 1), (2, 2), (3, 5), (4, 0)]:
        spoil(files, number, frames_of(files, number)[index].offset + 20)
    frames, reader = read(files, skip_damage=True)
    lost = {8, 9, 18, 19}
    assert frames == [(seq, body(seq)) for seq in range(1, 21) if seq not in lost]
    assert reader.skipped == [(8, 10), (18, 19), (19, 20)]
    places = [(each.segment, each.expected_seq, each.next_seq) for each in reader.damages]
    assert places == [(2, 8, 10), (3, 18, 19), (4, 19, 20)]
    assert (reader.next_seq, reader.torn_bytes) == (21, 0)


def test_a_missing_segment_is_damage(files: LoggingFiles) -> None:
    """In the middle, and at the beginning if it is needed."""
    del files.contents[path(2)]
    frames, reader = read(files)
    assert (frames, reader.damage) == (expected(1, 7), Damage(2, 0, 7, 13))
    frames, reader = read(files, skip_damage=True)
    assert (frames, reader.skipped) == (expected(1, 7) + expected(13, 21), [(7, 13)])
    del files.contents[path(1)]
    assert read(files, 13)[0] == expected(13, 21)
    frames, reader = read(files, 12)
    assert (frames, reader.damage) == ([], Damage(3, 0, 12, 13))


def test_a_bad_header_is_damage(files: LoggingFiles) -> None:
    """Its frames are found nevertheless, so that nothing is missing if it is skipped."""
    spoil(files, 3, 20)
    frames, reader = read(files)
    assert (frames, reader.damage) == (expected(1, 13), Damage(3, 0, 13, 13))
    frames, reader = read(files, skip_damage=True)
    assert (frames, reader.skipped) == (expected(1, 21), [])
    spoil(files, 1, 0)
    frames, reader = read(files, 3)
    assert (frames, reader.damage) == ([], Damage(1, 0, 3, 3))


def test_a_segment_under_another_name_is_none(files: LoggingFiles) -> None:
    """Somebody has copied it there."""
    files.contents[path(5)] = bytearray(files.contents[path(2)])
    size = len(files.contents[path(5)])
    frames, reader = read(files)
    assert (frames, reader.damage, reader.torn_bytes) == (expected(1, 21), None, size)


def test_a_cut_segment_is_damage_if_another_follows(files: LoggingFiles) -> None:
    """A segment is synced before the next is begun, even if that has no frame yet."""
    del files.contents[path(4)][64:]
    cut = frames_of(files, 3)[-1].offset
    del files.contents[path(3)][cut:]
    frames, reader = read(files)
    assert (frames, reader.damage) == (expected(1, 18), Damage(3, cut, 18, 19))
    frames, reader = read(files, skip_damage=True)
    assert (frames, reader.skipped, reader.next_seq) == (expected(1, 18), [(18, 19)], 19)


def test_a_frame_out_of_order_is_a_bad_one(files: LoggingFiles) -> None:
    """Whole as it may be: bytes before it were taken out, or put there twice."""
    first, second = frames_of(files, 2)[1:3]
    data = files.contents[path(2)]
    whole = bytes(data)
    del data[first.offset : first.end]
    frames, reader = read(files)
    assert (frames, reader.damage) == (expected(1, 8), Damage(2, first.offset, 8, 9))
    frames, reader = read(files, skip_damage=True)
    assert (frames, reader.skipped) == (expected(1, 8) + expected(9, 21), [(8, 9)])
    data[:] = whole[: second.offset] + whole[first.offset :]
    frames, reader = read(files)
    assert (frames, reader.damage) == (expected(1, 9), Damage(2, second.offset, 9, 9))
    frames, reader = read(files, skip_damage=True)
    assert (frames, reader.skipped) == (expected(1, 21), [])


def test_a_frame_without_a_readable_body_is_a_bad_one(files: LoggingFiles) -> None:
    """Its checksum was made when its content was wrong already."""
    hit = frames_of(files, 2)[1]
    data = files.contents[path(2)]
    payload = bytes(hit.end - hit.offset - 32)
    data[hit.offset : hit.end] = frame_head(8, 8, len(body(8)), payload) + payload
    frames, reader = read(files)
    assert (frames, reader.damage) == (expected(1, 8), Damage(2, hit.offset, 8, 9))
    frames, reader = read(files, skip_damage=True)
    assert (frames, reader.skipped) == (expected(1, 8) + expected(9, 21), [(8, 9)])


def test_what_a_crash_left_torn_is_not_used_instead_of_damaged_frames() -> None:
    """Not even if the header that says where the next process went on is damaged."""
    files = LoggingFiles()
    writer = journal(files, small=False)
    add_frames(writer, 4)
    add_frames(writer, 9, sync=False)
    torn = frames_of(files, 1)[4]
    spoil(files, 1, torn.offset + 40)
    second = journal(files, next_seq=5, segment=2, small=False)
    add(second, b"new five")
    add(second, b"new six")
    spoil(files, 2, 0)
    frames, reader = read(files, skip_damage=True)
    assert frames == [*expected(1, 5), (5, b"new five"), (6, b"new six")]
    assert (reader.damage, reader.skipped) == (Damage(1, torn.offset, 5, 5), [])
    spoil(files, 2, frames_of(files, 2)[1].offset)
    frames, reader = read(files, skip_damage=True)
    assert (frames, reader.skipped) == ([*expected(1, 5), (6, b"new six")], [(5, 6)])


def test_any_byte_may_be_wrong() -> None:
    """Frames before it are read, never another body; durable ones are not given up in silence.

    Frames 1 to 12 are durable, because another segment was begun behind them, 13 to 15 are not.
    """
    files = LoggingFiles()
    writer = journal(files)
    add_frames(writer, 10)
    add_frames(writer, 16, sync=False)
    assert firsts(files) == [1, 7, 13]
    places = [(number, frame) for number in (1, 2, 3) for frame in frames_of(files, number)]
    for number in (1, 2, 3):
        for offset in range(len(files.contents[path(number)])):
            spoil(files, number, offset)
            frames, reader = read(files)
            spoil(files, number, offset)
            lost = min(frame.seq for at, frame in places if (at, frame.end) > (number, offset))
            assert frames == expected(1, lost)
            if lost < 13:
                assert reader.damage is not None
                assert reader.damage.expected_seq == lost
            else:
                assert reader.damage is None


def test_a_copy_of_a_damaged_segment_is_kept_once(files: LoggingFiles) -> None:
    """Another state of it goes beside the first, and what is not there is not copied."""
    first = bytes(files.contents[path(2)])
    copy = "journal/damaged/00000002.tlj"
    files.take_log()
    assert keep_copy(files, 2) == copy
    log = files.take_log()
    assert log[-3:] == [f"sync_file {copy}", "sync_folder journal/damaged", "sync_folder journal"]
    assert keep_copy(files, 2) == copy
    spoil(files, 2, 70)
    assert keep_copy(files, 2) == f"{copy}.1"
    assert bytes(files.contents[copy]) == first
    assert files.contents[f"{copy}.1"] == files.contents[path(2)]
    assert keep_copy(files, 9) is None
    assert [each.number for each in segments(files)] == [1, 2, 3, 4]


def test_all_segments_are_listed(files: LoggingFiles) -> None:
    """By number, with what can be known of those with a bad header; nothing else is one."""
    files.append("journal/lock", b"1")
    spoil(files, 2, 63)
    sizes = [len(files.contents[path(number)]) for number in range(1, 5)]
    assert segments(files) == [
        SegmentInfo(1, 1, sizes[0], NOW_NS),
        SegmentInfo(2, None, sizes[1], 0),
        SegmentInfo(3, 13, sizes[2], NOW_NS),
        SegmentInfo(4, 19, sizes[3], NOW_NS),
    ]


def test_a_good_journal_has_no_problems(files: LoggingFiles) -> None:
    """Frames and bytes are counted; a torn tail is no problem, and neither is a later start."""
    total = sum(len(content) for content in files.contents.values())
    assert check_segments(files) == SegmentsCheck([], 4, 20, total, 1, 21, 0)
    size = len(files.contents.pop(path(1)))
    files.contents[path(4)] += b"torn"
    assert check_segments(files) == SegmentsCheck([], 3, 14, total - size + 4, 7, 21, 4)
    assert check_segments(LoggingFiles()) == SegmentsCheck([], 0, 0, 0, 0, 0, 0)


def test_every_damage_is_a_problem(files: LoggingFiles) -> None:
    """The first header's too; what can be read is counted."""
    spoil(files, 1, 5)
    spoil(files, 2, frames_of(files, 2)[1].offset)
    del files.contents[path(3)]
    check = check_segments(files)
    assert (check.frames, check.first_seq, check.next_seq) == (20 - 1 - 6, 1, 21)
    assert [problem.split(" is ")[0] for problem in check.problems] == [path(1), path(2), path(3)]
