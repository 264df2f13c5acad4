"""Reads a recording as any program may that knows the file format, and nothing of ours."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt

Columns = Mapping[str, npt.NDArray[Any]]
TABLES = ("MD", "TRADES", "QUOTES", "BOOK")

_EPOCH = dt.date(1970, 1, 1)
_PRICES = {
    "MD": ("price", "volume", "best_bid", "best_ask"),
    "TRADES": ("trade_price", "trade_size"),
    "QUOTES": ("best_bid", "best_bid_size", "best_ask", "best_ask_size"),
    "BOOK": ("price", "size"),
}
_OTHERS = {
    "MD": {"side": "<u4"},
    "TRADES": {
        "trade_id": "<u8",
        "trade_side": "<u4",
        "maker_order_id": "V16",
        "taker_order_id": "V16",
    },
    "QUOTES": {"update_id": "<u8"},
    "BOOK": {"update_id": "<u8", "side": "<u4", "flags": "<u4"},
}
EXACT = "f4+rest"
_RECEIVED = {"recv_time": "<u4", "recv_nanos": "<u4"}


def days(folder: Path, table: str) -> list[int]:
    """The days (since 1970-01-01) of which there are rows of a table of a symbol, ascending."""
    names = (folder / table).glob(f"{_time(table)}.*.bin")
    dates = (dt.datetime.strptime(name.name[-12:-4], "%d.%m.%y").date() for name in names)  # noqa: DTZ007
    return sorted((date - _EPOCH).days for date in dates)


def read(folder: Path, table: str, dtype: str, day: int | None = None) -> Columns:
    """The columns of a table of a symbol, by name: of one day, or of all, one after the other.

    `time_ns` and `recv_ns` (int64) stand for the pairs of seconds and nanoseconds.
    """
    chosen = days(folder, table) if day is None else [day]
    parts = [_read_day(folder / table, table, dtype, day) for day in chosen]
    names = [*_PRICES[table], *_OTHERS[table], "time_ns", "recv_ns"]
    return {name: np.concatenate([part[name] for part in parts] or [np.empty(0)]) for name in names}


def _read_day(folder: Path, table: str, dtype: str, day: int) -> Columns:
    time = _time(table)
    prices = _PRICES[table]
    kinds = dict.fromkeys(prices, f"<{dtype[:2]}") | _OTHERS[table] | _RECEIVED
    if dtype == EXACT:
        kinds["rest"] = f"({len(prices)},)<i4"
    kinds |= {time: "<u4", time.replace("time", "nanos"): "<u4"}
    date = (_EPOCH + dt.timedelta(day)).strftime("%d.%m.%y")
    columns = {
        name: np.fromfile(folder / f"{name}.{date}.bin", kind) for name, kind in kinds.items()
    }
    assert len({len(column) for column in columns.values()}) == 1, f"uneven columns in {folder}"
    if dtype == EXACT:
        for at, name in enumerate(prices):
            columns[name] = columns[name].astype("f8")
            columns[name].view("i8")[:] += columns["rest"][:, at]
    time_ns = _ns(columns[time], columns[time.replace("time", "nanos")])
    return {
        **columns,
        "time_ns": time_ns,
        "recv_ns": _ns(columns["recv_time"], columns["recv_nanos"]),
    }


def _time(table: str) -> str:
    return "trade_time" if table == "TRADES" else "time"


def _ns(seconds: npt.NDArray[Any], nanos: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    return np.asarray(seconds.astype(np.int64) * 10**9 + nanos)


def gaps(root: Path) -> list[tuple[str, dict[str, Any]]]:
    """Every line of the gaps files below a folder, with the symbol."""
    return [
        (unquote(path.parent.name), json.loads(line))
        for path in sorted(root.rglob("gaps.*.jsonl"))
        for line in path.read_text().splitlines()[1:]  # the first is about no hole
    ]
