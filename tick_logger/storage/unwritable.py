"""What cannot be written though the disk works: a file in the place of a folder, no permission, a
column that somebody took away.

It costs its own stream and nothing else.  Such a place is left out of what is written, and tried
again once in a while.  A hole stands for the rows that were left out: it is known here from its
first row on, told beside the streams (`unwritten_files`) while it lasts, and goes to the stream's
own gaps file once that can be written.

A place is named by a text: the folder of a table, the gaps files of a symbol, or the payloads that
are kept aside of an exchange.  Time is what the rows say that come, so that the same entries on the
same disk give the same.  Pure.  Not here: writing (`store`), and names that cannot be written on
any disk (`layout.objection_to`).
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import attrs
import numpy as np

from tick_logger.errors import RefusedError, UnfitError
from tick_logger.model.cause import Cause
from tick_logger.model.entries import KeptAside
from tick_logger.model.flush import Flush, GapRecord, Run
from tick_logger.model.instruments import Instruments
from tick_logger.model.tables import FLAG_SNAPSHOT, Table
from tick_logger.storage.layout import LATE_FOLDER, objection_to, symbol_folder, table_folder
from tick_logger.storage.names import folder_of

OWN_ERRORS = frozenset(
    {
        errno.EACCES,
        errno.EEXIST,
        errno.EFBIG,
        errno.EILSEQ,
        errno.EINVAL,
        errno.EISDIR,
        errno.ELOOP,
        errno.EMLINK,
        errno.ENAMETOOLONG,
        errno.ENOTDIR,
        errno.ENXIO,
        errno.EPERM,
    }
)
"""What the system says of one name, and not of a disk as a whole."""

RETRY_NS = 60 * 10**9
"""Somebody has to do something about it, and minutes count little then."""

IDLE_NS = 600 * 10**9
"""Of what has brought nothing for so long nobody needs to hear; it is found again if need be."""


Offer: TypeAlias = tuple[Flush, tuple[KeptAside, ...]]
"""What is to be written: rows and records, and payloads to be kept aside."""


@attrs.define
class _Barred:
    """One place that cannot be written: since when rows are left out, and up to when."""

    reason: str
    for_good: bool = False
    since_ns: int | None = None
    until_ns: int = 0
    stream: tuple[int, Table] | None = None  # of rows
    retry_ns: int | None = None  # None: from what is left out next


@attrs.frozen
class Untold:
    """A record that its own gaps file does not take, of the stream of an exchange and symbol."""

    exchange: str
    symbol: str
    gap: GapRecord
    reason: str


def own_reason(error: BaseException) -> str:
    """Why one place alone cannot be written; empty if that is not what the error tells."""
    if isinstance(error, UnfitError):
        return error.reason
    cause = error if isinstance(error, OSError) else error.__cause__
    if isinstance(error, RefusedError) or not isinstance(cause, OSError):
        return ""
    return (cause.strerror or str(cause)) if cause.errno in OWN_ERRORS else ""


class Unwritable:
    """The places that cannot be written now."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._barred: dict[str, _Barred] = {}
        self._judged: set[int] = set()
        self._begins_at: dict[int, int] = {}  # by the run's identity, while it is written
        self._places: dict[tuple[int, Table | None, bool], str] = {}
        self.untold: list[Untold] = []
        """Records that wait for the next flush."""
        self.returned: list[GapRecord] = []
        """Holes that are over, for the gaps files of their streams."""
        self.lost: list[Run] = []
        """Runs that were left out and are not in the books yet."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why each place cannot be written for which something came lately."""
        return {
            place: each.reason
            for place, each in self._barred.items()
            if not each.for_good or each.since_ns is not None
        }

    # -- places -----------------------------------------------------------------------------------

    def of_run(self, run: Run) -> str:
        """The place of rows; late ones have one of their own."""
        return self._of(run.instrument, run.table, late=run.late)

    def of_gap(self, gap: GapRecord) -> str:
        """The place of a gap record."""
        return self._of(gap.instrument, None)

    @staticmethod
    def of_aside(aside: KeptAside) -> str:
        """The place of a payload that is kept aside."""
        return f"{folder_of(aside.exchange)}/undecodable"

    def _of(self, instrument: int, table: Table | None, *, late: bool = False) -> str:
        place = self._places.get((instrument, table, late))
        if place is None:
            name = self._instruments.name(instrument)
            place = f"{symbol_folder(*name)}/gaps"
            if table is not None:
                place = table_folder(*name, table, late=late)
            self._places[instrument, table, late] = place
        return place

    # -- what is barred ---------------------------------------------------------------------------

    def bar(self, place: str, reason: str, *, for_good: bool = False) -> None:
        """A place cannot be written; said again each time that is found."""
        if place.endswith(f"/{Table.BOOK}") and f"/{LATE_FOLDER}/{Table.BOOK}" not in place:
            reason += "; once that is mended, it goes on with the next snapshot"
        barred = self._barred.setdefault(place, _Barred(reason, for_good))
        barred.reason, barred.retry_ns = reason, None

    def judge(self, flush: Flush) -> None:
        """Bar what no disk can hold under its name: a journal of an earlier version may have it."""
        named = {run.instrument for run in flush.runs}
        named |= {gap.instrument for gap in flush.gaps}
        named -= self._judged
        for instrument in named:
            objection = objection_to(self._instruments.name(instrument)[1])
            for table in (*Table, None) if objection else ():
                for late in (False, True):
                    self.bar(self._of(instrument, table, late=late), objection, for_good=True)
        self._judged |= named

    def due(self, flush: Flush, asides: Iterable[KeptAside]) -> dict[str, Run | None]:
        """The places that should be tried again, those of rows with some of them."""
        if not self._barred:
            return {}
        offered: list[tuple[str, int, Run | None]] = [
            *(
                (self.of_run(run), int(run.rows["recv_ns"][-1]), run)
                for run in flush.runs
                if _may_begin(run)
            ),
            *((self.of_gap(gap), gap.to_ns or gap.from_ns or 0, None) for gap in flush.gaps),
            *((self.of_aside(aside), aside.recv_ns, None) for aside in asides),
        ]
        return {place: run for place, at_ns, run in offered if self._is_due(place, at_ns)}

    def _is_due(self, place: str, at_ns: int) -> bool:
        barred = self._barred.get(place)
        if barred is None or barred.for_good or barred.retry_ns is None:
            return False
        return at_ns >= barred.retry_ns

    def free(self, place: str, run: Run | None) -> None:
        """A place can be written again, from this run on: its hole is over.

        A book begins with the first snapshot in it; what is before belongs to the hole.
        """
        barred = self._barred.pop(place)
        if run is not None and _is_book(run):
            first = int(np.argmax(run.rows["flags"] & FLAG_SNAPSHOT))
            if first:
                barred.until_ns = max(barred.until_ns, int(run.rows["recv_ns"][:first].max()))
                self._begins_at[id(run)] = first
        gap = self._end(barred)
        if gap is not None:
            self.returned.append(gap)

    def _end(self, barred: _Barred) -> GapRecord | None:
        """Tell the end of a hole, if there is one."""
        if barred.stream is None or barred.since_ns is None:
            return None
        gap = _hole(barred.stream, barred.since_ns, barred.until_ns)
        self._tell(gap, barred.reason)
        barred.since_ns = None
        return gap

    def _forget_idle(self, now_ns: int) -> None:
        """End the holes of streams of which nothing comes any more."""
        for place, barred in list(self._barred.items()):
            if barred.until_ns < now_ns - IDLE_NS:
                self._end(barred)
                if not barred.for_good:
                    del self._barred[place]

    def writable(self, flush: Flush, asides: Iterable[KeptAside]) -> Offer:
        """What can be written of this, without noting anything."""
        if not self._barred:
            return flush, tuple(asides)
        runs = tuple(run for run in flush.runs if self.of_run(run) not in self._barred)
        gaps = tuple(gap for gap in flush.gaps if self.of_gap(gap) not in self._barred)
        kept = tuple(each for each in asides if self.of_aside(each) not in self._barred)
        return Flush(runs, gaps), kept

    def leave_out(self, flush: Flush, asides: Iterable[KeptAside]) -> Offer:
        """Note what of this is barred, and is not written any more; returns all else."""
        flush = self._begun(flush)
        if not self._barred:
            return flush, tuple(asides)
        for run in flush.runs:
            barred = self._barred.get(self.of_run(run))
            if barred is not None and len(run.rows):
                self._lose(run, barred)
        for gap in flush.gaps:
            barred = self._barred.get(self.of_gap(gap))
            if barred is not None:
                _left_out(barred, gap.to_ns or gap.from_ns or 0)
                self._tell(gap, barred.reason)
        for aside in asides:
            barred = self._barred.get(self.of_aside(aside))
            if barred is not None:
                _left_out(barred, aside.recv_ns)
        offer = self.writable(flush, asides)  # before any is forgotten, whose files nobody has met
        newest = [int(run.rows["recv_ns"][-1]) for run in flush.runs if len(run.rows)]
        self._forget_idle(max(newest, default=0))
        return offer

    def _begun(self, flush: Flush) -> Flush:
        """A flush whose returning books begin with their snapshots."""
        if not self._begins_at:
            return flush
        runs = []
        for run in flush.runs:
            first = self._begins_at.get(id(run), 0)
            if first:
                self.lost.append(attrs.evolve(run, rows=run.rows.take(slice(0, first))))
                run = attrs.evolve(run, rows=run.rows.take(slice(first, None)))
            runs.append(run)
        self._begins_at.clear()
        return Flush(tuple(runs), flush.gaps)

    def _lose(self, run: Run, barred: _Barred) -> None:
        self.lost.append(run)
        received = run.rows["recv_ns"]
        _left_out(barred, int(received.max()))
        if barred.since_ns is None:
            barred.stream, barred.since_ns = (run.instrument, run.table), int(received.min())
            self._tell(_hole(barred.stream, barred.since_ns, None), barred.reason)

    def _tell(self, gap: GapRecord, reason: str) -> None:
        self.untold.append(Untold(*self._instruments.name(gap.instrument), gap, reason))

    # -- state ------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """The state as plain data."""
        return {
            "places": [
                [place, each.reason, each.for_good, each.since_ns, each.until_ns, *_stream(each)]
                for place, each in self._barred.items()
            ],
            "untold": [[*_plain(each.gap), each.reason] for each in self.untold],
            "returned": [_plain(each) for each in self.returned],
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from what `dump` gave; each place is tried at once."""
        for place, reason, for_good, since_ns, until_ns, *stream in state.get("places", ()):
            of = (stream[0], Table(stream[1])) if stream else None
            self._barred[place] = _Barred(reason, for_good, since_ns, until_ns, of, retry_ns=0)
        for *plain, reason in state.get("untold", ()):
            self._tell(_gap(plain), reason)
        self.returned = [_gap(plain) for plain in state.get("returned", ())]


def _may_begin(run: Run) -> bool:
    """Whether a stream may go on with these rows: a book only with a snapshot in it."""
    return not _is_book(run) or bool((run.rows["flags"] & FLAG_SNAPSHOT).any())


def _is_book(run: Run) -> bool:
    """Whether rows in their order are a book."""
    return run.table is Table.BOOK and not run.late


def _left_out(barred: _Barred, at_ns: int) -> None:
    barred.until_ns = max(barred.until_ns, at_ns)
    if barred.retry_ns is None:
        barred.retry_ns = at_ns + RETRY_NS


def _stream(barred: _Barred) -> list[Any]:
    return [] if barred.stream is None else [barred.stream[0], barred.stream[1].value]


def _hole(stream: tuple[int, Table], since_ns: int, until_ns: int | None) -> GapRecord:
    return GapRecord(*stream, None, None, since_ns, until_ns, Cause.UNWRITABLE)


def _plain(gap: GapRecord) -> list[Any]:
    return [gap.instrument, gap.table.value, *attrs.astuple(gap)[2:6], gap.cause.value, gap.healed]


def _gap(plain: Iterable[Any]) -> GapRecord:
    instrument, table, from_id, to_id, from_ns, to_ns, cause, healed = plain
    return GapRecord(instrument, Table(table), from_id, to_id, from_ns, to_ns, Cause(cause), healed)
