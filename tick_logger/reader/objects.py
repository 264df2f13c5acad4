"""One Parquet object of an archive: where the rows of each symbol are in it, and its columns.

Read piece by piece: the footer, then of a row group the columns that are asked for, by ranges of
bytes; so that a bucket is read as a disk is.  Pages have checksums, and these are looked at.

Invariant: what is read has the names, dtypes and absent values of fields in memory, as column files
give them.  Memory for a column is that of one row group.

Not here: which objects there are of a day (`archived`), and which rows come late (`object_rows`).
"""

from __future__ import annotations

import contextlib
import json
import mmap
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from typing import Any

import attrs
import numpy as np

from tick_logger.model.tables import NO_TIME, SIDE_BUY, SIDE_SELL, SIDE_UNKNOWN, Table
from tick_logger.reader.columns import COLUMNS, SIDE_WORDS, Column, Kind
from tick_logger.reader.errors import DamagedError
from tick_logger.reader.frames import load
from tick_logger.reader.source import Array
from tick_logger.reader.tree import Tree
from tick_logger.reader.writing import METADATA_KEY

EXTRA = "archive"
"""Of the package: brings what is imported here."""

TAIL_BYTES = 64 * 1024
"""Read at first from the end of an object: most footers are in it as a whole."""

_MAGIC = b"PAR1"
_LENGTH_BYTES = 8  # of the footer's length and the magic behind it
_SYMBOL, _ORIGIN, _TIME, _RECEIVED = "symbol", "origin", "ts", "recv_ts"
_WORDS = (_SYMBOL, "side")
"""Columns of few words, which are read as numbers and the words that these stand for."""


@attrs.frozen
class Run:
    """Rows `start` to `stop` of a row group: some or all of those of one symbol."""

    group: int
    start: int
    stop: int

    @property
    def rows(self) -> int:
        """How many."""
        return self.stop - self.start


