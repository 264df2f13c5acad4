"""What one look finds of one stream, and how looks become doubts with a beginning and an end.

Invariant: each row that was found is counted in exactly one doubt.  There is at most one open doubt
for each instrument, table and kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from tick_logger.model.doubts import DoubtKind, DoubtRecord
from tick_logger.model.tables import Table
from tick_logger.quality.limits import LONGEST_NS, QUIET_NS


@attrs.frozen
class Finding:
    """Rows of one stream in one flush that look wrong; `severity` compares those of one kind."""

    instrument: int
    table: Table
    kind: DoubtKind
    from_ns: int
    to_ns: int
    rows: int
    severity: float
    figures: Mapping[str, float]


class Spans:
    """The doubts that are not over."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, Table, DoubtKind], Finding] = {}

    def add(self, findings: Iterable[Finding]) -> list[DoubtRecord]:
        """Take what was found; returns the doubts that were over before it began."""
        ended = []
        for found in findings:
            key = found.instrument, found.table, found.kind
            known = self._open.pop(key, None)
            if known is not None and _is_over(known, found.from_ns):
                ended.append(_doubt(known))
                known = None
            self._open[key] = found if known is None else _together(known, found)
        return ended

    def over(self, now_ns: int) -> list[DoubtRecord]:
        """The doubts that are over by now, or have lasted long enough to be written."""
        keys = [key for key, found in self._open.items() if _is_over(found, now_ns)]
        return [_doubt(self._open.pop(key)) for key in keys]

    def close(self) -> list[DoubtRecord]:
        """All that are left."""
        found, self._open = self._open, {}
        return [_doubt(each) for each in found.values()]


def _is_over(found: Finding, now_ns: int) -> bool:
    return now_ns - found.to_ns > QUIET_NS or found.to_ns - found.from_ns >= LONGEST_NS


def _together(one: Finding, other: Finding) -> Finding:
    worst = max(one, other, key=lambda each: each.severity)
    return attrs.evolve(
        worst,
        from_ns=min(one.from_ns, other.from_ns),
        to_ns=max(one.to_ns, other.to_ns),
        rows=one.rows + other.rows,
    )


def _doubt(found: Finding) -> DoubtRecord:
    return DoubtRecord(
        found.instrument,
        found.table,
        found.kind,
        found.from_ns,
        found.to_ns,
        found.rows,
        dict(found.figures),
    )
