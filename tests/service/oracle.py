"""What must be on disk, said by the simulated exchanges and read with nothing but numpy.

Shares no code with what it checks: the file format is written down here again.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import attrs
import numpy as np

from tests.fakes.memory_files import MemoryFiles
from tests.service.gap_lines import missing
from tests.service.world import World, dense
from tick_logger.simulator.truth import TrueTrade
from tick_logger.verify.tree import verify

LONGEST_STEP_NS = 10**8
SIDES = {"buy": 1, "sell": 0}
BESIDE_SYMBOLS = re.compile(
    r"[^/]+/((instruments|certificate)\.[^/]+\.json|(candles|quality)\.[^/]+\.jsonl|rates\.json)"
)
"""Files of an exchange that no entry of the journal makes."""

FORMATS = {
    "TRADES": {
        "trade_id": "<u8",
        "trade_price": "<f4",
        "trade_size": "<f4",
        "trade_side": "<u4",
        "maker_order_id": "V16",
        "taker_order_id": "V16",
        "recv_time": "<u4",
        "recv_nanos": "<u4",
        "trade_nanos": "<u4",
        "trade_time": "<u4",
    },
    "MD": {
        "price": "<f4",
        "volume": "<f4",
        "side": "<u4",
        "best_bid": "<f4",
        "best_ask": "<f4",
        "recv_time": "<u4",
        "recv_nanos": "<u4",
        "nanos": "<u4",
        "time": "<u4",
    },
    "QUOTES": {
        "update_id": "<u8",
        "best_bid": "<f4",
        "best_bid_size": "<f4",
        "best_ask": "<f4",
        "best_ask_size": "<f4",
        "recv_time": "<u4",
        "recv_nanos": "<u4",
        "nanos": "<u4",
        "time": "<u4",
    },
    "BOOK": {
        "update_id": "<u8",
        "side": "<u4",
        "price": "<f4",
        "size": "<f4",
        "flags": "<u4",
        "recv_time": "<u4",
        "recv_nanos": "<u4",
        "nanos": "<u4",
        "time": "<u4",
    },
}


EXACT = "f4+rest"

LATE, REST, ASIDE = 1, 2, 3
"""`origin` of rows that came late, by REST, and of those whose time cannot be right."""


@attrs.frozen(eq=False)
class Rows:
    """The rows of one table of one symbol, all days; `event_ns` and the days go with them."""

    columns: dict[str, np.ndarray]
    event_ns: np.ndarray
    recv_ns: np.ndarray
    days: list[str]

    def __len__(self) -> int:
        return len(self.event_ns)

    def __getitem__(self, column: str) -> np.ndarray:
        return self.columns[column]


def rows(
    files: MemoryFiles,
    exchange: str,
    symbol: str,
    table: str,
    late: bool = False,
    *,
    price_dtype: str = EXACT,
    origin: int = LATE,
) -> Rows:
    """Everything on disk of a stream, in the order of its days; late rows of an origin apart.

    Prices of "f4+rest" are the numbers that f4 and rest stand for together.
    """
    folder = f"{folder_of(exchange, symbol)}/{'late/' if late else ''}{table}"
    dates = {
        tuple(reversed(path.rsplit(".", 4)[1:4])) for path in files.contents if _in(folder, path)
    }
    formats = formats_of(table, price_dtype, late=late)
    days = [".".join(reversed(date)) for date in sorted(dates)]
    for name, dtype in formats.items():
        sizes = {len(files.contents.get(f"{folder}/{name}.{day}.bin", b"")) for day in days}
        assert not any(size % np.dtype(dtype).itemsize for size in sizes), "half a value"
    columns = {
        name: np.concatenate(
            [
                np.empty(0, dtype),
                *(
                    np.frombuffer(
                        bytes(files.contents.get(f"{folder}/{name}.{day}.bin", b"")), dtype
                    )
                    for day in days
                ),
            ]
        )
        for name, dtype in formats.items()
    }
    if price_dtype == EXACT:
        columns |= _exact(table, columns)
    assert len({len(column) for column in columns.values()}) == 1, "columns of unequal length"
    if late:
        assert np.isin(columns["origin"], (LATE, REST, ASIDE)).all()
        chosen = columns["origin"] == origin
        columns = {name: column[chosen] for name, column in columns.items()}
    prefix = "trade_" if table == "TRADES" else ""
    event_ns = _time(columns, f"{prefix}time", f"{prefix}nanos")
    recv_ns = _time(columns, "recv_time", "recv_nanos")
    found = Rows(columns, event_ns, recv_ns, days)
    if not late:
        assert (np.diff(event_ns) >= 0).all(), f"{folder}: rows out of order"
    return found


def formats_of(table: str, price_dtype: str, *, late: bool) -> dict[str, str]:
    """The dtype of each column file, with prices of this width."""
    prices = _prices(table)
    formats = FORMATS[table] | (dict.fromkeys(prices, "<f8") if price_dtype == "f8" else {})
    if price_dtype == EXACT:
        formats["rest"] = f"({len(prices)},)<i4"
    return formats | ({"origin": "u1"} if late else {})


def _prices(table: str) -> list[str]:
    return [name for name, dtype in FORMATS[table].items() if dtype == "<f4"]


def _exact(table: str, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The prices with every digit, by the words of the page on files."""
    exact = {}
    for at, name in enumerate(_prices(table)):
        bits = columns[name].astype("f8").view("i8") + columns["rest"][:, at]
        exact[name] = bits.view("f8")
    return exact


