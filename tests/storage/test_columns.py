"""Column files: their bytes."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.storage.sample import DAY, MIDNIGHT_NS, NAN, SECOND, flush, instruments, numbered, run
from tests.storage.stored import (
    MD,
    TRADES,
    column,
    put,
    store,
)
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import SPECS, Table
from tick_logger.storage.store import Store
from tick_logger.verify.tree import verify


def test_md_bytes() -> None:
    """Each column holds the plain little-endian records that the format promises."""
    files = MemoryFiles()
    rows = [
        {"event_ns": MIDNIGHT_NS + 7, "recv_ns": MIDNIGHT_NS - 1, "price": 61234.56, "side": 0},
        {"event_ns": MIDNIGHT_NS + 3 * SECOND, "volume": NAN, "side": 2, "best_bid": 0.0},
    ]
    put(store(files), flush(run(Table.MD, rows)))
    seconds = MIDNIGHT_NS // SECOND
    expected = {
        "time": struct.pack("<II", seconds, seconds + 3),
        "nanos": struct.pack("<II", 7, 0),
        "price": struct.pack("<ff", 61234.56, 100.5),
        "volume": struct.pack("<ff", 0.25, NAN),
        "side": b"\x00\x00\x00\x00\x02\x00\x00\x00",
        "best_bid": struct.pack("<ff", 100.25, 0.0),
        "best_ask": struct.pack("<ff", 100.75, 100.75),
        "recv_time": struct.pack("<II", seconds - 1, seconds + 5),
        "recv_nanos": struct.pack("<II", 999_999_999, 17),
    }
    assert {path.split("/")[-1].split(".")[0] for path in files.contents} == set(expected)
    for name, data in expected.items():
        assert column(files, MD, name) == data, name


def test_trades_bytes() -> None:
    """Ids have eight bytes and order ids sixteen."""
    files = MemoryFiles()
    rows = [{"seq": 2**40 + 1, "maker": bytes(range(16)), "side": 1, "price": 0.1, "size": 1e-8}]
    put(store(files), flush(run(Table.TRADES, rows)))
    assert column(files, TRADES, "trade_id") == struct.pack("<Q", 2**40 + 1)
    assert column(files, TRADES, "maker_order_id") == bytes(range(16))
    assert column(files, TRADES, "taker_order_id") == b"t" * 16
    assert column(files, TRADES, "trade_price") == struct.pack("<f", 0.1)
    assert column(files, TRADES, "trade_size") == struct.pack("<f", 1e-8)
    assert column(files, TRADES, "trade_side") == b"\x01\x00\x00\x00"
    assert column(files, TRADES, "trade_time") == struct.pack("<I", MIDNIGHT_NS // SECOND + 4)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            Table.QUOTES,
            {
                "update_id": struct.pack("<Q", 9),
                "best_bid": struct.pack("<d", 0.1),
                "best_bid_size": struct.pack("<d", 2.0),
                "best_ask": struct.pack("<d", 100.75),
                "best_ask_size": struct.pack("<d", 3.0),
            },
        ),
        (
            Table.BOOK,
            {
                "update_id": struct.pack("<Q", 9),
                "side": struct.pack("<I", 1),
                "price": struct.pack("<d", 100.5),
                "size": struct.pack("<d", 0.25),
                "flags": struct.pack("<I", 1),
            },
        ),
    ],
)
def test_wide_prices(table: Table, expected: dict[str, bytes]) -> None:
    """With "f8" all prices and sizes are doubles, and nothing else changes."""
    files = MemoryFiles()
    row = {"seq": 9, "best_bid": 0.1, "flags": 1}
    put(store(files, "f8"), flush(run(table, [row])))
    for name, data in expected.items():
        assert column(files, f"venue/BTC-USD/{table}", name) == data, name
    for name in ("time", "nanos", "recv_time", "recv_nanos"):
        assert len(column(files, f"venue/BTC-USD/{table}", name)) == 4


SMALLEST, LARGEST = 2.0**-149, float(np.finfo("f4").max)


@pytest.mark.parametrize("width", ["f4", "f4+rest"])
@pytest.mark.parametrize(
    ("sent", "found"),
    [(1e300, LARGEST), (3.5e38, LARGEST), (1e-46, SMALLEST), (5e-324, SMALLEST), (7e-46, SMALLEST)],
)
def test_a_price_beyond_the_range_of_four_bytes(width: str, sent: float, found: float) -> None:
    """It is neither 0 nor infinite, is counted as inexact, and all promises hold."""
    files = MemoryFiles()
    made = Store(files, instruments(), Schemas.written(width))
    put(made, flush(run(Table.MD, [{"price": 1.5}, {"price": sent}, {"price": NAN}])))
    put(made, flush(run(Table.TRADES, [{"seq": 1, "price": sent, "size": sent}])))
    prices = struct.unpack("<3f", column(files, MD, "price"))
    assert prices[:2] == (1.5, found)
    assert math.isnan(prices[2])
    assert struct.unpack("<f", column(files, TRADES, "trade_size")) == (found,)
    assert made.take_inexact().total() == 3
    assert verify(files, dense=lambda *_: False).ok


def test_a_size_that_is_tiny_deletes_no_level() -> None:
    """Only one of 0 does, and it stays 0."""
    files = MemoryFiles()
    made = Store(files, instruments(), Schemas.written("f4"))
    put(made, flush(run(Table.BOOK, [{"size": 1e-50}, {"size": 0.0}])))
    sizes = struct.unpack("<2f", column(files, "venue/BTC-USD/BOOK", "size"))
    assert sizes == (SMALLEST, 0.0)
    assert made.take_inexact().total() == 1


def test_time_column_is_written_last() -> None:
    """Its length is what readers rely on."""
    for table, spec in SPECS.items():
        files = MemoryFiles()
        put(store(files), flush(run(table, [{}])))
        assert list(files.contents)[-1].split("/")[-1] == f"{spec.time_column}.01.02.24.bin"


def test_runs_go_to_their_own_files() -> None:
    """Symbols, tables, days and late rows are kept apart; the counts say what was written."""
    files = MemoryFiles()
    made = store(files)
    put(
        made,
        flush(
            run(Table.TRADES, numbered(1, 2)),
            run(Table.MD, [{}]),
            run(Table.TRADES, numbered(7, 9, instrument=2)),
            run(Table.TRADES, numbered(3, 3, day=DAY + 1), day=DAY + 1),
            run(Table.TRADES, []),
            run(Table.TRADES, numbered(5, 6), late=True),
        ),
    )
    ids = {
        path: [number for (number,) in struct.iter_unpack("<Q", data)]
        for path, data in files.contents.items()
        if "/trade_id." in path
    }
    assert ids == {
        "venue/BTC-USD/TRADES/trade_id.01.02.24.bin": [1, 2],
        "venue/BTC-USD/TRADES/trade_id.02.02.24.bin": [3],
        "venue/BTC-USD/late/TRADES/trade_id.01.02.24.bin": [5, 6],
        "venue/A%2FB/TRADES/trade_id.01.02.24.bin": [7, 8, 9],
    }


def test_flushes_follow_each_other() -> None:
    """Rows are appended, by one process or by the next."""
    files = MemoryFiles()
    first = store(files)
    put(first, flush(run(Table.TRADES, numbered(1, 2))))
    put(first, flush(run(Table.TRADES, numbered(3, 3))))
    second = store(files)
    put(second, flush(run(Table.TRADES, numbered(4, 4))))
    assert column(files, TRADES, "trade_id") == struct.pack("<4Q", 1, 2, 3, 4)
    assert first.take_repairs() == second.take_repairs() == []


@pytest.mark.parametrize(("width", "form"), [("f4", "f"), ("f4+rest", "f"), ("f8", "d")])
def test_an_empty_side_is_written_in_any_width(width: str, form: str) -> None:
    """NaN and 0, nothing in the rest, and no price that has lost digits."""
    files = MemoryFiles()
    made = Store(files, instruments(), Schemas.written(width))
    empty = {"price": NAN, "size": 0.0, "flags": 1}
    put(made, flush(run(Table.BOOK, [{**empty, "side": 1}, {**empty, "side": 0}])))
    folder = "venue/BTC-USD/BOOK"
    price = struct.unpack(f"<2{form}", column(files, folder, "price"))
    assert all(math.isnan(each) for each in price)
    assert column(files, folder, "size") == bytes(2 * struct.calcsize(form))
    if width == "f4+rest":
        assert column(files, folder, "rest") == bytes(2 * 2 * 4)
    assert made.take_inexact() == {}
    assert verify(files, dense=lambda *_: False).ok
