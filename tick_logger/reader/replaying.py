"""What was recorded of several streams as it happened: batches in order of time, holes among them.

A hole has its place before the first row that happened after the hole began; it says until when it
lasted.  Streams are merged day by day: what came late is where it belongs by its time, unless it is
to be left out.

Not here: waiting for more (`following`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.reader.content import Content
from tick_logger.reader.gaps import WORDS, Gap, gaps_in
from tick_logger.reader.mixed import Stretch, columns_of_tables, merged
from tick_logger.reader.parts import LATE, Late, day_parts
from tick_logger.reader.rows import Rows
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.times import Span
from tick_logger.reader.views import rows_of
from tick_logger.reader.writing import pieces

ROWS_AT_ONCE = 65_536
"""Of one batch, where nobody says how many."""


@attrs.frozen(eq=False)
class Timed:
    """Rows of several streams in order of time, and their event times in ns."""

    content: Content
    times: npt.NDArray[np.int64]


def replay(
    source: Source,
    symbols: Sequence[Symbol],
    tables: Sequence[Table],
    wanted: Span,
    late: Late,
    rows: int,
) -> Iterator[Rows | Gap]:
    """See `Recording.replay`; raises `ValueError` at once."""
    if late not in LATE or late == "only":
        raise ValueError(f'late={late!r} is neither "merge" nor "drop"')
    return woven(
        _contents(source, symbols, tables, wanted, late),
        holes_of(source, symbols, tables, wanted),
        checked(rows),
    )


def checked(rows: int) -> int:
    """The number of rows of a batch; raises `ValueError` if there would be none."""
    if rows < 1:
        raise ValueError(f"batches of {rows} rows")
    return rows


def holes_of(
    source: Source, symbols: Sequence[Symbol], tables: Sequence[Table], wanted: Span
) -> list[Gap]:
    """The holes of some tables of some symbols that touch a range, by when they began."""
    words = {WORDS[table] for table in tables}
    found = (gap for each in symbols for gap in gaps_in(source, each, None, wanted))
    return sorted((gap for gap in found if gap.table in words), key=began)


def began(gap: Gap) -> int:
    """From when on something may be missing."""
    begin = gap.from_ns if gap.from_ns is not None else gap.to_ns
    assert begin is not None, "a hole without any time"
    return begin


def woven(contents: Iterable[Timed], holes: Iterable[Gap], rows: int) -> Iterator[Rows | Gap]:
    """Contents in order of time, in batches of at most so many rows, with holes in their places.

    `holes` are in the order in which they began.
    """
    waiting = deque(holes)
    for each in contents:
        start = 0
        while waiting and began(waiting[0]) < each.times[-1]:
            stop = int(each.times.searchsorted(began(waiting[0]), "right"))
            yield from _batches(each.content, start, stop, rows)
            yield waiting.popleft()
            start = stop
        yield from _batches(each.content, start, len(each.times), rows)
    yield from waiting


def _batches(content: Content, start: int, stop: int, rows: int) -> Iterator[Rows]:
    for first, last in pieces(stop - start, rows):
        batch = partial(rows_of, content, start + first, start + last)
        yield Rows("rows as they happened", batch)


def _contents(
    source: Source, symbols: Sequence[Symbol], tables: Sequence[Table], wanted: Span, late: Late
) -> Iterator[Timed]:
    """Day by day, so that no more files are looked at than those of one day."""
    streams = [(symbol, table) for symbol in symbols for table in tables]
    days = {day for symbol, table in streams for day in source.days(symbol, table)}
    columns = columns_of_tables(tables)
    for day in sorted(day for day in days if day in wanted.days):
        begin, end = day * NS_PER_DAY, (day + 1) * NS_PER_DAY
        part_of_day = Span(max(begin, wanted.start_ns), min(end, wanted.end_ns))
        stretches = [
            Stretch(table, part)
            for symbol, table in streams
            for part in day_parts(source, symbol, table, part_of_day, late)
        ]
        yield from (Timed(each, each.times) for each in merged(columns, stretches))
