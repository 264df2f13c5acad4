"""Checkpoint slots: what is saved comes back, and in which order it is made durable."""

from __future__ import annotations

import struct
from pathlib import Path

import google_crc32c
import numpy as np
import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.storage.checkpoints import LoggedFiles, saved
from tick_logger.storage import checkpoint as module
from tick_logger.storage.checkpoint import CheckpointSlots
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.journal_layout import CHECKPOINT_PATHS


def test_nothing_is_there_at_first() -> None:
    """No checkpoint, no problem, and the journal is needed from its beginning."""
    slots = CheckpointSlots(MemoryFiles())
    assert slots.load() is None
    assert slots.both() == []
    assert slots.problems == []
    assert slots.needed_seq == 0


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    """From a real disk, by another process, with all that was saved."""
    files = DiskFiles(tmp_path)
    made = CheckpointSlots(files).save(7, 99, {"ids": np.array([1, 2], np.uint64), "x": [None]})
    files.close()
    found = CheckpointSlots(DiskFiles(tmp_path)).load()
    assert found is not None
    assert (found.epoch, found.next_seq, found.made_ns, found.version) == (1, 7, 99, 2)
    assert found.state["ids"].tolist() == [1, 2]
    assert found.state["x"] == [None]
    assert (made.epoch, made.next_seq, made.made_ns, made.version) == (1, 7, 99, 2)


def test_slots_take_turns() -> None:
    """Each save takes the slot of the older checkpoint, also in a new process."""
    files = LoggedFiles()
    slots = saved(files, 1)
    slots.save(20, 1002, {"n": 2})
    saved_by_another = CheckpointSlots(files).save(30, 1003, {"n": 3})
    assert saved_by_another.epoch == 3
    appended = [entry for entry in files.log if entry[0] == "append"]
    first, second = CHECKPOINT_PATHS
    assert appended == [("append", first), ("append", second), ("append", first)]


def test_both() -> None:
    """The older valid one first, whichever slot it is in."""
    files = MemoryFiles()
    for count, expected in ((1, [1]), (2, [1, 2]), (3, [2, 3])):
        files.contents.clear()
        saved(files, count)
        assert [each.epoch for each in CheckpointSlots(files).both()] == expected


def test_order_of_a_save() -> None:
    """All else is durable before the slot is touched, the slot before its name."""
    files = LoggedFiles()
    slots = saved(files, 2)
    files.log.clear()
    slots.save(30, 1003, {"n": 3})
    assert files.log == [
        ("sync",),
        ("truncate", "journal/checkpoint.0", 0),
        ("append", "journal/checkpoint.0"),
        ("sync_file", "journal/checkpoint.0"),
        ("sync_folder", "journal"),
    ]


def test_bytes_of_a_slot() -> None:
    """The head's fields, then a checksum of everything else, then the state."""
    files = MemoryFiles()
    saved(files, 1)
    slot = files.read(CHECKPOINT_PATHS[0])
    magic, version, epoch, next_seq, made_ns, length, crc = struct.unpack_from("<8sIQQQII", slot)
    assert (magic, version, epoch, next_seq, made_ns) == (b"TLCHECKP", 2, 1, 10, 1001)
    assert length == len(slot) - 44
    assert crc == google_crc32c.value(slot[:40] + slot[44:])


def test_state_that_cannot_be_encoded() -> None:
    """Nothing is touched, and the next save succeeds."""
    files = LoggedFiles()
    slots = saved(files, 2)
    files.log.clear()
    with pytest.raises(TypeError, match=r"^state\['x'\] is a tuple"):
        slots.save(30, 1003, {"x": (1, 2)})
    assert files.log == []
    assert slots.save(30, 1003, {"n": 3}).epoch == 3


def test_state_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before anything is touched."""
    files = LoggedFiles()
    slots = saved(files, 2)
    files.log.clear()
    monkeypatch.setattr(module, "MAX_BODY_BYTES", 100)
    slots.save(30, 1003, {"n": b"\0" * 1000})  # counted as compressed
    with pytest.raises(ValueError, match="bytes, compressed; 100 fit"):
        slots.save(40, 1004, {"n": np.random.default_rng(1).bytes(101)})
    assert files.log[-1] == ("sync_folder", "journal")


def test_needed_frames() -> None:
    """As far back as the older of two checkpoints; all as long as there is only one to rely on."""
    files = MemoryFiles()
    slots = saved(files, 1)
    assert slots.needed_seq == 0
    slots.save(20, 1002, {"n": 2})
    assert slots.needed_seq == 10
    slots.save(30, 1003, {"n": 3})
    assert slots.needed_seq == 20
    files.fail_at = files.operations + 1  # sync: no slot was touched
    with pytest.raises(OSError, match="Input/output error"):
        slots.save(40, 1004, {"n": 4})
    assert slots.needed_seq == 20
    files.fail_at = files.operations + 4  # sync_file: one slot may be torn
    with pytest.raises(OSError, match="Input/output error"):
        slots.save(40, 1004, {"n": 4})
    assert slots.needed_seq == 0
    other = CheckpointSlots(saved_files(3))
    assert other.needed_seq == 0  # not read yet
    other.load()
    assert other.needed_seq == 20


def saved_files(count: int) -> MemoryFiles:
    files = MemoryFiles()
    saved(files, count)
    return files
