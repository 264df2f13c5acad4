"""Files in memory that fail on request: the nth operation, from the nth on, or when full."""

from __future__ import annotations

import errno
import os


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

    def prepare(self) -> None:
        """There is always room to begin."""

    def append(self, path: str, data: bytes | memoryview) -> None:
        content = self.contents.setdefault(path, bytearray())
        if self._fails():
            content += bytes(data[: len(data) // 2])
            raise _error(errno.EIO)
        if self.capacity_bytes is not None:
            room = self.capacity_bytes - sum(len(each) for each in self.contents.values())
            if len(data) > room:
                content += bytes(data[: max(room, 0)])
                raise _error(errno.ENOSPC)
        content += bytes(data)

    def size(self, path: str) -> int:
        self._count()
        return len(self.contents.get(path, b""))

    def exists(self, path: str) -> bool:
        self._count()
        return path in self.contents

    def truncate(self, path: str, size: int) -> None:
        self._count()
        del self._content(path)[size:]

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        self._count()
        end = None if length is None else offset + length
        return bytes(self._content(path)[offset:end])

    def list(self, folder: str = "", *, recursive: bool = False) -> list[str]:
        self._count()
        prefix = f"{folder}/" if folder else ""
        inside = [path for path in self.contents if path.startswith(prefix)]
        if recursive:
            return sorted(inside)
        heads = (path[len(prefix) :].partition("/") for path in inside)
        return sorted({name + slash for name, slash, _ in heads})

    def sync(self) -> None:
        self._count()

    def close(self) -> None:
        """Nothing is held."""

    def heal(self) -> None:
        """Let every later operation succeed."""
        self.fail_at = self.fail_from = self.capacity_bytes = None

    def _content(self, path: str) -> bytearray:
        if path not in self.contents:
            raise _error(errno.ENOENT)
        return self.contents[path]

    def _count(self) -> None:
        if self._fails():
            raise _error(errno.EIO)

    def _fails(self) -> bool:
        self.operations += 1
        due = self.fail_from is not None and self.operations >= self.fail_from
        return due or self.operations == self.fail_at


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
