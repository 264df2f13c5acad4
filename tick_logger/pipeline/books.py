"""Book rows that must wait until their snapshot has a place among them.

A snapshot may carry no event time, and one fetched by REST arrives long after updates that it does
not cover, or long before some that it does.  A reader who applies rows in file order must meet it
behind exactly those that it covers.  So the rows of a book wait from the moment a snapshot is asked
for (or seen) until it can be placed.

A book waits at most so many ticks since the last request began, and at most `MAX_WAITING_ROWS`;
nothing is thrown away.  If the snapshot has come by then, but the updates have not reached its id,
it is placed behind the newest of them: the market is so quiet, most likely, that nothing more is to
come before it.  What it covers and comes nevertheless is late: in its order it lay before what has
left.

Two snapshots may follow each other without an update between them; readers tell them apart by
update id and receive time.

Not here: where in its book a snapshot belongs (`places`), and what is recorded of books that are
without one (`broken_books`, `unbegun_books`).
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from tick_logger.model.flush import OpenHole, Run
from tick_logger.model.marks import AwaitSnapshot, Mark, NoSnapshot, Retired
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import NO_TIME, Table
from tick_logger.pipeline.broken_books import BrokenBooks, Placed
from tick_logger.pipeline.gaps import GapLedger
from tick_logger.pipeline.order import cut_runs, rows_of, sort_rows
from tick_logger.pipeline.places import KEEPS_PLACE, Ordered, Past, is_snapshot, ordered
from tick_logger.pipeline.plain_state import Plain, rows_from_plain, rows_to_plain
from tick_logger.pipeline.state import StreamStates
from tick_logger.pipeline.unbegun_books import UnbegunBooks

WAIT_TICKS = 45
"""Unless told otherwise: with a tick a second, longer than any REST request is allowed to take."""

MAX_WAITING_ROWS = 500_000
"""Per book: some minutes of a very busy one, 30 MB."""

MAX_WAITING_BYTES = 256 * 1024 * 1024
"""Of all books together: several hundred snapshots of the largest kind."""


@attrs.define
class _WaitingBook:
    asked_ns: int | None = None  # a snapshot was last asked for at this time and has not come
    ticks: int = 0
    parts: list[RowBatch] = attrs.field(factory=list)
    count: int = 0
    tried: int = 0  # with so many rows its snapshot had no place yet
    first_id: int = 0  # that of the update which the snapshot is to join, where it is known
    since_ns: int = 0  # when it was first asked for

    def add(self, part: RowBatch) -> None:
        """Hold rows; a snapshot among them, if it came late enough, is the one asked for."""
        self.parts.append(part)
        self.count += len(part)
        if self.asked_ns is None:
            return
        snapshot = is_snapshot(part) & (part["recv_ns"] >= self.asked_ns)
        if self.first_id:
            snapshot &= (part["seq"] == 0) | (part["seq"] + np.uint64(1) >= self.first_id)
        if snapshot.any():
            self.asked_ns = None


class WaitingBooks:
    """The books whose rows are held back, for at most `wait_ticks` after they were last asked for.

    `states` gives the newest time that each has seen, and how far it was released; `gaps` takes the
    records of those that are broken.
    """

    def __init__(self, states: StreamStates, gaps: GapLedger, wait_ticks: int) -> None:
        self._states = states
        self._broken = BrokenBooks(gaps)
        self._unbegun = UnbegunBooks(gaps)
        self._wait_ticks = wait_ticks
        self._ahead: dict[int, int] = {}  # ids of snapshots that updates had not reached
        self._books: dict[int, _WaitingBook] = {}
        self.nbytes = 0  # memory of the rows that wait

    @property
    def rows(self) -> int:
        """How many rows wait."""
        return sum(book.count for book in self._books.values())

    def note(self, mark: Mark) -> None:
        """Take note of what a mark says of books, before `gaps` does."""
        if isinstance(mark, Retired) and Table.BOOK in mark.tables:
            self._end_unbegun(dict.fromkeys(mark.instruments, mark.at_ns))
        self._broken.note(mark)
        match mark:
            case AwaitSnapshot():
                self._expect(mark)
            case NoSnapshot():
                self._abandon(mark)
            case Retired() if Table.BOOK in mark.tables:
                self._forget(mark)

    def _expect(self, mark: AwaitSnapshot) -> None:
        """From now on the book's rows wait for a snapshot received then or later."""
        book = self._books.setdefault(mark.instrument, _WaitingBook())
        if book.asked_ns is None:
            book.since_ns = book.asked_ns = mark.at_ns
        book.asked_ns = max(mark.at_ns, book.asked_ns)
        book.first_id = mark.first_id or book.first_id
        book.ticks = 0
        if mark.broken and mark.first_id <= self._ahead.get(mark.instrument, -1):
            del self._ahead[mark.instrument]  # perhaps ids have begun again

    def _abandon(self, mark: NoSnapshot) -> None:
        """The snapshot will not come, or not soon."""
        book = self._books.get(mark.instrument)
        if book is not None and book.asked_ns is not None:
            begins = any(is_snapshot(part).any() for part in book.parts)
            self._broken.lacks_snapshot(mark.instrument, book.since_ns, mark.at_ns, begins=begins)
            book.asked_ns = None

    def _forget(self, mark: Retired) -> None:
        """Nobody waits for the snapshots of these books any more."""
        for instrument in mark.instruments:
            book = self._books.get(instrument)
            if book is not None:
                book.asked_ns = None

    def take(self, rows: RowBatch, window: RowBatch, *, last: bool) -> tuple[RowBatch, list[Run]]:
        """Rows go in; those that need not wait come out, all with event times, and those too late.

        `window` has the rows that have not left: a snapshot may belong among them.  `last`: nothing
        more will come, so nothing waits any longer.
        """
        count = self.rows + len(rows)
        self._unbegun.take(rows)
        rows, late = self._without_contained(rows)
        rows = self._pass_through(rows)
        self._note_placed(rows)
        rows = RowBatch.concat(Table.BOOK, [rows, *self._release(window, everything=last)])
        self._broken.settle(waiting=self._books)
        assert len(rows) + len(late) + self.rows == count, "each row waits or goes on"
        return rows, cut_runs(sort_rows(late), late=True)

    def _without_contained(self, rows: RowBatch) -> tuple[RowBatch, RowBatch]:
        """The rows without updates that a snapshot ahead of them covers, and these."""
        for instrument, last_id in list(self._ahead.items()):
            if self._states.released_seq[instrument] > last_id:
                del self._ahead[instrument]  # those would be late by their time
        contained = np.zeros(len(rows), np.bool_)
        for instrument, last_id in self._ahead.items():
            contained |= (rows["instrument"] == instrument) & (rows["seq"] <= last_id)
        contained &= ~is_snapshot(rows)
        if not contained.any():
            return rows, RowBatch.empty(Table.BOOK)
        late = rows.take(contained)
        event = np.where(late["event_ns"] == NO_TIME, late["recv_ns"], late["event_ns"])
        return rows.take(~contained), late.replace(event_ns=event)

    def _pass_through(self, rows: RowBatch) -> RowBatch:
        """Take out the rows that must wait; return the others, order kept."""
        instruments = rows["instrument"]
        for instrument in np.unique(instruments[rows["event_ns"] <= KEEPS_PLACE]).tolist():
            self._books.setdefault(instrument, _WaitingBook())
        if not self._books:
            return rows
        waiting = np.isin(instruments, np.fromiter(self._books, np.int32, len(self._books)))
        if not waiting.any():
            return rows
        chosen = np.flatnonzero(waiting)
        chosen = chosen[np.argsort(instruments[chosen], kind="stable")]
        heads = instruments[chosen]
        for group in np.split(chosen, np.flatnonzero(heads[1:] != heads[:-1]) + 1):
            part = rows.take(group)
            self._books[int(part["instrument"][0])].add(part)
            self.nbytes += part.nbytes
        return rows.take(~waiting)

    def _note_placed(self, rows: RowBatch) -> None:
        """Tell of the snapshots that have a time of their own, where a book is broken."""
        if not self._broken:
            return
        snapshot = is_snapshot(rows) & (
            rows["event_ns"] >= self._states.released_event[rows["instrument"]]
        )
        found = rows.take(snapshot)
        keys = zip(
            *(found[name].tolist() for name in ("instrument", "seq", "recv_ns")), strict=True
        )
        for instrument, seq, recv_ns in dict.fromkeys(keys):
            if instrument in self._broken:
                self._broken.placed(Placed(instrument, seq, recv_ns, recv_ns))

    def _release(self, window: RowBatch, *, everything: bool) -> list[RowBatch]:
        """The rows of the books that need wait no longer, all with event times."""
        released = []
        for instrument, book in list(self._books.items()):
            book.ticks += 1
            too_much = book.count > MAX_WAITING_ROWS or self.nbytes > MAX_WAITING_BYTES
            last_call = everything or too_much or book.ticks > self._wait_ticks
            if not last_call and (book.asked_ns is not None or book.tried == book.count):
                continue
            rows = RowBatch.concat(Table.BOOK, book.parts)
            assert len(rows) == book.count, "rows are counted as they come"
            if len(rows):
                found = ordered(
                    rows, rows_of(window, instrument), self._past(instrument), last_call=last_call
                )
                if found is None:
                    book.tried = book.count
                    continue
                self._tell(instrument, book, found)
                rows = found.rows
            assert (rows["event_ns"] != NO_TIME).all(), "a row without time cannot be sorted"
            del self._books[instrument]
            self.nbytes -= sum(part.nbytes for part in book.parts)
            released.append(rows)
        return released

    def _past(self, instrument: int) -> Past:
        states = self._states
        event, seq = int(states.released_event[instrument]), int(states.released_seq[instrument])
        if (event, seq) == (states.disk_event[instrument], states.disk_seq[instrument]):
            seq = 0  # of another process: ids may have begun again since
        seen, has_updates = int(states.seen_event[instrument]), bool(states.updated[instrument])
        return Past(event, seq, seen, has_updates)

    def _tell(self, instrument: int, book: _WaitingBook, found: Ordered) -> None:
        """Which snapshots have their place, and which do not."""
        for placed in found.placed:  # first: a book that has begun lacks another less
            self._broken.placed(placed)
        if book.asked_ns is not None:
            self._broken.lacks_snapshot(instrument, book.since_ns)
        for recv_ns in found.stale:
            self._broken.lacks_snapshot(instrument, recv_ns)
        if found.ahead:
            self._ahead[instrument] = found.ahead

    def restarted(self, stopped_ns: Mapping[int, int], wait_ticks: int) -> None:
        """A new process continues, after everything was released: each book gets a snapshot.

        The one before received each instrument up to `stopped_ns`.
        """
        unbegun = [each for each in self._unbegun.instruments if each in stopped_ns]
        self._end_unbegun({each: stopped_ns[each] for each in unbegun})
        self._unbegun.take(RowBatch.empty(Table.BOOK))
        self._unbegun.begin_anew()
        self._broken.restarted(stopped_ns)
        self._wait_ticks = wait_ticks
        self._ahead.clear()

    def close(self, at_ns: int) -> None:
        """Nothing more will come."""
        self._unbegun.begin_anew()
        self._broken.close(at_ns)

    def _end_unbegun(self, ends_ns: Mapping[int, int]) -> None:
        """These books end at these times; what waits for its snapshot then is no loss."""
        for instrument, at_ns in ends_ns.items():
            book, told_ns = self._books.get(instrument), self._broken.told_since(instrument)
            if book is not None and book.asked_ns is not None:
                told_ns = book.since_ns if told_ns is None else min(told_ns, book.since_ns)
            self._unbegun.end(instrument, at_ns, told_ns)

    def lasting(self) -> list[OpenHole]:
        """The books that are broken, as holes in progress."""
        return self._broken.lasting()

    def dump(self) -> Plain:
        """Each book's numbers as lists, in the order in which they began to wait, and all rows."""
        books = self._books.values()
        return {
            "wait_ticks": self._wait_ticks,
            "broken": self._broken.dump(),
            "unbegun": self._unbegun.dump(),
            "ahead": [list(each) for each in self._ahead.items()],
            "instrument": list(self._books),
            "asked_ns": [book.asked_ns for book in books],
            "ticks": [book.ticks for book in books],
            "tried": [book.tried for book in books],
            "first_id": [book.first_id for book in books],
            "since_ns": [book.since_ns for book in books],
            "count": [book.count for book in books],
            "rows": rows_to_plain(
                RowBatch.concat(Table.BOOK, [part for book in books for part in book.parts])
            ),
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned, in this version or an earlier one."""
        self._wait_ticks = state["wait_ticks"]
        self._broken.load(state.get("broken", {}))
        self._unbegun.load(state.get("unbegun", {}))
        self._ahead = dict(state.get("ahead", ()))
        rows = rows_from_plain(state["rows"])
        self.nbytes = rows.nbytes
        names = ("instrument", "asked_ns", "ticks", "tried", "count", "first_id", "since_ns")
        earlier = {"first_id": [0] * len(state["instrument"]), "since_ns": state["asked_ns"]}
        start = 0
        for instrument, asked_ns, ticks, tried, count, first_id, since_ns in zip(
            *({**earlier, **state}[name] for name in names), strict=True
        ):
            self._books[instrument] = _WaitingBook(
                asked_ns,
                ticks,
                [rows.take(slice(start, start + count))] if count else [],
                count,
                tried,
                first_id,
                since_ns or 0,
            )
            start += count
        assert start == len(rows), "rows that belong to no book"
