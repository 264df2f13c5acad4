"""One UTC day of a book that was looked at: where it began anew, and what it was every so often.

Any moment of the day is then a few thousand rows away from a book that is kept.  Invariant: what is
kept is of rows that are still as they were; when a day has grown only its new rows are looked at,
and when rows came late those behind them.

Not here: which days there are, what a book was at midnight, how long days are kept (`books`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from operator import itemgetter

import attrs
import numpy as np

from tick_logger.reader.book_rows import Positions, begins_of, depth_at, updates_of
from tick_logger.reader.cut_levels import after_cut
from tick_logger.reader.levels import Levels, after
from tick_logger.reader.parts import DayPart
from tick_logger.reader.venue_rules import VenueRules

KEPT_EVERY_ROWS = 65_536
"""Rows between books that are kept: applying so many takes some ms."""

CUT_KEPT_EVERY_ROWS = 32_768
"""The same of books that are cut, of whose rows some are applied one by one."""

ROWS_PER_LEVEL = 2
"""At least so many rows per level lie between books that are kept, so that these take no more
memory than 8 bytes per row of the day."""

Kept = tuple[int, Levels]
"""What a book was before a row."""


@attrs.define(eq=False)
class BookDay:
    """A day of a book.  `part`: all its rows, late ones merged; a row is counted in there."""

    rules: VenueRules
    part: DayPart
    begins: Positions
    """The rows at which snapshots begin, shape `(n,)`, ascending."""
    _late_times: Positions
    _kept: list[Kept] = attrs.field(factory=list)
    """By row: all that are to be kept from row `_kept_from` on."""
    _kept_from: int = 0
    _midnight: Levels | None = None
    """What the book was before the first row, where that is known (then all is kept)."""
    midnight_of: object = None
    """Of which rows of earlier days it is."""

    @classmethod
    def look(cls, part: DayPart, rules: VenueRules) -> BookDay:
        """Look at a day for the first time: where do snapshots begin?"""
        begins = begins_of(part, rules, 0)
        return cls(rules, part, begins, _times_of_late(part), kept_from=part.rows)

    def look_again(self, part: DayPart) -> None:
        """The same day with other rows: what is known of those that are as they were stays."""
        same = rows_alike(self.part, part)
        keeps = self._kept_from < self.part.rows and self._kept_from <= same
        self.part, self._late_times = part, _times_of_late(part)
        self.begins = np.concatenate(
            [self.begins[self.begins < same], begins_of(part, self.rules, same)]
        )
        if not keeps:
            self._kept, self._kept_from = [], part.rows
            self._midnight = self.midnight_of = None
            return
        self._kept = [each for each in self._kept if each[0] <= same]
        nearest = self._nearest(same)
        if nearest is None:
            start = self._kept_from = self.first if self.first is not None else part.rows
            nearest = start, self.new_book(start)
        self._kept += self._to_keep(*nearest, part.rows)

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        late = 3 * self._late_times.nbytes
        return late + self.begins.nbytes + sum(levels.nbytes for _, levels in self._kept)

    @property
    def rows(self) -> tuple[int, int]:
        """How many rows there were, in order and late."""
        return self.part.main.rows, self.part.late_block.rows

    @property
    def first(self) -> int | None:
        """The row at which the first snapshot begins; up to it the day before counts."""
        return int(self.begins[0]) if len(self.begins) else None

    def rows_until(self, time_ns: int) -> int:
        """How many rows have event times up to this one."""
        late = int(np.searchsorted(self._late_times, time_ns, "right"))
        return self.part.main.first_at(time_ns + 1) - self.part.first + late

    def last_begin(self, row: int) -> int | None:
        """Where the newest snapshot begins of which there are rows before this one."""
        number = int(np.searchsorted(self.begins, row)) - 1
        return int(self.begins[number]) if number >= 0 else None

    def keep_from(self, begin: int) -> None:
        """Keep books of all rows behind the snapshot that begins there."""
        if self._kept_from > begin:
            self._keep(begin, self.new_book(begin))

    def keep_from_midnight(self, levels: Levels | None, rows: object) -> None:
        """Keep books of all rows, given what it was at the end of the day before.

        `rows`: something that is equal as long as the rows of the days before are the same.
        """
        first = self.part.rows if self.first is None else self.first
        if self.first is not None:
            self.keep_from(first)
        self._kept = [each for each in self._kept if each[0] > first]
        self._kept_from, self._midnight, self.midnight_of = first, levels, rows
        if levels is not None and first:
            self._keep(0, levels)

    def levels_at(self, row: int) -> Levels | None:
        """The book before a row; None: there is none.

        What it was at midnight must have been said where no snapshot begins before that row.
        """
        begin = self.last_begin(row)
        if begin is not None:
            self.keep_from(begin)
        nearest = self._nearest(row)
        return None if nearest is None else self.advanced(*nearest, row)

    def _keep(self, start: int, levels: Levels) -> None:
        self._kept = [*self._to_keep(start, levels, self._kept_from), *self._kept]
        self._kept_from = start

    def _nearest(self, row: int) -> Kept | None:
        """The nearest book before a row that is known, all that is needed being kept."""
        number = bisect_right(self._kept, row, key=itemgetter(0)) - 1
        begin = self.last_begin(row)
        if number >= 0 and (begin is None or self._kept[number][0] > begin):
            return self._kept[number]
        if begin is not None:
            return begin, self.new_book(begin)
        return None if self._midnight is None else (0, self._midnight)

    def _to_keep(self, start: int, levels: Levels, stop: int) -> Iterator[Kept]:
        """The books that are kept of rows `start` to `stop`."""
        is_cut = self.rules.depth is not None
        begun: int | None = None
        least = CUT_KEPT_EVERY_ROWS if is_cut else KEPT_EVERY_ROWS
        while True:
            end = start + max(least, ROWS_PER_LEVEL * levels.count)
            begin = self.last_begin(min(end, stop))
            if begin is not None and begin >= start and begin != begun:
                start = begun = begin
                levels = self.new_book(begin)
                continue
            if end >= stop:
                return
            levels = self.advanced(start, levels, end)
            yield end, levels
            start = end

    def new_book(self, begin: int) -> Levels:
        """A book before the first row of its snapshot."""
        return Levels(depth=depth_at(self.part, self.rules, begin))

    def advanced(self, start: int, levels: Levels, stop: int) -> Levels:
        """A book after rows `start` to `stop`, where no snapshot begins but at `start`."""
        is_cut = self.rules.depth is not None
        updates = updates_of(self.part, start, stop, is_cut=is_cut)
        return after_cut(levels, updates) if is_cut else after(levels, updates)


def _times_of_late(part: DayPart) -> Positions:
    """The event times of late rows in the order in which they are merged."""
    return part.late_block.field("event_ns", 0, part.late_block.rows)[part.late_rows]


def rows_alike(old: DayPart, new: DayPart) -> int:
    """How many rows, from the first on, are the same in a day that was read again."""
    if new.last < old.last:
        return 0  # what was there is gone: files were cut, and may be written anew
    places = [part.places + np.arange(part.late) for part in (old, new)]  # of late rows, among all
    both = min(old.late, new.late)
    differs = (places[0][:both] != places[1][:both]) | (
        old.late_rows[:both] != new.late_rows[:both]
    )
    first = int(np.argmax(differs)) if differs.any() else both
    ends = [int(at[first]) for at in places if first < len(at)]
    return min([*ends, old.rows])
