"""Which tables of which instruments are to be recorded.

One message may carry rows of two tables (a ticker holds a quote); rows that nobody asked for are
left out here, for whole batches at a time.  Changes are remembered until they are taken, because
a replay of the same payloads must leave out the same rows.
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
        self._changed: dict[int, None] = {}

    def set(self, instrument: int, tables: Iterable[Table]) -> None:
        """Record these tables of the instrument, and no others."""
        chosen = set(tables)
        self._reserve(instrument)
        for table, mask in self._masks.items():
            mask[instrument] = table in chosen
        self._changed[instrument] = None

    def tables(self, instrument: int) -> tuple[Table, ...]:
        """What is recorded of an instrument."""
        self._reserve(instrument)
        return tuple(table for table, mask in self._masks.items() if mask[instrument])

    def take_changes(self) -> list[int]:
        """The instruments set since the last call, in order."""
        changed, self._changed = self._changed, {}
        return list(changed)

    def repeat_all(self) -> None:
        """Let `take_changes` give every instrument of which anything is recorded."""
        recorded = np.logical_or.reduce(list(self._masks.values()))
        self._changed.update(dict.fromkeys(np.flatnonzero(recorded).tolist()))

    def only(self, rows: RowBatch) -> RowBatch:
        """The rows that are wanted."""
        instruments = rows["instrument"]
        if len(instruments):
            self._reserve(int(instruments.max()))
        wanted = self._masks[rows.table][instruments]
        return rows if wanted.all() else rows.take(wanted)

    def _reserve(self, instrument: int) -> None:
        """Make room for an instrument; none of its tables is wanted yet."""
        for table, mask in self._masks.items():
            if instrument < len(mask):
                return
            grown = np.zeros(max(256, 2 * instrument), np.bool_)
            grown[: len(mask)] = mask
            self._masks[table] = grown
