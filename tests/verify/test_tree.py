"""Verification: silent about good recordings, and one finding for each thing that is wrong."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.fakes.sim_disk import SimDisk
from tests.storage.recording import (
    NAMES,
    SYMBOL,
    adding,
    appended,
    checked,
    column,
    cut,
    dense,
    poke,
    record,
    removed,
    summary,
)
from tests.storage.sample import DAY, MIDNIGHT_NS, NAN, SECOND, flush, numbered, run
from tests.storage.stored import put
from tick_logger.errors import StorageError
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import SPECS, Table
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.format_file import Width, describe
from tick_logger.storage.store import Store
from tick_logger.verify import table as table_check
from tick_logger.verify.holes import Holes
from tick_logger.verify.report import Kind, Report
from tick_logger.verify.tree import verify

INF = float("inf")


@pytest.fixture(params=[2, 262_144], autouse=True)
def chunk_rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is found across the borders of chunks as well."""
    monkeypatch.setattr(table_check, "CHUNK_ROWS", request.param)


# -- good recordings -------------------------------------------------------------------------------


def test_good_recording_on_disk(tmp_path: Path) -> None:
    """What the program writes passes, and is counted."""
    files = DiskFiles(tmp_path)
    record(files)
    report = verify(files, dense=dense)
    files.close()
    assert report == Report(exchanges=2, symbols=3, table_days=9, rows=31, holes=Holes(1))
    assert report.ok


@pytest.mark.parametrize("path", [f"{SYMBOL}/TRADES", SYMBOL.split("/")[0]])
@pytest.mark.parametrize("wait", [None, lambda: None])
def test_what_cannot_be_read_is_a_finding(path: str, wait: Callable[[], None] | None) -> None:
    """All else is checked, also beside a recorder."""
    files = SimDisk()
    record(files)
    files.fail("read", "size", number=errno.EIO, path=f"{path}/*")
    report = verify(files, dense=dense, wait=wait)
    assert {each.kind for each in report.findings} == {Kind.UNREADABLE}
    assert {each.path for each in report.findings if each.path == SYMBOL} == {SYMBOL}
    assert 0 < report.rows < 31


def test_empty_root() -> None:
    """Nothing is wrong with nothing."""
    assert verify(MemoryFiles(), dense=dense) == Report()


@pytest.mark.parametrize("price_dtype", ["f8", None])
def test_wide_prices_pass(price_dtype: str | None) -> None:
    """The width of prices is found out, or given."""
    files = MemoryFiles()
    put(Store(files, NAMES, Schemas.first("f8")), flush(run(Table.BOOK, numbered(1, 3))))
    assert verify(files, dense=dense, price_dtype=price_dtype).ok


