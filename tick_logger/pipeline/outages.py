"""One interruption of a stream: from when to when, why, and what its ids can prove of it.

Not here: what becomes of it (`gaps`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table

Stream = tuple[int, Table]


@attrs.define
class Outage:
    """In progress while `to_ns` is None; times are receive times in nanoseconds."""

    from_ns: int
    cause: Cause
    to_ns: int | None = None
    proven_ns: int | None = None  # how far the stream's ids were complete when it ended
    unprovable: bool = False  # ids have begun again meanwhile

    def lies_in(self, from_ns: int, to_ns: int) -> bool:
        """Whether the interruption, or a part of it, lies between these times."""
        first, last = sorted((from_ns, to_ns))  # the wall clock may have been set back
        begin, end = sorted((self.from_ns, last if self.to_ns is None else self.to_ns))
        return first <= end and begin <= last

    def as_record(self, stream: Stream, to_ns: int) -> GapRecord:
        """Its record, without ids."""
        return GapRecord(*stream, None, None, self.from_ns, to_ns, self.cause)

    def dump(self, stream: Stream) -> list[Any]:
        """Its fields and its stream's."""
        instrument, table = stream
        cause = self.cause.value
        fields = [self.from_ns, cause, self.to_ns, self.proven_ns, self.unprovable]
        return [instrument, table.value, *fields]

    @classmethod
    def load(cls, fields: Sequence[Any]) -> tuple[Stream, Outage]:
        """The stream and the interruption that `dump` was given."""
        instrument, table, from_ns, cause, *rest = fields
        return (instrument, Table(table)), cls(from_ns, Cause(cause), *rest)
