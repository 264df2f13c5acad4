"""Short prices are packed with all their digits where the journal still has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.upgrade.fixture import load, write
from tick_logger.archive.jobs import Folders
from tick_logger.archive.ledger import Ledger
from tick_logger.archive.packing import day_jobs
from tick_logger.archive.running import run_job
from tick_logger.derive.recovery import recover_directory
from tick_logger.derive.replay import entries_of
from tick_logger.journal.reader import JournalReader
from tick_logger.model.entries import Received
from tick_logger.reader.opening import source_at
from tick_logger.storage.disk_files import DiskFiles

DAY = 20_786  # 2026-11-29


def recovered(folder: Path) -> Path:
    """What an earlier version recorded with "f4", with all that its journal gives."""
    data = write(load("small").files, folder / "data")
    recover_directory(
        DiskFiles(data), "data", 0, accept_damage=False, on_progress=lambda _messages, _share: None
    )
    return data


def sent(data: Path) -> dict[int, tuple[float, float]]:
    """Price and size of each trade by id, from the texts of the messages."""
    found = {}
    for frame in JournalReader(DiskFiles(data), from_seq=1):
        for entry in entries_of(frame):
            if not isinstance(entry, Received):
                continue
            begin = 0
            for length in entry.lengths.tolist():
                payload, begin = entry.payloads[begin : begin + length], begin + length
                try:
                    said = json.loads(payload)
                except (ValueError, RecursionError):
                    continue
                trade = said.get("data", said) if isinstance(said, dict) else {}
                if isinstance(trade, dict) and trade.get("e") == "trade":
                    found[int(trade["t"])] = float(trade["p"]), float(trade["q"])
    return found


def packed(data: Path, root: Path) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """By table: what the object says of itself, and its columns."""
    files = DiskFiles(root)
    files.prepare()
    found = {}
    folders = Folders(str(data), str(root), "here")
    for job in day_jobs(folders, source_at(data), Ledger(files), "binance", DAY):
        for made in run_job(job).made:
            file = pq.ParquetFile(root / made.key)
            about = json.loads(file.schema_arrow.metadata[b"tick_logger"])
            found[made.table] = about, file.read().to_pydict()
    return found


def test_every_digit_that_was_sent(tmp_path: Path) -> None:
    """Of every table; trades as the messages' texts say."""
    data = recovered(tmp_path)
    texts, found = sent(data), packed(data, tmp_path / "archive")
    assert set(found) == {"trades", "ticker", "quotes", "book_updates"}
    assert {about["inexact"] for about, _ in found.values()} == {0}
    _, trades = found["trades"]
    assert len(trades["id"]) > 10
    for number, price, size in zip(trades["id"], trades["price"], trades["size"], strict=True):
        assert (price, size) == texts[number]
    assert any(float(np.float32(price)) != price for price in trades["price"])


@pytest.mark.parametrize("what", ["no journal", "other rows"])
def test_what_the_journal_does_not_give_stays(tmp_path: Path, what: str) -> None:
    """As it is on disk, and counted."""
    data = recovered(tmp_path)
    if what == "no journal":
        for path in (data / "journal").iterdir():
            path.unlink()
    else:
        (path,) = data.glob("binance/*/TRADES/trade_size.29.11.26.bin")
        path.write_bytes(b"\x00" * 4 + path.read_bytes()[4:])
    about, trades = packed(data, tmp_path / "archive")["trades"]
    (path,) = data.glob("binance/*/TRADES/trade_price.29.11.26.bin")
    assert about["inexact"] == about["rows"] == len(trades["price"])
    on_disk = np.fromfile(path, "<f4").astype(float).tolist()
    assert set(on_disk) <= set(trades["price"])
