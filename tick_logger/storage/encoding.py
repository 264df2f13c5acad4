"""Rows in memory to the bytes of their column files.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import Array, RowBatch, column_of
from tick_logger.model.schemas import Schema
from tick_logger.model.tables import FileColumn
from tick_logger.model.times import NS_PER_SECOND
from tick_logger.storage.rests import rests_of

MAX_FILL_BYTES = 4 * 1024 * 1024
"""Absent values are written in pieces: a day that gains a column may have 100 million rows."""


@attrs.frozen(eq=False)
class Encoded:
    """Rows as the records of column files: one buffer per column of the schema, time last.

    `inexact` counts, by row (shape `(rows,)`), the prices that do not come back digit by digit;
    None if all do.
    """

    columns: list[memoryview]
    inexact: npt.NDArray[np.int64] | None


def encode(schema: Schema, parts: Sequence[RowBatch], origins: Sequence[int] = ()) -> Encoded:
    """The records of all rows of the parts, in order; each part has one origin.

    A price beyond the range of "f4" becomes the nearest one there that is neither infinite nor 0:
    0 is no price, and as a size it would delete a level.
    """
    encoder = _Encoder(schema, parts, origins)
    columns = [encoder.column(column) for column in schema.columns]
    assert all(len(column) == encoder.rows for column in columns), "columns of unequal length"
    return Encoded([_bytes_of(column) for column in columns], encoder.inexact)


def absent_records(column: FileColumn, width: str, rows: int) -> Iterator[bytes]:
    """Records of a column for rows from before it existed; their absent value."""
    dtype = column.numpy_dtype(width)
    assert not column.required, f"no row is without {column.name}"
    piece = max(1, MAX_FILL_BYTES // dtype.itemsize)
    for done in range(0, rows, piece):
        count = min(piece, rows - done)
        yield np.full((count, *dtype.shape), column.absent or 0, dtype.base).tobytes()


class _Encoder:
    """The columns of one table, as they are asked for in the order of the schema."""

    def __init__(self, schema: Schema, parts: Sequence[RowBatch], origins: Sequence[int]) -> None:
        self._width = schema.width
        self._parts = parts
        self._origins = origins
        self._has_rest = any(column.rest_of for column in schema.columns)
        self.rows = sum(map(len, parts))
        self.inexact: npt.NDArray[np.int64] | None = None
        self._values: dict[str, Array] = {}  # prices as they came, for their rests
        self._prices: dict[str, Array] = {}
        for time in ("event", "recv"):
            halves = np.divmod(column_of(parts, f"{time}_ns"), NS_PER_SECOND)
            self._values[f"{time}_s"], self._values[f"{time}_frac"] = halves

    def column(self, column: FileColumn) -> Array:
        """The records of one column, in its dtype on disk."""
        if column.rest_of:
            return self._rest(column)
        dtype = column.numpy_dtype(self._width)
        if column.source == "origin":
            return np.repeat(np.array(self._origins, dtype), [len(part) for part in self._parts])
        if column.source not in self._values:
            self._values[column.source] = column_of(self._parts, column.source)
        values = self._values[column.source]
        with np.errstate(over="ignore", under="ignore"):
            cast = values.astype(dtype, copy=False)
        if column.dtype == "price":
            if not (cast.all() and np.isfinite(cast).all()):
                cast = self._kept_within(values, cast)
            self._prices[column.source] = cast
        return cast

    def _kept_within(self, values: Array, cast: Array) -> Array:
        """What was cast, where no number has become 0 or infinite by it."""
        lost = ((cast == 0) & (values != 0)) | (np.isinf(cast) & np.isfinite(values))
        if not lost.any():
            return cast
        cast, info = cast.copy(), np.finfo(cast.dtype)
        nearest = np.where(np.isinf(cast[lost]), info.max, info.smallest_subnormal)
        cast[lost] = np.copysign(nearest, values[lost])
        if not self._has_rest:  # where there is one, it says so
            self.inexact = lost.astype(np.int64) + (0 if self.inexact is None else self.inexact)
        return cast

    def _rest(self, column: FileColumn) -> Array:
        """What f4 has lost of the prices, which come before it in every schema."""
        rests = np.empty((self.rows, len(column.rest_of)), "<i4")
        for at, source in enumerate(column.rest_of):
            values = np.ascontiguousarray(self._values[source])
            lost = rests_of(values, self._prices[source], rests[:, at])
            if lost is not None:
                self.inexact = lost + (0 if self.inexact is None else self.inexact)
        return rests


def _bytes_of(column: Array) -> memoryview:
    return np.ascontiguousarray(column).view(np.uint8).reshape(-1).data
