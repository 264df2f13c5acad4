"""What a row of each table is: its fields in memory and its columns on disk.

Every other package takes names, dtypes and the order of columns from here, so that the file format
exists in exactly one place.  In memory a row carries times as int64 nanoseconds and prices as
float64; on disk times are split into seconds and nanoseconds and prices take the configured width.
The time column comes last in `files`: it is written last, and its length is the number of rows that
a reader may rely on.

A table gains a column by one more entry in `files`, with the version that brings it, and, where it
comes from the exchange, one more field.  Entries are never removed or changed: days that were
written with them are read for ever.

Not here: which of these columns a program or a day has (`schemas`), how rows are held (`rows`),
ordered (`pipeline`) or written (`storage`).
"""

from __future__ import annotations

import enum
import math

import attrs
import numpy as np

SIDE_SELL, SIDE_BUY, SIDE_UNKNOWN = 0, 1, 2
"""Aggressor (taker) side as stored in `MD.side` and `TRADES.trade_side`."""

BOOK_ASK, BOOK_BID = 0, 1
"""Book side as stored in `BOOK.side`."""

FLAG_SNAPSHOT = 1
"""Bit 0 of `BOOK.flags`: the row belongs to a snapshot, which replaces the book so far.

A side of a snapshot without levels is one such row, with a price of NaN and a size of 0.
"""

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


FIRST_VERSION, REST_VERSION = 1, 2
"""Versions of the file format: the first, and the one that brought `rest` and `origin`."""

ORIGIN_MAIN, ORIGIN_LATE, ORIGIN_REST, ORIGIN_ASIDE = 0, 1, 2, 3
"""Where a row belongs: into the main files, or into `late/`, because it came late on the stream (as
all late rows of the first version), came by REST, or has a time that cannot be right."""

ORIGIN_ASIDE = 3
"""`origin` of a row whose time cannot be right; it lies in the day of its receipt."""

EXACT = "f4+rest"
"""The width of prices that keeps every digit: f4, and the rest of the f8 in a column beside."""

PRICE_DTYPES = (EXACT, "f4", "f8")


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

    `source` is a field of the row, or one of `event_s`, `event_frac`, `recv_s`, `recv_frac` (the
    halves of a time), `rest` and `origin`.  `since` is the version of the format that brought the
    column.  `absent` stands for a value that was not sent, and for rows from before there was the
    column; None where every row has one.  `rest_of` names the price fields whose rests it holds;
    such a column is written with "f4+rest" only.  `late_only`: in `late/` alone.
    """

    name: str
    dtype: str
    source: str
    since: int = FIRST_VERSION
    absent: float | None = None
    rest_of: tuple[str, ...] = ()
    late_only: bool = False
    unit: str = ""

    def numpy_dtype(self, price_dtype: str) -> np.dtype[np.generic]:
        """The little-endian dtype of a record, with prices of this width."""
        if self.dtype == "price":
            return np.dtype("<f8" if price_dtype == "f8" else "<f4")
        if self.dtype == UUID_DTYPE:
            return np.dtype(UUID_DTYPE)
        shape, closing, item = self.dtype.rpartition(")")
        return np.dtype(f"{shape}{closing}<{item}")

    @property
    def required(self) -> bool:
        """Whether every day has it: the first version wrote it already."""
        return self.since == FIRST_VERSION

    def is_written(self, price_dtype: str, *, late: bool) -> bool:
        """Whether this program writes it, with prices of this width."""
        return not (self.rest_of and price_dtype != EXACT) and (late or not self.late_only)


@attrs.frozen
class TableSpec:
    """A table's own fields in memory (beside `COMMON_FIELDS`) and its column files, time last.

    `files` are all that there are in any version, with any width of prices, late or not.
    """

    fields: dict[str, str]
    files: tuple[FileColumn, ...]

    @property
    def all_fields(self) -> dict[str, str]:
        """Field name to dtype, common fields first."""
        return COMMON_FIELDS | self.fields

    @property
    def absent(self) -> dict[str, float]:
        """The fields that not every adapter knows, with the value that stands for none."""
        later = (each for each in self.files if not each.required and each.source in self.fields)
        return {each.source: each.absent or 0 for each in later}

    @property
    def priced(self) -> tuple[FileColumn, ...]:
        """The columns whose rests stand in `rest`, in that order: prices of the first version."""
        return tuple(each for each in self.files if each.required and each.dtype == "price")

    @property
    def time_column(self) -> str:
        """The column whose length is the number of complete rows."""
        return self.files[-1].name

    @property
    def nanos_column(self) -> str:
        """The column beside the time column."""
        return self.files[-2].name

    def column(self, name: str) -> FileColumn:
        """The column of this name; `KeyError` if there is none in any version known here."""
        for each in self.files:
            if each.name == name:
                return each
        raise KeyError(name)


def _files(
    *columns: tuple[str, str, str],
    time: str,
    nanos: str,
    side: int | None = SIDE_UNKNOWN,
    later: tuple[FileColumn, ...] = (),
) -> tuple[FileColumn, ...]:
    """The columns of a table: its own, then later ones, then what every table has."""
    own = tuple(_own(*column, side=side) for column in columns)
    prices = tuple(each.source for each in own if each.dtype == "price")
    rest = FileColumn("rest", f"({len(prices)},)i4", "rest", REST_VERSION, 0, rest_of=prices)
    rests = (rest,) if prices else ()
    origin = FileColumn("origin", "u1", "origin", REST_VERSION, ORIGIN_LATE, late_only=True)
    times = (
        FileColumn("recv_time", "u4", "recv_s", unit="s"),
        FileColumn("recv_nanos", "u4", "recv_frac", unit="ns"),
        FileColumn(nanos, "u4", "event_frac", unit="ns"),
        FileColumn(time, "u4", "event_s", unit="s"),
    )
    return (*own, *later, *rests, origin, *times)


def _own(name: str, dtype: str, source: str, *, side: int | None) -> FileColumn:
    """A column of the first version; prices and sizes have the units in which a venue quotes."""
    if dtype == "price":
        unit = "size" if source == "volume" or source.endswith("size") else "price"
        return FileColumn(name, dtype, source, absent=math.nan, unit=unit)
    absent = {"seq": 0, "maker": 0, "taker": 0, "side": side}.get(source)
    return FileColumn(name, dtype, source, absent=absent)


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
            side=None,
            time="time",
            nanos="nanos",
        ),
    ),
}
