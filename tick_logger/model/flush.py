"""The runs and gap records that the pipeline hands to storage, and the tails that it gets back.

A stream is one table of one instrument.  Times are nanoseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from typing import Literal

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table
from tick_logger.model.times import day_of


@attrs.frozen(eq=False)
class Run:
    """Rows of one stream and one UTC day of event time, in file order.

    `late` rows are older than what was released before; they go to the `late/` sibling.
    """

    instrument: int
    table: Table
    day: int  # days since 1970-01-01
    rows: RowBatch
    late: bool = False


@attrs.frozen
class GapRecord:
    """One known hole of a stream: ids first and last missing, receive times that bracket it."""

    instrument: int
    table: Table
    from_id: int | None
    to_id: int | None
    from_ns: int | None
    to_ns: int | None
    cause: Cause
    healed: Literal[False] | str = False

    @property
    def day(self) -> int:
        """The UTC day whose gaps file holds the record: the day on which the hole began."""
        known = self.from_ns if self.from_ns is not None else self.to_ns
        assert known is not None, "a gap without any receive time has no place"
        return day_of(known)


@attrs.frozen(eq=False)
class Flush:
    """What one tick of the pipeline releases."""

    runs: tuple[Run, ...] = ()
    gaps: tuple[GapRecord, ...] = ()


@attrs.frozen
class StreamTail:
    """What is on disk of a stream, from which a new process continues it.

    `id_ranges` are the ids on disk as disjoint ascending (first, last) ranges, `recent_ids` the
    newest ones in file order; both are empty for tables other than TRADES.
    """

    last_event_ns: int
    last_seq: int
    last_recv_ns: int
    id_ranges: tuple[tuple[int, int], ...] = ()
    recent_ids: tuple[int, ...] = ()
