"""Book rows that must wait until their snapshot has a place among them.

A snapshot carries no event time, and one fetched by REST arrives long after updates that it does
not cover.  A reader who applies rows in file order must meet it before exactly those updates.  So
the rows of a book wait from the moment a snapshot is asked for (or seen) until it can be placed:

* a snapshot with an update id takes the time of the newest update that it covers, or of the first
  one that it does not cover;
* one without (it arrived in order, on the same connection) takes the time of the next update.

Updates without a usable time take that of their predecessor, so that they keep their place.  A
book waits at most so many ticks, and at most `MAX_WAITING_ROWS`; then the receive time stands
in for a snapshot's, and nothing is thrown away.

Two snapshots may follow each other without an update between them; readers tell them apart by
update id and receive time.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, NO_TIME, Table
from tick_logger.model.times import Times
from tick_logger.pipeline.order import rows_of
from tick_logger.pipeline.plain_state import Plain, rows_from_plain, rows_to_plain
from tick_logger.pipeline.state import StreamStates

WAIT_TICKS = 45
"""Unless told otherwise: with a tick a second, longer than any REST request is allowed to take."""

MAX_WAITING_ROWS = 500_000
"""Per book: some minutes of a very busy one, 30 MB."""

MAX_WAITING_BYTES = 256 * 1024 * 1024
"""Of all books together: several hundred snapshots of the largest kind."""

Mask = npt.NDArray[np.bool_]


@attrs.define
class _WaitingBook:
    asked_ns: int | None = None  # a snapshot was asked for at this time and has not come
    ticks: int = 0
    parts: list[RowBatch] = attrs.field(factory=list)
    count: int = 0
    tried: int = 0  # with so many rows its snapshot had no place yet

    def add(self, part: RowBatch) -> None:
        """Hold rows; a snapshot among them, if received late enough, is the one asked for."""
        self.parts.append(part)
        self.count += len(part)
        if self.asked_ns is not None and (part["recv_ns"][_snapshot(part)] >= self.asked_ns).any():
            self.asked_ns = None


class WaitingBooks:
    """The books whose rows are held back, for at most `wait_ticks` after they were last asked for.

    `states` gives the newest time that each has seen, and how far it was released.  `unplaced`
    collects (instrument, from, to) of books whose snapshot did not come in time, or came too late
    to be placed; the times are of receipt.  The pipeline takes them out
    within the same call, so they are no part of the state.
    """

    def __init__(self, states: StreamStates, wait_ticks: int) -> None:
        self._states = states
        self._wait_ticks = wait_ticks
        self._overrun: set[int] = set()  # released without the snapshot that they waited for
        self.unplaced: list[tuple[int, int, int]] = []
        self._books: dict[int, _WaitingBook] = {}
        self.nbytes = 0  # memory of the rows that wait

    @property
    def rows(self) -> int:
        """How many rows wait."""
        return sum(book.count for book in self._books.values())

    def expect(self, instrument: int, at_ns: int) -> None:
        """From now on the book's rows wait for a snapshot received at `at_ns` or later."""
        book = self._books.setdefault(instrument, _WaitingBook())
        book.asked_ns = at_ns if book.asked_ns is None else max(at_ns, book.asked_ns)
        book.ticks = 0

    def abandon(self, instrument: int, at_ns: int) -> None:
        """The snapshot will not come, or not soon: its book cannot be rebuilt until `at_ns`."""
        book = self._books.get(instrument)
        if book is not None and book.asked_ns is not None:
            self._overrun.add(instrument)
            self.unplaced.append((instrument, book.asked_ns, at_ns))
            book.asked_ns = None

    def forget(self, instrument: int) -> None:
        """Nobody waits for a snapshot of this book any more."""
        book = self._books.get(instrument)
        if book is not None:
            book.asked_ns = None

    def pass_through(self, rows: RowBatch) -> RowBatch:
        """Take out the rows that must wait; return the others, order kept."""
        instruments = rows["instrument"]
        for instrument in np.unique(instruments[rows["event_ns"] == NO_TIME]).tolist():
            self._books.setdefault(instrument, _WaitingBook())
        if not self._books:
            return rows
        waiting = np.isin(instruments, np.fromiter(self._books, np.int32, len(self._books)))
        if not waiting.any():
            return rows
        before = self.rows
        chosen = np.flatnonzero(waiting)
        chosen = chosen[np.argsort(instruments[chosen], kind="stable")]
        heads = instruments[chosen]
        for group in np.split(chosen, np.flatnonzero(heads[1:] != heads[:-1]) + 1):
            part = rows.take(group)
            self._books[int(part["instrument"][0])].add(part)
            self.nbytes += part.nbytes
        others = rows.take(~waiting)
        assert len(others) + self.rows - before == len(rows), "each row waits or goes on"
        return others

    def release(self, held: RowBatch, *, everything: bool = False) -> list[RowBatch]:
        """The rows of the books that need wait no longer, all with event times.

        `held` are the book rows in the reorder window: a snapshot may belong among them.
        """
        released = []
        for instrument, book in list(self._books.items()):
            book.ticks += 1
            too_much = book.count > MAX_WAITING_ROWS or self.nbytes > MAX_WAITING_BYTES
            overdue = book.ticks > self._wait_ticks or too_much
            last_call = everything or overdue
            if not last_call and (book.asked_ns is not None or book.tried == book.count):
                continue
            rows = RowBatch.concat(Table.BOOK, book.parts)
            assert len(rows) == book.count, "rows are counted as they come"
            timed = self._timed(instrument, rows, held, last_call=last_call) if len(rows) else rows
            if timed is None:
                book.tried = book.count
                continue
            if book.asked_ns is not None and len(rows):
                self._overrun.add(instrument)
                self.unplaced.append((instrument, book.asked_ns, int(rows["recv_ns"][-1])))
            assert (timed["event_ns"] != NO_TIME).all(), "a row without time cannot be sorted"
            del self._books[instrument]
            self.nbytes -= sum(part.nbytes for part in book.parts)
            released.append(timed)
        return released

    def begin_anew(self, wait_ticks: int) -> None:
        """A new process continues, after everything was released: each book gets a snapshot."""
        self._wait_ticks = wait_ticks
        self._overrun.clear()

    def dump(self) -> Plain:
        """Each book's numbers as lists, in the order in which they began to wait, and all rows."""
        books = self._books.values()
        return {
            "wait_ticks": self._wait_ticks,
            "overrun": sorted(self._overrun),
            "instrument": list(self._books),
            "asked_ns": [book.asked_ns for book in books],
            "ticks": [book.ticks for book in books],
            "tried": [book.tried for book in books],
            "count": [book.count for book in books],
            "rows": rows_to_plain(
                RowBatch.concat(Table.BOOK, [part for book in books for part in book.parts])
            ),
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned."""
        self._wait_ticks = state["wait_ticks"]
        self._overrun = set(state["overrun"])
        rows = rows_from_plain(state["rows"])
        self.nbytes = rows.nbytes
        names = ("instrument", "asked_ns", "ticks", "tried", "count")
        start = 0
        for instrument, asked_ns, ticks, tried, count in zip(
            *(state[name] for name in names), strict=True
        ):
            parts = [rows.take(slice(start, start + count))] if count else []
            self._books[instrument] = _WaitingBook(asked_ns, ticks, parts, count, tried)
            start += count
        assert start == len(rows), "rows that belong to no book"

    def _timed(
        self, instrument: int, rows: RowBatch, held: RowBatch, *, last_call: bool
    ) -> RowBatch | None:
        """One book's rows with every time known, or None while a snapshot has no place yet."""
        recv, snapshot = rows["recv_ns"], _snapshot(rows)
        event = _with_snapshots_placed(rows, rows_of(held, instrument))
        if instrument in self._overrun and snapshot.any():
            event = self._behind_what_is_released(instrument, rows, event)
        if last_call:
            before = np.maximum.accumulate(event)
            stand_in = np.maximum(np.maximum(before, self._states.seen_event[instrument]), recv)
            event = np.where(snapshot & (event == NO_TIME), stand_in, event)
        elif (snapshot & (event == NO_TIME)).any():
            return None
        return rows.replace(
            event_ns=_carried_forward(event, self._states.seen_event[instrument], recv)
        )

    def _behind_what_is_released(self, instrument: int, rows: RowBatch, event: Times) -> Times:
        """Times that make a snapshot late if updates beyond it have left already.

        Among the rows that are still to come it would take those updates back.
        """
        done_seq = self._states.released_seq[instrument]
        stale = _snapshot(rows) & (rows["seq"] > 0) & (rows["seq"] < done_seq)
        if stale.any():
            recv = rows["recv_ns"][stale]
            self.unplaced.append((instrument, int(recv[0]), int(recv[-1])))
        else:
            self._overrun.discard(instrument)
        return np.where(stale, self._states.released_event[instrument], event)


def _with_snapshots_placed(rows: RowBatch, held: RowBatch) -> Times:
    """Event times of one book's rows, those of snapshots included where the rows tell them."""
    event, seq = rows["event_ns"].copy(), rows["seq"]
    updates = ~_snapshot(rows) & (event != NO_TIME)
    in_window = ~_snapshot(held)
    ids = np.concatenate([held["seq"][in_window], seq[updates]])
    times = np.concatenate([held["event_ns"][in_window], event[updates]])
    for start, stop in _untimed_snapshots(rows):
        last_id = seq[start]
        covered = ids <= last_id
        if not last_id:
            following = np.flatnonzero(updates[stop:])[:1] + stop
            event[start:stop] = event[following[0]] if len(following) else NO_TIME
        elif covered.any():
            event[start:stop] = times[covered][np.argmax(ids[covered])]
        elif len(ids):
            event[start:stop] = times[np.argmin(ids)]
    return event


def _carried_forward(event: Times, seen: np.int64, recv: Times) -> Times:
    """Times with NO_TIME replaced by that of the row before; `seen` is that before the first.

    Where there is none, that of the first row with a time, else the receive time.
    """
    known = event != NO_TIME
    nearest = np.maximum.accumulate(np.where(known, np.arange(len(event)), -1))
    before = seen if seen != NO_TIME or not known.any() else event[known.argmax()]
    return np.where(nearest >= 0, event[nearest], recv if before == NO_TIME else before)


def _untimed_snapshots(rows: RowBatch) -> Iterator[tuple[int, int]]:
    """Where the snapshots without time begin and end, in one book's rows as they arrived."""
    members = np.flatnonzero(_snapshot(rows) & (rows["event_ns"] == NO_TIME))
    if not len(members):
        return
    seq = rows["seq"][members]
    apart = (np.diff(members) != 1) | (seq[1:] != seq[:-1])
    for part in np.split(members, np.flatnonzero(apart) + 1):
        yield int(part[0]), int(part[-1]) + 1


def _snapshot(rows: RowBatch) -> Mask:
    return np.asarray((rows["flags"] & FLAG_SNAPSHOT) != 0)
