"""Verification of dense ids: every hole is explained, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.storage.recording import SYMBOL, adding, checked, gap, gaps_added, removed
from tests.storage.sample import DAY, numbered
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.verify.report import Finding, Kind


@pytest.mark.parametrize(
    ("changes", "ids", "detail"),
    [
        ([removed(f"{SYMBOL}/gaps.01.02.24.jsonl")], 1, "first 4 to 4"),
        ([gaps_added(gap(4, 4, "late"))], 1, "first 4 to 4"),
        ([adding(Table.TRADES, *numbered(13, 13, day=DAY + 1), day=DAY + 1)], 2, "first 11 to 12"),
        (
            [
                adding(Table.TRADES, *numbered(20, 20, day=DAY + 1), day=DAY + 1),
                gaps_added(gap(11, 14), gap(13, 16), gap(18, 18), gap(19, None)),
            ],
            2,
            "first 17 to 17",
        ),
    ],
)
def test_ids_that_are_missing(
    changes: list[Callable[[MemoryFiles], object]], ids: int, detail: str
) -> None:
    """Every hole of a dense table, days apart or not, needs gap records that cover it."""
    report = checked(*changes)
    assert report.findings == [Finding(f"{SYMBOL}/TRADES", Kind.MISSING_IDS, ids, detail=detail)]


def test_gap_record_about_ids_that_are_there() -> None:
    """A hole that was filled must be recorded as healed."""
    report = checked(gaps_added(gap(2, 4), gap(9, 9)))
    expected = Finding(f"{SYMBOL}/TRADES", Kind.PRESENT_IDS, 3, detail="first 2 to 3")
    assert report.findings == [expected]


@pytest.mark.parametrize(
    "gaps",
    [
        (gap(9, 9), gap(9, 9, "late")),
        (gap(4, 4, "late"), gap(4, 4)),
        (gap(2, 5), gap(2, 3, "late"), gap(5, 5, "resent")),
        (gap(11, 500),),
        (gap(None, None),),
    ],
)
def test_gap_records_that_are_right(gaps: tuple[GapRecord, ...]) -> None:
    """Healed as a whole or in parts, lost again, beyond what is on disk, or without ids."""
    assert checked(gaps_added(*gaps)).ok
