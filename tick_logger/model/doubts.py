"""What looks wrong in recorded rows: the kinds, and a span of time in which rows look so.

A doubt changes nothing: the rows stand as they were sent.  Not here: what is looked at
(`quality`), and how doubts are kept (`storage.quality_files`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

import attrs

from tick_logger.model.tables import Table
from tick_logger.model.times import day_of


class DoubtKind(enum.StrEnum):
    """In which way rows look wrong."""

    CROSSED = "crossed"
    """The best bid is above the best ask."""
    LOCKED = "locked"
    """The best bid is the best ask."""
    OUTSIDE = "outside"
    """Trades are far outside the quotes around them."""
    JUMP = "jump"
    """The price moved much farther from one row to the next than it ever does."""
    APART = "apart"
    """Prices are far from those of the same pair at other exchanges."""
    BACKWARDS = "backwards"
    """The exchange's times went back."""


@attrs.frozen
class DoubtRecord:
    """Rows of one stream that look wrong in one way, received from `from_ns` to `to_ns`.

    Receive times are those of the first row and of the last, in ns since 1970-01-01 UTC.
    `figures` are of the worst row, by names that belong to the kind; see the page on files.
    """

    instrument: int
    table: Table
    kind: DoubtKind
    from_ns: int
    to_ns: int
    rows: int
    figures: Mapping[str, float]

    @property
    def day(self) -> int:
        """The UTC day whose file holds it: the day on which it began."""
        return day_of(self.from_ns)
