"""Port: a tree of files that is only read, and its implementation on a disk, by mapping.

Works wherever Python does, needs no permission to write, and holds nothing open but what arrays
are made of: a mapping lives as long as the array that shows it.  What is read is what was there at
that moment; a file that a recorder appends to only grows.  (After a crash the next start may cut
files; who had them mapped then must open the recording anew.)

Not here: what the bytes mean.
"""

from __future__ import annotations

import errno
import mmap
import os
from typing import Protocol

from tick_logger.storage.files import Files, Names

_IS_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL}
"""No file, or a name that none can have: too long, or with a star in it where there is Windows."""

MOST_COPIED = 512
"""Bytes that are rather copied than mapped: a catalogue reads two rows of thousands of files."""


class Tree(Protocol):
    """Files under one root, named by relative POSIX paths; errors are `OSError`."""

    @property
    def name(self) -> str:
        """The root, for people."""
        ...

    def size(self, path: str) -> int:
        """Length in bytes; 0 if there is no such file."""
        ...

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        ...

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes | memoryview:
        """`length` bytes (None: all) from `offset` on, fewer where the file ends earlier."""
        ...

    def list(self, folder: str = "") -> Names:
        """Names of the files in a folder, and of folders with a "/" behind, sorted.

        Empty if there is no such folder.
        """
        ...


class DiskTree:
    """A folder on a disk, read by mapping its files."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = os.fspath(root)

    @property
    def name(self) -> str:
        """The folder as it was given."""
        return self._root

    def size(self, path: str) -> int:
        """Length in bytes; 0 if there is no such file."""
        try:
            return os.stat(self._at(path)).st_size
        except OSError as error:
            if error.errno in _IS_NOT_THERE:
                return 0
            raise

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return os.path.isfile(self._at(path))

    def read(self, path: str, offset: int = 0, length: int | None = None) -> memoryview:
        """Bytes of a file, mapped unless they are few; see `Tree`."""
        with open(self._at(path), "rb", buffering=0) as file:
            if length is not None and length <= MOST_COPIED:
                file.seek(offset)
                return memoryview(file.read(length))
            size = os.fstat(file.fileno()).st_size
            stop = size if length is None else min(size, offset + length)
            if stop <= offset:
                return memoryview(b"")
            mapped = mmap.mmap(file.fileno(), stop, access=mmap.ACCESS_READ)
        return memoryview(mapped)[offset:stop]

    def list(self, folder: str = "") -> Names:
        """What is in a folder; see `Tree`."""
        try:
            with os.scandir(self._at(folder)) as entries:
                return sorted(each.name + "/" if each.is_dir() else each.name for each in entries)
        except OSError as error:
            if error.errno in _IS_NOT_THERE:
                return []
            raise

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"


class InnerTree:
    """A folder of another tree, as a tree."""

    def __init__(self, tree: Tree, folder: str) -> None:
        self._tree = tree
        self._folder = folder

    @property
    def name(self) -> str:
        """Where it is, for people."""
        return f"{self._tree.name}/{self._folder}"

    def size(self, path: str) -> int:
        """Length in bytes; see `Tree`."""
        return self._tree.size(self._at(path))

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return self._tree.exists(self._at(path))

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes | memoryview:
        """Bytes of a file; see `Tree`."""
        return self._tree.read(self._at(path), offset, length)

    def list(self, folder: str = "") -> Names:
        """What is in a folder; see `Tree`."""
        return self._tree.list(self._at(folder).rstrip("/"))

    def _at(self, path: str) -> str:
        return f"{self._folder}/{path}"


class FilesTree:
    """Files that are reached by another port, read as a tree."""

    def __init__(self, name: str, files: Files) -> None:
        self._name = name
        self._files = files

    @property
    def name(self) -> str:
        """What they are called."""
        return self._name

    def size(self, path: str) -> int:
        """Length in bytes; 0 if there is no such file."""
        return self._files.size(path)

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return self._files.exists(path)

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes of a file; see `Tree`."""
        return self._files.read(path, offset, length)

    def list(self, folder: str = "") -> Names:
        """What is in a folder; see `Tree`."""
        return self._files.list(folder)
