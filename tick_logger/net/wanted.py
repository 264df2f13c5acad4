"""Which tables of which instruments are to be recorded.

One message may carry rows of two tables (a ticker holds a quote); what was not asked for is left
out here, for whole batches at a time.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table


class WantedTables:
    """One boolean per table and instrument."""

    def __init__(self) -> None:
        self._masks: dict[Table, npt.NDArray[np.bool_]] = {
            table: np.zeros(0, np.bool_) for table in Table
        }

    def set(self, instrument: int, tables: Iterable[Table]) -> None:
        """Record these tables of the instrument, and no others."""
        chosen = set(tables)
        for table, mask in self._masks.items():
            if instrument >= len(mask):
                grown = np.zeros(max(256, 2 * instrument), np.bool_)
                grown[: len(mask)] = mask
                self._masks[table] = mask = grown
            mask[instrument] = table in chosen

    def only(self, rows: RowBatch) -> RowBatch:
        """The rows that are wanted."""
        wanted = self._masks[rows.table][rows["instrument"]]
        return rows if wanted.all() else rows.take(wanted)
