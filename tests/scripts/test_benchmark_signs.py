"""What the benchmark reads from a recorder's files and log, on files whose content is known."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from scripts.benchmark.signs import receipt, said, wake_ups

DAY = "01.12.26.bin"


def _column(folder: Path, name: str, values: list[int]) -> None:
    np.array(values, "<u4").tofile(folder / f"{name}.{DAY}")


def test_how_late_receive_times_are(tmp_path: Path) -> None:
    """Over a change of seconds, too; what was sent before does not count."""
    _column(tmp_path, "trade_time", [9, 10, 10, 11])
    _column(tmp_path, "trade_nanos", [0, 0, 999_000_000, 0])
    _column(tmp_path, "recv_time", [19, 10, 11, 10])
    _column(tmp_path, "recv_nanos", [0, 2_000_000, 3_000_000, 999_000_000])
    found = receipt([tmp_path, tmp_path / "nothing"], "trade_", since=10.0)
    assert found == pytest.approx({"recv_p50_ms": 2.0, "recv_p99_ms": 3.96, "recv_least_ms": -1.0})
    assert receipt([], "", since=0.0) == {}


def test_what_the_log_says(tmp_path: Path) -> None:
    """The line that is being written does not count."""
    events = ["behind", "overflow", "behind", "connected"]
    text = "".join(json.dumps({"event": event}) + "\n" for event in events)
    (tmp_path / "log").write_text(text + '{"event": "beh')
    assert said(tmp_path / "log") == {"behind": 2, "overflows": 1}


def test_wake_ups_are_counted() -> None:
    """Those of this process, which has slept before."""
    assert wake_ups(os.getpid()) > 0
