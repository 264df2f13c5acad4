"""Records of spans in which rows may be missing, though nothing was interrupted.

Those of one tick that follow each other closely share a record.  Not here: spans of which ids that
are dense tell what is missing (`gaps`).
"""

from __future__ import annotations

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.marks import Lapse
from tick_logger.pipeline.outages import Stream
from tick_logger.pipeline.told_holes import ToldHoles

APART_NS = 10**9
"""Lapses of one stream that are closer share a record: a venue may send nothing but nonsense."""


class Lapses:
    """Knows where among the records of this tick the last one of each stream and cause is.

    Those that are in doubt go to `told`.
    """

    def __init__(self, told: ToldHoles) -> None:
        self._told = told
        self._at: dict[tuple[Stream, Cause], int] = {}

    def record(self, stream: Stream, mark: Lapse, tick: int, records: list[GapRecord]) -> None:
        """Add a record of it to those of this tick."""
        record = GapRecord(*stream, None, None, mark.from_ns, mark.to_ns, mark.cause)
        records += self._told.tell(record, mark.doubt, tick)

    def join(self, stream: Stream, mark: Lapse, tick: int, records: list[GapRecord]) -> None:
        """As `record`, but in the same one with the one before, if that is close."""
        at = self._at.get((stream, mark.cause))
        if at is not None:
            before = records[at]
            if before.to_ns is not None and mark.from_ns - before.to_ns <= APART_NS:
                records[at] = attrs.evolve(before, to_ns=max(before.to_ns, mark.to_ns))
                return
        self._at[stream, mark.cause] = len(records)
        self.record(stream, mark, tick, records)

    def clear(self) -> None:
        """The records of this tick are taken."""
        self._at.clear()
