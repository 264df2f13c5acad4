"""What an older version recorded is read as plain Python reads it: no `rest`, no `origin`."""

from __future__ import annotations

from pathlib import Path

import pytest

import tick_logger
from tests.reader import oracle
from tests.reader.checking import METHODS, PUBLIC, same
from tests.upgrade.fixture import load


@pytest.mark.parametrize("late", ["merge", "drop", "only"])
@pytest.mark.parametrize("name", ["killed", "stopped"])
def test_all_rows(name: str, late: str, tmp_path: Path) -> None:
    """Of all exchanges, symbols and tables, by event and by receipt; late ones are of origin 1."""
    recorded = load(name)
    root = recorded.unpack(tmp_path)
    rec = tick_logger.open(root)
    symbols = [f"{venue}:{symbol}" for venue, names in recorded.venues.items() for symbol in names]
    assert rec.symbols() == tuple(sorted(symbols))
    rows = 0
    for symbol in symbols:
        venue, _, own = symbol.partition(":")
        folder = root / venue / own.replace("/", "%2F")
        for table, method in METHODS.items():
            for by in ("event", "received"):
                found = getattr(rec, method)(symbol, 0, columns=PUBLIC[table], late=late, by=by)
                expected = oracle.rows(folder, table, "f4", late=late, by=by)
                same(found, expected, PUBLIC[table])
                rows += len(expected)
    assert rows > 0 or late == "only"


def test_all_holes(tmp_path: Path) -> None:
    """Those of the older version's gaps files, with what an exchange can prove."""
    rec = tick_logger.open(load("killed").unpack(tmp_path))
    causes = {gap.cause for gap in rec.gaps()}
    assert causes >= {"restart", "resync"}
    assert "header" not in causes
    assert rec.trades("kraken:BTC/USD", 0).proof == "proven"
