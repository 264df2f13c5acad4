"""Whether the messages of a book hang together, by whatever numbers their venue gives them.

    message -> ok | duplicate | out of order | reset
           `-> gap -> (not filled by late ones in time) the book begins anew

Adapters declare how a loss shows (`BookCheck`) and pass on what a message says; this is the one
place that compares it with what came before.  Invariant: a gap is told exactly once, with the
receive times that bracket it, and breaks no other book than its own.

While one connection takes over from another, or where a book comes on two lines, several follow it.
What one of them lacks and another has brought is no gap: what both bring is recorded as one book.

Pure.  Not here: books whose snapshots come by REST (`book_ranges`), numbers of all messages of a
connection (`message_numbers`), ids of trades (`pipeline`), how a book begins anew (`books`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import attrs

from tick_logger.exchanges.base import (
    BookBroken,
    BookCheck,
    BookLink,
    BookSnapshot,
    BookTexts,
    Exchange,
)
from tick_logger.model.cause import Cause
from tick_logger.model.marks import Doubt, Interrupted, Lapse, Mark
from tick_logger.model.tables import Table
from tick_logger.net.connection.chain import Break, Chain
from tick_logger.net.connection.checksum_book import ChecksumBook, depth_of
from tick_logger.net.connection.following import (
    NOTHING,
    BookEvent,
    BookFollower,
    Judgement,
    Verdict,
)

MOST_ENDED = 8
"""So many connections that have ended are remembered, for what the others lacked just before."""


class BookSequences(BookFollower):
    """The books of one connection whose snapshots come on it, by chains of ids and by checksums.

    `all_here` are those of all connections of a venue, `symbol_of` is whose a book is.
    """

    mended_by_updates: ClassVar[bool] = False

    def __init__(
        self,
        exchange: Exchange,
        all_here: list[BookSequences] | None = None,
        symbol_of: Callable[[int], str] = lambda _: "",
    ) -> None:
        super().__init__()
        self._symbol_of = symbol_of
        self._all = [] if all_here is None else all_here
        self._all.append(self)
        self.has_ended = False
        self._exchange = exchange
        self._check = exchange.book_check
        self.chains: dict[int, Chain] = {}
        self._books: dict[int, ChecksumBook] = {}
        self._checked_ns: dict[int, int] = {}  # when a book was last known to be right
        self._untold: set[int] = set()  # whose newest update has said nothing for its checksum yet

    def hear(self, event: BookEvent, recv_ns: int) -> Verdict:
        """Follow one message."""
        if isinstance(event, BookLink):
            return self.link(event, recv_ns)
        if isinstance(event, BookTexts):
            return self.texts(event, recv_ns)
        if isinstance(event, BookBroken):
            return self.broken(event.instrument, recv_ns)
        self.snapshot(event, recv_ns)
        return NOTHING

    def link(self, link: BookLink, recv_ns: int) -> Verdict:
        """An update of a book whose snapshot came on this connection."""
        self._expect_texts(link.instrument)
        chain = self.chains.get(link.instrument)
        if chain is None:  # before the snapshot, or while it is awaited anew
            return NOTHING
        judgement, breaks = chain.follow(link, recv_ns)
        if judgement is not Judgement.GAP:
            self.judged[judgement] += 1
            return Verdict(tuple(attrs.evolve(each.hole, doubt=Doubt.VOID) for each in breaks))
        self._check_no_more(link.instrument)  # the same hole would show once more
        if self._came_elsewhere(link.instrument, breaks[0]):
            self.judged[Judgement.OUT_OF_ORDER] += 1
            chain.forgive(breaks)
            return NOTHING
        return Verdict(tuple(each.hole for each in breaks), doubtful=frozenset((link.instrument,)))

    def settle(self, instrument: int) -> Verdict:
        """What is missing of a book has had its time to come late."""
        chain = self.chains.get(instrument)
        every = chain.take_breaks() if chain is not None else []
        came = [each for each in every if self._came_elsewhere(instrument, each)]
        breaks = [each for each in every if each not in came]
        self.judged[Judgement.OUT_OF_ORDER] += len(came)
        self.judged[Judgement.GAP] += len(breaks)
        void = tuple(attrs.evolve(each.hole, doubt=Doubt.VOID) for each in came)
        if not breaks or self._check is BookCheck.COUNTED_ONLY:  # perhaps nothing is missing at all
            return Verdict(void)
        self.drop(instrument)
        return self._begin_anew(instrument, breaks[0].at_ns, *void)

    def snapshot(self, snapshot: BookSnapshot, recv_ns: int) -> None:
        """A book begins, or begins anew."""
        chain = self.chains.get(snapshot.instrument)
        again = chain is not None and snapshot.last_id < chain.last_id
        self.judged[Judgement.RESET if again else Judgement.OK] += 1
        self._check_no_more(snapshot.instrument)  # what it says for a checksum comes after it
        self.chains[snapshot.instrument] = Chain(snapshot.last_id, recv_ns)

    def texts(self, said: BookTexts, recv_ns: int) -> Verdict:
        """The levels of a book message, with the checksum of the book after it, if it has one."""
        number = said.instrument
        self._untold.discard(number)
        if said.snapshot:
            exchange = self._exchange
            depth = depth_of(said.bids, said.asks, self._depth(number), exchange.book_depths)
            self._books[number] = ChecksumBook(depth)
            self._checked_ns[number] = recv_ns
        book = self._books.get(number)
        if book is None:
            return NOTHING
        book.apply(said.bids, said.asks)
        if said.checksum is None:
            return NOTHING
        if self._exchange.book_checksum(book.bids(), book.asks()) == said.checksum:
            self.judged[Judgement.OK] += 1
            self._checked_ns[number] = recv_ns
            return NOTHING
        self.judged[Judgement.GAP] += 1
        since = self._checked_ns[number]
        self._check_no_more(number)
        lapse = Lapse((number,), (Table.BOOK,), since, recv_ns, Cause.CHECKSUM)
        return self._begin_anew(number, recv_ns, lapse)

    def broken(self, instrument: int, recv_ns: int) -> Verdict:
        """A message of the book was not understood; whoever found that has told what is lost."""
        if self._exchange.whole_books or self._exchange.book_of(self._symbol_of(instrument)).whole:
            return NOTHING  # the next message mends it
        self.drop(instrument)
        return self._begin_anew(instrument, recv_ns)

    def granted(self, instrument: int, since_ns: int) -> None:
        """Check it from the first message on: without its snapshot its checksum will be wrong."""
        if self._check is BookCheck.CHECKSUM:
            self._books[instrument] = ChecksumBook(self._depth(instrument))
            self._checked_ns[instrument] = since_ns

    def end(self) -> None:
        """The connection has ended; what it has brought is remembered for a while."""
        self.has_ended = True
        ended = [each for each in self._all if each.has_ended]
        for each in ended[:-MOST_ENDED]:
            self._all.remove(each)

    def _depth(self, instrument: int) -> int | None:
        """To how many levels a side the book is cut, as it was asked for."""
        asked = self._exchange.book_of(self._symbol_of(instrument)).depth
        return None if self._exchange.book_depth is None else asked or self._exchange.book_depth

    def _came_elsewhere(self, instrument: int, found: Break) -> bool:
        """Whether another connection has brought what is missing here."""
        chains = (each.chains.get(instrument) for each in self._all if each is not self)
        return any(
            chain is not None and chain.has(found.after_id, found.before_id) for chain in chains
        )

    def drop(self, instrument: int) -> None:
        """The book is no longer subscribed, or will begin anew."""
        self.chains.pop(instrument, None)
        self._check_no_more(instrument)

    def _check_no_more(self, instrument: int) -> None:
        """No checksum says anything about this book before its next snapshot."""
        self._books.pop(instrument, None)
        self._checked_ns.pop(instrument, None)
        self._untold.discard(instrument)

    def _expect_texts(self, instrument: int) -> None:
        """An update says its id first, and then its levels, where there is to be a checksum.

        If the update before has not done so, the book is not known any more to the last digit.
        """
        if instrument in self._untold:
            self._check_no_more(instrument)
        elif instrument in self._books:
            self._untold.add(instrument)

    def _begin_anew(self, instrument: int, at_ns: int, *holes: Mark) -> Verdict:
        resync = Interrupted((instrument,), (Table.BOOK,), at_ns, Cause.RESYNC)
        return Verdict((*holes, resync), broken=frozenset((instrument,)))
