"""A disk in memory that dies like a real one: what was not synced is lost, kept or torn.

The model is stricter than any file system: nothing un-synced has any order, a file's name is not
synced with the file, and data of a failed sync is gone for good.  Until the power is cut nobody
can tell it from a perfect disk, except by the faults that were asked for.

Deterministic: equal operations and equal generators give equal disks.
"""

from __future__ import annotations

import copy
import errno
from collections import deque
from collections.abc import Iterable
from fnmatch import fnmatchcase
from random import Random
from typing import Any, Literal, TypeAlias

import attrs

from tests.fakes.memory_files import PID_TEXT, MemoryFiles, failure, folders_of
from tests.fakes.wear import FATES, File, Unsynced, wear, zero

WRITES = ("append", "truncate", "replace", "rename", "remove", "lock")
SYNCS = ("sync", "sync_file", "sync_folder")

MAX_SYNC_POINTS = 100_000
"""More than any simulation has; the newest are kept."""

Kind: TypeAlias = Literal["kill", "power"]


class PowerCut(BaseException):
    """The process is dead: no handler of its own may run, so this is no `Exception`."""


@attrs.define
class _Fault:
    """Which operations fail, and how."""

    operations: tuple[str, ...]
    number: int
    path: str
    at: int | None
    times: int | None

    def hits(self, operation: str, path: str, count: int) -> bool:
        """Whether this operation fails; uses up one of the times if so."""
        due = (
            self.times != 0
            and (self.at is None or self.at == count)
            and (not self.operations or operation in self.operations)
            and fnmatchcase(path, self.path)
        )
        if due and self.times is not None:
            self.times -= 1
        return due


