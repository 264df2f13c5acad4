"""Where recordings lie: odd names, an earlier logger's layout, links, several directories."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tick_logger
from tests.reader.recorded import Recorder
from tests.storage.sample import numbered
from tick_logger import NotRecordedError, OverlapError
from tick_logger.model.tables import Table

DAY = "2024-02-01"
ODD = ["A/B", "50%", "%2F", "a:b", "a\u202eb", "", "*", "BTC?", "[x]", ".hidden", "..", "a b", "MD"]


def recorded(root: Path, *names: tuple[str, str], **how: Any) -> Recorder:  # noqa: ANN401
    """A trade of each, whose id is its place in the list."""
    recorder = Recorder(root, names=names, **how)
    for number in range(len(names)):
        recorder.write(Table.TRADES, numbered(number, number), of=number)
    return recorder


@pytest.mark.parametrize("symbol", ODD, ids=ascii)
def test_symbols_of_any_spelling(tmp_path: Path, symbol: str) -> None:
    """As they are written, never as a path or a pattern; and listed so."""
    recorded(tmp_path, *(("venue", each) for each in ODD))
    rec = tick_logger.open(tmp_path)
    assert rec.symbols() == tuple(f"venue:{each}" for each in sorted(ODD))
    assert rec.trades(f"venue:{symbol}", DAY).numpy("id").tolist() == [ODD.index(symbol)]
    assert set(rec.trades(f"venue:{symbol}", DAY, columns=["symbol"]).numpy("symbol")) == {symbol}


def test_patterns(tmp_path: Path) -> None:
    """Of symbols, of exchanges, of both; each symbol once, and together."""
    recorded(tmp_path, ("one", "BTC-USD"), ("one", "BTC-EUR"), ("two", "BTC-USD"), ("two", "ETH"))
    rec = tick_logger.open(tmp_path)
    for pattern, found in (
        ("one:*", ["one:BTC-EUR", "one:BTC-USD"]),
        ("*:BTC-USD", ["one:BTC-USD", "two:BTC-USD"]),
        ("*:*", ["one:BTC-EUR", "one:BTC-USD", "two:BTC-USD", "two:ETH"]),
        ("BTC-*", ["one:BTC-EUR", "one:BTC-USD", "two:BTC-USD"]),
        ("t??:[BE]*", ["two:BTC-USD", "two:ETH"]),
    ):
        assert rec.find(pattern) == tuple(found)
        rows = rec.trades(pattern, DAY).numpy()
        assert list(zip(rows["exchange"], rows["symbol"], strict=True)) == [
            tuple(each.split(":")) for each in found
        ]
    assert len(rec.trades(["*:*", "one:BTC-USD"], DAY)) == 4


@pytest.mark.parametrize("name", ["one:ETH", "nowhere:ETH", "x" * 3000, "one:" + "x" * 3000, "\0"])
def test_names_that_mean_nothing(tmp_path: Path, name: str) -> None:
    """However long: a `LookupError`."""
    recorded(tmp_path, ("one", "BTC-USD"))
    with pytest.raises(NotRecordedError):
        tick_logger.open(tmp_path).trades(name, DAY)


def test_what_a_system_puts_beside_exchanges(tmp_path: Path) -> None:
    """Is none, and is not looked into."""
    recorded(tmp_path, ("one", "BTC-USD"))
    for name in ("lost+found", ".Trash-1000", "System Volume Information", "journal"):
        (tmp_path / name / "folder").mkdir(parents=True)
    (tmp_path / "a file").write_text("")
    assert tick_logger.open(tmp_path).symbols() == ("one:BTC-USD",)


def legacy(root: Path, symbol: str, *, without: tuple[str, ...] = ()) -> None:
    """A ticker as an earlier logger wrote it: one exchange, whose name is nowhere."""
    folder = root / symbol / "MD"
    folder.mkdir(parents=True)
    columns: dict[str, Any] = {
        "price": np.array([1.5, 2.5], "<f4"), "volume": np.array([1, 2], "<f4"),
        "side": np.array([1, 0], "<u4"), "best_bid": np.array([1, 2], "<f4"),
        "best_ask": np.array([2, 3], "<f4"), "recv_time": np.array([1706745601] * 2, "<u4"),
        "recv_nanos": np.array([5, 6], "<u4"), "nanos": np.array([3, 4], "<u4"),
        "time": np.array([1706745600] * 2, "<u4"),
    }  # fmt: skip
    for name, values in columns.items():
        if name not in without:
            values.tofile(folder / f"{name}.01.02.24.bin")


@pytest.mark.parametrize("symbol", ["BTC-USD", "A%2FB", "50%", "MD"])
def test_the_layout_of_an_earlier_logger(tmp_path: Path, symbol: str) -> None:
    """Is recognised, and its symbols have no exchange."""
    legacy(tmp_path, symbol)
    name = {"A%2FB": "A/B"}.get(symbol, symbol)
    for rec in (tick_logger.open(tmp_path), tick_logger.open(tmp_path, layout="legacy")):
        assert rec.symbols() == (name,)
        found = rec.ticker(name, DAY).numpy()
        assert found["price"].tolist() == [1.5, 2.5]
        assert found["ts"].astype(np.int64).tolist() == [1706745600 * 10**9 + n for n in (3, 4)]
        assert found["recv_ts"].astype(np.int64).tolist() == [
            1706745601 * 10**9 + n for n in (5, 6)
        ]


def test_columns_that_an_earlier_logger_did_not_write(tmp_path: Path) -> None:
    """Are absent: NaN, unknown, no time."""
    legacy(tmp_path, "BTC-USD", without=("volume", "side", "recv_time", "recv_nanos"))
    rows = tick_logger.open(tmp_path).ticker("BTC-USD", DAY)
    found = rows.numpy()
    assert found["price"].tolist() == [1.5, 2.5]
    assert np.isnan(found["size"]).all()
    assert found["side"].tolist() == [0, 0]
    assert np.isnat(found["recv_ts"]).all()
    assert rows.polars()["recv_ts"].to_list() == rows.arrow()["recv_ts"].to_pylist() == [None] * 2
    assert rows.pandas()["recv_ts"].isna().all()


def test_links_for_programs_that_read_an_earlier_loggers_files(tmp_path: Path) -> None:
    """Beside the exchanges; they are no exchanges, and can be read as what they look like."""
    recorded(tmp_path, ("one", "BTC-USD"), ("one", "BOOK"))
    for symbol in ("BTC-USD", "BOOK"):
        (tmp_path / symbol).symlink_to(tmp_path / "one" / symbol, target_is_directory=True)
    assert tick_logger.open(tmp_path).symbols() == ("one:BOOK", "one:BTC-USD")
    rec = tick_logger.open(tmp_path, layout="legacy")
    assert rec.symbols() == ("BOOK", "BTC-USD")
    assert rec.trades("BTC-USD", DAY).numpy("id").tolist() == [0]


def test_several_directories_joined(tmp_path: Path) -> None:
    """Days of one symbol from both; symbols that only one has; the holes of both."""
    recorded(tmp_path / "a", ("one", "BTC-USD"), ("one", "A"))
    second = recorded(tmp_path / "b", ("two", "B"))
    second.names = (("one", "BTC-USD"),)
    second.write(Table.TRADES, numbered(7, 8, day=19_755))
    second.write(Table.QUOTES, numbered(1, 1))  # of a day of which the other has trades
    rec = tick_logger.open([tmp_path / "a", str(tmp_path / "b")])
    assert rec.symbols() == ("one:A", "one:BTC-USD", "two:B")
    assert rec.trades("one:BTC-USD", 0).numpy("id").tolist() == [0, 7, 8]
    assert rec.quotes("one:BTC-USD", 0).numpy("id").tolist() == [1]
    assert rec.trades("*", 0).numpy("symbol").tolist() == ["A", *["BTC-USD"] * 3, "B"]


def test_an_overlap_of_directories(tmp_path: Path) -> None:
    """Is an error that names both, as soon as the day is read, and no sooner."""
    for name in ("a", "b"):
        recorder = recorded(tmp_path / name, ("one", "BTC-USD"))
    recorder.write(Table.TRADES, numbered(5, 6, day=19_755))
    rec = tick_logger.open([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(OverlapError, match=r"/a and .*/b both have TRADES .* of 2024-02-01"):
        len(rec.trades("one:BTC-USD", 0))
    assert rec.trades("one:BTC-USD", "2024-02-02").numpy("id").tolist() == [5, 6]
    with pytest.raises(OverlapError):
        tick_logger.open([tmp_path / "a"] * 2).trades("one:BTC-USD", DAY, by="received").numpy()


def test_an_empty_day_overlaps_with_nothing(tmp_path: Path) -> None:
    """A time column without rows is no day."""
    for name in ("a", "b"):
        recorded(tmp_path / name, ("one", "BTC-USD"))
    for file in (tmp_path / "b").rglob("trade_time.*"):
        file.write_bytes(b"")
    rec = tick_logger.open([tmp_path / "b", tmp_path / "a"])
    assert rec.trades("one:BTC-USD", DAY).numpy("id").tolist() == [0]


def test_without_permission_to_write(tmp_path: Path) -> None:
    """All is read, and nothing is made, not even by whoever might."""
    recorded(tmp_path, ("one", "BTC-USD"))
    before = {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")}
    for path in (tmp_path, *before):
        path.chmod(0o555 if path.is_dir() else 0o444)
    rec = tick_logger.open(tmp_path)
    assert rec.trades("one:BTC-USD", DAY).polars().height == 1
    assert (rec.gaps(), rec.instruments()) == ((), ())
    assert {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    for path in (tmp_path, *before):
        path.chmod(0o755)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(tmp_path: Path) -> None:
    """An `OSError`, not an empty answer."""
    recorded(tmp_path, ("one", "BTC-USD"))
    (tmp_path / "one").chmod(0)
    with pytest.raises(OSError, match="denied"):
        tick_logger.open(tmp_path).trades("one:BTC-USD", DAY)
    (tmp_path / "one").chmod(0o755)


def test_an_empty_directory(tmp_path: Path) -> None:
    """Has no symbols and no holes; whoever asks for one is told so."""
    rec = tick_logger.open(tmp_path)
    assert (rec.symbols(), rec.gaps(), rec.instruments()) == ((), (), ())
    with pytest.raises(NotRecordedError):
        rec.trades("*", DAY)
    recorder = recorded(tmp_path, ("one", "BTC-USD"))
    assert len(rec.trades("*", DAY)) == 1  # it is live
    shutil.rmtree(recorder.folder)
