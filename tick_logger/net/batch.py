"""What the feeds hand to the writer: one decoded batch of one exchange, in order of arrival."""

from __future__ import annotations

import attrs

from tick_logger.model.marks import Mark
from tick_logger.model.rows import RowBatch


@attrs.frozen
class KeptAside:
    """A payload that could not be decoded, for inspection."""

    recv_ns: int
    reason: str
    payload: bytes


@attrs.frozen(eq=False)
class Batch:
    """Rows and marks of one exchange, and the share of the buffer budget that they occupy."""

    exchange: str
    items: tuple[RowBatch | Mark, ...]
    kept_aside: tuple[KeptAside, ...] = ()
    budget_bytes: int = 0
