"""A real recorder writes meanwhile: each look is a beginning of the next."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import polars
import pytest

import tick_logger
from tick_logger import Recording, Rows

ROOT = Path(__file__).parents[2]
LOOKS = 4
"""So many times there are more rows than at the look before, however slow the machine is."""
PATIENCE_SECS = 120.0
SYMBOL = "binance:*"
ASKED = ("trades", "quotes", "ticker", "book_updates")
"""Of a venue that has all of them, and whose messages come all the time."""


def look(rec: Recording) -> dict[str, Rows]:
    """Rows in order of each table, as they are now."""
    return {name: getattr(rec, name)(SYMBOL, 0, late="drop") for name in ASKED}


def frames(rows: dict[str, Rows]) -> dict[str, polars.DataFrame]:
    return {name: each.polars() for name, each in rows.items()}


def rows_in(found: dict[str, polars.DataFrame]) -> int:
    return sum(frame.height for frame in found.values())


def assert_begins_with(now: polars.DataFrame, before: polars.DataFrame) -> None:
    """Each symbol's rows are those of before, and perhaps more."""
    for (symbol,), rows in before.group_by("symbol"):
        same = now.filter(polars.col("symbol") == symbol).head(rows.height)
        assert same.height == rows.height, symbol
        assert same.equals(rows, null_equal=True), symbol


@pytest.mark.slow
def test_rows_that_were_seen_once_stay(tmp_path: Path) -> None:
    """In all columns, and those behind them are whole; `Rows` stay what they were."""
    data = tmp_path / "data"
    command = [sys.executable, "-m", "tick_logger", "demo", "--data-path", str(data)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as recorder:
        while not list(data.glob("binance/*/BOOK/time.*")):
            assert recorder.poll() is None, "it ended without a row"
        rec = tick_logger.open(data)
        first = look(rec)
        kept = frames(first)
        before, grown = kept, 0
        while grown < LOOKS:
            assert recorder.poll() is None, "it ended by itself"
            now = frames(look(rec))
            for name, frame in before.items():
                assert_begins_with(now[name], frame)
            grown += rows_in(now) > rows_in(before)
            before = now
        recorder.send_signal(signal.SIGINT)
        assert recorder.wait(PATIENCE_SECS) == 0
    at_last = frames(look(rec))
    assert rows_in(at_last) > rows_in(kept)
    for name, frame in before.items():
        assert_begins_with(at_last[name], frame)
        assert kept[name].equals(first[name].polars(), null_equal=True)
