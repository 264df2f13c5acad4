"""What verification found: one finding per file (or stream) and kind of defect."""

from __future__ import annotations

import enum
import json

import attrs


class Kind(enum.StrEnum):
    """What can be wrong on disk, in words that stand in the report."""

    MISSING_COLUMN = "column file is missing"
    TORN = "torn last record"
    UNEQUAL = "columns of unequal length"
    WIDTH = "prices of another width"
    ORDER = "rows out of order"
    DAY = "rows of another day"
    NANOS = "nanoseconds out of range"
    VALUE = "values out of range"
    DUPLICATE = "duplicate rows"
    MISSING_IDS = "ids missing without a gap record"
    PRESENT_IDS = "gap records claim ids that are on disk"
    GAP_LINE = "unreadable gap lines"
    INSTRUMENTS = "unreadable instruments file"
    STRAY = "column file where none belongs"
    FORMAT = "unreadable description of the format"
    JOURNAL = "damaged journal"
    CHECKPOINT = "checkpoint and files disagree"
    NOT_RECOVERED = "received but not derived"
    REPLAY = "journal and files disagree"


@attrs.frozen
class Finding:
    """One defect: where, what, how many rows (or bytes, ids, lines), the first row (from 0)."""

    path: str
    kind: Kind
    count: int
    first_row: int | None = None
    detail: str = ""

    def __str__(self) -> str:
        first = "" if self.first_row is None else f", first at row {self.first_row}"
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.path}: {self.kind}: {self.count}{first}{detail}"


@attrs.define
class Report:
    """The outcome.  `table_days` counts tables with rows per symbol and day, late ones apart.

    `notes` are files that are no part of a recording: harmless, but perhaps not expected.
    """

    findings: list[Finding] = attrs.field(factory=list)
    notes: list[str] = attrs.field(factory=list)
    exchanges: int = 0
    symbols: int = 0
    table_days: int = 0
    rows: int = 0

    @property
    def ok(self) -> bool:
        """Whether every invariant holds."""
        return not self.findings

    def to_json(self) -> str:
        """The report as one JSON text."""
        totals = ("exchanges", "symbols", "table_days", "rows")
        return json.dumps(
            {
                "ok": self.ok,
                "totals": {name: getattr(self, name) for name in totals},
                "findings": [attrs.asdict(finding) for finding in self.findings],
                "notes": self.notes,
            },
            indent=2,
        )
