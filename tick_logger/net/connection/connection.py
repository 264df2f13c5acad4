"""One WebSocket connection: its tasks, from dialling to its end.

    run -> dial -> nursery: reader | subscriber | silence | those of `keepalive`

The reader is trio-websocket's own task, which calls the frame tap; this module only waits for its
end.  Whatever goes wrong ends this connection with one `ConnectionLost` and touches no other.

Not here: when to connect again (`shard`), what the payloads mean (`exchanges`), what follows from
what the venue says (`dialogue`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import trio

from tick_logger.errors import ConnectionLost, Ending, leaves
from tick_logger.exchanges.base import Event, Request, Subscription
from tick_logger.model.cause import Cause
from tick_logger.model.connections import ConnectionState
from tick_logger.model.entries import Note
from tick_logger.model.instruments import Instrument
from tick_logger.model.marks import AwaitSnapshot, Interrupted, Mark, NoSnapshot, Resumed
from tick_logger.model.tables import FEEDS
from tick_logger.net.connection.breaker import Breaker
from tick_logger.net.connection.context import Timeouts, VenueContext
from tick_logger.net.connection.dialogue import Dialogue, Reactions, named
from tick_logger.net.connection.keepalive import Keepalive, age, sleep_until
from tick_logger.net.connection.sequence import Numbers, Times
from tick_logger.net.connection.silence import CHECK_SECS, SilenceWatch
from tick_logger.net.connection.subscriptions import Settled
from tick_logger.net.intake.arrivals import Streams
from tick_logger.net.pace import MessageGate, WindowGate
from tick_logger.net.wire.dial import Link
from tick_logger.telemetry.logs import get_logger

CLOSE_SECS = 1.0
"""How long a closing handshake may take; a venue that is gone need not be waited for."""

HOUR_SECS = 3600.0


class Connection:
    """A connection to be, or that is, or that was; used once.

    `lane` is the venue's address that serves what is wanted.
    """

    def __init__(
        self,
        label: str,
        venue: VenueContext,
        wanted: Iterable[Subscription],
        timeouts: Timeouts,
        on_listing: Callable[[tuple[Instrument, ...]], None] | None = None,
        *,
        lane: str = "",
    ) -> None:
        self.label = label
        self._venue = venue
        self._lane = lane
        self._profile = venue.exchange.profile
        self._symbols = venue.instruments.of(venue.exchange.name)
        self._on_listing = on_listing
        self._log = get_logger().bind(exchange=venue.exchange.name, connection=label)
        self._gate = MessageGate(self._profile.requests_per_second)
        hourly = self._profile.requests_per_hour
        self._hourly = None if hourly is None else WindowGate(hourly, HOUR_SECS)
        self._breaker = Breaker()
        self._changed = trio.Event()
        self._nonsense = trio.Event()
        self._messages = self._silent = 0
        self.alive = False
        self.connected_at: float | None = None
        self.last_recv_ns = venue.clock.now_ns()
        self._scope = trio.CancelScope()
        self._granted = trio.Event()  # the first subscription is live
        self.retiring = trio.Event()  # the venue, or its rules, will end this connection
        self.settled = trio.Event()  # everything wanted is live, or has been refused
        self.ended = trio.Event()
        self._keepalive = Keepalive(venue, timeouts, self._gate, self._granted)
        reactions = Reactions(
            retire=self._retire,
            pong=self._keepalive.pong,
            settled=self._on_settled,
            ask_snapshot=lambda symbol, number: venue.snapshots.ask(self, symbol, number),
            list_instruments=on_listing,
        )
        self._dialogue = Dialogue(venue, frozenset(wanted), reactions, self._log)
        if not self._dialogue.wanted:
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
            self._learn_anew(self._dialogue.wanted)
            why = lost[0] if lost else ConnectionLost(Ending.REPLACED, "no longer needed")
            self._note("ended", f"{why.ending}: {why}")
            self.ended.set()
        return why

    def cancel(self, reason: str) -> None:
        """End it on purpose."""
        self._scope.cancel(reason)

    async def _dial_and_live(self) -> None:
        async with trio.open_nursery() as nursery:
            link = await self._venue.dial.open(
                nursery,
                self._venue.exchange.ws_url(self._venue.ws_endpoint, self._lane),
                on_frames=self._on_frames,
                on_ping=self._gate.note,
                max_message_bytes=self._profile.max_message_bytes,
            )
            await self._live(link, nursery)

    async def _live(self, link: Link, nursery: trio.Nursery) -> None:
        """Start the tasks of a connection that is up, and wait for its end."""
        wanted = self._dialogue.wanted
        carries_data = bool(wanted)  # the listing's connection is not one of those wanted
        self.alive = True
        self._venue.metrics.connections_up.inc(carries_data)
        self.connected_at = trio.current_time()
        self._log.info("connected", symbols=len({sub.symbol for sub in wanted}))
        self._note("connected")
        self._keepalive.connected()
        self._keepalive.start(nursery, link, carries_data=carries_data)
        nursery.start_soon(self._subscribe, link)
        nursery.start_soon(age, self._venue, self._retire)
        nursery.start_soon(self._end_by_nonsense)
        if carries_data:
            nursery.start_soon(self._watch_silence)
        try:
            await link.wait_closed()
        finally:
            self._venue.metrics.connections_up.dec(carries_data)
            with trio.CancelScope(shield=True):  # bounded: aclose has its own deadline
                await link.aclose(CLOSE_SECS)

    async def _subscribe(self, link: Link) -> None:
        """Send what the session asks for, and watch its deadlines."""
        exchange = self._venue.exchange
        listing = exchange.listing_request() if self._on_listing else None
        for first in (exchange.opening_request(), listing):
            if first is not None:
                await self._turn()
                await self._send(link, first)
        dialogue, session = self._dialogue, self._dialogue.session
        while True:
            self._changed = trio.Event()
            for mark in dialogue.renew_books(trio.current_time(), self._venue.clock.now_ns()):
                self._venue.intake.mark(mark)
            while requests := session.next_requests():
                for before, request in enumerate(requests):
                    # What is ended must be possible to subscribe again within the same hour.
                    room = 2 * (len(requests) - before) if session.ends(request) else 1
                    await self._turn(room)
                    # The answer may be here before the sender runs again, so it is awaited already.
                    session.sent(request, trio.current_time())
                    await self._send(link, request)
            answer_due = float("inf") if session.deadline is None else session.deadline
            with trio.CancelScope(deadline=min(answer_due, dialogue.books_due_at)):
                await self._changed.wait()
                continue
            await self._venue.intake.caught_up()
            overdue = session.overdue(trio.current_time())
            for mark in self._dialogue.apply(overdue, self._venue.clock.now_ns()):
                self._venue.intake.mark(mark)

    async def _turn(self, room: int = 1) -> None:
        """Wait until one may go; `room` is for how many, this one included, the hour must do."""
        if self._hourly is not None:
            await self._hourly.wait(room)
        await self._gate.wait()

    async def _send(self, link: Link, request: Request) -> None:
        for instruments, tables in self._dialogue.streams(request.subscriptions):
            self._venue.intake.delays.asked(tables, instruments, self._venue.clock.now_ns())
        text, signer = request.text, self._venue.signer
        if signer is not None:
            text = self._venue.exchange.signed(text, signer.token())
        await link.send(text)

    async def _end_by_nonsense(self) -> None:
        await self._nonsense.wait()
        raise ConnectionLost(Ending.NONSENSE, "most frames of the last minute are undecodable")

    async def _watch_silence(self) -> None:
        """Do something about subscriptions that were acknowledged and deliver nothing."""
        venue, dialogue = self._venue, self._dialogue
        watch = SilenceWatch(
            venue.exchange,
            self._symbols,
            venue.intake.rhythm,
            venue.not_greeted,
            trio.current_time(),
        )
        try:
            while True:
                await sleep_until(trio.current_time() + CHECK_SECS)
                await venue.intake.caught_up()
                before = len(watch.silent)
                steps = watch.look(
                    dialogue.wanted,
                    dialogue.session.live,
                    self._keepalive.timeouts,
                    trio.current_time(),
                )
                venue.metrics.subscriptions_silent.inc(len(watch.silent) - before)
                self._silent = len(watch.silent)
                if steps.renew:
                    self._renew_silent(steps.renew)
                if steps.recovered:
                    self._log.info("subscriptions_recovered", subscriptions=named(steps.recovered))
                if steps.move:
                    self._log.warning("subscriptions_still_silent", subscriptions=_ages(steps.move))
                    self._interrupt(dict(steps.move))  # until the successor has it
                    self._retire("subscriptions that were acknowledged stay silent")
        finally:
            venue.metrics.subscriptions_silent.dec(len(watch.silent))

    def _renew_silent(self, silent: Sequence[tuple[Subscription, float]]) -> None:
        """Subscribe again; what may have been missed since the last row is interrupted."""
        self._venue.metrics.silent_renewals.inc(len(silent))
        self._log.warning(
            "subscriptions_silent",
            subscriptions=_ages(silent),
            explanation="they were acknowledged, and have been silent far longer than is usual "
            "for them; they are subscribed again",
        )
        seconds = dict(silent)
        self._interrupt({sub: seconds.get(sub, 0.0) for sub in self._dialogue.renew(seconds)})
        self._changed.set()

    def _interrupt(self, silent: Mapping[Subscription, float]) -> None:
        """Tell that rows may be missing since so many seconds."""
        now_ns = self._venue.clock.now_ns()
        for sub, secs in silent.items():
            streams = (self._symbols[sub.symbol],), (FEEDS[sub.feed],)
            self._venue.intake.mark(Interrupted(*streams, now_ns - int(secs * 1e9), Cause.SILENT))

    def state(self) -> ConnectionState:
        """What can be said of it now."""
        session, now = self._dialogue.session, trio.current_time()
        silent_secs = (self._venue.clock.now_ns() - self.last_recv_ns) / 1e9
        word = "retiring" if self.retiring.is_set() else "open"
        wanted = self._dialogue.wanted
        return ConnectionState(
            label=self.label,
            state=word if self.alive else "connecting",
            open_secs=now - self.connected_at if self.connected_at is not None else None,
            symbols=len({sub.symbol for sub in wanted}),
            subscriptions=len(wanted),
            live=len(session.live),
            refused=len(session.refused_now),
            silent=self._silent,
            silent_secs=max(0.0, silent_secs) if self._messages else None,
            messages=self._messages,
        )

    # -- what arrives -----------------------------------------------------------------------------

    def _on_frames(self, recv_ns: int, payloads: list[bytes]) -> None:
        self.last_recv_ns = recv_ns
        self._keepalive.frames()
        self._venue.intake.put(self, recv_ns, payloads)

    def decoded(self, frames: int, bad: int, market_data: bool) -> None:
        """So many frames were decoded; enough nonsense among them breaks the connection."""
        self._messages += frames
        if market_data:
            self._keepalive.data()
            self._venue.metrics.last_message_timestamp_seconds.set(self._venue.clock.now_ns() / 1e9)
        if self._breaker.note(frames, bad, trio.current_time()) and not self._nonsense.is_set():
            self._venue.metrics.parse_circuit_breaks.inc()
            self._nonsense.set()

    def said(self, events: Sequence[tuple[int, Event]]) -> list[Mark]:
        """Act on what the venue said; returns the marks that follow for the pipeline."""
        marks = self._dialogue.said(events, trio.current_time())
        if self._dialogue.resyncs.waiting:
            self._changed.set()
        return marks

    def counted(self, numbers: Numbers, recv_ns: Times) -> list[Mark]:
        """Messages with these numbers came at these times; returns the marks that follow."""
        marks = self._dialogue.counted(numbers, recv_ns, trio.current_time())
        if marks:
            self._changed.set()
        return marks

    def streams(self) -> Streams:
        """What this connection is to carry."""
        return self._dialogue.streams(self._dialogue.wanted)

    def open_streams(self) -> Streams:
        """What of that is acknowledged and whole, even if the connection has just ended."""
        return self._dialogue.streams(self._dialogue.wanted & self._dialogue.live)

    def given_up(self, until_ns: int) -> list[Mark]:
        """Messages were given up for want of room: what follows for the pipeline."""
        marks = self._dialogue.begin_books_anew(trio.current_time(), until_ns)
        if marks:
            self._changed.set()
        return marks

    @property
    def live(self) -> frozenset[Subscription]:
        """What the venue delivers on this connection, as far as it is acknowledged and whole."""
        return self._dialogue.live if self.alive else frozenset()

    def interruptions(self, carried_elsewhere: frozenset[Subscription]) -> list[Mark]:
        """The marks that follow from the end of this connection."""
        return self._dialogue.lost(carried_elsewhere, self.last_recv_ns)

    def resumptions(self, carried_elsewhere: frozenset[Subscription]) -> list[Mark]:
        """The marks that end what this connection interrupted and will not resume itself."""
        taken_over = self._dialogue.streams(self._dialogue.wanted & carried_elsewhere)
        return [Resumed(*streams, self._venue.clock.now_ns()) for streams in taken_over]

    # -- what others ask --------------------------------------------------------------------------

    def retarget(self, wanted: Iterable[Subscription], timeouts: Timeouts) -> None:
        """Carry other subscriptions from now on, without a reconnect."""
        before = self._dialogue.wanted
        for mark in self._dialogue.retarget(frozenset(wanted), self._venue.clock.now_ns()):
            self._venue.intake.mark(mark)
        self._learn_anew(before ^ self._dialogue.wanted)
        self._keepalive.retime(timeouts)
        self._changed.set()

    def expect_snapshot(self, instrument: int) -> None:
        """Let the book's rows wait: those in the queue may have waited as long as they are let."""
        self._venue.intake.mark(AwaitSnapshot(instrument, self._venue.clock.now_ns()))

    def awaits_snapshot(self, instrument: int) -> bool:
        """Whether a REST snapshot of this book would be of use."""
        return self.alive and self._dialogue.books.awaits(instrument)

    def accepts_snapshot(self, instrument: int, snapshot_id: int) -> bool:
        """Whether a REST snapshot as of this id joins the book updates received."""
        return self._dialogue.books.accepts(instrument, snapshot_id)

    def take_snapshot(self, payload: bytes) -> None:
        """Put a REST snapshot into the stream, as received now."""
        self._venue.intake.put(self, self._venue.clock.now_ns(), [payload])

    def no_snapshot(self, instrument: int, *, for_good: bool) -> None:
        """The REST snapshot of this book has not come, or will not come at all."""
        self._venue.intake.mark(NoSnapshot(instrument, self._venue.clock.now_ns()))
        if for_good:
            self._dialogue.books.given_up(instrument)

    # -- reactions --------------------------------------------------------------------------------

    def _retire(self, reason: str) -> None:
        """Let another connection take over while this one still lives."""
        if not self.retiring.is_set():
            self._log.info("retiring", reason=reason)
            self.retiring.set()

    def _on_settled(self, settled: Settled) -> None:
        """Wake the subscriber, and note when everything has an answer for the first time."""
        if settled.live:
            self._granted.set()
        session = self._dialogue.session
        if session.settled and not self.settled.is_set():
            self.settled.set()
            self._note("subscribed", f"{len(session.live)} of {len(self._dialogue.wanted)}")
        self._changed.set()

    def _learn_anew(self, subscriptions: Iterable[Subscription]) -> None:
        """The silence that begins or ends here says nothing about the markets."""
        for sub in subscriptions:
            place = FEEDS[sub.feed], self._symbols[sub.symbol]
            self._venue.intake.rhythm.begin_again(*place, trio.current_time())

    def _note(self, what: str, detail: str = "") -> None:
        """Write down what happened, among the frames that came before and after it."""
        note = Note(self._venue.clock.now_ns(), self.label, what, detail)
        self._venue.intake.note(note)


def _ages(silent: Sequence[tuple[Subscription, float]]) -> list[str]:
    shown = [f"{sub.symbol} {sub.feed}: {secs:,.0f} s" for sub, secs in silent[:10]]
    return [*shown, f"and {len(silent) - 10} more"] if len(silent) > 10 else shown
