"""Checkpoints that tell which they are, on files that note what is done to them."""

from __future__ import annotations

from typing import Any

from tests.fakes.memory_files import MemoryFiles
from tick_logger.storage.checkpoint import Checkpoint, CheckpointSlots


class LoggedFiles(MemoryFiles):
    """Notes what is written and synced, in order, and what would survive a power cut."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[tuple[object, ...]] = []
        self.durable: dict[str, bytes] = {}
        self.durable_names: set[str] = set()

    def append(self, path: str, data: bytes | memoryview) -> None:
        self.log.append(("append", path))
        super().append(path, data)

    def truncate(self, path: str, size: int) -> None:
        self.log.append(("truncate", path, size))
        super().truncate(path, size)

    def sync(self) -> None:
        self.log.append(("sync",))
        super().sync()
        self.durable = {path: bytes(content) for path, content in self.contents.items()}
        self.durable_names = set(self.contents)

    def sync_file(self, path: str) -> None:
        self.log.append(("sync_file", path))
        super().sync_file(path)
        self.durable[path] = bytes(self.contents[path])

    def sync_folder(self, folder: str = "") -> None:
        self.log.append(("sync_folder", folder))
        super().sync_folder(folder)
        self.durable_names = set(self.contents)


def saved(files: MemoryFiles, count: int) -> CheckpointSlots:
    """Slots with so many checkpoints saved: number n has next_seq 10 n and the state {"n": n}."""
    slots = CheckpointSlots(files)
    for number in range(1, count + 1):
        slots.save(10 * number, 1000 + number, {"n": number})
    return slots


def loaded(files: MemoryFiles) -> int:
    """Number of the checkpoint that a new process finds, 0 for none."""
    found = CheckpointSlots(files).load()
    if found is None:
        return 0
    number: int = found.state["n"]
    assert whole(found) == (number, 10 * number, 1000 + number, {"n": number}, 2)
    return number


def whole(found: Checkpoint) -> tuple[int, int, int, dict[str, Any], int]:
    return found.epoch, found.next_seq, found.made_ns, found.state, found.version
