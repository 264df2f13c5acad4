"""The log of lengths: what it was told before a file grew is there whatever happens to the disk."""

from __future__ import annotations

import errno
import json
from collections.abc import Sequence
from random import Random

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.fakes.sim_disk import PowerCut, SimDisk
from tests.journal.journals import LoggingFiles, crc32c
from tick_logger.errors import StorageError
from tick_logger.model.schemas import Schema
from tick_logger.model.tables import Table
from tick_logger.storage.extents import Extent
from tick_logger.storage.extents_log import ExtentsLog

MAX_ATTEMPTS = 4


def extent(number: int, length: int = 0) -> Extent:
    """One of a table-day if the number is even, else of a file of lines."""
    if number % 2:
        return Extent(f"venue/S{number}/gaps.01.02.24.jsonl", 19_754, length)
    return Extent(f"venue/S{number}/TRADES", 19_754, length, Schema.first(Table.TRADES, "f4"))


def extents(*numbers: int) -> list[Extent]:
    return [extent(number) for number in numbers]


def read(files: MemoryFiles, since_epoch: int = 0) -> list[Extent]:
    """What a new process reads."""
    return ExtentsLog(files).read(since_epoch)


def log_files(files: MemoryFiles) -> list[str]:
    return sorted(path for path in files.contents if path.startswith("journal/extents."))


def with_folder(files: MemoryFiles) -> MemoryFiles:
    """Files of which the journal has made its folder durable."""
    files.append("journal/00000001.tlj", b"")
    files.sync()
    return files


# -- what is written -------------------------------------------------------------------------------


def test_each_call_is_one_line_with_its_checksum() -> None:
    """So that a power cut tears one line at most, and nothing whole can follow it."""
    files = with_folder(MemoryFiles())
    log = ExtentsLog(files)
    log.add(extents(0, 1))
    log.add(extents(2))
    texts = [
        b'[["venue/S0/TRADES",19754,0,"f4"],["venue/S1/gaps.01.02.24.jsonl",19754,0,""]]',
        b'[["venue/S2/TRADES",19754,0,"f4"]]',
    ]
    lines = b"".join(b"%08x %b\n" % (crc32c(text), text) for text in texts)
    assert files.contents["journal/extents.0.0"] == lines


def test_what_was_added_is_durable_when_the_call_returns() -> None:
    """File and name; a power cut right after it takes nothing."""
    for cut in range(50):
        disk = with_folder(SimDisk())
        assert isinstance(disk, SimDisk)
        log = ExtentsLog(disk)
        log.add(extents(0, 1))
        log.add(extents(2))
        disk.crash(Random(cut))
        assert read(disk) == extents(0, 1, 2)


def test_the_earliest_extent_of_a_file_counts() -> None:
    """Over parts and epochs: whatever came later was appended behind it."""
    files = with_folder(MemoryFiles())
    for epoch, length in [(9, 300), (10, 400), (2, 100), (3, 200)]:
        log = ExtentsLog(files)
        log.resume(epoch)
        log.add([extent(0, length), extent(2 * epoch, 1)])
    assert read(files, 2)[:2] == [extent(0, 100), extent(4, 1)]
    assert read(files, 3) == [extent(0, 200), extent(6, 1), extent(18, 1), extent(20, 1)]
    assert read(files, 10)[0] == extent(0, 400)
    assert read(files, 11) == []


def test_epochs_before_one_are_forgotten() -> None:
    """The others stay, and so does everything else in the folder."""
    files = with_folder(MemoryFiles())
    for epoch in (8, 9, 10):
        log = ExtentsLog(files)
        log.resume(epoch)
        log.add([extent(epoch)])
    log.forget(before_epoch=9)
    assert log_files(files) == ["journal/extents.10.0", "journal/extents.9.0"]
    assert "journal/00000001.tlj" in files.contents
    assert read(files) == extents(9, 10)


def test_a_new_process_never_appends_to_an_older_ones_part() -> None:
    """It cannot know how that part ends."""
    files = with_folder(MemoryFiles())
    for number in range(3):
        log = ExtentsLog(files)
        log.resume(4)
        log.add([extent(number)])
    assert log_files(files) == [f"journal/extents.4.{part}" for part in range(3)]
    assert read(files) == extents(0, 1, 2)


# -- what is left of it ----------------------------------------------------------------------------


@pytest.mark.parametrize("kept", range(40))
def test_a_torn_line_at_the_end_is_ignored(kept: int) -> None:
    """Nobody has acted upon it."""
    files = with_folder(MemoryFiles())
    log = ExtentsLog(files)
    log.add(extents(0))
    whole = len(files.contents["journal/extents.0.0"])
    log.add(extents(1))
    del files.contents["journal/extents.0.0"][whole + kept :]
    assert read(files) == extents(0)


