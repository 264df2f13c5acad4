"""Rows in memory to the bytes of their column files.  Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tick_logger.model.rows import Array, RowBatch
from tick_logger.model.tables import SPECS, Table
from tick_logger.model.times import NS_PER_SECOND


def column_bytes(table: Table, parts: Sequence[RowBatch], price_dtype: str) -> list[memoryview]:
    """The records of all rows of the parts, in order: one buffer per column file, time last.

    A price beyond the range of "f4" becomes infinite.
    """
    halves = {
        f"{time}_{half}": values
        for time in ("event", "recv")
        for half, values in _split_time(_joined(parts, f"{time}_ns")).items()
    }
    with np.errstate(over="ignore"):
        return [
            (halves[column.source] if column.source in halves else _joined(parts, column.source))
            .astype(column.numpy_dtype(price_dtype), copy=False)
            .view(np.uint8)
            .data
            for column in SPECS[table].files
        ]


def _joined(parts: Sequence[RowBatch], field: str) -> Array:
    return np.concatenate([part[field] for part in parts])


def _split_time(time_ns: Array) -> dict[str, Array]:
    """Whole seconds `s`, and nanoseconds beyond them `frac`."""
    seconds, fraction = np.divmod(time_ns, NS_PER_SECOND)
    return {"s": seconds, "frac": fraction}
