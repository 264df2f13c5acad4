"""Column files that an earlier process, or a slip of the hand, has left uneven."""

from __future__ import annotations

import itertools
import struct

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.storage.sample import DAY, MIDNIGHT_NS, SECOND, flush, instruments, numbered, run
from tests.storage.stored import (
    MD,
    MD_WIDTHS,
    column,
    put,
    rows_of_each_day,
    store,
)
from tick_logger.errors import StorageError
from tick_logger.model.flush import Flush
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import Table
from tick_logger.storage.columns import Repair
from tick_logger.storage.store import Store

PRICES = ("price", "volume", "best_bid", "best_ask")


@pytest.mark.parametrize("cut_column", MD_WIDTHS)
@pytest.mark.parametrize(("cut_bytes", "kept"), [(1, 2), (4, 2), (5, 1), (11, 0)])
def test_uneven_columns_are_cut_to_whole_rows(cut_column: str, cut_bytes: int, kept: int) -> None:
    """The first touch of a day makes its columns equal and reports what that cost."""
    files = MemoryFiles()
    put(store(files), flush(run(Table.MD, numbered(1, 3))))
    del files.contents[f"{MD}/{cut_column}.01.02.24.bin"][12 - cut_bytes :]
    made = store(files)
    put(made, flush(run(Table.MD, numbered(4, 4))))
    assert rows_of_each_day(files) == {MD: kept + 1}
    seconds = [MIDNIGHT_NS // SECOND + row for row in [*range(1, kept + 1), 4]]
    assert column(files, MD, "time") == struct.pack(f"<{kept + 1}I", *seconds)
    cut = {name: 3 - kept for name in MD_WIDTHS if name != cut_column}
    if cut_bytes % 4:
        cut[cut_column] = 1  # what was left of a torn record
    assert made.take_repairs() == [Repair(MD, DAY, kept, cut)]


def test_rows_are_not_cut_because_a_column_is_missing() -> None:
    """One that was deleted by mistake must not cost the others: the stream waits, others do not."""
    files = MemoryFiles()
    put(store(files), flush(run(Table.MD, numbered(1, 3))))
    del files.contents[f"{MD}/side.01.02.24.bin"]
    kept = {path: bytes(data) for path, data in files.contents.items()}
    made = store(files)
    put(made, flush(run(Table.MD, numbered(4, 4)), run(Table.MD, numbered(4, 4, instrument=1))))
    assert "column side is missing; restore it, or move" in made.unwritable[MD]
    assert {path: files.contents[path] for path in kept} == kept
    assert len(column(files, "venue/ETH-USD/MD", "side")) == 4


def test_columns_of_rows_that_were_never_complete_are_cut() -> None:
    """Without its time column a row has never been there for a reader."""
    files = MemoryFiles()
    put(store(files), flush(run(Table.MD, numbered(1, 3))))
    del files.contents[f"{MD}/time.01.02.24.bin"]
    put(store(files), flush(run(Table.MD, numbered(4, 4))))
    assert rows_of_each_day(files) == {MD: 1}


def test_time_column_is_cut_first() -> None:
    """A reader never counts rows of which other columns are gone already."""
    files = MemoryFiles()
    put(store(files), flush(run(Table.MD, numbered(1, 3))))
    del files.contents[f"{MD}/side.01.02.24.bin"][4:]
    files.fail_at = (
        files.operations + len(MD_WIDTHS) + 2 + 2
    )  # later columns are looked for too, and this is the second cut
    with pytest.raises(StorageError, match="Input/output error"):
        put(store(files), flush(run(Table.MD, numbered(4, 4))))
    lengths = {
        path.split("/")[-1].split(".")[0]: len(data) for path, data in files.contents.items()
    }
    assert lengths == dict.fromkeys(MD_WIDTHS, 12) | {"time": 4, "side": 4}


def test_each_day_is_repaired_once() -> None:
    """Later flushes find nothing to repair."""
    files = MemoryFiles()
    put(store(files), flush(run(Table.MD, numbered(1, 3))))
    del files.contents[f"{MD}/side.01.02.24.bin"][-1:]
    made = store(files)
    for row in (4, 5):
        put(made, flush(run(Table.MD, numbered(row, row))))
    assert len(made.take_repairs()) == 1


@pytest.mark.parametrize(("old", "new"), [("f4", "f8"), ("f8", "f4")])
def test_another_price_width_is_refused(old: str, new: str) -> None:
    """A change of the configuration must not cut a day that is complete."""
    files = MemoryFiles()
    put(store(files, old), flush(run(Table.MD, numbered(1, 4))))
    content = {path: bytes(data) for path, data in files.contents.items()}
    refused_for_its_width(store(files, new), flush(run(Table.MD, numbered(5, 5))), old, new)
    assert beside_holes(files) == content


def refused_for_its_width(made: Store, given: Flush, old: str, new: str) -> None:
    """The rows are left out, and the reason says why; nothing is raised, as others can go on."""
    put(made, given)
    assert made.unwritable == {MD: f"its prices are {old}, and {new} is configured"}
    assert [each.rows["seq"].tolist() for each in made.take_lost()] == [
        each.rows["seq"].tolist() for each in given.runs
    ]


def beside_holes(files: MemoryFiles) -> dict[str, bytes]:
    """All files but those that tell of the rows left out."""
    return {
        path: bytes(data)
        for path, data in files.contents.items()
        if not path.startswith("unwritten.")
    }


def of_width(files: MemoryFiles, price_dtype: str) -> Store:
    """A store that writes all columns of this version."""
    return Store(files, instruments(("venue", "BTC-USD")), Schemas.written(price_dtype))


@pytest.mark.parametrize(("old", "new"), [("f4", "f8"), ("f4+rest", "f8"), ("f8", "f4")])
@pytest.mark.parametrize("name", ["price", "side", "best_ask", "rest", "nanos", "time"])
@pytest.mark.parametrize("cut_bytes", [1, 8])
def test_another_width_is_refused_though_columns_are_uneven(
    old: str, new: str, name: str, cut_bytes: int
) -> None:
    """A day that was brought back by hand is not cut as if it had the width of the others."""
    files = MemoryFiles()
    put(of_width(files, old), flush(run(Table.MD, numbered(1, 9))))
    column_file = files.contents.get(f"{MD}/{name}.01.02.24.bin", bytearray())
    del column_file[len(column_file) - cut_bytes :]
    content = {path: bytes(data) for path, data in files.contents.items()}
    given = flush(run(Table.MD, numbered(10, 10)))
    refused_for_its_width(of_width(files, new), given, old[:2], new)
    assert beside_holes(files) == content


@pytest.mark.parametrize("price_dtype", ["f4", "f4+rest", "f8"])
def test_what_an_append_leaves_is_never_taken_for_another_width(price_dtype: str) -> None:
    """However few rows were there before it, and wherever it was cut short."""
    sizes = MD_WIDTHS | dict.fromkeys(PRICES, 8 if price_dtype == "f8" else 4)
    for before, more in itertools.product((0, 1, 2), (1, 2, 5, 9)):
        for part in range(1, len(sizes)):
            files = MemoryFiles()
            put(of_width(files, price_dtype), flush(run(Table.MD, numbered(1, before + more))))
            for name in list(sizes)[part:]:
                del files.contents[f"{MD}/{name}.01.02.24.bin"][before * sizes[name] :]
            put(of_width(files, price_dtype), flush(run(Table.MD, numbered(20, 20))))
            left = {name: len(column(files, MD, name)) // sizes[name] for name in sizes}
            assert left == dict.fromkeys(sizes, before + 1), (before, more, part)
