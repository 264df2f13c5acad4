"""A source: the directory that a recorder writes, or an earlier logger without exchanges wrote.

The two differ in where a symbol's folder lies (`Places`), and in nothing else.  Works beside a
recorder: how many rows there are is asked of the time column first, which is written last.

Not here: how files become arrays (`storage.day_files`), what gaps files say together
(`storage.gap_files`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial

import attrs
import numpy as np

from tick_logger.model.flush import GapRecord
from tick_logger.model.proof import Proof
from tick_logger.model.schemas import Schema
from tick_logger.model.symbols import MappedInstrument
from tick_logger.model.tables import NO_TIME, SPECS, FileColumn, Table
from tick_logger.model.times import NS_PER_DAY, NS_PER_SECOND
from tick_logger.reader.certified import Certificates
from tick_logger.reader.doubts import DoubtFiles
from tick_logger.reader.errors import DamagedError
from tick_logger.reader.glance import GlanceTree
from tick_logger.reader.holes import HoleFiles
from tick_logger.reader.listings import ListingFiles
from tick_logger.reader.places import Places
from tick_logger.reader.source import Array, Symbol, TableDay
from tick_logger.reader.times import Span, iso
from tick_logger.reader.tree import Tree
from tick_logger.storage.day_files import DayFiles
from tick_logger.storage.format_file import width_told
from tick_logger.storage.layout import day_of_column
from tick_logger.storage.quality_files import ReadDoubt


class ColumnFiles:
    """Rows in column files below one root."""

    def __init__(self, tree: Tree, places: Places) -> None:
        self._tree = tree
        self._places = places
        self._holes = HoleFiles(tree, places)
        self._listings = ListingFiles(tree, places)
        self._doubts = DoubtFiles(tree, places)
        self._known_width: str | None = None
        self.certificates = Certificates.beside_data(tree)
        """Those that were made here."""

    @property
    def name(self) -> str:
        """The root."""
        return self._tree.name

    def glance(self) -> ColumnFiles:
        """The same, which lists each folder once; see `Source`."""
        tree = GlanceTree(self._tree)
        return ColumnFiles(tree, self._places.on(tree))

    def exchanges(self) -> Sequence[str]:
        """The exchanges that have a folder, or holes without one; see `Source`."""
        homeless = {symbol.exchange for symbol in self._homeless()}
        return sorted({*self._places.exchanges(), *homeless})

    def symbols(self, exchange: str) -> Sequence[str]:
        """The symbols that have a folder, or holes without one; see `Source`."""
        homeless = {s.symbol for s in self._homeless() if s.exchange == exchange}
        return sorted({*self._places.symbols(exchange), *homeless})

    def has(self, symbol: Symbol) -> bool:
        """Whether a symbol has a folder with anything in it, or holes without one."""
        return self._places.has(symbol) or symbol in self._homeless()

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
                self._width(),
                may_lack=self._places.may_lack,
            )
            for late in (False, True)
        )
        return TableDay(main, late)

    def holes(self, symbol: Symbol) -> Sequence[GapRecord]:
        """What is missing; see `Source`."""
        return self._holes.standing(symbol)

    def healed(self, symbol: Symbol) -> Sequence[GapRecord]:
        """What is not missing any more; see `Source`."""
        return self._holes.healed(symbol)

    def proof(self, symbol: Symbol, table: Table) -> Proof:
        """As it stands beside the data; see `Source`."""
        said = self._holes.proof(symbol, table)
        return self._listings.proof(symbol.exchange, table) if said is None else said

    def certified(self, symbol: Symbol, table: Table, day: int) -> str | None:
        """The condition by the newest certificate of a day; see `source.certified`."""
        found = self.certificates.newest(symbol.exchange, day) if symbol.exchange else None
        return None if found is None else found.condition_of(symbol.symbol, table)

    def doubts(self, exchange: str, wanted: Span) -> Iterator[tuple[Symbol, ReadDoubt]]:
        """What looked wrong in an exchange's rows; see `doubts.doubts_of`."""
        return self._doubts.of(exchange, wanted)

    def instruments(self, day: int | None = None) -> Iterable[MappedInstrument]:
        """What was listed; see `Source`."""
        return self._listings.instruments(day)

    def _homeless(self) -> set[Symbol]:
        return set() if self._places.may_lack else self._holes.homeless()

    def _width(self) -> str | None:
        """The bytes of a price, which are for ever those that a directory began with."""
        if self._known_width is None:
            self._known_width = width_told(self._tree)
        return self._known_width

    def _days_in(self, folder: str, table: Table) -> Iterator[int]:
        time = SPECS[table].time_column
        for name in self._tree.list(folder):
            day = day_of_column(name, time)
            if day is not None:
                yield day


