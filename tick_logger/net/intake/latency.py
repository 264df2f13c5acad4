"""How long after an exchange's own time its events were received.

Venues repeat old events: a new subscription begins with the last ones, two connections bring the
same ones while the second takes over from the first, and in quiet markets the last one is sent
again as a sign of life.  The age of a repeated event is no delay.  So only news is measured: an
event counts if its time is after the subscription was asked for, and later than that of every event
of the same instrument in earlier batches.

Pure.  Batches are measured whole, by table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, Table
from tick_logger.model.times import Times

FIRST_SIZE = 256  # instruments; grows as they come


class Delays:
    """The delays of one exchange's rows."""

    def __init__(self) -> None:
        self._known_ns: dict[Table, Times] = {  # by instrument: only what is later is news
            table: np.zeros(FIRST_SIZE, np.int64) for table in Table
        }

    def asked(self, tables: Sequence[Table], instruments: Sequence[int], now_ns: int) -> None:
        """These tables of these instruments are subscribed now: older events are no news."""
        for table in tables:
            self._known(table, max(instruments))[list(instruments)] = now_ns

    def secs(self, batches: Iterable[RowBatch]) -> npt.NDArray[np.float64]:
        """The delays in seconds (float64, shape `(n,)`), one for each row that is news.

        Rows without an event time and snapshots of books are left out.  No delay is negative: where
        the exchange's clock is ahead of ours, it is 0.
        """
        found = [self._late_ns(rows) for rows in batches if len(rows)]
        return np.maximum(np.concatenate(found), 0) / 1e9 if found else np.zeros(0)

    def _late_ns(self, rows: RowBatch) -> Times:
        instruments, event_ns, recv_ns = rows["instrument"], rows["event_ns"], rows["recv_ns"]
        known_ns = self._known(rows.table, int(instruments.max()))
        before = known_ns[instruments]
        assert len(recv_ns) == len(event_ns) == len(before), "one of each for every row"
        news = event_ns > before  # which `NO_TIME` never is
        # A time in the future must not make old whatever comes until then, hence the minimum.  If
        # an instrument has several rows here, numpy keeps the value of the last.
        known_ns[instruments] = np.maximum(np.minimum(event_ns, recv_ns), before)
        if rows.table is Table.BOOK:
            news &= (rows["flags"] & FLAG_SNAPSHOT) == 0
        late_ns: Times = (recv_ns - event_ns)[news]
        return late_ns

    def _known(self, table: Table, instrument: int) -> Times:
        """The times of a table, with a place for this instrument."""
        known_ns = self._known_ns[table]
        missing = instrument + 1 - len(known_ns)
        if missing > 0:
            more = np.zeros(max(missing, len(known_ns)), np.int64)
            known_ns = self._known_ns[table] = np.append(known_ns, more)
        return known_ns
