"""The order books of one connection: how they are followed, and when a broken one begins anew.

    message -> follower -> marks, and either a snapshot to be fetched by REST
                                  or a broken book -> (its turn) -> subscribed again
    granted -> (no snapshot in time) -> a broken book

How a venue shows a loss (`BookCheck`) decides once, when a connection is made, which follower it
has: `book_ranges` for books that are mended by REST, `sequence` for all others.

Where a venue greets who subscribes to a book with its snapshot, a book is none before that has come
(`beginnings`): then it is resumed, and if that takes too long, it counts as broken since it was
asked for.

A book that breaks begins anew at once, and if it breaks again, less and less often: a venue whose
sequence is wrong by nature must not be asked for snapshots for ever.

Pure.  Not here: the requests that subscribe again (`subscriptions`) and fetch (`rest.snapshots`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

import attrs

from tick_logger.exchanges.base import BookCheck, BookSnapshot, Exchange
from tick_logger.model.cause import Cause
from tick_logger.model.marks import BOOK_WAIT_SECS, Interrupted, Mark, Resumed
from tick_logger.model.routes import FIRST_LINE
from tick_logger.model.tables import FEED_OF, Table
from tick_logger.net.connection.beginnings import Beginnings
from tick_logger.net.connection.book_ranges import BookRanges
from tick_logger.net.connection.following import BookEvent, BookFollower, Judgement, Verdict
from tick_logger.net.connection.message_numbers import LATE_SECS
from tick_logger.net.connection.sequence import BookSequences

FIRST_PAUSE_SECS, MAX_PAUSE_SECS = 1.0, 300.0
"""Between a resync and the next of the same book; it doubles from the one up to the other."""

SURE_TO_WAIT_SECS = 0.9 * BOOK_WAIT_SECS
"""So long after a snapshot was asked for none of its book's rows has left: ticks are not exact."""

CALM_SECS = 600.0
"""A book that was whole for so long begins with the first pause again."""


@attrs.frozen
class Followers:
    """The books of all connections of a venue, which are all followed in one of these ways."""

    ranges: list[BookRanges] = attrs.field(factory=list)
    sequences: list[BookSequences] = attrs.field(factory=list)
    symbol_of: Callable[[int], str] = lambda _: ""
    """Whose book it is."""


@attrs.define
class _Turn:
    due_at: float
    pause_secs: float


class Resyncs:
    """The turns of the broken books of one connection."""

    def __init__(self) -> None:
        self._books: dict[int, _Turn] = {}
        self._waiting: set[int] = set()

    def ask(self, instrument: int, now: float) -> None:
        """A book is broken."""
        before = self._books.get(instrument)
        if before is None or now - before.due_at > CALM_SECS:
            self._books[instrument] = _Turn(now, FIRST_PAUSE_SECS)
        elif instrument not in self._waiting:
            pause = min(2 * before.pause_secs, MAX_PAUSE_SECS)
            self._books[instrument] = _Turn(max(now, before.due_at + before.pause_secs), pause)
        self._waiting.add(instrument)

    def drop(self, instrument: int) -> None:
        """The book is no longer subscribed."""
        self._books.pop(instrument, None)
        self._waiting.discard(instrument)

    def __contains__(self, instrument: int) -> bool:
        """Whether the book is broken and has not begun anew."""
        return instrument in self._waiting

    @property
    def waiting(self) -> frozenset[int]:
        """The instruments whose books are broken and have not begun anew."""
        return frozenset(self._waiting)

    def deadline(self, live: Collection[int]) -> float:
        """When the next of the `live` ones is due; infinite if none waits."""
        waiting = self._waiting.intersection(live)
        return min((self._books[i].due_at for i in waiting), default=float("inf"))

    def due(self, live: Collection[int], now: float) -> frozenset[int]:
        """The `live` ones that may begin anew now, each given once.

        A book that broke before its subscription was acknowledged waits for that.
        """
        due = frozenset(i for i in self._waiting.intersection(live) if self._books[i].due_at <= now)
        self._waiting -= due
        return due


