"""A table of one book at many moments, side by side: `bid_0`, `bid_size_0`, ... `ask_0`, ...

Rows are applied once each, in pieces; between two moments only what changed is looked at.
"""

from __future__ import annotations

import collections
from collections.abc import Generator, Iterator

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.reader.book_day import BookDay
from tick_logger.reader.book_rows import updates_of
from tick_logger.reader.books import NAT, Books
from tick_logger.reader.breaks import NOT_BEGUN, Breaks
from tick_logger.reader.columns import TS, Column, Kind
from tick_logger.reader.content import Calculated
from tick_logger.reader.ladders import Best, ladder_of
from tick_logger.reader.levels import Levels, Side
from tick_logger.reader.parts import DayPart
from tick_logger.reader.source import Array, Source, Symbol
from tick_logger.reader.times import Span

MOST_VALUES = 1 << 27
"""Prices and sizes that a table may have, which is held in memory: 1 GB."""

PIECE_ROWS = 1 << 17
"""Rows that are applied together; the prices among them are sorted once."""

READ_ROWS = 1 << 20
"""Rows whose times are read at once."""

NO_DAY = -2
"""Before any day, and not the one before the first."""

AS_OF = Column("as_of", Kind.TIME_OR_NONE)
BROKEN = Column("broken", Kind.FLAG)
CAUSE = Column("cause", Kind.TEXT)

Ints = npt.NDArray[np.int64]


