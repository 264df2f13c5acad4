"""Which receive times belong to a range of event times, and whether there are rows around it.

Holes are known by receive times, rows are asked for by event times.  The two differ by the way to
here, and by as much as a clock is wrong.  The rows next to the range tell: what is missing of it
was received after the last row before it, and before the first row behind it.

Looks at the days next to the range only.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import numpy as np

from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_SECOND, day_of
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.times import BEGINNING_NS, END_NS, Span

SLACK_NS = 60 * NS_PER_SECOND
"""By how much receipts may differ from those of the next row, the range taken for granted: rows
that are as much too early or too late are not put in order."""


@attrs.frozen
class Row:
    """When a row happened and when it was received (ns since 1970), and its id."""

    event_ns: int
    recv_ns: int
    id: int


@attrs.frozen
class Edges:
    """What lies around a range of one stream: the last row before it, the first one behind it."""

    wanted: Span
    before: Row | None
    after: Row | None
    inside: Row | None
    """The first row of the range, where there are none around it."""

    @property
    def are_there(self) -> bool:
        """Whether there are rows on both sides, so that nothing can be missing at the edges."""
        return self.before is not None and self.after is not None

    def are_touched_by(self, hole: GapRecord) -> bool:
        """Whether rows of the range may be missing by a hole; see `bounds`."""
        begin, end = bounds(hole)
        first, last = self._received()
        if begin > last or end < first:
            return False
        if hole.from_ns == hole.to_ns and hole.to_id is None:
            return True  # the row of that moment may have come before what is missing, or behind it
        if self.before is not None and end == self.before.recv_ns:
            return hole.to_id is not None and hole.to_id > self.before.id
        if self.after is not None and begin == self.after.recv_ns:
            return hole.from_id is not None and hole.from_id < self.after.id
        return True

    def _received(self) -> tuple[int, int]:
        """The first and the last receipt of what may be missing in the range."""
        near = self.before or self.after or self.inside, self.after or self.before or self.inside
        way, back = (0 if row is None else row.recv_ns - row.event_ns for row in near)
        first = self.wanted.start_ns + way - SLACK_NS
        last = self.wanted.end_ns + back + SLACK_NS
        return (
            first if self.before is None else max(first, self.before.recv_ns),
            last if self.after is None else min(last, self.after.recv_ns),
        )


def bounds(hole: GapRecord) -> tuple[int, int]:
    """From when until when something may be missing (receive times); what is open has no end."""
    begin = hole.from_ns if hole.from_ns is not None else hole.to_ns
    assert begin is not None, "a hole without any time"
    return begin, np.iinfo(np.int64).max if hole.to_ns is None else hole.to_ns


def is_within(hole: GapRecord, received: Span) -> bool:
    """Whether rows of a range of receive times may be missing by a hole."""
    begin, end = bounds(hole)
    return begin < received.end_ns and end >= received.start_ns


def edges_of(source: Source, symbol: Symbol, table: Table, wanted: Span) -> Edges:
    """The rows next to a range of event times."""
    days = source.days(symbol, table)
    start_ns, end_ns = wanted.start_ns, wanted.end_ns
    earlier = [day for day in reversed(days) if day <= day_of(start_ns)]
    later = [day for day in days if day >= day_of(end_ns)]
    before = _next_to(source, symbol, table, earlier, start_ns, before=True)
    after = _next_to(source, symbol, table, later, end_ns, before=False)
    inside = None
    if before is None and after is None:
        inside = _next_to(source, symbol, table, days, start_ns, before=False)
    return Edges(wanted, before, after, inside)


def has_receipts_around(source: Source, symbol: Symbol, table: Table, wanted: Span) -> bool:
    """Whether a stream has rows that were received before a range, and behind it."""
    days = source.days(symbol, table)
    first = _next_to(source, symbol, table, days, BEGINNING_NS, before=False)
    last = _next_to(source, symbol, table, reversed(days), END_NS, before=True)
    if first is None or last is None:
        return False
    return first.recv_ns < wanted.start_ns and last.recv_ns >= wanted.end_ns


def _next_to(
    source: Source, symbol: Symbol, table: Table, days: Iterable[int], time_ns: int, *, before: bool
) -> Row | None:
    for day in days:
        main = source.look(symbol, table, day).main
        row = main.first_at(time_ns) - before
        if 0 <= row < main.rows:
            found = (main.field(name, row, row + 1) for name in ("event_ns", "recv_ns", "seq"))
            return Row(*(int(values[0]) for values in found))
    return None