class Books:
    """The books of one connection, by instrument; `fetch` asks for a snapshot by REST.

    `here` has those of all connections of the venue; this one is on the `line`.
    """

    def __init__(
        self,
        exchange: Exchange,
        fetch: Callable[[int], None],
        here: Followers,
        line: int = FIRST_LINE,
    ) -> None:
        self.line = line
        self.by_rest = exchange.book_check is BookCheck.RANGES
        self._follower: BookFollower = (
            BookRanges(here.ranges, line)
            if self.by_rest
            else BookSequences(exchange, here.sequences, here.symbol_of)
        )
        self._greeted = not self.by_rest and FEED_OF[Table.BOOK] in exchange.greets
        self._beginnings = Beginnings()
        self._doubtful: dict[int, float] = {}  # until when what is missing of a book may come
        self._rows_wait_since: dict[int, float] = {}
        self._fetch = fetch
        self._resyncs = Resyncs()

    @property
    def judged(self) -> Counter[Judgement]:
        """How many messages were found to be what; whoever has reported it may clear it."""
        return self._follower.judged

    # -- following ---------------------------------------------------------------------------------

    def hear(self, event: BookEvent, recv_ns: int, now: float) -> tuple[Mark, ...]:
        """Follow one message; returns the marks that follow from it."""
        verdict = self._follower.hear(event, recv_ns)
        self._act_on(verdict, now)
        if isinstance(event, BookSnapshot) and self._beginnings.begin(event.instrument):
            return (*verdict.marks, Resumed((event.instrument,), (Table.BOOK,), recv_ns))
        return verdict.marks

    def _act_on(self, verdict: Verdict, now: float) -> None:
        for instrument in verdict.fetch:
            self._rows_wait_since[instrument] = now
            self._fetch(instrument)
        for instrument in verdict.doubtful:
            self._doubtful.setdefault(instrument, now + LATE_SECS)
        for instrument in verdict.broken:
            self._break(instrument, now)

    def settle_overdue(self, now: float) -> list[Mark]:
        """What is missing of these books has not come in time; returns the marks that follow."""
        marks: list[Mark] = []
        for instrument in [each for each, due_at in self._doubtful.items() if due_at <= now]:
            del self._doubtful[instrument]
            verdict = self._follower.settle(instrument)
            self._act_on(verdict, now)
            marks += verdict.marks
        return marks

    def lacking(self, instruments: Iterable[int]) -> tuple[int, ...]:
        """Those of the books, of which messages were missed, that only a new beginning mends."""
        return () if self._follower.mended_by_updates else tuple(instruments)

    def interrupt(self, instruments: Collection[int], at_ns: int, now: float) -> list[Mark]:
        """These books are broken, and will begin anew; returns the mark that says so."""
        for instrument in instruments:
            self._break(instrument, now)
        return (
            [Interrupted(tuple(instruments), (Table.BOOK,), at_ns, Cause.RESYNC)]
            if instruments
            else []
        )

    def begin_anew(self, instrument: int) -> None:
        """Follow the book from its next beginning on, and nothing before that."""
        self._follower.drop(instrument)
        self._beginnings.forget(instrument)
        self._doubtful.pop(instrument, None)

    def drop(self, instrument: int) -> None:
        """The book is no longer subscribed."""
        self.begin_anew(instrument)
        self._resyncs.drop(instrument)

    def _break(self, instrument: int, now: float) -> None:
        """It is broken, so that its beginning need not be awaited any more."""
        self._beginnings.forget(instrument)
        self._resyncs.ask(instrument, now)

    # -- beginning ---------------------------------------------------------------------------------

    def asked(self, instruments: Iterable[int], at_ns: int) -> None:
        """These books are asked for, by a request that is sent now."""
        if self._greeted:
            self._beginnings.ask(instruments, at_ns)

    def granted(self, instrument: int, at_ns: int, due_at: float) -> None:
        """The subscription of a book is live; its snapshot is due at `due_at`."""
        if not self._greeted:
            return
        since_ns = self._beginnings.grant(instrument, at_ns, due_at)
        if since_ns is not None:
            self._follower.granted(instrument, since_ns)

    def stands(self, instrument: int) -> bool:
        """Whether the book is one, if it is granted: it has begun, and is not broken."""
        has_begun = not self._greeted or self._beginnings.has_begun(instrument)
        return has_begun and instrument not in self._resyncs

    @property
    def without_snapshot(self) -> dict[int, int]:
        """The books that are granted and have not begun, and since when (ns) updates may come."""
        return self._beginnings.granted

    def break_overdue(self, now: float) -> dict[int, int]:
        """The same of those whose snapshot is overdue: from now on they are broken."""
        overdue = self._beginnings.take_overdue(now)
        for instrument in overdue:
            self._break(instrument, now)
        return overdue

    # -- connections that follow each other ------------------------------------------------------

    def goes_on(self, instrument: int) -> bool:
        """Whether the book, when it is subscribed again, needs no snapshot by REST to be right."""
        return self._follower.goes_on(instrument)

    def take_over(self, ended: Books, instruments: Sequence[int]) -> list[Mark]:
        """These books were followed by a connection that has ended, too, and go on here."""
        return self._follower.take_over(ended._follower, instruments)

    def end(self) -> None:
        """The connection has ended."""
        self._follower.end()

    # -- beginning anew ----------------------------------------------------------------------------

    @property
    def broken(self) -> frozenset[int]:
        """The books that are broken and have not begun anew."""
        return self._resyncs.waiting

    @property
    def are_waiting(self) -> bool:
        """Whether any is broken, or doubtful."""
        return bool(self._resyncs.waiting or self._doubtful)

    def due(self, live: Collection[int], now: float) -> frozenset[int]:
        """The broken books among the `live` ones that may begin anew now, each given once."""
        return self._resyncs.due(live, now)

    def due_at(self, live: Collection[int]) -> float:
        """When something is to be done about a book, of the `live` ones if it is to begin anew.

        Infinite if nothing is.
        """
        again_at = self._resyncs.deadline(live) if self.broken else float("inf")
        settled_at = min(self._doubtful.values(), default=float("inf"))
        return min(again_at, settled_at, self._beginnings.due_at)

    # -- snapshots by REST -------------------------------------------------------------------------

    def awaits(self, instrument: int) -> bool:
        """Whether a REST snapshot of this book would be of use."""
        return self._follower.awaits(instrument)

    def expect(self, instrument: int, now: float) -> None:
        """A REST snapshot is asked for now, and rows of the book wait for it from now on."""
        since = self._rows_wait_since.get(instrument, float("-inf"))
        self._follower.expect(instrument, in_time=now - since <= SURE_TO_WAIT_SECS)
        self._rows_wait_since[instrument] = now

    def accepts(self, instrument: int, snapshot_id: int) -> bool:
        """Whether a REST snapshot as of this id joins the updates received."""
        return self._follower.accepts(instrument, snapshot_id)

    def taken(self, instrument: int, snapshot_id: int, at_ns: int) -> None:
        """A REST snapshot that joins is in the stream."""
        self._follower.taken(instrument, snapshot_id, at_ns)

    def lets_go(self, instrument: int) -> None:
        """The rows of the book do not wait any longer for a REST snapshot."""
        self._rows_wait_since.pop(instrument, None)

    def given_up(self, instrument: int) -> None:
        """The REST snapshot of this book will not come."""
        self._follower.given_up(instrument)
