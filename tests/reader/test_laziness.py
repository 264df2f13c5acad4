"""Nothing is read that was not asked for: counted where files are touched."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow
import pytest

from tests.reader.recorded import Recorder
from tests.storage.sample import DAY, MIDNIGHT_NS, numbered
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.reader.column_files import ColumnFiles
from tick_logger.reader.joined import Joined
from tick_logger.reader.opening import open as open_recording
from tick_logger.reader.places import OwnPlaces
from tick_logger.reader.recording import Recording
from tick_logger.reader.tree import DiskTree
from tick_logger.storage.files import Names

BTC = "venue:BTC-USD"
FEW = 16
"""Sizes that are taken of one table-day: of its columns, of the time columns first, and of the
directory's description, until there is one."""
GLANCED = 30
"""Symbols of which all folders together are more than a pass remembers."""


class CountingTree(DiskTree):
    """Counts what is done with files."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read_names: list[str] = []
        self.counts: Counter[str] = Counter()
        self.listed: Counter[str] = Counter()

    def size(self, path: str) -> int:
        self.counts["size"] += 1
        return super().size(path)

    def read(self, path: str, offset: int = 0, length: int | None = None) -> memoryview:
        self.read_names.append(path.rsplit("/", 1)[-1].partition(".")[0])
        return super().read(path, offset, length)

    def list(self, folder: str = "") -> Names:
        self.counts["list"] += 1
        self.listed[folder] += 1
        return super().list(folder)


@pytest.fixture
def tree(tmp_path: Path) -> CountingTree:
    """Trades of thirty days."""
    recorder = Recorder(tmp_path)
    for day in range(DAY, DAY + 30):
        recorder.write(Table.TRADES, numbered(1, 3, day=day))
    hole = GapRecord(0, Table.QUOTES, None, None, MIDNIGHT_NS, MIDNIGHT_NS + 1, Cause.CRASH)
    recorder.miss(hole)  # its file says what trades can prove
    return CountingTree(tmp_path)


@pytest.fixture
def rec(tree: CountingTree) -> Recording:
    return Recording(ColumnFiles(tree, OwnPlaces(tree)))


def test_a_question_reads_nothing(rec: Recording, tree: CountingTree) -> None:
    """It looks whether there is such a symbol, and that is all."""
    rec.trades(BTC, "2024-02-01", "2024-03-01")
    assert (tree.read_names, tree.counts) == ([], {"list": 1})


def test_only_the_columns_that_are_asked_for_are_read(rec: Recording, tree: CountingTree) -> None:
    """Of the days in the range alone."""
    rows = rec.trades(BTC, "2024-02-03", "2024-02-05")
    assert len(rows) == 6
    assert set(tree.read_names) <= {"trade_time", "trade_nanos"}
    assert tree.counts["size"] <= 2 * FEW
    tree.read_names.clear()
    rows.numpy("id")
    assert tree.read_names == ["trade_id"] * 2
    tree.read_names.clear()
    rows.numpy("price")
    assert tree.read_names == ["trade_price", "rest"] * 2
    tree.read_names.clear()
    rec.trades(BTC, "2024-02-03", columns=["side"]).polars()
    assert set(tree.read_names) <= {"trade_time", "trade_nanos", "trade_side"}
    tree.read_names.clear()
    rows.polars(lazy=True).select("size").collect()
    assert set(tree.read_names) == {"trade_size", "rest"}


def test_what_needs_no_arithmetic_is_not_copied(tmp_path: Path) -> None:
    """It shows the mapped file; a late row among them makes it a copy."""
    recorder = Recorder(tmp_path, "f8")
    recorder.write(Table.TRADES, numbered(1, 1000))
    rows = open_recording(tmp_path).trades(BTC, "2024-02-01", columns=["id", "price", "size"])
    assert [values.flags.writeable for values in rows.numpy().values()] == [False] * 3
    before = pyarrow.total_allocated_bytes()
    table = rows.arrow()
    assert pyarrow.total_allocated_bytes() == before
    assert table.num_rows == 1000
    recorder.write(Table.TRADES, numbered(5, 5), late=True)
    rows = open_recording(tmp_path).trades(BTC, "2024-02-01", columns=["id", "price", "size"])
    assert [values.flags.writeable for values in rows.numpy().values()] == [True] * 3


def test_whether_a_range_is_complete_needs_few_days(rec: Recording, tree: CountingTree) -> None:
    """Those beside it, of however many."""
    for by in ("event", "received"):
        tree.counts.clear()
        assert rec.trades(BTC, "2024-02-15", by=by).complete is True
        assert tree.counts["size"] <= 4 * FEW


def test_opening_needs_the_names_of_few_folders(tmp_path: Path) -> None:
    """Of the root, and of no more than one below it, however many symbols there are."""
    for number in range(400):
        for table in ("TRADES", "QUOTES"):
            (tmp_path / "venue" / f"S{number}" / table).mkdir(parents=True)
            (tmp_path / "venue" / f"S{number}" / table / "time.01.02.24.bin").touch()
    tree = CountingTree(tmp_path)
    assert OwnPlaces(tree).is_used
    assert tree.counts["list"] <= 3
    rec = open_recording(tmp_path)
    assert len(rec.symbols()) == 400
    assert repr(rec) == f"<Recording {tmp_path}: 400 symbols of venue>"
    tree.counts.clear()
    assert len(OwnPlaces(tree).symbols("venue")) == 400
    assert tree.counts["list"] == 1


def test_several_directories_are_looked_at_once_a_day(tree: CountingTree, tmp_path: Path) -> None:
    """Not each time for all days."""
    rec = Recording(Joined([ColumnFiles(tree, OwnPlaces(tree))] * 1))
    assert len(rec.trades(BTC, 0)) == 90
    assert tree.counts["list"] <= 4


@pytest.mark.parametrize("sources", [1, 2])
def test_a_catalogue_lists_each_folder_once(tmp_path: Path, sources: int) -> None:
    """However many symbols there are; and none for files that a symbol does not have."""
    for number in range(GLANCED):
        recorder = Recorder(tmp_path / "seed", names=(("venue", f"S{number}"),))
        for table in (Table.TRADES, Table.QUOTES):
            recorder.write(table, numbered(1, 3))
        hole = GapRecord(0, Table.QUOTES, None, None, MIDNIGHT_NS, MIDNIGHT_NS + 1, Cause.CRASH)
        recorder.miss(hole)
    (tmp_path / "other").mkdir()
    trees = [CountingTree(tmp_path / name) for name in ("seed", "other")[:sources]]
    of = [ColumnFiles(tree, OwnPlaces(tree)) for tree in trees]
    rec = Recording(Joined(of) if sources > 1 else of[0])
    symbols = rec.symbols()
    assert len(symbols) == GLANCED
    trees[0].listed.clear()
    trees[0].counts.clear()
    catalog = rec.catalog(symbols)
    assert catalog.numpy("rows").tolist() == [3] * 2 * GLANCED
    assert catalog.numpy("holes").sum() == GLANCED
    below = {
        f"venue/{symbol.partition(':')[2]}{folder}"
        for symbol in symbols
        for folder in ("", "/TRADES", "/QUOTES")
    }
    looked = {folder: n for folder, n in trees[0].listed.items() if folder in below}
    assert set(looked) == below
    # A symbol is looked for by its name first; then one pass lists what it has.
    assert max(n for folder, n in looked.items() if folder.count("/") > 1) == 1
    assert max(looked.values()) == 2
    assert trees[0].counts["list"] <= 6 * GLANCED
    assert not any("late" in folder for folder in trees[0].listed)


def test_rows_that_grow_are_seen_by_the_next_pass(tmp_path: Path) -> None:
    """A catalogue is of the moment at which it is asked for."""
    recorder = Recorder(tmp_path)
    recorder.write(Table.TRADES, numbered(1, 3))
    rec = open_recording(tmp_path)
    assert rec.catalog().numpy("rows").tolist() == [3]
    recorder.write(Table.TRADES, numbered(4, 5))
    recorder.write(Table.QUOTES, numbered(1, 1))
    assert rec.catalog().numpy("rows").tolist() == [5, 1]