def moments(wanted: Span, every_ns: int, depth: int) -> Ints:
    """The moments of a table, shape `(n,)`; raises `ValueError` if it would be too large."""
    if depth < 1:
        raise ValueError(f"books of depth {depth}")
    count = -(-(wanted.end_ns - wanted.start_ns) // every_ns)
    if count * 4 * depth > MOST_VALUES:
        raise ValueError(
            f"{count:,} books of {depth} levels a side are too many for one table; "
            "ask for a shorter range, or for fewer of them"
        )
    return wanted.start_ns + np.arange(count, dtype=np.int64) * every_ns


def book_series(books: Books, source: Source, symbol: Symbol, at: Ints, depth: int) -> Calculated:
    """The table of a symbol's books at these moments, ascending."""
    table = _Filled.of(len(at), depth)
    breaks = Breaks(source.holes(symbol), Table.BOOK)
    walk = _Walk(books, symbol, depth)
    for start, stop in _days(at) if len(at) else ():
        walk.over(at[start:stop], table.part(start, stop))
    cause = breaks.causes(at, table.last_ns, table.last_recv_ns)
    cause[table.last_ns == NAT] = NOT_BEGUN
    values: dict[Column, Array] = {
        TS: at.view("datetime64[ns]"),
        AS_OF: table.last_ns.view("datetime64[ns]"),
        BROKEN: cause != 0,
        CAUSE: cause,
    }
    for name, numbers in table.named():
        values[Column(name, Kind.NUMBER)] = numbers
    return Calculated(values, {CAUSE: breaks.words})


@attrs.frozen(eq=False)
class _Filled:
    """Columns that are filled moment by moment; `levels`: bids, their sizes, asks, their sizes."""

    levels: tuple[Array, Array, Array, Array]  # each of shape (depth, moments)
    last_ns: Ints
    last_recv_ns: Ints

    @classmethod
    def of(cls, count: int, depth: int) -> _Filled:
        levels = tuple(np.full((depth, count), np.nan) for _ in range(4))
        assert len(levels) == 4
        return cls(levels, np.full(count, NAT), np.zeros(count, np.int64))

    def part(self, start: int, stop: int) -> _Filled:
        bids, bid_sizes, asks, ask_sizes = (each[:, start:stop] for each in self.levels)
        return _Filled(
            (bids, bid_sizes, asks, ask_sizes),
            self.last_ns[start:stop],
            self.last_recv_ns[start:stop],
        )

    def named(self) -> Iterator[tuple[str, Array]]:
        depth = len(self.levels[0])
        for side, (prices, sizes) in (("bid", self.levels[:2]), ("ask", self.levels[2:])):
            for level in range(depth):
                yield f"{side}_{level}", prices[level]
                yield f"{side}_size_{level}", sizes[level]


class _Walk:
    """Goes from moment to moment, day by day, and applies each row once."""

    def __init__(self, books: Books, symbol: Symbol, depth: int) -> None:
        self._books = books
        self._symbol = symbol
        self._depth = depth
        self._day: BookDay | None = None  # and where in it this has come to
        self._number = NO_DAY
        self._row = 0
        self._levels: Levels | None = None

    def over(self, at: Ints, table: _Filled) -> None:
        """Fill the table for some moments of one day, ascending."""
        number = int(at[0]) // NS_PER_DAY
        day = self._books.recorded_day(self._symbol, number)
        self._enter(day, number, int(at[0]))
        rows = np.zeros(len(at), np.int64) if day is None else rows_until(day.part, at)
        stops, which = np.unique(rows, return_inverse=True)
        found = _Filled.of(len(stops), self._depth)
        begun = np.zeros(len(stops), np.bool_)
        for stop, best in enumerate(self._bests(stops)):
            begun[stop] = self._levels is not None
            for into, values in zip(found.levels, best, strict=True):
                into[: len(values), stop] = values
        self._note_last(found, stops, begun)
        for into, values in zip(table.levels, found.levels, strict=True):
            into[:] = values[:, which]
        table.last_ns[:] = found.last_ns[which]
        table.last_recv_ns[:] = found.last_recv_ns[which]

    def _enter(self, day: BookDay | None, number: int, at_ns: int) -> None:
        """Come to a moment of a day, or to a row before it from which the walk goes there."""
        row = 0 if day is None else day.rows_until(at_ns)
        begin = None if day is None else day.last_begin(row)
        levels: Levels | None = None
        if begin is not None:
            row = begin  # the book begins there
        elif number == self._number + 1:
            if self._day is not None:
                collections.deque(self._bests(np.array([self._day.part.rows])), maxlen=0)
            row, levels = 0, self._levels
        else:
            levels = self._books.levels(self._symbol, at_ns)
            row = 0 if day is None else day.rows_until(at_ns)  # it may have grown
        self._day, self._number, self._row, self._levels = day, number, row, levels

    def _bests(self, stops: Ints) -> Iterator[Best]:
        """The best levels before each of these rows, ascending; the walk goes along."""
        done = 0
        while done < len(stops):
            done += yield from self._piece(stops[done:])

    def _piece(self, stops: Ints) -> Generator[Best, None, int]:
        """The same for the first of them, at least one or `PIECE_ROWS` rows; how many it was."""
        day, depth = self._day, self._depth
        first = int(stops[0])
        self._skip_to_snapshot(first)
        if day is None or self._levels is None or first == self._row:
            self._row = first
            yield best_of(self._levels, depth)
            return 1
        start, levels = self._row, self._levels
        if first > start + PIECE_ROWS:
            self._row = start + PIECE_ROWS
            self._levels = day.advanced(start, levels, self._row)
            return 0
        count = int(np.searchsorted(stops, start + PIECE_ROWS, "right"))
        is_cut = day.rules.depth is not None
        end = int(stops[count - 1])
        ladder = ladder_of(levels, updates_of(day.part, start, end, is_cut=is_cut), is_cut=is_cut)
        row = start
        for stop in stops[:count].tolist():
            begin = day.last_begin(stop)
            if begin is not None and begin >= row:
                ladder.forget(day.new_book(begin).depth)
                row = begin
            ladder.apply(row - start, stop - start)
            row = stop
            yield ladder.best(depth)
        self._row, self._levels = end, ladder.levels()
        return count

    def _skip_to_snapshot(self, row: int) -> None:
        """What is before the newest snapshot before a row does not count."""
        begin = None if self._day is None else self._day.last_begin(row)
        if self._day is not None and begin is not None and begin >= self._row:
            self._row, self._levels = begin, self._day.new_book(begin)

    def _note_last(self, found: _Filled, stops: Ints, begun: npt.NDArray[np.bool_]) -> None:
        """The times of the rows that were applied last, where there is a book."""
        if begun[0] and stops[0] == 0:  # it is as it was at midnight
            last = self._books.last(self._symbol, self._number * NS_PER_DAY - 1)
            assert last is not None, "a book without rows"
            found.last_ns[0], found.last_recv_ns[0] = last.event_ns, last.recv_ns
        here = np.flatnonzero(begun & (stops > 0))
        if self._day is not None and len(here):
            found.last_ns[here], found.last_recv_ns[here] = (
                values_at(self._day.part, name, stops[here] - 1) for name in ("event_ns", "recv_ns")
            )


def best_of(levels: Levels | None, depth: int) -> Best:
    """The best levels of a book; of none, none."""
    bids, asks = (Side(), Side()) if levels is None else (levels.bids, levels.asks)
    return (
        bids.prices[::-1][:depth],
        bids.sizes[::-1][:depth],
        asks.prices[:depth],
        asks.sizes[:depth],
    )


def rows_until(part: DayPart, at: Ints) -> Ints:
    """How many rows of a day have event times up to each of these; shape of `at`."""
    rows = np.zeros(len(at), np.int64)
    for start in range(0, part.rows, READ_ROWS):
        times = part.field("event_ns", start, min(start + READ_ROWS, part.rows))
        rows += np.searchsorted(times, at, "right")
    return rows


def values_at(part: DayPart, name: str, rows: Ints) -> Ints:
    """A field of these rows, ascending; shape of `rows`."""
    values = np.zeros(len(rows), np.int64)
    for start in range(0, part.rows, READ_ROWS):
        a, b = np.searchsorted(rows, (start, start + READ_ROWS))
        if a < b:
            stop = int(rows[b - 1]) + 1
            values[a:b] = part.field(name, start, stop)[rows[a:b] - start]
    return values


def _days(at: Ints) -> Iterator[tuple[int, int]]:
    """From which moment to which (exclusive) each UTC day goes."""
    edges = np.flatnonzero(np.diff(at // NS_PER_DAY)) + 1
    starts = [0, *edges.tolist()]
    yield from zip(starts, [*starts[1:], len(at)], strict=True)
