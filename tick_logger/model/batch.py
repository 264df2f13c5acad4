"""The unit that intakes hand to the writer: a batch of one exchange, received and decoded."""

from __future__ import annotations

import attrs

from tick_logger.model.entries import KeptAside, Received
from tick_logger.model.marks import Mark
from tick_logger.model.rows import RowBatch


@attrs.frozen(eq=False)
class Batch:
    """What was received, the rows in it, and the share of the buffer budget that both occupy.

    `frames_bytes` are given back when the payloads are in the journal, `rows_bytes` when the rows
    are derived or let go of.
    """

    received: Received
    rows: tuple[RowBatch, ...] = ()
    kept_aside: tuple[KeptAside, ...] = ()
    frames_bytes: int = 0
    losses: tuple[Mark, ...] = ()  # what of it was not understood
    rows_bytes: int = 0
