"""What is being recorded of several streams, as their files grow: batches, and holes among them.

One look after the other: each gives the rows that have come since, in order of time, and the holes
that have opened or closed.  Rows that came late are given when they come; their `origin` tells.
Between two looks that find nothing the caller's `wait` is called: this module knows no clock.

Invariant: no row is given twice.  Where a stream was is known by the time of the last row that was
given, and how many there were of that time; so a file that was cut after a crash, and grows again,
goes on behind what was given.  What is given is a copy: files may be cut, but not what a user has.

Not here: what was recorded before (`replaying`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import ORIGIN_ASIDE, Table
from tick_logger.reader.columns import Kind
from tick_logger.reader.content import Calculated
from tick_logger.reader.gaps import Gap
from tick_logger.reader.merging import order_of_late
from tick_logger.reader.mixed import (
    LEAST_ROWS,
    ROWS_HELD,
    MixedRows,
    Stretch,
    columns_of_tables,
    merged,
)
from tick_logger.reader.parts import DayPart
from tick_logger.reader.replaying import Timed, holes_of, woven
from tick_logger.reader.rows import Rows
from tick_logger.reader.source import Block, Source, Symbol, TableDay
from tick_logger.reader.times import BEGINNING_NS, END_NS, Span

DAYS_WATCHED = 3
"""The newest days of a stream in which rows are looked for: today's, those that still come for the
day before, and one more for a stream that has not met midnight yet."""

FAILURES_IN_A_ROW = 10
"""Looks that may fail while files are cut or replaced, before the error is the caller's."""

_NO_ROWS = np.empty(0, np.int64)


@attrs.frozen
class Place:
    """What was given of a day of a stream."""

    time_ns: int | None = None
    """The event time of the last row; None: there was none."""
    equal: int = 0
    """How many rows of that time there were, that one included."""
    late: int = 0
    """How many late rows were looked at, of those that are there."""
    late_given: int = 0
    """How many there have been at most."""
    received_ns: int = BEGINNING_NS
    """When the last of those was received."""

    def first_behind(self, main: Block) -> int:
        """The first row in order that was not given."""
        if self.time_ns is None:
            return 0
        first, behind = main.first_at(self.time_ns), main.first_at(self.time_ns + 1)
        return first + min(self.equal, behind - first)

    def late_behind(self, late: Block, most: int) -> npt.NDArray[np.int64]:
        """Which of the next `most` late rows were not given, in the order in which they came."""
        start = min(self.late, late.rows)
        new = np.arange(start, min(start + most, late.rows))
        if len(new) and start < self.late_given:  # it was cut; what comes again was given
            received = late.field("recv_ns", start, start + len(new))
            new = new[(new >= self.late_given) | (received > self.received_ns)]
        return new

    def after(self, found: TableDay, first: int, last: int, most: int) -> Place:
        """With rows `first` to `last` in order given, and the next `most` late ones."""
        place, late = self, found.late
        if last > first:
            time_ns = int(found.main.field("event_ns", last - 1, last)[0])
            equal = last - found.main.first_at(time_ns)
            place = attrs.evolve(place, time_ns=time_ns, equal=equal)
        if late.rows <= self.late:
            return attrs.evolve(place, late=late.rows)
        stop = min(self.late + most, late.rows)
        received = int(late.field("recv_ns", self.late, stop).max())
        return attrs.evolve(
            place,
            late=stop,
            late_given=max(self.late_given, stop),
            received_ns=max(self.received_ns, received),
        )


