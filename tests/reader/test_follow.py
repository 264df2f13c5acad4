"""Following files as they grow: over midnight, with late rows, holes, and cuts after a crash."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

import tick_logger
from tests.reader.recorded import Recorder, aside
from tests.reader.test_replay import DAY_MS, hole, ids_of
from tests.reader.test_rows import BTC, MS, trade
from tests.storage.sample import DAY, MIDNIGHT_NS
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import SPECS, Table
from tick_logger.reader.following import FAILURES_IN_A_ROW

ROOT = Path(__file__).parents[2]


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "data")


Step = Callable[[], object]


def taking(steps: Sequence[Step], found: list[object] | None = None) -> Callable[[], bool]:
    """A `wait` that takes one step after the other, and ends when there are no more."""
    left = iter(steps)

    def wait() -> bool:
        if found is not None:
            found.append("wait")
        step = next(left, None)
        if step is not None:
            step()
        return step is not None

    return wait


def followed(recorder: Recorder, *steps: Step, rows: int = 100) -> list[object]:
    """What a follower of the trades gets between the steps; "wait" whenever nothing is new."""
    found: list[object] = []
    wait = taking(steps, found)
    rec = tick_logger.open(recorder.folder)
    for each in rec.follow("*:*", tables=["trades"], rows=rows, wait=wait):
        found += ids_of([each])
    return found


def test_new_rows_come_once_and_in_order(recorder: Recorder) -> None:
    """What was there before is not given; rows of several symbols are merged."""
    recorder.write(Table.TRADES, [trade(1, 10)])
    recorder.write(Table.TRADES, [trade(1, 10)], of=1)

    def write_both() -> None:
        recorder.write(Table.TRADES, [trade(5, 40), trade(7, 60)])
        recorder.write(Table.TRADES, [trade(6, 50)], of=1)

    assert followed(
        recorder,
        lambda: recorder.write(Table.TRADES, [trade(2, 20), trade(4, 40)]),
        lambda: None,
        write_both,
        lambda: recorder.write(Table.TRADES, [trade(8, 60)]),
    ) == ["wait", [2, 4], "wait", "wait", [5, 6, 7], "wait", [8], "wait"]


def test_midnight_is_crossed(recorder: Recorder) -> None:
    """The rows that still come for the old day too, and those of a stream that begins."""
    recorder.write(Table.TRADES, [trade(1, DAY_MS - 5)])
    recorder.write(Table.QUOTES, [trade(1, DAY_MS - 5)], of=1)
    assert followed(
        recorder,
        lambda: recorder.write(Table.TRADES, [trade(2, DAY_MS - 1), trade(3, DAY_MS + 1)]),
        lambda: recorder.write(Table.TRADES, [trade(4, DAY_MS + 2)], of=1),
        lambda: recorder.write(Table.TRADES, [trade(5, 3 * DAY_MS), trade(6, 5 * DAY_MS)]),
        lambda: recorder.write(Table.TRADES, [trade(7, 6 * DAY_MS)]),
    ) == ["wait", [2, 3], "wait", [4], "wait", [5, 6], "wait", [7], "wait"]


def test_days_that_are_taken_away_bring_no_old_ones_back(recorder: Recorder) -> None:
    """An archive may take the days before, while an older one stays."""
    recorder.write(Table.TRADES, [trade(n, n * DAY_MS) for n in range(1, 6)])
    folder = recorder.folder / "venue/BTC-USD/TRADES"

    def take_away() -> None:
        for day in ("04", "05"):
            for file in folder.glob(f"*.{day}.02.24.bin"):
                file.unlink()

    assert followed(recorder, take_away, lambda: None) == ["wait"] * 3


def test_late_rows_come_when_they_come(recorder: Recorder) -> None:
    """With their origin, of yesterday too; what is aside is left out."""
    recorder.write(Table.TRADES, [trade(5, 50), trade(6, DAY_MS)])
    recorder.write(Table.TRADES, [trade(1, 10)], late=True)
    found: list[object] = []
    rec = tick_logger.open(recorder.folder)
    wait = taking(
        [
            lambda: recorder.write(Table.TRADES, [trade(3, 30), trade(2, 20)], late=True),
            lambda: aside(recorder, Table.TRADES, [trade(9, 77)], DAY),
            lambda: recorder.write(Table.TRADES, [trade(4, DAY_MS - 1)], late=True, origin=2),
        ]
    )

    for each in rec.follow(BTC, tables=["trades"], wait=wait):
        assert isinstance(each, tick_logger.Rows)
        found.append((each.numpy("id").tolist(), each.numpy("origin").tolist()))
    assert found == [([2, 3], [1, 1]), ([4], [2])]


def test_holes_are_told_of_as_they_open_and_close(recorder: Recorder) -> None:
    """An open one at once, once more when it has closed; one that heals in part not again."""
    recorder.write(Table.TRADES, [trade(1, 10)])
    recorder.miss(hole(1, 2), hole(11, None))
    seen: list[tick_logger.Gap] = []
    ids = (2, 5), (3, 4)
    at = MIDNIGHT_NS + 20 * MS
    missed = [GapRecord(0, Table.TRADES, *pair, at, at + MS, Cause.SEQUENCE) for pair in ids]
    healed = GapRecord(0, Table.TRADES, 2, 2, at, at + MS, Cause.SEQUENCE, healed="rest")
    beside = GapRecord(0, Table.TRADES, 8, 9, at, at + MS, Cause.SEQUENCE)
    wait = taking(
        [
            lambda: recorder.miss(hole(11, 15)),
            lambda: recorder.miss(missed[0]),
            lambda: recorder.miss(healed),
            lambda: recorder.miss(beside),
        ]
    )

    for each in tick_logger.open(recorder.folder).follow(tables=["trades"], wait=wait):
        assert isinstance(each, tick_logger.Gap)
        seen.append(each)
    assert [(gap.is_open, gap.from_id, gap.to_id) for gap in seen] == [
        *((True, None, None), (False, None, None), (False, 2, 5), (False, 8, 9)),
    ]


def cut(folder: Path, rows: int) -> None:
    """As a start does after a crash: the time column first."""
    table = SPECS[Table.TRADES]
    for column in reversed(table.files):
        for file in folder.glob(f"{column.name}.*.bin"):
            with file.open("rb+") as open_file:
                size = column.numpy_dtype("f4").itemsize
                open_file.truncate(rows * size)


@pytest.mark.parametrize("late", [False, True])
def test_files_that_are_cut_go_on_behind_what_was_given(recorder: Recorder, late: bool) -> None:
    """Rows that come again are not given again, whenever the follower looks."""
    rows = [trade(n, 10 * (n // 2)) for n in range(1, 8)]  # two of each time
    folder = recorder.folder / "venue/BTC-USD" / ("late/TRADES" if late else "TRADES")

    def write(first: int, last: int) -> None:
        recorder.write(Table.TRADES, rows[first - 1 : last], late=late)

    def again(first: int, last: int) -> None:
        cut(folder, first - 1)
        write(first, last)

    recorder.write(Table.TRADES, [trade(9, DAY_MS)])
    write(1, 2)
    assert followed(
        recorder,
        lambda: write(3, 4),
        lambda: cut(folder, 2),
        lambda: write(3, 4),
        lambda: write(5, 5),
        lambda: again(3, 6),
        lambda: again(6, 7),
    ) == [*("wait", [3, 4]), *["wait"] * 3, *([5], "wait", [6], "wait", [7], "wait")]


def test_what_was_given_outlives_the_files(recorder: Recorder) -> None:
    """A batch is a copy, which is read after its files were cut."""
    recorder.write(Table.TRADES, [trade(1, 10)])
    rec = tick_logger.open(recorder.folder)
    stream = rec.follow(BTC, tables=["trades"], wait=lambda: False)
    recorder.write(Table.TRADES, [trade(2, 20, price=7.25)])
    batch = next(stream)
    assert isinstance(batch, tick_logger.Rows)
    cut(recorder.folder / "venue/BTC-USD/TRADES", 0)
    assert batch.numpy("price").tolist() == [7.25]


def test_batches_are_bounded(recorder: Recorder) -> None:
    """However much has come between two looks."""
    recorder.write(Table.TRADES, [trade(0, 0)])
    found = followed(
        recorder,
        lambda: recorder.write(Table.TRADES, [trade(n, n) for n in range(1, 8)]),
        rows=3,
    )
    assert found == ["wait", [1, 2, 3], [4, 5, 6], [7], "wait"]


def test_a_file_that_stays_unreadable_is_an_error(recorder: Recorder) -> None:
    """Not before it has failed for a while, and not silently."""
    recorder.write(Table.TRADES, [trade(1, 10)])
    waits = 0
    gaps = recorder.folder / "venue/BTC-USD/gaps.01.02.24.jsonl"

    def wait() -> None:
        nonlocal waits
        waits += 1
        gaps.unlink(missing_ok=True)
        gaps.symlink_to(gaps)  # a loop, which cannot be opened by anybody

    stream = tick_logger.open(recorder.folder).follow(BTC, tables=["trades"], wait=wait)
    with pytest.raises(OSError, match=r"gaps\.01"):
        next(stream)
    assert waits == 1 + FAILURES_IN_A_ROW


def test_without_a_way_to_wait_it_sleeps(recorder: Recorder) -> None:
    """A real process follows real files, and gets what is appended."""
    recorder.write(Table.TRADES, [trade(1, 10)])
    code = (
        "import sys, tick_logger\n"
        "rec = tick_logger.open(sys.argv[1])\n"
        "stream = rec.follow('venue:BTC-USD', tables=['trades'])\n"
        "print('ready', flush=True)\n"
        "print(next(stream).numpy('id').tolist())\n"
    )
    command = [sys.executable, "-c", code, str(recorder.folder)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        lines: Iterator[str] = iter(process.stdout.readline, "")
        assert next(lines) == "ready\n"
        recorder.write(Table.TRADES, [trade(2, 20)])
        assert next(lines) == "[2]\n"