class TypedObject:
    """The rows of a table, exchange and day that were packed together; `key` is its name."""

    def __init__(self, tree: Tree, key: str, table: Table) -> None:
        self._tree = tree
        self.key = key
        self._by_field = {each.field: each for each in COLUMNS[table]}

    @cached_property
    def about(self) -> Mapping[str, Any]:
        """What the footer says of the whole; empty if it says nothing."""
        said = (self._footer.metadata or {}).get(METADATA_KEY.encode())
        try:
            found = json.loads(said) if said else {}
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def rows(self) -> int:
        """Of all symbols."""
        return int(self._footer.num_rows)

    @property
    def exact(self) -> bool:
        """Whether prices have all digits that were sent."""
        return not self.about.get("inexact")

    @cached_property
    def received_ns(self) -> int:
        """When the last of its rows was received; 0 if statistics do not tell."""
        groups = range(self._footer.num_row_groups)
        known = [self._statistics(group, _RECEIVED) for group in groups]
        return max((int(each.max_raw) for each in known if each is not None), default=0)

    @cached_property
    def runs(self) -> Mapping[str, tuple[Run, ...]]:
        """Where the rows of each symbol are, in order.

        By the statistics of row groups, and by their rows where several symbols share one.
        """
        found: dict[str, list[Run]] = {}
        for group in range(self._footer.num_row_groups):
            for symbol, run in self._symbols_of(group):
                found.setdefault(symbol, []).append(run)
        return {symbol: tuple(runs) for symbol, runs in found.items()}

    def may_be_late(self, group: int) -> bool:
        """Whether a row group may have rows that came late."""
        known = self._statistics(group, _ORIGIN)
        return known is None or known.max_raw != 0

    def last_ns(self, run: Run) -> int | None:
        """Not before the event time of any row of a run; None if statistics do not tell."""
        known = self._statistics(run.group, _TIME)
        whole = run.rows == self._footer.row_group(run.group).num_rows
        return int(known.max_raw) if whole and known is not None else None

    def column(self, group: int, field: str) -> Array:
        """All values of a field in a row group; of what the table lacks, its absent value.

        Raises `OSError`; `DamagedError` if the bytes are not those that were written.
        """
        rows = self._footer.row_group(group).num_rows
        column = self._by_field.get(field)
        if column is None or column.name not in self._places:
            return _absent(field, column, rows)
        return _values(column, self._read(group, column.name))

    @cached_property
    def _places(self) -> Mapping[str, int]:
        names = self._footer.schema.names
        return {name: place for place, name in enumerate(names)}

    @cached_property
    def _footer(self) -> Any:
        size = self._tree.size(self.key)
        tail = bytes(self._tree.read(self.key, max(0, size - TAIL_BYTES)))
        if len(tail) < _LENGTH_BYTES or tail[-len(_MAGIC) :] != _MAGIC:
            raise self._damaged("has no footer")
        length = int.from_bytes(tail[-_LENGTH_BYTES:-4], "little") + _LENGTH_BYTES
        if length > size:
            raise self._damaged("is shorter than its footer")
        if length > len(tail):
            tail = bytes(self._tree.read(self.key, size - length))
        with self._readable():
            buffer = load("pyarrow", EXTRA).BufferReader(tail[-length:])
            return load("pyarrow.parquet", EXTRA).read_metadata(buffer)

    def _symbols_of(self, group: int) -> Iterator[tuple[str, Run]]:
        rows = self._footer.row_group(group).num_rows
        known = self._statistics(group, _SYMBOL)
        if known is not None and known.min == known.max:
            yield str(known.min), Run(group, 0, rows)
            return
        names = self._read(group, _SYMBOL)
        codes = names.indices.to_numpy()
        edges = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), rows]
        words = names.dictionary.to_pylist()
        for start, stop in pairwise(edges):
            yield str(words[codes[start]]), Run(group, start, stop)

    def _statistics(self, group: int, name: str) -> Any:
        """What is known of all values of a column in a row group; None if nothing is."""
        if name not in self._places:
            return None
        known = self._footer.row_group(group).column(self._places[name]).statistics
        usable = known is not None and known.has_min_max and known.null_count == 0
        return known if usable else None

    def _read(self, group: int, name: str) -> Any:
        """A column of a row group as an Arrow array."""
        pa, parquet = load("pyarrow", EXTRA), load("pyarrow.parquet", EXTRA)
        about = self._footer.row_group(group).column(self._places[name])
        offsets = (about.dictionary_page_offset, about.data_page_offset)
        start = min(each for each in offsets if each)
        stop = start + about.total_compressed_size
        if stop > self._tree.size(self.key):
            raise self._damaged("is shorter than its columns")
        data = self._tree.read(self.key, start, stop - start)
        with self._readable():
            # As large as the object, but nothing is in memory beside what is written into it.
            room = mmap.mmap(-1, stop)
            room[start:stop] = bytes(data)
            file = parquet.ParquetFile(
                pa.BufferReader(pa.py_buffer(room)),
                metadata=self._footer,
                read_dictionary=[name] if name in _WORDS else None,
                pre_buffer=False,
                page_checksum_verification=True,
            )
            table = file.read_row_group(group, columns=[name], use_threads=False)
        return table.column(0).combine_chunks()

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        pa = load("pyarrow", EXTRA)
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(f"cannot be read: {str(error).partition(chr(10))[0]}") from error

    def _damaged(self, what: str) -> DamagedError:
        return DamagedError(f"{self._tree.name}/{self.key} {what}")


def _absent(field: str, column: Column | None, rows: int) -> Array:
    """What stands for values that were not recorded."""
    if field.endswith("_ns"):
        return np.full(rows, NO_TIME, np.int64)
    if column is not None and column.kind is Kind.NUMBER:
        return np.full(rows, np.nan)
    if column is not None and column.kind is Kind.ORDER:
        return np.zeros(rows, column.kind.dtype)
    return np.zeros(rows, np.uint64)


def _values(column: Column, array: Any) -> Array:
    """The values of a field, as they are in memory; not to be written into."""
    values: Array
    match column.kind:
        case Kind.TIME:
            whole = array.cast(load("pyarrow", EXTRA).int64())
            values = whole.fill_null(NO_TIME).to_numpy(zero_copy_only=False)
        case Kind.ID:
            values = array.to_numpy().view(np.uint64)
        case Kind.TRADE_SIDE | Kind.BOOK_SIDE:
            values = _sides(column.kind, array)
        case Kind.FLAG:
            values = array.to_numpy(zero_copy_only=False).astype(np.uint32)
        case Kind.ORDER:
            _, buffer = array.buffers()
            values = np.frombuffer(buffer, column.kind.dtype)[array.offset :][: len(array)]
        case _:
            values = array.to_numpy(zero_copy_only=False)
    values.flags.writeable = False
    return values


def _sides(kind: Kind, array: Any) -> Array:
    sold, bought = SIDE_WORDS[kind]
    words = {sold: SIDE_SELL, bought: SIDE_BUY}
    codes = [words.get(word, SIDE_UNKNOWN) for word in array.dictionary.to_pylist()]
    known: Array = array.indices.fill_null(len(codes)).to_numpy(zero_copy_only=False)
    values: Array = np.array([*codes, SIDE_UNKNOWN], np.uint32)[known]
    return values
