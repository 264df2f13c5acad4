"""The journal's writer: what it does to the files, and what it does after each kind of error."""

from __future__ import annotations

import pytest

from tests.journal.journals import (
    NOW_NS,
    LoggingFiles,
    add,
    add_frames,
    body,
    expected,
    frames_of,
    header,
    journal,
    parse,
    path,
    read,
)
from tick_logger.journal.journal import Journal
from tick_logger.journal.segment import SEGMENT_BYTES


@pytest.fixture
def files() -> LoggingFiles:
    return LoggingFiles()


def seqs(files: LoggingFiles, number: int) -> list[tuple[int, int]]:
    """(seq, synced_seq) of the frames of a segment."""
    return [(frame.seq, frame.synced_seq) for frame in parse(bytes(files.contents[path(number)]))]


def test_nothing_is_touched_before_the_first_write(files: LoggingFiles) -> None:
    """What is there is looked at once, before."""
    writer = journal(files)
    assert files.take_log() == ["list journal", "list journal"]
    writer.accept(b"x")
    writer.sync()
    assert files.take_log() == []


def test_accepted_frames_are_numbered_and_held(files: LoggingFiles) -> None:
    """From `next_seq` on; they are neither written nor durable."""
    writer = journal(files, next_seq=41)
    assert [writer.accept(b"x"), writer.accept(b"yy")] == [41, 42]
    assert (writer.next_seq, writer.written_seq, writer.durable_seq) == (43, 41, 41)


def test_frames_are_held_until_they_are_durable(files: LoggingFiles) -> None:
    """Their size is that of the frames on disk; written is not enough."""
    writer = journal(files)
    add(writer, b"x", b"y" * 1000, sync=False)
    size = len(files.contents[path(1)])
    assert (writer.held_bytes, writer.bytes_written) == (size - 64, size)
    assert (writer.next_seq, writer.written_seq, writer.durable_seq) == (3, 3, 1)
    writer.sync()
    assert (writer.held_bytes, writer.bytes_written) == (0, size)
    assert (writer.next_seq, writer.written_seq, writer.durable_seq) == (3, 3, 3)


def test_the_order_of_operations(files: LoggingFiles) -> None:
    """All frames in one append, and names are synced once."""
    writer = journal(files)
    files.take_log()
    add(writer, b"1", b"2", b"3")
    assert files.take_log() == [
        f"exists {path(1)}",
        f"append {path(1)}",
        f"append {path(1)}",
        f"sync_file {path(1)}",
        "sync_folder journal",
        "sync_folder",
    ]
    add(writer, b"4", b"5")
    assert files.take_log() == [f"append {path(1)}", f"sync_file {path(1)}"]
    writer.write(NOW_NS)
    writer.sync()
    assert files.take_log() == []


def test_what_is_on_disk(files: LoggingFiles) -> None:
    """A header, and the frames with what was durable when each was written."""
    writer = journal(files, next_seq=5, segment=3)
    add(writer, b"five", b"six")
    add(writer, b"seven", sync=False)
    add(writer, b"eight", sync=False)
    data = bytes(files.contents[path(3)])
    assert header(data) == (3, 5, 5, NOW_NS)
    assert [frame.body for frame in parse(data)] == [b"five", b"six", b"seven", b"eight"]
    assert seqs(files, 3) == [(5, 5), (6, 5), (7, 7), (8, 7)]


def test_a_full_segment_is_synced_before_the_next_is_begun(files: LoggingFiles) -> None:
    """Frames of a later one are never durable before those of an earlier one."""
    writer = journal(files)
    files.take_log()
    add(writer, *(body(seq) for seq in range(1, 12)), sync=False)
    sizes = [len(files.contents[path(number)]) for number in (1, 2)]
    frames = [len(parse(bytes(files.contents[path(number)]))) for number in (1, 2)]
    assert sum(frames) == 11
    assert sizes[0] <= 400 < sizes[0] + 41 + len(body(frames[0] + 1))
    assert header(bytes(files.contents[path(2)])) == (2, frames[0] + 1, frames[0] + 1, NOW_NS)
    assert seqs(files, 2)[0] == (frames[0] + 1, frames[0] + 1)
    assert (writer.durable_seq, writer.segment) == (frames[0] + 1, 2)
    assert files.take_log()[3:] == [
        f"sync_file {path(1)}",
        "sync_folder journal",
        "sync_folder",
        f"exists {path(2)}",
        f"append {path(2)}",
        f"append {path(2)}",
    ]
    writer.sync()
    assert files.take_log() == [f"sync_file {path(2)}", "sync_folder journal"]


def test_a_large_frame_has_a_segment_for_itself(files: LoggingFiles) -> None:
    """None crosses segments."""
    large = b"".join(number.to_bytes(4) for number in range(1000))
    writer = journal(files)
    add(writer, b"a", large, b"b")
    assert [seqs(files, number) for number in (1, 2, 3)] == [[(1, 1)], [(2, 2)], [(3, 3)]]
    assert len(files.contents[path(2)]) > 1000


