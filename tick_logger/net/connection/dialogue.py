"""What a venue says on one connection, and what follows from it.

    event -> subscriptions | books | numbers of messages -> marks, renewals, reactions

Invariant: a stream that may lack rows is interrupted, by a mark, before anything else is done about
it, and resumed when the venue has acknowledged it again.

Pure but for logs and counters: times are arguments, and where something must be done to the
connection, one of the `Reactions` that the connection gave is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs
from structlog.typing import FilteringBoundLogger

from tick_logger.exchanges.base import (
    Acknowledged,
    BookBroken,
    BookLink,
    BookSnapshot,
    BookTexts,
    Confirmed,
    Event,
    GoingAway,
    Granted,
    Listed,
    Listing,
    Pong,
    Refused,
    Request,
    Subscription,
    TradeIdSeen,
)
from tick_logger.model.cause import Cause
from tick_logger.model.marks import Interrupted, Lapse, LastTradeId, Mark, Resumed
from tick_logger.model.routes import FIRST_LINE
from tick_logger.model.tables import FEEDS, Table
from tick_logger.net.connection.beginnings import MAX_SNAPSHOT_SECS
from tick_logger.net.connection.books import Books
from tick_logger.net.connection.context import Timeouts, VenueContext
from tick_logger.net.connection.message_numbers import MissingMessages
from tick_logger.net.connection.refusals import Refusals
from tick_logger.net.connection.reporting import (
    count_judged,
    named,
    report,
    report_begun_anew,
    report_without_snapshot,
)
from tick_logger.net.connection.signature import Signature
from tick_logger.net.connection.spans import Since, Spans
from tick_logger.net.connection.states import Settled
from tick_logger.net.connection.subscriptions import Subscriptions
from tick_logger.net.intake.arrivals import Came, Streams, streams_of


@attrs.frozen(kw_only=True)
class Reactions:
    """What the connection does when the venue says certain things, and which it is."""

    retire: Callable[[str], None]
    pong: Callable[[], None]
    settled: Callable[[Settled], None]
    ask_snapshot: Callable[[int], None]
    list_instruments: Callable[[Listed], None] | None
    timeouts: Callable[[], Timeouts]
    line: int = FIRST_LINE  # of the connection


class Dialogue:
    """The state of one connection's conversation with its venue."""

    def __init__(
        self,
        venue: VenueContext,
        wanted: frozenset[Subscription],
        reactions: Reactions,
        log: FilteringBoundLogger,
        refusals: Refusals | None = None,
    ) -> None:
        self.spans = Spans()
        self.subscriptions = Subscriptions(venue.exchange, wanted, refusals or venue.refusals)
        self.signature = Signature(venue, log)
        self.refused_at = float("-inf")
        """When the venue last said that it refuses something, in seconds of trio's clock."""
        self.books = Books(venue.exchange, reactions.ask_snapshot, venue.followers, reactions.line)
        self.numbers = MissingMessages(
            lambda: self.streams(self.wanted),
            lambda at_ns, now: self.books.interrupt(self._live_books, at_ns, now),
        )
        self._venue = venue
        self._symbols: Mapping[str, int] = venue.instruments.of(venue.exchange.name)
        self._react = reactions
        self._log = log
        self._want(wanted)

    def _want(self, wanted: frozenset[Subscription]) -> None:
        self.wanted = wanted
        self._by_stream = {(FEEDS[sub.feed], self._symbols[sub.symbol]): sub for sub in wanted}
        self._wanted_books = self._of_table(Table.BOOK)
        self._wanted_trades = frozenset(self._of_table(Table.TRADES))

    def _of_table(self, table: Table) -> dict[int, Subscription]:
        """The subscriptions to one table, in order, by instrument."""
        mine = sorted(sub for sub in self.wanted if FEEDS[sub.feed] is table)
        return {self._symbols[sub.symbol]: sub for sub in mine}

    # -- what is said -----------------------------------------------------------------------------

    def said(self, events: Sequence[tuple[int, Event]], now: float) -> list[Mark]:
        """Act on events with their receive times; returns the marks that follow."""
        marks: list[Mark] = []
        for recv_ns, event in events:
            match event:
                case BookLink() | BookTexts() | BookSnapshot() | BookBroken():
                    if event.instrument in self._wanted_books:  # else it has been ended, or will be
                        marks += self.books.hear(event, recv_ns, now)
                case TradeIdSeen():
                    # What nobody asked for is not missing: heartbeats tell of all trades.
                    if event.instrument in self._wanted_trades:
                        marks.append(LastTradeId(event.instrument, event.trade_id, recv_ns))
                case Pong():
                    self._react.pong()
                case GoingAway():
                    self._react.retire(event.reason)
                case Listing() if self._react.list_instruments is not None:
                    self._react.list_instruments(Listed(event.instruments, event.odd))
                case Acknowledged() | Granted() | Confirmed() | Refused():
                    marks += self.apply(self._answered(event, recv_ns, now), recv_ns, now)
        self.count_judgements()
        return marks

    def delivered(self, rows_at: Mapping[tuple[Table, int], Came], now: float) -> list[Mark]:
        """Rows of these tables and instruments came.  What is live by that is since the first."""
        mine = {
            self._by_stream[key]: came for key, came in rows_at.items() if key in self._by_stream
        }
        found = self.subscriptions.delivered_since(mine)
        if found:
            live = [sub for _, settled in found for sub in settled.live]
            self._log.info("data_without_acknowledgement", subscriptions=named(live))
        return [mark for at_ns, settled in found for mark in self.apply(settled, at_ns, now)]

    def _answered(
        self, event: Acknowledged | Granted | Confirmed | Refused, recv_ns: int, now: float
    ) -> Settled:
        match event:
            case Acknowledged():
                return self.subscriptions.acknowledged(event.request_id)
            case Granted():
                return self.subscriptions.granted(event.subscriptions, event.request_id)
            case Confirmed():
                return self.subscriptions.confirmed(event.subscriptions)
            case Refused():
                return self._refused(event, recv_ns, now)

    def _refused(self, event: Refused, recv_ns: int, now: float) -> Settled:
        self._log.warning("request_refused", reason=event.reason)
        if self.signature.is_rejected(event):
            is_news = self.signature.reject(event.reason)
            return self.subscriptions.unanswerable() if is_news else Settled()
        if event.wait is None:
            self.refused_at = now
        return self.subscriptions.refused(
            event.request_id,
            event.reason,
            now,
            event.subscriptions,
            with_others=event.with_others,
            wait_secs=None if event.wait is None else event.wait.after(recv_ns),
        )

    def sent(self, request: Request, now: float, now_ns: int) -> None:
        """A request is sent now; whatever was sent before it is no answer to it."""
        ends = self.subscriptions.ends(request)
        self.subscriptions.sent(request, now)
        asked = () if ends else request.subscriptions & self.wanted - self.subscriptions.live
        books = [self._symbols[sub.symbol] for sub in asked if FEEDS[sub.feed] is Table.BOOK]
        self.books.asked(books, now_ns)

    def apply(self, settled: Settled, recv_ns: int, now: float) -> list[Mark]:
        """Count and report what the subscriptions concluded."""
        report(settled, self._venue.metrics, self._log)
        denied = [sub for sub, _ in (*settled.refused, *settled.postponed)]
        interrupted = [  # what is interrupted already stays as it is
            Interrupted(*streams, recv_ns, Cause.REFUSED) for streams in self.streams(denied)
        ]
        self.spans.begin(settled.live, recv_ns)
        for sub in settled.live:
            if FEEDS[sub.feed] is Table.BOOK:
                patience_secs = min(self._react.timeouts().of(sub.symbol), MAX_SNAPSHOT_SECS)
                self.books.granted(self._symbols[sub.symbol], recv_ns, now + patience_secs)
        if any(sub in self.subscriptions.begun_anew for sub, _ in settled.refused):
            self._react.retire("what was live is refused when it is subscribed again")
        self._react.settled(settled)
        return [*interrupted, *self.resumed(self.live.intersection(settled.live), recv_ns)]

    # -- what others want -------------------------------------------------------------------------

    def retarget(self, wanted: frozenset[Subscription], now_ns: int) -> list[Mark]:
        """Carry other subscriptions from now on; those that were still live are resumed."""
        for instrument, sub in self._wanted_books.items():
            if sub not in wanted:
                self.books.drop(instrument)
        self.spans.end(self.subscriptions.live - wanted, now_ns)
        self._want(wanted)
        going_on = self.subscriptions.retarget(wanted)
        self.spans.begin(going_on, now_ns)
        books = {i: sub for i, sub in self._wanted_books.items() if sub in going_on}
        lacking = [books[instrument] for instrument in self.books.lacking(books)]
        # What came meanwhile these lack, and begin anew.
        return self.resumed(going_on.difference(self.renew(lacking)), now_ns)

    def resumed(self, subs: frozenset[Subscription], at_ns: int) -> list[Mark]:
        """The marks that these are delivered again, some of them books without a snapshot."""
        without = subs & {s for i, s in self._wanted_books.items() if not self.books.goes_on(i)}
        return [
            *(Resumed(*streams, at_ns) for streams in self.streams(subs - without)),
            *(Resumed(*streams, at_ns, books_await=True) for streams in self.streams(without)),
        ]

    def take_over(self, ended: Dialogue, at_ns: int, *, heard: bool) -> list[Mark]:
        """Another connection has ended; what both were to carry and this one does is resumed.

        Books whose snapshots come by REST are when all is `heard` that came on the other.
        """
        both, by_rest = self.live & ended.wanted, self.books.by_rest
        books = {i: sub for i, sub in self._wanted_books.items() if by_rest and sub in both}
        if not heard:
            return self.resumed(both.difference(books.values()), at_ns)
        marks = self.books.take_over(ended.books, list(books))
        return marks + self.resumed(frozenset(books.values()), at_ns)

    def lost(self, elsewhere: Since, since_ns: int | None) -> list[Mark]:
        """The marks of its end, which brought nothing since; None: that by itself loses nothing."""
        marks: list[Mark] = [
            Interrupted((instrument,), (Table.BOOK,), asked_ns, Cause.SNAPSHOT)
            for instrument, asked_ns in self.books.without_snapshot.items()
            if self._wanted_books[instrument] not in elsewhere
        ]
        if since_ns is None:
            return marks
        marks += [
            Interrupted(*streams, since_ns, Cause.DISCONNECT)
            for streams in self.streams(self.wanted - elsewhere.keys())
        ]
        for sub, until_ns in self.spans.lost(self.wanted, elsewhere, since_ns):
            marks.append(Lapse(*self.streams([sub])[0], since_ns, until_ns, Cause.DISCONNECT))
        return marks

    def renew(self, subscriptions: Iterable[Subscription]) -> tuple[Subscription, ...]:
        """Have these end and begin anew; returns all that will, with what shares their channels."""
        renewed = self.subscriptions.renew(subscriptions)
        for sub in renewed:
            if FEEDS[sub.feed] is Table.BOOK:
                self.books.begin_anew(self._symbols[sub.symbol])
        return renewed

    def renew_books(self, now: float, now_ns: int) -> list[Mark]:
        """Begin the broken books anew whose turn has come; what ends with them is interrupted."""
        if not self.books.broken:
            return []
        due = self.books.due(self._live_books, now)
        broken = [sub for instrument, sub in self._wanted_books.items() if instrument in due]
        report_begun_anew([sub.symbol for sub in broken], self._venue.metrics, self._log)
        return [
            Interrupted(*streams, now_ns, Cause.RESYNC)
            for streams in self.streams(self.renew(broken))
        ]

    def overdue(self, now: float, now_ns: int) -> list[Mark]:
        """Act on what has not come in time: answers, snapshots, messages that may have been late.

        A book whose snapshot is overdue is broken, and has been none since it was asked for.
        """
        marks = self.apply(self.subscriptions.overdue(now), now_ns, now)
        marks += [*self.numbers.overdue(now), *self.books.settle_overdue(now)]
        self.count_judgements()
        books = self.books.break_overdue(now)
        symbols = [self._wanted_books[book].symbol for book in books]
        report_without_snapshot(symbols, self._venue.metrics, self._log)
        marks += [
            Interrupted((book,), (Table.BOOK,), asked_ns, Cause.SNAPSHOT)
            for book, asked_ns in books.items()
        ]
        return marks

    def begin_books_anew(self, now: float, now_ns: int) -> list[Mark]:
        """Messages were given up until now: begin those books anew that no later update mends."""
        self.numbers.excuse(now_ns)  # the overflow tells of all that is missing before this
        books = self.books.lacking(self._wanted_books)
        for instrument in books:
            self.books.begin_anew(instrument)
        return self.books.interrupt(books, now_ns, now)

    @property
    def due_at(self) -> float:
        """When the next of what is awaited is overdue, or a book may begin; else infinite."""
        answers = () if (at := self.subscriptions.deadline) is None else (at,)
        return min(*answers, self.numbers.due_at, self.books_due_at)

    @property
    def books_due_at(self) -> float:
        """When the next book may begin anew, or its snapshot is overdue; else infinite."""
        return self.books.due_at(self._live_books)

    @property
    def live(self) -> frozenset[Subscription]:
        """What is acknowledged, but for books that are broken or have not begun."""
        books = self._wanted_books.items()
        none = [sub for instrument, sub in books if not self.books.stands(instrument)]
        return self.subscriptions.live.difference(none)

    def streams(self, subscriptions: Iterable[Subscription]) -> Streams:
        """These subscriptions, as pairs of instruments and tables."""
        return streams_of(subscriptions, self._symbols)

    # -- parts ------------------------------------------------------------------------------------

    @property
    def _live_books(self) -> list[int]:
        """The instruments whose books are wanted and acknowledged."""
        live = self.subscriptions.live
        return [instrument for instrument, sub in self._wanted_books.items() if sub in live]

    def count_judgements(self) -> None:
        """Count what messages were found to be, in their sequences."""
        for judged in (self.books.judged, self.numbers.judged):
            count_judged(judged, self._venue.metrics)
