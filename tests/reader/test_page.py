"""The page on reading is true: all its code runs, one block after the other."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import tick_logger
from tests.documents import ROOT, rows, section
from tests.reader.example import DAY, write_example
from tests.reader.kept import Kept
from tests.reader.test_places import legacy
from tick_logger.reader.columns import COLUMNS, EXCHANGE, SYMBOL
from tick_logger.reader.frames import numpy_of

PAGE = ROOT / "tick_logger" / "reader" / "README.md"
_BLOCK = re.compile(r"(?ms)^```python\n(.*?)^```$")
NOT_OURS = "matplotlib"
"""No dependency: code that plots is shown, and only read."""


def test_all_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As somebody types it who reads the page from its beginning."""
    write_example(tmp_path / "data")
    kept = Kept(tmp_path / "data", tmp_path / "archive")
    for exchange in ("coinbase", "kraken"):
        kept.pack(DAY, exchange)
    legacy(tmp_path / "more", "ETH-USD")
    monkeypatch.chdir(tmp_path)
    blocks = _BLOCK.findall(PAGE.read_text())
    assert len(blocks) > 12
    known: dict[str, Any] = {}
    for block in blocks:
        ast.parse(block)
        if NOT_OURS not in block:
            exec(compile(block, str(PAGE), "exec"), known)
    assert known["trades"].height == 600
    assert {path.name for path in tmp_path.glob("BTC*")} == {
        "BTC-USD.trades.parquet",
        "BTC-USD.trades.csv",
    }


def test_the_table_of_columns_has_all_of_them(tmp_path: Path) -> None:
    """With the dtypes that numpy gives."""
    documented = {}
    for names, meaning, dtype, frame in rows(section(PAGE.read_text(), "## What comes back")):
        assert meaning
        assert frame
        for name in re.findall(r"`(\w+)`", names):
            documented[name] = dtype
    every = {column.name: column for columns in COLUMNS.values() for column in columns}
    every |= {column.name: column for column in (EXCHANGE, SYMBOL)}
    assert documented.keys() == every.keys()
    for name, column in every.items():
        kind = "16 bytes" if column.kind.dtype == "V16" else f"`{column.kind.dtype}`"
        assert documented[name].startswith(kind), name
    found = tick_logger.open(write_example(tmp_path)).trades("*:*", 0, columns=["exchange", "ts"])
    content = found.content
    assert [numpy_of(content, c, 0, 1).dtype for c in content.columns] == ["O", "M8[ns]"]
