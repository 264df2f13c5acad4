"""What a venue says on one connection, and what follows: for the session, the books, the pipeline.

    event -> session | sequences | books -> marks, renewals, reactions of the connection

Invariant: a stream that may lack rows is interrupted, by a mark, before anything else is done about
it, and resumed when the venue has acknowledged it again.

Pure but for logs and counters: times come in, and whatever touches the connection is a reaction
that its owner gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs
from structlog.typing import FilteringBoundLogger

from tick_logger.exchanges.base import (
    Acknowledged,
    BookCheck,
    BookLink,
    BookSnapshot,
    BookTexts,
    Confirmed,
    Event,
    GoingAway,
    Granted,
    Listing,
    Pong,
    Refused,
    Subscription,
    TradeIdSeen,
)
from tick_logger.model.cause import Cause
from tick_logger.model.instruments import Instrument
from tick_logger.model.marks import Interrupted, Lapse, LastTradeId, Mark, Resumed
from tick_logger.model.tables import FEEDS, Table
from tick_logger.net.connection.books import BookSync
from tick_logger.net.connection.context import VenueContext
from tick_logger.net.connection.resyncs import Resyncs
from tick_logger.net.connection.sequence import Numbers, Outcome, Sequences, Times, Verdict
from tick_logger.net.connection.subscriptions import Settled, Subscriptions
from tick_logger.net.intake.arrivals import Streams, streams_of

FEED_OF = {table: feed for feed, table in FEEDS.items()}


@attrs.frozen(kw_only=True)
class Reactions:
    """What the connection does when the venue says certain things."""

    retire: Callable[[str], None]
    pong: Callable[[], None]
    settled: Callable[[Settled], None]
    ask_snapshot: Callable[[str, int], None]
    list_instruments: Callable[[tuple[Instrument, ...]], None] | None


class Dialogue:
    """The state of one connection's conversation with its venue."""

    def __init__(
        self,
        venue: VenueContext,
        wanted: frozenset[Subscription],
        reactions: Reactions,
        log: FilteringBoundLogger,
    ) -> None:
        self.wanted = wanted
        self._ended_ns: dict[Subscription, int] = {}  # when what was live was wanted no longer
        self.session = Subscriptions(venue.exchange, wanted)
        self.books = BookSync()
        self.resyncs = Resyncs()
        self._sequences = Sequences(venue.exchange)
        self._venue = venue
        self._symbols: Mapping[str, int] = venue.instruments.of(venue.exchange.name)
        self._react = reactions
        self._log = log

    # -- what is said -----------------------------------------------------------------------------

    def said(self, events: Sequence[tuple[int, Event]], now: float) -> list[Mark]:
        """Act on events with their receive times; returns the marks that follow."""
        marks: list[Mark] = []
        for recv_ns, event in events:
            match event:
                case BookLink() | BookTexts() | BookSnapshot() if not self._carries(
                    event.instrument, Table.BOOK
                ):
                    pass  # it has been ended, or will be
                case BookLink() if self._venue.exchange.book_check is BookCheck.RANGES:
                    marks += self._follow_by_rest(event, recv_ns)
                case BookLink():
                    marks += self._consider(self._sequences.link(event, recv_ns), now)
                case BookTexts():
                    marks += self._consider(self._sequences.texts(event, recv_ns), now)
                case BookSnapshot():
                    self._sequences.snapshot(event, recv_ns)
                case TradeIdSeen() if self._carries(event.instrument, Table.TRADES):
                    marks.append(LastTradeId(event.instrument, event.trade_id, recv_ns))
                case Pong():
                    self._react.pong()
                case GoingAway():
                    self._react.retire(event.reason)
                case Listing() if self._react.list_instruments is not None:
                    self._react.list_instruments(event.instruments)
                case Acknowledged() | Granted() | Confirmed() | Refused():
                    marks += self.apply(self._answered(event, now), recv_ns)
        self._count_outcomes()
        return marks

    def counted(self, numbers: Numbers, recv_ns: Times, now: float) -> list[Mark]:
        """Messages with these numbers came at these times (int64 ns, both of shape `(n,)`)."""
        marks: list[Mark] = []
        for since_ns, until_ns in self._sequences.counted(numbers, recv_ns):
            carried = self.streams(self.wanted)
            found = self._sequences.jumped(since_ns, until_ns, carried, self._open)
            marks += self._consider(found, now)
        self._count_outcomes()
        return marks

    def _answered(self, event: Acknowledged | Granted | Confirmed | Refused, now: float) -> Settled:
        match event:
            case Acknowledged():
                return self.session.acknowledged(event.request_id)
            case Granted():
                return self.session.granted(event.subscriptions)
            case Confirmed():
                return self.session.confirmed(event.subscriptions)
            case Refused():
                self._log.warning("request_refused", reason=event.reason)
                return self.session.refused(
                    event.request_id, event.reason, now, event.subscriptions
                )

    def apply(self, settled: Settled, recv_ns: int) -> list[Mark]:
        """Count and report what the session concluded."""
        metrics = self._venue.metrics
        if settled.retried:
            metrics.ack_retries.inc(len(settled.retried))
            self._log.warning("subscription_retried", subscriptions=named(settled.retried))
        for sub, reason in (*settled.refused, *settled.still_refused):
            metrics.subscriptions_refused.inc()
            self._log.error("subscription_refused", symbol=sub.symbol, feed=sub.feed, reason=reason)
        refused = [  # what is still refused is interrupted already
            Interrupted((self._symbols[sub.symbol],), (FEEDS[sub.feed],), recv_ns, Cause.REFUSED)
            for sub, _ in settled.refused
        ]
        live_now = self.streams(self.live.intersection(settled.live))
        resumed = [Resumed(*streams, recv_ns) for streams in live_now]
        if any(sub in self.session.begun_anew for sub, _ in settled.refused):
            self._react.retire("what was live is refused when it is subscribed again")
        self._react.settled(settled)
        return [*refused, *resumed]

    # -- what others want -------------------------------------------------------------------------

    def retarget(self, wanted: frozenset[Subscription], now_ns: int) -> list[Mark]:
        """Carry other subscriptions from now on; returns the marks of what never ended."""
        for sub in self.wanted - wanted:
            if FEEDS[sub.feed] is Table.BOOK:
                self.books.drop(self._symbols[sub.symbol])
                self._sequences.drop(self._symbols[sub.symbol])
                self.resyncs.drop(self._symbols[sub.symbol])
        self._ended_ns |= dict.fromkeys(self.session.live - wanted, now_ns)
        self.wanted = wanted
        going_on = self.session.retarget(wanted)
        if self._venue.exchange.book_check is not BookCheck.RANGES:  # else an update asks for one
            books = (sub for sub in going_on if FEEDS[sub.feed] is Table.BOOK)
            going_on = going_on.difference(self.renew(books))  # they lack what came meanwhile
        return [Resumed(*streams, now_ns) for streams in self.streams(going_on)]

    def lost(self, carried_elsewhere: frozenset[Subscription], since_ns: int) -> list[Mark]:
        """The marks that follow from a loss of the connection, on which nothing came since."""
        marks: list[Mark] = [
            Interrupted(*streams, since_ns, Cause.DISCONNECT)
            for streams in self.streams(self.wanted - carried_elsewhere)
        ]
        for sub, until_ns in sorted(self._ended_ns.items()):  # what ended meanwhile was lost too
            if until_ns > since_ns and sub not in carried_elsewhere:
                (streams,) = self.streams([sub])
                marks.append(Lapse(*streams, since_ns, until_ns, Cause.DISCONNECT))
        return marks

    def renew(self, subscriptions: Iterable[Subscription]) -> tuple[Subscription, ...]:
        """Subscribe again, from the beginning; returns those for which that will be done."""
        renewed = self.session.renew(subscriptions)
        for sub in renewed:
            if FEEDS[sub.feed] is Table.BOOK:
                self.books.drop(self._symbols[sub.symbol])
                self._sequences.drop(self._symbols[sub.symbol])
        return renewed

    def renew_books(self, now: float, now_ns: int) -> list[Mark]:
        """Begin those broken books anew whose time has come; what ends with them is interrupted."""
        due = self.resyncs.due(self._open, now)
        broken = [sub for sub in self._book_subscriptions() if self._symbols[sub.symbol] in due]
        if not broken:
            return []
        self._venue.metrics.book_resyncs.inc(len(broken))
        self._log.warning("books_begin_anew", symbols=[sub.symbol for sub in broken][:10])
        return [
            Interrupted(*streams, now_ns, Cause.RESYNC)
            for streams in self.streams(self.renew(broken))
        ]

    def begin_books_anew(self, now: float, now_ns: int) -> list[Mark]:
        """Parts of books may be missing, and nothing but a new snapshot on the socket mends them.

        Where snapshots come by REST, the next update shows what is missing.
        """
        if self._venue.exchange.book_check is BookCheck.RANGES:
            return []
        books = tuple(self._symbols[sub.symbol] for sub in self._book_subscriptions())
        for instrument in books:
            self._sequences.drop(instrument)
            self.resyncs.ask(instrument, now)
        return [Interrupted(books, (Table.BOOK,), now_ns, Cause.RESYNC)] if books else []

    @property
    def books_due_at(self) -> float:
        """When the next broken book may begin anew; infinite if there is none."""
        return self.resyncs.deadline(self._open) if self.resyncs.waiting else float("inf")

    @property
    def live(self) -> frozenset[Subscription]:
        """What is acknowledged, without the books that are broken."""
        broken = self.resyncs.waiting
        if not broken:
            return self.session.live
        books = {sub for sub in self._book_subscriptions() if self._symbols[sub.symbol] in broken}
        return self.session.live - books

    def streams(self, subscriptions: Iterable[Subscription]) -> Streams:
        """Exactly these, as pairs of instruments and tables."""
        return streams_of(subscriptions, self._symbols)

    # -- parts ------------------------------------------------------------------------------------

    def _consider(self, verdict: Verdict, now: float) -> list[Mark]:
        for instrument in verdict.broken:
            self.resyncs.ask(instrument, now)
        return verdict.marks

    def _follow_by_rest(self, link: BookLink, recv_ns: int) -> list[Mark]:
        marks, needs_snapshot = self.books.link(link, recv_ns)
        if needs_snapshot:
            _, symbol = self._venue.instruments.name(link.instrument)
            self._react.ask_snapshot(symbol, link.instrument)
        return marks

    def _carries(self, instrument: int, table: Table) -> bool:
        """What nobody asked for is not missing: heartbeats tell of trades, wanted or not."""
        _, symbol = self._venue.instruments.name(instrument)
        return Subscription(symbol, FEED_OF[table]) in self.wanted

    def _book_subscriptions(self) -> list[Subscription]:
        return sorted(sub for sub in self.wanted if FEEDS[sub.feed] is Table.BOOK)

    @property
    def _open(self) -> list[int]:
        """The books of this connection that were sent, as far as is known."""
        live = self.session.live
        return [self._symbols[sub.symbol] for sub in self._book_subscriptions() if sub in live]

    def _count_outcomes(self) -> None:
        found = self._sequences.outcomes
        if not found:
            return
        metrics = self._venue.metrics
        metrics.sequence_breaks.inc(found[Outcome.GAP])
        metrics.sequence_resets.inc(found[Outcome.RESET])
        metrics.out_of_order.inc(found[Outcome.OUT_OF_ORDER])
        metrics.sequence_duplicates.inc(found[Outcome.DUPLICATE])
        found.clear()


def named(subscriptions: Sequence[Subscription]) -> list[str]:
    """Subscriptions for a log line, ten at most."""
    shown = [f"{sub.symbol} {sub.feed}" for sub in subscriptions[:10]]
    more = len(subscriptions) - len(shown)
    return [*shown, f"and {more} more"] if more else shown
