"""Port: objects by their keys, kept somewhere: made once, read back, never changed.

An object's key tells the beginning of its hash, and the whole hash lies beside it where the place
can hold that.  So what has the key already is read back and compared, and neither an error nor
proof of anything.  An ETag is never looked at: each server makes another one.

Blocking.  Reading and putting may be done by several threads at once.

Not here: when something is put, how often it is tried, and what is said about it (`transfer`).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Protocol

import attrs

from tick_logger.archive.ledger import Where
from tick_logger.errors import TickLoggerError
from tick_logger.storage.files import ReadableFiles

PIECE_BYTES = 2**20
"""Of an object, at a time in memory."""

MOST_AT_ONCE_BYTES = 64 * 2**20
"""Of an object that is sent in one request; larger ones are sent in parts, so that memory stays
bounded, and a connection that breaks costs one part."""


class Trouble(enum.StrEnum):
    """Why something did not work, in a word for logs and metrics."""

    REFUSED = "denied"
    """The store does not allow it: credentials, or a policy."""
    NO_BUCKET = "no_bucket"
    """There is no such bucket, and none could be made."""
    FULL = "full"
    """There is no room."""
    UNREACHABLE = "unreachable"
    """No answer, or one that says to come back later."""
    ABSENT = "absent"
    """There is no such object."""
    UNEQUAL = "unequal"
    """What is there is not what was packed."""

    @property
    def lasts(self) -> bool:
        """Whether trying again within seconds is of no use."""
        return self in (Trouble.REFUSED, Trouble.NO_BUCKET, Trouble.FULL)

    @property
    def is_of_one_object(self) -> bool:
        """Whether it says nothing about others, which may be told of once for all of them."""
        return self in (Trouble.ABSENT, Trouble.UNEQUAL)


class StoreError(TickLoggerError):
    """A store did not do what it was asked for; it may have been done all the same."""

    def __init__(self, trouble: Trouble, words: str) -> None:
        self.trouble = trouble
        super().__init__(words)


class AlreadyThereError(TickLoggerError):
    """Something has this key already, whatever it is."""


class Content(Protocol):
    """The bytes of an object, which can be read more than once."""

    @property
    def size(self) -> int:
        """How many."""
        ...

    def pieces(self) -> Iterator[bytes]:
        """All of them, at most `PIECE_BYTES` at a time."""
        ...


@attrs.frozen
class InFile:
    """A file; raises `OSError` as its disk does."""

    files: ReadableFiles
    path: str

    @property
    def size(self) -> int:
        """How many bytes it has now."""
        return self.files.size(self.path)

    def pieces(self) -> Iterator[bytes]:
        """All of them."""
        begin = 0
        while piece := bytes(self.files.read(self.path, begin, PIECE_BYTES)):
            yield piece
            begin += len(piece)


@attrs.frozen
class Found:
    """An object that is there: its size in bytes, and the hash that was given with it.

    `sha256` is empty where the store does not tell it.
    """

    key: str
    size: int
    sha256: str = ""


class ObjectStore(Protocol):
    """A place that keeps objects."""

    @property
    def where(self) -> Where:
        """Which of the places."""
        ...

    def prepare(self) -> None:
        """See that objects can be put, making the bucket if there is none; raises `StoreError`."""
        ...

    def put(self, key: str, content: Content, sha256: str, *, replace: bool = False) -> None:
        """Keep an object under a key that nothing has, durably, or, to `replace`, in any case.

        Raises `AlreadyThereError`, and `StoreError`, after which the object may be there, as a
        whole, or not.
        """
        ...

    def read(self, key: str) -> Iterator[bytes]:
        """The bytes of an object, about `PIECE_BYTES` at a time; raises `StoreError`."""
        ...

    def head(self, key: str) -> Found | None:
        """What is known of an object without reading it; None if there is none."""
        ...

    def list(self, prefix: str) -> Iterator[Found]:
        """Every object whose key begins with this, by key; their hashes are not told."""
        ...
