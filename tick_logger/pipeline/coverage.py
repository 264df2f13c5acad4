"""What streams that come on two lines lack: marks of lines in, marks of the streams out.

A stream is interrupted while no line carries it: from the latest beginning among the interruptions
of its lines, with the cause of that one, until any line carries it again.  What is suspected to be
missing on one line (ids that were skipped, a span of time) is missing if the others lack it as
well.  An interruption that is told late, because a line was frozen, gives the time in which others
were interrupted too, after the fact, as a closed `Lapse`; for books that await a snapshot since,
its end follows as a `Resumed` of that time.

What two lines lack is told as soon as the second of them is known, so that nothing waits here: at
a stop, or after a crash, all is told that is known.  A new process forgets the lines.  Receive
times of lines are compared as they are.

Invariant: what is told is what no line delivered, as far as marks say it.  Streams of which nothing
but the first line was ever told go through untouched.

Not here: what two lines delivered both (`twins`), and what becomes of a hole (`gaps`, `books`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Final, TypeAlias

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.marks import Doubt, Interrupted, Lapse, Mark, MissingIds, Resumed, Retired
from tick_logger.model.routes import FIRST_LINE, LINES
from tick_logger.model.tables import Table
from tick_logger.pipeline.line_lacks import Lack, LineLacks, Told
from tick_logger.pipeline.outages import Stream
from tick_logger.pipeline.plain_state import Plain

OF_ONE_LINE: Final = frozenset(
    (
        *(Cause.DISCONNECT, Cause.SEQUENCE, Cause.CHECKSUM, Cause.RESYNC, Cause.SNAPSHOT),
        *(Cause.OVERFLOW, Cause.REFUSED, Cause.SILENT, Cause.MOVED),
    )
)
"""What happens to one line alone.  All else happens to what both bring: a message that cannot be
understood on one cannot be on the other, and what the disk lost was of both."""

_OfLine: TypeAlias = Interrupted | Resumed | Lapse | MissingIds


class _Telling:
    """What is told of several streams; those of which the same is told share a mark."""

    def __init__(self) -> None:
        self._streams: dict[Mark, dict[Stream, None]] = {}

    def add(self, stream: Stream, mark: Mark) -> None:
        self._streams.setdefault(mark, {})[stream] = None

    def marks(self) -> Iterator[Mark]:
        for mark, streams in self._streams.items():
            if isinstance(mark, Interrupted | Resumed | Lapse):
                for instruments, tables in _grouped(streams):
                    yield attrs.evolve(mark, instruments=instruments, tables=tables)
            else:
                yield mark


class Coverage:
    """Which lines carry which streams, and what each of them lacked lately."""

    def __init__(self) -> None:
        # Instruments of streams that the first line carries, and of which it is all that is known.
        self._alone: dict[Table, set[int]] = {table: set() for table in Table}
        self._shared: dict[Stream, tuple[LineLacks, ...]] = {}
        self._newest_ns = 0

    def take(self, mark: Mark) -> Iterable[Mark]:
        """What follows from a mark, in the order in which it is to be told."""
        if isinstance(mark, Retired):
            self._retired(mark)
            return (mark,)
        if not isinstance(mark, _OfLine):
            return (mark,)
        streams = _streams(mark)
        if mark.line == FIRST_LINE and not any(each in self._shared for each in streams):
            self._note_alone(mark)
            return (mark,)
        told = _Telling()
        common = not isinstance(mark, Resumed) and mark.cause not in OF_ONE_LINE
        for stream in streams:
            lines = self._shared.get(stream)
            if lines is None and mark.line == FIRST_LINE:
                self._note_alone(mark, [stream])
                told.add(stream, _unnamed(mark))
                continue
            lines = lines or self._share(stream)
            for line in LINES if common else (mark.line,):
                self._note(stream, lines, attrs.evolve(mark, line=line), told.add)
            if common and not isinstance(mark, Interrupted):
                told.add(stream, _unnamed(mark))
        return tuple(told.marks())

    def restarted(self) -> None:
        """A new process continues, with lines of its own."""
        for carried in self._alone.values():
            carried.clear()
        self._shared.clear()

    def dump(self) -> Plain:
        """Everything, as lists."""
        return {
            "alone": [[table.value, *sorted(each)] for table, each in self._alone.items() if each],
            "shared": [
                [instrument, table.value, *(each.dump() for each in lines)]
                for (instrument, table), lines in self._shared.items()
            ],
            "newest_ns": self._newest_ns,
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned."""
        for table, *instruments in state["alone"]:
            self._alone[Table(table)] = set(instruments)
        self._shared = {
            (instrument, Table(table)): tuple(map(LineLacks.load, lines))
            for instrument, table, *lines in state["shared"]
        }
        self._newest_ns = state["newest_ns"]

    # -- one stream --------------------------------------------------------------------------------

    def _note(
        self,
        stream: Stream,
        lines: tuple[LineLacks, ...],
        mark: _OfLine,
        tell: Callable[[Stream, Mark], None],
    ) -> None:
        """Take note of what is told of one line."""
        mine = lines[mark.line]
        others = [each for each in lines if each is not mine]
        match mark:
            case Resumed():
                self._resumed(mine, others, mark, lambda told: tell(stream, told))
            case Interrupted():
                new = self._interrupted(mine, mark)
                if new is not None:
                    self._compare(stream, new, others, tell)
                if all(each.open for each in lines):
                    tell(stream, _interruption(lines, mark))
            case _ if mark.cause not in OF_ONE_LINE:
                return  # it is told as it is
            case Lapse() | MissingIds():
                lack = _lack(mark)
                if mark.doubt is Doubt.VOID:
                    void = mine.take_void(lack.words)
                    for each in [_unnamed(mark)] if void is None else void.told:
                        assert isinstance(each, Told)
                        tell(stream, attrs.evolve(each, doubt=Doubt.VOID))
                    return
                self._keep(mine, lack)
                self._compare(stream, lack, others, tell)

    def _interrupted(self, mine: LineLacks, mark: Interrupted) -> Lack | None:
        """The new interruption of a line, if there is one: what lasts keeps its beginning.

        A refusal ends any other, as it does without lines (`gaps`).
        """
        if mine.open is not None:
            refused = mark.cause is Cause.REFUSED is not mine.open.cause
            if not refused or not mine.has_begun:
                return None
            if mine.open.from_ns < mark.at_ns:
                self._close(mine, mine.open, mark.at_ns)
        mine.open = Lack(mark.at_ns, None, mark.cause)
        return mine.open

    def _resumed(
        self,
        mine: LineLacks,
        others: Iterable[LineLacks],
        mark: Resumed,
        tell: Callable[[Mark], None],
    ) -> None:
        begun_ns = [each.open.from_ns for each in (mine, *others) if each.open is not None]
        was_interrupted = all(each.open for each in (mine, *others))
        # Not before its beginning, which may have been noticed on another line meanwhile.
        at_ns = max(mark.at_ns, *begun_ns) if was_interrupted else mark.at_ns
        if mine.open is not None:
            mine.open.books_await = mark.books_await
            self._close(mine, mine.open, mark.at_ns)
            mine.open = None
        tell(Resumed((), (), at_ns, mark.books_await))

    def _close(self, mine: LineLacks, lack: Lack, at_ns: int) -> None:
        if lack.from_ns < at_ns:
            lack.to_ns = at_ns
            self._keep(mine, lack)

    def _keep(self, mine: LineLacks, lack: Lack) -> None:
        self._newest_ns = max(self._newest_ns, lack.to_ns or 0)
        mine.keep(lack, self._newest_ns)

    def _compare(
        self,
        stream: Stream,
        lack: Lack,
        others: Iterable[LineLacks],
        tell: Callable[[Stream, Mark], None],
    ) -> None:
        """Tell what the other line lacks of this too.  Of two that go on, `Interrupted` tells."""
        for other in others:
            lacks = [*other.closed, *([other.open] if other.open and lack.to_ns else [])]
            for each in lacks:
                found = lack.meet(each, stream)
                if found is not None:
                    tell(stream, found)
                    if stream[1] is Table.BOOK and lack.to_ns is None and each.books_await:
                        tell(stream, Resumed((), (), found.to_ns, books_await=True))

    # -- which streams -----------------------------------------------------------------------------

    def _share(self, stream: Stream) -> tuple[LineLacks, ...]:
        """A stream of which something is told of a second line, for the first time."""
        instrument, table = stream
        first = LineLacks(is_carried=instrument in self._alone[table])
        self._alone[table].discard(instrument)
        self._shared[stream] = lines = (first, LineLacks(is_carried=False))
        return lines

    def _note_alone(self, mark: _OfLine, streams: Iterable[Stream] | None = None) -> None:
        """Remember whether the first line carries these streams, which have no other."""
        if isinstance(mark, Lapse | MissingIds):
            return
        carried = isinstance(mark, Resumed)
        if streams is None:
            for table in mark.tables:
                of = self._alone[table]
                (of.update if carried else of.difference_update)(mark.instruments)
            return
        for instrument, table in streams:
            (self._alone[table].add if carried else self._alone[table].discard)(instrument)

    def _retired(self, mark: Retired) -> None:
        for table in mark.tables:
            self._alone[table].difference_update(mark.instruments)
            for instrument in mark.instruments if self._shared else ():
                self._shared.pop((instrument, table), None)