def test_segments_larger_than_readers_allow_are_refused(files: LoggingFiles) -> None:
    """And such as have no room for a frame."""
    for segment_bytes in (SEGMENT_BYTES + 1, 64):
        with pytest.raises(ValueError, match="segments of"):
            Journal(files, next_seq=1, segment=1, segment_bytes=segment_bytes)


def test_a_failed_append_is_cut_back_before_the_next(files: LoggingFiles) -> None:
    """As if it had not been; numbers and bytes written as well."""
    writer = journal(files)
    add(writer, b"one")
    size = len(files.contents[path(1)])
    files.fail("append")
    writer.accept(b"two")
    with pytest.raises(OSError, match="Input/output"):
        writer.write(NOW_NS)
    assert (writer.written_seq, writer.next_seq, writer.bytes_written) == (2, 3, size)
    files.take_log()
    add(writer, b"three")
    operations = ["truncate", "append", "sync_file"]
    assert files.take_log() == [f"{operation} {path(1)}" for operation in operations]
    assert [frame.body for frame in parse(bytes(files.contents[path(1)]))] == [
        b"one",
        b"two",
        b"three",
    ]


def test_a_segment_that_cannot_be_cut_is_abandoned(files: LoggingFiles) -> None:
    """The next one holds every frame that is not durable, and says what the other may hold."""
    writer = journal(files)
    add(writer, b"one")
    add(writer, b"two", sync=False)
    files.fail("append", "truncate")
    writer.accept(b"three")
    with pytest.raises(OSError, match="Input/output"):
        writer.write(NOW_NS)
    files.take_log()
    add(writer, b"four")
    assert files.take_log() == [
        f"truncate {path(1)}",
        f"exists {path(2)}",
        f"append {path(2)}",
        f"append {path(2)}",
        f"sync_file {path(2)}",
        "sync_folder journal",
    ]
    assert header(bytes(files.contents[path(2)])) == (2, 2, 4, NOW_NS)
    assert seqs(files, 2) == [(2, 2), (3, 2), (4, 2)]


@pytest.mark.parametrize("operation", ["sync_file", "sync_folder"])
def test_a_segment_that_cannot_be_synced_is_never_touched_again(
    files: LoggingFiles, operation: str
) -> None:
    """A second sync would prove nothing: its frames are written once more, elsewhere."""
    writer = journal(files)
    add(writer, b"one", b"two", sync=False)
    files.fail(operation)
    with pytest.raises(OSError, match="Input/output"):
        writer.sync()
    assert (writer.written_seq, writer.durable_seq, writer.segment) == (1, 1, 2)
    files.take_log()
    writer.sync()
    assert files.take_log() == []
    add(writer, b"three")
    assert not [line for line in files.take_log() if path(1) in line]
    assert header(bytes(files.contents[path(2)])) == (2, 1, 3, NOW_NS)
    assert seqs(files, 2) == [(1, 1), (2, 1), (3, 1)]
    assert (writer.durable_seq, writer.held_bytes) == (4, 0)


def test_a_header_that_fails_is_removed(files: LoggingFiles) -> None:
    """Its number is used once more."""
    writer = journal(files)
    files.fail("append")
    writer.accept(b"one")
    with pytest.raises(OSError, match="Input/output"):
        writer.write(NOW_NS)
    assert files.contents == {}
    add(writer)
    assert seqs(files, 1) == [(1, 1)]


def test_a_header_that_cannot_be_removed_is_passed_over(files: LoggingFiles) -> None:
    """The next number is used, and readers do not mind."""
    writer = journal(files)
    files.fail("append", "remove")
    writer.accept(body(1))
    with pytest.raises(OSError, match="Input/output"):
        writer.write(NOW_NS)
    add(writer)
    assert len(files.contents[path(1)]) == 32
    assert seqs(files, 2) == [(1, 1)]
    frames, reader = read(files)
    assert (frames, reader.damage, reader.torn_bytes) == (expected(1, 2), None, 0)


def test_what_may_not_be_durable_is_written_again(files: LoggingFiles) -> None:
    """By the next process, which has read it, also if it has nothing to add."""
    first = journal(files, small=False)
    add_frames(first, 4)
    add_frames(first, 6, sync=False)
    held_bytes = first.held_bytes
    writer = journal(files, next_seq=6, segment=2)
    assert (writer.durable_seq, writer.written_seq, writer.next_seq) == (4, 4, 6)
    assert writer.held_bytes == held_bytes
    add(writer)
    assert header(bytes(files.contents[path(2)])) == (2, 4, 6, NOW_NS)
    assert seqs(files, 2) == [(4, 4), (5, 4)]
    assert (writer.durable_seq, writer.held_bytes) == (6, 0)
    del files.contents[path(1)][frames_of(files, 1)[3].offset :]
    assert read(files)[0] == expected(1, 6)


def test_the_last_synced_frames_are_written_again(files: LoggingFiles) -> None:
    """Nothing says of them that they were synced; of earlier ones they say it themselves."""
    add_frames(journal(files), 10)
    add_frames(journal(files, next_seq=10, segment=3), 11)
    assert seqs(files, 3) == [(9, 9), (10, 9)]


