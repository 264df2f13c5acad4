"""Objects that are being written, many at a time: rows wait until a row group of them is worth it.

Invariant: what waits in all of them together is bounded.  Not here: what rows are, how they become
a table, and what an object is called.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from tick_logger.archive.parquet import ObjectWriter

R = TypeVar("R")
K = TypeVar("K")


class OpenObject(abc.ABC, Generic[R]):
    """One of them."""

    def __init__(self) -> None:
        self._rows: list[R] = []
        self._writer: ObjectWriter | None = None
        self.waiting = 0  # bytes of the rows that wait

    @property
    def size(self) -> int:
        """Bytes written."""
        return 0 if self._writer is None else self._writer.size

    def flush(self) -> None:
        """Write a row group of all that waits."""
        if self._rows:
            if self._writer is None:
                self._writer = self._begin()
            self._writer.add(self._table(self._rows))
        self._rows, self.waiting = [], 0

    def _whole(self) -> ObjectWriter:
        """The writer, when everything is in it; an object of nothing is none."""
        self.flush()
        assert self._writer is not None, "an object of nothing"
        return self._writer

    @abc.abstractmethod
    def _begin(self) -> ObjectWriter:
        """What writes it."""

    @abc.abstractmethod
    def _table(self, rows: list[R]) -> Any:
        """Rows as an Arrow table."""


def relieve(objects: Mapping[K, OpenObject[R]], *, most_bytes: int, largest_bytes: int) -> list[K]:
    """Write of what waits until it is no more than `most_bytes`; returns those that are full."""
    while sum(each.waiting for each in objects.values()) > most_bytes:
        max(objects.values(), key=lambda each: each.waiting).flush()
    return [key for key, each in objects.items() if each.size > largest_bytes]
