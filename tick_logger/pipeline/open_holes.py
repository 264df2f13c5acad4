"""Holes that last: each is written while it is open, and its line is closed when it is over.

    seen in progress -> open line after 5 s -> closed by its record, or as healed -> forgotten

What is lost is decided elsewhere, and told in records when it is over.  Here these pass through: a
line that stands open is closed by the record of the same table, cause and beginning; where there
is none because nothing was lost, by one that says so.  At midnight an open line is closed, and
another begins in the new day's file.  An interruption that is over, whose cost later ids will tell,
has no share in the new day: at midnight its line is closed for good.

Time passes here by the times of ticks.  Ticks of earlier versions have none: then nothing opens.

Invariant: whoever drops each line without an end that a later one of its table, cause and beginning
follows is left with the holes that are open, and with no line of one that is over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Literal

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.flush import HEALED, GapRecord, OpenHole
from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.pipeline.gap_records import in_order

OPEN_AFTER_NS = 5 * 10**9
"""So long a hole must have been seen in progress: a stop and a start soon after it are one line."""

EARLY_NS = 10**9 // 4
"""Ticks may come so much too early, and still a second is over at the next."""

MOST_NIGHTS = 400
"""Of one hole, lines that ended at a midnight and are taken back if nothing was lost."""


@attrs.define
class _Seen:
    since_ns: int
    line_ns: int | None = None  # from when the line is that stands open
    is_lost: bool = False  # there is a record of what it cost
    nights: list[tuple[int, int]] = attrs.field(factory=list)  # lines that ended at a midnight


class OpenHoles:
    """The holes that were seen in progress, and of which lines are open.

    `proves` says whether ids show what was lost in a stream: where they do, a hole that ends
    without a record has cost nothing.  `is_asleep` says whether it is one of a stream that nobody
    has used since a start, `awaits_ids` when it was over, if no id has come since to tell what it
    cost, and `is_pending` whether one has, and what it cost is about to be recorded.
    """

    def __init__(
        self,
        proves: Callable[[int, Table], bool],
        is_asleep: Callable[[OpenHole], bool] = lambda _: False,
        awaits_ids: Callable[[OpenHole], int | None] = lambda _: None,
        is_pending: Callable[[OpenHole], bool] = lambda _: False,
    ) -> None:
        self._proves = proves
        self._is_asleep = is_asleep
        self._awaits_ids = awaits_ids
        self._is_pending = is_pending
        self._seen: dict[OpenHole, _Seen] = {}
        self._shown: tuple[OpenHole, ...] = ()

    @property
    def shown(self) -> tuple[OpenHole, ...]:
        """Those that go on and are written, as of the last tick; the same object while the same."""
        return self._shown

    def has_line(self, hole: OpenHole) -> bool:
        """Whether a line about it is open."""
        seen = self._seen.get(hole)
        return seen is not None and seen.line_ns is not None

    def cost_ids(self, hole: OpenHole) -> int | None:
        """Ids were lost to it: returns from when its open line is, None without one."""
        seen = self._seen.get(hole)
        if seen is None:
            return None
        seen.is_lost = True
        return seen.line_ns

    def tell(
        self, at_ns: int | None, records: Iterable[GapRecord], lasting: Collection[OpenHole]
    ) -> list[GapRecord]:
        """The records of a tick, each with its times in order, and the lines that open and close.

        `lasting` are the holes in progress, of streams that are in use.
        """
        if not lasting and not self._seen:
            self._shown = ()
            return list(map(in_order, records))
        written = [each for record in records for each in self._of_line(record)]
        closing = {
            (each.instrument, each.table, each.cause, each.from_ns)
            for each in written
            if each.to_ns is not None
        }
        going_on = dict.fromkeys(lasting)
        for hole in going_on:
            if at_ns is not None and hole not in self._seen:
                self._seen[hole] = _Seen(at_ns)
            if hole in self._seen:
                written += self._go_on(hole, at_ns, closing)
        for hole in [each for each in self._seen if each not in going_on]:
            if not self._is_asleep(hole) and not self._is_pending(hole):
                written += self._end(hole, at_ns, closing)
        shown = tuple(filter(self.has_line, going_on))
        self._shown = self._shown if shown == self._shown else shown
        return written

    def open_now(self, holes: Iterable[OpenHole], at_ns: int) -> Iterator[GapRecord]:
        """The lines that open these at once: nobody comes back to them soon."""
        for hole in holes:
            seen = self._seen.setdefault(hole, _Seen(at_ns))
            if seen.line_ns is None:
                seen.line_ns = hole.from_ns
                yield _line(hole, seen.line_ns, None)

    def _of_line(self, record: GapRecord) -> Iterator[GapRecord]:
        """A record as it is written: of a hole whose line is from midnight, from there on."""
        hole = OpenHole(record.instrument, record.table, record.cause, record.from_ns or 0)
        seen = None if record.from_id is not None or record.healed else self._seen.get(hole)
        if seen is None:
            yield in_order(record)
            return
        seen.is_lost = True
        if seen.line_ns is None and seen.nights:
            return  # that is what its line said at midnight
        begun_ns, to_ns = seen.line_ns, record.to_ns
        if begun_ns is not None and to_ns is not None and begun_ns <= to_ns:
            record = attrs.evolve(record, from_ns=begun_ns)
        yield in_order(record)
        if begun_ns is not None and to_ns is not None and begun_ns > to_ns:
            seen.line_ns = None  # it was over before its line began, which nobody knew then
            yield _line(hole, begun_ns, begun_ns, HEALED)

    def _go_on(
        self, hole: OpenHole, at_ns: int | None, closing: Collection[tuple[Any, ...]]
    ) -> Iterator[GapRecord]:
        """Open its line when it is time, again at midnight, and whenever another closed it."""
        seen = self._seen[hole]
        is_new = seen.line_ns is not None and _key(hole, seen.line_ns) in closing
        if at_ns is not None:
            seen.since_ns = min(seen.since_ns, at_ns)  # the clock may have been set back
            if seen.line_ns is None and at_ns - seen.since_ns >= OPEN_AFTER_NS - EARLY_NS:
                seen.line_ns, is_new = hole.from_ns, True
            midnight_ns = at_ns - at_ns % NS_PER_DAY
            if seen.line_ns is not None and seen.line_ns < midnight_ns:
                yield _line(hole, seen.line_ns, midnight_ns)
                seen.nights = [*seen.nights, (seen.line_ns, midnight_ns)][-MOST_NIGHTS:]
                seen.line_ns, is_new = midnight_ns, True
        if is_new and seen.line_ns is not None:
            yield _line(hole, seen.line_ns, None)

    def _end(
        self, hole: OpenHole, at_ns: int | None, closing: Collection[tuple[Any, ...]]
    ) -> Iterator[GapRecord]:
        """It is over: what closes its line, if no record does, and what is taken back."""
        seen = self._seen[hole]
        if seen.line_ns is not None and _key(hole, seen.line_ns) in closing:
            seen.line_ns, seen.is_lost = None, True
        until_ns = self._awaits_ids(hole)
        if until_ns is not None and (seen.line_ns is not None or seen.nights):
            if seen.line_ns is not None and at_ns is not None:
                to_ns = max(until_ns, seen.line_ns)
                if seen.line_ns // NS_PER_DAY < at_ns // NS_PER_DAY:
                    yield _line(hole, seen.line_ns, to_ns)
                    seen.nights.append((seen.line_ns, to_ns))
                    seen.line_ns = None
            return
        if seen.line_ns is not None:
            now_ns = seen.line_ns if at_ns is None else max(at_ns, seen.line_ns)
            yield _line(hole, seen.line_ns, now_ns, HEALED)
        if not seen.is_lost and self._proves(hole.instrument, hole.table):
            for from_ns, to_ns in seen.nights:
                yield _line(hole, from_ns, to_ns, HEALED)
        del self._seen[hole]

    def dump(self) -> list[Any]:
        """Each as a list."""
        return [
            [
                *(hole.instrument, hole.table.value, hole.cause.value, hole.from_ns),
                *(seen.since_ns, seen.line_ns, seen.is_lost, list(map(list, seen.nights))),
            ]
            for hole, seen in self._seen.items()
        ]

    def load(self, state: Sequence[Sequence[Any]]) -> None:
        """Take over what `dump` returned; earlier versions knew of none."""
        for instrument, table, cause, from_ns, since_ns, line_ns, is_lost, nights in state:
            hole = OpenHole(instrument, Table(table), Cause(cause), from_ns)
            ended = [(begun, end) for begun, end in nights]
            self._seen[hole] = _Seen(since_ns, line_ns, is_lost, ended)


def _key(hole: OpenHole, line_ns: int) -> tuple[int, Table, Cause, int]:
    return hole.instrument, hole.table, hole.cause, line_ns


def _line(
    hole: OpenHole, from_ns: int, to_ns: int | None, healed: Literal[False] | str = False
) -> GapRecord:
    stream = hole.instrument, hole.table
    return GapRecord(*stream, None, None, from_ns, to_ns, hole.cause, healed)
