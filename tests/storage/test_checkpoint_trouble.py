"""Checkpoint slots: whatever fails at whatever moment, there is one to begin from."""

from __future__ import annotations

import itertools
import struct
import sys
from collections.abc import Iterator

import google_crc32c
import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.storage.checkpoints import LoggedFiles, loaded, saved
from tick_logger.errors import RefusedError
from tick_logger.storage.checkpoint import CheckpointSlots
from tick_logger.storage.journal_layout import CHECKPOINT_PATHS

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SAVE_OPERATIONS = 5
"""Of a save: sync, truncate, append, sync_file, sync_folder."""


@pytest.mark.parametrize("before", [0, 1, 2, 3])
@pytest.mark.parametrize("operation", range(1, SAVE_OPERATIONS + 1))
def test_failed_save(before: int, operation: int) -> None:
    """It raises, the old or the new checkpoint is loadable, and the next save succeeds."""
    files = MemoryFiles()
    slots = saved(files, before)
    live = CHECKPOINT_PATHS[(before + 1) % 2]  # of the newest checkpoint, if there is one
    untouched = bytes(files.contents.get(live, b""))
    files.fail_at = files.operations + operation
    with pytest.raises(OSError, match="Input/output error"):
        slots.save(10 * (before + 1), 1001 + before, {"n": before + 1})
    assert loaded(files) in (before, before + 1)
    assert bytes(files.contents.get(live, b"")) == untouched
    slots.save(10 * (before + 1), 1001 + before, {"n": before + 1})
    assert loaded(files) == before + 1
    assert bytes(files.contents.get(live, b"")) == untouched


@pytest.mark.parametrize("before", [1, 2, 3])
def test_live_slot_is_never_touched(before: int) -> None:
    """Not by any number of failed saves, and not in the next process either."""
    files = LoggedFiles()
    slots = saved(files, before)
    live = CHECKPOINT_PATHS[(before + 1) % 2]
    for operation in range(1, SAVE_OPERATIONS + 1):  # each leaves the slot in another condition
        files.log.clear()
        files.fail_at = files.operations + operation
        with pytest.raises(OSError, match="Input/output error"):
            slots.save(10 * (before + 1), 1001 + before, {"n": before + 1})
        assert all(live not in entry for entry in files.log)
    files.fail_at = None
    files.log.clear()
    files.append(CHECKPOINT_PATHS[before % 2], b"torn!")
    CheckpointSlots(files).save(10 * (before + 1), 1001 + before, {"n": before + 1})
    assert all(live not in entry for entry in files.log)
    assert loaded(files) == before + 1


def test_disk_full() -> None:
    """Half a slot is none; with room again the same slot is taken."""
    files = MemoryFiles()
    slots = saved(files, 2)
    files.capacity_bytes = sum(map(len, files.contents.values())) - 10
    with pytest.raises(OSError, match="No space left"):
        slots.save(30, 1003, {"n": 3})
    assert loaded(files) == 2
    files.heal()
    assert slots.save(30, 1003, {"n": 3}).epoch == 3
    assert [each.epoch for each in slots.both()] == [2, 3]


def after_power_cut(files: LoggedFiles) -> Iterator[MemoryFiles]:
    """Every disk that a power cut may leave, with files cut or zeroed at a few places."""
    choices: list[list[bytes | None]] = []
    paths = sorted(files.contents.keys() | files.durable.keys())
    for path in paths:
        synced, written = files.durable.get(path), bytes(files.contents.get(path, b""))
        images: set[bytes | None] = {synced or b"", written}
        if written != synced:
            for cut in (0, 1, 20, 44, len(written) - 1):
                images |= {written[:cut], written[:cut].ljust(len(written), b"\0")}
                images.add(written[:cut] + (synced or b"")[cut:])
        if path not in files.durable_names:
            images.add(None)
        choices.append(list(images))
    for disk in itertools.product(*choices):
        left = MemoryFiles()
        left.contents = {
            path: bytearray(image)
            for path, image in zip(paths, disk, strict=True)
            if image is not None
        }
        yield left


@pytest.mark.parametrize("before", [0, 1, 2, 3])
@pytest.mark.parametrize("operation", range(1, SAVE_OPERATIONS + 2))
def test_power_cut(before: int, operation: int) -> None:
    """Before, at and after every operation: the old or the new, and the new once it is said."""
    files = LoggedFiles()
    slots = saved(files, before)
    files.fail_from = files.operations + operation
    allowed = {before, before + 1}
    try:
        slots.save(10 * (before + 1), 1001 + before, {"n": before + 1})
    except OSError:
        pass
    else:
        allowed = {before + 1}
    found = {loaded(disk) for disk in after_power_cut(files)}
    assert found
    assert found <= allowed


