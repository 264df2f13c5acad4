"""Parquet files have row groups of one symbol each, where that is worth one."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

import tick_logger
from tests.reader.recorded import Recorder
from tests.storage.sample import numbered
from tick_logger.model.tables import Table
from tick_logger.reader import writing


def test_a_row_group_holds_one_symbol_where_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins at a symbol's first row, but for those of tiny symbols, which share one."""
    monkeypatch.setattr(writing.row_groups, "__defaults__", (64,))  # tiny: less than 4
    counts = {"A": 70, "B": 3, "C": 2, "D": 4, "E": 1, "F": 64}
    recorder = Recorder(tmp_path / "data", names=tuple(("venue", name) for name in counts))
    for of, count in enumerate(counts.values()):
        recorder.write(Table.TRADES, numbered(1, count), of=of)
    rows = tick_logger.open(recorder.folder).trades("venue:*", "2024-02-01", "2024-02-03")
    rows.to_parquet(tmp_path / "rows.parquet")
    file = pq.ParquetFile(tmp_path / "rows.parquet")
    symbols = [
        file.read_row_group(n, ["symbol"])["symbol"].to_pylist() for n in range(file.num_row_groups)
    ]
    expected = ["A" * 64, "A" * 6, "BBBCC", "DDDD", "E", "F" * 64]
    assert ["".join(each) for each in symbols] == expected
    groups = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    assert groups == [64, 6, 5, 4, 1, 64]
    assert file.read(["id"])["id"].to_pylist() == rows.numpy("id").tolist()


@pytest.mark.parametrize(
    ("starts", "rows", "groups"),
    [
        ([], 0, []),
        ([], 130, [(0, 64), (64, 128), (128, 130)]),
        ([3, 6], 9, [(0, 9)]),
        ([3, 67], 70, [(0, 3), (3, 67), (67, 70)]),
        (list(range(3, 90, 3)), 90, [(0, 63), (63, 90)]),  # no more than one group has
    ],
)
def test_row_groups(starts: list[int], rows: int, groups: list[tuple[int, int]]) -> None:
    """All rows are in one, in order, none in two."""
    assert list(writing.row_groups(rows, starts, 64)) == groups
