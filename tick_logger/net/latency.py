"""How long after an exchange's own time its events were received."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, NO_TIME, Table


def latencies_secs(batches: Iterable[RowBatch]) -> npt.NDArray[np.float64]:
    """Seconds (float64, shape `(n,)`) for the rows that have a time and are no snapshot of a book.

    Never negative: an exchange whose clock is ahead of ours does not send from the future.
    """
    found = [np.zeros(0, np.int64)]
    for rows in batches:
        timed = rows["event_ns"] != NO_TIME
        if rows.table is Table.BOOK:
            timed &= (rows["flags"] & FLAG_SNAPSHOT) == 0
        found.append((rows["recv_ns"] - rows["event_ns"])[timed])
    return np.maximum(np.concatenate(found), 0) / 1e9
