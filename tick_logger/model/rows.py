"""Rows of one table as columns: the unit that travels from decoder to disk.

All arrays of a batch have the same length, and row i is at index i of each.  A batch is never
changed in place once it was handed on; every operation returns a new one.

A column of one value throughout may be one value in memory, with a stride of 0.  It stays so as
long as it can: what most venues do not send (the orders of a trade) would be half of all bytes.

A slice of a batch cuts a column when somebody asks for it.  A flush cuts its rows into hundreds of
streams, and whoever wants a column of all of them (`column_of`) finds them uncut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.routes import FIRST_LINE
from tick_logger.model.tables import SPECS, Table

Array: TypeAlias = npt.NDArray[Any]
"""A column; its dtype is that of its field."""


@attrs.frozen(eq=False)
class RowBatch:
    """Columns of one table, keyed by the field names of its `TableSpec` (shape `(n,)` each).

    `route` says on which route all of them came (`routes`); rows of several are of the first line.
    """

    table: Table
    columns: Mapping[str, Array]
    route: int = FIRST_LINE

    @classmethod
    def build(cls, table: Table, columns: Mapping[str, object]) -> RowBatch:
        """A batch from array-likes, cast to the table's dtypes; a missing field is an error."""
        dtypes = SPECS[table].all_fields
        return cls(table, {name: np.asarray(columns[name], dtypes[name]) for name in dtypes})

    @classmethod
    def of_any_version(
        cls, table: Table, columns: Mapping[str, Array], route: int = FIRST_LINE
    ) -> RowBatch:
        """Columns that a program of an earlier version held; fields that came since are absent."""
        spec, count = SPECS[table], len(columns["seq"])
        absent = {
            name: np.broadcast_to(np.asarray(value, spec.all_fields[name]), count)
            for name, value in spec.absent.items()
        }
        return cls(table, {**absent, **columns}, route)

    @classmethod
    def empty(cls, table: Table) -> RowBatch:
        """A batch of no rows."""
        dtypes = SPECS[table].all_fields
        return cls(table, {name: np.empty(0, dtype) for name, dtype in dtypes.items()})

    @classmethod
    def concat(cls, table: Table, batches: Sequence[RowBatch]) -> RowBatch:
        """All rows of the batches, in the order given."""
        if len(batches) == 1:
            return batches[0]
        if not batches:
            return cls.empty(table)
        return cls(
            table,
            {
                name: concatenated([batch.columns[name] for batch in batches])
                for name in SPECS[table].all_fields
            },
        )

    def __len__(self) -> int:
        columns = self.columns
        return columns.stop - columns.start if type(columns) is _Cut else len(columns["seq"])

    def __getitem__(self, field: str) -> Array:
        return self.columns[field]

    def take(self, rows: Array | slice) -> RowBatch:
        """The rows named by an index array, a boolean mask or a slice, in that order."""
        if isinstance(rows, slice):
            return RowBatch(self.table, _Cut.of(self.columns, len(self), rows), self.route)
        return RowBatch(self.table, picked(self.columns, rows), self.route)

    def replace(self, **columns: Array) -> RowBatch:
        """The same rows with some columns exchanged."""
        return RowBatch(self.table, {**self.columns, **columns}, self.route)

    @property
    def nbytes(self) -> int:
        """Bytes that the columns occupy at most: one of a single value counts in full."""
        return sum(array.nbytes for array in self.columns.values())


@attrs.frozen(eq=False)
class _Cut(Mapping[str, Array]):
    """Columns from one row to another, cut when they are asked for."""

    whole: Mapping[str, Array]
    start: int
    stop: int

    @classmethod
    def of(cls, columns: Mapping[str, Array], count: int, rows: slice) -> _Cut:
        """These rows of columns of `count` rows."""
        start, stop, step = rows.indices(count)
        assert step == 1, "every row from one to another"
        if isinstance(columns, _Cut):
            whole, start, stop = columns.whole, columns.start + start, columns.start + stop
            return cls(whole, start, max(start, stop))
        return cls(columns, start, max(start, stop))

    def __getitem__(self, field: str) -> Array:
        return self.whole[field][self.start : self.stop]

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole)

    def __len__(self) -> int:
        return len(self.whole)


def column_of(parts: Sequence[RowBatch], field: str) -> Array:
    """One column of the rows of all parts (at least one), in the order given; not to be changed."""
    first, last = parts[0].columns, parts[-1].columns
    if isinstance(first, _Cut) and isinstance(last, _Cut) and _are_whole(parts, first.whole):
        return first.whole[field][first.start : last.stop]
    return np.concatenate([part.columns[field] for part in parts])


def _are_whole(parts: Sequence[RowBatch], whole: Mapping[str, Array]) -> bool:
    """Whether they are cut from these columns, each where the one before it ends."""
    at: int | None = None
    for part in parts:
        cut = part.columns
        if not isinstance(cut, _Cut) or cut.whole is not whole or at not in (None, cut.start):
            return False
        at = cut.stop
    return True


def picked(columns: Mapping[str, Array], rows: Array) -> dict[str, Array]:
    """These rows (index array or boolean mask) of columns, `instrument` among them."""
    instrument = columns["instrument"][rows]
    return {
        name: _repeated(array, len(instrument)) if _is_constant(array) else array[rows]
        for name, array in columns.items()
    }


def concatenated(arrays: Sequence[Array]) -> Array:
    """The parts of one column as one array."""
    filled = [array for array in arrays if len(array)]
    values = {array[:1].tobytes() if _is_constant(array) else None for array in filled}
    if len(values) == 1 and None not in values:
        return _repeated(filled[0], sum(map(len, filled)))
    return np.concatenate(arrays)


def _is_constant(array: Array) -> bool:
    return array.strides == (0,)


def _repeated(constant: Array, count: int) -> Array:
    if count <= len(constant):  # numpy's own way takes ten times as long
        return constant[:count]
    return np.broadcast_to(constant[:1], count)
