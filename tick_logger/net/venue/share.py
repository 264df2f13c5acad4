"""One share of an exchange's symbols, and the connections that carry it over time.

A connection that ends is followed by another: at once if it has carried something well, else after
a back-off.  One that will end soon (its venue
says so, or its age does) is followed while it still lives: its successor subscribes first, and
what both receive is de-duplicated downstream, so an announced end costs no row.

Invariant: whenever the share is carried by no subscribed connection, the pipeline has been told.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import attrs
import trio

from tick_logger.errors import ConnectionLost, Ending
from tick_logger.exchanges.base import Subscription
from tick_logger.model.connections import ConnectionState, Loss
from tick_logger.model.routes import route_of
from tick_logger.net.connection.accesses import USUAL_LANE, Lane
from tick_logger.net.connection.connection import Connection
from tick_logger.net.connection.context import Timeouts, VenueContext
from tick_logger.net.connection.spans import earliest
from tick_logger.net.pace import Backoff
from tick_logger.net.venue.losses import say_lost
from tick_logger.net.venue.waiting import Turns, any_of
from tick_logger.telemetry.logs import get_logger

BETWEEN_HANDOVERS_SECS = 60.0
"""Between the beginnings of two handovers of one share; the first handover is not delayed."""

UNDERSTOOD_SECS = 1.0
"""How long what a connection said last is waited for, while the disk may hold everything up."""

HANDOVER_SECS = 30.0
"""How long a successor may take to subscribe before its predecessor is given up."""


@attrs.frozen
class Load:
    """What a share carries."""

    subscriptions: frozenset[Subscription]
    timeouts: Timeouts


class Share:
    """Keeps one connection up, and replaces it.

    `turns` are shared with the share of the other line, so that one is handed over at a time;
    `changed` is called when a connection begins to carry something, or has ended; `beside` names
    the other shares of its line, which may deliver the same for a while.
    """

    def __init__(
        self,
        label: str,
        venue: VenueContext,
        load: Load,
        backoff: Backoff,
        *,
        lane: Lane = USUAL_LANE,
        turns: Turns | None = None,
        changed: Callable[[], None] = lambda: None,
        beside: Callable[[Share], Iterable[Share]] = lambda _: (),
    ) -> None:
        self.label = label
        self.line = route_of(label)
        self._beside = beside
        self._turns = turns or Turns()
        self._changed = changed
        self._venue = venue
        self._load = load
        self.backoff = backoff
        self._lane = lane
        self._connects = venue.access(lane.entrance).connects
        self._handed_over_at = float("-inf")
        self._connections: list[Connection] = []
        self._generation = 0
        self._was_lost = False
        self._woken = trio.Event()
        self._log = get_logger().bind(exchange=venue.exchange.name, connection=label)
        self.scope = trio.CancelScope()

    async def run(self) -> None:
        """Carry the load until cancelled through `scope`."""
        with self.scope:
            async with trio.open_nursery() as nursery:
                current = await self._start(nursery)
                while True:
                    await any_of(current.ended.wait, current.retiring.wait)
                    if current.ended.is_set():
                        back = await self._pause(current)
                        current = await self._start(nursery, back=back)
                    else:
                        current = await self._hand_over_in_time(nursery, current)

    def retarget(self, load: Load) -> None:
        """Carry something else from now on, without a reconnect."""
        self._load = load
        self._woken.set()
        for connection in self._connections:
            connection.retarget(load.subscriptions, load.timeouts)

    def ask(self) -> None:
        """There may be something to ask for that was refused before."""
        self._woken.set()
        for connection in self._connections:
            connection.ask()

    @property
    def is_up(self) -> bool:
        """Whether it has a connection that can be asked for something."""
        return any(each.settled.is_set() for each in self.alive)

    @property
    def is_alive(self) -> bool:
        """Whether it has a connection, which may not have asked for everything yet."""
        return bool(self.alive)

    @property
    def was_lost(self) -> bool:
        """Whether a connection of it has ended that was not replaced by intent."""
        return self._was_lost

    @property
    def load(self) -> Load:
        """What it is to carry."""
        return self._load

    @property
    def feeds(self) -> set[str]:
        """Of what it is to carry."""
        return {each.feed for each in self._load.subscriptions}

    @property
    def carried(self) -> frozenset[Subscription]:
        """What its connections deliver."""
        return frozenset().union(*(each.live for each in self._connections))

    @property
    def timeouts(self) -> Timeouts:
        """How long its connection may be silent before it is ended."""
        return self._load.timeouts

    def states(self) -> list[ConnectionState]:
        """Its connections now: one, or two while one takes over from the other."""
        return [connection.state() for connection in self._connections]

    async def _start(self, nursery: trio.Nursery, *, back: bool = False) -> Connection:
        """A new connection, on its way, as soon as there is something that it may ask for.

        `back`: it comes back at once for one that was cut.
        """
        await self._something_to_ask()
        await self._connects.connect_turn(back=back)
        while self._load.subscriptions <= self._venue.refusals.all:  # refused meanwhile
            await self._something_to_ask()
            await self._connects.connect_turn()
        self._generation += 1
        label = f"{self.label}.{self._generation}"
        load = self._load
        connection = Connection(
            label, self._venue, load.subscriptions, load.timeouts, lane=self._lane
        )
        self._connections.append(connection)
        nursery.start_soon(self._run_one, connection)
        nursery.start_soon(self._tell_settled, connection)
        return connection

    async def _something_to_ask(self) -> None:
        """Wait until something of the load is not refused: venues close what asks for nothing."""
        refusals = self._venue.refusals
        refusals.release(trio.current_time())
        while self._load.subscriptions <= refusals.all:
            self._woken = trio.Event()
            due_at = refusals.due_at(self._load.subscriptions)
            with trio.CancelScope(deadline=float("inf") if due_at is None else due_at):
                await self._woken.wait()
            refusals.release(trio.current_time())

    async def _tell_settled(self, connection: Connection) -> None:
        await any_of(connection.settled.wait, connection.ended.wait)
        self._changed()

    async def _run_one(self, connection: Connection) -> None:
        lost: ConnectionLost | None = None
        try:
            lost = await connection.run()
            self._connections.remove(connection)
            self._have_taken_over(connection, heard=False)
            if lost.ending is not Ending.REPLACED:
                self._was_lost = True
                say_lost(self._log, self._venue, connection, lost)
                self._note_loss(connection, lost)
            self._changed()
            await self._venue.intake.caught_up()  # the last of its updates may be waiting there
            self._have_taken_over(connection, heard=True)
        finally:
            if lost is None:
                await self._note_stop(connection)
            connection.forget_books()

    @property
    def alive(self) -> list[Connection]:
        """Its connections that are open."""
        return [connection for connection in self._connections if connection.alive]

    @property
    def heard_ns(self) -> int | None:
        """When the one of its connections was heard that was heard least lately; None: none."""
        return min((each.last_recv_ns for each in self.alive), default=None)

    def take_over(self, other: Share) -> None:
        """What another share carried as well so far is carried by this one alone from now on."""
        for mine, theirs in itertools.product(self.alive, other._connections):
            for heard in (False, True):
                self._venue.mark(mine.take_over(theirs, heard=heard), mine.line)

    def _have_taken_over(self, ended: Connection, *, heard: bool) -> None:
        others = (each.alive for each in self._beside(self))
        for connection in itertools.chain(self.alive, *others):
            self._venue.mark(connection.take_over(ended, heard=heard), connection.line)

    def _note_loss(self, connection: Connection, lost: ConnectionLost) -> None:
        self._interrupt(connection)
        if connection.connected_at is None:
            return  # during an outage every attempt would count
        numbers = self._venue.metrics
        numbers.reconnects.inc()
        for feed in self.feeds:
            numbers.feeds.reconnects[feed].inc()
            if lost.ending is Ending.SILENT:
                numbers.feeds.message_timeouts[feed].inc()
        at_ns = self._venue.clock.now_ns()
        self._venue.losses.append(Loss(at_ns, connection.label, lost.ending.value, str(lost)))

    def _interrupt(self, connection: Connection, *, stopped: bool = False) -> None:
        """Tell the pipeline which streams no other connection of the line has taken over yet."""
        others = [each for each in self._connections if each is not connection]
        others += [each for share in self._beside(self) for each in share.alive]
        since = earliest(each.live for each in others)
        marks = connection.interruptions(since, stopped=stopped)
        self._venue.mark(marks, connection.line)

    async def _note_stop(self, stopped: Connection) -> None:
        """Tell the pipeline of books of which nothing but updates has come, and nothing more will.

        Cancellation: shielded, for so long as what came last takes to be understood.
        """
        if stopped.interruptions({}, stopped=True):
            with trio.move_on_after(UNDERSTOOD_SECS, shield=True):
                await self._venue.intake.caught_up()  # the snapshot may be waiting there
            self._interrupt(stopped, stopped=True)

    async def _hand_over_in_time(self, nursery: trio.Nursery, old: Connection) -> Connection:
        """Hand over, but not again at once: a venue may announce the end of each new connection."""
        with trio.CancelScope(deadline=self._handed_over_at + BETWEEN_HANDOVERS_SECS):
            await old.ended.wait()
            return old
        async with self._turns.one(old.ended):
            if old.ended.is_set():
                return old
            self._handed_over_at = trio.current_time()
            return await self._hand_over(nursery, old)

    async def _hand_over(self, nursery: trio.Nursery, old: Connection) -> Connection:
        """Replace a connection that still lives; returns the one to watch from now on."""
        while True:
            new = await self._start(nursery)
            with trio.move_on_after(HANDOVER_SECS):
                await any_of(new.settled.wait, new.ended.wait)
            if old.ended.is_set():
                return new
            if new.settled.is_set() and not new.ended.is_set():
                old.cancel("handed over")
                return new
            if not new.ended.is_set():
                self._interrupt(old)
                old.cancel("its successor takes too long")
                return new
            await self._pause(new)
            if old.ended.is_set():
                return new

    async def _pause(self, ended: Connection) -> bool:
        """Wait until the next attempt is due; returns whether it is made at once.

        What the venue may have refused at the very end is not waited for then: the next connection
        learns it before it asks, or is ended for it soon, and waits.
        """
        connected_at = ended.connected_at
        lived = 0.0 if connected_at is None else trio.current_time() - connected_at
        if ended.granted.is_set() and not ended.was_refused and self.backoff.at_once(lived):
            self._log.info("reconnecting", after_secs=0.0)
            return True
        with trio.move_on_after(UNDERSTOOD_SECS):
            await self._venue.intake.caught_up()  # a refusal may be waiting to be decoded
        if ended.was_refused:  # the next one knows more: a search among many must not take hours
            self.backoff.begin_anew()
        wait_secs = self.backoff.next_wait_secs(lived)
        self._log.info("reconnecting", after_secs=round(wait_secs, 2))
        await trio.sleep(wait_secs)
        return False


def feeds_of(shares: Iterable[Share]) -> dict[str, bool]:
    """Those that are to be carried, and whether every connection that carries one is open."""
    found: dict[str, bool] = {}
    for share in shares:
        for feed in share.feeds:
            found[feed] = found.get(feed, True) and share.is_alive
    return found


def streams_of(shares: Iterable[Share]) -> dict[tuple[str, str], bool]:
    """By symbol and feed what is to be carried, and whether a connection for it is open."""
    found: dict[tuple[str, str], bool] = {}
    for share in shares:
        for each in share.load.subscriptions:
            key = each.symbol, each.feed
            found[key] = found.get(key, False) or share.is_alive
    return found
