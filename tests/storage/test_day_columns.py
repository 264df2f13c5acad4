"""Days whose columns are not those that a process writes: they gain some, and lose none."""

from __future__ import annotations

import struct

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.storage.sample import flush, instruments, numbered, run
from tests.storage.stored import MD, column, put
from tick_logger.errors import StorageError
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import Table
from tick_logger.storage import encoding
from tick_logger.storage.store import Store

LATE_MD = "venue/BTC-USD/late/MD"

# Written down by hand: the f8 of 0.1 is 0x3FB999999999999A, and 0x3FB99999A0000000 that of its f4;
# whatever else is in a row fits f4.
TENTH = struct.pack("<4i", 0x9999999A - 0xA0000000, 0, 0, 0)
NOTHING = bytes(16)

FIRST, EXACT = Schemas.first("f4"), Schemas.written("f4+rest")


def store(files: MemoryFiles, schemas: Schemas) -> Store:
    """As a process makes it that writes these columns."""
    return Store(files, instruments(), schemas)


def write(made: Store, first: int, last: int, *, late: bool = False) -> None:
    """Append so many rows, and try again until it is done."""
    rows = flush(run(Table.MD, numbered(first, last, price=0.1), late=late))
    try:
        put(made, rows)
    except StorageError:
        if made.unfinished:
            made.resume()
        else:
            put(made, rows)


def grown(fail_at: int | None = None) -> tuple[MemoryFiles, int]:
    """A day of two rows of the first version, and one of this; and the operations for that."""
    files = MemoryFiles()
    made = store(files, FIRST)
    write(made, 1, 2)
    made.schemas = EXACT
    before = files.operations
    files.fail_at = None if fail_at is None else before + fail_at
    write(made, 3, 3)
    return files, files.operations - before


def test_a_known_day_gains_a_column() -> None:
    """The rows that it has are filled up with what stands for none."""
    files, _ = grown()
    assert column(files, MD, "rest") == 2 * NOTHING + TENTH
    assert len(column(files, MD, "time")) == 3 * 4


def test_a_day_that_is_met_gains_columns() -> None:
    """One that another process has written; late rows of then have come on the stream."""
    files = MemoryFiles()
    write(store(files, FIRST), 1, 2, late=True)
    write(store(files, EXACT), 3, 3, late=True)
    assert column(files, LATE_MD, "rest") == 2 * NOTHING + TENTH
    assert column(files, LATE_MD, "origin") == b"\1\1\1"


@pytest.mark.parametrize("operation", range(1, grown()[1] + 1))
def test_a_column_is_gained_once_whatever_fails(operation: int) -> None:
    """What an attempt that failed has left is no part of it."""
    files, _ = grown(operation)
    assert files.contents == grown()[0].contents


def test_a_day_loses_no_column() -> None:
    """A process that would not write it goes on with it."""
    files = MemoryFiles()
    made = store(files, EXACT)
    write(made, 1, 2)
    made.schemas = FIRST
    write(made, 3, 3)
    write(store(files, FIRST), 4, 4)
    assert column(files, MD, "rest") == 4 * TENTH


@pytest.mark.parametrize("left", [0, 16, 20, 47])
def test_a_later_column_that_is_short_costs_no_row(left: int) -> None:
    """It is filled up when the day is met, and what comes then stands beside its own row."""
    files = MemoryFiles()
    write(store(files, EXACT), 1, 3)
    del files.contents[f"{MD}/rest.01.02.24.bin"][left:]
    made = store(files, EXACT)
    write(made, 4, 4)
    whole = left // 16
    assert column(files, MD, "rest") == whole * TENTH + (3 - whole) * NOTHING + TENTH
    assert len(column(files, MD, "time")) == 4 * 4
    assert made.take_repairs() == []


def test_a_long_day_is_filled_up_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows it has, so much memory must do."""
    files = MemoryFiles()
    write(store(files, FIRST), 1, 100)
    monkeypatch.setattr(encoding, "MAX_FILL_BYTES", 7 * 16 + 3)
    appended: list[int] = []
    append = files.append

    def noted(path: str, data: bytes | memoryview) -> None:
        appended.append(len(data) if "/rest." in path else 0)
        append(path, data)

    monkeypatch.setattr(files, "append", noted)
    write(store(files, EXACT), 101, 101)
    assert [size for size in appended if size] == [7 * 16] * 14 + [2 * 16, 16]
    assert column(files, MD, "rest") == 100 * NOTHING + TENTH