def _interruption(lines: Iterable[LineLacks], mark: Interrupted) -> Interrupted:
    """That of a stream which no line carries."""
    last = max((each.open for each in lines if each.open), key=lambda each: each.from_ns)
    if not any(each.has_begun for each in lines):
        return Interrupted((), (), mark.at_ns, mark.cause)
    return Interrupted((), (), last.from_ns, last.cause)


def _lack(mark: Lapse | MissingIds) -> Lack:
    if isinstance(mark, Lapse):
        return Lack(mark.from_ns, mark.to_ns, mark.cause, mark.ids_tell, mark.doubt)
    ids = mark.from_id, mark.to_id
    return Lack(mark.from_ns, mark.to_ns, mark.cause, doubt=mark.doubt, ids=ids)


def _streams(mark: _OfLine) -> list[Stream]:
    if isinstance(mark, MissingIds):
        return [(mark.instrument, mark.table)]
    return [(instrument, table) for table, instrument in product(mark.tables, mark.instruments)]


def _unnamed(mark: _OfLine) -> _OfLine:
    """The same of streams that are still to be named, and of no line."""
    if isinstance(mark, MissingIds):
        return attrs.evolve(mark, line=FIRST_LINE)
    return attrs.evolve(mark, instruments=(), tables=(), line=FIRST_LINE)


def _grouped(streams: Iterable[Stream]) -> Iterator[tuple[tuple[int, ...], tuple[Table, ...]]]:
    """Pairs of instruments and tables that are exactly these streams, in their order."""
    by_table: dict[Table, list[int]] = {}
    for instrument, table in streams:
        by_table.setdefault(table, []).append(instrument)
    alike: dict[tuple[int, ...], list[Table]] = {}
    for table, instruments in by_table.items():
        alike.setdefault(tuple(instruments), []).append(table)
    for group, alike_tables in alike.items():
        yield group, tuple(alike_tables)
