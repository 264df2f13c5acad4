"""What the reading interface must give, read from the files with nothing but the standard library.

Works as the page on files says, row by row, in plain Python.  Nothing of the program is used.
"""

from __future__ import annotations

import datetime
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]

LATE, ASIDE = 1, 3

_PRICES = {
    "MD": {"price": "price", "volume": "size", "best_bid": "bid", "best_ask": "ask"},
    "TRADES": {"trade_price": "price", "trade_size": "size"},
    "QUOTES": {
        "best_bid": "bid",
        "best_bid_size": "bid_size",
        "best_ask": "ask",
        "best_ask_size": "ask_size",
    },
    "BOOK": {"price": "price", "size": "size"},
}
_OTHERS = {
    "MD": {"side": "I"},
    "TRADES": {
        "trade_id": "q",
        "trade_side": "I",
        "maker_order_id": "16s",
        "taker_order_id": "16s",
    },
    "QUOTES": {"update_id": "q"},
    "BOOK": {"update_id": "q", "side": "I", "flags": "I"},
}
_NAMES = {"trade_id": "id", "update_id": "id", "trade_side": "side"}
_SIGNS = {0: -1, 1: 1, 2: 0}
_EPOCH = datetime.date(1970, 1, 1)


def rows(
    symbol_folder: Path,
    table: str,
    width: str,
    *,
    start: int = 0,
    end: int = 2**62,
    late: str = "merge",
    by: str = "event",
) -> list[Row]:
    """The rows of a range of ns in the order that is promised; `width` is "f4" or "f8"."""
    key = "ts" if by == "event" else "recv_ts"
    main = [] if late == "only" else _all(symbol_folder / table, table, width, origin=0)
    others = [] if late == "drop" else _all(symbol_folder / "late" / table, table, width)
    if late == "merge":
        others = [row for row in others if row["origin"] != ASIDE]
    main, others = ([r for r in of if start <= r[key] < end] for of in (main, others))
    if by == "received":
        # Of one moment: by the day of the file, and those in order before those that are late.
        return sorted([*main, *others], key=lambda row: (row["recv_ts"], row["file_day"]))
    return _merged(main, sorted(others, key=lambda row: (row["ts"], unsigned(row.get("id", 0)))))


def unsigned(number: int) -> int:
    """An id as it lies on disk."""
    return number % 2**64


def _merged(main: list[Row], late: list[Row]) -> list[Row]:
    """Each late row behind earlier times, and before the first of its time with a greater id."""
    merged: list[Row] = []
    waiting = list(late)
    for row in main:
        while waiting and (
            waiting[0]["ts"] < row["ts"]
            or (
                waiting[0]["ts"] == row["ts"]
                and unsigned(waiting[0].get("id", 0)) < unsigned(row.get("id", 0))
            )
        ):
            merged.append(waiting.pop(0))
        merged.append(row)
    return merged + waiting


def _all(folder: Path, table: str, width: str, origin: int | None = None) -> list[Row]:
    found = (row for day in _days(folder, table) for row in _day(folder, table, width, day))
    return [row if origin is None else {**row, "origin": origin} for row in found]


def _days(folder: Path, table: str) -> list[int]:
    names = (path.name for path in folder.glob(f"{_time(table)}.*.bin"))
    parts = (name.split(".")[1:4] for name in names)
    dates = (datetime.date(2000 + int(year), int(month), int(day)) for day, month, year in parts)
    return sorted((date - _EPOCH).days for date in dates)


def _day(folder: Path, table: str, width: str, day: int) -> Iterator[Row]:
    text = (_EPOCH + datetime.timedelta(day)).strftime("%d.%m.%y")

    def column(name: str, form: str) -> list[Any]:
        path = folder / f"{name}.{text}.bin"
        content = path.read_bytes() if path.exists() else b""
        size = struct.calcsize(f"<{form}")
        whole = content[: len(content) // size * size]
        read = list(struct.iter_unpack(f"<{form}", whole))
        return [each[0] if len(each) == 1 else each for each in read]

    time = _time(table)
    seconds, nanos = column(time, "I"), column(time.replace("time", "nanos"), "I")
    count = len(seconds)
    made: dict[str, Sequence[Any]] = {
        "ts": [s * 10**9 + n for s, n in zip(seconds, nanos, strict=False)],
        "recv_ts": [
            s * 10**9 + n
            for s, n in zip(column("recv_time", "I"), column("recv_nanos", "I"), strict=False)
        ],
        "origin": column("origin", "B") or [LATE] * count,
        "file_day": [day] * count,
    }
    rest = column("rest", f"{len(_PRICES[table])}i")
    rest = rest if len(rest) >= count else []
    for number, (name, public) in enumerate(_PRICES[table].items()):
        values = column(name, "f" if width == "f4" else "d")
        if rest:
            values = [_exact(v, r[number]) for v, r in zip(values, rest, strict=False)]
        made[public] = values
    for name, form in _OTHERS[table].items():
        values = column(name, form)
        if name == "flags":
            made["is_snapshot"] = [bool(value & 1) for value in values]
        else:
            signed = [_SIGNS[v] for v in values] if name.endswith("side") else values
            made[_NAMES.get(name, name)] = signed
    for number in range(count):
        yield {name: values[number] for name, values in made.items()}


def _exact(half: float, rest: int) -> float:
    (bits,) = struct.unpack("<q", struct.pack("<d", half))
    (value,) = struct.unpack("<d", struct.pack("<q", bits + rest))
    return float(value)


def _time(table: str) -> str:
    return "trade_time" if table == "TRADES" else "time"
