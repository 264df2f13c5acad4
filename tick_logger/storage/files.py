"""Port: the few things that storage does with files.

Paths are relative and POSIX, folders come into being with their first file.  All errors are plain
`OSError`; what an operation has done before it failed is said at each.  One user at a time: not
thread-safe; but two objects on the same root may be used by two threads.

What was done survives the death of the process at once, and a power cut only after a sync.

Not here: the disk itself (`disk_files`), what the bytes mean, and what to do about an error.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

REPLACEMENT_SUFFIX = ".new"
"""Of the file that is to replace one; left over where the process died, and overwritten then."""

Names: TypeAlias = list[str]


class ReadableFiles(Protocol):
    """What is needed of files to turn them into arrays."""

    def size(self, path: str) -> int:
        """Length in bytes; 0 if there is no such file."""
        ...

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes | memoryview:
        """`length` bytes (None: all) from `offset` on, fewer where the file ends earlier."""
        ...


class Files(Protocol):
    """Files under one root, named by relative POSIX paths."""

    def prepare(self) -> None:
        """Make the root, durably, if there is none; raises if nothing can be written in it."""
        ...

    def lock(self, path: str) -> None:
        """Hold a file locked until `close`, making it if there is none; holds the pid, for people.

        Raises `BlockingIOError` if it is held already, by whomever.  The system gives the lock
        back when the process dies.
        """
        ...

    def append(self, path: str, data: bytes | memoryview) -> None:
        """Add bytes at the end, making the file if there is none.

        After an `OSError` the file may hold any first part of `data`.
        """
        ...

    def size(self, path: str) -> int:
        """Length in bytes; 0 if there is no such file."""
        ...

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        ...

    def truncate(self, path: str, size: int) -> None:
        """Cut an existing file to `size` bytes, which it must have."""
        ...

    def replace(self, path: str, data: bytes) -> None:
        """Let a file hold exactly these bytes, whether there is one or not.

        The bytes are on the disk before the name means them, so that nobody, and no power cut,
        ever meets a part of them; which of the two files a power cut leaves is certain after the
        next sync of the folder.  After an `OSError` the file is what it was.
        """
        ...

    def rename(self, path: str, to: str) -> None:
        """Give an existing file another name, under which there may be another file until then.

        Nobody ever meets a part of it; which names a power cut leaves is certain after the next
        sync of both folders.  After an `OSError` all is what it was.
        """
        ...

    def remove(self, path: str) -> None:
        """Remove a file, not its folder; if there is none, nothing happens."""
        ...

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """`length` bytes (None: all) from `offset` on, fewer where the file ends earlier."""
        ...

    def list(self, folder: str = "", *, recursive: bool = False) -> Names:
        """What is in a folder, sorted; empty if there is no such folder.

        Names of files, and of folders with a "/" behind; with `recursive`, the paths (from the
        root) of all files at any depth.
        """
        ...

    def sync(self) -> None:
        """Return when everything done so far, names included, would survive a power cut.

        After an `OSError` as `sync_file`, for every file.
        """
        ...

    def sync_file(self, path: str) -> None:
        """Return when an existing file's bytes and length would survive a power cut.

        Its name may still not: see `sync_folder`.  After an `OSError` what was appended since its
        last successful sync may be lost, and a success afterwards proves nothing.
        """
        ...

    def sync_folder(self, folder: str = "") -> None:
        """Return when the names made and removed directly in an existing folder would survive.

        The names of new folders around it are in theirs.
        """
        ...

    def close(self) -> None:
        """Give back all resources and locks; a later append is allowed and takes them again."""
        ...
