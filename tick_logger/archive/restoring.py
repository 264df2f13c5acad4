"""Column files of a day, and what looked wrong in its rows, made again from an archive.

They are what they were, byte for byte, where the directory has the width of prices that they had,
and the columns of this version; late rows come in the order of (time, id),
and those whose time cannot be right behind them.

Invariant: no file that is there is changed.  Memory is bounded by `ROWS_AT_ONCE`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from tick_logger.errors import StorageError
from tick_logger.model.flush import Flush, Run
from tick_logger.model.instruments import Instruments
from tick_logger.model.proof import Proof
from tick_logger.model.rows import RowBatch
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import SPECS, Table
from tick_logger.reader.source import Block, Source, Symbol, TableDay
from tick_logger.storage.files import Files
from tick_logger.storage.layout import ColumnPath, QualityPath, column_path, quality_path
from tick_logger.storage.store import Store

ROWS_AT_ONCE = 128 * 1024
"""Rows that are in memory together: those of a row group."""


def restore(source: Source, files: Files, exchange: str, day: int, width: str) -> dict[str, int]:
    """Write a day's column files of every symbol; returns rows by table.

    Raises `StorageError`, before anything is written, if files of the day are there already.
    """
    found = list(_days(source, exchange, day))
    for symbol, table, rows in found:
        for late, block in ((False, rows.main), (True, rows.late)):
            path = _time_path(symbol, table, day, late=late)
            if block.rows and files.exists(path):
                raise StorageError(f"{path} is there already; nothing was restored")
    names = list(dict.fromkeys(symbol for symbol, _, _ in found))
    index = Instruments()
    for symbol in names:
        index.add(symbol.exchange, symbol.symbol)
    proofs = dict.fromkeys(Table, Proof.UNPROVABLE)
    store = Store(files, index, Schemas.written(width), lambda _exchange: proofs)
    counts: dict[str, int] = {}
    for symbol, table, rows in found:
        for run in _runs(rows, names.index(symbol), table, day):
            flush = Flush((run,), ())
            store.meet(flush)
            store.write(flush)
            counts[table.value] = counts.get(table.value, 0) + len(run.rows)
        for late, block in ((False, rows.main), (True, rows.late)):
            if block.rows:
                _sync(files, _time_path(symbol, table, day, late=late).rpartition("/")[0])
    return counts


def restore_marks(marks: Sequence[bytes], files: Files, exchange: str, day: int) -> bool:
    """Write what looked wrong in a day's rows, by all servers; whether there was anything to write.

    A file that is there is left as it is.
    """
    path, whole = quality_path(QualityPath(exchange, day)), b"".join(map(_ended, marks))
    if not whole or files.exists(path):
        return False
    files.replace(path, whole)
    files.sync_folder(path.rpartition("/")[0])
    return True


def _ended(content: bytes) -> bytes:
    return content if content.endswith(b"\n") else content + b"\n"


def _days(source: Source, exchange: str, day: int) -> Iterator[tuple[Symbol, Table, TableDay]]:
    for name in source.symbols(exchange):
        for table in Table:
            rows = source.look(Symbol(exchange, name), table, day)
            if rows.main.rows or rows.late.rows:
                yield Symbol(exchange, name), table, rows


def _runs(rows: TableDay, instrument: int, table: Table, day: int) -> Iterator[Run]:
    for start in range(0, rows.main.rows, ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, rows.main.rows)
        yield Run(instrument, table, day, _batch(rows.main, table, instrument, start, stop))
    origins = rows.late.field("origin", 0, rows.late.rows)
    edges = [0, *(np.flatnonzero(np.diff(origins)) + 1).tolist(), rows.late.rows]
    for first, last in pairwise(edges):
        for start in range(first, last, ROWS_AT_ONCE):
            batch = _batch(rows.late, table, instrument, start, min(start + ROWS_AT_ONCE, last))
            yield Run(instrument, table, day, batch, late=True, origin=int(origins[first]))


def _batch(block: Block, table: Table, instrument: int, start: int, stop: int) -> RowBatch:
    columns = {
        name: block.field(name, start, stop)
        for name in SPECS[table].all_fields
        if name != "instrument"
    }
    numbers = np.full(stop - start, instrument)
    return RowBatch.build(table, {**columns, "instrument": numbers})


def _time_path(symbol: Symbol, table: Table, day: int, *, late: bool) -> str:
    column = SPECS[table].time_column
    return column_path(ColumnPath(symbol.exchange, symbol.symbol, table, late, column, day))


def _sync(files: Files, folder: str) -> None:
    for name in files.list(folder):
        files.sync_file(f"{folder}/{name}")
    while folder:
        files.sync_folder(folder)
        folder = folder.rpartition("/")[0]