@pytest.mark.parametrize("change", [b"", b"00000000 []", b"\0" * 30])
def test_a_damaged_line_with_others_behind_it_is_refused(change: bytes) -> None:
    """It was acted upon: files may be longer than anybody knows."""
    files = with_folder(MemoryFiles())
    log = ExtentsLog(files)
    for number in range(3):
        log.add(extents(number))
    lines = bytes(files.contents["journal/extents.0.0"]).split(b"\n")
    lines[1] = change
    files.contents["journal/extents.0.0"][:] = b"\n".join(lines)
    with pytest.raises(StorageError, match=r"journal/extents\.0\.0: line 2 is damaged"):
        read(files)


@pytest.mark.parametrize("many", [1, 30])
@pytest.mark.parametrize("seed", range(40))
def test_a_power_cut_at_any_operation_leaves_all_that_was_added_before(
    seed: int, many: int
) -> None:
    """However the disk tears what was under way, also where that is many sectors long."""
    groups = [list(range(many * n, many * n + many)) for n in range(3)]
    for operation in range(1, 60):
        disk = with_folder(SimDisk(Random(seed)))
        assert isinstance(disk, SimDisk)
        disk.power_cut_at(disk.operations + operation)
        added = list[int]()
        try:
            log = ExtentsLog(disk)
            for group in groups:
                log.add(extents(*group))
                added += group
        except PowerCut:
            disk.crash(Random(1000 * seed + operation))
        else:
            assert operation > 8
            return
        found = read(disk)
        assert found[: len(added)] == extents(*added)
        assert len(found) in (len(added), len(added) + many)  # all of a call, or nothing
    raise AssertionError("it never comes to an end")


# -- a disk that fails -----------------------------------------------------------------------------


def add_until_it_works(log: ExtentsLog, group: Sequence[Extent]) -> int:
    """Repeat the same call, as its user does; returns the number of failures."""
    for failures in range(MAX_ATTEMPTS):
        try:
            log.add(list(group))
        except OSError:
            continue
        return failures
    raise AssertionError("it never succeeds again")


def test_after_a_failed_sync_everything_goes_to_another_part() -> None:
    """What a failed sync has left of the file is unknown, earlier lines included."""
    files = with_folder(LoggingFiles())
    assert isinstance(files, LoggingFiles)
    log = ExtentsLog(files)
    log.add(extents(0))
    log.add(extents(1))
    files.fail("sync_file")
    assert add_until_it_works(log, extents(2)) == 1
    log.add(extents(3))
    assert log_files(files) == ["journal/extents.0.0", "journal/extents.0.1"]
    del files.contents["journal/extents.0.0"]
    assert read(files) == extents(0, 1, 2, 3)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("seed", range(5))
def test_whichever_operation_fails_nothing_is_lost(seed: int, number: int) -> None:
    """The caller repeats the call; then the power is cut."""
    for operation in range(1, 60):
        disk = with_folder(SimDisk(Random(seed)))
        assert isinstance(disk, SimDisk)
        disk.fail(number=number, at=disk.operations + operation)
        log = ExtentsLog(disk)
        groups = [extents(0, 1), extents(2), extents(3, 4)]
        failed = sum(add_until_it_works(log, group) for group in groups)
        disk.heal()
        disk.crash(Random(operation))
        assert read(disk) == extents(0, 1, 2, 3, 4), operation
        if not failed:
            assert operation > 8
            return
    raise AssertionError("it never comes to an end")


@pytest.mark.parametrize("operation", ["list", "read"])
def test_what_cannot_be_read_is_an_error_and_not_nothing(operation: str) -> None:
    """Otherwise files would not be cut, and rows stand in them twice."""
    files = with_folder(LoggingFiles())
    assert isinstance(files, LoggingFiles)
    ExtentsLog(files).add(extents(0))
    files.fail(operation)
    with pytest.raises(OSError, match="Input/output error"):
        read(files)


def test_lengths_are_kept_as_whole_numbers() -> None:
    """Beyond what a float could hold."""
    files = with_folder(MemoryFiles())
    ExtentsLog(files).add([extent(0, 2**62 + 1)])
    (line,) = bytes(files.contents["journal/extents.0.0"]).splitlines()
    assert json.loads(line[9:])[0][2] == 2**62 + 1
    assert read(files) == [extent(0, 2**62 + 1)]
