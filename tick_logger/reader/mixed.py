"""Rows of several streams, of several tables too, merged in the order of their event times.

What one table has and another has not is absent there: NaN for a number, 0 for an id, False for a
flag.  Rows of equal times keep the order of the streams, and of their files.

Invariant: in one round, no more rows are held than `ROWS_HELD`, or a few of each stream where there
are more streams than that.

Not here: which rows those are (`replaying`, `following`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import Table
from tick_logger.reader.columns import COLUMNS, EXCHANGE, ORIGIN, RECV_TS, SYMBOL, TS, Column, Kind
from tick_logger.reader.gaps import WORDS
from tick_logger.reader.parts import Part
from tick_logger.reader.source import Array

TABLE = Column("table", Kind.TEXT)

ROWS_HELD = 2**20
"""Times of rows that are in memory while streams are merged: 8 MiB."""

LEAST_ROWS = 64
"""Of one stream that are looked at together: less would be slow, however many streams there are."""

_END = int(np.iinfo(np.int64).max)
_TEXTS = (EXCHANGE, SYMBOL, TABLE)


@attrs.frozen
class Stretch:
    """The rows of one part, in order, that are to be merged with those of others."""

    table: Table
    part: Part


@attrs.frozen(eq=False)
class _Piece:
    """Rows `first`, `first + 1`, ... of a stretch, and where they stand among all: rising."""

    stretch: Stretch
    first: int
    at: npt.NDArray[np.int64]


class MixedRows:
    """Some rows of several stretches, in order of time; see `content.Content`."""

    def __init__(
        self, columns: tuple[Column, ...], pieces: Sequence[_Piece], times: npt.NDArray[np.int64]
    ) -> None:
        self.columns = columns
        self.times = times
        """Event times in ns, sorted."""
        self._pieces = pieces
        symbols = [piece.stretch.part.symbol for piece in pieces]
        self._words = {
            EXCHANGE: sorted({each.exchange for each in symbols}),
            SYMBOL: sorted({each.symbol for each in symbols}),
            TABLE: sorted({WORDS[piece.stretch.table] for piece in pieces}),
        }

    @property
    def rows(self) -> int:
        """See `Content`."""
        return len(self.times)

    @property
    def late(self) -> int:
        """How many came late."""
        return int(np.count_nonzero(self.read(ORIGIN, 0, self.rows)))

    def words(self, column: Column) -> Sequence[str]:
        """See `Content`."""
        return self._words[column]

    def read(self, column: Column, start: int, stop: int) -> Array:
        """See `Content`; always a copy."""
        into = _absent(column, stop - start)
        for piece in self._pieces:
            first, last = (int(np.searchsorted(piece.at, edge)) for edge in (start, stop))
            if first < last:
                values = self._values(column, piece, first, last)
                if values is not None:
                    into[piece.at[first:last] - start] = values
        return into

    def _values(self, column: Column, piece: _Piece, first: int, last: int) -> Array | int | None:
        """The values of some rows of a piece, one for all of a text; None if the table has none."""
        symbol, table = piece.stretch.part.symbol, piece.stretch.table
        if column in _TEXTS:
            word = {EXCHANGE: symbol.exchange, SYMBOL: symbol.symbol, TABLE: WORDS[table]}[column]
            return self._words[column].index(word)
        own = next((each for each in COLUMNS[table] if each.name == column.name), None)
        if own is None:
            return None
        start = piece.first
        return own.made_of(piece.stretch.part.field(own.field, start + first, start + last))


def columns_of_tables(tables: Sequence[Table]) -> tuple[Column, ...]:
    """What rows of these tables have together.

    `side` has the words of books where there are only books, else those of trades: a bid is an
    order to buy.
    """
    found: dict[str, Column] = {}
    for table in Table:
        if table in tables:
            found |= {c.name: found.get(c.name, c) for c in COLUMNS[table] if c.usual}
    if "side" in found and set(tables) != {Table.BOOK}:
        found["side"] = Column("side", Kind.TRADE_SIDE, "side")
    first = (TS, RECV_TS, EXCHANGE, SYMBOL, TABLE)
    names = ("id", "price", "size", "side", "bid", "bid_size", "ask", "ask_size", "is_snapshot")
    return (*first, *(found[name] for name in names if name in found), ORIGIN)


def merged(
    columns: tuple[Column, ...], stretches: Sequence[Stretch], held: int = ROWS_HELD
) -> Iterator[MixedRows]:
    """All rows of some stretches in order of time, in bounded pieces, each read when asked for."""
    several = [_Window(each) for each in stretches if each.part.rows]
    if not several:
        return
    size = max(held // len(several), LEAST_ROWS)
    heads = np.array([window.fill(size) for window in several], np.int64)
    lasts = np.array([window.last for window in several], np.int64)
    numbers = np.arange(len(several))
    while True:
        # Behind the last known row of a window there may be more of the same time, which come
        # before those of later streams.
        least = int(np.argmin(lasts))
        bound = int(lasts[least])
        touched = np.flatnonzero((heads < bound) | ((heads == bound) & (numbers <= least)))
        if not len(touched) or heads.min() == _END:
            return
        taken = []
        for number in touched.tolist():
            window = several[number]
            side: Literal["left", "right"] = "right" if number <= least else "left"
            taken.append(window.take(bound, side))
            heads[number] = window.fill(size)
            lasts[number] = window.last
        yield _in_order(columns, taken)


class _Window:
    """The next rows of a stretch."""

    def __init__(self, stretch: Stretch) -> None:
        self._stretch = stretch
        self._start = 0
        self._times: npt.NDArray[np.int64] = np.empty(0, np.int64)

    def fill(self, size: int) -> int:
        """See the next rows if none are seen; returns the time of the first, the end if none."""
        if not len(self._times):
            stop = min(self._start + size, self._stretch.part.rows)
            self._times = self._stretch.part.field("event_ns", self._start, stop)
        return int(self._times[0]) if len(self._times) else _END

    @property
    def last(self) -> int:
        """The time of the last row that is seen; the end if there are no more behind it."""
        behind = self._start + len(self._times) < self._stretch.part.rows
        return int(self._times[-1]) if behind else _END

    def take(
        self, bound: int, side: Literal["left", "right"]
    ) -> tuple[Stretch, int, npt.NDArray[np.int64]]:
        """The rows before a time, those of it too if `side` is "right": first and times."""
        count = int(np.searchsorted(self._times, bound, side))
        first, times = self._start, self._times[:count]
        self._start, self._times = first + count, self._times[count:]
        return self._stretch, first, times


def _in_order(
    columns: tuple[Column, ...], taken: Sequence[tuple[Stretch, int, npt.NDArray[np.int64]]]
) -> MixedRows:
    times = np.concatenate([each for _, _, each in taken])
    order = np.argsort(times, kind="stable")
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    pieces, done = [], 0
    for stretch, first, its in taken:
        pieces.append(_Piece(stretch, first, places[done : done + len(its)]))
        done += len(its)
    return MixedRows(columns, pieces, times[order])


def _absent(column: Column, rows: int) -> Array:
    """What stands where a table does not have a column."""
    if column.kind is Kind.TEXT:
        return np.zeros(rows, np.int32)
    if column.kind is Kind.NUMBER:
        return np.full(rows, np.nan)
    return np.zeros(rows, column.kind.dtype)
