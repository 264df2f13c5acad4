"""What cannot be written on a disk that works costs its own stream, and is told elsewhere."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.sim_disk import SimDisk
from tests.storage.sample import MIDNIGHT_NS, SECOND, flush, instruments, numbered, run
from tests.storage.stored import put
from tick_logger.model.cause import Cause
from tick_logger.model.entries import KeptAside
from tick_logger.model.flush import Flush, GapRecord
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import Table
from tick_logger.storage.appending import AppendError
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.files import Files
from tick_logger.storage.layout import MAX_NAME_BYTES
from tick_logger.storage.store import Store

NAMES = (("venue", "BTC-USD"), ("venue", "ETH-USD"), ("other", "BTC-USD"))
UNTOLD = "unwritten.01.02.24.jsonl"
BTC = "venue/BTC-USD"


def store(files: Files, *names: tuple[str, str]) -> Store:
    return Store(files, instruments(*(names or NAMES)), Schemas.first("f4"))


def everything(first: int, last: int, *, symbols: int = 3) -> Flush:
    """Trades and quotes of every symbol, with these ids."""
    return flush(
        *(
            run(table, numbered(first, last, instrument=number))
            for number in range(symbols)
            for table in (Table.TRADES, Table.QUOTES)
        )
    )


def tell(store: Store, given: Flush, asides: list[KeptAside] | None = None) -> None:
    """As a derivation does: once more, if something turned out while it was written."""
    put(store, given, asides or [])
    while store.untold:
        put(store, Flush())


def untold(files: Files) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files.read(UNTOLD).splitlines()]


def rows(files: Files, folder: str) -> int:
    """As a reader counts them."""
    name = "trade_time" if folder.endswith("TRADES") else "time"
    return files.size(f"{folder}/{name}.01.02.24.bin") // 4


def a_file(where: Path) -> None:
    where.parent.mkdir(parents=True, exist_ok=True)
    where.write_bytes(b"here first")


def a_dangling_link(where: Path) -> None:
    where.parent.mkdir(parents=True, exist_ok=True)
    where.symlink_to("nowhere")


def a_link_to_itself(where: Path) -> None:
    where.parent.mkdir(parents=True, exist_ok=True)
    where.symlink_to(where.name)


def a_folder(where: Path) -> None:
    where.mkdir(parents=True)


def a_pipe(where: Path) -> None:
    where.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(where)


def a_stray_column(where: Path) -> None:
    where.parent.mkdir(parents=True, exist_ok=True)
    where.write_bytes(bytes(8))


def a_day_of_another_width(where: Path) -> None:
    """As somebody brings it back who kept it from before the directory had its width."""
    files = DiskFiles(where.parents[3])
    made = Store(files, instruments(("venue", "BTC-USD")), Schemas.first("f8"))
    put(made, flush(run(Table.TRADES, numbered(1, 4))))
    files.close()
    assert where.stat().st_size == 4 * 8


OBSTACLES = [
    (a_day_of_another_width, f"{BTC}/TRADES/trade_price.01.02.24.bin"),
    (a_stray_column, f"{BTC}/TRADES/trade_time.01.02.24.bin"),
    (a_file, BTC),
    (a_file, f"{BTC}/TRADES"),
    (a_dangling_link, f"{BTC}/TRADES"),
    (a_link_to_itself, f"{BTC}/TRADES"),
    (a_link_to_itself, BTC),
    (a_folder, f"{BTC}/TRADES/trade_price.01.02.24.bin"),
    (a_folder, f"{BTC}/TRADES/trade_time.01.02.24.bin"),
    (a_pipe, f"{BTC}/TRADES/trade_id.01.02.24.bin"),
    (a_file, "venue"),
]


@pytest.mark.parametrize(("obstacle", "path"), OBSTACLES)
def test_what_is_in_the_way_costs_its_own_streams(
    tmp_path: Path, obstacle: Callable[[Path], None], path: str
) -> None:
    """All others are written in full, and a hole is told from the first row on."""
    files = DiskFiles(tmp_path)
    obstacle(tmp_path / path)
    mine = store(files)
    tell(mine, everything(1, 3))
    tell(mine, everything(4, 5))
    lost = {
        f"{exchange}/{symbol}/{table}"
        for exchange, symbol in NAMES
        for table in ("TRADES", "QUOTES")
        if f"{exchange}/{symbol}/{table}/".startswith(f"{path}/")
        or path.startswith(f"{exchange}/{symbol}/{table}/")
    }
    assert lost
    assert set(mine.unwritable) == lost
    for exchange, symbol in NAMES:
        for table in ("TRADES", "QUOTES"):
            folder = f"{exchange}/{symbol}/{table}"
            if folder not in lost:
                assert rows(files, folder) == 5, folder
    records = untold(files)
    assert {f"{r['exchange']}/{r['symbol']}/{r['table']}" for r in records} == lost
    assert len(records) == len(lost)
    for record in records:
        assert record["from_ns"] == MIDNIGHT_NS + SECOND + 9
        assert record["to_ns"] is None
        assert record["cause"] == "unwritable"
        assert record["reason"]
    assert sum(len(each.rows) for each in mine.take_lost()) == 5 * len(lost)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EILSEQ])
@pytest.mark.parametrize("operation", ["append", "size"])
@pytest.mark.parametrize("table", [Table.TRADES, Table.QUOTES])
def test_what_the_disk_refuses_for_one_name(number: int, operation: str, table: Table) -> None:
    """Whether it refuses to look or to write; a gaps file that is refused is told beside it."""
    disk = SimDisk()
    disk.fail(operation, number=number, path=f"{BTC}/{table}/*")
    disk.fail(operation, number=number, path=f"{BTC}/gaps*")
    mine = store(disk)
    gap = GapRecord(0, Table.QUOTES, None, None, MIDNIGHT_NS, MIDNIGHT_NS + 7, Cause.DISCONNECT)
    tell(mine, Flush(everything(1, 3).runs, (gap,)))
    assert set(mine.unwritable) == {f"{BTC}/{table}", f"{BTC}/gaps"}
    assert rows(disk, f"{BTC}/{'QUOTES' if table is Table.TRADES else 'TRADES'}") == 3
    assert rows(disk, "other/BTC-USD/TRADES") == 3
    causes = sorted((each["cause"], each["to_ns"]) for each in untold(disk))
    assert causes == [("disconnect", MIDNIGHT_NS + 7), ("unwritable", None)]


@pytest.mark.parametrize("path", [f"{BTC}/late", f"{BTC}/late/TRADES"])
def test_a_place_for_late_rows_alone(tmp_path: Path, path: str) -> None:
    """Those that are in order have theirs."""
    files = DiskFiles(tmp_path)
    a_file(tmp_path / path)
    mine = store(files)
    late = run(Table.TRADES, numbered(1, 1), late=True)
    tell(mine, flush(run(Table.TRADES, numbered(2, 4)), late))
    assert rows(files, f"{BTC}/TRADES") == 3
    assert set(mine.unwritable) == {f"{BTC}/late/TRADES"}
    assert [each["table"] for each in untold(files)] == ["TRADES"]


def test_a_stream_that_can_be_written_again(tmp_path: Path) -> None:
    """It is tried after a minute; its hole has an end then, in its own gaps file too."""
    files = DiskFiles(tmp_path)
    a_file(tmp_path / BTC)
    mine = store(files)
    tell(mine, everything(1, 3))
    (tmp_path / BTC).unlink()
    tell(mine, everything(4, 50))
    assert rows(files, f"{BTC}/TRADES") == 0
    tell(mine, everything(51, 64))
    assert rows(files, f"{BTC}/TRADES") == 14
    assert rows(files, f"{BTC}/QUOTES") == 14
    assert not mine.unwritable
    ends = {(each["table"], each["from_ns"], each["to_ns"]) for each in untold(files)}
    since, until = MIDNIGHT_NS + SECOND + 9, MIDNIGHT_NS + 50 * SECOND + 9
    both = ("TRADES", "QUOTES")
    assert ends == {(table, since, end) for table in both for end in (None, until)}
    own = [json.loads(line) for line in files.read(f"{BTC}/gaps.01.02.24.jsonl").splitlines()]
    assert {(each["table"], each["from_ns"], each["to_ns"]) for each in own} == {
        (table, since, until) for table in both
    }


def test_a_book_goes_on_with_a_snapshot(tmp_path: Path) -> None:
    """What changes before it would be put into a book that nobody has."""
    files = DiskFiles(tmp_path)
    a_file(tmp_path / BTC)
    mine = store(files)
    tell(mine, flush(run(Table.BOOK, numbered(1, 3, flags=1))))
    (tmp_path / BTC).unlink()
    for first in (100, 200, 300):
        tell(mine, flush(run(Table.BOOK, numbered(first, first + 9))))
    assert rows(files, f"{BTC}/BOOK") == 0
    mine.take_lost()
    both = [*numbered(390, 391), *numbered(400, 402, flags=1), *numbered(403, 404)]
    tell(mine, flush(run(Table.BOOK, both)))
    assert rows(files, f"{BTC}/BOOK") == 5
    assert [len(each.rows) for each in mine.take_lost()] == [2]
    assert untold(files)[-1]["to_ns"] == MIDNIGHT_NS + 391 * SECOND + 9


def test_one_that_is_tried_in_vain_says_so_once(tmp_path: Path) -> None:
    """Minutes later it is still the same hole."""
    files = DiskFiles(tmp_path)
    a_file(tmp_path / BTC / "TRADES")
    mine = store(files)
    for first in range(1, 400, 20):
        tell(mine, everything(first, first + 19))
    assert len(untold(files)) == 1
    assert rows(files, f"{BTC}/QUOTES") == 400


def test_a_column_that_was_taken_away_and_comes_back(tmp_path: Path) -> None:
    """Its rows wait for it, the others do not; no empty file is put in its place for good."""
    files = DiskFiles(tmp_path)
    tell(store(files), everything(1, 3))
    files.close()
    column = tmp_path / BTC / "TRADES" / "trade_price.01.02.24.bin"
    whole = column.read_bytes()
    column.unlink()
    mine = store(files)
    for first in range(4, 300, 20):
        tell(mine, everything(first, first + 19))
    assert "column trade_price is missing" in mine.unwritable[f"{BTC}/TRADES"]
    assert len(untold(files)) == 1
    assert rows(files, f"{BTC}/TRADES") == 3
    assert rows(files, f"{BTC}/QUOTES") == 303
    column.write_bytes(whole)
    tell(mine, everything(400, 401))
    tell(mine, everything(500, 501))
    assert rows(files, f"{BTC}/TRADES") == 7
    assert not mine.unwritable


def test_columns_are_even_after_a_refusal_in_the_middle() -> None:
    """What was written of the row that failed is cut before the next one is."""
    disk = SimDisk()
    mine = store(disk)
    tell(mine, everything(1, 3))
    disk.fail("append", "truncate", number=errno.EPERM, path=f"{BTC}/TRADES/trade_side*")
    disk.fail("truncate", number=errno.EPERM, path=f"{BTC}/TRADES/*")
    tell(mine, everything(4, 6))
    disk.heal()
    tell(mine, everything(70, 72))
    tell(mine, everything(140, 142))
    sizes = {path: len(each) for path, each in disk.contents.items() if "BTC-USD/TRADES" in path}
    widths = {"trade_id": 8, "maker_order_id": 16, "taker_order_id": 16}
    own = [(path, size) for path, size in sizes.items() if path.startswith("venue/")]
    assert {size // widths.get(path.split("/")[-1].split(".")[0], 4) for path, size in own} == {9}


def test_a_stream_that_brings_nothing_more_is_forgotten(tmp_path: Path) -> None:
    """Its hole has an end, and nobody is told of it for ever."""
    files = DiskFiles(tmp_path)
    a_file(tmp_path / BTC)
    mine = store(files)
    tell(mine, everything(1, 3))
    others = [run(Table.TRADES, numbered(n, n, instrument=1)) for n in (4, 700)]
    for each in others:
        tell(mine, flush(each))
    assert not mine.unwritable
    ends = {(each["table"], each["to_ns"]) for each in untold(files)}
    until = MIDNIGHT_NS + 3 * SECOND + 9
    assert ends == {(table, end) for table in ("TRADES", "QUOTES") for end in (None, until)}


def test_a_stream_is_forgotten_with_rows_in_hand(tmp_path: Path) -> None:
    """The clock is set forward by more than is waited, in the middle of what is written."""
    files = DiskFiles(tmp_path)
    a_file(tmp_path / BTC)
    mine = store(files)
    for first in (1, 4):
        others = run(Table.TRADES, numbered(first + 700, first + 702, instrument=1))
        tell(mine, flush(run(Table.TRADES, numbered(first, first + 2)), others))
    assert rows(files, "venue/ETH-USD/TRADES") == 6
    assert [len(each.rows) for each in mine.take_lost()] == [3, 3]
    since = [MIDNIGHT_NS + first * SECOND + 9 for first in (1, 4)]
    told = [(each["from_ns"], each["to_ns"]) for each in untold(files)]
    assert told == [(at, to) for at in since for to in (None, at + 2 * SECOND)]


def test_a_name_that_no_disk_takes(tmp_path: Path) -> None:
    """An earlier version may have put it into the journal: nothing is even tried."""
    names = [
        ("venue", "X" * 300),
        ("venue", "/" * 100),
        ("venue", "instruments.01.02.24.json"),
        ("venue", "undecodable.01.02.24.jsonl"),
        ("venue", "BTC-USD"),
    ]
    files = DiskFiles(tmp_path)
    mine = store(files, *names)
    aside = KeptAside("venue", MIDNIGHT_NS + 1, "no reason", b"payload")
    gap = GapRecord(1, Table.BOOK, None, None, MIDNIGHT_NS, MIDNIGHT_NS + 7, Cause.DISCONNECT)
    tell(mine, Flush(everything(1, 3, symbols=5).runs, (gap,)), [aside])
    assert rows(files, f"{BTC}/TRADES") == 3
    assert sorted(files.list("venue")) == ["BTC-USD/", "undecodable.01.02.24.jsonl"]
    assert len(untold(files)) == 4 * 2 + 1
    assert all(len(name) <= MAX_NAME_BYTES for name in files.list("venue"))


def test_payloads_kept_aside_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder has the name of their file: rows are not held up by that."""
    files = DiskFiles(tmp_path)
    a_folder(tmp_path / "venue" / "undecodable.01.02.24.jsonl")
    mine = store(files)
    tell(mine, everything(1, 3), [KeptAside("venue", MIDNIGHT_NS + 1, "no reason", b"payload")])
    assert set(mine.unwritable) == {"venue/undecodable"}
    assert rows(files, f"{BTC}/TRADES") == 3


