"""Files on a real disk: the implementation of the port `files` that a recorder uses.

Invariant: no more descriptors are open than the process may have, whatever is appended to.

Not here: what each operation promises (`files`).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import resource
import stat
import sys
from collections import OrderedDict

from tick_logger.storage.files import REPLACEMENT_SUFFIX, Names
from tick_logger.storage.granting import MOST, Modes, modes_at

MAX_OPEN_FILES = 32_768
"""Enough for 3,600 tables that grow all the time; each open file costs the kernel about 1 kB."""

LOCK_ATTEMPTS = 1_000
"""To lock a file that is held: about a millisecond, and looking at a lock takes microseconds."""


def is_locked(path: str | os.PathLike[str]) -> bool:
    """Whether some process holds this lock; it is taken for a moment, and nothing is written."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def raise_open_file_limit() -> int:
    """Allow this process as many open files as it may have, and return how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (ValueError, OSError):
            pass  # some systems refuse what they announce; the soft limit works as well
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def most_open(others: int = 0) -> int:
    """A bound for `DiskFiles` that leaves so many descriptors to others, and half of all at least.

    A file that is not open is opened again: with one at a time all works, at some cost.
    """
    limit = raise_open_file_limit()
    return max(1, min(MAX_OPEN_FILES, limit // 2, limit - others))


class DiskFiles:
    """Files on a real disk.

    Keeps up to `max_open` descriptors for appending and closes the one that was used longest ago
    first; None takes what `most_open` gives.
    """

    def __init__(self, root: str | os.PathLike[str], *, max_open: int | None = None) -> None:
        self._root = os.fspath(root)
        self._max_open = most_open() if max_open is None else max_open
        self._open: OrderedDict[str, int] = OrderedDict()
        # Kept open from the first append on: a descriptor only hears of errors after its opening.
        self._root_descriptor: int | None = None
        self._locks: list[int] = []

    @property
    def root(self) -> str:
        """The folder that paths begin at."""
        return self._root

    def prepare(self) -> None:
        """Make the root; see `Files`."""
        parents = _parents_to_sync(self._root)
        os.makedirs(self._root, exist_ok=True)
        if not os.access(self._root, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "no permission to write", self._root)
        _sync_folder(self._root)
        for parent in parents:
            # Not every user may open the folder above; real trouble shows in the root as well.
            with contextlib.suppress(OSError):
                _sync_folder(parent)

    def lock(self, path: str) -> None:
        """Hold a file locked until `close`; see `Files`."""
        where = self._at(path)
        os.makedirs(os.path.dirname(where), exist_ok=True)
        descriptor = os.open(where, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _take(descriptor)
        except OSError:
            os.close(descriptor)
            raise
        self._locks.append(descriptor)
        # The text is only for people: a full disk must not keep anybody from starting.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)

    def append(self, path: str, data: bytes | memoryview) -> None:
        """Add bytes at the end; see `Files`."""
        descriptor = self._open.get(path)
        if descriptor is None:
            descriptor = self._open_for_append(path)
        else:
            self._open.move_to_end(path)
        done = os.write(descriptor, data)
        while done < len(data):
            done += os.write(descriptor, memoryview(data)[done:])

    def size(self, path: str) -> int:
        """Length in bytes; 0 if there is no such file."""
        try:
            found = os.stat(self._at(path))
        except FileNotFoundError:
            return 0
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        return found.st_size

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return os.path.isfile(self._at(path))

    def truncate(self, path: str, size: int) -> None:
        """Cut an existing file to `size` bytes."""
        os.truncate(self._at(path), size)  # descriptors for appending follow the end by themselves

    def replace(self, path: str, data: bytes) -> None:
        """Let a file hold exactly these bytes; see `Files`."""
        where = self._at(path)
        beside = where + REPLACEMENT_SUFFIX  # in the same folder: a rename cannot cross disks
        modes = self._make_folder(path)
        try:
            with open(beside, "wb", buffering=0) as file:
                if modes is not None:
                    os.fchmod(file.fileno(), modes.file)
                done = 0
                while done < len(data):
                    done += file.write(memoryview(data)[done:])
                os.fsync(file.fileno())
            os.rename(beside, where)
        except OSError:
            with contextlib.suppress(OSError):
                os.remove(beside)
            raise
        self._close_for_append(path)

    def rename(self, path: str, to: str) -> None:
        """Give an existing file another name; see `Files`."""
        self._make_folder(to)
        os.rename(self._at(path), self._at(to))
        self._close_for_append(path)
        self._close_for_append(to)

    def remove(self, path: str) -> None:
        """Remove a file; see `Files`."""
        self._close_for_append(path)
        with contextlib.suppress(FileNotFoundError):
            os.remove(self._at(path))

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes from `offset` on; see `Files`."""
        with open(self._at(path), "rb") as file:
            file.seek(offset)
            return file.read() if length is None else file.read(length)

    def list(self, folder: str = "", *, recursive: bool = False) -> Names:
        """What is in a folder; see `Files`."""
        if recursive:
            prefix = len(self._at(""))
            found = [
                f"{parent}/{name}"[prefix:]
                for parent, _, names in os.walk(self._at(folder).rstrip("/"))
                for name in names
            ]
            return sorted(found)
        try:
            with os.scandir(self._at(folder)) as entries:
                return sorted(e.name + "/" if e.is_dir() else e.name for e in entries)
        except FileNotFoundError:
            return []

    def sync(self) -> None:
        """Write everything that the file system of the root holds back to its disk.

        One call for thousands of files: syncing them one by one costs fifty times as much.
        """
        if self._root_descriptor is None and os.path.isdir(self._root):
            self._open_root()
        if self._root_descriptor is not None:
            _sync_file_system(self._root_descriptor)

    def sync_file(self, path: str) -> None:
        """Write a file back to the disk; see `Files`."""
        descriptor = self._open.get(path)
        if descriptor is not None:
            os.fdatasync(descriptor)  # the one that wrote: each hears of errors for itself
            return
        descriptor = os.open(self._at(path), os.O_RDONLY)
        try:
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def sync_folder(self, folder: str = "") -> None:
        """Write a folder's names back to the disk; see `Files`."""
        _sync_folder(self._at(folder))

    def close(self) -> None:
        """Close all descriptors, which gives back the locks."""
        descriptors = [*self._open.values(), *self._locks]
        if self._root_descriptor is not None:
            descriptors.append(self._root_descriptor)
        self._open.clear()
        self._locks.clear()
        self._root_descriptor = None
        for descriptor in descriptors:
            os.close(descriptor)

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _open_root(self) -> None:
        self._root_descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)

    def _open_for_append(self, path: str) -> int:
        if self._root_descriptor is None:
            os.makedirs(self._root, exist_ok=True)
            self._open_root()
        while len(self._open) >= self._max_open:
            os.close(self._open.popitem(last=False)[1])
        # A pipe under this name is an error like any other, and nothing to wait for.
        where = self._at(path)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK
        try:
            descriptor = os.open(where, flags, MOST)
        except FileNotFoundError:
            self._make_folder(path)
            descriptor = os.open(where, flags, MOST)
        self._open[path] = descriptor
        if (modes := modes_at(self._root, path)) is not None:
            os.fchmod(descriptor, modes.file)
        return descriptor

    def _make_folder(self, path: str) -> Modes | None:
        """Make the folders around a file; returns which modes are granted there, if any are."""
        folder, made = os.path.dirname(path), list[str]()
        modes = modes_at(self._root, path)
        while folder and not os.path.isdir(self._at(folder)):
            made.append(folder)
            folder = os.path.dirname(folder)
        os.makedirs(os.path.dirname(self._at(path)), exist_ok=True)
        if modes is not None:
            for each in made:
                os.chmod(self._at(each), modes.folder)
        return modes

    def _close_for_append(self, path: str) -> None:
        descriptor = self._open.pop(path, None)
        if descriptor is not None:
            os.close(descriptor)


def _take(descriptor: int) -> None:
    """Lock it, a moment later if somebody only looks whether it is locked."""
    for _ in range(LOCK_ATTEMPTS - 1):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        os.sched_yield()
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync_file_system(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "syncfs"):
        os.sync()  # says nothing about errors, but there is nothing better
    elif libc.syncfs(descriptor) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _sync_folder(where: str) -> None:
    descriptor = os.open(where, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parents_to_sync(root: str) -> Names:
    """The folder above the root, and those above folders that are still to be made."""
    parents = [os.path.dirname(os.path.abspath(root))]
    while not os.path.isdir(parents[-1]):
        parents.append(os.path.dirname(parents[-1]))
    return parents