def recorded(files: MemoryFiles) -> dict[str, bytes]:
    """What is derived from the journal: the content of all those files, by path."""
    return {path: bytes(content) for path, content in files.contents.items() if is_derived(path)}


def is_derived(path: str) -> bool:
    """Whether a file is made of the journal: what is asked for, and certificates, stand beside it.

    A certificate tells of what is on disk, of who looked at it and when.
    """
    beside = path.startswith("journal/") or path == "format.json"
    return not beside and BESIDE_SYMBOLS.fullmatch(path) is None


def gaps(files: MemoryFiles, exchange: str, symbol: str, table: str) -> list[dict[str, Any]]:
    """What is missing of a stream, as its gap records say together."""
    return missing(gap_records(files, exchange, symbol, table))


def gap_records(files: MemoryFiles, exchange: str, symbol: str, table: str) -> list[dict[str, Any]]:
    """All gap records of a stream."""
    found = []
    for path, content in files.contents.items():
        if path.startswith(f"{folder_of(exchange, symbol)}/gaps."):
            found += [json.loads(line) for line in content.splitlines()]
    return [gap for gap in found if gap["table"] == table]


def untold(files: MemoryFiles, exchange: str, symbol: str, table: str) -> list[dict[str, Any]]:
    """The records of a stream that its own gaps file did not take, without those that are over."""
    found: dict[tuple[object, ...], dict[str, Any]] = {}
    for path, content in files.contents.items():
        for line in content.splitlines() if path.startswith("unwritten.") else ():
            record = json.loads(line)
            if (record["exchange"], record["symbol"], record["table"]) == (exchange, symbol, table):
                open_ids = record["from_id"], record["to_id"]
                began = record["from_ns"] if open_ids == (None, None) else (open_ids, len(found))
                found[record["cause"], began] = record
    return list(found.values())


def unwritten_symbols(files: MemoryFiles) -> set[str]:
    """The folders, "/" included, of symbols that could not be written at some time."""
    lines = [
        json.loads(line)
        for path, content in files.contents.items()
        if path.startswith("unwritten.")
        for line in content.splitlines()
    ]
    return {f"{folder_of(each['exchange'], each['symbol'])}/" for each in lines}


def causes(files: MemoryFiles) -> set[str]:
    """The causes of all gaps of all streams."""
    return {
        json.loads(line)["cause"]
        for path, content in files.contents.items()
        if "/gaps." in path
        for line in content.splitlines()
        if b'"table":null' not in line  # as the first line, which is about no hole
    }


def undecodable(files: MemoryFiles, exchange: str) -> list[dict[str, Any]]:
    """The payloads kept aside."""
    return [
        json.loads(line)
        for path, content in files.contents.items()
        if path.startswith(f"{exchange}/undecodable.")
        for line in content.splitlines()
    ]


