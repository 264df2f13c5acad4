"""From when until when two recordings can be compared: the time that both have.

An exchange is judged from the later of its two beginnings to the earlier of its two ends, by the
times of the exchange, so that clocks and distances do not matter.  A start takes a while: a stream
that begins soon after its exchange is judged from its own first row on, and one that ends with its
exchange until its own last row.  One that begins much later, or ends much earlier, lacks rows.

What an exchange sends on a subscription may be much older than the recording, and begins nothing.
Where one recording begins later, what lies between its first receipt and the next is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import numpy as np

from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY, NS_PER_SECOND
from tick_logger.reader.parts import DayPart, day_parts
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.times import Span

STARTING_NS = 300 * NS_PER_SECOND
"""So long may it take until all streams of an exchange are subscribed to: connections are paced."""

STOPPING_NS = 10 * NS_PER_SECOND
"""So long before the last row of its exchange may a stream end with it."""

FRESH_NS = 5 * NS_PER_SECOND
"""A row that is older when it is received was sent because of a subscription."""

MOST_GREETINGS = 10_000
"""Rows at the beginning that are looked at; the longest list of past trades has 1,000."""


@attrs.frozen
class Edges:
    """The first and the last time of something, in ns, and the ids there (0: none)."""

    first_ns: int
    last_ns: int
    first_id: int = 0
    last_id: int = 0
    settled_ns: int = 0
    """Of a stream: the time of the first row that was received after the first receipt.  What lies
    before it may have been missed between a greeting and the subscription."""

    def common(self, other: Edges) -> Edges:
        """What both have; it may end before it begins."""
        ids = self.first_id and other.first_id and self.last_id and other.last_id
        return Edges(
            max(self.first_ns, other.first_ns),
            min(self.last_ns, other.last_ns),
            max(self.first_id, other.first_id) if ids else 0,
            min(self.last_id, other.last_id) if ids else 0,
        )

    def within(self, exchange: Edges) -> Edges:
        """Of a stream: from when until when it was recorded, as far as its exchange was."""
        first, last = self.first_ns, self.last_ns
        begins = first <= exchange.first_ns + STARTING_NS
        ends = last >= exchange.last_ns - STOPPING_NS
        return Edges(
            first if begins else exchange.first_ns,
            last if ends else exchange.last_ns,
            self.first_id if begins else 0,
            self.last_id if ends else 0,
            self.settled_ns if begins else 0,
        )

    def inside(self, other: Edges) -> Edges:
        """The part of it that lies within the times of the other."""
        first, last = max(self.first_ns, other.first_ns), min(self.last_ns, other.last_ns)
        return attrs.evolve(self, first_ns=first, last_ns=last)

    def cut(self, wanted: Span) -> Edges:
        """The part of it that is wanted."""
        first, last = max(self.first_ns, wanted.start_ns), min(self.last_ns, wanted.end_ns - 1)
        return attrs.evolve(self, first_ns=first, last_ns=last)


def edges_of(source: Source, symbol: Symbol, table: Table) -> Edges | None:
    """The edges of a stream; None if there are no rows.  Raises `OSError`."""
    days = source.days(symbol, table)
    first = next(filter(None, (_part(source, symbol, table, day) for day in days)), None)
    if first is None:
        return None
    last = next(filter(None, (_part(source, symbol, table, day) for day in reversed(days))), first)
    begin, end = _first_fresh(first), last.rows - 1
    return Edges(
        int(first.field("event_ns", begin, begin + 1)[0]),
        int(last.field("event_ns", end, end + 1)[0]),
        int(first.field("seq", begin, begin + 1)[0]),
        int(last.field("seq", end, end + 1)[0]),
        _settled_ns(first, begin),
    )


def around(edges: Iterable[Edges]) -> Edges | None:
    """From the first to the last of some; None if there are none."""
    found = list(edges)
    if not found:
        return None
    return Edges(min(each.first_ns for each in found), max(each.last_ns for each in found))


def _part(source: Source, symbol: Symbol, table: Table, day: int) -> DayPart | None:
    wanted = Span(day * NS_PER_DAY, (day + 1) * NS_PER_DAY)
    return next(day_parts(source, symbol, table, wanted, "merge"), None)


def _settled_ns(part: DayPart, begin: int) -> int:
    rows = min(part.rows, begin + MOST_GREETINGS)
    received = part.field("recv_ns", begin, rows)
    after = np.flatnonzero(received > received[0])
    if not len(after):
        return 0
    at = begin + int(after[0])
    return int(part.field("event_ns", at, at + 1)[0])


def _first_fresh(part: DayPart) -> int:
    rows = min(part.rows, MOST_GREETINGS)
    age = part.field("recv_ns", 0, rows) - part.field("event_ns", 0, rows)
    return int(np.argmax(age <= FRESH_NS))  # the first row, where none is
