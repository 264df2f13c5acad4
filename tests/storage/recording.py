"""A good recording, and changes to it that verification must find."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

import attrs

from tests.fakes.memory_files import MemoryFiles
from tests.storage.sample import DAY, MIDNIGHT_NS, SECOND, flush, instruments, numbered, run
from tests.storage.stored import put
from tick_logger.model.cause import Cause
from tick_logger.model.flush import Flush, GapRecord
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import Table
from tick_logger.storage.files import Files
from tick_logger.storage.store import Store
from tick_logger.verify.report import Kind, Report
from tick_logger.verify.tree import verify

NAMES = instruments(("venue", "BTC-USD"), ("venue", "A/B"), ("other", "BTC-USD"))
SYMBOL = "venue/BTC-USD"


def gap(from_id: int | None, to_id: int | None, healed: str = "") -> GapRecord:
    """A gap record of the trades of the first symbol."""
    times = MIDNIGHT_NS, MIDNIGHT_NS + SECOND
    return GapRecord(0, Table.TRADES, from_id, to_id, *times, Cause.CRASH, healed or False)


def record(files: Files) -> None:
    """A good recording: every table, late rows, two days, a gap, rows without ids."""
    levels = [{"seq": 20, "event_ns": MIDNIGHT_NS, "price": 5.0 + n} for n in range(3)]
    put(
        Store(files, NAMES, Schemas.first("f4")),
        flush(
            run(Table.MD, numbered(1, 3)),
            run(Table.TRADES, [*numbered(1, 3), *numbered(6, 7)]),
            run(Table.TRADES, numbered(5, 5), late=True),
            run(Table.TRADES, numbered(8, 10, day=DAY + 1), day=DAY + 1),
            run(Table.QUOTES, [*numbered(11, 12), *numbered(14, 16)]),
            run(Table.QUOTES, numbered(13, 13), late=True),
            run(Table.BOOK, [{**level, "flags": 1} for level in levels]),
            run(Table.BOOK, levels),
            run(Table.BOOK, [{"seq": 0}, {"seq": 0}]),
            run(Table.TRADES, numbered(100, 102, instrument=1)),
            run(Table.TRADES, [*numbered(1, 1, instrument=2), *numbered(9, 9, instrument=2)]),
        ),
    )
    gaps_added(gap(4, 4))(files)


def dense(exchange: str, table: Table) -> bool:
    return exchange == "venue" and table is Table.TRADES


def checked(*changes: Callable[[MemoryFiles], object]) -> Report:
    """The report about the good recording after some changes."""
    files = MemoryFiles()
    record(files)
    for change in changes:
        change(files)
    return verify(files, dense=dense)


def summary(report: Report) -> list[tuple[str, Kind, int, int | None]]:
    return [(each.path, each.kind, each.count, each.first_row) for each in report.findings]


def column(table: str, name: str, date: str = "01.02.24") -> str:
    return f"{SYMBOL}/{table}/{name}.{date}.bin"


def poke(path: str, row: int, form: str, value: float) -> Callable[[MemoryFiles], None]:
    """Overwrite one record."""

    def change(files: MemoryFiles) -> None:
        struct.pack_into(f"<{form}", files.contents[path], row * struct.calcsize(form), value)

    return change


def adding(
    table: Table,
    *rows: Mapping[str, object],
    late: bool = False,
    day: int = DAY,
    origin: int | None = None,
) -> Callable[[MemoryFiles], object]:
    """Append rows to the recording; those of another `origin` than is usual have columns for it."""
    added = run(table, rows, day=day, late=late)
    if origin is None:
        schemas = Schemas.first("f4")
    else:
        added, schemas = attrs.evolve(added, origin=origin), Schemas.written("f4")
    return lambda files: put(Store(files, NAMES, schemas), flush(added))


def gaps_added(*gaps: GapRecord) -> Callable[[Files], None]:
    return lambda files: put(Store(files, NAMES, Schemas.first("f4")), Flush(gaps=gaps))


def appended(path: str, data: bytes) -> Callable[[MemoryFiles], None]:
    return lambda files: files.append(path, data)


def removed(path: str) -> Callable[[MemoryFiles], object]:
    return lambda files: files.contents.pop(path)


def cut(path: str, count: int) -> Callable[[MemoryFiles], object]:
    return lambda files: files.truncate(path, files.size(path) - count)
