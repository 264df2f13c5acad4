"""Appending to several files as one: all of it, or nothing that the next append would build upon.

When an append fails, the files are cut back to their good length.  If that fails as well, the
length stays remembered, and they are cut before anything else is appended to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from tick_logger.errors import StorageError
from tick_logger.model.entries import KeptAside
from tick_logger.model.flush import Flush
from tick_logger.storage.extents import Known
from tick_logger.storage.files import Files


@attrs.frozen(eq=False)
class Rest:
    """What of a flush, and of the payloads to be kept aside with it, is not on disk."""

    flush: Flush
    asides: tuple[KeptAside, ...]

    @property
    def rows(self) -> int:
        """Rows among it."""
        return sum(len(run.rows) for run in self.flush.runs)


class AppendError(StorageError):
    """A flush could not be written in full; `Store.resume` writes the `rest` of it later.

    `rows_saved` rows of what was given are on disk, `rows_waiting` are in the rest.
    """

    def __init__(self, path: str, reason: str, rows: int, rest: Rest) -> None:
        self.path = path
        self.reason = reason
        self.rest = rest
        self.rows_waiting = rest.rows
        self.rows_saved = rows - rest.rows
        assert self.rows_saved >= 0, "more is left than there was"
        super().__init__(
            f"cannot write {path}: {reason}; of {rows} rows "
            f"{self.rows_saved} are saved and {self.rows_waiting} wait"
        )


class PartlyWritten(Exception):
    """Items before those of `rest` are on disk, these are not; `path` could not be written."""

    def __init__(self, path: str, reason: str, rest: tuple[Any, ...]) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason
        self.rest = rest


class CannotAppend(Exception):
    """One append failed, and nothing of it counts."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason


def append_all(
    files: Files, known: Known, parts: Sequence[tuple[str, bytes | memoryview]], growth: int
) -> None:
    """Append to each path its bytes, in order, after which the whole is longer by `growth`.

    Raises `CannotAppend`; the whole has then its old length, as far as anybody may rely on it.
    """
    path = known.path
    assert growth > 0, f"nothing is appended to {path}"
    try:
        if known.longer:
            _cut_back(files, known)
        for path, data in parts:
            files.append(path, data)
    except OSError as error:
        raise CannotAppend(path, reason_of(error) + _take_back(files, known)) from error
    assert not known.longer, f"{path} has grown behind what is to be cut"
    known.length += growth


def reason_of(error: OSError) -> str:
    """The reason of an error of the system, in words."""
    return error.strerror or str(error)


def _take_back(files: Files, known: Known) -> str:
    """Cut to the good length; what went wrong with that, if anything."""
    known.longer = True
    try:
        _cut_back(files, known)
    except OSError as error:
        return f" (and it could not be cut back to its good length: {reason_of(error)})"
    return ""


def _cut_back(files: Files, known: Known) -> None:
    for path, size in known.extent.sizes().items():
        if files.size(path) > size:
            files.truncate(path, size)
    known.longer = False
