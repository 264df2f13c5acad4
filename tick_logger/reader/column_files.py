"""A source: the directory that a recorder writes, or an earlier logger without exchanges wrote.

The two differ in where a symbol's folder lies (`Places`), and in nothing else.  Works beside a
recorder: how many rows there are is asked of the time column first, which is written last.

Not here: how files become arrays (`storage.day_files`), what gaps files say together
(`storage.gap_files`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs
import numpy as np

from tick_logger.model.flush import GapRecord
from tick_logger.model.proof import Proof
from tick_logger.model.schemas import Schema
from tick_logger.model.symbols import MappedInstrument
from tick_logger.model.tables import SPECS, Table
from tick_logger.model.times import NS_PER_SECOND
from tick_logger.reader.errors import DamagedError
from tick_logger.reader.holes import HoleFiles
from tick_logger.reader.listings import ListingFiles
from tick_logger.reader.places import Places
from tick_logger.reader.source import Array, Symbol, TableDay
from tick_logger.reader.tree import Tree
from tick_logger.storage.day_files import DayFiles
from tick_logger.storage.layout import column_name, day_of_column


class ColumnFiles:
    """Rows in column files below one root."""

    def __init__(self, tree: Tree, places: Places) -> None:
        self._tree = tree
        self._places = places
        self._holes = HoleFiles(tree, places)
        self._listings = ListingFiles(tree, places)

    @property
    def name(self) -> str:
        """The root."""
        return self._tree.name

    def exchanges(self) -> Sequence[str]:
        """The exchanges that have a folder; see `Source`."""
        return self._places.exchanges()

    def symbols(self, exchange: str) -> Sequence[str]:
        """The symbols that have a folder; see `Source`."""
        return self._places.symbols(exchange)

    def has(self, symbol: Symbol) -> bool:
        """Whether a symbol has a folder."""
        return self._places.has(symbol)

    def days(self, symbol: Symbol, table: Table) -> Sequence[int]:
        """The days of which the time column has a file; see `Source`."""
        folders = (self._places.folder(symbol, table, late=late) for late in (False, True))
        return sorted({day for folder in folders for day in self._days_in(folder, table)})

    def look(self, symbol: Symbol, table: Table, day: int) -> TableDay:
        """The rows of a day as they are now; see `Source`."""
        main, late = (
            _look(
                self._tree,
                self._places.folder(symbol, table, late=late),
                table,
                day,
                may_lack=self._places.may_lack,
            )
            for late in (False, True)
        )
        return TableDay(main, late, (*main.damage, *late.damage))

    def holes(self, symbol: Symbol) -> Sequence[GapRecord]:
        """What is missing; see `Source`."""
        return self._holes.standing(symbol)

    def proof(self, symbol: Symbol, table: Table) -> Proof:
        """As it stands beside the data; see `Source`."""
        said = self._holes.proof(symbol, table)
        return self._listings.proof(symbol.exchange, table) if said is None else said

    def instruments(self, day: int | None = None) -> Iterable[MappedInstrument]:
        """What was listed; see `Source`."""
        return self._listings.instruments(day)

    def _days_in(self, folder: str, table: Table) -> Iterator[int]:
        time = SPECS[table].time_column
        for name in self._tree.list(folder):
            day = day_of_column(name, time)
            if day is not None:
                yield day


def _look(tree: Tree, folder: str, table: Table, day: int, *, may_lack: bool) -> FileRows:
    """The rows that are whole in all columns; `may_lack`: a column without a file is absent."""
    time_column = SPECS[table].time_column
    if not tree.size(f"{folder}/{column_name(time_column, day)}"):
        # Most streams have no late rows, and there are thousands of streams: one look is enough.
        none = dict.fromkeys((column.name for column in SPECS[table].files), 0)
        return FileRows(tree, DayFiles(folder, table, day, none, Schema.first(table, "f4")), 0)
    found = DayFiles.look_beside_a_writer(tree, folder, table, day)
    counts = found.rows
    of_time = counts[SPECS[table].time_column]
    first = {column.name for column in found.schema.columns if column.required}
    lacking = {name for name in first if not counts[name]} if may_lack else set[str]()
    needed = first - lacking
    rows = min((counts[name] for name in needed), default=0)
    # The time column is written last: whoever has fewer rows has lost them.
    damage = tuple(
        f"{found.path(name)} has {counts[name]:,} of {of_time:,} rows"
        for name in sorted(needed)
        if counts[name] < of_time
    )
    # A later column that is shorter is being filled up for rows from before it, and not there yet.
    filling = {name for name in counts if name not in first and counts[name] < of_time}
    names = [name for name in counts if name not in lacking | filling]
    schema = Schema.of(table, found.schema.width, names)
    return FileRows(tree, attrs.evolve(found, schema=schema), rows, damage)


@attrs.frozen(eq=False)
class FileRows:
    """The first `rows` rows of the column files of a table-day; see `Block`."""

    _tree: Tree
    _files: DayFiles
    rows: int
    damage: tuple[str, ...] = ()
    """Which files are too short, in words."""

    def field(self, name: str, start: int, stop: int) -> Array:
        """A field of some rows; see `Block`.  Raises `DamagedError` if a file is too short."""
        if name == "seq" and self._files.table is Table.MD:
            return np.zeros(stop - start, np.uint64)  # has no ids
        values = self._files.values(self._tree, name, start, stop - start)
        if len(values) != stop - start:
            raise DamagedError(f"{self._files.folder}: {name} became shorter while it was read")
        return values

    def first_at(self, time_ns: int) -> int:
        """How many rows are before a time: by seconds first, then within one; see `Block`."""
        if not self.rows:
            return 0
        second, nanos = divmod(time_ns, NS_PER_SECOND)
        if not 0 <= second < 2**32:
            return 0 if second < 0 else self.rows
        seconds = self.field("event_s", 0, self.rows)
        key = seconds.dtype.type(second)  # of the column's dtype, or all of it would be converted
        first, last = (int(np.searchsorted(seconds, key, side)) for side in ("left", "right"))
        within = self.field("event_frac", first, last)
        return first + int(np.searchsorted(within, within.dtype.type(nanos), "left"))
