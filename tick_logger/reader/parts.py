"""The rows of one stream in a range, in the order of their event times: day by day.

A part is one day: rows that are in order, and late ones merged into them.  What is read stays what
it was when the part was made, while a recorder appends.

Not here: rows by their receive times, or late ones alone (`received`), and what columns are called
(`columns`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import ORIGIN_ASIDE, ORIGIN_MAIN, Table
from tick_logger.reader.merging import order_of_late, places_among, with_late
from tick_logger.reader.source import Array, Block, Source, Symbol, TableDay
from tick_logger.reader.times import Span

Late: TypeAlias = Literal["merge", "drop", "only"]
LATE: tuple[Late, ...] = ("merge", "drop", "only")


class Part(Protocol):
    """Some rows of one symbol that are read together."""

    @property
    def symbol(self) -> Symbol:
        """Whose they are."""
        ...

    @property
    def rows(self) -> int:
        """How many there are."""
        ...

    @property
    def late(self) -> int:
        """How many of them came late."""
        ...

    def field(self, name: str, start: int, stop: int) -> Array:
        """A field (`source.Block`) of rows `start` to `stop`, shape `(stop - start,)`."""
        ...


@attrs.frozen(eq=False)
class DayPart:
    """Main rows `first` to `last` of a day, and some of its late rows, merged by (time, id)."""

    symbol: Symbol
    main: Block
    first: int
    last: int
    late_block: Block
    late_rows: npt.NDArray[np.int64]
    """Which late rows, in the order in which they are merged."""
    places: npt.NDArray[np.int64]
    """Before which main row, counted from `first`, each of them belongs."""

    @property
    def rows(self) -> int:
        """Main rows and late ones."""
        return self.last - self.first + self.late

    @property
    def late(self) -> int:
        """How many came late."""
        return len(self.late_rows)

    def field(self, name: str, start: int, stop: int) -> Array:
        """A field of some rows; see `Part`."""
        if not self.late:
            return self._main(name, start, stop)
        at = self.places + np.arange(self.late)  # where the late rows are among all
        a, b = (int(np.searchsorted(at, edge, "left")) for edge in (start, stop))
        main = self._main(name, start - a, stop - b)
        if a == b:
            return main
        late = self._late(name, self.late_rows[a:b])
        return with_late(main, late, self.places[a:b] - (start - a))

    def _main(self, name: str, start: int, stop: int) -> Array:
        if name == "origin":
            return np.full(stop - start, ORIGIN_MAIN, np.uint8)
        return self.main.field(name, self.first + start, self.first + stop)

    def _late(self, name: str, rows: npt.NDArray[np.int64]) -> Array:
        first, last = int(rows.min()), int(rows.max()) + 1
        return self.late_block.field(name, first, last)[rows - first]


def day_parts(
    source: Source, symbol: Symbol, table: Table, wanted: Span, late: Late
) -> Iterator[DayPart]:
    """What there is of a stream in a range, a part for each day that has any."""
    days = wanted.days
    for day in source.days(symbol, table):
        if day in days:
            part = day_part(symbol, source.look(symbol, table, day), wanted, late)
            if part.rows:
                yield part


def day_part(symbol: Symbol, found: TableDay, wanted: Span, late: Late) -> DayPart:
    """What there is in a range of one day's rows, late ones merged or dropped."""
    assert late != "only", "late ones alone are no part of a day: see `received`"
    first, last = (found.main.first_at(edge) for edge in (wanted.start_ns, wanted.end_ns))
    none = np.empty(0, np.int64)
    if late == "drop" or not found.late.rows:
        return DayPart(symbol, found.main, first, last, found.late, none, none)
    picked, times, ids = _picked(found.late, wanted)
    places = places_among(found.main, times, ids) - first
    return DayPart(symbol, found.main, first, last, found.late, picked, places)


def _picked(late: Block, wanted: Span) -> tuple[npt.NDArray[np.int64], Array, Array]:
    """Which late rows are merged into a range, in order, with their times and ids."""
    times = late.field("event_ns", 0, late.rows)
    inside = (times >= wanted.start_ns) & (times < wanted.end_ns)
    inside &= late.field("origin", 0, late.rows) != ORIGIN_ASIDE  # its time cannot be right
    picked = np.flatnonzero(inside)
    times, ids = times[picked], late.field("seq", 0, late.rows)[picked]
    order = order_of_late(times, ids)
    return picked[order], times[order], ids[order]
