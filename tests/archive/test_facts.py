"""Facts of a day, against what was written: counted, and hashed by the standard library."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.reader.recorded import Recorder, aside
from tick_logger.archive.facts import (
    Condition,
    IdFacts,
    StreamFacts,
    facts_of,
    hash_of,
    sum_lines,
)
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import ORIGIN_REST, Table
from tick_logger.reader.opening import source_at
from tick_logger.storage.disk_files import DiskFiles

DAY = 20_786  # 2026-11-29
NS_PER_DAY = 86_400 * 10**9
MIDNIGHT = DAY * NS_PER_DAY
HOUR = 3_600 * 10**9


def trade(number: int, at_ns: int) -> dict[str, Any]:
    """A trade that is received 5 ms after it happened."""
    return {"event_ns": at_ns, "recv_ns": at_ns + 5_000_000, "seq": number, "price": number / 4}


def three_days(folder: Path) -> Recorder:
    """Ids 1 to 30, ten a day, an hour apart from 08:00 on; a hole days before says what proves."""
    recorder = Recorder(folder)
    recorder.miss(hole(None, None, MIDNIGHT - 9 * NS_PER_DAY, MIDNIGHT - 8 * NS_PER_DAY))
    for number in range(1, 31):
        day, of_day = divmod(number - 1, 10)
        at_ns = MIDNIGHT + (day - 1) * NS_PER_DAY + (8 + of_day) * HOUR
        recorder.write(Table.TRADES, [trade(number, at_ns)])
    return recorder


def facts(folder: Path, day: int = DAY) -> list[StreamFacts]:
    files = DiskFiles(folder)
    found = list(facts_of(source_at(folder), files, "venue", day))
    files.close()
    return found


def hole(from_id: int | None, to_id: int | None, from_ns: int, to_ns: int) -> GapRecord:
    return GapRecord(0, Table.TRADES, from_id, to_id, from_ns, to_ns, Cause.DISCONNECT)


def test_a_whole_day_between_others_is_proven(tmp_path: Path) -> None:
    """Ids rise by one from the last of the day before to the first of the day after."""
    three_days(tmp_path)
    (found,) = facts(tmp_path)
    assert (found.symbol, found.table, dict(found.rows)) == ("BTC-USD", Table.TRADES, {0: 10})
    assert found.ids == IdFacts(((11, 20),), 1, 10, 21)
    assert found.is_proven
    assert found.condition is Condition.AVAILABLE
    assert found.covered == ((MIDNIGHT, MIDNIGHT + NS_PER_DAY),)
    assert found.covered_secs == 86_400
    assert (found.first_event_ns, found.last_event_ns) == (
        MIDNIGHT + 8 * HOUR,
        MIDNIGHT + 17 * HOUR,
    )


@pytest.mark.parametrize(("day", "ids"), [(DAY - 1, (1, 10)), (DAY + 1, (21, 30))])
def test_a_day_without_a_neighbour_is_not(tmp_path: Path, day: int, ids: tuple[int, int]) -> None:
    """Nobody knows what was before it, or comes after."""
    three_days(tmp_path)
    (found,) = facts(tmp_path, day)
    assert found.ids is not None
    assert found.ids.ranges == (ids,)
    assert not found.is_proven
    assert found.condition is Condition.AVAILABLE
    assert found.covered_secs < 86_400


def test_a_hole_degrades_the_day_and_is_not_covered(tmp_path: Path) -> None:
    """Its time is taken out of the day, once where holes overlap."""
    recorder = three_days(tmp_path)
    begin = MIDNIGHT + 9 * HOUR
    recorder.miss(hole(None, None, begin, begin + HOUR), hole(None, None, begin, begin + HOUR // 2))
    (found,) = facts(tmp_path)
    assert found.condition is Condition.DEGRADED
    assert not found.is_proven
    assert found.covered == ((MIDNIGHT, begin), (begin + HOUR, MIDNIGHT + NS_PER_DAY))
    assert found.covered_secs == 86_400 - 3_600
    assert [day.condition for day in facts(tmp_path, DAY + 1)] == [Condition.AVAILABLE]


def test_rows_are_told_apart_by_where_they_came_from(tmp_path: Path) -> None:
    """Late and back-filled ones have ids of the day; those aside are of no time and no id."""
    recorder = Recorder(tmp_path)
    numbers = [trade(n, MIDNIGHT + n * HOUR) for n in range(1, 7)]
    recorder.write(Table.TRADES, [numbers[0], numbers[5]])
    recorder.write(Table.TRADES, numbers[1:3], late=True)
    recorder.write(Table.TRADES, numbers[3:4], late=True, origin=ORIGIN_REST)
    aside(recorder, Table.TRADES, [trade(99, 5)], DAY)
    (found,) = facts(tmp_path)
    assert dict(found.rows) == {0: 2, 1: 2, 2: 1, 3: 1}
    assert found.total == 5
    assert found.ids == IdFacts(((1, 4), (6, 6)), 2, None, None)
    assert (found.first_event_ns, found.last_event_ns) == (MIDNIGHT + HOUR, MIDNIGHT + 6 * HOUR)


def test_each_file_has_the_hash_that_sha256sum_finds(tmp_path: Path) -> None:
    """Of late files too; and their list is one that it checks."""
    recorder = three_days(tmp_path)
    recorder.write(Table.TRADES, [trade(15, MIDNIGHT + 12 * HOUR)], late=True)
    (found,) = facts(tmp_path)
    expected = {
        path.relative_to(tmp_path).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in tmp_path.rglob("*.29.11.26.bin")
        if path.stat().st_size
    }
    assert dict(found.files) == expected
    lines = sum_lines(found.files)
    assert found.digest == hashlib.sha256(lines).hexdigest()
    subprocess.run(["sha256sum", "--check", "--strict"], input=lines, cwd=tmp_path, check=True)


def test_one_byte_more_or_less_is_another_digest(tmp_path: Path) -> None:
    """Of any file."""
    three_days(tmp_path)
    (before,) = facts(tmp_path)
    for path in before.files:
        data = (tmp_path / path).read_bytes()
        (tmp_path / path).write_bytes(bytes([data[0] ^ 1]) + data[1:])
        assert facts(tmp_path)[0].digest != before.digest
        (tmp_path / path).write_bytes(data)
    assert facts(tmp_path)[0].digest == before.digest


def test_a_large_file_is_hashed_piece_by_piece(tmp_path: Path) -> None:
    """As one, and no further than it was when it was looked at."""
    data = bytes(range(256)) * 10_000
    (tmp_path / "x").write_bytes(data)
    files = DiskFiles(tmp_path)
    assert hash_of(files, "x", len(data)) == hashlib.sha256(data).hexdigest()
    assert hash_of(files, "x", 7) == hashlib.sha256(data[:7]).hexdigest()
    files.close()


def test_the_worst_stream_is_the_day() -> None:
    """A stream without rows spoils no day that has others."""
    worst = Condition.worst
    assert worst([Condition.AVAILABLE, Condition.DEGRADED, Condition.PENDING]) == "degraded"
    assert worst([Condition.AVAILABLE, Condition.PENDING]) == "pending"
    assert worst([Condition.MISSING, Condition.AVAILABLE]) == "available"
    assert worst([]) == worst([Condition.MISSING]) == "missing"
