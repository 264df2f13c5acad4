"""Rows as the frames of other libraries, each imported when it is asked for.

Every function takes what `Content.read` gives, and hands it on without a copy where the library
can hold it as it is.  Sides become words ("buy", "sell"; "bid", "ask"; null), times are UTC.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from tick_logger.reader.columns import SIDE_WORDS, Column, Kind
from tick_logger.reader.content import Content
from tick_logger.reader.errors import MissingExtraError
from tick_logger.reader.source import Array
from tick_logger.reader.views import columns_of


def load(module: str, extra: str) -> Any:
    """A library; raises `MissingExtraError`, which names the extra that brings it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        library = module.split(".")[0]
        raise MissingExtraError(
            f"{library} is not installed: pip install {library}, or tick_logger[{extra}]"
        ) from error


def numpy_of(content: Content, column: Column, start: int, stop: int) -> Array:
    """A column as numpy has it: text as an object array of `str`, all else as `Kind` says."""
    values = content.read(column, start, stop)
    if column.kind is Kind.TEXT:
        return np.array(list(content.words(column)), object)[values]
    return values


def arrow_of(content: Content, start: int, stop: int, extra: str = "arrow") -> Any:
    """A `pyarrow.Table`."""
    pa = load("pyarrow", extra)
    arrays = [_arrow_array(pa, content, column, start, stop) for column in content.columns]
    return pa.table(dict(zip((c.name for c in content.columns), arrays, strict=True)))


def arrow_schema(content: Content, extra: str = "arrow") -> Any:
    """The `pyarrow.Schema` that tables of this content have."""
    return arrow_of(content, 0, 0, extra).schema


def _arrow_array(pa: Any, content: Content, column: Column, start: int, stop: int) -> Any:
    values = content.read(column, start, stop)
    match column.kind:
        case Kind.TIME:
            kind = pa.timestamp("ns", "UTC")
            if np.isnat(values).any():
                return pa.array(values).cast(kind)
            buffer = pa.py_buffer(values.view(np.int64))
            return pa.Array.from_buffers(kind, len(values), [None, buffer])
        case Kind.TIME_OR_NONE:
            return pa.array(values, pa.timestamp("ns", "UTC"))
        case Kind.TRADE_SIDE | Kind.BOOK_SIDE:
            unknown = values == 0
            codes = pa.array((values > 0).view(np.int8), mask=unknown if unknown.any() else None)
            return pa.DictionaryArray.from_arrays(codes, pa.array(SIDE_WORDS[column.kind]))
        case Kind.TEXT:
            words = pa.array(list(content.words(column)), pa.string())
            return pa.DictionaryArray.from_arrays(pa.array(values), words)
        case Kind.ORDER:
            return _binary(pa, values)
    return pa.array(values)


def _binary(pa: Any, values: Array) -> Any:
    """Fixed binaries of sixteen bytes, over the memory of the array."""
    buffer = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.binary(16), len(values), [None, buffer])


def polars_of(content: Content, start: int, stop: int) -> Any:
    """A `polars.DataFrame`."""
    pl = load("polars", "polars")
    columns = [_polars_series(pl, content, column, start, stop) for column in content.columns]
    return pl.DataFrame(columns)


def polars_schema(content: Content) -> Any:
    """The `polars.Schema` of its frames."""
    return polars_of(content, 0, 0).schema


def lazy_polars_of(content: Content) -> Any:
    """A `polars.LazyFrame` that reads the columns, and as many rows, as its query needs."""
    plugins = load("polars.io.plugins", "polars")

    def read(names: Any, predicate: Any, most: int | None, batch: int | None) -> Any:
        wanted = content if names is None else columns_of(content, names)
        size, left = batch or POLARS_ROWS, content.rows if most is None else most
        for start in range(0, content.rows, size):
            if left <= 0:
                return
            frame = polars_of(wanted, start, min(start + size, content.rows))
            frame = frame if predicate is None else frame.filter(predicate)
            yield frame.head(left)
            left -= min(left, frame.height)

    return plugins.register_io_source(read, schema=polars_schema(content))


POLARS_ROWS = 1_000_000
"""Rows that a lazy frame reads at once where polars does not say; some 60 MB."""


def _polars_series(pl: Any, content: Content, column: Column, start: int, stop: int) -> Any:
    values = content.read(column, start, stop)
    match column.kind:
        case Kind.TIME:
            series = pl.Series(column.name, values.view(np.int64))
            absent = np.isnat(values)
            series = series.set(pl.Series(absent), None) if absent.any() else series
            return series.cast(pl.Datetime("ns", "UTC"))
        case Kind.TIME_OR_NONE:
            return pl.Series(column.name, values).dt.replace_time_zone("UTC")
        case Kind.TRADE_SIDE | Kind.BOOK_SIDE:
            enum = pl.Enum(SIDE_WORDS[column.kind])
            codes = pl.Series(column.name, (values > 0).view(np.uint8))
            unknown = values == 0
            if unknown.any():
                codes = codes.set(pl.Series(unknown), None)
            return codes.cat.to(enum)
        case Kind.TEXT:
            # No enumeration: frames of different days and symbols can be put together.
            words = pl.Series(column.name, list(content.words(column)), pl.Categorical)
            return words.gather(pl.Series(values))
        case Kind.ORDER:
            return pl.Series(column.name, values.tolist(), pl.Binary)
    return pl.Series(column.name, values)


def pandas_of(content: Content, start: int, stop: int) -> Any:
    """A `pandas.DataFrame`; sides and symbols are categories."""
    pd = load("pandas", "pandas")
    columns = {c.name: _pandas_column(pd, content, c, start, stop) for c in content.columns}
    return pd.DataFrame(columns, copy=False)


def _pandas_column(pd: Any, content: Content, column: Column, start: int, stop: int) -> Any:
    values = content.read(column, start, stop)
    match column.kind:
        case Kind.TIME | Kind.TIME_OR_NONE:
            return pd.DatetimeIndex(values, copy=False).tz_localize("UTC")
        case Kind.TRADE_SIDE | Kind.BOOK_SIDE:
            codes = np.where(values == 0, -1, values > 0).astype(np.int8)
            return pd.Categorical.from_codes(codes, list(SIDE_WORDS[column.kind]))
        case Kind.TEXT:
            return pd.Categorical.from_codes(values, list(content.words(column)))
        case Kind.ORDER:
            return values.tolist()
    return values


def duckdb_of(content: Content, connection: Any) -> Any:
    """A `duckdb.DuckDBPyRelation` over an Arrow table, of this connection or a new one."""
    duckdb = load("duckdb", "duckdb")
    table = arrow_of(content, 0, content.rows, "duckdb")
    return (duckdb.connect() if connection is None else connection).from_arrow(table)
