"""Rows as CSV files in the columns that tools for tick data know, in gzip.

    trades   exchange,symbol,timestamp,local_timestamp,id,side,price,amount
    book     exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount
    quotes   exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount
    ticker   exchange,symbol,timestamp,local_timestamp,price,amount,side,bid_price,ask_price

Times are microseconds since 1970-01-01 UTC (what is finer is cut off): of the event, and of its
receipt.  A side that was not sent is `unknown`, a number that was not sent is empty.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np

from tick_logger.reader.frames import load
from tick_logger.reader.rows import Rows
from tick_logger.reader.source import Array
from tick_logger.reader.writing import ROWS_AT_ONCE, whole

_COLUMNS = {
    "trades": {"id": "id", "side": "side", "price": "price", "amount": "size"},
    "book": {"is_snapshot": "is_snapshot", "side": "side", "price": "price", "amount": "size"},
    "quotes": {
        "ask_amount": "ask_size",
        "ask_price": "ask",
        "bid_price": "bid",
        "bid_amount": "bid_size",
    },
    "ticker": {
        "price": "price",
        "amount": "size",
        "side": "side",
        "bid_price": "bid",
        "ask_price": "ask",
    },
}
_TIMES = {"timestamp": "ts", "local_timestamp": "recv_ts"}
_LEVEL = 6
"""Of gzip; higher ones take much longer for little."""


def write_csv(rows: Rows, table: str, exchange: str, path: Path) -> None:
    """Rows of one symbol, piece by piece; the file gets its name when it is whole."""
    csv = load("pyarrow.csv", "arrow")
    columns = _TIMES | _COLUMNS[table]
    head = ",".join(["exchange", "symbol", *columns]) + "\n"
    with (
        whole(path) as part,
        open(part, "wb") as file,
        gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as packed,
    ):
        packed.write(head.encode())
        for piece in rows.chunks(ROWS_AT_ONCE):
            found = _table(piece, table, exchange)
            needed = csv.WriteOptions(include_header=False, quoting_style=_quoting(found))
            csv.write_csv(found, packed, needed)


def _table(rows: Rows, table: str, exchange: str) -> Any:
    pa = load("pyarrow", "arrow")
    found = rows.numpy()
    columns = {
        "exchange": pa.repeat(exchange, len(rows)),
        "symbol": pa.array(found["symbol"], pa.string()),
    }
    for name, of in (_TIMES | _COLUMNS[table]).items():
        columns[name] = _column(pa, name, found[of], table)
    return pa.table(columns)


def _column(pa: Any, name: str, values: Array, table: str) -> Any:
    if name in _TIMES:
        return pa.array(values.view(np.int64) // 1000)
    if name == "side":
        words = ("ask", "unknown", "bid") if table == "book" else ("sell", "unknown", "buy")
        return pa.array(np.array(words, object)[values + 1], pa.string())
    return pa.array(values, from_pandas=True)  # NaN is what was not sent


def _quoting(table: Any) -> str:
    """Quotes around text only where a name needs them."""
    names = {str(table[column][0]) for column in ("exchange", "symbol")}
    return "needed" if any(set(name) & set('",\r\n') for name in names) else "none"
