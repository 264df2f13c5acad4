"""Rows as a file of another format, written piece by piece and put into its place when it is whole.

Memory is bounded by `ROWS_AT_ONCE`, whatever the number of rows.  Equal rows give equal bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from tick_logger.reader.columns import Column, Kind
from tick_logger.reader.content import Content, first_of_each_symbol
from tick_logger.reader.frames import arrow_of, arrow_schema, load

ROWS_AT_ONCE = 128 * 1024
"""Rows of one row group: small enough to pass over what a query does not need."""

TINY = 16
"""A symbol of less than this part of a row group shares one with others."""

METADATA_KEY = "tick_logger"
"""Of the JSON in the footer of a Parquet file."""

_SORTED_NUMBERS = {Kind.TIME, Kind.ID}
"""They take the least room as differences; prices and sizes do as a dictionary."""


def write_parquet(
    content: Content, path: str | os.PathLike[str], about: Mapping[str, object]
) -> None:
    """A Parquet file (zstd, with statistics, page index and page checksums)."""
    parquet = load("pyarrow.parquet", "arrow")
    schema = arrow_schema(content).with_metadata({METADATA_KEY: json.dumps(about)})
    options = {
        **parquet_options(content.columns),
        "write_page_index": True,
        "write_page_checksum": True,
    }
    with whole(path) as part, parquet.ParquetWriter(part, schema, **options) as writer:
        for start, stop in row_groups(content.rows, first_of_each_symbol(content)):
            table = arrow_of(content, start, stop).cast(schema)
            writer.write_table(table, row_group_size=ROWS_AT_ONCE)


def parquet_options(columns: Sequence[Column]) -> dict[str, Any]:
    """What a `ParquetWriter` is given for these columns."""
    differences = [c.name for c in columns if c.kind in _SORTED_NUMBERS]
    return {
        "compression": "zstd",
        "compression_level": 3,
        "use_dictionary": [c.name for c in columns if c.name not in differences],
        "column_encoding": dict.fromkeys(differences, "DELTA_BINARY_PACKED"),
        "write_statistics": True,
    }


def write_csv(content: Content, path: str | os.PathLike[str]) -> None:
    """A CSV file with a header; times as `2026-11-29 10:00:00.123456789Z`, absent values empty."""
    csv = load("pyarrow.csv", "arrow")
    with whole(path) as part, csv.CSVWriter(part, arrow_schema(content)) as writer:
        for start, stop in pieces(content.rows):
            writer.write_table(_without_nan(arrow_of(content, start, stop)))


def pieces(rows: int, at_once: int = ROWS_AT_ONCE) -> Iterator[tuple[int, int]]:
    """Start and stop of each piece."""
    for start in range(0, rows, at_once):
        yield start, min(start + at_once, rows)


def row_groups(
    rows: int, starts: Sequence[int], at_once: int = ROWS_AT_ONCE
) -> Iterator[tuple[int, int]]:
    """Start and stop of each row group, which holds rows of one symbol where it can.

    `starts`: the rows at which another symbol begins.  Symbols of less than a sixteenth of a group
    share one, as many as there is room for; a group costs some hundred bytes a column.
    """
    tiny = at_once // TINY
    begin = end = 0  # of tiny symbols that wait for others
    for start, stop in pairwise([0, *starts, rows]):
        is_tiny = stop - start < tiny
        if begin < end and not (is_tiny and stop - begin <= at_once):
            yield begin, end
            begin = end
        if is_tiny:
            end = stop
            continue
        for first in range(start, stop, at_once):
            yield first, min(first + at_once, stop)
        begin = end = stop
    if begin < end:
        yield begin, end


def _without_nan(table: Any) -> Any:
    """With null for what is no number: it was not sent."""
    pc, pa = load("pyarrow.compute", "arrow"), load("pyarrow", "arrow")
    columns = [
        pc.if_else(pc.is_nan(column), None, column) if pa.types.is_floating(column.type) else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names).cast(table.schema)


@contextlib.contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[str]:
    """A name to write under; the file gets its own once it is whole, and is removed otherwise."""
    part = f"{os.fspath(path)}.part"
    try:
        yield part
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(part)
        raise
