"""What must hold for each row, and between rows of one day.  Pure functions of columns.

Columns are those of a table's files, by name; masks are true where a row is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import Array
from tick_logger.model.tables import FLAG_SNAPSHOT, ORIGIN_ASIDE, ORIGIN_REST, SPECS, Table
from tick_logger.model.times import NS_PER_SECOND, Times
from tick_logger.storage.id_ranges import IdRanges, Ids
from tick_logger.storage.rests import with_rest
from tick_logger.verify.report import Kind

SECONDS_PER_DAY = 86_400

Mask: TypeAlias = npt.NDArray[np.bool_]
Columns: TypeAlias = Mapping[str, Array]


def _above_zero(values: Array) -> Mask:
    return np.asarray((values > 0) & np.isfinite(values))


def _above_zero_if_sent(values: Array) -> Mask:
    return _above_zero(values) | np.isnan(values)


def _from_zero_if_sent(values: Array) -> Mask:
    return np.asarray((values >= 0) & np.isfinite(values) | np.isnan(values))


def _aggressor(values: Array) -> Mask:
    return np.asarray(values <= 2)


def _bit(values: Array) -> Mask:
    return np.asarray(values <= 1)


ALLOWED: dict[Table, dict[str, Callable[[Array], Mask]]] = {
    Table.MD: {
        "price": _above_zero_if_sent,
        "volume": _from_zero_if_sent,
        "side": _aggressor,
        "best_bid": _from_zero_if_sent,  # exchanges send an empty side as price and size 0
        "best_ask": _from_zero_if_sent,
    },
    Table.TRADES: {
        "trade_price": _above_zero,
        "trade_size": _from_zero_if_sent,
        "trade_side": _aggressor,
    },
    Table.QUOTES: {
        "best_bid": _from_zero_if_sent,
        "best_bid_size": _from_zero_if_sent,
        "best_ask": _from_zero_if_sent,
        "best_ask_size": _from_zero_if_sent,
    },
    Table.BOOK: {
        "side": _bit,
        "price": _above_zero_if_sent,  # see `_price_missing`
        "size": _from_zero_if_sent,
        "flags": _bit,
    },
}
"""The values that a column may hold."""


def wrong_values(table: Table, day: int, columns: Columns) -> Iterator[tuple[Kind, str, Mask]]:
    """Per rule: the kind of defect, the column, and the rows that break it."""
    time = SPECS[table].time_column
    if time in columns:
        yield Kind.DAY, time, _seconds_of_day(time, columns) // SECONDS_PER_DAY != day
    for nanos in (nanos_column(table), "recv_nanos"):
        if nanos in columns:
            yield Kind.NANOS, nanos, columns[nanos] >= NS_PER_SECOND
    for name, allowed in ALLOWED[table].items():
        if name in columns:
            yield Kind.VALUE, name, ~allowed(columns[name])
    if table is Table.BOOK and columns.keys() >= {"price", "size", "flags"}:
        yield Kind.VALUE, "price", _price_missing(columns)
    if "rest" in columns:
        yield Kind.VALUE, "rest", _wrong_rests(table, columns)
    if "origin" in columns:
        yield Kind.VALUE, "origin", ~_origin(columns["origin"])


def _price_missing(columns: Columns) -> Mask:
    """Where a level has no price, and does not say that a side of a snapshot is empty."""
    says_empty = (columns["flags"] & FLAG_SNAPSHOT != 0) & (columns["size"] == 0)
    return np.asarray(np.isnan(columns["price"]) & ~says_empty)


def set_aside(columns: Columns) -> Mask:
    """Which rows have a time that cannot be right."""
    return _has_origin(columns, ORIGIN_ASIDE)


def by_rest(columns: Columns) -> Mask:
    """Which rows came by REST."""
    return _has_origin(columns, ORIGIN_REST)


def _has_origin(columns: Columns, origin: int) -> Mask:
    time = next(iter(columns.values()))
    return np.asarray(columns.get("origin", np.zeros(len(time), np.uint8)) == origin)


def _seconds_of_day(time: str, columns: Columns) -> Array:
    """What tells the day of a row: its time, or its receipt where it is set aside."""
    if "recv_time" not in columns:
        return columns[time]
    return np.where(set_aside(columns), columns["recv_time"], columns[time])


def _wrong_rests(table: Table, columns: Columns) -> Mask:
    """Where f4 and rest do not fit: their number, rounded to an f4, is that f4 again."""
    rests = columns["rest"]
    wrong = np.zeros(len(rests), np.bool_)
    for at, column in enumerate(SPECS[table].priced):
        if column.name in columns:
            halves, rests_of_it = columns[column.name], rests[:, at]
            with np.errstate(over="ignore", invalid="ignore"):
                rounded = with_rest(halves, rests_of_it).astype("<f4")
            finite = np.isfinite(halves)
            wrong |= np.where(finite, rounded != halves, rests_of_it != 0)
    return wrong


def _origin(values: Array) -> Mask:
    return np.asarray((values >= 1) & (values <= 3))


def nanos_column(table: Table) -> str:
    """The column beside the time column."""
    return SPECS[table].nanos_column


def id_column(table: Table) -> str:
    """The column of ids; only for tables that have one."""
    return next(column.name for column in SPECS[table].files if column.source == "seq")


def times_ns(seconds: Array, nanos: Array) -> Times:
    """The two halves of times as one number."""
    return np.asarray(seconds.astype(np.int64) * NS_PER_SECOND + nanos.astype(np.int64))


def order_keys(table: Table, columns: Columns) -> Ids | None:
    """Numbers that are ordered as (time, nanos) are; None where one of these is missing."""
    time, nanos = SPECS[table].time_column, nanos_column(table)
    if time not in columns or nanos not in columns:
        return None
    return np.asarray((columns[time].astype(np.uint64) << np.uint64(32)) | columns[nanos])


def repeated_ids(ids: Ids, known: IdRanges) -> Mask:
    """Which ids are known, or stand further up in the array; 0 is no id and never repeated."""
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    repeated = np.zeros(len(ids), np.bool_)
    repeated[order[1:]] = ordered[1:] == ordered[:-1]
    return np.asarray((repeated | known.contains(ids)) & (ids != 0))


def repeated_hashes(hashes: Ids, known: Ids) -> Mask:
    """Which hashes are known, or stand further up in the array."""
    repeated = np.ones(len(hashes), np.bool_)
    repeated[np.unique(hashes, return_index=True)[1]] = False
    return repeated | np.isin(hashes, known)


def comparable(table: Table, columns: Columns) -> Mask:
    """Which rows may not occur twice: those with an update id that are no part of a snapshot.

    A snapshot that is asked for again while nothing moves is rightly the same.  What is set aside
    may be there as often as it came.
    """
    numbered = (columns[id_column(table)] != 0) & ~set_aside(columns)
    if table is Table.BOOK:
        numbered &= (columns["flags"] & FLAG_SNAPSHOT) == 0
    return np.asarray(numbered)


def row_hashes(columns: Columns) -> Ids:
    """64 bits that stand for what the exchange said in a row, so without receive times.

    Rows that differ share them by chance once in 10^10 chunks of a quarter million rows.
    """
    names = (name for name in sorted(columns) if name not in ("recv_time", "recv_nanos", "origin"))
    said = [part for name in names for part in _flat(columns[name])]
    hashes = np.zeros(len(said[0]), np.uint64)
    for column in said:
        hashes ^= column.view(f"<u{column.dtype.itemsize}")
        # The finishing steps of MurmurHash3: every bit of the input reaches every bit.
        hashes ^= hashes >> np.uint64(33)
        hashes *= np.uint64(0xFF51AFD7ED558CCD)
        hashes ^= hashes >> np.uint64(33)
        hashes *= np.uint64(0xC4CEB9FE1A85EC53)
        hashes ^= hashes >> np.uint64(33)
    return hashes


def _flat(column: Array) -> list[Array]:
    """A column as columns of one number each."""
    if column.dtype.itemsize > 8:
        column = column.view("<u8").reshape(len(column), -1)
    if column.ndim == 1:
        return [column]
    return [np.ascontiguousarray(column[:, at]) for at in range(column.shape[1])]
