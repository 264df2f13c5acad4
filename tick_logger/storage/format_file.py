"""`format.json`: what lies under a data path, described to any program that reads it.

It is written before the first row, and replaced as a whole when the tables or the width of prices
change.  A program of an earlier version refuses a directory whose description names what it does
not know.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import msgspec

from tick_logger.errors import MADE_BY_NEWER, RefusedError
from tick_logger.model.schemas import Schema
from tick_logger.model.tables import FEEDS, PRICE_DTYPES, SPECS, FileColumn, Table
from tick_logger.storage.files import Files, ReadableFiles
from tick_logger.storage.layout import FORMAT_PATH

VERSION = max(column.since for spec in SPECS.values() for column in spec.files)
"""That of the newest column: 1 was before there was this file; 2 has `rest` and `origin`."""

GENERATION = 1
"""Of all that a directory holds together: this file, entries of the journal, checkpoints, extents.
It rises with anything that a program of the generation before would refuse; 0 was before it was
said.  Versions of the program are compared by it when one goes back."""

READABLE_FROM = 1
"""The oldest generation that can continue what this version has written."""

OLDEST_PROGRAM = "tick_logger newer than 0.2.0"
"""The same in words."""


@attrs.frozen
class Width:
    """The width of prices since a receive time (ns since 1970-01-01 UTC; None: the beginning)."""

    price_dtype: str
    since_ns: int | None = None


KERNEL, READ = "kernel", "read"
"""What receive times are: when the kernel got the packet, or when the program read it."""


@attrs.frozen
class Receipt:
    """What receive times are, since one of them (ns since 1970-01-01 UTC; None: the beginning)."""

    by: str
    since_ns: int | None = None


class _Receipt(msgspec.Struct):
    by: str
    since_ns: int | None


class _Receipts(msgspec.Struct):
    receive_times: list[_Receipt] = []


class _Width(msgspec.Struct):
    price_dtype: str
    since_ns: int | None


class _Widths(msgspec.Struct):
    price_dtypes: list[_Width]


class _Column(msgspec.Struct):
    name: str


class _Table(msgspec.Struct):
    columns: list[_Column]
    late_columns: list[_Column]


class _Version(msgspec.Struct):
    """What every version of the file has, whatever else is in it."""

    version: int
    readable_from: int = 0


class _Format(_Version, kw_only=True):
    """What is read of the file; everything else in it is for others."""

    price_dtypes: list[_Width]
    tables: dict[str, _Table]


class UnreadableFormatError(ValueError):
    """The file is not one that the program has written."""


def read_widths(files: Files) -> list[Width]:
    """The widths of prices so far, the present one last; empty if there is no description.

    Raises `OSError`, `UnreadableFormatError`, and `RefusedError` if a newer version wrote it.
    """
    if not files.exists(FORMAT_PATH):
        return []
    data = files.read(FORMAT_PATH)
    try:
        told = msgspec.json.decode(data, type=_Version)
        if told.version > VERSION:  # the rest may have another form
            raise _newer(f"its format is {told.version}, this version knows up to {VERSION}")
        if told.readable_from > GENERATION:
            since = f"since generation {told.readable_from}"
            raise _newer(f"it is readable {since}, and this version is of {GENERATION}")
        found = msgspec.json.decode(data, type=_Format)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableFormatError(f"{FORMAT_PATH} cannot be read: {error}") from error
    for reason in _not_known(found):
        raise _newer(reason)
    return [Width(each.price_dtype, each.since_ns) for each in found.price_dtypes]


def width_told(files: ReadableFiles) -> str | None:
    """The bytes of a price, "f4" or "f8", for ever in a directory; None if nothing tells them.

    For who reads beside a recorder, where sizes that grow do not tell.  Whatever else a newer
    version may have written there is no matter.  Raises `OSError`.
    """
    if not files.size(FORMAT_PATH):
        return None
    try:
        named = (
            msgspec.json.decode(files.read(FORMAT_PATH), type=_Widths).price_dtypes[-1].price_dtype
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, IndexError):
        return None
    return {each: "f8" if each == "f8" else "f4" for each in PRICE_DTYPES}.get(named)


def read_receipts(files: Files) -> list[Receipt]:
    """What receive times were so far, the present kind last; empty if nothing tells.

    Raises `OSError`.
    """
    if not files.exists(FORMAT_PATH):
        return []
    try:
        found = msgspec.json.decode(files.read(FORMAT_PATH), type=_Receipts)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []
    return [Receipt(each.by, each.since_ns) for each in found.receive_times]


def write_format(
    files: Files, widths: Iterable[Width], receipts: Sequence[Receipt] | None = None
) -> None:
    """Let the file describe what this version writes, durably; the last width is the present one.

    `receipts` likewise; None: as they were.  Raises `OSError`; the file is then what it was.
    """
    told = read_receipts(files) if receipts is None else receipts
    data = describe(list(widths), told)
    if not files.exists(FORMAT_PATH) or files.read(FORMAT_PATH) != data:
        files.replace(FORMAT_PATH, data)
    files.sync_folder()


def describe(widths: list[Width], receipts: Sequence[Receipt] = ()) -> bytes:
    """The content of the file."""
    assert widths, "prices have some width"
    assert all(each.price_dtype in PRICE_DTYPES for each in widths), widths
    present = widths[-1].price_dtype
    document = {
        "format": "tick_logger",
        "version": VERSION,
        "generation": GENERATION,
        "readable_from": READABLE_FROM,
        "readable_by": OLDEST_PROGRAM,
        "byte_order": "little",
        "paths": {
            "columns": "{exchange}/{symbol}/{table}/{column}.{DD}.{MM}.{YY}.bin",
            "late_columns": "{exchange}/{symbol}/late/{table}/{column}.{DD}.{MM}.{YY}.bin",
            "gaps": "{exchange}/{symbol}/gaps.{DD}.{MM}.{YY}.jsonl",
        },
        "day": "UTC day of the event time; of the receipt where origin is 3",
        "rows": "rows 0 to n-1, n being the records of the time column, are complete and sorted",
        "columns": "a day has the columns that lie on disk; one that is missing reads as absent",
        "price_dtype": present,
        "price_dtypes": [attrs.asdict(each) for each in widths],
        "receive_times": [attrs.asdict(each) for each in receipts],
        "rest": "bits of the f8 as i8, less the bits of f8(f4); one i4 for each column in rest_of",
        "tables": {str(table): _table(table, present) for table in Table},
    }
    return json.dumps(document, indent=2, allow_nan=False).encode() + b"\n"


def _newer(reason: str) -> RefusedError:
    return RefusedError(f"{FORMAT_PATH}: {MADE_BY_NEWER}: {reason}")


def _not_known(found: _Format) -> Iterable[str]:
    """What it names that this version does not know."""
    yield from (
        f'the width of prices "{each.price_dtype}" is not known'
        for each in found.price_dtypes
        if each.price_dtype not in PRICE_DTYPES
    )
    for name, table in found.tables.items():
        if name not in SPECS:
            yield f"the table {name} is not known"
            continue
        known = {column.name for column in SPECS[Table(name)].files}
        for column in (*table.columns, *table.late_columns):
            if column.name not in known:
                yield f"column {column.name} of {name} is not known"


def _table(table: Table, price_dtype: str) -> dict[str, Any]:
    spec = SPECS[table]
    main = Schema.written(table, price_dtype, late=False)
    late = Schema.written(table, price_dtype, late=True)
    return {
        "feed": next(feed for feed, of in FEEDS.items() if of is table),
        "time_columns": [spec.time_column, spec.nanos_column],
        "columns": [_column(column, main) for column in main.columns],
        "late_columns": [_column(column, late) for column in late.columns],
    }


def _column(column: FileColumn, schema: Schema) -> dict[str, Any]:
    dtype = column.numpy_dtype(schema.width)
    absent = column.absent
    described: dict[str, Any] = {
        "name": column.name,
        "dtype": dtype.base.str,
        "unit": column.unit,
        "absent": "NaN" if absent is not None and math.isnan(absent) else absent,
        "since_version": column.since,
    }
    if dtype.shape:
        described["shape"] = list(dtype.shape)
    if column.rest_of:
        described["rest_of"] = [each.name for each in SPECS[schema.table].priced]
    return described
