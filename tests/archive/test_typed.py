"""Typed objects: what pyarrow, polars and DuckDB read of them are the rows of the column files."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from random import Random
from typing import Any

import attrs
import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.fakes.sim_disk import PowerCut, SimDisk
from tests.reader import oracle
from tests.reader.recorded import Recorder, aside
from tests.storage.sample import DAY, numbered
from tests.upgrade.fixture import load, write
from tick_logger.archive.jobs import Folders, Made, TableJob
from tick_logger.archive.keys import TypedKey, incoming, parse
from tick_logger.archive.ledger import Ledger, Released
from tick_logger.archive.packing import day_jobs
from tick_logger.archive.parquet import remove_parts
from tick_logger.archive.typed import pack
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import ORIGIN_LATE, ORIGIN_REST, Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.reader.opening import source_at
from tick_logger.reader.source import Symbol
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.files import Files
from tick_logger.storage.names import folder_of

FOLDER = {"BTC-USD": "BTC-USD", "XBT/USD": "XBT%2FUSD"}
WIDTH = {"f4+rest": "f4", "f4": "f4", "f8": "f8"}
SIDES = {
    Table.BOOK: {1: "bid", -1: "ask", 0: None},
    Table.TRADES: {1: "buy", -1: "sell", 0: None},
    Table.MD: {1: "buy", -1: "sell", 0: None},
}


@attrs.define
class Archive:
    """A recording, and where it is packed to."""

    data: Path
    root: Path

    def jobs(
        self, files: Files | None = None, exchange: str = "venue", *, aside: bool = False
    ) -> list[TableJob]:
        """Those of rows of the day, or (`aside`) of rows with impossible times."""
        there = DiskFiles(self.root) if files is None else files
        folders = Folders(str(self.data), str(self.root), "here")
        found = day_jobs(folders, source_at(self.data), Ledger(there), exchange, DAY)
        return [each for each in found if each.aside == aside]

    def pack(
        self, files: Files | None = None, exchange: str = "venue", *, aside: bool = False
    ) -> list[Made]:
        """Everything that is due of the day, with lines in the ledger."""
        there = DiskFiles(self.root) if files is None else files
        made: list[Made] = []
        for job in self.jobs(there, exchange, aside=aside):
            result = pack(job, source_at(self.data), there)
            for each in result.made:
                Ledger(there).add(each.packed(1))
                made.append(each)
        return made

    def rows(self, table: Table, made: Made) -> list[dict[str, Any]]:
        """What pyarrow reads, after polars and DuckDB have read the same."""
        path = str(self.root / made.key)
        read = pq.ParquetFile(path, page_checksum_verification=True).read()
        found = plain(read.to_pydict())
        assert len(found) == made.rows == read.num_rows
        assert plain(pl.read_parquet(path, hive_partitioning=False).to_arrow().to_pydict()) == found
        sql = f"select * from read_parquet('{path}', hive_partitioning=false)"
        assert plain(duckdb.connect().sql(sql).to_arrow_table().to_pydict()) == found
        return found


def plain(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows whose times are ns, and in which an absent number is None."""
    names = list(columns)
    return [
        {name: value_of(value) for name, value in zip(names, row, strict=True)}
        for row in zip(*columns.values(), strict=True)
    ]


def value_of(value: object) -> object:
    if hasattr(value, "timestamp"):
        return getattr(value, "value")  # noqa: B009 - a time of pandas, which has ns
    return None if value != value else value


def expected(data: Path, symbol: str, table: Table, width: str = "f4") -> list[dict[str, Any]]:
    """What the files say, by code that shares nothing with the program."""
    folder = data / "venue" / FOLDER.get(symbol, symbol)
    return [
        {"symbol": symbol, **{n: words(table, n, row[n]) for n in row if n != "file_day"}}
        for row in oracle.rows(folder, str(table), WIDTH.get(width, width))
    ]


def words(table: Table, name: str, value: Any) -> object:  # noqa: ANN401
    if name == "side":
        return SIDES[table][value]
    return None if value != value else value