def test_a_disk_of_which_nothing_can_be_written_is_waited_for() -> None:
    """Where the directory itself refuses, rows wait instead of being left out."""

    class Refusing(SimDisk):
        def prepare(self) -> None:
            raise PermissionError(errno.EACCES, "no permission to write")

    disk = Refusing()
    disk.fail("append", number=errno.EACCES)
    mine = store(disk)
    mine.meet(everything(1, 3))
    with pytest.raises(AppendError):
        mine.write(everything(1, 3))
    disk.heal()
    mine.resume()
    assert not mine.take_lost()
    assert rows(disk, f"{BTC}/TRADES") == 3


def test_state_is_loaded_and_tried_at_once(tmp_path: Path) -> None:
    """A start is an occasion for whoever mends it."""
    files = DiskFiles(tmp_path)
    a_file(tmp_path / BTC)
    mine = store(files)
    tell(mine, everything(1, 3))
    state = mine.dump()
    (tmp_path / BTC).unlink()
    again = store(files)
    again.load(state)
    assert set(again.unwritable) == {f"{BTC}/TRADES", f"{BTC}/QUOTES"}
    tell(again, everything(4, 5))
    assert rows(files, f"{BTC}/TRADES") == 2
    assert not again.unwritable
    assert {each["to_ns"] for each in untold(files)} == {None, MIDNIGHT_NS + 3 * SECOND + 9}


def test_what_cannot_be_cut_is_cut_before_it_is_written(tmp_path: Path) -> None:
    """A recovery does not end at a folder that cannot be looked at."""
    files = DiskFiles(tmp_path)
    mine = store(files)
    tell(mine, everything(1, 3))
    state, known = mine.dump(), mine.extents()
    tell(mine, everything(4, 5))
    files.close()
    hidden = tmp_path / "hidden"
    (tmp_path / BTC).rename(hidden)
    a_file(tmp_path / BTC)
    again = store(files)
    again.load(state)
    assert again.cut(known) == []
    assert rows(files, "other/BTC-USD/TRADES") == 3
    tell(again, everything(4, 5))
    (tmp_path / BTC).unlink()
    hidden.rename(tmp_path / BTC)
    tell(again, everything(70, 71))
    assert rows(files, f"{BTC}/TRADES") == 5
    assert rows(files, "other/BTC-USD/TRADES") == 7