@pytest.mark.parametrize(
    "change",
    [
        poke(column("MD", "price"), 1, "f", NAN),
        poke(column("MD", "volume"), 1, "f", 0.0),
        poke(column("MD", "side"), 1, "I", 2),
        poke(column("MD", "best_ask"), 1, "f", 0.0),
        poke(column("TRADES", "trade_size"), 1, "f", NAN),
        poke(column("QUOTES", "best_bid"), 1, "f", NAN),
        poke(column("BOOK", "size"), 1, "f", 0.0),
        poke(column("MD", "recv_time"), 1, "I", 7),
        poke(f"{SYMBOL}/late/TRADES/trade_time.01.02.24.bin", 0, "I", MIDNIGHT_NS // SECOND),
    ],
)
def test_unusual_values_that_may_be(change: Callable[[MemoryFiles], None]) -> None:
    """Fields that were not sent, sizes of zero, empty sides, any receive time."""
    assert checked(change).ok


def test_late_rows_may_come_in_any_order() -> None:
    """That is why they are apart."""
    assert checked(adding(Table.QUOTES, *numbered(3, 3), *numbered(2, 2), late=True)).ok


def test_rows_without_ids_may_be_equal() -> None:
    """Nothing tells a repetition from an equal row."""
    row = {"seq": 0, "event_ns": MIDNIGHT_NS + 50 * SECOND}
    assert checked(*(adding(table, row, row) for table in Table)).ok


def test_a_snapshot_may_be_repeated() -> None:
    """It is asked for again after a reconnect, and nothing may have moved."""
    row = {"seq": 30, "event_ns": MIDNIGHT_NS + 50 * SECOND, "flags": 1}
    assert checked(adding(Table.BOOK, row, row)).ok


def test_a_side_of_a_snapshot_may_be_empty() -> None:
    """It has a row without a price, whose size is 0; nothing else may lack one."""
    row = {"seq": 30, "event_ns": MIDNIGHT_NS + 50 * SECOND, "price": NAN, "size": 0.0, "flags": 1}
    assert checked(adding(Table.BOOK, {**row, "side": 1}, {**row, "side": 0})).ok
    for wrong in ({**row, "flags": 0}, {**row, "size": 1.0}):
        report = checked(adding(Table.BOOK, wrong))
        assert summary(report) == [(column("BOOK", "price"), Kind.VALUE, 1, 8)]


def test_day_without_rows() -> None:
    """A process that could not write the first row of a day leaves empty files."""
    assert checked(appended(column("MD", "price", "03.02.24"), b"")).ok


# -- one thing wrong -------------------------------------------------------------------------------


REQUIRED = [file.name for file in SPECS[Table.MD].files if file.required]


@pytest.mark.parametrize("name", REQUIRED)
def test_missing_column(name: str) -> None:
    """Whichever it is."""
    report = checked(removed(column("MD", name)))
    assert summary(report) == [(column("MD", name), Kind.MISSING_COLUMN, 3, None)]


def test_torn_record() -> None:
    """Bytes beyond the last whole record."""
    path = column("MD", "price")
    assert summary(checked(appended(path, b"x"))) == [(path, Kind.TORN, 1, 3)]


@pytest.mark.parametrize("name", REQUIRED)
def test_shorter_column(name: str) -> None:
    """The rows that not all columns have."""
    report = checked(cut(column("MD", name), 4))
    assert summary(report) == [(f"{SYMBOL}/MD/*.01.02.24.bin", Kind.UNEQUAL, 1, 2)]
    assert f"{name} 2" in report.findings[0].detail


def test_mixed_price_widths() -> None:
    """The width that fewer table-days have is the wrong one."""
    files = MemoryFiles()
    record(files)
    rows = run(Table.QUOTES, numbered(1, 2, instrument=1))
    put(Store(files, NAMES, Schemas.first("f8")), flush(rows))
    report = verify(files, dense=dense)
    assert summary(report) == [("venue/A%2FB/QUOTES/*.01.02.24.bin", Kind.WIDTH, 1, None)]


def test_given_price_width() -> None:
    """All table-days have another one than was asked for."""
    files = MemoryFiles()
    record(files)
    report = verify(files, dense=dense, price_dtype="f8")
    assert [(each.kind, each.count) for each in report.findings] == [(Kind.WIDTH, 9)]


@pytest.mark.parametrize("row", [1, 2])
def test_rows_out_of_order(row: int) -> None:
    """A row older than the one before it."""
    path = column("MD", "time")
    report = checked(poke(path, row, "I", MIDNIGHT_NS // SECOND))
    # The row after an early one is in order again.
    assert summary(report) == [(path, Kind.ORDER, 1, row)]


def test_rows_out_of_order_by_nanoseconds() -> None:
    """Within a second the nanoseconds decide."""
    rows = [{"event_ns": MIDNIGHT_NS + 50 * SECOND + nanos} for nanos in (2, 1)]
    report = checked(*(adding(Table.MD, row) for row in rows))
    assert summary(report) == [(column("MD", "time"), Kind.ORDER, 1, 4)]


@pytest.mark.parametrize("late", [False, True])
def test_rows_of_another_day(late: bool) -> None:
    """Late rows too belong to the day of their event."""
    table = "late/TRADES" if late else "TRADES"
    path = column(table, "trade_time")
    row = 0 if late else 4
    report = checked(poke(path, row, "I", MIDNIGHT_NS // SECOND + 86_400))
    assert summary(report) == [(path, Kind.DAY, 1, row)]


@pytest.mark.parametrize("name", ["nanos", "recv_nanos"])
def test_nanoseconds_out_of_range(name: str) -> None:
    """A second has a thousand million of them."""
    path = column("QUOTES", name)
    assert summary(checked(poke(path, 3, "I", 10**9))) == [(path, Kind.NANOS, 1, 3)]


@pytest.mark.parametrize(
    ("table", "name", "form", "value"),
    [
        ("MD", "price", "f", 0.0),
        ("MD", "price", "f", -1.0),
        ("MD", "price", "f", INF),
        ("MD", "volume", "f", -1.0),
        ("MD", "volume", "f", INF),
        ("MD", "side", "I", 3),
        ("MD", "best_bid", "f", -1.0),
        ("MD", "best_ask", "f", INF),
        ("TRADES", "trade_price", "f", NAN),
        ("TRADES", "trade_price", "f", 0.0),
        ("TRADES", "trade_price", "f", INF),
        ("TRADES", "trade_size", "f", -1.0),
        ("TRADES", "trade_side", "I", 256),
        ("QUOTES", "best_bid", "f", -1.0),
        ("QUOTES", "best_bid_size", "f", -INF),
        ("QUOTES", "best_ask", "f", INF),
        ("QUOTES", "best_ask_size", "f", -1.0),
        ("BOOK", "side", "I", 2),
        ("BOOK", "price", "f", NAN),
        ("BOOK", "price", "f", 0.0),
        ("BOOK", "size", "f", -1.0),
        ("BOOK", "flags", "I", 2),
        ("late/TRADES", "trade_price", "f", -1.0),
    ],
)
def test_values_out_of_range(table: str, name: str, form: str, value: float) -> None:
    """Each column has values that no exchange can have sent."""
    path = column(table, name)
    assert summary(checked(poke(path, 0, form, value))) == [(path, Kind.VALUE, 1, 0)]


@pytest.mark.parametrize(
    ("change", "path", "row"),
    [
        (adding(Table.TRADES, *numbered(7, 7)), column("TRADES", "trade_id"), 5),
        (
            adding(
                Table.TRADES,
                {"seq": 2, "event_ns": MIDNIGHT_NS + 86_450 * SECOND},
                {"seq": 11, "event_ns": MIDNIGHT_NS + 86_460 * SECOND},
                day=DAY + 1,
            ),
            column("TRADES", "trade_id", "02.02.24"),
            3,
        ),
        (
            adding(Table.TRADES, *numbered(5, 5), late=True),
            column("late/TRADES", "trade_id"),
            1,
        ),
        (adding(Table.TRADES, *numbered(2, 2), late=True), column("TRADES", "trade_id"), 1),
        (adding(Table.QUOTES, *numbered(16, 16)), column("QUOTES", "update_id"), 5),
        (adding(Table.QUOTES, *numbered(12, 12), late=True), column("QUOTES", "update_id"), 1),
        (
            adding(Table.QUOTES, *numbered(13, 13), late=True),
            column("late/QUOTES", "update_id"),
            1,
        ),
    ],
)
def test_duplicates(change: Callable[[MemoryFiles], object], path: str, row: int) -> None:
    """In one file, over days, late and main; the row that is checked later is the one reported."""
    assert summary(checked(change)) == [(path, Kind.DUPLICATE, 1, row)]


def test_duplicate_book_level() -> None:
    """The same level of the same update, received twice at different times."""
    row: dict[str, object] = {"seq": 30, "event_ns": MIDNIGHT_NS + 50 * SECOND}
    other = {**row, "price": 7.0}
    again = {**row, "recv_ns": MIDNIGHT_NS + 60 * SECOND}
    report = checked(adding(Table.BOOK, row, other, again))
    assert summary(report) == [(column("BOOK", "update_id"), Kind.DUPLICATE, 1, 10)]


def test_unreadable_gap_line() -> None:
    """It is named; the other lines of the file still count."""
    path = f"{SYMBOL}/gaps.01.02.24.jsonl"
    assert summary(checked(appended(path, b"{\n"))) == [(path, Kind.GAP_LINE, 1, 1)]


@pytest.mark.parametrize(
    "path",
    [
        "time.01.02.24.bin",
        "venue/time.01.02.24.bin",
        f"{SYMBOL}/time.01.02.24.bin",
        f"{SYMBOL}/MD/time.32.02.24.bin",
    ],
)
def test_stray_column_files(path: str) -> None:
    """A file that looks like rows, but whose rows nobody would read."""
    assert summary(checked(appended(path, b"1234"))) == [(path, Kind.STRAY, 1, None)]


def test_a_column_of_an_unknown_name_is_left_alone() -> None:
    """A later version may have written it; the day is whole without it."""
    path = f"{SYMBOL}/MD/other.01.02.24.bin"
    report = checked(appended(path, b"1234"))
    assert report.ok
    assert report.notes == [f"{path}: a column that is not known here; left alone"]


@pytest.mark.parametrize("path", ["README", "venue/notes", f"{SYMBOL}/MD/x.bin", "x/y/z"])
def test_strange_files_are_noted(path: str) -> None:
    """They harm nobody."""
    report = checked(appended(path, b"x"))
    assert report.ok
    assert report.notes == [f"{path}: no part of a recording"]
    assert (report.exchanges, report.symbols) == (2, 3)


@pytest.mark.parametrize(
    "path",
    [
        "venue/undecodable.01.02.24.jsonl",
        "venue/certificate.01.02.24.1.json",
        "journal/lock",
        "journal/extents.3.0",
        "journal/damaged/00000007.tlj.1",
    ],
)
def test_what_else_belongs_to_a_recording_is_known(path: str) -> None:
    """Beside the symbols, at the top, and in the journal's folder."""
    line = b'{"recv_ns": 1, "reason": "odd", "bytes": 0, "payload": ""}\n'
    report = checked(appended(path, line))
    assert (report.ok, report.notes) == (True, [])


def test_the_description_of_the_format_is_checked() -> None:
    """One that was written passes, one that cannot be read is a finding, a newer one is refused."""

    def described(change: bytes) -> MemoryFiles:
        files = MemoryFiles()
        record(files)
        files.append("format.json", describe([Width("f4")]).replace(b'"version": 2', change))
        return files

    assert verify(described(b'"version": 2'), dense=dense).ok
    report = verify(described(b'"version": two'), dense=dense)
    assert summary(report) == [("format.json", Kind.FORMAT, 1, None)]
    with pytest.raises(StorageError, match="newer version of the program"):
        verify(described(b'"version": 99'), dense=dense)
