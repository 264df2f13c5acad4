"""What is on disk of the trades of one symbol, as the format's description has it.

It shares no code with the recorder.  What is not whole in every column that is read is left out,
as a reader of whole rows would.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from scripts.faults_rig.figures import Array, Hole, Recorded

TABLE = "TRADES"
ABOUT_NO_HOLE = ("header", "renumbered", "stray")
"""Causes of lines that tell of something else."""


def read(data: Path, venue: str, symbol: str) -> Recorded:
    """The rows of all days, late ones included, and the holes that stand."""
    folder = folder_of(data, venue, symbol)
    parts = [_rows(folder / TABLE, late=False), _rows(folder / "late" / TABLE, late=True)]
    ids, recv_ns, origin = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    lines: list[dict[str, Any]] = []
    for path in sorted(folder.glob("gaps.*.jsonl"), key=_day) + sorted(
        (folder / "late").glob("gaps.*.jsonl"), key=_day
    ):
        text = path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]  # a process that was cut may leave half a line
        lines += map(json.loads, whole.splitlines())
    return Recorded(ids, recv_ns, origin, standing(lines))


def folder_of(data: Path, venue: str, symbol: str) -> Path:
    """Where a symbol lies, which may have a character that no folder can have."""
    return data / venue / quote(symbol, safe="")


def rows_on_disk(data: Path, venue: str, symbol: str) -> int:
    """How many trades are on disk, late ones included."""
    folder = folder_of(data, venue, symbol)
    paths = [*(folder / TABLE).glob("trade_time.*.bin")]
    paths += (folder / "late" / TABLE).glob("trade_time.*.bin")
    return sum(path.stat().st_size for path in paths) // 4


def newest_ns(data: Path, venue: str, symbol: str) -> int:
    """When the newest trade that is not late was received; 0 if there is none."""
    recv_ns = _rows(folder_of(data, venue, symbol) / TABLE, late=False)[1]
    return int(recv_ns[-1]) if len(recv_ns) else 0


def standing(lines: Iterable[dict[str, Any]]) -> list[Hole]:
    """The holes in trades that all lines of gaps files together tell of, in their order."""
    stand: list[tuple[dict[str, Any], list[tuple[int, int]]]] = []  # a line, its ids still missing
    for line in lines:
        if line["table"] != TABLE or line["cause"] in ABOUT_NO_HOLE:
            continue
        stand = [(earlier, ids) for earlier, ids in stand if not _closes(line, earlier)]
        if not line["healed"]:
            known = line["from_id"] is not None
            stand.append((line, [(line["from_id"], line["to_id"])] if known else []))
        else:
            stand = [healed for each in stand if (healed := _healed(*each, line)) is not None]
    holes = []
    for line, ids in stand:
        from_ns, to_ns = line["from_ns"] or 0, line["to_ns"]
        holes += [Hole(from_ns, to_ns, each) for each in ids] or [Hole(from_ns, to_ns)]
    return holes


def _closes(line: dict[str, Any], earlier: dict[str, Any]) -> bool:
    """Whether the earlier line was open, and this one is about the same hole."""
    return earlier["to_ns"] is None and all(
        earlier[key] == line[key] for key in ("cause", "from_ns")
    )


def _healed(
    earlier: dict[str, Any], ids: list[tuple[int, int]], line: dict[str, Any]
) -> tuple[dict[str, Any], list[tuple[int, int]]] | None:
    """What is left of an earlier line after a healing one; None if nothing is."""
    if line["from_ns"] is not None and line["from_ns"] != earlier["from_ns"]:
        return earlier, ids
    if line["from_id"] is None:
        same = all(earlier[key] == line[key] for key in ("cause", "to_ns"))
        return None if same else (earlier, ids)
    if not ids:
        return earlier, ids
    first, last = line["from_id"], line["to_id"]
    left = [
        part
        for low, high in ids
        for part in ((low, min(high, first - 1)), (max(low, last + 1), high))
        if part[0] <= part[1]
    ]
    return (earlier, left) if left else None


def _rows(folder: Path, *, late: bool) -> tuple[Array, Array, Array]:
    """Ids, receive times in ns, and origins (0 where there are none) of one folder's rows."""
    days = sorted(folder.glob("trade_time.*.bin"), key=_day)
    ids, times, origins = [np.empty(0, "<u8")], [np.empty(0, np.int64)], [np.empty(0, np.uint8)]
    for path in days:
        day = path.name.removeprefix("trade_time.")
        names = [("trade_id", "<u8"), ("recv_time", "<u4"), ("recv_nanos", "<u4")]
        names += [("origin", "u1")] if late and (folder / f"origin.{day}").exists() else []
        columns = [_column(folder / f"{name}.{day}", kind) for name, kind in names]
        count = min(path.stat().st_size // 4, *map(len, columns))
        ids.append(columns[0][:count])
        times.append(columns[1][:count].astype(np.int64) * 10**9 + columns[2][:count])
        found = columns[3][:count] if len(columns) > 3 else np.full(count, late, np.uint8)
        origins.append(found.astype(np.uint8))
    return np.concatenate(ids), np.concatenate(times), np.concatenate(origins)


def _column(path: Path, kind: str) -> Array:
    data = path.read_bytes() if path.exists() else b""
    size = np.dtype(kind).itemsize
    return np.frombuffer(data[: len(data) - len(data) % size], kind)


def _day(path: Path) -> list[str]:
    """The day in a file's name, year first."""
    return path.name.split(".")[-4:-1][::-1]
