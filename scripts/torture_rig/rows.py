"""The rows that must be on disk, as numpy records: one dtype per table, written down here again.

A record is what a message says of a row and what the column files say of it, in the same bytes,
so that the two can be compared by equality.  The oracle knows the file format from its description
and shares no code with the recorder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

NEVER_NS = 2**63 - 1
"""The time of sending of what reached nobody for sure: it may be on disk, but need not."""

NO_ORDER = bytes(16)

RECORDS: Mapping[str, np.dtype[Any]] = {
    "TRADES": np.dtype(
        [
            ("event_ns", "<i8"),
            ("trade_id", "<u8"),
            ("trade_price", "<f4"),
            ("trade_size", "<f4"),
            ("trade_side", "<u4"),
            ("maker_order_id", "V16"),
            ("taker_order_id", "V16"),
        ]
    ),
    "MD": np.dtype(
        [
            ("event_ns", "<i8"),
            ("price", "<f4"),
            ("volume", "<f4"),
            ("side", "<u4"),
            ("best_bid", "<f4"),
            ("best_ask", "<f4"),
        ]
    ),
    # The exchanges simulated here send no time with a quote.
    "QUOTES": np.dtype(
        [
            ("update_id", "<u8"),
            ("best_bid", "<f4"),
            ("best_bid_size", "<f4"),
            ("best_ask", "<f4"),
            ("best_ask_size", "<f4"),
        ]
    ),
}
"""What is compared, by table; `event_ns` stands for the columns of seconds and nanoseconds."""

PACKED: Mapping[str, str] = {"TRADES": "qQffI16s16s", "MD": "qffIff", "QUOTES": "Qffff"}
"""The same as `struct` formats."""

BOOK_COLUMNS: Mapping[str, str] = {
    "update_id": "<u8",
    "side": "<u4",
    "price": "<f4",
    "size": "<f4",
    "flags": "<u4",
}
"""Columns of the table whose content is not compared, only its shape."""

TABLES = (*RECORDS, "BOOK")


def columns_of(table: str) -> dict[str, np.dtype[Any]]:
    """Every column file of a table with its dtype, the one that is written last at the end."""
    if table == "BOOK":
        columns = {name: np.dtype(kind) for name, kind in BOOK_COLUMNS.items()}
    else:
        names = [name for name in RECORDS[table].names or () if name != "event_ns"]
        columns = {name: RECORDS[table][name] for name in names}
    prefix = "trade_" if table == "TRADES" else ""
    times = ("recv_time", "recv_nanos", f"{prefix}nanos", f"{prefix}time")
    return columns | dict.fromkeys(times, np.dtype("<u4"))


def opaque(records: Array) -> Array:
    """Records as plain bytes of the same length, which numpy can sort and compare."""
    whole = np.ascontiguousarray(records)
    return whole.view(np.dtype((np.void, whole.dtype.itemsize)))


def numbered(records: Array) -> Array:
    """Records as bytes with a running number among equal ones behind: no two are the same.

    Equal records keep their order, so the last of them have the highest numbers.
    """
    plain = opaque(records)
    if not len(plain):
        return np.empty(0, np.dtype((np.void, plain.dtype.itemsize + 8)))
    order = np.argsort(plain, kind="stable")
    ordered = plain[order]
    heads = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff([*heads, len(ordered)])
    numbers = np.empty(len(plain), np.int64)
    numbers[order] = np.arange(len(plain)) - np.repeat(heads, lengths)
    joined = np.empty(len(plain), [("record", plain.dtype), ("number", "<i8")])
    joined["record"], joined["number"] = plain, numbers
    return opaque(joined)
