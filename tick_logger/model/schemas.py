"""Which columns a table-day has, and which ones a process writes.

A day keeps the columns that it was written with, and may gain some: tables grow, and a recording
goes on.  So nothing computes the columns of a day from today's tables.  A `Schema` is written as
text into the journal, the extents and the checkpoints: `f4` or `f8` for the columns of the first
version with prices of that width, else each column as `name=dtype`.

Invariant: the columns of a schema are known to this program, stand in the order in which they are
written, and have the dtypes of their table.  Whatever else is read is a schema of a newer version.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

import attrs
import numpy as np

from tick_logger.model.tables import EXACT, PRICE_DTYPES, SPECS, FileColumn, Table

WIDTHS = ("f4", "f8")
"""What a price may occupy on disk; "f4+rest" is f4 with one more column."""

LATE = "late/"
"""Before the name of a table, where the columns of its late rows are meant."""


KINDS = [(table, late) for table in Table for late in (False, True)]
"""Kinds of rows: of each table those in order, and the late ones."""


class NewerVersionError(ValueError):
    """A schema names a table or a column that this version of the program does not know."""


@attrs.frozen(cache_hash=True)  # asked for with every run of rows
class Schema:
    """The columns of one table on one day: their names in order, and the width of prices."""

    table: Table
    width: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, table: Table, width: str, names: Iterable[str]) -> Schema:
        """The columns of these names, in the order of the table."""
        wanted = set(names)
        return cls(table, width, tuple(c.name for c in SPECS[table].files if c.name in wanted))

    @classmethod
    def first(cls, table: Table, width: str) -> Schema:
        """The columns of the first version of the format, with prices of "f4" or "f8"."""
        return cls.of(table, width, (c.name for c in SPECS[table].files if c.required))

    @classmethod
    def written(cls, table: Table, price_dtype: str, *, late: bool) -> Schema:
        """The columns that this program writes for "f4+rest", "f4" or "f8"."""
        return _written(price_dtype, table, late)

    @property
    def columns(self) -> tuple[FileColumn, ...]:
        """The columns, time last."""
        return _columns(self)

    @property
    def item_sizes(self) -> dict[str, int]:
        """Bytes of one record of each column, time last."""
        return _item_sizes(self)

    @property
    def text(self) -> str:
        """What `parse` understands."""
        return _text(self)

    @classmethod
    def parse(cls, table: Table, text: str) -> Schema:
        """The schema of a text; raises `NewerVersionError`."""
        return _parse(table, text)

    def union(self, other: Schema) -> Schema:
        """The columns of both; their prices must have the same width."""
        return self if self == other else _union(self, other)


@attrs.frozen
class Schemas:
    """What one process writes: a schema for each table, and for its late rows another."""

    price_dtype: str
    of: Mapping[tuple[Table, bool], Schema] = attrs.field(eq=attrs.cmp_using(eq=dict.__eq__))

    @classmethod
    def written(cls, price_dtype: str) -> Schemas:
        """What this program writes, with prices of "f4+rest", "f4" or "f8"."""
        assert price_dtype in PRICE_DTYPES, price_dtype
        return cls(price_dtype, {kind: _written(price_dtype, *kind) for kind in KINDS})

    @classmethod
    def first(cls, price_dtype: str) -> Schemas:
        """What the first version wrote, with prices of "f4" or "f8"."""
        return cls(price_dtype, {kind: Schema.first(kind[0], price_dtype) for kind in KINDS})

    def to_plain(self) -> dict[str, str]:
        """The text of each schema by table, late rows apart."""
        return {f"{LATE if late else ''}{table}": s.text for (table, late), s in self.of.items()}

    @classmethod
    def from_plain(cls, price_dtype: str, plain: Mapping[str, str]) -> Schemas:
        """What `to_plain` gave; without anything, the first version.

        Raises `NewerVersionError` for tables, columns and widths that are not known here.
        """
        if price_dtype not in PRICE_DTYPES:
            raise NewerVersionError(f'the width of prices "{price_dtype}" is not known')
        if not plain:
            if price_dtype == EXACT:
                raise NewerVersionError(f'"{EXACT}" without columns')
            return cls.first(price_dtype)
        found = dict(cls.written(price_dtype).of)  # tables that came later have no rows yet
        for name, text in plain.items():
            table, late = name.removeprefix(LATE), name.startswith(LATE)
            if table not in SPECS:
                raise NewerVersionError(f"the table {table} is not known")
            found[Table(table), late] = Schema.parse(Table(table), text)
        return cls(price_dtype, found)


@functools.lru_cache(maxsize=256)
def _written(price_dtype: str, table: Table, late: bool) -> Schema:
    names = (c.name for c in SPECS[table].files if c.is_written(price_dtype, late=late))
    return Schema.of(table, "f8" if price_dtype == "f8" else "f4", names)


@functools.lru_cache(maxsize=256)
def _columns(schema: Schema) -> tuple[FileColumn, ...]:
    names = set(schema.names)
    return tuple(column for column in SPECS[schema.table].files if column.name in names)


@functools.lru_cache(maxsize=256)
def _item_sizes(schema: Schema) -> dict[str, int]:
    width = schema.width
    return {column.name: column.numpy_dtype(width).itemsize for column in schema.columns}


@functools.lru_cache(maxsize=256)
def _union(one: Schema, other: Schema) -> Schema:
    assert (one.table, one.width) == (other.table, other.width), "schemas that do not fit"
    return Schema.of(one.table, one.width, {*one.names, *other.names})


@functools.lru_cache(maxsize=256)
def _text(schema: Schema) -> str:
    if schema == Schema.first(schema.table, schema.width):
        return schema.width
    each = ((column.name, column.numpy_dtype(schema.width)) for column in schema.columns)
    return " ".join(f"{name}={_dtype_text(dtype)}" for name, dtype in each)


def _dtype_text(dtype: np.dtype[np.generic]) -> str:
    count = "" if not dtype.shape else str(dtype.shape[0])
    return f"{count}{dtype.base.str}"


@functools.lru_cache(maxsize=256)
def _parse(table: Table, text: str) -> Schema:
    if text in WIDTHS:
        return Schema.first(table, text)
    given = dict(part.partition("=")[::2] for part in text.split())
    for width in WIDTHS:
        known = {c.name: _dtype_text(c.numpy_dtype(width)) for c in SPECS[table].files}
        if all(known.get(name) == dtype for name, dtype in given.items()):
            return Schema.of(table, width, given)
    known = {c.name: c.dtype for c in SPECS[table].files}
    unknown = [name for name in given if name not in known] or list(given)
    raise NewerVersionError(f"column {unknown[0]} of {table} is not known in this form")
