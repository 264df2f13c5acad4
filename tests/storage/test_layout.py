"""The path scheme and its inverse."""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.storage.sample import DAY
from tests.storage.test_names import DAYS, NAMES
from tick_logger.model.tables import SPECS, Table
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.journal_layout import SegmentPath
from tick_logger.storage.layout import (
    FORMAT_PATH,
    CertificatePath,
    ColumnPath,
    FormatPath,
    GapsPath,
    InstrumentsPath,
    UndecodablePath,
    UnwrittenPath,
    certificate_path,
    column_path,
    gaps_path,
    instruments_path,
    is_stray,
    looks_like_column_file,
    objection_to,
    parse,
    table_folder,
    undecodable_path,
    unwritten_path,
)
from tick_logger.storage.names import day_text

tables = st.sampled_from(Table)

CALLED_LIKE_FILES = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["instruments.", "undecodable.", "certificate.", "INSTRUMENTS."]),
        DAYS.map(day_text),
        st.sampled_from(["", ".3"]),
        st.sampled_from([".json", ".jsonl", ".json.new", ".jsonl.new", ".JSON"]),
    ),
) | st.integers(60, 300).flatmap(
    lambda n: st.sampled_from(["X", "/", "\x1b", "\u5e01"]).map(lambda each: each * n)
)


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


def test_undecodable_path() -> None:
    """Payloads kept aside lie beside the symbols."""
    where = UndecodablePath("venue", DAY)
    assert undecodable_path(where) == "venue/undecodable.01.02.24.jsonl"
    assert parse("venue/undecodable.01.02.24.jsonl") == where


def test_unwritten_path() -> None:
    """Records without a gaps file lie beside the exchanges."""
    assert unwritten_path(UnwrittenPath(DAY)) == "unwritten.01.02.24.jsonl"
    assert parse("unwritten.01.02.24.jsonl") == UnwrittenPath(DAY)


@given(NAMES | CALLED_LIKE_FILES, DAYS, st.sampled_from(Table), st.booleans())
def test_a_name_is_refused_or_has_a_place_of_its_own(
    symbol: str, day: int, table: Table, late: bool
) -> None:
    """On a real disk: it stays in its exchange's folder, beside every file that is ours there."""
    with TemporaryDirectory() as root:
        files = DiskFiles(root, max_open=8)
        venue = ("venue", day)
        ours = [
            instruments_path(InstrumentsPath(*venue)),
            undecodable_path(UndecodablePath(*venue)),
            certificate_path(CertificatePath(*venue, 3)),
        ]
        for path in ours:
            files.replace(path, b"ours")
        if objection_to(symbol):
            return
        column = SPECS[table].time_column
        theirs = [
            column_path(ColumnPath("venue", symbol, table, late, column, day)),
            gaps_path(GapsPath("venue", symbol, day)),
        ]
        for path in theirs:
            files.append(path, b"theirs")
        files.close()
        assert sorted(files.list(recursive=True)) == sorted([*ours, *theirs])
        assert {len(os.path.normpath(path).split("/")) for path in theirs} <= {3, 4, 5}
        for path in ours:
            files.replace(path, b"ours again")


def test_certificate_path() -> None:
    """So do certificates, of which a day may have several."""
    where = CertificatePath("venue", DAY, 12)
    assert certificate_path(where) == "venue/certificate.01.02.24.12.json"
    assert parse("venue/certificate.01.02.24.12.json") == where


def test_other_files_of_a_data_directory() -> None:
    """The description lies at the top; the journal has a folder, which is no exchange's."""
    assert FORMAT_PATH == "format.json"
    assert parse("format.json") == FormatPath()
    assert parse("journal/00000007.tlj") == SegmentPath(7)
    assert parse("journal/instruments.01.02.24.json") is None
    assert parse("journal/BTC/gaps.01.02.24.jsonl") is None


