"""Books that are broken: subscribed, but of no use until a snapshot has its place among their rows.

    broken (ids that do not join, an interruption that is over) -> snapshot placed -> gap record

An interruption of any other stream ends when it is subscribed again.  That of a book goes on, as
one of the cause `resync`, because what comes then cannot be applied to anything.  So is one that is
recorded again after a time without, of which there is no record.  A book that has never had a
snapshot is not broken: it begins with its first, unless that fails to come.

Marks come before the rows of their tick, so that a book may have broken again before the snapshot
that mended it for a while is seen.  So each break has a span of its own until the last is mended.

Invariant: of the time in which a book was wrong in the order of the files, each moment is in one
record.  Not here: where a snapshot has its place (`places`), and all other interruptions (`gaps`).
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord, OpenHole
from tick_logger.model.marks import (
    AwaitSnapshot,
    Interrupted,
    Mark,
    MissingIds,
    Resumed,
    Retired,
)
from tick_logger.model.tables import Table
from tick_logger.pipeline.gaps import GapLedger
from tick_logger.pipeline.late_ends import LateEnds, Unnoticed
from tick_logger.pipeline.plain_state import Plain

MOST_TOLD = 16
"""Records of one book that are remembered: as many as it breaks while a line is frozen."""

MOST_SPANS = 100
"""Of one book that breaks again and again without a snapshot: more are seen as one."""


@attrs.frozen
class Placed:
    """A snapshot, as of update id `seq` or 0, that has its place among the rows of its book.

    What was received by `until_ns` may still lie before it.
    """

    instrument: int
    seq: int
    recv_ns: int
    until_ns: int


@attrs.define
class _Span:
    """From one break of a book to the next, or to the snapshot that mends it, or to its end."""

    from_ns: int
    cause: Cause
    broke_ns: int  # what was received before mends nothing
    first_id: int = 0  # nor does what is older than the update before this one; 0: not known
    to_ns: int | None = None
    is_over: bool = False  # not merely followed by the next
    is_told: bool = True  # else the book had not begun by then, and none of it is recorded
    failed_ns: int = 0  # when it was known that a snapshot did not come
    whole_ns: int = 0  # since when another connection has the book, which may be by a snapshot

    def is_mended_by(self, placed: Placed) -> bool:
        """Whether a snapshot came after the break."""
        if placed.seq and self.first_id:
            return placed.seq + 1 >= self.first_id
        return placed.recv_ns >= self.broke_ns

    def mend(self, placed: Placed) -> None:
        """It ends with this snapshot, if not before."""
        end_ns = max(placed.until_ns, self.from_ns)
        self.to_ns = end_ns if self.to_ns is None else min(self.to_ns, end_ns)
        self.is_over = True
        self.is_told &= placed.recv_ns >= self.failed_ns  # else it was another that failed


class BrokenBooks:
    """The broken books; `gaps` takes their records."""

    def __init__(self, gaps: GapLedger) -> None:
        self._gaps = gaps
        self._spans: dict[int, list[_Span]] = {}  # in order; the last may be open
        self._begun: set[int] = set()  # have had a snapshot
        self._doubted: set[int] = set()  # may lack something, though no snapshot was asked for
        self._told: dict[int, list[tuple[int, int]]] = {}  # recorded last, from when to when
        self._told_since: dict[int, int] = {}  # what was recorded first in this process
        self._late = LateEnds()
        self._placed: dict[int, Placed] = {}  # the newest of each book

    def __contains__(self, instrument: int) -> bool:
        return instrument in self._spans

    def __bool__(self) -> bool:
        return bool(self._spans)

    # -- what breaks a book, or ends ---------------------------------------------------------------

    def note(self, mark: Mark) -> None:
        """Take note of what a mark says of books, before `gaps` does."""
        match mark:
            case Interrupted() if Table.BOOK in mark.tables:
                for instrument in mark.instruments:
                    self._end(instrument, mark.at_ns)
                    self._doubted.add(instrument)
                    self._tells(instrument, mark.at_ns)
            case Resumed() if Table.BOOK in mark.tables:
                self._resumed(mark)
            case MissingIds(table=Table.BOOK):
                self._doubted.add(mark.instrument)
            case AwaitSnapshot():
                self._asked(mark)
            case Retired() if Table.BOOK in mark.tables:
                for instrument in mark.instruments:
                    self._end(instrument, mark.at_ns)
                    self._begun.discard(instrument)
                    self._doubted.discard(instrument)
                    self._told_since.pop(instrument, None)
        for unnoticed in self._late.note(mark):
            self._broke(unnoticed)

    def _broke(self, unnoticed: Unnoticed) -> None:
        """A book was broken, perhaps until a snapshot that has its place already."""
        number, since_ns = unnoticed.instrument, unnoticed.since_ns
        if self._last(number) is None:
            span = _Span(since_ns, Cause.RESYNC, since_ns, unnoticed.first_id)
            self._begin(number, span)
            placed = self._placed.get(number)
            if placed is not None and span.is_mended_by(placed):
                span.mend(placed)

    def _resumed(self, mark: Resumed) -> None:
        """The interruption is over."""
        for instrument in mark.instruments:
            last = self._last(instrument)
            outage = self._gaps.interruption((instrument, Table.BOOK), by_intent=True)
            if not mark.books_await:
                self._doubted.discard(instrument)
                if last is not None:
                    last.whole_ns = last.whole_ns or mark.at_ns
            elif outage is not None:
                span = _Span(mark.at_ns, Cause.RESYNC, mark.at_ns)
                self._begin(instrument, span)

    def _asked(self, mark: AwaitSnapshot) -> None:
        """A snapshot is asked for, perhaps because the book is broken."""
        number = mark.instrument
        last = self._last(number)
        if not mark.broken:
            if last is not None and not last.first_id:
                last.first_id = mark.first_id
        elif self._gaps.interruption((number, Table.BOOK)) is None:
            self._doubted.add(number)
            cause = Cause.RESYNC if last is None else last.cause
            span = _Span(mark.at_ns, cause, mark.at_ns, mark.first_id)
            # Without one it begins with its first snapshot, which may be older than this.
            span.is_told = number in self._begun if last is None else last.is_told
            self._begin(number, span)

    def lacks_snapshot(
        self, instrument: int, since_ns: int, failed_ns: int = 0, *, begins: bool = False
    ) -> None:
        """The snapshot asked for since then did not come, as is known now, or came too late.

        `begins`: there is another among the rows that wait.
        """
        begun = begins or instrument in self._begun
        spans = self._spans.get(instrument, [])
        breaks = [span for span in spans if not span.is_told]
        if breaks and not begun:
            first_ns = breaks[0].from_ns
            failed = _Span(since_ns, Cause.SNAPSHOT, since_ns, 0, first_ns, failed_ns=failed_ns)
            spans.insert(spans.index(breaks[0]), failed)
            for span in breaks:
                span.cause, span.is_told = Cause.SNAPSHOT, True
        elif self._last(instrument) is not None or (begun and instrument not in self._doubted):
            return  # that is recorded already, or the book needs none
        elif self._gaps.interruption((instrument, Table.BOOK)) is None:
            failed = _Span(since_ns, Cause.SNAPSHOT, since_ns, failed_ns=failed_ns)
            self._begin(instrument, failed)

    def told_since(self, instrument: int) -> int | None:
        """From when on all is told of a book that has had no snapshot yet; None if nothing is."""
        told = [span.from_ns for span in self._spans.get(instrument, ()) if span.is_told]
        return min([*told, *self._first_told(instrument)], default=None)

    def _first_told(self, instrument: int) -> list[int]:
        return [self._told_since[instrument]] if instrument in self._told_since else []

    def _tells(self, instrument: int, from_ns: int) -> None:
        self._told_since[instrument] = min([from_ns, *self._first_told(instrument)])

    # -- what ends that ----------------------------------------------------------------------------

    def placed(self, placed: Placed) -> None:
        """A snapshot has its place."""
        number = placed.instrument
        self._begun.add(number)
        self._placed[number] = placed
        for span in self._spans.get(number, ()):
            if span.is_mended_by(placed):
                span.mend(placed)
            else:
                span.is_told = True  # the book has begun, and broke after that
        if self._last(number) is None:
            self._doubted.discard(number)

    def settle(self, waiting: Container[int] = ()) -> None:
        """All rows of a tick have been looked at: record what is over.

        Among the rows of those that are `waiting` there may be the snapshot that a book began with.
        """
        for number, spans in list(self._spans.items()):
            last = self._last(number)
            if last is not None and last.whole_ns and number not in waiting:
                self._end(number, last.whole_ns)
            if number in waiting and not all(span.is_told for span in spans):
                continue
            over = max((n for n, span in enumerate(spans, 1) if span.is_over), default=0)
            self._record(number, spans[:over])
            self._spans[number] = spans[over:]
            if not self._spans[number]:
                del self._spans[number]

    def restarted(self, stopped_ns: Mapping[int, int]) -> None:
        """A new process continues; the one before received each instrument up to this time."""
        for number in self._spans:
            if number in stopped_ns:
                self._end(number, stopped_ns[number])
        self.settle()
        for of_process in (self._begun, self._doubted, self._told_since, self._late, self._placed):
            of_process.clear()

    def close(self, at_ns: int) -> None:
        """Nothing more will come."""
        for number in self._spans:
            self._end(number, at_ns)
        self.settle()

    def lasting(self) -> list[OpenHole]:
        """The breaks that are recorded and not over, as holes in progress."""
        found = []
        for number, spans in self._spans.items():
            last = self._last(number)
            if last is None or not last.is_told:
                continue
            begun_ns = last.from_ns  # or earlier: those that follow each other are one
            for span in reversed(spans[:-1]):
                if not span.is_told or (span.to_ns, span.cause) != (begun_ns, last.cause):
                    break
                begun_ns = span.from_ns
            found.append(OpenHole(number, Table.BOOK, last.cause, begun_ns))
        return found

    # -- state -------------------------------------------------------------------------------------

    def dump(self) -> Plain:
        """Everything, as lists."""
        return {
            "spans": [
                [number, span.cause.value, *attrs.astuple(span, filter=_but_cause)]
                for number, spans in self._spans.items()
                for span in spans
            ],
            "begun": sorted(self._begun),
            "doubted": sorted(self._doubted),
            "told": [[number, *span] for number, spans in self._told.items() for span in spans],
            "told_since": [list(each) for each in self._told_since.items()],
            "late": self._late.dump(),
            "placed": [list(attrs.astuple(each)) for each in self._placed.values()],
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned; one of an earlier version has none."""
        for number, cause, from_ns, *more in state.get("spans", ()):
            span = _Span(from_ns, Cause(cause), *more)
            self._spans.setdefault(number, []).append(span)
        self._begun.update(state.get("begun", ()))
        self._doubted.update(state.get("doubted", ()))
        self._told_since.update(dict(state.get("told_since", ())))
        self._late.load(state.get("late", {}))
        self._placed.update((fields[0], Placed(*fields)) for fields in state.get("placed", ()))
        for number, start, end in state.get("told", ()):  # earlier versions had one of each book
            self._told.setdefault(number, []).append((start, end))

    # -- spans -------------------------------------------------------------------------------------

    def _last(self, instrument: int) -> _Span | None:
        """The span that is open, if one is."""
        spans = self._spans.get(instrument)
        return spans[-1] if spans and spans[-1].to_ns is None else None

    def _begin(self, instrument: int, span: _Span) -> None:
        spans = self._spans.setdefault(instrument, [])
        last = self._last(instrument)
        if last is not None and last.whole_ns:
            self._end(instrument, min(last.whole_ns, span.from_ns))
        elif last is not None:
            last.to_ns = max(span.from_ns, last.from_ns)
            span.from_ns = last.to_ns
        spans.append(span)
        if len(spans) > MOST_SPANS:
            spans[1].from_ns = spans[0].from_ns
            del spans[0]

    def _end(self, instrument: int, at_ns: int) -> None:
        last = self._last(instrument)
        if last is not None:
            at_ns = min(at_ns, last.whole_ns or at_ns)
            last.to_ns, last.is_over = max(at_ns, last.from_ns), True

    def _record(self, instrument: int, spans: list[_Span]) -> None:
        """Write these down, those that follow each other as one."""
        told: list[_Span] = []
        for span in spans:
            before = told[-1] if told else None
            if not span.is_told:
                continue
            if before and (before.to_ns, before.cause) == (span.from_ns, span.cause):
                before.to_ns = span.to_ns
            else:
                told.append(span)
        for span in told:
            for from_ns, to_ns in _untold(span, self._told.get(instrument, ())):
                record = GapRecord(instrument, Table.BOOK, None, None, from_ns, to_ns, span.cause)
                self._gaps.record([record])
                told_before = self._told.get(instrument, [])
                self._told[instrument] = [*told_before, (from_ns, to_ns)][-MOST_TOLD:]
                self._tells(instrument, from_ns)


def _untold(span: _Span, told: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts of a span that are in no record yet: a loss may be known late."""
    assert span.to_ns is not None, "it is over"
    parts = [(span.from_ns, span.to_ns)]
    for from_ns, to_ns in told:
        sides = [((start, min(end, from_ns)), (max(start, to_ns), end)) for start, end in parts]
        parts = [part for both in sides for part in both if part[0] < part[1]]
    return [part for part in parts if part[0] < part[1]]


def _but_cause(attribute: attrs.Attribute[object], _value: object) -> bool:
    return attribute.name != "cause"
