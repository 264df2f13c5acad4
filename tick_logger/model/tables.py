"""What a row of each table is: its fields in memory and its columns on disk.

Every other package takes names, dtypes and the order of columns from here, so that the file format
of the README exists in exactly one place.  In memory a row carries times as int64 nanoseconds and
prices as float64; on disk times are split into seconds and nanoseconds and prices take the
configured width.  The time column comes last in `files`: it is written last, and its length is the
number of rows that a reader may rely on.

Not here: how rows are held (`rows`), ordered (`pipeline`) or written (`storage`).
"""

from __future__ import annotations

import enum

import attrs
import numpy as np

SIDE_SELL, SIDE_BUY, SIDE_UNKNOWN = 0, 1, 2
"""Aggressor (taker) side as stored in `MD.side` and `TRADES.trade_side`."""

BOOK_ASK, BOOK_BID = 0, 1
"""Book side as stored in `BOOK.side`."""

FLAG_SNAPSHOT = 1
"""Bit 0 of `BOOK.flags`: the row belongs to a snapshot, which replaces the book so far."""

NO_TIME = np.iinfo(np.int64).min
"""`event_ns` of a row whose message carried no usable event time."""

UUID_DTYPE = "V16"
"""The sixteen bytes of an order's UUID; all zero where the exchange gives none."""

NO_UUID = np.void(16)
"""The UUID of an order that the exchange does not name."""

COMMON_FIELDS: dict[str, str] = {
    "instrument": "i4",  # index into `Instruments`
    "recv_ns": "i8",  # wall clock when the bytes left the socket
    "event_ns": "i8",  # the exchange's time, or NO_TIME
    "seq": "u8",  # trade id, update id or sequence; 0 where the exchange gives none
}


class Table(enum.StrEnum):
    """A table, named as its directory on disk."""

    MD = "MD"
    TRADES = "TRADES"
    QUOTES = "QUOTES"
    BOOK = "BOOK"


FEEDS: dict[str, Table] = {
    "ticker": Table.MD,
    "trades": Table.TRADES,
    "quotes": Table.QUOTES,
    "orderbook": Table.BOOK,
}
"""The table that a feed (the configuration's word) is recorded in."""

FEED_OF: dict[Table, str] = {table: feed for feed, table in FEEDS.items()}
"""The feed that a table holds the rows of."""


@attrs.frozen
class FileColumn:
    """One column file: its name, its dtype (`price` stands for the configured width), its source.

    `source` is a field of the row, or `event_s`, `event_frac`, `recv_s`, `recv_frac`: the two
    halves of a time.
    """

    name: str
    dtype: str
    source: str

    def numpy_dtype(self, price_dtype: str) -> np.dtype[np.generic]:
        """The little-endian dtype on disk, with `price_dtype` ("f4" or "f8") for prices."""
        width = price_dtype if self.dtype == "price" else self.dtype
        return np.dtype(width if width == UUID_DTYPE else "<" + width)


@attrs.frozen
class TableSpec:
    """A table's own fields in memory (beside `COMMON_FIELDS`) and its column files, time last."""

    fields: dict[str, str]
    files: tuple[FileColumn, ...]

    @property
    def all_fields(self) -> dict[str, str]:
        """Field name to dtype, common fields first."""
        return COMMON_FIELDS | self.fields

    @property
    def time_column(self) -> str:
        """The column whose length is the number of complete rows."""
        return self.files[-1].name


def _files(*columns: tuple[str, str, str], time: str, nanos: str) -> tuple[FileColumn, ...]:
    received = (("recv_time", "u4", "recv_s"), ("recv_nanos", "u4", "recv_frac"))
    event = ((nanos, "u4", "event_frac"), (time, "u4", "event_s"))
    return tuple(FileColumn(*column) for column in (*columns, *received, *event))


SPECS: dict[Table, TableSpec] = {
    Table.MD: TableSpec(
        fields={
            "price": "f8",
            "volume": "f8",
            "side": "u4",
            "best_bid": "f8",
            "best_ask": "f8",
        },
        files=_files(
            ("price", "price", "price"),
            ("volume", "price", "volume"),
            ("side", "u4", "side"),
            ("best_bid", "price", "best_bid"),
            ("best_ask", "price", "best_ask"),
            time="time",
            nanos="nanos",
        ),
    ),
    Table.TRADES: TableSpec(
        fields={
            "price": "f8",
            "size": "f8",
            "side": "u4",
            "maker": UUID_DTYPE,
            "taker": UUID_DTYPE,
        },
        files=_files(
            ("trade_id", "u8", "seq"),
            ("trade_price", "price", "price"),
            ("trade_size", "price", "size"),
            ("trade_side", "u4", "side"),
            ("maker_order_id", UUID_DTYPE, "maker"),
            ("taker_order_id", UUID_DTYPE, "taker"),
            time="trade_time",
            nanos="trade_nanos",
        ),
    ),
    Table.QUOTES: TableSpec(
        fields={
            "best_bid": "f8",
            "best_bid_size": "f8",
            "best_ask": "f8",
            "best_ask_size": "f8",
        },
        files=_files(
            ("update_id", "u8", "seq"),
            ("best_bid", "price", "best_bid"),
            ("best_bid_size", "price", "best_bid_size"),
            ("best_ask", "price", "best_ask"),
            ("best_ask_size", "price", "best_ask_size"),
            time="time",
            nanos="nanos",
        ),
    ),
    Table.BOOK: TableSpec(
        fields={"side": "u4", "price": "f8", "size": "f8", "flags": "u4"},
        files=_files(
            ("update_id", "u8", "seq"),
            ("side", "u4", "side"),
            ("price", "price", "price"),
            ("size", "price", "size"),
            ("flags", "u4", "flags"),
            time="time",
            nanos="nanos",
        ),
    ),
}
