"""Which of the rows of one table are new, by whatever its ids are.

Ids of trades that rise by one are kept as ranges (`ids`).  Ids with holes that mean nothing would
need as many ranges as there are ids, so that only the newest of them are remembered (`recent_ids`).
All other tables go to `duplicates`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table
from tick_logger.pipeline import duplicates
from tick_logger.pipeline.id_line import Finding
from tick_logger.pipeline.recent_ids import RecentIds
from tick_logger.pipeline.table_state import TableState

Mask = npt.NDArray[np.bool_]


def admit(rows: RowBatch, state: TableState, recent: RecentIds) -> tuple[Mask, list[Finding]]:
    """Which of the sorted rows are new, and what they show of the ids of their streams."""
    held = state.window.held
    if rows.table is not Table.TRADES:
        keep, begun_again = duplicates.admit(rows, state.streams, held)
        return keep, [*begun_again]
    released = state.streams.released_event
    sparse = state.streams.sparse[rows["instrument"]]
    if not sparse.any():
        return state.ids.admit(rows, released, held)
    keep = np.ones(len(rows), np.bool_)
    keep[sparse], begun_again = recent.admit(rows.take(sparse), state.streams, held)
    if sparse.all():
        return keep, [*begun_again]
    keep[~sparse], findings = state.ids.admit(rows.take(~sparse), released, held)
    return keep, [*begun_again, *findings]
