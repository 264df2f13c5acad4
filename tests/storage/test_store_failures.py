"""Whatever fails, and however often: what was left is written later, once and in order."""

from __future__ import annotations

import errno
from random import Random

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.fakes.sim_disk import SimDisk
from tests.storage.expected import (
    after_first_step,
    contents,
    expected,
    rows_on_disk,
    script,
)
from tests.storage.sample import flush, numbered, run
from tests.storage.stored import MD, TRADES, put, rows_of_each_day, store
from tick_logger.errors import StorageError
from tick_logger.model.flush import Flush
from tick_logger.model.tables import Table
from tick_logger.storage.appending import AppendError
from tick_logger.storage.store import Store

ROWS = 11
"""Of the second step, which is the one that fails."""

APPENDS = 10 + 10 + 10 + 10 + 9 + 2 + 2
"""Of the second step: three table-days and a late one, tickers, gaps files, payloads."""

LOOKS = 12 + 12 + 12 + 2 + 2
"""What is looked at when it is met: what the first step has not touched."""

OPERATIONS = range(1, LOOKS + APPENDS + 1)


def until_done(store: Store, files: MemoryFiles, *, heal_after: int = 0) -> list[StorageError]:
    """Write the second step, repeating what fails; all is well after so many errors."""
    step = script()[1]
    errors: list[StorageError] = []
    done = False
    while not done:
        try:
            if store.unfinished:
                store.resume()
            else:
                store.meet(*step)
                store.write(*step)
            done = True
        except StorageError as error:
            errors.append(error)
            if len(errors) == heal_after:
                files.heal()
    return errors


