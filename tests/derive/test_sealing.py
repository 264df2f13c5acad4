"""After a day is sealed its main files and gaps files never grow; what comes later lies beside."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.derive.derived import Live, bytes_of, derivation, prepared, recorded, reloaded, take
from tests.derive.story import INSTRUMENTS, MIDNIGHT_NS, SECOND, STEP_NS, entries_of, story
from tests.fakes.memory_files import MemoryFiles
from tick_logger.model.entries import Entry, Received, Sealed
from tick_logger.model.tables import ORIGIN_LATE, SPECS, Table
from tick_logger.storage.layout import ColumnPath, GapsPath, parse

SEEDS = range(8)
DAY = MIDNIGHT_NS // (86_400 * SECOND) - 1


def sealed_story(seed: int, after: int) -> list[Entry]:
    """The story, in which both exchanges seal the day before, so many batches after midnight."""
    entries: list[Entry] = []
    for entry in entries_of(story(seed)):
        entries.append(entry)
        is_late = isinstance(entry, Received) and int(entry.recv_ns.max()) >= MIDNIGHT_NS
        after -= is_late
        if is_late and after == 0:
            entries += [Sealed(name, DAY, MIDNIGHT_NS + STEP_NS) for name in INSTRUMENTS]
    assert any(isinstance(entry, Sealed) for entry in entries)
    return entries


def is_sealed(path: str) -> bool:
    """Whether a path is of the day that is sealed, and no place for what comes later."""
    match parse(path):
        case ColumnPath(late=late, day=day) | GapsPath(late=late, day=day):
            return day == DAY and not late
    return False


def main_files(files: MemoryFiles) -> dict[str, bytes]:
    return {path: data for path, data in recorded(files).items() if is_sealed(path)}


def rows_of(files: MemoryFiles) -> Counter[tuple[str, ...]]:
    """Every row by the bytes of its columns, wherever it lies; `origin` aside."""
    parts: dict[tuple[str, str, Table, bool, int], dict[str, bytes]] = {}
    for path in files.list("", recursive=True):
        match parse(path):
            case ColumnPath(exchange, symbol, table, late, column, day) if column != "origin":
                of = parts.setdefault((exchange, symbol, table, late, day), {})
                of[column] = bytes(files.read(path))
    rows: Counter[tuple[str, ...]] = Counter()
    for (exchange, symbol, table, _, _), columns in parts.items():
        sizes = {name: SPECS[table].column(name).numpy_dtype("f4+rest") for name in columns}
        for row in range(len(columns[SPECS[table].time_column]) // 4):
            fields = [
                columns[name][row * size.itemsize : (row + 1) * size.itemsize].hex()
                for name, size in sorted(sizes.items())
            ]
            rows[exchange, symbol, table, *fields] += 1
    return rows


def lines_of(files: MemoryFiles) -> Counter[bytes]:
    """Every line of a gaps file but the first, wherever it lies."""
    lines: Counter[bytes] = Counter()
    for path in files.list("", recursive=True):
        if isinstance(parse(path), GapsPath):
            lines.update(x for x in bytes(files.read(path)).splitlines() if b'"header"' not in x)
    return lines


@pytest.mark.parametrize("after", [1, 4, 9])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_sealed_day_never_grows_and_nothing_is_lost(seed: int, after: int) -> None:
    """Rows of it that come later are late ones, and records go to its file in `late/`."""
    entries, files = sealed_story(seed, after), prepared()
    derived = derivation(files)
    at = next(place for place, entry in enumerate(entries) if isinstance(entry, Sealed))
    take(derived, entries[: at + 2])
    before = main_files(files)
    take(derived, entries[at + 2 :])
    assert main_files(files) == before
    plain = prepared()
    take(derivation(plain), entries_of(story(seed)))
    assert rows_of(files) == rows_of(plain)
    assert lines_of(files) == lines_of(plain)


def test_what_comes_later_is_marked_as_late_on_the_stream() -> None:
    """There were such rows, and such records."""
    rows = records = 0
    for seed in SEEDS:
        files = prepared()
        take(derivation(files), sealed_story(seed, 1))
        for path, data in recorded(files).items():
            match parse(path):
                case ColumnPath(late=True, column="origin", day=day) if day == DAY:
                    assert set(data) == {ORIGIN_LATE}
                    rows += len(data)
                case GapsPath(late=True, day=day):
                    assert day == DAY
                    records += data.count(b"\n")
    assert rows > 0
    assert records > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_the_seal_outlives_the_process(seed: int) -> None:
    """Live, replayed, and with the state saved and loaded between any two entries."""
    entries, files = sealed_story(seed, 2), prepared()
    live = Live(derivation(files), INSTRUMENTS)
    for entry in entries:
        live.take(entry)
    assert recorded(files) == bytes_of(entries)
    relayed = prepared()
    derived = derivation(relayed)
    for entry in entries:
        derived = reloaded(derived, relayed)
        take(derived, [entry])
    assert recorded(relayed) == recorded(files)
