"""What verification found: one finding per file (or stream) and kind of defect."""

from __future__ import annotations

import enum
import json

import attrs

from tick_logger.verify.holes import Holes


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
    MISPLACED = "file of a recording where none belongs"
    KEPT_ASIDE_LINE = "unreadable lines of what was kept aside"
    VANISHED = "gone while it was looked at"
    FORMAT = "unreadable description of the format"
    JOURNAL = "damaged journal"
    CHECKPOINT = "checkpoint and files disagree"
    NOT_RECOVERED = "received but not derived"
    UNREADABLE = "cannot be read"
    REPLAY = "journal and files disagree"
    CERTIFICATE = "certificate and recording disagree"


_ABOUT_IDS = frozenset({Kind.MISSING_IDS, Kind.PRESENT_IDS})


@attrs.frozen
class Finding:
    """One defect: where, what, how many rows (or bytes, ids, lines), the first row (from 0)."""

    path: str
    kind: Kind
    count: int
    first_row: int | None = None
    detail: str = ""

    @property
    def key(self) -> tuple[str, Kind, str]:
        """What two looks at files that grow must agree on: numbers of rows change meanwhile."""
        return self.path, self.kind, self.detail if self.kind in _ABOUT_IDS else ""

    def __str__(self) -> str:
        first = "" if self.first_row is None else f", first at row {self.first_row}"
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.path}: {self.kind}: {self.count}{first}{detail}"


@attrs.define
class Report:
    """The outcome.  `table_days` counts tables with rows per symbol and day, late ones apart.

    `notes` are files that are no part of a recording: harmless, but perhaps not expected.
    `not_compared` says why nothing could be compared with the journal, if that was asked for, and
    `live` that somebody recorded meanwhile, so that only what is promised at each moment counts.
    """

    findings: list[Finding] = attrs.field(factory=list)
    notes: list[str] = attrs.field(factory=list)
    exchanges: int = 0
    symbols: int = 0
    table_days: int = 0
    rows: int = 0
    holes: Holes = attrs.field(factory=Holes)
    not_compared: str = ""
    live: bool = False

    def add(self, part: Report) -> None:
        """Take what was found about a part."""
        self.findings += part.findings
        self.notes += part.notes
        self.exchanges += part.exchanges
        self.symbols += part.symbols
        self.table_days += part.table_days
        self.rows += part.rows
        self.holes.add(part.holes)

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
                "totals": {name: getattr(self, name) for name in totals} | attrs.asdict(self.holes),
                "findings": [attrs.asdict(finding) for finding in self.findings],
                "notes": self.notes,
                "not_compared": self.not_compared,
                "live": self.live,
            },
            indent=2,
        )
