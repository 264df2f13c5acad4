"""Files in memory that fail on request: the nth operation, from the nth on, or when full."""

from __future__ import annotations

import errno
import os

LONGEST_NAME_BYTES = 255
"""Of one part of a path, as on the usual file systems."""

PID_TEXT = b"1\n"
"""What a lock file holds: always the same, so that runs can be compared."""


class MemoryFiles:
    """A test implementation of `Files`.

    Operations count from 1.  `fail_at` raises `EIO` once, `fail_from` from there on, and an append
    that fails so leaves half of its bytes behind.  More than `capacity_bytes` in all gives
    `ENOSPC`, after as much as fits was written.
    """

    def __init__(self, *, capacity_bytes: int | None = None) -> None:
        self.contents: dict[str, bytearray] = {}
        self.capacity_bytes = capacity_bytes
        self.operations = 0
        self.fail_at: int | None = None
        self.fail_from: int | None = None
        self._locked: set[str] = set()
        self._folders: set[str] = set()  # those that are there even without files

    def prepare(self) -> None:
        """There is always room to begin."""

    def lock(self, path: str) -> None:
        self._count("lock", path)
        self._check_name(path)
        if path in self._locked:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), path)
        self._locked.add(path)
        self.contents[path] = bytearray(PID_TEXT)

    def append(self, path: str, data: bytes | memoryview) -> None:
        self._check_name(path)
        content = self.contents.setdefault(path, bytearray())
        mishap = self._mishap("append", path)
        if mishap is not None:
            content += bytes(data[: len(data) // 2])
            raise mishap
        if self.capacity_bytes is not None:
            room = self.capacity_bytes - sum(len(each) for each in self.contents.values())
            if len(data) > room:
                content += bytes(data[: max(room, 0)])
                raise failure(errno.ENOSPC, path)
        content += bytes(data)

    def size(self, path: str) -> int:
        self._count("size", path)
        return len(self.contents.get(path, b""))

    def exists(self, path: str) -> bool:
        self._count("exists", path)
        return path in self.contents

    def truncate(self, path: str, size: int) -> None:
        self._count("truncate", path)
        content = self._content(path)
        assert size <= len(content), f"{path} has no {size} bytes"
        del content[size:]

    def replace(self, path: str, data: bytes) -> None:
        self._count("replace", path)
        self._check_name(path)
        # The old file is there until the new one is whole.
        needed = len(data) + sum(len(each) for each in self.contents.values())
        if self.capacity_bytes is not None and needed > self.capacity_bytes:
            raise failure(errno.ENOSPC, path)
        self.contents[path] = bytearray(data)

    def rename(self, path: str, to: str) -> None:
        self._count("rename", path)
        self._check_name(to)
        content = self._content(path)
        self.contents[to] = content
        if path != to:
            del self.contents[path]
        self._folders.update(folders_of(path))

    def remove(self, path: str) -> None:
        self._count("remove", path)
        if self.contents.pop(path, None) is not None:
            self._folders.update(folders_of(path))

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        self._count("read", path)
        end = None if length is None else offset + length
        return bytes(self._content(path)[offset:end])

    def list(self, folder: str = "", *, recursive: bool = False) -> list[str]:
        self._count("list", folder)
        prefix = f"{folder}/" if folder else ""
        inside = [path for path in self.contents if path.startswith(prefix)]
        if recursive:
            return sorted(inside)
        inside += [f"{each}/" for each in self._folders if each.startswith(prefix)]
        heads = (path[len(prefix) :].partition("/") for path in inside)
        return sorted({name + slash for name, slash, _ in heads})

    def sync(self) -> None:
        self._count("sync", "")

    def sync_file(self, path: str) -> None:
        self._count("sync_file", path)
        self._content(path)

    def sync_folder(self, folder: str = "") -> None:
        self._count("sync_folder", folder)
        self._check_folder(folder)

    def close(self) -> None:
        """Give back the locks."""
        self._locked.clear()

    def heal(self) -> None:
        """Let every later operation succeed."""
        self.fail_at = self.fail_from = self.capacity_bytes = None

    def _check_name(self, path: str) -> None:
        whole = path.encode()
        if any(len(part) > LONGEST_NAME_BYTES for part in whole.split(b"/")):
            raise failure(errno.ENAMETOOLONG, path)

    def _content(self, path: str) -> bytearray:
        if path not in self.contents:
            raise failure(errno.ENOENT, path)
        return self.contents[path]

    def _check_folder(self, folder: str) -> None:
        known = not folder or folder in self._folders
        if not known and not any(path.startswith(f"{folder}/") for path in self.contents):
            raise failure(errno.ENOENT, folder)

    def _count(self, operation: str, path: str) -> None:
        mishap = self._mishap(operation, path)
        if mishap is not None:
            raise mishap

    def _mishap(self, _operation: str, path: str) -> BaseException | None:
        """Count an operation; returns what it has to raise."""
        self.operations += 1
        due = self.fail_from is not None and self.operations >= self.fail_from
        return failure(errno.EIO, path) if due or self.operations == self.fail_at else None


def folders_of(path: str) -> list[str]:
    """All folders around a file, the outermost first, without the root."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def failure(number: int, path: str) -> OSError:
    """An error as the system raises it."""
    return OSError(number, os.strerror(number), path)
