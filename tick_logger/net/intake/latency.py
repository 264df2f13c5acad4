"""How long after an exchange's own time its events were received.

What a venue repeats is old by nature and says nothing about the way from there to here: to whoever
subscribes, at the start and after each reconnect; on two connections, while one takes over from the
other; in quiet markets, as a sign of life.  So only news counts: what is from after its
subscription was asked for, and later than all that was told of the instrument in earlier batches.
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
    """Of the rows of one exchange, measured for whole batches."""

    def __init__(self) -> None:
        self._known_ns: dict[Table, Times] = {  # what is not later is no news, by instrument
            table: np.zeros(FIRST_SIZE, np.int64) for table in Table
        }

    def asked(self, tables: Sequence[Table], instruments: Sequence[int], now_ns: int) -> None:
        """Subscriptions to these tables of these instruments are asked for now."""
        for table in tables:
            self._known(table, max(instruments))[list(instruments)] = now_ns

    def secs(self, batches: Iterable[RowBatch]) -> npt.NDArray[np.float64]:
        """Seconds (float64, shape `(n,)`) for the rows that are news, have a time, and are no
        snapshot of a book.

        Never negative: an exchange whose clock is ahead of ours does not send from the future.
        """
        found = [self._late_ns(rows) for rows in batches if len(rows)]
        return np.maximum(np.concatenate(found), 0) / 1e9 if found else np.zeros(0)

    def _late_ns(self, rows: RowBatch) -> Times:
        instruments, event_ns, recv_ns = rows["instrument"], rows["event_ns"], rows["recv_ns"]
        known_ns = self._known(rows.table, int(instruments.max()))
        before = known_ns[instruments]
        news = event_ns > before  # `NO_TIME` is not
        # A time in the future must not make everything old that comes until then.  Of an instrument
        # that is there twice, the value that is written last counts.
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
