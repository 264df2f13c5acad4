"""The oracle of the faults reads column files and gaps files by their description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.faults_rig.figures import Hole
from scripts.faults_rig.oracle import newest_ns, read, rows_on_disk, standing

SECOND = 10**9
DAYS = ("30.11.26", "01.12.26")


def line(**keys: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """A line of a gaps file: a hole of ids 5 to 9, if nothing else is said."""
    usual = {"table": "TRADES", "from_id": 5, "to_id": 9, "from_ns": 100, "to_ns": 200,
             "cause": "disconnect", "healed": False}  # fmt: skip
    return usual | keys


BY_TIME = {"from_id": None, "to_id": None}
OPEN = {**BY_TIME, "to_ns": None}


@pytest.mark.parametrize(
    ("lines", "holes"),
    [
        ([], []),
        ([line(table=None, cause="header", **BY_TIME)], []),
        ([line(table="BOOK")], []),
        ([line(cause="stray"), line(cause="renumbered")], []),
        ([line()], [Hole(100, 200, (5, 9))]),
        ([line(**BY_TIME)], [Hole(100, 200)]),
        ([line(**OPEN)], [Hole(100, None)]),
        # A later line about it closes one that is open, whether or not it has ids.
        ([line(**OPEN), line()], [Hole(100, 200, (5, 9))]),
        ([line(**OPEN), line(**BY_TIME, healed="stream")], []),
        ([line(**OPEN), line(from_ns=101)], [Hole(100, None), Hole(101, 200, (5, 9))]),
        ([line(**OPEN), line(cause="silent")], [Hole(100, None), Hole(100, 200, (5, 9))]),
        # Healing takes ids out, in the middle and at both ends.
        ([line(), line(healed="rest")], []),
        (
            [line(), line(from_id=6, to_id=7, healed="rest")],
            [Hole(100, 200, (5, 5)), Hole(100, 200, (8, 9))],
        ),
        ([line(), line(from_id=1, to_id=6, healed="rest")], [Hole(100, 200, (7, 9))]),
        ([line(), line(from_id=9, to_id=20, healed="void")], [Hole(100, 200, (5, 8))]),
        ([line(), line(from_id=1, to_id=6, from_ns=99, healed="rest")], [Hole(100, 200, (5, 9))]),
        # As earlier versions wrote it: of all lines before it.
        ([line(), line(from_id=5, to_id=8, from_ns=None, healed="late")], [Hole(100, 200, (9, 9))]),
        # Without ids, only the same line.
        ([line(**BY_TIME), line(**BY_TIME, healed="rest")], []),
        ([line(**BY_TIME), line(**BY_TIME, to_ns=201, healed="rest")], [Hole(100, 200)]),
        ([line(**BY_TIME), line(**BY_TIME, cause="silent", healed="rest")], [Hole(100, 200)]),
        # What comes after a healing line stands.
        ([line(), line(healed="rest"), line(from_id=7)], [Hole(100, 200, (7, 9))]),
    ],
)  # fmt: skip
def test_what_all_lines_together_say(lines: list[dict[str, Any]], holes: list[Hole]) -> None:
    """By the three rules of the page on files."""
    assert standing(lines) == holes


def write(folder: Path, day: str, ids: list[int], secs: list[int], origin: int | None) -> None:
    """Columns of these trades."""
    folder.mkdir(parents=True, exist_ok=True)
    columns: dict[str, np.ndarray[Any, Any]] = {
        "trade_id": np.array(ids, "<u8"),
        "recv_time": np.array(secs, "<u4"),
        "recv_nanos": np.full(len(ids), 7, "<u4"),
        "trade_time": np.array(secs, "<u4"),
    }
    if origin is not None:
        columns["origin"] = np.full(len(ids), origin, "u1")
    for name, values in columns.items():
        (folder / f"{name}.{day}.bin").write_bytes(values.tobytes())


def test_rows_of_all_days_and_late_ones(tmp_path: Path) -> None:
    """In a folder whose name is not the symbol's; each with its origin."""
    folder = tmp_path / "kraken" / "BTC%2FUSD"
    write(folder / "TRADES", DAYS[1], [4, 5], [40, 50], None)
    write(folder / "TRADES", DAYS[0], [1, 2, 3], [10, 20, 30], None)
    write(folder / "late" / "TRADES", DAYS[1], [9], [60], 2)
    (folder / f"gaps.{DAYS[0]}.jsonl").write_text(json.dumps(line()) + "\n" + '{"tab')
    recorded = read(tmp_path, "kraken", "BTC/USD")
    assert recorded.ids.tolist() == [1, 2, 3, 4, 5, 9]
    assert recorded.recv_ns.tolist() == [secs * SECOND + 7 for secs in (10, 20, 30, 40, 50, 60)]
    assert recorded.origin.tolist() == [0, 0, 0, 0, 0, 2]
    assert recorded.holes == [Hole(100, 200, (5, 9))]
    assert rows_on_disk(tmp_path, "kraken", "BTC/USD") == 6
    assert newest_ns(tmp_path, "kraken", "BTC/USD") == 50 * SECOND + 7


def test_only_whole_rows_count(tmp_path: Path) -> None:
    """A column that is shorter, or torn, ends them."""
    folder = tmp_path / "okx" / "BTC-USDT" / "TRADES"
    write(folder, DAYS[0], [1, 2, 3], [10, 20, 30], None)
    (folder / f"trade_id.{DAYS[0]}.bin").write_bytes(np.array([1, 2, 3], "<u8").tobytes()[:-1])
    assert read(tmp_path, "okx", "BTC-USDT").ids.tolist() == [1, 2]


def test_nothing_is_there(tmp_path: Path) -> None:
    """No rows, no holes."""
    recorded = read(tmp_path, "okx", "BTC-USDT")
    assert (len(recorded.ids), recorded.holes, newest_ns(tmp_path, "okx", "BTC-USDT")) == (0, [], 0)
