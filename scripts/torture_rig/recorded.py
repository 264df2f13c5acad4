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
    """The holes that count by table: those that are open, and those that no line heals as a whole.

    Of files of earlier versions the last line about the same ids counts.
    """
    by_table: dict[str, list[dict[str, Any]]] = {}
    for path in paths:
        for text in path.read_text().splitlines():
            line = json.loads(text)
            if line["table"] is None:  # the first line is about no hole
                continue
            holes = by_table.setdefault(line["table"], [])
            holes[:] = [hole for hole in holes if not _is_settled(hole, line)]
            if not line["healed"]:
                holes.append(line)
    return {table: holes for table, holes in by_table.items() if holes}


def _is_settled(hole: dict[str, Any], line: dict[str, Any]) -> bool:
    """Whether a later line closes it, or heals all of it."""
    begins = hole["cause"] == line["cause"] and hole["from_ns"] == line["from_ns"]
    if hole["to_ns"] is None and begins:
        return True
    if hole["from_id"] is None or line["from_id"] is None:
        same = (hole["from_id"], hole["to_ns"]) == (line["from_id"], line["to_ns"])
        return bool(line["healed"]) and begins and same
    about_it = line["from_ns"] is None or hole["from_ns"] == line["from_ns"]
    within = line["from_id"] <= hole["from_id"] and hole["to_id"] <= line["to_id"]
    return bool(line["healed"]) and about_it and within
