"""What there is of each stream and day, and how good it is; looked up without reading the rows.

A *condition* is one word, the first of these that holds:

    missing     there are no rows
    degraded    a hole is known (an open one lasts until the last day)
    pending     the day may still grow
    available   nothing is known to be missing

Where a certificate names the stream it has the word, unless a hole is known now.

Pure: whether a day may still grow is judged by a moment that the caller names, or by whether there
are rows of a later one.

Not here: whether it can be shown that nothing is missing; that is said beside it (`proof`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import attrs
import numpy as np

from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY, NS_PER_SECOND, day_of
from tick_logger.reader.columns import EXCHANGE, SYMBOL, Column, Kind
from tick_logger.reader.content import Calculated, indexed
from tick_logger.reader.gaps import WORDS, Gap, gaps_in
from tick_logger.reader.rows import Rows
from tick_logger.reader.source import Array, Block, Source, Symbol, TableDay, certified
from tick_logger.reader.tables import tables_named
from tick_logger.reader.times import BEGINNING_NS, END_NS, Span, Time, instant

MISSING, DEGRADED, PENDING, AVAILABLE = "missing", "degraded", "pending", "available"

GROWS_NS = 3_600 * NS_PER_SECOND
"""For so long after its end a day may still get rows: what came late, or was asked for later."""

TABLE = Column("table", Kind.TEXT)
DAY = Column("day", Kind.DAY)
ROWS = Column("rows", Kind.COUNT)
LATE = Column("late", Kind.COUNT)
HOLES = Column("holes", Kind.COUNT)
SECONDS = Column("seconds", Kind.NUMBER)
PROOF = Column("proof", Kind.TEXT)
CONDITION = Column("condition", Kind.TEXT)

COLUMNS_IN_ORDER = (EXCHANGE, SYMBOL, TABLE, DAY, ROWS, LATE, HOLES, SECONDS, PROOF, CONDITION)

_ALWAYS = Span(BEGINNING_NS, END_NS)


@attrs.frozen
class Entry:
    """A table of a symbol on a UTC day."""

    symbol: Symbol
    table: str
    day: int
    """Days since 1970-01-01."""
    found: TableDay
    holes: tuple[Gap, ...]
    proof: str
    condition: str

    @property
    def rows(self) -> int:
        """All of them, those that came late too."""
        return self.found.main.rows + self.found.late.rows

    @property
    def seconds(self) -> float:
        """Between its first and its last row in order, less the holes; reads those two."""
        return _covered(self.found.main, self.holes)


class Catalogue:
    """Entries as columns; the seconds are read when they are asked for."""

    def __init__(self, of: Sequence[Entry]) -> None:
        texts = {
            EXCHANGE: indexed([each.symbol.exchange for each in of]),
            SYMBOL: indexed([each.symbol.symbol for each in of]),
            TABLE: indexed([each.table for each in of]),
            PROOF: indexed([each.proof for each in of]),
            CONDITION: indexed([each.condition for each in of]),
        }
        known = {column: indices for column, (indices, _) in texts.items()} | {
            DAY: np.array([each.day for each in of], "datetime64[D]"),
            ROWS: np.array([each.rows for each in of], np.uint64),
            LATE: np.array([each.found.late.rows for each in of], np.uint64),
            HOLES: np.array([len(each.holes) for each in of], np.uint64),
            SECONDS: np.zeros(len(of)),
        }
        values = {column: known[column] for column in COLUMNS_IN_ORDER}
        self._known = Calculated(values, {column: words for column, (_, words) in texts.items()})
        self._entries = of
        self.columns = COLUMNS_IN_ORDER
        self.rows = len(of)
        self.late = 0
        """Rows of the catalogue, that is."""

    def words(self, column: Column) -> Sequence[str]:
        """See `content.Content`."""
        return self._known.words(column)

    def read(self, column: Column, start: int, stop: int) -> Array:
        """See `content.Content`."""
        if column == SECONDS:
            return np.array([each.seconds for each in self._entries[start:stop]], np.float64)
        return self._known.read(column, start, stop)


def entries(
    source: Source,
    symbols: Iterable[Symbol],
    tables: Sequence[Table],
    wanted: Span,
    now_ns: int | None = None,
) -> Iterator[Entry]:
    """What there is, by symbol, table and day; days without rows are left out."""
    source = source.glance()
    for symbol in symbols:
        days = {table: source.days(symbol, table) for table in Table}
        newest = max((all_days[-1] for all_days in days.values() if all_days), default=0)
        holes: list[Gap] | None = None
        for table in tables:
            proof = ""
            for day in _within(days[table], wanted):
                found = source.look(symbol, table, day)
                if not (found.main.rows or found.late.rows):
                    continue
                proof = proof or source.proof(symbol, table).word
                if holes is None:
                    holes = list(gaps_in(source, symbol, None, _ALWAYS))
                mine = [hole for hole in holes if hole.table == WORDS[table] and touches(hole, day)]
                yield Entry(
                    symbol,
                    WORDS[table],
                    day,
                    found,
                    tuple(mine),
                    proof,
                    (None if mine else certified(source, symbol, table, day))
                    or _condition(day, newest, now_ns, degraded=bool(mine)),
                )


def catalog_rows(
    source: Source,
    symbols: Sequence[Symbol],
    tables: Sequence[str] | None,
    wanted: Span,
    now: Time | None,
) -> Rows:
    """Entries as rows.  Raises `ValueError` for a table or a time that is none."""
    now_ns = None if now is None else instant(now)
    found = partial(entries, source, symbols, tables_named(tables), wanted, now_ns)
    return Rows(f"catalog of {source.name}", lambda: Catalogue(list(found())))


def worst_of_day(
    source: Source, symbols: Sequence[Symbol], moment_ns: int, now: Time | None
) -> str:
    """The condition of a UTC day, the worst of all symbols."""
    now_ns = None if now is None else instant(now)
    return worst(condition(source, each, day_of(moment_ns), now_ns) for each in symbols)


def condition(source: Source, symbol: Symbol, day: int, now_ns: int | None = None) -> str:
    """The condition of a day of a symbol, all its tables together."""
    days = {table: source.days(symbol, table) for table in Table}
    if not any(day in days[table] and _has_rows(source, symbol, table, day) for table in Table):
        return MISSING
    newest = max(all_days[-1] for all_days in days.values() if all_days)
    if any(touches(hole, day) for hole in gaps_in(source, symbol, None, _ALWAYS)):
        return DEGRADED
    said = (certified(source, symbol, table, day) for table in Table if day in days[table])
    words = [word for word in said if word is not None]
    return worst(words) if words else _condition(day, newest, now_ns, degraded=False)


def touches(hole: Gap, day: int) -> bool:
    """Whether something of a UTC day may be missing because of a hole; receive times decide."""
    begin = hole.from_ns if hole.from_ns is not None else hole.to_ns
    end = hole.to_ns
    assert begin is not None, "a hole without any time"
    starts, ends = day * NS_PER_DAY, (day + 1) * NS_PER_DAY
    return begin < ends and (end is None or end >= starts)


def worst(conditions: Iterable[str]) -> str:
    """The condition of several days or tables together; `missing` if there are none."""
    return min(conditions, key=_FROM_WORST.index, default=MISSING)


_FROM_WORST = (MISSING, DEGRADED, PENDING, AVAILABLE)


def _condition(day: int, newest: int, now_ns: int | None, *, degraded: bool) -> str:
    if degraded:
        return DEGRADED
    if now_ns is None:
        return PENDING if day >= newest else AVAILABLE
    return PENDING if now_ns < (day + 1) * NS_PER_DAY + GROWS_NS else AVAILABLE


def _within(days: Sequence[int], wanted: Span) -> Sequence[int]:
    return [day for day in days if day in wanted.days]


def _has_rows(source: Source, symbol: Symbol, table: Table, day: int) -> bool:
    found = source.look(symbol, table, day)
    return bool(found.main.rows or found.late.rows)


def _covered(main: Block, holes: Sequence[Gap]) -> float:
    """Seconds from the first to the last row, less those in holes; overlapping holes count once."""
    if not main.rows:
        return 0.0
    first, last = (int(main.field("event_ns", n, n + 1)[0]) for n in (0, main.rows - 1))
    covered, done = last - first, first
    for begin, end in sorted(_edges(hole, last) for hole in holes):
        begin, end = max(begin, done), min(end, last)
        if end > begin:
            covered -= end - begin
            done = end
    return covered / NS_PER_SECOND


def _edges(hole: Gap, last: int) -> tuple[int, int]:
    end = last if hole.to_ns is None else hole.to_ns
    return end if hole.from_ns is None else hole.from_ns, end
