"""What one connection does about the snapshots of its books that come by REST.

A snapshot enters the stream as a payload of the connection that asked for it, so it is decoded and
ordered like any other message.  Rows of the book wait for it, by a mark, while it is being fetched.

Not here: which book needs one, and whether one joins the updates received (`book_ranges`); the
queue and the requests (`rest.snapshots`, whose `Asker` this is).
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from tick_logger.model.marks import AwaitSnapshot, NoSnapshot
from tick_logger.net.connection.books import Books
from tick_logger.net.connection.context import VenueContext
from tick_logger.net.intake.arrivals import Source


class SnapshotAsker:
    """Asks for the snapshots of the books of `source`, as long as it `is_alive`."""

    def __init__(
        self, venue: VenueContext, source: Source, books: Books, is_alive: Callable[[], bool]
    ) -> None:
        self._venue = venue
        self._source = source
        self._books = books
        self._is_alive = is_alive

    def ask(self, instrument: int) -> None:
        """Have a snapshot of this book fetched when its turn comes."""
        _, symbol = self._venue.instruments.name(instrument)
        self._venue.snapshots.ask(self, symbol, instrument)

    def expect_snapshot(self, instrument: int) -> None:
        """Let the rows of the book wait anew: those before have waited as long as they may."""
        self._books.expect(instrument, trio.current_time())
        self._venue.intake.mark(AwaitSnapshot(instrument, self._venue.clock.now_ns()))

    def awaits_snapshot(self, instrument: int) -> bool:
        """Whether a snapshot of this book would be of use."""
        return self._is_alive() and self._books.awaits(instrument)

    def accepts_snapshot(self, instrument: int, snapshot_id: int) -> bool:
        """Whether a snapshot as of this id joins the updates received."""
        return self._books.accepts(instrument, snapshot_id)

    def take_snapshot(self, instrument: int, snapshot_id: int, payload: bytes) -> bool:
        """Put the snapshot into the stream, as received now; False if there is no room."""
        now_ns = self._venue.clock.now_ns()
        if not self._venue.intake.put(self._source, now_ns, [payload]):
            return False
        self._books.taken(instrument, snapshot_id, now_ns)
        return True

    def no_snapshot(self, instrument: int, *, for_good: bool) -> None:
        """The snapshot has not come; `for_good`: it will not be asked for again."""
        self._venue.intake.mark(NoSnapshot(instrument, self._venue.clock.now_ns()))
        self._books.lets_go(instrument)
        if for_good:
            self._books.given_up(instrument)
