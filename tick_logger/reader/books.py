"""Order books at any moment: which rows lead to them, and the days that were looked at.

A book begins with its newest snapshot, which may lie days back.  Days that were looked at are kept,
so that the next moment costs some ms; together they take no more than `MOST_BYTES`, but for the one
in use.

Not here: how rows are applied (`levels`, `ladders`), one day (`book_day`), a table of many moments
(`book_series`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import attrs
import numpy as np

from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY, day_of
from tick_logger.reader.book import Book, book_of
from tick_logger.reader.book_day import BookDay
from tick_logger.reader.breaks import NO_SNAPSHOT, Breaks
from tick_logger.reader.levels import Levels
from tick_logger.reader.parts import day_part
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.times import Span
from tick_logger.reader.venue_rules import rules_of

MOST_BYTES = 256 * 1024 * 1024
"""Of all days together that are kept: the busiest books need some 80 MB a day."""

NAT = np.iinfo(np.int64).min
"""What stands for no time in datetime64."""


@attrs.frozen
class Last:
    """The row that was applied last: its event and its receive time (ns)."""

    event_ns: int
    recv_ns: int


class Books:
    """The books of one source."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._days: OrderedDict[tuple[Symbol, int], BookDay] = OrderedDict()

    def at(self, symbol: Symbol, at_ns: int, depth: int | None) -> Book:
        """The book at a moment; raises `OSError`."""
        if depth is not None and depth < 1:
            raise ValueError(f"a book of depth {depth}")
        levels = self.levels(symbol, at_ns)
        last = None if levels is None else self.last(symbol, at_ns)
        if last is None:
            return book_of(symbol, at_ns, None, NAT, NO_SNAPSHOT, depth)
        breaks = Breaks(self._source.holes(symbol), Table.BOOK)
        times = (np.array([each]) for each in (at_ns, last.event_ns, last.recv_ns))
        cause = breaks.words[int(breaks.causes(*times)[0])]
        return book_of(symbol, at_ns, levels, last.event_ns, cause, depth)

    def levels(self, symbol: Symbol, at_ns: int) -> Levels | None:
        """The levels at a moment; None: there is no book."""
        number = day_of(at_ns)
        days = self._recorded(symbol, number)
        if number not in days:
            return self._at_end_of(symbol, days)
        day = self.day(symbol, number)
        row = day.rows_until(at_ns)
        if day.first is not None:
            day.keep_from(day.first)
        if day.last_begin(row) is None:
            self._tell_midnight(symbol, day, days[:-1])
            self._days[symbol, number] = day  # others were used meanwhile
        found = day.levels_at(row)
        self._trim(symbol, number)
        return found

    def last(self, symbol: Symbol, at_ns: int) -> Last | None:
        """The last row up to a moment; None: there is none."""
        for number in reversed(self._recorded(symbol, day_of(at_ns))):
            day = self.day(symbol, number)
            row = day.rows_until(at_ns)
            if row:
                times = (day.part.field(name, row - 1, row)[0] for name in ("event_ns", "recv_ns"))
                return Last(*map(int, times))
        return None

    def recorded_day(self, symbol: Symbol, number: int) -> BookDay | None:
        """A day as it is now; None: there are no rows of it."""
        return self.day(symbol, number) if number in self._recorded(symbol, number) else None

    def day(self, symbol: Symbol, number: int) -> BookDay:
        """A day as it is now: its new rows are looked at."""
        found = self._source.look(symbol, Table.BOOK, number)
        span = Span(number * NS_PER_DAY, (number + 1) * NS_PER_DAY)
        day = self._days.pop((symbol, number), None)
        if day is None:
            part = day_part(symbol, found, span, "merge")
            day = BookDay.look(part, rules_of(symbol.exchange))
        elif day.rows != (found.main.rows, found.late.rows):
            day.look_again(day_part(symbol, found, span, "merge"))
        self._days[symbol, number] = day
        return day

    def _recorded(self, symbol: Symbol, until: int) -> Sequence[int]:
        """The days up to one of which there are rows."""
        return [day for day in self._source.days(symbol, Table.BOOK) if day <= until]

    def _tell_midnight(self, symbol: Symbol, day: BookDay, before: Sequence[int]) -> None:
        """Say to a day what the book was at its beginning: back to the newest snapshot."""
        chain: list[int] = []
        for number in reversed(before):
            chain.insert(0, number)
            if self.day(symbol, number).first is not None:
                break
        rows = tuple((number, self.day(symbol, number).rows) for number in chain)
        if day.midnight_of != rows:
            day.keep_from_midnight(self._at_end_of(symbol, chain), rows)

    def _at_end_of(self, symbol: Symbol, days: Sequence[int]) -> Levels | None:
        """The book behind the last of some days; None: there is none."""
        begun = len(days)
        while begun:
            begun -= 1
            if self.day(symbol, days[begun]).first is not None:
                break
        levels: Levels | None = None
        rows: tuple[object, ...] = ()
        for number in days[begun:]:
            day = self.day(symbol, number)
            if day.first is None and day.midnight_of != rows:
                day.keep_from_midnight(levels, rows)
            levels = day.levels_at(day.part.rows)
            rows = (*rows, (number, day.rows))
            self._trim(symbol, number)
        return levels

    def _trim(self, symbol: Symbol, number: int) -> None:
        """Forget the days that were not used for longest, but for this one."""
        size = sum(day.nbytes for day in self._days.values())
        while size > MOST_BYTES and len(self._days) > 1:
            oldest = next(each for each in self._days if each != (symbol, number))
            size -= self._days.pop(oldest).nbytes