class Follower:
    """Where a user is in some streams."""

    def __init__(self, source: Source, symbols: Sequence[Symbol], tables: Sequence[Table]) -> None:
        self._source = source
        self._symbols = symbols
        self._tables = tables
        self._columns = columns_of_tables(tables)
        self._streams = [(symbol, table) for symbol in symbols for table in tables]
        self._most = max(ROWS_HELD // len(self._streams), LEAST_ROWS)
        self._holes = {gap for gap in self._holes_now() if not gap.is_open}
        self._since: dict[tuple[Symbol, Table], int] = {}
        self._places: dict[tuple[Symbol, Table, int], Place] = {}
        for key, found in self._days():
            all_late = found.late.rows
            self._places[key] = Place().after(found, 0, found.main.rows, all_late)

    def look(self) -> tuple[list[Timed], list[Gap]]:
        """What has come since the last look: rows in order of time, and holes by when they began.

        Raises `OSError` if files could not be read, and has then given nothing.
        """
        stretches: list[Stretch] = []
        places = {}
        for key, found in self._days():
            symbol, table, _ = key
            place = self._places.get(key, Place())
            first = place.first_behind(found.main)
            last = min(found.main.rows, first + self._most)
            late = place.late_behind(found.late, self._most)
            stretches.append(Stretch(table, _in_order(symbol, found, first, last)))
            stretches.append(Stretch(table, _late(symbol, found, late)))
            places[key] = place.after(found, first, last, self._most)
        contents = [_copied(each) for each in merged(self._columns, stretches)]
        holes = self._new_holes()
        self._places = places  # those of days that are watched no more are left out
        return contents, holes

    def _days(self) -> Iterator[tuple[tuple[Symbol, Table, int], TableDay]]:
        for symbol, table in self._streams:
            since = self._since.get((symbol, table), 0)
            days = [day for day in self._source.days(symbol, table) if day >= since]
            if len(days) > DAYS_WATCHED:  # which never come back, whatever is taken away
                days = days[-DAYS_WATCHED:]
                self._since[symbol, table] = days[0]
            for day in days:
                yield (symbol, table, day), self._source.look(symbol, table, day)

    def _holes_now(self) -> list[Gap]:
        return holes_of(self._source, self._symbols, self._tables, _ALWAYS)

    def _new_holes(self) -> list[Gap]:
        """Those that have opened or closed; what is left of one that heals was told of."""
        now = self._holes_now()
        told = [gap for gap in self._holes if not gap.is_open]
        fresh = [gap for gap in now if gap not in self._holes]
        self._holes = {*now, *told}
        return [gap for gap in fresh if not any(_is_left_of(gap, whole) for whole in told)]


def follow(
    source: Source,
    symbols: Sequence[Symbol],
    tables: Sequence[Table],
    rows: int,
    wait: Callable[[], object] | None,
) -> Iterator[Rows | Gap]:
    """See `Recording.follow`; from now on, not from the first batch on."""
    if wait is None:
        from tick_logger.waiting import a_moment  # the one thing here that takes time

        wait = a_moment
    return _looks(Follower(source, symbols, tables), rows, wait)


def _looks(follower: Follower, rows: int, wait: Callable[[], object]) -> Iterator[Rows | Gap]:
    failures = 0
    while True:
        contents, holes = list[Timed](), list[Gap]()
        try:
            contents, holes = follower.look()
            failures = 0
        except OSError:
            failures += 1
            if failures > FAILURES_IN_A_ROW:
                raise
        yield from woven(contents, holes, rows)
        if not contents and wait() is False:
            return


def _in_order(symbol: Symbol, found: TableDay, first: int, last: int) -> DayPart:
    return DayPart(symbol, found.main, first, last, found.late, _NO_ROWS, _NO_ROWS)


def _late(symbol: Symbol, found: TableDay, rows: npt.NDArray[np.int64]) -> DayPart:
    """Some late rows by time and id, without those whose time cannot be right."""
    if len(rows):
        late = found.late
        rows = rows[late.field("origin", 0, late.rows)[rows] != ORIGIN_ASIDE]
        times, ids = (late.field(name, 0, late.rows)[rows] for name in ("event_ns", "seq"))
        rows = rows[order_of_late(times, ids)]
    return DayPart(symbol, found.main, 0, 0, found.late, rows, np.zeros(len(rows), np.int64))


def _is_left_of(gap: Gap, whole: Gap) -> bool:
    """Whether a hole is a part of one that was wider before some of its ids came."""
    if gap.is_open or _name_of(gap) != _name_of(whole):
        return False
    if None in (gap.from_id, gap.to_id, whole.from_id, whole.to_id):
        return False
    return whole.from_id <= gap.from_id and gap.to_id <= whole.to_id  # type: ignore[operator]


def _name_of(gap: Gap) -> tuple[object, ...]:
    """What stays of a hole from its first line to its last."""
    return gap.exchange, gap.symbol, gap.table, gap.cause, gap.from_ns


def _copied(found: MixedRows) -> Timed:
    values = {column: found.read(column, 0, found.rows) for column in found.columns}
    texts = {c: found.words(c) for c in found.columns if c.kind is Kind.TEXT}
    return Timed(Calculated(values, texts), found.times)


_ALWAYS = Span(BEGINNING_NS, END_NS)
