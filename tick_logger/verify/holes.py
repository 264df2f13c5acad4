"""Sums up the holes of one symbol as its gaps files tell them, for the last line of the report.

Not here: whether they are right (`table`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import attrs

from tick_logger.model.flush import GapRecord
from tick_logger.model.stops import is_planned
from tick_logger.model.tables import Table
from tick_logger.storage.gap_files import ABOUT_NO_HOLE, standing


@attrs.define
class Holes:
    """Holes that stand, and symbols that were not recorded while the program was stopped."""

    holes: int = 0
    stopped_symbols: int = 0
    stopped_secs: float = 0.0  # of the one that missed the most

    def add(self, other: Holes) -> None:
        """Those of others too."""
        self.holes += other.holes
        self.stopped_symbols += other.stopped_symbols
        self.stopped_secs = max(self.stopped_secs, other.stopped_secs)


def holes_of(records: Iterable[GapRecord]) -> Holes:
    """What the records of one symbol, all tables and days, say together."""
    known = [each for each in standing(records) if not each.healed]
    planned = [each for each in known if is_planned(each)]
    holes = sum(not is_planned(each) and each.cause not in ABOUT_NO_HOLE for each in known)
    return Holes(holes, bool(planned), _secs(planned))


def _secs(planned: Sequence[GapRecord]) -> float:
    """For how long it was not recorded; each table has its own record of one stop.

    The table that misses the least says it best: others reach to the next row, however late.
    """
    of_tables: Counter[Table] = Counter()
    for each in planned:
        if each.from_ns is not None and each.to_ns is not None:
            of_tables[each.table] += each.to_ns - each.from_ns
    return min(of_tables.values(), default=0) / 1e9
