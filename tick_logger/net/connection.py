"""One WebSocket connection: its tasks, and what follows from what its venue says.

    run -> dial -> nursery: reader | subscriber | ping | heartbeat | data-timeout | lifetime

The reader is trio-websocket's own task, which calls the frame tap; this module only waits for its
end.  Whatever goes wrong ends this connection with one `ConnectionLost` and touches no other.

Not here: when to connect again (`shard`), what the payloads mean (`exchanges`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import trio

from tick_logger.errors import ConnectionLost, leaves
from tick_logger.exchanges.base import (
    Acknowledged,
    BookLink,
    Confirmed,
    Event,
    GoingAway,
    Listing,
    Refused,
    Subscription,
    TradeIdSeen,
)
from tick_logger.model.entries import Note
from tick_logger.model.instruments import Instrument
from tick_logger.model.marks import (
    AwaitSnapshot,
    Interrupted,
    LastTradeId,
    Mark,
    NoSnapshot,
    Resumed,
)
from tick_logger.model.tables import FEEDS, Table
from tick_logger.net.booksync import BookSync
from tick_logger.net.breaker import Breaker
from tick_logger.net.dial import Link
from tick_logger.net.pace import MessageGate
from tick_logger.net.session import Session, Settled
from tick_logger.net.venue import Timeouts, Venue
from tick_logger.ops.logs import get_logger

TRADES_FEED = next(feed for feed, table in FEEDS.items() if table is Table.TRADES)

CLOSE_SECS = 1.0
"""How long a closing handshake may take; a venue that is gone need not be waited for."""


class Connection:
    """A connection to be, or that is, or that was; used once."""

    def __init__(
        self,
        label: str,
        venue: Venue,
        wanted: Iterable[Subscription],
        timeouts: Timeouts,
        on_listing: Callable[[tuple[Instrument, ...]], None] | None = None,
    ) -> None:
        self.label = label
        self._venue = venue
        self._profile = venue.exchange.profile
        self._symbols = venue.instruments.of(venue.exchange.name)
        self._wanted = frozenset(wanted)
        self._timeouts = timeouts
        self._on_listing = on_listing
        self._session = Session(venue.exchange, self._wanted)
        self._gate = MessageGate(self._profile.requests_per_second)
        self._books = BookSync()
        self._breaker = Breaker()
        self._log = get_logger().bind(exchange=venue.exchange.name, connection=label)
        self._changed = trio.Event()
        self._broken: ConnectionLost | None = None
        self._last_data: float | None = None
        self._last_sign_of_life = 0.0
        self.alive = False
        self.connected_at: float | None = None
        self.last_recv_ns = venue.clock.now_ns()
        self._scope = trio.CancelScope()
        self._granted = trio.Event()  # the first subscription is live
        self.retiring = trio.Event()  # the venue, or its rules, will end this connection
        self.settled = trio.Event()  # everything wanted is live, or refused for good
        self.ended = trio.Event()
        if not self._wanted:
            self.settled.set()

    # -- life -------------------------------------------------------------------------------------

    async def run(self) -> ConnectionLost:
        """Live until something ends it, and return what did.

        Cancellation: the socket is closed; everything read has been handed over already.
        """
        lost: list[ConnectionLost] = []
        try:
            with self._scope:
                await self._dial_and_live()
        except* ConnectionLost as group:
            lost += [error for error in leaves(group) if isinstance(error, ConnectionLost)]
        finally:
            self.alive = False
            self._venue.intake.forget(self)
            why = lost[0] if lost else ConnectionLost("replaced", "no longer needed")
            self._note("ended", f"{why.cause}: {why}")
            self.ended.set()
        return why

    def cancel(self, reason: str) -> None:
        """End it on purpose."""
        self._scope.cancel(reason)

    async def _dial_and_live(self) -> None:
        async with trio.open_nursery() as nursery:
            link = await self._venue.dial.open(
                nursery,
                self._venue.exchange.ws_url(self._venue.ws_endpoint),
                on_frames=self._on_frames,
                on_ping=self._gate.note,
                max_message_bytes=self._profile.max_message_bytes,
            )
            await self._live(link, nursery)

    async def _live(self, link: Link, nursery: trio.Nursery) -> None:
        """Start the tasks of a connection that is up, and wait for its end."""
        self.alive = True
        carries_data = bool(self._wanted)  # the listing's connection is not one of those wanted
        self._venue.metrics.connections_up.inc(carries_data)
        self.connected_at = self._last_sign_of_life = trio.current_time()
        self._log.info("connected", symbols=len({sub.symbol for sub in self._wanted}))
        self._note("connected")
        nursery.start_soon(self._subscribe, link)
        nursery.start_soon(self._ping, link)
        if self._profile.heartbeat_silence_secs is not None:
            nursery.start_soon(self._expect_heartbeat, self._profile.heartbeat_silence_secs)
        if self._wanted:
            nursery.start_soon(self._expect_data)
        if self._profile.lifetime_secs is not None:
            nursery.start_soon(self._age, *self._profile.lifetime_secs)
        try:
            await link.wait_closed()
        finally:
            self._venue.metrics.connections_up.dec(carries_data)
            with trio.CancelScope(shield=True):  # bounded: aclose has its own deadline
                await link.aclose(CLOSE_SECS)

    async def _subscribe(self, link: Link) -> None:
        """Send what the session asks for, and watch its deadlines."""
        listing = self._venue.exchange.listing_request() if self._on_listing else None
        if listing is not None:
            await self._gate.wait()
            await link.send(listing.text)
        while True:
            self._changed = trio.Event()
            if self._broken is not None:
                raise self._broken
            for request in self._session.next_requests():
                await self._gate.wait()
                await link.send(request.text)
                self._session.sent(request, trio.current_time())
            deadline = self._session.deadline
            with trio.CancelScope(deadline=float("inf") if deadline is None else deadline):
                await self._changed.wait()
                continue
            await self._venue.intake.caught_up()
            overdue = self._session.overdue(trio.current_time())
            for mark in self._apply(overdue, self._venue.clock.now_ns()):
                self._venue.intake.mark(mark)

    async def _ping(self, link: Link) -> None:
        """Protocol pings: the only proof that a quiet connection still has another end."""
        while True:
            await trio.sleep(self._profile.ping_interval_secs)
            await self._gate.wait()
            self._venue.metrics.pings_sent.inc()
            with trio.move_on_after(self._profile.ping_timeout_secs) as scope:
                await link.ping()
            if scope.cancelled_caught:
                secs = self._profile.ping_timeout_secs
                raise ConnectionLost("ping", f"no pong within {secs:g} s: half-open")

    async def _expect_heartbeat(self, silence_secs: float) -> None:
        """The venue sends heartbeats of its own: their absence is a fault, quiet market or not.

        They are promised with what is subscribed, so nothing is expected before.
        """
        if self._wanted:
            await self._granted.wait()
        while True:
            due = self._last_sign_of_life + silence_secs
            await trio.sleep_until(due)
            if self._last_sign_of_life + silence_secs <= due:
                raise ConnectionLost("heartbeat", f"no heartbeat for {silence_secs:g} s")

    async def _expect_data(self) -> None:
        """Market data must keep coming; pings, acknowledgements and heartbeats do not count."""
        connected = trio.current_time()
        while True:
            # Never longer than what is allowed once data has come.
            wake = min(self._silent_at(connected), trio.current_time() + self._timeouts.data_secs)
            await trio.sleep_until(wake)
            if trio.current_time() < self._silent_at(connected):
                continue
            await self._venue.intake.caught_up()
            if trio.current_time() >= self._silent_at(connected):
                self._venue.metrics.message_timeouts.inc()
                secs = trio.current_time() - (self._last_data or connected)
                raise ConnectionLost("silent", f"no market data for {secs:g} s")

    def _silent_at(self, connected: float) -> float:
        """When the absence of data becomes a fault."""
        if self._last_data is None:
            return connected + self._timeouts.first_data_secs
        return self._last_data + self._timeouts.data_secs

    async def _age(self, earliest_secs: float, latest_secs: float) -> None:
        """Venues end connections of a certain age: be replaced before that."""
        await trio.sleep(self._venue.rng.uniform(earliest_secs, latest_secs))
        self._log.info(
            "retiring", reason="the connection reaches the age at which the venue ends it"
        )
        self.retiring.set()

    # -- what arrives -----------------------------------------------------------------------------

    def _on_frames(self, recv_ns: int, payloads: list[bytes]) -> None:
        self.last_recv_ns = recv_ns
        self._last_sign_of_life = trio.current_time()
        self._venue.intake.put(self, recv_ns, payloads)

    def decoded(self, frames: int, bad: int, market_data: bool) -> None:
        """So many frames were decoded; enough nonsense among them breaks the connection."""
        now = trio.current_time()
        if market_data:
            self._last_data = now
            self._venue.metrics.last_data_seconds.set(self._venue.clock.now_ns() / 1e9)
        if self._breaker.note(frames, bad, now) and self._broken is None:
            self._venue.metrics.parse_circuit_breaks.inc()
            self._break(
                ConnectionLost("nonsense", "most frames of the last minute are undecodable")
            )

    def said(self, events: Sequence[tuple[int, Event]]) -> list[Mark]:
        """Act on what the venue said; returns the marks that follow for the pipeline."""
        marks: list[Mark] = []
        for recv_ns, event in events:
            match event:
                case BookLink():
                    marks += self._follow_book(event, recv_ns)
                case TradeIdSeen() if self._carries_trades(event.instrument):
                    marks.append(LastTradeId(event.instrument, event.trade_id, recv_ns))
                case Acknowledged():
                    marks += self._apply(self._session.acknowledged(event.request_id), recv_ns)
                case Confirmed():
                    marks += self._apply(self._session.confirmed(event.subscriptions), recv_ns)
                case Refused():
                    settled = self._session.refused(event.request_id, event.reason)
                    self._log.warning("request_refused", reason=event.reason)
                    marks += self._apply(settled, recv_ns)
                case GoingAway():
                    self._log.info("retiring", reason=event.reason)
                    self.retiring.set()
                case Listing() if self._on_listing is not None:
                    self._on_listing(event.instruments)
        return marks

    def streams(self) -> tuple[tuple[int, ...], tuple[Table, ...]]:
        """Instruments and tables that this connection carries."""
        symbols = self._symbols
        instruments = sorted({symbols[sub.symbol] for sub in self._wanted})
        tables = sorted({FEEDS[sub.feed] for sub in self._wanted})
        return tuple(instruments), tuple(tables)

    @property
    def live(self) -> frozenset[Subscription]:
        """What the venue delivers on this connection, as far as it has acknowledged it."""
        return self._session.live if self.alive else frozenset()

    def interruptions(self, carried_elsewhere: frozenset[Subscription]) -> list[Mark]:
        """The marks that follow from the end of this connection."""
        lost = sorted(self._wanted - carried_elsewhere)
        return [
            Interrupted(tuple(instruments), (table,), self.last_recv_ns, "disconnect")
            for table, instruments in self._by_table(lost).items()
        ]

    # -- what others ask --------------------------------------------------------------------------

    def retarget(self, wanted: Iterable[Subscription], timeouts: Timeouts) -> None:
        """Carry other subscriptions from now on, without a reconnect."""
        gone = self._wanted - (wanted := frozenset(wanted))
        for sub in gone:
            if FEEDS[sub.feed] is Table.BOOK:
                self._books.drop(self._symbols[sub.symbol])
        self._wanted = wanted
        self._timeouts = timeouts
        self._session.retarget(wanted)
        self._changed.set()

    def expect_snapshot(self, instrument: int) -> None:
        """Let the book's rows wait: those in the queue may have waited as long as they are let."""
        self._venue.intake.mark(AwaitSnapshot(instrument, self._venue.clock.now_ns()))

    def accepts_snapshot(self, instrument: int, snapshot_id: int) -> bool:
        """Whether a REST snapshot as of this id joins the book updates received."""
        return self._books.accepts(instrument, snapshot_id)

    def take_snapshot(self, payload: bytes) -> None:
        """Put a REST snapshot into the stream, as received now."""
        self._venue.intake.put(self, self._venue.clock.now_ns(), [payload])

    def no_snapshot(self, instrument: int, *, for_good: bool) -> None:
        """The REST snapshot of this book has not come, or will not come at all."""
        self._venue.intake.mark(NoSnapshot(instrument, self._venue.clock.now_ns()))
        if for_good:
            self._books.given_up(instrument)

    # -- consequences -----------------------------------------------------------------------------

    def _carries_trades(self, instrument: int) -> bool:
        """Heartbeats tell of trades, wanted or not; those that nobody asked for are not missing."""
        _, symbol = self._venue.instruments.name(instrument)
        return Subscription(symbol, TRADES_FEED) in self._wanted

    def _follow_book(self, link: BookLink, recv_ns: int) -> list[Mark]:
        if not self._venue.exchange.book_ids_chained:
            return []
        marks, needs_snapshot = self._books.link(link, recv_ns)
        if needs_snapshot:
            _, symbol = self._venue.instruments.name(link.instrument)
            self._venue.snapshots.ask(self, symbol, link.instrument)
        return marks

    def _apply(self, settled: Settled, recv_ns: int) -> list[Mark]:
        """Count and report what the session concluded; wakes the subscriber."""
        metrics = self._venue.metrics
        if settled.retried:
            metrics.ack_retries.inc(len(settled.retried))
            self._log.warning("subscription_retried", subscriptions=_named(settled.retried))
        for sub, reason in settled.refused:
            metrics.subscriptions_refused.inc()
            self._log.error("subscription_refused", symbol=sub.symbol, feed=sub.feed, reason=reason)
        refused = [
            Interrupted((self._symbols[sub.symbol],), (FEEDS[sub.feed],), recv_ns, "refused")
            for sub, _ in settled.refused
        ]
        resumed = [
            Resumed(tuple(instruments), (table,), recv_ns)
            for table, instruments in self._by_table(settled.live).items()
        ]
        if settled.live:
            self._granted.set()
        if self._session.settled and not self.settled.is_set():
            self.settled.set()
            self._note("subscribed", f"{len(self._session.live)} of {len(self._wanted)}")
        self._changed.set()
        return [*refused, *resumed]

    def _by_table(self, subscriptions: Sequence[Subscription]) -> dict[Table, list[int]]:
        tables: dict[Table, list[int]] = {}
        for sub in subscriptions:
            tables.setdefault(FEEDS[sub.feed], []).append(self._symbols[sub.symbol])
        return tables

    def _note(self, what: str, detail: str = "") -> None:
        """Write down what happened, among the frames that came before and after it."""
        note = Note(self._venue.clock.now_ns(), self.label, what, detail)
        self._venue.intake.note(note)

    def _break(self, lost: ConnectionLost) -> None:
        self._broken = lost
        self._changed.set()


def _named(subscriptions: Sequence[Subscription]) -> list[str]:
    shown = [f"{sub.symbol} {sub.feed}" for sub in subscriptions[:10]]
    more = len(subscriptions) - len(shown)
    return [*shown, f"and {more} more"] if more else shown
