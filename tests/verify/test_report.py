"""The report of a verification, for people and for programs."""

from __future__ import annotations

import json

from tick_logger.verify.holes import Holes
from tick_logger.verify.report import Finding, Kind, Report


def test_finding_as_a_line() -> None:
    """Path, what, how many, first row, detail."""
    assert str(Finding("a/b", Kind.ORDER, 3, 7)) == "a/b: rows out of order: 3, first at row 7"
    assert (
        str(Finding("a/b", Kind.MISSING_IDS, 2, detail="first 4 to 5"))
        == "a/b: ids missing without a gap record: 2 (first 4 to 5)"
    )


def test_report_as_json() -> None:
    """Everything that it says, for other programs."""
    report = Report(
        [Finding("a/b", Kind.TORN, 3, 7, "bytes")], ["c: x"], 1, 2, 3, 4, Holes(5, 1, 2.5)
    )
    assert json.loads(report.to_json()) == {
        "ok": False,
        "totals": {
            "exchanges": 1,
            "symbols": 2,
            "table_days": 3,
            "rows": 4,
            "holes": 5,
            "stopped_symbols": 1,
            "stopped_secs": 2.5,
        },
        "findings": [
            {
                "path": "a/b",
                "kind": "torn last record",
                "count": 3,
                "first_row": 7,
                "detail": "bytes",
            }
        ],
        "notes": ["c: x"],
        "not_compared": "",
        "live": False,
    }
