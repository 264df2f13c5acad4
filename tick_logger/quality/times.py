"""Event times that go back: rows whose own time is far before what their stream had before.

Rows by REST are older by their nature, and are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tick_logger.model.doubts import DoubtKind
from tick_logger.model.flush import Run
from tick_logger.model.tables import ORIGIN_REST, Table
from tick_logger.quality.findings import Finding
from tick_logger.quality.joined import joined
from tick_logger.quality.limits import BACKWARDS_NS
from tick_logger.quality.numbered import Numbered

TIME_FIELDS = ("recv_ns", "event_ns")


class StreamTimes:
    """The newest event time of each stream, by rows that are in order."""

    def __init__(self) -> None:
        self._newest_ns = {table: Numbered(0) for table in Table}

    def take(self, count: int, runs: Sequence[Run]) -> Iterator[Finding]:
        """The runs of a flush; first those that are not in order, by what was before."""
        for table, newest in self._newest_ns.items():
            of_table = [run for run in runs if run.table is table and run.origin != ORIGIN_REST]
            if not of_table:
                continue
            newest_ns = newest.all(count)
            behind = joined(table, [run for run in of_table if run.late], TIME_FIELDS)
            if behind is not None:
                before_ns = behind.spread(newest_ns[behind.instruments])
                back_ns = before_ns - behind["event_ns"]
                figures = {"seconds": back_ns / 1e9}
                wrong = (back_ns > BACKWARDS_NS) & (before_ns > 0)
                yield from behind.found(wrong, DoubtKind.BACKWARDS, back_ns, figures)
            ahead = [run for run in of_table if not run.late and len(run.rows)]
            whose = np.array([run.instrument for run in ahead], np.int64)
            last_ns = np.array([run.rows["event_ns"][-1] for run in ahead], np.int64)
            np.maximum.at(newest_ns, whose, last_ns)