@given(NAMES, NAMES, tables, st.booleans(), DAYS, st.data())
def test_column_paths_are_found_again(
    exchange: str, symbol: str, table: Table, late: bool, day: int, data: st.DataObject
) -> None:
    """`parse` undoes `column_path`."""
    column = data.draw(st.sampled_from([file.name for file in SPECS[table].files]))
    where = ColumnPath(exchange, symbol, table, late, column, day)
    assert parse(column_path(where)) == where
    assert column_path(where).startswith(table_folder(exchange, symbol, table, late=late) + "/")


@given(NAMES, NAMES, DAYS)
def test_gaps_paths_are_found_again(exchange: str, symbol: str, day: int) -> None:
    """`parse` undoes `gaps_path`."""
    where = GapsPath(exchange, symbol, day)
    assert parse(gaps_path(where)) == where


@given(NAMES, DAYS)
def test_instruments_paths_are_found_again(exchange: str, day: int) -> None:
    """`parse` undoes `instruments_path`."""
    where = InstrumentsPath(exchange, day)
    assert parse(instruments_path(where)) == where


@given(NAMES, DAYS, st.integers(1, 10**6))
def test_paths_beside_the_symbols_are_found_again(exchange: str, day: int, number: int) -> None:
    """`parse` undoes `undecodable_path` and `certificate_path`."""
    aside = UndecodablePath(exchange, day)
    assert parse(undecodable_path(aside)) == aside
    certificate = CertificatePath(exchange, day, number)
    assert parse(certificate_path(certificate)) == certificate


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
    assert is_stray(path) is looks_like_column_file(path)


def test_a_column_file_in_its_place_is_not_stray() -> None:
    """Its name alone would not tell."""
    assert looks_like_column_file("venue/BTC/MD/time.01.02.24.bin")
    assert not is_stray("venue/BTC/MD/time.01.02.24.bin")


@pytest.mark.parametrize(
    "symbol",
    [
        "",
        ".",
        "..",
        "BTC/USD",
        "%",
        "X" * 255,
        "\u5e01" * 85,
        "gaps.01.02.24.jsonl",
        "late",
        "journal",
        "unwritten.01.02.24.jsonl",
        "instruments.31.02.24.json",
        "\x1b[2J\u202e",
    ],
)
def test_symbols_that_can_be_recorded(symbol: str) -> None:
    """Whatever they look like, their paths are their own."""
    assert objection_to(symbol) == ""
    path = gaps_path(GapsPath("venue", symbol, 0))
    assert parse(path) == GapsPath("venue", symbol, 0)


@pytest.mark.parametrize(
    ("symbol", "reason"),
    [
        ("X" * 256, "its folder's name would have 256 bytes, and may have 255"),
        ("/" * 86, "its folder's name would have 258 bytes, and may have 255"),
        ("\u5e01" * 86, "its folder's name would have 258 bytes, and may have 255"),
        ("instruments.01.02.24.json", "a file of its exchange is called so"),
        ("undecodable.01.02.24.jsonl", "a file of its exchange is called so"),
        ("certificate.01.02.24.7.json", "a file of its exchange is called so"),
        ("INSTRUMENTS.01.02.24.JSON", "a file of its exchange is called so"),
        ("in\u017ftruments.01.02.24.json", "a file of its exchange is called so"),
        ("instruments.31.12.69.json.new", "a file of its exchange is called so"),
        ("Undecodable.01.01.70.jsonl.NEW", "a file of its exchange is called so"),
        ("\x1b" * 86, "its folder's name would have 258 bytes, and may have 255"),
    ],
)
def test_symbols_whose_folder_no_disk_takes(symbol: str, reason: str) -> None:
    """Too long as bytes on the disk, or the name of a file that lies there."""
    assert objection_to(symbol) == reason


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
        "venue/undecodable.1.2.24.jsonl",
        "venue/BTC/undecodable.01.02.24.jsonl",
        "venue/certificate.01.02.24.json",
        "venue/certificate.01.02.24.0.json",
        "venue/certificate.01.02.24.01.json",
        "venue/format.json",
        "format.json/",
        "journal",
    ],
)
def test_other_files_are_strangers(path: str) -> None:
    """Nor is anything else."""
    assert parse(path) is None
    assert not looks_like_column_file(path)
