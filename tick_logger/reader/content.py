"""What a table of rows is, whoever has made it: columns that can be read piece by piece.

`Rows` hands contents to its user.  One content is read from a recording (`StreamRows`), another
was calculated from rows (`Calculated`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.reader.columns import EXCHANGE, SYMBOL, Column, Kind
from tick_logger.reader.parts import Part
from tick_logger.reader.source import Array, Symbol


class Content(Protocol):
    """Columns of equal length."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """All of them, in order."""
        ...

    @property
    def rows(self) -> int:
        """How many rows there are."""
        ...

    @property
    def late(self) -> int:
        """How many of them came late."""
        ...

    def read(self, column: Column, start: int, stop: int) -> Array:
        """The values of rows `start` to `stop`, shape `(stop - start,)`, of the kind's dtype.

        Of a text: int32 indices into `words`.  A view of mapped files where nothing has to be
        calculated.  Raises `OSError`.
        """
        ...

    def words(self, column: Column) -> Sequence[str]:
        """The different values of a column of text."""
        ...


def first_of_each_symbol(content: Content) -> list[int]:
    """The rows at which another symbol begins, the first row not counted; ascending.

    None where that is not known without looking at the rows: then a content has no such method.
    """
    asked = getattr(content, "symbol_starts", None)
    return [] if asked is None else list(asked())


class StreamRows:
    """Rows of some streams of one table, one part behind the other."""

    def __init__(self, columns: tuple[Column, ...], parts: Sequence[Part]) -> None:
        self._columns = columns
        self._parts = parts
        counts = [part.rows for part in parts]
        self._starts = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
        self._words = {
            EXCHANGE: sorted({part.symbol.exchange for part in parts}),
            SYMBOL: sorted({part.symbol.symbol for part in parts}),
        }

    @property
    def columns(self) -> tuple[Column, ...]:
        """See `Content`."""
        return self._columns

    @property
    def rows(self) -> int:
        """See `Content`."""
        return int(self._starts[-1])

    @property
    def late(self) -> int:
        """See `Content`."""
        return sum(part.late for part in self._parts)

    def words(self, column: Column) -> Sequence[str]:
        """See `Content`."""
        return self._words[column]

    def symbol_starts(self) -> list[int]:
        """The rows at which another symbol begins, but for the first row."""
        starts: list[int] = []
        last: Symbol | None = None
        for part, start in zip(self._parts, self._starts.tolist(), strict=False):
            if last not in (None, part.symbol) and part.rows:
                starts.append(start)
            last = part.symbol if part.rows else last
        return starts

    def read(self, column: Column, start: int, stop: int) -> Array:
        """See `Content`; a copy where rows of several days or symbols are put together."""
        pieces = [
            (part, max(start - begin, 0), min(stop - begin, part.rows))
            for part, begin in zip(self._parts, self._starts.tolist(), strict=False)
            if begin < stop and begin + part.rows > start
        ]
        if len(pieces) == 1:
            return self._piece(column, *pieces[0])
        into = np.empty(stop - start, _dtype(column))
        done = 0
        for part, first, last in pieces:
            into[done : done + last - first] = self._piece(column, part, first, last)
            done += last - first
        return into

    def _piece(self, column: Column, part: Part, first: int, last: int) -> Array:
        if column.kind is Kind.TEXT:
            word = part.symbol.exchange if column == EXCHANGE else part.symbol.symbol
            return np.full(last - first, self._words[column].index(word), np.int32)
        return column.made_of(part.field(column.field, first, last))


@attrs.frozen(eq=False)
class Calculated:
    """Columns that are in memory; of a text its indices, and beside them its words."""

    values: Mapping[Column, Array]
    texts: Mapping[Column, Sequence[str]] = attrs.field(factory=dict)

    @property
    def columns(self) -> tuple[Column, ...]:
        """See `Content`."""
        return tuple(self.values)

    @property
    def rows(self) -> int:
        """See `Content`."""
        return len(next(iter(self.values.values()), ()))

    @property
    def late(self) -> int:
        """See `Content`."""
        return 0

    def words(self, column: Column) -> Sequence[str]:
        """See `Content`."""
        return self.texts[column]

    def read(self, column: Column, start: int, stop: int) -> Array:
        """See `Content`."""
        return self.values[column][start:stop]


def indexed(texts: Sequence[str]) -> tuple[npt.NDArray[np.int32], list[str]]:
    """A column of text as indices (shape `(n,)`), and its words, sorted."""
    words = sorted(set(texts))
    number = {word: index for index, word in enumerate(words)}
    return np.fromiter((number[text] for text in texts), np.int32, len(texts)), words


def _dtype(column: Column) -> np.dtype[np.generic]:
    return np.dtype(np.int32) if column.kind is Kind.TEXT else column.kind.dtype