@pytest.mark.parametrize("operation", OPERATIONS)
def test_one_failure_is_made_good(operation: int) -> None:
    """Whichever operation fails, a second try gives the bytes of an undisturbed run."""
    files = MemoryFiles()
    made = store(files)
    first, _, third = script()
    put(made, *first)
    files.fail_at = files.operations + operation
    (error,) = until_done(made, files)
    put(made, *third)
    assert contents(files) == expected(*script())
    assert isinstance(error, AppendError) is (operation > LOOKS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_disk_that_stays_dead_for_a_while(operation: int) -> None:
    """What could not even be taken back is cut before anything is appended."""
    files = MemoryFiles()
    made = store(files)
    first, _, third = script()
    put(made, *first)
    files.fail_from = files.operations + operation
    errors = until_done(made, files, heal_after=3)
    assert len(errors) == 3
    put(made, *third)
    assert contents(files) == expected(*script())


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_left_is_said(operation: int) -> None:
    """Files and error agree on what is saved, and all columns are equal."""
    files = MemoryFiles()
    made = store(files)
    put(made, *script()[0])
    made.meet(*script()[1])
    files.fail_at = files.operations + operation
    if operation > APPENDS:
        put(made, *script()[1])
        return
    with pytest.raises(AppendError) as caught:
        made.write(*script()[1])
    error, rest = caught.value, caught.value.rest
    assert (error.rows_saved, error.rows_waiting) == (ROWS - rest.rows, rest.rows)
    assert rows_on_disk(files) == 3 + error.rows_saved
    saved = contents(files)
    lines = sum(data.count(b"\n") for path, data in saved.items() if path.endswith(".jsonl"))
    assert lines == 6 - len(rest.flush.gaps) - len(rest.asides)
    assert not lines or not rest.rows


@pytest.mark.parametrize("failing", ["append", "truncate"])
@pytest.mark.parametrize("seed", range(20))
def test_any_part_of_an_append_may_be_done(seed: int, failing: str) -> None:
    """Failed appends leave any first part behind, and cutting it off fails now and then."""
    rng = Random(seed)
    files = SimDisk(rng)
    made = store(files)
    first, _, third = script()
    put(made, *first)
    for _ in range(6):
        at = files.operations + rng.randint(1, LOOKS + APPENDS)
        files.fail(number=errno.EIO, at=at)
    files.fail("append", number=errno.EIO, path="*side*", times=1)
    files.fail(failing, number=errno.EIO, times=2)
    assert until_done(made, files)
    put(made, *third)
    assert contents(files) == expected(*script())


def test_full_disk() -> None:
    """Wherever the disk fills up, what is on it is whole, and the rest follows later."""
    first, second, third = script()
    before = sum(map(len, expected(first).values()))
    needed = sum(map(len, expected(first, second).values()))
    for room in range(before, needed, 7):
        files = MemoryFiles()
        made = store(files)
        put(made, *first)
        made.meet(*second)
        files.capacity_bytes = room
        with pytest.raises(AppendError, match="No space left on device") as caught:
            made.write(*second)
        assert isinstance(caught.value.__cause__, OSError)
        assert caught.value.__cause__.errno == errno.ENOSPC
        with pytest.raises(AppendError, match="No space left on device"):
            made.resume()
        files.heal()
        made.resume()
        put(made, *third)
        assert contents(files) == expected(*script())


def test_error_message() -> None:
    """It names the file and the reason, and counts the rows."""
    files = MemoryFiles()
    made = store(files)
    step = flush(run(Table.MD, numbered(1, 2)), run(Table.TRADES, numbered(1, 3)))
    made.meet(step)
    files.fail_at = files.operations + 9 + 4
    with pytest.raises(AppendError) as caught:
        made.write(step)
    assert str(caught.value) == (
        "cannot write venue/BTC-USD/TRADES/trade_side.01.02.24.bin: Input/output error; "
        "of 5 rows 2 are saved and 3 wait"
    )
    assert (caught.value.path, caught.value.reason) == (
        "venue/BTC-USD/TRADES/trade_side.01.02.24.bin",
        "Input/output error",
    )


def test_what_cannot_be_cut_back_is_said() -> None:
    """It is part of the reason."""
    files = MemoryFiles()
    made = store(files)
    made.meet(script()[0][0])
    files.fail_from = files.operations + 4
    with pytest.raises(AppendError, match=r"could not be cut back .*: Input/output error"):
        made.write(script()[0][0])


def test_nothing_comes_between_a_flush_and_its_rest() -> None:
    """Another flush would break the order, and lengths in between would repeat rows."""
    files = MemoryFiles()
    made = store(files)
    made.meet(*script()[0])
    files.fail_at = files.operations + 5
    with pytest.raises(AppendError):
        made.write(*script()[0])
    assert made.unfinished
    with pytest.raises(AssertionError, match="another flush"):
        made.write(Flush())
    with pytest.raises(AssertionError, match="middle of a flush"):
        made.dump()
    made.resume()
    assert not made.unfinished
    assert contents(files) == expected(script()[0])


def test_resuming_nothing() -> None:
    """When nothing is left, nothing happens."""
    files = MemoryFiles()
    made = store(files)
    put(made, *script()[0])
    operations = files.operations
    made.resume()
    assert files.operations == operations


def test_columns_of_a_failed_run_are_equal() -> None:
    """A reader never finds a row without its other columns."""
    for operation in range(1, 20):
        files = MemoryFiles()
        after_first_step(files)
        made = store(files)
        step = flush(run(Table.TRADES, numbered(3, 5)), run(Table.MD, numbered(2, 5)))
        made.meet(step)
        files.fail_at = files.operations + operation
        with pytest.raises(AppendError):
            made.write(step)
        assert rows_of_each_day(files) == {TRADES: 2 + 3 * (operation > 10), MD: 1}


def test_files_are_cut_back_once() -> None:
    """What has been made good costs nothing more."""
    files = MemoryFiles()
    made = store(files)
    step = flush(run(Table.MD, numbered(1, 1)))
    made.meet(step)
    files.fail_at = files.operations + 3
    with pytest.raises(AppendError):
        made.write(step)
    operations = files.operations
    made.resume()
    assert files.operations == operations + 9


def test_gap_lines_of_one_file_are_written_at_once() -> None:
    """All of them or none, in the order given."""
    only_gaps = Flush(gaps=script()[1][0].gaps)
    for operation in (1, 2):
        files = MemoryFiles()
        made = store(files)
        made.meet(only_gaps)
        files.fail_at = files.operations + operation
        with pytest.raises(AppendError) as caught:
            made.write(only_gaps)
        ids = [gap.from_id for gap in caught.value.rest.flush.gaps]
        assert ids == ([4, 6, 5] if operation == 1 else [5])
