"""Memory that outlives the process: files in the system's shared memory, mapped.

    /dev/shm/tick_logger-{name}

What is stored into a mapping is the file's at once, at no system call, and no disk has a part in
it: it survives the death of the process, and goes with the machine.  All of a file is reserved when
it is made, because a store for which there is no page would kill the process.

Whoever uses a file holds it locked.  One that nobody holds was left by a process that died; it goes
when that is recovered, or when what was recorded is gone.

Linux only, as far as there is such a folder.  Not here: what the bytes mean (`read_buffer` in
`journal`).
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

FOLDER = "/dev/shm"
PREFIX = "tick_logger-"

MEMORY_BYTES = 32 * 2**20
"""More than a second of 100,000 messages, and half of what containers have where nobody said more.
It is taken once for each recorder, whatever comes."""


class Memory(Protocol):
    """Where memory that outlives a process comes from; all raise `OSError`."""

    def reserve(self) -> tuple[str, memoryview]:
        """New memory, all zero, and its name; it is this process's until that ends."""
        ...

    def left(self, name: str) -> bytes | None:
        """What a process that has died left under a name; None if nothing, or it lives."""
        ...

    def remove(self, name: str) -> None:
        """Let go of it, if it is there and no other process's."""
        ...


class NoMemory:
    """Where there is none: everything goes on without it."""

    def reserve(self) -> tuple[str, memoryview]:
        """Always raises."""
        raise FileNotFoundError("no memory outlives this process")

    def left(self, name: str) -> bytes | None:
        """Nothing."""
        return None

    def remove(self, name: str) -> None:
        """Nothing is there."""


class SharedMemory:
    """Files of this user in a folder that is memory."""

    def __init__(self, folder: str = FOLDER, size: int = MEMORY_BYTES) -> None:
        self._folder = Path(folder)
        self._size = size
        self._held: dict[str, int] = {}  # descriptors, by name

    def reserve(self) -> tuple[str, memoryview]:
        """New memory; see `Memory`."""
        name = secrets.token_hex(16)
        path = self._at(name)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.posix_fallocate(descriptor, 0, self._size)
            mapping = mmap.mmap(descriptor, self._size)
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        self._held[name] = descriptor
        return name, memoryview(mapping)

    def left(self, name: str) -> bytes | None:
        """What a process has left; see `Memory`."""
        with self._taken(name) as descriptor:
            if descriptor is None:
                return None
            with open(descriptor, "rb", closefd=False) as file:
                return file.read()

    def remove(self, name: str) -> None:
        """Let go of it; see `Memory`.  What is mapped stays, for as long as it is."""
        held = self._held.pop(name, None)
        if held is not None:
            self._at(name).unlink(missing_ok=True)
            os.close(held)
            return
        with self._taken(name) as descriptor:
            if descriptor is not None:
                self._at(name).unlink(missing_ok=True)

    def sweep(self, is_needed: Callable[[bytes], bool], head_bytes: int) -> None:
        """Let go of all that nobody holds, or needs by its first bytes."""
        for path in self._folder.glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError), self._taken(path.name[len(PREFIX) :]) as descriptor:
                if descriptor is not None and not is_needed(os.pread(descriptor, head_bytes, 0)):
                    path.unlink()

    def _at(self, name: str) -> Path:
        return self._folder / f"{PREFIX}{name}"

    @contextlib.contextmanager
    def _taken(self, name: str) -> Iterator[int | None]:
        """The file of this user, held locked; None if there is none, or another holds it."""
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self._at(name), flags)
        except FileNotFoundError:
            yield None
            return
        try:
            about = os.fstat(descriptor)
            mine = stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                mine = False
            yield descriptor if mine else None
        finally:
            os.close(descriptor)
