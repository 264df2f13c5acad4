"""Every width of prices, a column that is just coming, and files that are not as they should be."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

import tick_logger
from tests.reader import oracle
from tests.reader.checking import METHODS, PUBLIC, same
from tests.reader.recorded import Recorder
from tests.storage.sample import numbered
from tick_logger import DamagedError, Rows
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import Table
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.format_file import Width, write_format

BTC = "venue:BTC-USD"
DATE = "01.02.24"
EXACT = 84106.09
HALF = struct.unpack("<f", struct.pack("<f", EXACT))[0]
"""What an f4 makes of it."""


def path(root: Path, column: str, table: str = "TRADES") -> Path:
    return root / "venue" / "BTC-USD" / table / f"{column}.{DATE}.bin"


def trades(root: Path, **how: Any) -> Rows:  # noqa: ANN401
    return tick_logger.open(root).trades(BTC, "2024-02-01", **how)


def described(root: Path, *widths: str) -> None:
    """With the file that a recorder writes before the first row."""
    files = DiskFiles(root)
    write_format(files, [Width(width) for width in widths])
    files.close()


def test_a_day_that_began_as_f4_and_went_on_as_f4_with_rest(tmp_path: Path) -> None:
    """The rows from before are read as their f4, those behind as they were sent."""
    Recorder(tmp_path, "f4").write(Table.TRADES, numbered(1, 3, price=EXACT))
    Recorder(tmp_path, "f4+rest").write(Table.TRADES, numbered(4, 6, price=EXACT))
    assert trades(tmp_path).numpy("price").tolist() == [HALF] * 3 + [EXACT] * 3
    described(tmp_path, "f4", "f4+rest")
    assert trades(tmp_path).numpy("price").tolist() == [HALF] * 3 + [EXACT] * 3


@pytest.mark.parametrize("filled", [0, 1, 2])
def test_a_rest_that_is_just_being_filled_up(tmp_path: Path, filled: int) -> None:
    """No row has one yet: all are read as their f4."""
    Recorder(tmp_path, "f4").write(Table.TRADES, numbered(1, 3, price=EXACT))
    path(tmp_path, "rest").write_bytes(bytes(8 * filled))
    assert trades(tmp_path).numpy("price").tolist() == [HALF] * 3


def test_an_origin_that_is_just_being_filled_up(tmp_path: Path) -> None:
    """Late rows of the first version came late on the stream."""
    Recorder(tmp_path, "f4").write(Table.TRADES, numbered(1, 3), late=True)
    origin = tmp_path / "venue" / "BTC-USD" / "late" / "TRADES" / f"origin.{DATE}.bin"
    for content in (b"", b"\1", b"\1\1"):
        origin.write_bytes(content)
        assert trades(tmp_path).numpy("origin").tolist() == [1, 1, 1]
    origin.unlink()
    assert trades(tmp_path, late="only").numpy("origin").tolist() == [1, 1, 1]


@pytest.mark.parametrize("table", ["MD", "TRADES", "QUOTES", "BOOK"])
@pytest.mark.parametrize("width", ["f4", "f4+rest", "f8"])
@pytest.mark.parametrize("columns", range(1, 10))
def test_rows_that_are_being_appended(tmp_path: Path, table: str, width: str, columns: int) -> None:
    """Some columns have ten times as many rows already: the width of prices is known all the same.

    By their sizes alone, prices of 20 rows in four bytes are those of 10 in eight.
    """
    recorder = Recorder(tmp_path, width)
    recorder.write(Table(table), numbered(1, 1, price=EXACT))
    described(tmp_path, width)
    before = oracle.rows(tmp_path / "venue" / "BTC-USD", table, width[:2])
    spec = Schemas.written(width).of[Table(table), False]
    for column in spec.names[: min(columns, len(spec.names) - 1)]:
        file = path(tmp_path, column, table)
        file.write_bytes(file.read_bytes() * 10)
    found = getattr(tick_logger.open(tmp_path), METHODS[table])(BTC, 0, columns=PUBLIC[table])
    same(found, before, PUBLIC[table])


@pytest.mark.parametrize("width", ["f4", "f8"])
def test_a_directory_of_the_first_version(tmp_path: Path, width: str) -> None:
    """No description, no `rest`, no `origin`."""
    rows = numbered(1, 4, price=EXACT, size=1e-8)
    recorder = Recorder(tmp_path, width)
    recorder.schemas = Schemas.first(width)
    recorder.write(Table.TRADES, rows[:3])
    recorder.write(Table.TRADES, rows[3:], late=True)
    assert not list(tmp_path.rglob("rest.*"))
    assert not list(tmp_path.rglob("origin.*"))
    found = trades(tmp_path, columns=PUBLIC["TRADES"])
    folder = tmp_path / "venue" / "BTC-USD"
    same(found, oracle.rows(folder, "TRADES", width), PUBLIC["TRADES"])
    assert found.numpy("origin").tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("content", [None, 0.5, 0.0])
@pytest.mark.parametrize(
    ("file", "column"),
    [
        ("trade_id", "id"),
        ("trade_price", "price"),
        ("trade_side", "side"),
        ("maker_order_id", "maker_order_id"),
        ("recv_time", "recv_ts"),
        ("recv_nanos", "recv_ts"),
        ("trade_nanos", "ts"),
    ],
)
def test_a_column_is_missing_or_too_short(
    tmp_path: Path, file: str, column: str, content: float | None
) -> None:
    """That is said of the column, and all others are read."""
    Recorder(tmp_path).write(Table.TRADES, numbered(1, 5, price=EXACT))
    damaged = path(tmp_path, file)
    whole = damaged.read_bytes()
    damaged.unlink() if content is None else damaged.write_bytes(whole[: int(len(whole) * content)])
    found = trades(tmp_path, columns=PUBLIC["TRADES"])
    assert len(found) == 5
    with pytest.raises(DamagedError, match=rf"TRADES: {file} of 2024-02-01 has \d of 5 rows"):
        found.numpy(column)
    for other in set(PUBLIC["TRADES"]) - {column}:
        assert len(found.numpy(other)) == 5


def test_a_rest_that_lost_rows(tmp_path: Path) -> None:
    """Prices without it would be wrong in silence; all else is read."""
    Recorder(tmp_path).write(Table.TRADES, numbered(1, 5, price=EXACT))
    rest = path(tmp_path, "rest")
    rest.write_bytes(rest.read_bytes()[:-8])
    with pytest.raises(DamagedError, match="rest of 2024-02-01 has 4 of 5 rows"):
        trades(tmp_path).numpy("price")
    assert trades(tmp_path).numpy("id").tolist() == [1, 2, 3, 4, 5]
    begun = trades(tmp_path, columns=["price"])
    assert next(iter(begun.chunks(4))).numpy("price").tolist() == [EXACT] * 4


def test_a_file_that_becomes_shorter_between_two_looks(tmp_path: Path) -> None:
    """What was counted is not there any more: that is said, and nothing is made up."""
    Recorder(tmp_path).write(Table.TRADES, numbered(1, 5))
    found = trades(tmp_path)
    assert len(found) == 5
    ids = path(tmp_path, "trade_id")
    ids.write_bytes(ids.read_bytes()[:-3])
    with pytest.raises(DamagedError, match="became shorter"):
        found.numpy("id")


def test_a_time_column_without_rows_is_no_day(tmp_path: Path) -> None:
    """Whatever else lies there."""
    Recorder(tmp_path).write(Table.TRADES, numbered(1, 5))
    path(tmp_path, "trade_time").write_bytes(b"\0\0\0")
    assert len(trades(tmp_path)) == 0
    path(tmp_path, "trade_time").unlink()
    assert trades(tmp_path).numpy("price").tolist() == []


@pytest.mark.parametrize("content", [b"", b"{", b'{"price_dtypes": []}', b'{"price_dtypes": 7}'])
def test_a_description_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    """The sizes of the files tell the width then."""
    Recorder(tmp_path, "f8").write(Table.TRADES, numbered(1, 5, price=EXACT))
    (tmp_path / "format.json").write_bytes(content)
    assert trades(tmp_path).numpy("price").tolist() == [EXACT] * 5


def test_the_description_of_a_newer_version(tmp_path: Path) -> None:
    """Columns that nobody knows yet are left alone."""
    Recorder(tmp_path, "f8").write(Table.TRADES, numbered(1, 5, price=EXACT))
    path(tmp_path, "funding").write_bytes(b"what is it")
    described(tmp_path, "f8")
    text = (tmp_path / "format.json").read_text()
    (tmp_path / "format.json").write_text(text.replace('"version": 2', '"version": 3'))
    assert trades(tmp_path).numpy("price").tolist() == [EXACT] * 5