def same(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    assert len(found) == len(wanted)
    for got, want in zip(found, wanted, strict=True):
        assert {name: got[name] for name in want} == want
        assert "exchange" not in got


def recorder(folder: Path, price_dtype: str) -> Recorder:
    """Every table, late, back-filled and impossible rows among them."""
    made = Recorder(folder / "data", price_dtype)
    prices: dict[str, Any] = {
        "price": 84106.09,
        "size": 0.1,
        "best_bid": 3.3,
        "best_ask_size": 1e-9,
    }
    for table in Table:
        made.write(table, numbered(1, 40, **prices))
        made.write(table, numbered(50, 60, side=2 if table is not Table.BOOK else 0))
        made.write(table, numbered(45, 47, side=0, **prices), late=True, origin=ORIGIN_LATE)
        made.write(table, numbered(41, 43), late=True, origin=ORIGIN_REST)
        aside(made, table, numbered(3, 4, day=DAY - 3000), DAY)
    return made


@pytest.mark.parametrize("price_dtype", ["f4+rest", "f4", "f8"])
def test_rows_are_those_of_the_column_files(tmp_path: Path, price_dtype: str) -> None:
    """All columns of every table, late and back-filled rows in their places, no impossible ones."""
    there = recorder(tmp_path, price_dtype)
    archive = Archive(there.folder, tmp_path / "archive")
    made = archive.pack()
    assert [each.table for each in made] == ["ticker", "trades", "quotes", "book_updates"]
    for table, each in zip(Table, made, strict=True):
        found = archive.rows(table, each)
        same(found, expected(there.folder, "BTC-USD", table, price_dtype))
        assert each.late == {"BTC-USD": 8}
        assert sum(row["origin"] != 0 for row in found) == 6
    assert archive.pack() == []


def test_columns_of_the_first_version(tmp_path: Path) -> None:
    """A directory without `rest` and `origin`."""
    first = Schemas.from_plain("f4", {})
    there = Recorder(tmp_path / "data", "f4", schemas=first)
    there.write(Table.TRADES, numbered(1, 9, price=0.1))
    there.write(Table.TRADES, numbered(4, 5, price=0.3), late=True)
    archive = Archive(there.folder, tmp_path / "archive")
    (made,) = archive.pack()
    same(archive.rows(Table.TRADES, made), expected(there.folder, "BTC-USD", Table.TRADES))


def test_odd_symbols_stay_texts(tmp_path: Path) -> None:
    """Numbers with zeros before, slashes, and what a file name cannot hold."""
    names = ("007", "BTC/USD", "Ä:*", "1e3")
    there = Recorder(tmp_path / "data", names=tuple(("venue", name) for name in names))
    for of in range(len(names)):
        there.write(Table.TRADES, numbered(of + 1, of + 3), of=of)
    archive = Archive(there.folder, tmp_path / "archive")
    (made,) = archive.pack()
    found = archive.rows(Table.TRADES, made)
    assert [row["symbol"] for row in found] == [name for name in sorted(names) for _ in range(3)]


def test_a_thousand_symbols_share_a_file(tmp_path: Path) -> None:
    """Rows of one are together, and the file is small."""
    names = tuple(("venue", f"S{number}") for number in range(1000))
    there = Recorder(tmp_path / "data", names=names)
    for of in range(len(names)):
        there.write(Table.TRADES, numbered(1, 20), of=of)
    archive = Archive(there.folder, tmp_path / "archive")
    (made,) = archive.pack()
    assert made.rows == 20_000
    symbols = pq.read_table(archive.root / made.key, columns=["symbol"], partitioning=None)
    assert symbols["symbol"].to_pylist() == sorted(f"S{n}" for n in range(1000) for _ in range(20))
    assert made.size < 400_000


def test_what_the_file_says_of_itself(tmp_path: Path) -> None:
    """Its key, its hash, the footer, types, order and encodings."""
    there = recorder(tmp_path, "f4")
    archive = Archive(there.folder, tmp_path / "archive")
    made = next(each for each in archive.pack() if each.table == "trades")
    key = parse(made.key)
    assert key == TypedKey(Table.TRADES, "venue", DAY, "here", made.sha256[:12])
    assert (archive.root / made.key).stat().st_size == made.size
    file = pq.ParquetFile(archive.root / made.key)
    about = json.loads(file.metadata.metadata[b"tick_logger"])
    assert about | {"version": ""} == {
        "version": "",
        "server": "here",
        "exchange": "venue",
        "table": "trades",
        "day": "2024-02-01",
        "rows": 57,
        "late": 6,
        "inexact": 57,
        "proof": "unprovable",  # nothing beside these rows says more
    }
    types = {field.name: str(field.type) for field in file.schema_arrow}
    assert types == {
        "symbol": "string",
        "ts": "timestamp[ns, tz=UTC]",
        "recv_ts": "timestamp[ns, tz=UTC]",
        "id": "int64",
        "price": "double",
        "size": "double",
        "side": "string",
        "maker_order_id": "fixed_size_binary[16]",
        "taker_order_id": "fixed_size_binary[16]",
        "origin": "uint8",
    }
    group = file.metadata.row_group(0)
    assert [each.column_index for each in group.sorting_columns] == [0, 1]
    columns = {group.column(n).path_in_schema: group.column(n) for n in range(group.num_columns)}
    assert all(each.has_column_index and each.has_offset_index for each in columns.values())
    assert all(each.compression == "ZSTD" and each.is_stats_set for each in columns.values())
    assert "DELTA_BINARY_PACKED" in columns["ts"].encodings
    assert "RLE_DICTIONARY" in columns["price"].encodings


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    """In other folders, and under another name of the server."""
    there = recorder(tmp_path, "f4+rest")
    one, other = (Archive(there.folder, tmp_path / name) for name in ("one", "other"))
    first, second = one.pack(), other.pack()
    assert first == second
    for each in first:
        assert (one.root / each.key).read_bytes() == (other.root / each.key).read_bytes()


def test_rows_that_come_later_are_an_object_of_their_own(tmp_path: Path) -> None:
    """With only these; and after a release, which takes the main files, late ones go on."""
    there = recorder(tmp_path, "f4+rest")
    archive = Archive(there.folder, tmp_path / "archive")
    archive.pack()
    there.write(Table.TRADES, numbered(48, 49), late=True, origin=ORIGIN_REST)
    aside(there, Table.QUOTES, numbered(5, 6, day=DAY - 3000), DAY)
    (made,) = archive.pack()
    assert (made.rows, made.late, made.table) == (2, {"BTC-USD": 10}, "trades")
    assert [row["id"] for row in archive.rows(Table.TRADES, made)] == [48, 49]
    Ledger(DiskFiles(archive.root)).add(Released(at_ns=5, exchange="venue", day=DAY))
    for path in (there.folder / "venue").rglob("*.bin"):
        if "late" not in path.parts:
            path.unlink()
    assert archive.pack() == []
    there.write(Table.TRADES, numbered(70, 70), late=True, origin=ORIGIN_REST)
    (made,) = archive.pack()
    assert (made.rows, made.late) == (1, {"BTC-USD": 11})
    assert [row["id"] for row in archive.rows(Table.TRADES, made)] == [70]
    objects = list((archive.root / "data" / "table=trades").rglob("*.parquet"))
    assert len(objects) == 3


def test_nothing_is_made_of_an_empty_day(tmp_path: Path) -> None:
    """Nor of one whose rows all have a time that cannot be right."""
    there = Recorder(tmp_path / "data")
    aside(there, Table.TRADES, numbered(5, 6, day=DAY - 3000), DAY)
    archive = Archive(there.folder, tmp_path / "archive")
    assert archive.pack() == []
    assert archive.pack(exchange="other") == []


def test_impossible_times_are_objects_beside_the_tree(tmp_path: Path) -> None:
    """Where nobody takes them for rows of their day; each once, whatever came since."""
    there = recorder(tmp_path, "f4+rest")
    archive = Archive(there.folder, tmp_path / "archive")
    files = DiskFiles(archive.root)
    lost = pack(archive.jobs(aside=True)[1], source_at(there.folder), files).made
    aside(there, Table.TRADES, numbered(9, 9, day=DAY - 3000), DAY)
    made = archive.pack(aside=True)
    assert [each.table for each in made] == [
        *("aside ticker", "aside trades", "aside quotes", "aside book_updates")
    ]
    found = archive.rows(Table.TRADES, made[1])
    assert [(row["id"], row["origin"]) for row in found] == [(3, 3), (4, 3), (9, 3)]
    assert {row["ts"] // 86_400_000_000_000 for row in found} == {DAY - 3000}
    assert not files.exists(lost[0].key)
    assert not list((archive.root / "data").rglob("*.parquet"))
    assert archive.pack(aside=True) == []
    aside(there, Table.TRADES, numbered(7, 7, day=DAY - 3000), DAY)
    (more,) = archive.pack(aside=True)
    assert [row["id"] for row in archive.rows(Table.TRADES, more)] == [7]
    assert files.exists(made[1].key)


def test_what_a_dead_process_made_and_did_not_write_down_is_removed(tmp_path: Path) -> None:
    """When the day is packed with what came since: no row is in two objects."""
    there = recorder(tmp_path, "f4+rest")
    archive = Archive(there.folder, tmp_path / "archive")
    files = DiskFiles(archive.root)
    (job,) = (job for job in archive.jobs() if job.table is Table.TRADES)
    (lost,) = pack(job, source_at(there.folder), files).made
    there.write(Table.TRADES, numbered(48, 49), late=True)
    kept = next(each for each in archive.pack() if each.table == "trades")
    found = [path.name for path in (archive.root / "data/table=trades").rglob("*.parquet")]
    assert found == [kept.key.rpartition("/")[2]]
    assert kept.key != lost.key


def test_a_power_cut_at_every_step_leaves_nothing_half(tmp_path: Path) -> None:
    """Under `data/` there are only whole objects, and the next run makes the same."""
    there = Recorder(tmp_path / "data")
    there.write(Table.TRADES, numbered(1, 30))
    archive = Archive(there.folder, tmp_path / "archive")
    calm = SimDisk()
    (wanted,) = archive.pack(calm)
    whole = bytes(calm.contents[wanted.key])
    for operation in range(1, calm.operations + 1):
        for seed in range(2):
            disk = SimDisk(Random(seed))
            disk.power_cut_at(operation)
            with contextlib.suppress(PowerCut):
                archive.pack(disk)
            disk.crash(Random(seed), "kill" if seed == 0 else "power")
            for path, content in disk.contents.items():
                assert not path.startswith("data/") or bytes(content) == whole, path
            if line := Ledger(disk).of_day("venue", DAY, "trades"):
                assert bytes(disk.contents[line[0].key]) == whole
            remove_parts(disk)
            archive.pack(disk)
            assert [path for path in disk.contents if path.startswith(("data", "incoming"))] == [
                wanted.key
            ]
            assert bytes(disk.contents[wanted.key]) == whole


def test_a_full_disk_leaves_nothing_under_data(tmp_path: Path) -> None:
    """The error is the disk's, and the next run makes the object."""
    there = recorder(tmp_path, "f8")
    archive = Archive(there.folder, tmp_path / "archive")
    files = MemoryFiles(capacity_bytes=1500)
    with pytest.raises(OSError, match="No space"):
        archive.pack(files)
    assert not [path for path in files.contents if path.startswith("data/")]
    files.capacity_bytes = None
    remove_parts(files)
    assert len(archive.pack(files)) == 4
    assert incoming("x") == "incoming/x.part"


@pytest.mark.parametrize("name", ["small", "stopped"])
def test_a_recording_of_an_earlier_version(tmp_path: Path, name: str) -> None:
    """Of every exchange, table and symbol in it, the rows are those of its files."""
    data = tmp_path / "data"
    write(load(name).files, data)
    root, source = tmp_path / "archive", source_at(data)
    files, ledger = DiskFiles(root), Ledger(DiskFiles(root))
    folders, packed = Folders(str(data), str(root), "here"), 0
    for exchange in source.exchanges():
        days = {
            day
            for symbol in source.symbols(exchange)
            for table in Table
            for day in source.days(Symbol(exchange, symbol), table)
        }
        for day in sorted(days):
            for job in day_jobs(folders, source, ledger, exchange, day):
                for made in pack(job, source, files).made:
                    read = plain(pq.ParquetFile(root / made.key).read().to_pydict())
                    wanted = [
                        {"symbol": s.symbol, **{n: words(job.table, n, v) for n, v in row.items()}}
                        for s in sorted(job.streams, key=lambda each: each.symbol)
                        for row in oracle.rows(
                            data / exchange / folder_of(s.symbol),
                            str(job.table),
                            "f4",
                            start=day * NS_PER_DAY,
                            end=(day + 1) * NS_PER_DAY,
                        )
                    ]
                    same(
                        read, [{n: v for n, v in row.items() if n != "file_day"} for row in wanted]
                    )
                    packed += made.rows
    assert packed > 50