def _look(
    tree: Tree, folder: str, table: Table, day: int, width: str | None, *, may_lack: bool
) -> FileRows:
    """The rows that the time column has; `may_lack`: a column without a file is absent.

    Of our own directories the other columns are looked at when they are asked for: they have as
    many rows, at least.
    """
    if may_lack:
        found = DayFiles.look_beside_a_writer(tree, folder, table, day, width)
        return _with_what_is_there(tree, found)
    rows = DayFiles.rows_in(tree, folder, table, day)
    look = partial(DayFiles.look_beside_a_writer, tree, folder, table, day, width, rows)
    return FileRows(tree, rows, lambda: _usable(tree, look(), rows, set()))


def _with_what_is_there(tree: Tree, found: DayFiles) -> FileRows:
    """The rows that all columns have which have any."""
    counts = found.rows
    required = [column.name for column in found.schema.columns if column.required]
    lacking = set[str]()
    if counts[SPECS[found.table].time_column]:
        lacking = {name for name in required if not counts[name]}
    rows = min((counts[name] for name in required if name not in lacking), default=0)
    return FileRows(tree, rows, lambda: _usable(tree, found, rows, lacking))


def _usable(
    tree: Tree, found: DayFiles, rows: int, lacking: set[str]
) -> tuple[DayFiles, tuple[str, ...]]:
    """The columns that can be read, and which of them are too short, in words."""
    if not rows:  # most symbols have nothing that came late
        return found, ()
    counts = found.rows
    later = (column for column in found.schema.columns if not column.required)
    filling = {c.name for c in later if counts[c.name] < rows and _is_being_filled(tree, found, c)}
    names = [name for name in counts if name not in lacking | filling]
    if len(names) < len(counts):
        found = attrs.evolve(found, schema=Schema.of(found.table, found.schema.width, names))
    short = (name for name in names if counts[name] < rows)
    return found, tuple(f"{found.path(n)} has {counts[n]:,} of {rows:,} rows" for n in short)


def _is_being_filled(tree: Tree, files: DayFiles, column: FileColumn) -> bool:
    """Whether a column that is too short is a new one, and no row has more than absent in it yet.

    A recorder of a newer version fills a day's column up before it appends rows that have one.
    """
    there = files.read(tree, column.name, 0, files.rows[column.name])
    return bool((there == (column.absent or 0)).all())


class FileRows:
    """The first `rows` rows of the column files of a table-day; see `Block`."""

    def __init__(
        self, tree: Tree, rows: int, look: Callable[[], tuple[DayFiles, tuple[str, ...]]]
    ) -> None:
        self._tree = tree
        self.rows = rows
        self._look = look

    @cached_property
    def _seen(self) -> tuple[DayFiles, tuple[str, ...]]:
        return self._look()

    @property
    def _files(self) -> DayFiles:
        return self._seen[0]

    @property
    def short_files(self) -> tuple[str, ...]:
        """Which files are too short, in words."""
        return self._seen[1] if self.rows else ()

    @property
    def exact(self) -> bool:
        """Whether prices have all their digits, or were rounded to f4."""
        schema = self._files.schema
        return not self.rows or schema.width == "f8" or "rest" in schema.names

    def field(self, name: str, start: int, stop: int) -> Array:
        """A field of some rows; see `Block`.  Raises `DamagedError` if a file is too short."""
        if name == "seq" and self._files.table is Table.MD:
            return np.zeros(stop - start, np.uint64)  # has no ids
        counts, columns = self._files.rows, self._files.columns_of(name)
        if not columns and name.endswith("_ns"):
            return np.full(stop - start, NO_TIME, np.int64)
        for column in columns:
            if counts[column] < stop:
                raise self._damaged(column, f"has {counts[column]:,} of {self.rows:,} rows")
        values = self._files.values(self._tree, name, start, stop - start)
        if len(values) != stop - start:
            raise self._damaged(name, "became shorter while it was read")
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
        if first == last:
            return first
        within = self.field("event_frac", first, last)
        return first + int(np.searchsorted(within, within.dtype.type(nanos), "left"))

    def _damaged(self, column: str, what: str) -> DamagedError:
        where = f"{self._tree.name}/{self._files.folder}"
        return DamagedError(
            f"{where}: {column} of {iso(self._files.day * NS_PER_DAY)[:10]} {what}; "
            "the other columns can be read, and verify tells more"
        )