@pytest.mark.parametrize("before", [1, 2])
def test_torn_slot(before: int) -> None:
    """Cut at any length, or longer than it should be, the newest falls back to the other."""
    files = MemoryFiles()
    saved(files, before)
    slot = CHECKPOINT_PATHS[(before + 1) % 2]
    good = bytes(files.contents[slot])
    for torn in [good[:cut] for cut in range(len(good))] + [good + b"\0"]:
        files.contents[slot] = bytearray(torn)
        slots = CheckpointSlots(files)
        found = slots.load()
        assert (found.epoch if found else 0) == before - 1
        assert len(slots.problems) == 1
        assert slots.problems[0].startswith(f"{slot} holds no valid checkpoint: ")


def test_damaged_slot() -> None:
    """So it does with any one byte changed."""
    files = MemoryFiles()
    saved(files, 2)
    good = bytes(files.contents[CHECKPOINT_PATHS[1]])
    for at, change in itertools.product(range(len(good)), (0x01, 0x80, 0xFF)):
        files.contents[CHECKPOINT_PATHS[1]] = bytearray(good)
        files.contents[CHECKPOINT_PATHS[1]][at] ^= change
        assert loaded(files) == 1


def test_both_invalid() -> None:
    """None is left, and both are told of; the next save begins anew."""
    files = MemoryFiles()
    saved(files, 2)
    files.truncate(CHECKPOINT_PATHS[0], 0)
    files.truncate(CHECKPOINT_PATHS[1], 50)
    slots = CheckpointSlots(files)
    assert slots.load() is None
    assert [problem.partition(": ")[0] for problem in slots.problems] == [
        "journal/checkpoint.0 holds no valid checkpoint",
        "journal/checkpoint.1 holds no valid checkpoint",
    ]
    assert slots.save(90, 1009, {"n": 9}).epoch == 1


def test_problems_are_those_of_the_last_reading() -> None:
    """A slot that was repaired is no problem any more."""
    files = MemoryFiles()
    saved(files, 2)
    files.truncate(CHECKPOINT_PATHS[1], 3)
    slots = CheckpointSlots(files)
    slots.load()
    assert len(slots.problems) == 1
    slots.save(20, 1002, {"n": 2})
    slots.load()
    assert slots.problems == []


@pytest.mark.parametrize("operation", [1, 2])
def test_read_error_is_no_absence(operation: int) -> None:
    """Neither a load nor a save goes on without knowing what is in the slots."""
    files = MemoryFiles()
    saved(files, 2)
    before = {path: bytes(content) for path, content in files.contents.items()}
    for attempt in ("load", "save"):
        files.fail_at = files.operations + operation
        slots = CheckpointSlots(files)
        with pytest.raises(OSError, match="Input/output error"):
            slots.load() if attempt == "load" else slots.save(30, 1003, {"n": 3})
        assert files.contents == before


def newer(slot: bytes) -> bytes:
    """The slot as a newer version would write it: another format, a valid checksum."""
    changed = slot[:8] + struct.pack("<I", 3) + slot[12:]
    return (
        changed[:40]
        + struct.pack("<I", google_crc32c.value(changed[:40] + changed[44:]))
        + changed[44:]
    )


@pytest.mark.parametrize("which", [0, 1])
def test_newer_version(which: int) -> None:
    """What a newer version left is neither ignored nor overwritten."""
    files = MemoryFiles()
    saved(files, 2)
    path = CHECKPOINT_PATHS[which]
    files.contents[path] = bytearray(newer(bytes(files.contents[path])))
    before = {path: bytes(content) for path, content in files.contents.items()}
    expected = f"^{path}: made by a newer version of the program, .* its format is 3"
    for attempt in ("load", "save"):
        slots = CheckpointSlots(files)
        with pytest.raises(RefusedError, match=expected):
            slots.load() if attempt == "load" else slots.save(30, 1003, {"n": 3})
    assert files.contents == before


def test_valid_checksum_over_nonsense() -> None:
    """A body that is no state makes the slot invalid, not the process fail."""
    files = MemoryFiles()
    saved(files, 2)
    for body in (b"no zstd", zstd.compress(b"\xc1")):
        head = struct.pack("<8sIQQQI", b"TLCHECKP", 1, 2, 20, 1002, len(body))
        crc = struct.pack("<I", google_crc32c.value(head + body))
        files.contents[CHECKPOINT_PATHS[1]] = bytearray(head + crc + body)
        assert loaded(files) == 1
