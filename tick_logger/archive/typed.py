"""Rows of an exchange, day and table as one object: symbol by symbol, each in the order of time.

The main rows of a symbol keep the order of their file; rows that came late, or were asked for
later, are merged by (time, id).  Rows whose time cannot be right are objects of their own.

Invariant: memory is bounded by a row group, whatever there is of a day.  Not here: what is due
(`packing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from tick_logger.archive.jobs import Made, Result, Stream, TableJob
from tick_logger.archive.keys import (
    HASH_DIGITS,
    WORDS,
    AsideKey,
    TypedKey,
    date_text,
    day_folder,
    meta_folder,
    parse,
    parse_aside,
)
from tick_logger.archive.parquet import EXTRA, ObjectWriter
from tick_logger.archive.rederived import same_rows
from tick_logger.errors import StorageError
from tick_logger.model.tables import ORIGIN_ASIDE
from tick_logger.model.times import NS_PER_DAY
from tick_logger.reader.columns import COLUMNS, SYMBOL
from tick_logger.reader.content import StreamRows
from tick_logger.reader.frames import arrow_of, arrow_schema, load
from tick_logger.reader.merging import order_of_late
from tick_logger.reader.parts import DayPart, day_part
from tick_logger.reader.source import Array, Block, Source, Symbol, TableDay, is_exact
from tick_logger.reader.times import Span
from tick_logger.reader.writing import parquet_options, row_groups
from tick_logger.storage.files import Files
from tick_logger.version import __version__


def pack(
    job: TableJob,
    source: Source,
    files: Files,
    is_wanted: Callable[[], bool] = lambda: True,
    rederived: Callable[[], Source | None] = lambda: None,
) -> Result:
    """Write the object of a job; none if there are no rows.

    Where prices are short, those of `rederived` are taken, if its rows are the same.

    Raises `OSError`, and `StorageError` if there are fewer rows than the job says.
    """
    parts, inexact = [], 0
    for stream in job.streams:
        part, is_whole = _part(source, job, stream, rederived)
        if part.rows:
            parts.append(part)
            inexact += 0 if is_whole else part.rows
    if not parts:
        return Result(())
    content = StreamRows((SYMBOL, *COLUMNS[job.table]), parts)
    about = _about(job, source, content, parts, inexact)
    schema = _plain(arrow_schema(content, EXTRA))
    writer = ObjectWriter(
        files,
        f"{WORDS[job.table]}-{job.input_hash[:HASH_DIGITS]}",
        schema,
        {**parquet_options(content.columns), **_order(schema)},
        about,
        is_wanted,
    )
    for start, stop in row_groups(content.rows, content.symbol_starts()):
        writer.add(arrow_of(content, start, stop).cast(schema))

    def key_of(sha256: str) -> str:
        kind = AsideKey if job.aside else TypedKey
        parts = (job.table, job.exchange, job.day, job.folders.server, sha256[:HASH_DIGITS])
        return str(kind(*parts))

    done = writer.finish(key_of, lambda key: _remove_unknown(files, job, key))
    made = Made(
        job.input_hash,
        done.key,
        done.sha256,
        done.size,
        done.rows,
        job.exchange,
        job.day,
        job.word,
        job.late,
    )
    return Result((made,), inexact=inexact)


def _about(
    job: TableJob, source: Source, content: StreamRows, parts: Sequence[DayPart], inexact: int
) -> dict[str, object]:
    """What an object says of itself."""
    return {
        "version": __version__,
        "server": job.folders.server,
        "exchange": job.exchange,
        "table": WORDS[job.table],
        "day": date_text(job.day),
        "rows": content.rows,
        "late": content.late,
        "inexact": inexact,
        "proof": min(source.proof(part.symbol, job.table) for part in parts).word,
    }


def _part(
    source: Source, job: TableJob, stream: Stream, rederived: Callable[[], Source | None]
) -> tuple[DayPart, bool]:
    """The rows of one symbol, and whether they have all their digits."""
    symbol = Symbol(job.exchange, stream.symbol)
    found = source.look(symbol, job.table, job.day)
    for block, rows in ((found.main, stream.main), (found.late, stream.late_to)):
        if block.rows < rows:
            raise StorageError(
                f"{symbol} {job.table} of {date_text(job.day)} has {block.rows:,} rows, "
                f"but {rows:,} were to be packed"
            )
    if not all(is_exact(each) for each in (found.main, found.late) if each.rows):
        other = rederived()
        better = None if other is None else other.look(symbol, job.table, job.day)
        if better is not None and same_rows(found, better, job.table, stream):
            found = better
    main, late = (
        Piece(found.main, 0, stream.main),
        Piece(found.late, stream.late_from, stream.late_to),
    )
    if job.aside:
        part = _aside(symbol, main, late)
    else:
        whole = Span(job.day * NS_PER_DAY, (job.day + 1) * NS_PER_DAY)
        part = day_part(symbol, TableDay(main, late), whole, "merge")
    exact = all(is_exact(block.block) for block in (main, late) if block.rows)
    return part, exact


def _aside(symbol: Symbol, main: Block, late: Block) -> DayPart:
    """The rows whose time cannot be right, by (time, id)."""
    rows = np.flatnonzero(late.field("origin", 0, late.rows) == ORIGIN_ASIDE)
    times, ids = (late.field(name, 0, late.rows)[rows] for name in ("event_ns", "seq"))
    order = order_of_late(times, ids)
    return DayPart(symbol, main, 0, 0, late, rows[order], np.zeros(len(rows), np.int64))


@attrs.frozen(eq=False)
class Piece:
    """Rows `start` to `stop` of a block; see `Block`."""

    block: Block
    start: int
    stop: int

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.stop - self.start

    def field(self, name: str, start: int, stop: int) -> Array:
        """A field of some rows; see `Block`."""
        return self.block.field(name, self.start + start, self.start + stop)

    def first_at(self, time_ns: int) -> int:
        """How many are before a time; see `Block`."""
        return int(np.clip(self.block.first_at(time_ns), self.start, self.stop)) - self.start


def _plain(schema: Any) -> Any:
    """With texts in the place of dictionaries, so that each reader gets the same, file by file."""
    pa = load("pyarrow", EXTRA)
    types = [each.value_type if pa.types.is_dictionary(each) else each for each in schema.types]
    return pa.schema(list(zip(schema.names, types, strict=True)))


def _order(schema: Any) -> dict[str, Any]:
    """Rows are sorted by symbol, then time."""
    parquet = load("pyarrow.parquet", EXTRA)
    order = (schema.get_field_index(name) for name in ("symbol", "ts"))
    return {"sorting_columns": [parquet.SortingColumn(each) for each in order]}


def _remove_unknown(files: Files, job: TableJob, key: str) -> None:
    """Remove what an earlier process made of this day and died before it was written down.

    Only where what it was made of is still there: of a first object the main rows, of a further one
    the late rows that no object of the ledger has.
    """
    is_first = all(not each.late_from for each in job.streams)
    if not (job.known or any(each.main for each in job.streams) or (job.aside and is_first)):
        return
    for other in _of_server(files, job):
        if other != key and other not in job.known:
            files.remove(other)


def _of_server(files: Files, job: TableJob) -> Iterator[str]:
    """The objects of this day and table that were packed here."""
    day = (job.table, job.exchange, job.day)
    folder = meta_folder(job.exchange) if job.aside else day_folder(*day)
    for name in files.list(folder):
        path = f"{folder}/{name}"
        found = parse_aside(path) if job.aside else parse(path)
        if not isinstance(found, AsideKey | TypedKey) or found.server != job.folders.server:
            continue
        if (found.table, found.exchange, found.day) == day:
            yield path
