"""The column files of one table and day as a whole: which there are, and their rows.

The columns of a day are those that lie on disk; one that came with a later version may be missing.
The width of prices shows in the sizes, because other columns of the same rows have fixed widths.
This is the one place that turns column files into arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.schemas import WIDTHS, Schema
from tick_logger.model.tables import EXACT, SPECS, FileColumn, Table
from tick_logger.model.times import NS_PER_SECOND
from tick_logger.storage.files import Files, ReadableFiles
from tick_logger.storage.layout import column_name
from tick_logger.storage.rests import with_rest

Array = npt.NDArray[Any]


@attrs.frozen
class DayFiles:
    """Sizes in bytes of the column files of one table and day, in the order of the table's spec.

    `folder` is the table's; a column whose file does not exist has size 0.  `schema` has the
    columns of the first version, whether they are there or not, and those later ones that are.
    """

    folder: str
    table: Table
    day: int
    sizes: Mapping[str, int]
    schema: Schema

    @classmethod
    def look(
        cls,
        files: ReadableFiles,
        folder: str,
        table: Table,
        day: int,
        width: str | None = None,
    ) -> DayFiles:
        """The sizes as they are now; the width of prices by these, if nothing else tells it."""
        columns = SPECS[table].files
        sizes = {c.name: files.size(f"{folder}/{column_name(c.name, day)}") for c in columns}
        names = [column.name for column in columns if column.required or sizes[column.name]]
        schema = Schema.of(table, width or _width(table, sizes), names)
        return cls(folder, table, day, sizes, schema)

    @staticmethod
    def rows_in(files: ReadableFiles, folder: str, table: Table, day: int) -> int:
        """The rows of a day as its time column says, which is written last."""
        time = SPECS[table].time_column
        return files.size(f"{folder}/{column_name(time, day)}") // _time_size(table)

    @classmethod
    def look_beside_a_writer(
        cls,
        files: ReadableFiles,
        folder: str,
        table: Table,
        day: int,
        width: str | None = None,
        rows: int | None = None,
    ) -> DayFiles:
        """The sizes without what is being appended: no more `rows` than the time column has.

        Sizes taken while they grow do not tell the width of prices for sure.
        """
        rows = cls.rows_in(files, folder, table, day) if rows is None else rows
        if not rows:  # it is no day, and there are many of these
            return cls(folder, table, day, *_nothing(table, width or "f4"))
        found = cls.look(files, folder, table, day, width)
        whole = {name: rows * size for name, size in found.schema.item_sizes.items()}
        sizes = {name: min(size, whole.get(name, 0)) for name, size in found.sizes.items()}
        return attrs.evolve(found, sizes=sizes)

    def path(self, column: str) -> str:
        """The path of one of the files."""
        return f"{self.folder}/{column_name(column, self.day)}"

    @property
    def rows(self) -> dict[str, int]:
        """Whole rows in each column of the schema."""
        return {name: self.sizes[name] // size for name, size in self.schema.item_sizes.items()}

    @property
    def whole_rows(self) -> int:
        """How many rows are complete in every column that the first version had."""
        rows = self.rows
        return min(rows[column.name] for column in self.schema.columns if column.required)

    @property
    def missing(self) -> list[str]:
        """Empty columns of the first version, where the time column, written last, has rows."""
        times = self.sizes[SPECS[self.table].time_column]
        return [name for name in self.schema.names if times and not self.sizes[name]]

    @property
    def is_even(self) -> bool:
        """Whether there are rows, and every column has the same number of them, none torn."""
        rows = self.rows
        whole = all(self.sizes[n] == rows[n] * size for n, size in self.schema.item_sizes.items())
        return whole and len(set(rows.values())) == 1 and self.whole_rows > 0

    def may_be(self, width: str) -> bool:
        """Whether appends of prices of this width, the last one cut short, leave such sizes.

        No column is longer then than those that are written before it.
        """
        first = Schema.first(self.table, width)
        rows = [self.sizes[name] // size for name, size in first.item_sizes.items()]
        return rows == sorted(rows, reverse=True)

    def cut(self, files: Files, rows: int) -> dict[str, int]:
        """Cut every column that is longer than `rows`; returns rows cut, a torn one included.

        The time column goes first, so that no reader counts rows that are on their way out.
        """
        assert 0 <= rows <= self.whole_rows, "no such rows are complete"
        cut = {}
        for name, width in reversed(self.schema.item_sizes.items()):
            excess = self.sizes[name] - rows * width
            if excess > 0:
                files.truncate(self.path(name), rows * width)
                cut[name] = -(-excess // width)
        return cut

    def read(self, files: ReadableFiles, name: str, start: int, rows: int) -> Array:
        """Records of a column of the schema as they lie on disk; raises `OSError`."""
        dtype = SPECS[self.table].column(name).numpy_dtype(self.schema.width)
        if not rows:
            return np.empty((0, *dtype.shape), dtype.base)
        data = files.read(self.path(name), start * dtype.itemsize, rows * dtype.itemsize)
        return np.frombuffer(data, dtype, len(data) // dtype.itemsize)

    def columns_of(self, source: str) -> tuple[str, ...]:
        """The columns of which `values` makes a field of the rows; none if the day has none."""
        if source in ("event_ns", "recv_ns"):
            of = source.removesuffix("_ns")
            return (*self.columns_of(f"{of}_s"), *self.columns_of(f"{of}_frac"))
        own = [c.name for c in self.schema.columns if c.source == source]
        return (*own, *(c.name for c in self.schema.columns if source in c.rest_of))

    def values(self, files: ReadableFiles, source: str, start: int, rows: int) -> Array:
        """A field of the rows, prices as f8; the absent value where the day does not have it.

        `event_ns` and `recv_ns` are the times in ns.  Raises `OSError`.
        """
        if source in ("event_ns", "recv_ns"):
            of = source.removesuffix("_ns")
            seconds = self.values(files, f"{of}_s", start, rows)
            times = np.multiply(seconds, NS_PER_SECOND, dtype=np.int64)
            times += self.values(files, f"{of}_frac", start, rows)
            return times
        column = next(c for c in SPECS[self.table].files if c.source == source)
        if column.name not in self.schema.names:
            return np.full(rows, column.absent or 0)
        found = self.read(files, column.name, start, rows)
        if column.dtype != "price":
            return found
        rest = self._rest_of(source)
        if rest is None:
            return found.astype(np.float64, copy=False)
        rests = self.read(files, rest.name, start, rows)
        return with_rest(found, rests[:, rest.rest_of.index(source)])

    def _rest_of(self, source: str) -> FileColumn | None:
        return next((c for c in self.schema.columns if source in c.rest_of), None)


@functools.cache
def _time_size(table: Table) -> int:
    return SPECS[table].column(SPECS[table].time_column).numpy_dtype(EXACT).itemsize


@functools.cache
def _nothing(table: Table, width: str) -> tuple[Mapping[str, int], Schema]:
    """The sizes and the schema of a day without files; most symbols have no late rows."""
    return dict.fromkeys((column.name for column in SPECS[table].files), 0), Schema.first(
        table, width
    )


def _width(table: Table, sizes: Mapping[str, int]) -> str:
    """The width of prices that fits the sizes best; "f4" if there is nothing to tell by."""
    return min(WIDTHS, key=lambda width: _misfit(table, sizes, width))


def _misfit(table: Table, sizes: Mapping[str, int], width: str) -> int:
    """Rows by which price columns differ from the longest other one, taken together."""
    columns = [column for column in SPECS[table].files if column.required]
    rows = {c: sizes[c.name] // c.numpy_dtype(width).itemsize for c in columns}
    longest = max(rows[column] for column in columns if column.dtype != "price")
    return sum(abs(count - longest) for column, count in rows.items() if column.dtype == "price")