def test_nothing_is_written_again_where_frames_are_missing(files: LoggingFiles) -> None:
    """These would not be the last before the new ones."""
    add_frames(journal(files, small=False), 6)
    add_frames(journal(files, next_seq=20, segment=2), 21)
    assert seqs(files, 2) == [(20, 20)]


def test_a_segment_without_frames_says_what_was_durable_too(files: LoggingFiles) -> None:
    """A process that died as soon as it had begun to write once more has changed nothing."""
    first = journal(files, small=False)
    add_frames(first, 4)
    add_frames(first, 6, sync=False)
    add(journal(files, next_seq=6, segment=2))
    del files.contents[path(2)][64:]
    add(journal(files, next_seq=6, segment=3))
    assert seqs(files, 3) == [(4, 4), (5, 4)]


def write_all(files: LoggingFiles, next_seq: int) -> Journal:
    """Write frames to before this, synced at every third, each call repeated until it succeeds."""
    writer = journal(files)
    while writer.next_seq < next_seq:
        writer.accept(body(writer.next_seq))
        attempt(writer, sync=writer.next_seq % 3 == 0)
    attempt(writer, sync=True)
    return writer


def attempt(writer: Journal, *, sync: bool) -> None:
    for _ in range(100):
        try:
            writer.write(NOW_NS)
            if sync:
                writer.sync()
        except OSError:
            continue
        if not sync or writer.durable_seq == writer.next_seq:
            return
    raise AssertionError("it did not come to an end")


@pytest.mark.parametrize("first_torn", [False, True])
def test_any_operation_may_fail(first_torn: bool) -> None:
    """Once: every frame is there exactly once, whichever it was; also if no cut succeeds."""
    undisturbed = LoggingFiles()
    write_all(undisturbed, 14)
    for number in range(3, undisturbed.operations + 1):  # 1 and 2 look at what is there
        files = LoggingFiles()
        files.fail_at = number
        if first_torn:
            files.fail("truncate")
        assert write_all(files, 14).durable_seq == 14
        assert files.operations > number
        frames, reader = read(files)
        assert (frames, reader.damage) == (expected(1, 14), None)


def test_any_operations_may_fail_in_a_row() -> None:
    """Two to five of them, beginning with any."""

    class Bad(LoggingFiles):
        begin, end = 0, 0

        def _mishap(self, operation: str, path: str) -> BaseException | None:
            if self.begin <= self.operations + 1 < self.end:
                self.fail_at = self.operations + 1
            return super()._mishap(operation, path)

    for begin in range(3, 50):
        for length in range(2, 6):
            files = Bad()
            files.begin, files.end = begin, begin + length
            assert write_all(files, 14).durable_seq == 14
            files.begin = files.end
            frames, reader = read(files)
            assert (frames, reader.damage) == (expected(1, 14), None)


def test_a_disk_may_become_full_anywhere() -> None:
    """When there is room again everything is written, and nothing twice."""
    undisturbed = LoggingFiles()
    write_all(undisturbed, 14)
    total = sum(len(content) for content in undisturbed.contents.values())
    for capacity in range(0, total, 5):
        files = LoggingFiles()
        files.capacity_bytes = capacity
        writer = journal(files)
        failures = 0
        for _ in range(13):
            writer.accept(body(writer.next_seq))
            try:
                writer.write(NOW_NS)
                writer.sync()
            except OSError:
                failures += 1
        assert failures > 0
        files.heal()
        attempt(writer, sync=True)
        frames, reader = read(files)
        assert (frames, reader.damage, reader.torn_bytes) == (expected(1, 14), None, 0)


def test_frames_wait_as_long_as_the_disk_fails(files: LoggingFiles) -> None:
    """`held_bytes` says how much; all are written when it works again."""
    writer = journal(files)
    add_frames(writer, 3)
    files.fail_from = 1
    for seq in range(3, 20):
        writer.accept(body(seq))
        with pytest.raises(OSError, match="Input/output"):
            writer.write(NOW_NS)
    assert (writer.durable_seq, writer.next_seq) == (3, 20)
    held = writer.held_bytes
    files.heal()
    before = writer.bytes_written
    attempt(writer, sync=True)
    headers = 64 * (writer.segment - 1)
    assert writer.bytes_written - before == held + headers
    assert read(files)[0] == expected(1, 20)


@pytest.mark.parametrize("left", [None, 0, 70])
def test_a_segment_that_is_taken_away_is_left(files: LoggingFiles, left: int | None) -> None:
    """Removed or cut by somebody: what comes next is in another, with its number."""
    writer = journal(files)
    add(writer, b"1", b"2")
    assert writer.leave_lost_segment() == ""
    if left is None:
        files.remove(path(1))
    else:
        files.truncate(path(1), left)
    writer.accept(b"3")
    assert writer.leave_lost_segment() == path(1)
    assert writer.leave_lost_segment() == ""
    writer.write(NOW_NS)
    writer.sync()
    assert [frame.body for frame in parse(bytes(files.contents[path(2)]))] == [b"3"]
    assert writer.durable_seq == writer.next_seq == 4
