"""The runs and gap records that the pipeline hands to storage, and the tails that it gets back.

A stream is one table of one instrument.  Times are nanoseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from typing import Literal

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import ORIGIN_ASIDE, ORIGIN_LATE, ORIGIN_MAIN, Table
from tick_logger.model.times import day_of


@attrs.frozen(eq=False)
class Run:
    """Rows of one stream and one UTC day, in file order.

    The day is that of the event time.  `late` rows go to the `late/` sibling: most are older than
    what was released before; those of origin `ORIGIN_ASIDE` have a time that cannot be right, and
    are of the day of their receipt.
    """

    instrument: int
    table: Table
    day: int  # days since 1970-01-01
    rows: RowBatch
    late: bool = False
    origin: int = attrs.field()

    @origin.default
    def _usual(self) -> int:
        return ORIGIN_LATE if self.late else ORIGIN_MAIN

    @property
    def aside(self) -> bool:
        """Whether the rows are neither in order nor late: their times cannot be right."""
        return self.origin == ORIGIN_ASIDE


VOID = "void"
"""`healed` of a record that is about no hole: nothing is missing at the venue either."""


HEALED = "stream"
"""`healed` of a record that takes another back: what was missing came on the stream after all."""


@attrs.frozen
class OpenHole:
    """A hole in progress: it began at `from_ns` (receive time), and is not over."""

    instrument: int
    table: Table
    cause: Cause
    from_ns: int


@attrs.frozen
class GapRecord:
    """One known hole of a stream: ids first and last missing, receive times that bracket it.

    Without `to_ns` it is open.  Where ids began again, or one fits nowhere, the ids are those
    before and after that.
    """

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
    """What one tick of the pipeline releases, and the holes that are open after it.

    While these are the same, they are the same object.  `suspects` are written nowhere: ids that
    may be missing, where nobody promises that they rise by one.
    """

    runs: tuple[Run, ...] = ()
    gaps: tuple[GapRecord, ...] = ()
    open_holes: tuple[OpenHole, ...] = ()
    suspects: tuple[GapRecord, ...] = ()


@attrs.frozen
class IdRun:
    """Trades with ids `first` to `last`, none left out, as they follow each other in time."""

    first: int
    last: int
    first_event_ns: int
    last_event_ns: int
    first_recv_ns: int
    last_recv_ns: int


@attrs.frozen
class StreamTail:
    """What is on disk of a stream, from which a new process continues it.

    `id_runs` are the newest ids on disk in the order of their event times, from which shows which
    numbering is the present one; `recent_ids` the newest ones in file order, and `recent_event_ns`
    their times.  All are empty for tables other than TRADES.
    """

    last_event_ns: int
    last_seq: int
    last_recv_ns: int
    id_runs: tuple[IdRun, ...] = ()
    recent_ids: tuple[int, ...] = ()
    recent_event_ns: tuple[int, ...] = ()
