"""The reader of growing column files sees what no reader may ever see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from scripts.torture_rig.reading import TableDay, Tally

DAY = "21.11.26"
SINCE_SECS = 1_700_000_000
TRADES: dict[str, npt.DTypeLike] = {
    "trade_id": "<u8",
    "trade_price": "<f4",
    "trade_size": "<f4",
    "trade_side": "<u4",
    "maker_order_id": "V16",
    "taker_order_id": "V16",
    "recv_time": "<u4",
    "recv_nanos": "<u4",
    "trade_nanos": "<u4",
    "trade_time": "<u4",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A table with three rows that are as they should be."""
    folder = tmp_path / "venue" / "BTC-USD" / "TRADES"
    folder.mkdir(parents=True)
    for column in TRADES:
        _write(folder, column, [1, 2, 3])
    _write(folder, "recv_time", [SINCE_SECS + 7] * 3)
    return folder


def _write(folder: Path, column: str, values: list[int]) -> None:
    kind = np.dtype(TRADES[column])
    data = bytes(16 * len(values)) if kind.kind == "V" else np.array(values, kind).tobytes()
    (folder / f"{column}.{DAY}.bin").write_bytes(data)


def _one_look(folder: Path) -> Tally:
    tally = Tally()
    TableDay(folder, DAY).look(tally, SINCE_SECS)
    return tally


def _counts(tally: Tally) -> tuple[int, int, int, int]:
    return tally.rows, tally.incomplete, tally.unsorted, tally.changed


def test_good_rows_are_counted(folder: Path) -> None:
    """Nothing is wrong with rows that are complete and sorted."""
    assert _counts(_one_look(folder)) == (3, 0, 0, 0)


def test_rows_behind_the_time_column_do_not_count(folder: Path) -> None:
    """Other columns may be ahead: their rows are not there yet."""
    _write(folder, "trade_id", [1, 2, 3, 4])
    assert _counts(_one_look(folder)) == (3, 0, 0, 0)


def test_a_row_that_a_column_lacks(folder: Path) -> None:
    """The time column has it, so it must be complete."""
    _write(folder, "trade_side", [1, 2])
    assert _one_look(folder).incomplete == 1


def test_a_row_of_zeros(folder: Path) -> None:
    """Bytes that were never written read as zeros."""
    _write(folder, "trade_price", [1, 2, 0])
    assert _counts(_one_look(folder)) == (3, 1, 0, 0)


def test_a_row_received_before_the_run(folder: Path) -> None:
    """Nobody can have received it."""
    _write(folder, "recv_time", [SINCE_SECS - 1, SINCE_SECS, SINCE_SECS])
    assert _counts(_one_look(folder)) == (3, 1, 0, 0)


def test_a_row_that_goes_back_in_time(folder: Path) -> None:
    """Within one second the nanoseconds decide."""
    _write(folder, "trade_time", [5, 5, 5])
    _write(folder, "trade_nanos", [1, 3, 2])
    assert _counts(_one_look(folder)) == (3, 0, 1, 0)


def test_every_row_counts_once(folder: Path) -> None:
    """A second look counts, and compares, only what has come since; where it joins is checked."""
    tally, day = Tally(), TableDay(folder, DAY)
    day.look(tally, SINCE_SECS)
    for column in TRADES:
        _write(folder, column, [1, 2, 3, 2])
    _write(folder, "recv_time", [SINCE_SECS + 7] * 4)
    day.look(tally, SINCE_SECS)
    assert _counts(tally) == (4, 0, 1, 0)


def test_a_row_that_changes(folder: Path) -> None:
    """What was seen once stays as it was."""
    tally, day = Tally(), TableDay(folder, DAY)
    day.look(tally, SINCE_SECS)
    _write(folder, "trade_id", [1, 9, 3])
    day.look(tally, SINCE_SECS)
    assert _counts(tally) == (3, 0, 0, 3)


def test_rows_that_vanish(folder: Path) -> None:
    """Rows only ever get more."""
    tally, day = Tally(), TableDay(folder, DAY)
    day.look(tally, SINCE_SECS)
    for column in TRADES:
        _write(folder, column, [1, 2])
    day.look(tally, SINCE_SECS)
    assert tally.changed > 0
