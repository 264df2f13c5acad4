"""What is on disk, read with numpy and json only, while nobody writes.

Nothing is believed: columns of unequal length, torn lines and rows out of order are counted here,
and what remains is what a reader of whole rows would see.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from scripts.torture_rig.ledger import Stream
from scripts.torture_rig.rows import RECORDS, TABLES, Array, columns_of

_DAY = re.compile(r"\.(\d\d\.\d\d\.\d\d)\.bin$")


@attrs.define(eq=False)
class OnDisk:
    """One stream: its rows of all days, late ones included, and what is wrong with its files."""

    records: Array  # of `RECORDS`, empty for tables without
    recv_ns: Array
    event_ns: Array
    torn: int = 0  # rows that only some columns have
    unsorted: int = 0  # rows that lie after a later one
    gaps: list[dict[str, Any]] = attrs.Factory(list)  # of its table, not healed

    @property
    def misplaced(self) -> int:
        """Rows that are wrong whatever they say."""
        return self.torn + self.unsorted


def read(root: Path) -> dict[Stream, OnDisk]:
    """Every stream that has files below a data path."""
    found: dict[Stream, OnDisk] = {}
    for folder in sorted(path for path in root.glob("*/*") if path.is_dir()):
        gaps = _gaps(sorted(folder.glob("gaps.*.jsonl")))
        for table in TABLES:
            if (folder / table).is_dir() or (folder / "late" / table).is_dir() or table in gaps:
                stream = Stream(folder.parent.name, folder.name, table)
                found[stream] = _stream(folder, table)
                found[stream].gaps = gaps.get(table, [])
    return found


def _stream(folder: Path, table: str) -> OnDisk:
    parts = []
    for part, in_order in ((folder / table, True), (folder / "late" / table, False)):
        matches = (_DAY.search(path.name) for path in part.glob("*.bin"))
        for day in sorted({match[1] for match in matches if match is not None}):
            parts.append(_day(part, table, day, in_order))
    if not parts:
        nothing = np.empty(0, np.int64)
        return OnDisk(np.empty(0, RECORDS.get(table, np.dtype("V1"))), nothing, nothing)
    return OnDisk(
        np.concatenate([part.records for part in parts]),
        np.concatenate([part.recv_ns for part in parts]),
        np.concatenate([part.event_ns for part in parts]),
        sum(part.torn for part in parts),
        sum(part.unsorted for part in parts),
    )


def _day(folder: Path, table: str, day: str, in_order: bool) -> OnDisk:
    kinds = columns_of(table)
    data = {name: _bytes(folder / f"{name}.{day}.bin") for name in kinds}
    lengths = {name: len(data[name]) / kind.itemsize for name, kind in kinds.items()}
    rows = int(min(lengths.values()))
    torn = int(np.ceil(max(lengths.values()))) - rows
    columns = {
        name: np.frombuffer(data[name], kind, count=rows) if rows else np.empty(0, kind)
        for name, kind in kinds.items()
    }
    prefix = "trade_" if table == "TRADES" else ""
    event_ns = _ns(columns[f"{prefix}time"], columns[f"{prefix}nanos"])
    recv_ns = _ns(columns["recv_time"], columns["recv_nanos"])
    records = np.zeros(rows, RECORDS.get(table, np.dtype("V1")))
    for name in records.dtype.names or ():
        records[name] = event_ns if name == "event_ns" else columns[name]
    unsorted = int((np.diff(event_ns) < 0).sum()) if in_order else 0
    return OnDisk(records, recv_ns, event_ns, torn, unsorted)


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _ns(seconds: Array, nanos: Array) -> Array:
    return np.asarray(seconds.astype(np.int64) * 10**9 + nanos)


def _gaps(paths: Iterable[Path]) -> dict[str, list[dict[str, Any]]]:
    """The holes that count by table: the last line about each, unless it says healed."""
    newest: dict[tuple[object, ...], dict[str, Any]] = {}
    for path in paths:
        for line in path.read_text().splitlines():
            gap = json.loads(line)
            if gap["table"] is None:  # the first line is about no hole
                continue
            ids = (gap["table"], gap["from_id"], gap["to_id"])
            newest[*ids, gap["from_ns"] if None in ids else None] = gap
    by_table: dict[str, list[dict[str, Any]]] = {}
    for gap in newest.values():
        if not gap["healed"]:
            by_table.setdefault(gap["table"], []).append(gap)
    return by_table