def check(world: World) -> int:
    """Every invariant of the recording; returns the number of trades on disk.

    Whatever a venue sent to a subscribed connection until the service began to stop is on disk
    once with its true values, or in a gap record; nothing else is; and no rule of the venue was
    broken on the way.
    """
    found = 0
    for name, exchange in world.exchanges.items():
        assert exchange.violations == []
        for symbol in exchange.truth.symbols():
            found += check_trades(world, name, symbol)
    report = verify(world.files, dense=dense)
    assert report.ok, [str(finding) for finding in report.findings]
    assert report.notes == []
    return found


def check_trades(world: World, exchange: str, symbol: str) -> int:
    """As `check`, for the trades of one symbol."""
    in_order = rows(world.files, exchange, symbol, "TRADES")
    late = rows(world.files, exchange, symbol, "TRADES", late=True)
    by_rest = rows(world.files, exchange, symbol, "TRADES", late=True, origin=REST)
    truth = {trade.trade_id: trade for trade in world.exchanges[exchange].truth.trades(symbol)}
    parts = in_order, late, by_rest
    on_disk = [number for part in parts for number in part["trade_id"].tolist()]
    seen = set(on_disk)
    assert len(on_disk) == len(seen), f"{symbol}: duplicates"
    for part in (in_order, late):
        _check_values(part, truth)
    _check_values(by_rest, truth, rest=True)
    holes = gaps(world.files, exchange, symbol, "TRADES")
    missing = [
        trade
        for number, trade in truth.items()
        if trade.subscribed
        and trade.event_ns < world.stopped_ns
        and str(number).encode() not in world.unsent
        and number not in seen
        # Of what was kept from everybody only a hole between other ids can tell.
        and not (trade.withheld and not min(seen, default=0) < number < max(seen, default=0))
        and not any(_covers(hole, trade) for hole in holes)
    ]
    assert not missing, f"{symbol}: {len(missing)} trades are neither on disk nor in a gap"
    return len(on_disk)


def _check_values(part: Rows, truth: dict[int, TrueTrade], *, rest: bool = False) -> None:
    """Each row is the exchange's trade of that id; by REST without orders, in coarser time."""
    trades = [truth[number] for number in part["trade_id"].tolist()]
    expected = {
        "trade_price": np.array([trade.price for trade in trades], "f8"),
        "trade_size": np.array([trade.size for trade in trades], "f8"),
        "trade_side": np.array([SIDES[trade.side] for trade in trades], "<u4"),
    }
    for name, values in expected.items():
        assert (part[name] == values).all(), name
    times = np.array([trade.event_ns for trade in trades], np.int64)
    assert (np.abs(part.event_ns - times) <= (10**6 if rest else 0)).all()
    if rest:
        return
    for name, attribute in (("maker_order_id", "maker"), ("taker_order_id", "taker")):
        texts = [getattr(trade, f"{attribute}_order_id") for trade in trades]
        assert [each.tobytes() for each in part[name]] == [
            bytes.fromhex(text.replace("-", "")) if text else bytes(16) for text in texts
        ]


def _covers(hole: dict[str, Any], trade: TrueTrade) -> bool:
    """Whether a gap record speaks of this trade: by its id, or where none is known by its time.

    The record tells when it could have been received, which is a step of the market later.
    """
    if hole["from_id"] is not None:
        return bool(hole["from_id"] <= trade.trade_id <= hole["to_id"])
    is_over = hole["to_ns"] is not None and trade.event_ns > hole["to_ns"]
    return bool(hole["from_ns"] - LONGEST_STEP_NS <= trade.event_ns and not is_over)


def folder_of(exchange: str, symbol: str) -> str:
    """Where a symbol lies, which may have a character that no folder can have."""
    return f"{exchange}/{quote(symbol, safe='')}"


def _in(folder: str, path: str) -> bool:
    return path.startswith(f"{folder}/") and path.count("/") == folder.count("/") + 1


def _time(columns: dict[str, np.ndarray], secs: str, nanos: str) -> np.ndarray:
    return np.asarray(columns[secs].astype("i8") * 10**9 + columns[nanos])


def date(ns: int) -> str:
    """The day of a time as it stands in file names."""
    return datetime.fromtimestamp(ns // 10**9, UTC).strftime("%d.%m.%y")
