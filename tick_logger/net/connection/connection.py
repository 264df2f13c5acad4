"""One WebSocket connection: its life, from dialling to its end, and the tasks that live with it.

    run -> dial -> nursery: reader | `Subscriber` | `SilenceTask` | `Keepalive`'s | age | nonsense

The reader is trio-websocket's own task, which calls the frame tap; this module only waits for its
end.  Whatever goes wrong ends this connection with one `ConnectionLost` and touches no other.

What is read goes to the intake.  What the intake has found in it comes back by `heard`, and is told
to the parts that live by it: the dialogue, the signs of life, the breaker.

Not here: when to connect again (`share`), what the payloads mean (`exchanges`), what follows from
what the venue says (`dialogue`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import trio

from tick_logger.errors import ConnectionLost, Ending, leaves
from tick_logger.exchanges.base import Listed, Subscription
from tick_logger.model.connections import ConnectionState
from tick_logger.model.entries import Note
from tick_logger.model.marks import Mark
from tick_logger.model.payloads import Payloads
from tick_logger.model.routes import route_of
from tick_logger.net.connection.accesses import USUAL_LANE, Lane
from tick_logger.net.connection.breaker import Breaker
from tick_logger.net.connection.context import Timeouts, VenueContext
from tick_logger.net.connection.dialogue import Dialogue, Reactions
from tick_logger.net.connection.keepalive import Keepalive, age
from tick_logger.net.connection.refusals import Refusals
from tick_logger.net.connection.silence_task import SilenceTask
from tick_logger.net.connection.snapshot_asker import SnapshotAsker
from tick_logger.net.connection.spans import Since
from tick_logger.net.connection.states import Settled
from tick_logger.net.connection.subscriber import Subscriber
from tick_logger.net.intake.arrivals import Heard, Streams
from tick_logger.net.pace import MessageGate
from tick_logger.net.reach import Attempt, way_of
from tick_logger.net.wire.dial import Link
from tick_logger.telemetry.logs import get_logger

CLOSED_FOR_REFUSAL_SECS = 5.0
"""A connection that ends so soon after a refusal was closed for it, as some venues do."""

CLOSE_SECS = 1.0
"""How long a closing handshake may take; a venue that is gone need not be waited for."""


class Connection:
    """One connection, from before it is dialled until after it has ended; used once.

    `on_listing` is called with every listing, where this connection is for the venue's channel of
    instruments.  `lane` says which of the venue's addresses serves what is wanted.
    `refusals` is what counts as refused here, if not what the exchange's connections know.
    """

    def __init__(
        self,
        label: str,
        venue: VenueContext,
        wanted: Iterable[Subscription],
        timeouts: Timeouts,
        on_listing: Callable[[Listed], None] | None = None,
        *,
        lane: Lane = USUAL_LANE,
        refusals: Refusals | None = None,
    ) -> None:
        self.label = label
        self.line = route_of(label)
        self._venue = venue
        self._url, self._access = venue.url(lane, self.line), venue.access(lane.entrance)
        self._profile = venue.exchange.profile
        self._log = get_logger().bind(exchange=venue.exchange.name, connection=label)
        self._gate = MessageGate(self._profile.requests_per_second)
        self._breaker, self._nonsense = Breaker(), trio.Event()
        self._messages, self.alive = 0, False
        self.connected_at: float | None = None
        self.last_recv_ns = venue.clock.now_ns()
        self._scope = trio.CancelScope()
        self.granted = trio.Event()  # the first subscription is live
        self.retiring = trio.Event()  # the venue, or its rules, will end this connection
        self.settled = trio.Event()  # everything wanted is live, or has been refused
        self.ended = trio.Event()
        self._keepalive = Keepalive(venue, timeouts, self._gate, self.granted)
        reactions = Reactions(
            retire=self._retire,
            pong=self._keepalive.pong,
            settled=self._on_settled,
            ask_snapshot=lambda instrument: self._asker.ask(instrument),
            list_instruments=on_listing,
            timeouts=lambda: self._keepalive.timeouts,
            line=self.line,
        )
        self._dialogue = Dialogue(venue, frozenset(wanted), reactions, self._log, refusals)
        self.forget_books = self._dialogue.books.end  # when it has ended, and others took them over
        self._asker = SnapshotAsker(venue, self, self._dialogue.books, lambda: self.alive)
        self._subscriber = Subscriber(
            venue, self._dialogue, self._gate, lists=on_listing is not None
        )
        self.ask = self._subscriber.wake  # for what was refused before
        self._silence = SilenceTask(
            venue,
            self._dialogue,
            self._keepalive,
            self._log,
            wake=self._subscriber.wake,
            retire=self._retire,
        )
        if not self._dialogue.wanted:
            self.settled.set()

    # -- life -------------------------------------------------------------------------------------

    async def run(self) -> ConnectionLost:
        """Dial, live until something ends the connection, and return what did.

        Cancellation: the socket is closed; everything read has been handed over already.
        """
        lost: list[ConnectionLost] = []
        attempt = self._venue.reach.attempt(way_of(self.label), self._url)
        try:
            with self._scope:
                await self._dial_and_live(attempt)
        except* ConnectionLost as group:
            lost += [error for error in leaves(group) if isinstance(error, ConnectionLost)]
        finally:
            self.alive = False
            self._venue.intake.forget(self)
            self._learn_anew(self._dialogue.wanted)
            why = lost[0] if lost else ConnectionLost(Ending.REPLACED, "no longer needed")
            attempt.over(why)
            self._access.connects.told(why.told)
            self._note("ended", f"{why.ending}: {why}")
            self.ended.set()
        return why

    def cancel(self, reason: str) -> None:
        """End it on purpose."""
        self._scope.cancel(reason)

    async def _dial_and_live(self, attempt: Attempt) -> None:
        async with trio.open_nursery() as nursery:
            link = await self._venue.dial.open(
                nursery,
                self._url,
                on_frames=self._on_frames,
                on_ping=self._gate.note,
                max_message_bytes=self._venue.max_message_bytes,
            )
            attempt.worked()
            await self._live(link, nursery)

    async def _live(self, link: Link, nursery: trio.Nursery) -> None:
        """Start the tasks of a connection that is up, and wait for its end."""
        wanted = self._dialogue.wanted
        carries_data = bool(wanted)  # the listing's connection is not one of those wanted
        assert not self.ended.is_set(), "a connection is used once"
        self.alive = True
        self._venue.metrics.connections_up.inc(carries_data)
        self.connected_at = trio.current_time()
        self._log.info("connected", symbols=len({sub.symbol for sub in wanted}))
        self._note("connected")
        self._dialogue.numbers.begin(self._venue.clock.now_ns())
        self._keepalive.connected()
        self._keepalive.start(nursery, link, carries_data=carries_data)
        nursery.start_soon(self._subscriber.run, link)
        nursery.start_soon(age, self._venue, self._retire)
        nursery.start_soon(self._end_by_nonsense)
        if carries_data:
            nursery.start_soon(self._silence.run)
        try:
            await link.wait_closed()
        finally:
            self._venue.metrics.connections_up.dec(carries_data)
            with trio.CancelScope(shield=True):  # bounded: aclose has its own deadline
                await link.aclose(CLOSE_SECS)

    async def _end_by_nonsense(self) -> None:
        await self._nonsense.wait()
        raise ConnectionLost(Ending.NONSENSE, "most frames of the last minute are undecodable")

    def state(self) -> ConnectionState:
        """How the connection is now, for the status pages."""
        subscriptions, now = self._dialogue.subscriptions, trio.current_time()
        silent_secs = (self._venue.clock.now_ns() - self.last_recv_ns) / 1e9
        word = "retiring" if self.retiring.is_set() else "open"
        return ConnectionState(
            label=self.label,
            state=word if self.alive else "connecting",
            open_secs=now - self.connected_at if self.connected_at is not None else None,
            symbols=len({sub.symbol for sub in self._dialogue.wanted}),
            subscriptions=len(self._dialogue.wanted),
            live=len(subscriptions.live),
            refused=len(subscriptions.refused_now),
            silent=self._silence.silent,
            silent_secs=max(0.0, silent_secs) if self._messages else None,
            messages=self._messages,
        )

    # -- what arrives -----------------------------------------------------------------------------

    def _on_frames(self, recv_ns: int, payloads: Payloads) -> None:
        self.last_recv_ns = recv_ns
        self._keepalive.frames()
        self._venue.intake.put(self, recv_ns, payloads)
        if self._dialogue.subscriptions.awaiting:
            self._venue.intake.awaiting()

    def heard(self, heard: Heard) -> Sequence[Mark]:
        """Act on what a batch said of this connection; returns what follows for the pipeline."""
        now = trio.current_time()
        self._messages += heard.frames
        if heard.data_ns:
            self._keepalive.data(heard.data_ns)
            self._venue.metrics.last_message_timestamp_seconds.set(self._venue.clock.now_ns() / 1e9)
        if self._breaker.note(heard.frames, heard.bad, now) and not self._nonsense.is_set():
            self._venue.metrics.parse_circuit_breaks.inc()
            self._nonsense.set()
        marks: list[Mark] = []
        if len(heard.numbers):
            marks += self._dialogue.numbers.hear(heard.numbers, heard.numbered_ns, now)
            self._dialogue.count_judgements()
        if heard.events:
            marks += self._dialogue.said(heard.events, now)
        if heard.rows_at:
            marks += self._dialogue.delivered(heard.rows_at, now)
        if self._dialogue.books.are_waiting or self._dialogue.numbers.due_at < float("inf"):
            self._subscriber.wake()
        return marks

    def streams(self) -> Streams:
        """What this connection is to carry."""
        return self._dialogue.streams(self._dialogue.wanted)

    def reopened(self, at_ns: int) -> list[Mark]:
        """What is acknowledged, but for broken books, is resumed; also just after the end."""
        return self._dialogue.resumed(self._dialogue.wanted & self._dialogue.live, at_ns)

    def given_up(self, until_ns: int) -> list[Mark]:
        """Messages were given up for want of room until then; returns what follows from it."""
        marks = self._dialogue.begin_books_anew(trio.current_time(), until_ns)
        if marks:
            self._subscriber.wake()
        return marks

    @property
    def was_refused(self) -> bool:
        """Whether the venue has just refused something, so that the next connection asks less."""
        return trio.current_time() - self._dialogue.refused_at <= CLOSED_FOR_REFUSAL_SECS

    @property
    def is_incomplete(self) -> bool:
        """Whether something wanted is not live: if data of it comes all the same, it is."""
        return bool(self._dialogue.subscriptions.missing)

    @property
    def live(self) -> Since:
        """What is acknowledged, but for broken books; nothing once the connection has ended."""
        return self._dialogue.spans.since(self._dialogue.live if self.alive else ())

    def interruptions(self, others: Since, stopped: bool = False) -> list[Mark]:
        """The marks that follow from its end; if it is `stopped`, nothing is lost by that."""
        since_ns = self._keepalive.silent_since_ns or self.last_recv_ns
        return self._dialogue.lost(others, None if stopped else since_ns)

    def take_over(self, ended: Connection, *, heard: bool) -> list[Mark]:
        """The marks that end what a connection interrupted that has ended, and will not resume.

        To be called again once all is `heard` that came there, for the sake of books.
        """
        return self._dialogue.take_over(ended._dialogue, self._venue.clock.now_ns(), heard=heard)

    def retarget(self, wanted: Iterable[Subscription], timeouts: Timeouts) -> None:
        """Carry other subscriptions from now on, without a reconnect."""
        before = self._dialogue.wanted
        now_ns = self._venue.clock.now_ns()
        self._venue.mark(self._dialogue.retarget(frozenset(wanted), now_ns), self.line)
        self._learn_anew(before ^ self._dialogue.wanted)
        self._keepalive.retime(timeouts)
        self._subscriber.wake()

    # -- reactions --------------------------------------------------------------------------------

    def _retire(self, reason: str) -> None:
        """Let another connection take over while this one still lives."""
        if not self.retiring.is_set():
            self._log.info("retiring", reason=reason)
            self.retiring.set()

    def _on_settled(self, settled: Settled) -> None:
        """Wake the subscriber, and note when everything has an answer for the first time."""
        if settled.live:
            self._keepalive.granted()
        subscriptions = self._dialogue.subscriptions
        if subscriptions.settled and not self.settled.is_set():
            self.settled.set()
            self._note("subscribed", f"{len(subscriptions.live)} of {len(self._dialogue.wanted)}")
        self._subscriber.wake()

    def _learn_anew(self, subscriptions: Iterable[Subscription]) -> None:
        """The silence of these that begins or ends now says nothing about the markets."""
        self._venue.intake.learn_anew(self._dialogue.streams(subscriptions))

    def _note(self, what: str, detail: str = "") -> None:
        """Write down what happened, among the frames that came before and after it."""
        self._venue.intake.note(Note(self._venue.clock.now_ns(), self.label, what, detail))
