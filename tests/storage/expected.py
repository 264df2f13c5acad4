"""What the files of a recording must hold, byte by byte: written down apart from the code.

Covers what `script` holds: trades and tickers with four-byte prices, gap records, payloads kept
aside.
"""

from __future__ import annotations

import datetime
import json
import struct

from tests.fakes.memory_files import MemoryFiles
from tests.storage.sample import DAY, MIDNIGHT_NS, flush, numbered, run
from tests.storage.stored import put, store
from tick_logger.model.cause import Cause
from tick_logger.model.entries import KeptAside
from tick_logger.model.flush import Flush, GapRecord, Run
from tick_logger.model.tables import Table

Step = tuple[Flush, tuple[KeptAside, ...]]
"""What is written at once."""

FOLDERS = ("venue/BTC-USD", "venue/ETH-USD", "venue/A%2FB")
"""Of the instruments that `stored.store` knows."""

# Name on disk: form of the record, field of the row; "s" and "ns" are the halves of a time.
COLUMNS = {
    Table.MD: {
        "price": ("f", "price"),
        "volume": ("f", "volume"),
        "side": ("I", "side"),
        "best_bid": ("f", "best_bid"),
        "best_ask": ("f", "best_ask"),
        "recv_time": ("s", "recv_ns"),
        "recv_nanos": ("ns", "recv_ns"),
        "nanos": ("ns", "event_ns"),
        "time": ("s", "event_ns"),
    },
    Table.TRADES: {
        "trade_id": ("Q", "seq"),
        "trade_price": ("f", "price"),
        "trade_size": ("f", "size"),
        "trade_side": ("I", "side"),
        "maker_order_id": ("16s", "maker"),
        "taker_order_id": ("16s", "taker"),
        "recv_time": ("s", "recv_ns"),
        "recv_nanos": ("ns", "recv_ns"),
        "trade_nanos": ("ns", "event_ns"),
        "trade_time": ("s", "event_ns"),
    },
}


def expected(*steps: Step) -> dict[str, bytes]:
    """Path to content after these steps, and nothing else, were written."""
    files: dict[str, bytes] = {}
    for flushed, asides in steps:
        for each in flushed.runs:
            _add_run(files, each)
        for gap in flushed.gaps:
            _add(files, f"{FOLDERS[gap.instrument]}/gaps.{_date(gap.day)}.jsonl", _gap_line(gap))
        for aside in asides:
            date = _date(aside.recv_ns // (86_400 * 10**9))
            _add(files, f"{aside.exchange}/undecodable.{date}.jsonl", _aside_line(aside))
    return files


def contents(files: MemoryFiles) -> dict[str, bytes]:
    """Path to content of all files that are not empty: an empty one is as good as none."""
    return {path: bytes(content) for path, content in files.contents.items() if content}


def rows_on_disk(files: MemoryFiles) -> int:
    """Rows of all table-days; fails if columns differ or a record is torn."""
    found: dict[tuple[str, str], set[float]] = {}
    for path, content in contents(files).items():
        folder, name = path.rsplit("/", 1)
        column, _, date = name.partition(".")
        if name.endswith(".bin"):
            form, _ = COLUMNS[Table(folder.rsplit("/", 1)[1])][column]
            width = len(_record(form, 0)) if form != "16s" else 16
            found.setdefault((folder, date), set()).add(len(content) / width)
    assert all(len(rows) == 1 for rows in found.values()), found
    return int(sum(rows.pop() for rows in found.values()))


def script() -> list[Step]:
    """Three steps that touch old and new streams, days, gaps files and payloads kept aside."""
    later = MIDNIGHT_NS + 86_400 * 10**9
    return [
        (flush(run(Table.TRADES, numbered(1, 2)), run(Table.MD, numbered(1, 1))), ()),
        (
            Flush(
                (
                    run(Table.TRADES, numbered(3, 5)),
                    run(Table.MD, numbered(2, 5)),
                    run(Table.TRADES, numbered(1, 2, instrument=1)),
                    run(Table.TRADES, numbered(9, 9), late=True),
                    run(Table.TRADES, numbered(6, 6, day=DAY + 1), day=DAY + 1),
                ),
                (_gap(0, 4), _gap(1, 5), _gap(0, 6)),
            ),
            (_aside("venue", MIDNIGHT_NS), _aside("other", later), _aside("venue", MIDNIGHT_NS)),
        ),
        (
            Flush(
                (run(Table.TRADES, numbered(7, 8)), run(Table.MD, numbered(6, 6))), (_gap(0, 7),)
            ),
            (_aside("other", later),),
        ),
    ]


def after_first_step(files: MemoryFiles) -> None:
    """A process writes the first step of the script."""
    put(store(files), *script()[0])


def _gap(instrument: int, first: int) -> GapRecord:
    return GapRecord(instrument, Table.TRADES, first, first + 1, MIDNIGHT_NS, None, Cause.CRASH)


def _aside(exchange: str, recv_ns: int) -> KeptAside:
    return KeptAside(exchange, recv_ns, "no JSON", b"{]")


def _add_run(files: dict[str, bytes], each: Run) -> None:
    middle = "late/" if each.late else ""
    folder = f"{FOLDERS[each.instrument]}/{middle}{each.table}"
    for name, (form, field) in COLUMNS[each.table].items():
        values = each.rows[field].tolist()
        data = b"".join(_record(form, value) for value in values)
        _add(files, f"{folder}/{name}.{_date(each.day)}.bin", data)


def _record(form: str, value: float) -> bytes:
    if form == "s":
        return struct.pack("<I", int(value) // 10**9)
    if form == "ns":
        return struct.pack("<I", int(value) % 10**9)
    return struct.pack(f"<{form}", value)


def _gap_line(gap: GapRecord) -> bytes:
    fields = {
        "table": str(gap.table),
        "from_id": gap.from_id,
        "to_id": gap.to_id,
        "from_ns": gap.from_ns,
        "to_ns": gap.to_ns,
        "cause": str(gap.cause),
        "healed": gap.healed,
    }
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def _aside_line(aside: KeptAside) -> bytes:
    text = aside.payload.decode()
    start = f'{{"recv_ns": {aside.recv_ns}, "reason": "{aside.reason}", '
    return f'{start}"bytes": {len(text)}, "payload": "{text}"}}\n'.encode()


def _add(files: dict[str, bytes], path: str, data: bytes) -> None:
    files[path] = files.get(path, b"") + data


def _date(day: int) -> str:
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).strftime("%d.%m.%y")
