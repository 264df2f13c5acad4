"""Rows with the newest row of others at or before each of them, by event time.

Where both tell symbols apart, rows are matched within a symbol; where the others are of one symbol,
they are matched with all.  Of several at one time the last one counts.  What has no match has the
absent value: NaN, NaT, 0, False, or no text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.reader.columns import EXCHANGE, SYMBOL, TS, Column, Kind
from tick_logger.reader.content import Content
from tick_logger.reader.source import Array

SUFFIX = "_right"
"""Behind the name of a column that there is on the left too."""

UNMATCHED = -1

Places = npt.NDArray[np.int64]


@attrs.frozen(eq=False)
class Matched:
    """The columns of one content, and beside them those of the rows of another; see `Content`."""

    _left: Content
    _right: Content
    _place: Places
    """For each row on the left the row on the right, or `UNMATCHED`."""
    _named: Mapping[Column, Column]
    """The columns on the right by what they are called here."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Those of the left, then those of the right."""
        return (*self._left.columns, *self._named)

    @property
    def rows(self) -> int:
        """As many as on the left."""
        return self._left.rows

    @property
    def late(self) -> int:
        """Those of the left."""
        return self._left.late

    def words(self, column: Column) -> Sequence[str]:
        """Of a column of the right, with one for what has no match."""
        of = self._named.get(column)
        return self._left.words(column) if of is None else [*self._right.words(of), ""]

    def read(self, column: Column, start: int, stop: int) -> Array:
        """See `Content`."""
        of = self._named.get(column)
        if of is None:
            return self._left.read(column, start, stop)
        place = self._place[start:stop]
        matched = place != UNMATCHED
        made = _absent(
            column, len(place), len(self._right.words(of)) if of.kind is Kind.TEXT else 0
        )
        if matched.any():
            rows = place[matched]
            first, last = int(rows.min()), int(rows.max()) + 1
            made[matched] = self._right.read(of, first, last)[rows - first]
        return made


def matched(left: Content, right: Content) -> Matched:
    """Each row of the left with the newest of the right; raises `ValueError`, `OSError`."""
    keys = [each for each in (EXCHANGE, SYMBOL) if each in right.columns]
    for side, content in (("left", left), ("right", right)):
        lacks = [each.name for each in (TS, *keys) if each not in content.columns]
        if lacks:
            raise ValueError(
                f"the rows on the {side} have no column {lacks[0]}, which it takes to match them"
            )
    place = np.full(left.rows, UNMATCHED, np.int64)
    times = [each.read(TS, 0, each.rows).view(np.int64) for each in (left, right)]
    for mine, theirs in _groups(left, right, keys):
        if not len(theirs):
            continue
        of = times[1][theirs]
        if (of[1:] < of[:-1]).any():  # rows in the order of their receipt
            order = np.argsort(of, kind="stable")
            of, theirs = of[order], theirs[order]
        number = np.searchsorted(of, times[0][mine], "right") - 1
        place[mine] = np.where(number < 0, UNMATCHED, theirs[number])
    return Matched(left, right, place, _names(left, right, keys))


def _groups(
    left: Content, right: Content, keys: Sequence[Column]
) -> Sequence[tuple[Places, Places]]:
    """The rows of both that may match, symbol by symbol."""
    if not keys:
        return [(np.arange(left.rows), np.arange(right.rows))]
    coded = []
    for content in (left, right):
        of_each = [np.zeros(content.rows, np.int64)]
        for key in keys:
            words = sorted({*left.words(key), *right.words(key)})
            number = np.array([words.index(word) for word in content.words(key)], np.int64)
            of_each.append(of_each[-1] * len(words) + number[content.read(key, 0, content.rows)])
        coded.append(of_each[-1])
    return [
        (np.flatnonzero(coded[0] == code), np.flatnonzero(coded[1] == code))
        for code in np.unique(coded[0]).tolist()
    ]


def _names(left: Content, right: Content, keys: Sequence[Column]) -> dict[Column, Column]:
    taken = {column.name for column in left.columns}
    named: dict[Column, Column] = {}
    for column in right.columns:
        if column in keys:
            continue
        name = column.name
        while name in taken:
            name += SUFFIX
        taken.add(name)
        kind = Kind.TIME_OR_NONE if column.kind is Kind.TIME else column.kind
        named[attrs.evolve(column, name=name, kind=kind)] = column
    return named


def _absent(column: Column, rows: int, word: int) -> Array:
    match column.kind:
        case Kind.TEXT:
            return np.full(rows, word, np.int32)
        case Kind.NUMBER:
            return np.full(rows, np.nan)
        case Kind.TIME_OR_NONE:
            return np.full(rows, np.datetime64("NaT"), column.kind.dtype)
    return np.zeros(rows, column.kind.dtype)
