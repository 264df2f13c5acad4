"""The path scheme and its inverse."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.storage.sample import DAY
from tick_logger.model.tables import SPECS, Table
from tick_logger.storage.layout import (
    FIRST_DAY,
    LAST_DAY,
    ColumnPath,
    GapsPath,
    InstrumentsPath,
    column_path,
    day_of_text,
    day_text,
    folder_of,
    gaps_path,
    instruments_path,
    looks_like_column_file,
    parse,
    symbol_of,
    table_folder,
)

names = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(
    ["", ".", "..", "...", "%", "%2F", "%%", "/", "a/b", "\x00", ".hidden", "a.b", "ö/", "\ud800"]
)
days = st.integers(FIRST_DAY, LAST_DAY)
tables = st.sampled_from(Table)


@pytest.mark.parametrize(
    ("where", "path"),
    [
        (
            ColumnPath("venue", "BTC-USD", Table.TRADES, False, "trade_price", DAY),
            "venue/BTC-USD/TRADES/trade_price.01.02.24.bin",
        ),
        (
            ColumnPath("venue", "BTCUSDT", Table.MD, True, "time", DAY + 29),
            "venue/BTCUSDT/late/MD/time.01.03.24.bin",
        ),
    ],
)
def test_column_path(where: ColumnPath, path: str) -> None:
    """Column files lie where the file format says."""
    assert column_path(where) == path
    assert parse(path) == where


def test_gaps_path() -> None:
    """The gaps file lies beside the tables."""
    where = GapsPath("venue", "BTC-USD", DAY)
    assert gaps_path(where) == "venue/BTC-USD/gaps.01.02.24.jsonl"
    assert parse("venue/BTC-USD/gaps.01.02.24.jsonl") == where


def test_instruments_path() -> None:
    """The instruments file lies beside the symbols."""
    where = InstrumentsPath("venue", DAY)
    assert instruments_path(where) == "venue/instruments.01.02.24.json"
    assert parse("venue/instruments.01.02.24.json") == where


@pytest.mark.parametrize(
    ("symbol", "folder"),
    [
        ("BTC/USD", "BTC%2FUSD"),
        ("", "%"),
        (".", "%2E"),
        ("..", "%2E."),
        (".x.y", "%2Ex.y"),
        ("a\x00b", "a%00b"),
        ("100%", "100%25"),
        ("tBTC:USD", "tBTC:USD"),
        ("ÖTZI", "ÖTZI"),
    ],
)
def test_unsafe_symbols(symbol: str, folder: str) -> None:
    """Only the offending characters are encoded."""
    assert folder_of(symbol) == folder
    assert symbol_of(folder) == symbol


@given(names)
def test_every_symbol_is_one_safe_component(symbol: str) -> None:
    """Whatever an exchange calls it, its folder is inside the exchange's, and is found again."""
    folder = folder_of(symbol)
    assert folder
    assert not folder.startswith(".")
    assert "/" not in folder
    assert b"\x00" not in folder.encode()
    assert symbol_of(folder) == symbol


@given(names, names, tables, st.booleans(), days, st.data())
def test_column_paths_are_found_again(
    exchange: str, symbol: str, table: Table, late: bool, day: int, data: st.DataObject
) -> None:
    """`parse` undoes `column_path`."""
    column = data.draw(st.sampled_from([file.name for file in SPECS[table].files]))
    where = ColumnPath(exchange, symbol, table, late, column, day)
    assert parse(column_path(where)) == where
    assert column_path(where).startswith(table_folder(exchange, symbol, table, late=late) + "/")


@given(names, names, days)
def test_gaps_paths_are_found_again(exchange: str, symbol: str, day: int) -> None:
    """`parse` undoes `gaps_path`."""
    where = GapsPath(exchange, symbol, day)
    assert parse(gaps_path(where)) == where


@given(names, days)
def test_instruments_paths_are_found_again(exchange: str, day: int) -> None:
    """`parse` undoes `instruments_path`."""
    where = InstrumentsPath(exchange, day)
    assert parse(instruments_path(where)) == where


@given(days)
def test_day_text(day: int) -> None:
    """Days are written as the calendar says, and are unambiguous."""
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=day)
    assert day_text(day) == f"{date.day:02}.{date.month:02}.{date.year % 100:02}"
    assert day_of_text(day_text(day)) == day


@pytest.mark.parametrize("day", [FIRST_DAY - 1, LAST_DAY + 1])
def test_days_without_a_name(day: int) -> None:
    """Two digits cannot name every year."""
    with pytest.raises(ValueError, match=f"day {day} has no place"):
        day_text(day)


@pytest.mark.parametrize(
    "path",
    [
        "time.01.02.24.bin",
        "venue/BTC/time.01.02.24.bin",
        "venue/BTC/MD/extra/time.01.02.24.bin",
        "venue/BTC/early/MD/time.01.02.24.bin",
        "venue/BTC/OTHER/time.01.02.24.bin",
        "venue/BTC/MD/trade_id.01.02.24.bin",
        "venue/BTC/MD/time.31.02.24.bin",
        "venue/BTC/MD/time.1.2.24.bin",
        "venue/.BTC/MD/time.01.02.24.bin",
        "venue/BTC%2f/MD/time.01.02.24.bin",
        "venue/BTC%41/MD/time.01.02.24.bin",
        "venue/BTC%FF/MD/time.01.02.24.bin",
        "venue//MD/time.01.02.24.bin",
    ],
)
def test_other_column_files_are_strangers(path: str) -> None:
    """A path that the program would not write is not taken for one that it did."""
    assert parse(path) is None
    assert looks_like_column_file(path) is (path != "venue/BTC/MD/time.1.2.24.bin")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "venue/BTC",
        "venue/gaps.01.02.24.jsonl",
        "venue/BTC/gaps.01.13.24.jsonl",
        "instruments.01.02.24.json",
        "venue/instruments.01.13.24.json",
        "venue/instruments.01.02.24.json.new",
        "venue/BTC/instruments.01.02.24.json",
        ".venue/instruments.01.02.24.json",
    ],
)
def test_other_files_are_strangers(path: str) -> None:
    """Nor is anything else."""
    assert parse(path) is None
    assert not looks_like_column_file(path)