class SimDisk(MemoryFiles):
    """Files on a simulated disk; `contents` is what a living process sees.

    `rng` decides what is left of operations that fail or are cut short.  Write only through the
    operations; what a test changes in `contents` itself counts as durable.
    """

    def __init__(self, rng: Random | None = None, *, capacity_bytes: int | None = None) -> None:
        super().__init__(capacity_bytes=capacity_bytes)
        self._rng = Random(0) if rng is None else rng
        self._sync_points: deque[int] = deque(maxlen=MAX_SYNC_POINTS)
        self._faults: list[_Fault] = []
        self._cut_at: int | None = None
        self._dead = False
        self._used = 0
        # Dictionaries, also for want of an ordered set: what is drawn must not depend on hashes.
        self._unsynced: dict[str, Unsynced] = {}
        self._new_names: dict[str, None] = {}  # of folders with a "/" behind
        self._removed: dict[str, File] = {}
        self._replaced: dict[str, list[File]] = {}  # what the name may still mean, oldest first
        self._lost: dict[str, list[tuple[int, int]]] = {}

    # -- what a simulation asks for ---------------------------------------------------------------

    @property
    def sync_points(self) -> list[int]:
        """The numbers of the operations that were syncs of any kind, in order."""
        return list(self._sync_points)

    def fail(
        self,
        *operations: str,
        number: int,
        path: str = "*",
        at: int | None = None,
        times: int | None = None,
    ) -> None:
        """Let operations of these names (none: of all) fail with an error number.

        Only those on paths like the pattern `path`, only operation number `at`, only so many
        `times`; without these until `heal`.  A failed append leaves a random first part.  What a
        failed sync should have written looks clean ever after, but is zeros after a power cut.
        """
        self._faults.append(_Fault(operations, number, path, at, times))

    def power_cut_at(self, operation: int) -> None:
        """Raise `PowerCut` in the middle of that operation, and in all later ones until `crash`."""
        assert operation > self.operations, "this operation is over"
        self._cut_at = operation

    def crash(self, rng: Random, kind: Kind = "power") -> None:
        """The process is gone, and the disk ready for the next one; locks are free.

        "kill" loses nothing, but un-synced things stay so.  After "power" whatever was left is
        durable, and nothing else is there.
        """
        self._dead = False
        self._cut_at = None
        self._locked.clear()
        if kind == "power":
            self._lose(rng)

    def heal(self) -> None:
        super().heal()
        self._faults.clear()

    # -- operations -------------------------------------------------------------------------------

    def prepare(self) -> None:
        if self._dead:
            raise PowerCut

    def lock(self, path: str) -> None:
        self._count("lock", path)
        if path in self._locked:
            raise BlockingIOError(errno.EAGAIN, "locked", path)
        self._locked.add(path)
        if path in self.contents:
            self._cut(path, 0)
        self._grow(path, PID_TEXT)

    def append(self, path: str, data: bytes | memoryview) -> None:
        mishap = self._mishap("append", path)
        fits = len(data)
        if mishap is not None:
            fits = self._rng.randint(-1, fits)  # -1: not even the file was made
        elif self.capacity_bytes is not None and self._used + fits > self.capacity_bytes:
            mishap = failure(errno.ENOSPC, path)
            fits = max(0, self.capacity_bytes - self._used)
        if fits >= 0:
            self._grow(path, data if mishap is None else data[:fits])
        if mishap is not None:
            raise mishap

    def truncate(self, path: str, size: int) -> None:
        mishap = self._mishap_with("truncate", path)
        assert size <= len(self.contents[path]), f"{path} has no {size} bytes"
        if self._is_done_despite(mishap):
            self._cut(path, size)
        if mishap is not None:
            raise mishap

    def replace(self, path: str, data: bytes) -> None:
        mishap = self._mishap("replace", path)
        needed = self._used + len(data)  # the old file is there until the new one is whole
        if mishap is None and self.capacity_bytes is not None and needed > self.capacity_bytes:
            mishap = failure(errno.ENOSPC, path)
        if self._is_done_despite(mishap):
            if path in self.contents:
                self._replaced.setdefault(path, []).append(self._taken(path))
                self.contents[path] = bytearray(data)
            else:
                self._create(path).extend(data)
            self._used += len(data)
        if mishap is not None:
            raise mishap

    def rename(self, path: str, to: str) -> None:
        mishap = self._mishap_with("rename", path)
        self._check_name(to)
        if self._is_done_despite(mishap):
            had_durable_name = path not in self._new_names
            versions = [*self._replaced.pop(path, ()), self._taken(path)]
            self._new_names.pop(path, None)
            if had_durable_name:
                self._removed.setdefault(path, copy.deepcopy(versions[0]))
            if to in self.contents:
                self._replaced.setdefault(to, []).append(self._taken(to))
            else:
                self._create(to)
            self._put(to, versions[-1])
        if mishap is not None:
            raise mishap

    def remove(self, path: str) -> None:
        mishap = self._mishap("remove", path)
        if path in self.contents and self._is_done_despite(mishap):
            versions = [*self._replaced.pop(path, ()), self._taken(path)]
            self._removed.setdefault(path, versions[0])  # what the name on the disk means
            self._new_names.pop(path, None)
        if mishap is not None:
            raise mishap

    def sync(self) -> None:
        mishap = self._mishap("sync", "")
        if mishap is None:
            self._unsynced.clear()
            for names in self._names():
                names.clear()
            return
        self._sync_some()
        if not isinstance(mishap, PowerCut):
            self._doom(self._unsynced)
        raise mishap

    def sync_file(self, path: str) -> None:
        mishap = self._mishap_with("sync_file", path)
        if self._is_done_despite(mishap):
            self._unsynced.pop(path, None)
        if mishap is None:
            return
        if not isinstance(mishap, PowerCut):
            self._doom([path])
        raise mishap

    def sync_folder(self, folder: str = "") -> None:
        mishap = self._mishap("sync_folder", folder)
        if mishap is None:
            self._check_folder(folder)
        if self._is_done_despite(mishap):
            for names in self._names():
                for path in [path for path in names if _parent(path) == folder]:
                    del names[path]
        if mishap is not None:
            raise mishap

    # -- how they change the disk -----------------------------------------------------------------

    def _mishap(self, operation: str, path: str) -> BaseException | None:
        if self._dead:
            raise PowerCut
        mishap = super()._mishap(operation, path)
        if operation in SYNCS:
            self._sync_points.append(self.operations)
        if self.operations == self._cut_at:
            self._dead = True
            return PowerCut(f"operation {self.operations}: {operation} {path}")
        if mishap is None and self._faults:
            for fault in self._faults:
                if fault.hits(operation, path, self.operations):
                    return failure(fault.number, path)
        return mishap

    def _mishap_with(self, operation: str, path: str) -> BaseException | None:
        """As `_mishap`, for operations that need the file to be there."""
        mishap = self._mishap(operation, path)
        if path not in self.contents:
            raise mishap or failure(errno.ENOENT, path)
        return mishap

    def _is_done_despite(self, mishap: BaseException | None) -> bool:
        """An operation that fails does nothing; one that is cut short may have been done."""
        return mishap is None or (isinstance(mishap, PowerCut) and self._rng.random() < 0.5)

    def _grow(self, path: str, data: bytes | memoryview) -> None:
        content = self.contents.get(path)
        if content is None:
            content = self._create(path)
        if path not in self._unsynced:
            self._unsynced[path] = Unsynced(len(content))
        content += data
        self._used += len(data)

    def _create(self, path: str) -> bytearray:
        self._check_name(path)
        if _parent(path) not in self._folders:
            new = [each for each in folders_of(path) if each not in self._folders]
            self._folders.update(new)
            self._new_names.update(dict.fromkeys(f"{each}/" for each in new))
        self._new_names[path] = None
        content = self.contents[path] = bytearray()
        return content

    def _taken(self, path: str) -> File:
        """The file without its name, which is left to the caller."""
        content = self.contents.pop(path)
        self._used -= len(content)
        return File(content, self._unsynced.pop(path, None), self._lost.pop(path, []))

    def _put(self, path: str, file: File) -> None:
        self.contents[path] = file.content
        self._used += len(file.content)
        if file.unsynced is not None:
            self._unsynced[path] = file.unsynced
        if file.lost:
            self._lost[path] = file.lost

    def _names(self) -> tuple[dict[str, Any], ...]:
        """By path, the names that a sync of their folder settles."""
        return self._new_names, self._removed, self._replaced

    def _cut(self, path: str, size: int) -> None:
        content = self.contents[path]
        unsynced = self._unsynced.setdefault(path, Unsynced(len(content)))
        if path in self._lost:
            zero(content, self._lost[path], from_offset=size)
            self._lost[path] = [(a, min(b, size)) for a, b in self._lost[path] if a < size]
        if size < unsynced.clean:
            unsynced.cut = bytes(content[size : unsynced.clean]) + unsynced.cut
            unsynced.clean = size
        self._used -= len(content) - size
        del content[size:]

    def _sync_some(self) -> None:
        """What is synced when a sync does not come to its end: any of all, but not the last."""
        for waiting in (self._unsynced, *self._names()):
            for path in list(waiting)[:-1]:
                if self._rng.random() < 0.5:
                    del waiting[path]

    def _doom(self, paths: Iterable[str]) -> None:
        """Un-synced data looks clean from now on, and will not be there after a power cut."""
        for path in paths:
            unsynced = self._unsynced.get(path)
            if unsynced is not None and unsynced.clean < len(self.contents[path]):
                before = [span for span in self._lost.get(path, []) if span[0] < unsynced.clean]
                self._lost[path] = [*before, (unsynced.clean, len(self.contents[path]))]

    # -- what a power cut leaves ------------------------------------------------------------------

    def _lose(self, rng: Random) -> None:
        # Drawn anew each time: some power cuts take nearly everything and some nearly nothing.
        weights = [rng.random() ** 2 for _ in FATES]
        name_share = rng.random()
        for path, content in self.contents.items():
            if path in self._unsynced or path in self._lost:
                file = File(content, self._unsynced.get(path), self._lost.get(path, []))
                wear(rng, weights, file)
        gone = {name for name in self._new_names if rng.random() >= name_share}
        for path in gone:
            self.contents.pop(path, None)
        for path, versions in self._replaced.items():
            meant = rng.randint(0, len(versions))
            if path in self.contents and meant < len(versions):
                wear(rng, weights, versions[meant])
                self.contents[path] = versions[meant].content
        for path, file in self._removed.items():
            if rng.random() >= name_share and path not in self.contents:
                wear(rng, weights, file)
                self.contents[path] = file.content
        if gone:
            self._lose_folders(gone)
        self._unsynced.clear()
        self._lost.clear()
        for names in self._names():
            names.clear()
        self._used = sum(len(content) for content in self.contents.values())

    def _lose_folders(self, gone: set[str]) -> None:
        """With a folder's name everything below it goes."""
        for path in list(self.contents):
            if any(f"{folder}/" in gone for folder in folders_of(path)):
                del self.contents[path]
        self._folders = {
            folder
            for folder in self._folders
            if not any(f"{each}/" in gone for each in folders_of(f"{folder}/"))
        }


def _parent(path: str) -> str:
    """The folder of a file, or of a folder that is named with a "/" behind."""
    return path.rstrip("/").rpartition("/")[0]
