"""What the exchange said in a row, as one number, so that many rows are compared at once.

Two rows are the same trade, or the same quote, if id, event time and content are the same.  An id
alone does not tell: ids begin again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import Array, RowBatch
from tick_logger.model.tables import Table

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.uint64]

CONTENT: dict[Table, tuple[str, ...]] = {
    Table.MD: ("price", "volume", "best_bid", "best_ask"),
    Table.TRADES: ("price", "size", "side", "maker", "taker"),
    Table.QUOTES: ("best_bid", "best_bid_size", "best_ask", "best_ask_size"),
}
MIXING_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Odd and without a pattern; products wrap around."""


def content(rows: RowBatch) -> Numbers:
    """A number that stands for what each row says beside id and time; never 0."""
    mixed = np.ones(len(rows), np.uint64)
    for field in CONTENT[rows.table]:
        for part in words(rows[field]):
            mixed = mixed * MIXING_FACTOR + part
    return mixed | np.uint64(1)


def words(column: Array) -> list[Numbers]:
    """A column's bits, in which a number that is missing equals another."""
    if column.dtype.itemsize <= 4:
        return [column.astype(np.uint64)]
    words = np.ascontiguousarray(column).view(np.uint64).reshape(-1, column.dtype.itemsize // 8)
    return list(words.T)


def repeats(rows: RowBatch, held: RowBatch) -> Mask:
    """Which rows of one instrument are among those held, or stand further up among themselves."""
    repeated = np.zeros(len(held) + len(rows), np.bool_)
    ids = np.concatenate((held["seq"], rows["seq"]))
    ordered = np.sort(ids)
    if (ordered[1:] != ordered[:-1]).all():
        return repeated[len(held) :]
    event = np.concatenate((held["event_ns"], rows["event_ns"]))
    said = np.concatenate((content(held), content(rows)))
    order = np.lexsort((said, event, ids))  # stable: the first to come stays the first
    repeated[order[1:]] = np.logical_and.reduce(
        [each[order][1:] == each[order][:-1] for each in (ids, event, said)]
    )
    return repeated[len(held) :]
