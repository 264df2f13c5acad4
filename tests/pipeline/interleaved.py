"""A venue whose books are sent in ranges and fetched by REST, and a recorder of one of them.

Everything has its time: what changes, what is sent on which connection with which delay, what REST
answers as of when, what is cut, lost, or fails.  The connections follow the book as those of the
service do (`net.connection.books`), and what they make of it goes through the pipeline tick by
tick.  The venue knows its book as of every id.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable
from functools import partial

import attrs

from tests.net.small_venue import TinyVenue
from tests.pipeline.books import MS, Book
from tests.pipeline.streams import SECOND, T0, Level, Out, book, new_pipeline
from tick_logger.exchanges.base import BookCheck, BookLink
from tick_logger.model.cause import Cause
from tick_logger.model.marks import (
    BOOK_WAIT_SECS,
    AwaitSnapshot,
    Interrupted,
    Mark,
    NoSnapshot,
    Resumed,
)
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, NO_TIME, Table
from tick_logger.net.connection.books import Books, Followers

BOOK = (Table.BOOK,)
FIRST_ID = 2**40
PERIOD_NS = 100 * MS
"""Changes are sent together so often, if there are any."""


class Ranged(TinyVenue):
    """Its snapshots come by REST."""

    book_check = BookCheck.RANGES


@attrs.frozen(kw_only=True)
class Plan:
    """What is to happen; times in seconds, probabilities per message, request or connection."""

    secs: float = 11.0
    flush_secs: float = 1.0
    linger_secs: float = 0.05
    changes_per_second: float = 20.0
    quiet: tuple[float, float] = (0.0, 0.0)  # nothing changes between these
    lag_secs: tuple[float, float] = (0.01, 0.02)  # of a connection
    lost: float = 0.0
    rest_secs: tuple[float, float] = (0.02, 0.05)  # how long an answer takes
    rest_behind_secs: tuple[float, float] = (0.0, 0.0)  # as of how long before it was asked for
    rest_fails: float = 0.0
    rest_pause_secs: float = 3.0
    cuts: tuple[float, ...] = ()
    handovers: tuple[float, ...] = ()
    overlap_secs: float = 1.0
    crashes: tuple[float, ...] = ()


@attrs.frozen
class Sent:
    """An update, as it is sent on every connection."""

    at_ns: int
    first_id: int
    last_id: int
    levels: tuple[tuple[tuple[int, float], float], ...]


class Market:
    """The book as of every id, and the updates that tell of it."""

    def __init__(self, plan: Plan, rng: random.Random) -> None:
        self.states: list[Book] = [{}]
        self.times: list[int] = [T0 - 10 * SECOND]
        self.sent: list[Sent] = []
        at, until = T0 - 10 * SECOND, T0 + round(plan.secs * SECOND)
        quiet = [T0 + round(secs * SECOND) for secs in plan.quiet]
        period_end, first, changed = at, 1, dict[tuple[int, float], float]()
        while at < until:
            at += max(1, round(rng.expovariate(plan.changes_per_second) * SECOND))
            if quiet[0] <= at < quiet[1]:
                at = quiet[1]
            while at >= period_end + PERIOD_NS:
                period_end += PERIOD_NS
                if changed:
                    last = len(self.states) - 1
                    self.sent.append(
                        Sent(period_end, FIRST_ID + first, FIRST_ID + last, (*changed.items(),))
                    )
                    first, changed = last + 1, {}
            level = rng.randrange(2), float(rng.randrange(6))
            size = 0.0 if rng.random() < 0.3 else float(len(self.states))
            changed[level] = size
            after = {**self.states[-1], level: size}
            self.states.append({each: size for each, size in after.items() if size})
            self.times.append(at)

    def id_at(self, at_ns: int) -> int:
        """The newest id by then."""
        return FIRST_ID + max(sum(time <= at_ns for time in self.times) - 1, 0)

    def book(self, last_id: int) -> Book:
        """The book as of an id."""
        return self.states[last_id - FIRST_ID]


@attrs.define(eq=False)
class Connection:
    """One connection; it subscribed at `since_ns`, and hears everything so much later."""

    since_ns: int
    lag_ns: int
    books: Books
    last_ns: int  # when something was last received
    alive: bool = True


Arrival = tuple[Connection, int, Sent | None, list[Level]]


class Recording:
    """A recorder over this market; `out` is what it has put into files."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self.rng = random.Random(seed)
        self.plan = plan
        self.market = Market(plan, self.rng)
        self.out = Out()
        self.acked: list[int] = []
        self.snapshots = 0
        self._numbers = itertools.count()
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._now = T0
        self._connections: list[Connection] = []
        self._ended: list[Connection] = []
        self._here = Followers()
        self._waiting: list[Arrival | Mark] = []
        self._wishes: list[Connection] = []
        self._asking = False
        self._last_recv = T0
        self._pipeline = new_pipeline()
        self._wait_ticks = math.ceil(BOOK_WAIT_SECS / plan.flush_secs)
        self._pipeline.restarted({}, Cause.RESTART, self._wait_ticks)

    def run(self) -> Out:
        """Let all of it happen."""
        plan, end = self.plan, T0 + round(self.plan.secs * SECOND)
        self._in(0.0, self._connect)
        for cut in plan.cuts:
            self._at(T0 + round(cut * SECOND), self._cut)
        for handover in plan.handovers:
            self._at(T0 + round(handover * SECOND), self._hand_over)
        for crash in plan.crashes:
            self._at(T0 + round(crash * SECOND), self._crash)
        self._every(plan.linger_secs, self._decode)
        self._every(plan.flush_secs, self._tick)
        while self._events and self._events[0][0] <= end:
            self._now, _, happen = heapq.heappop(self._events)
            happen()
        self._decode()
        self.out.add(self._pipeline.close(end))
        return self.out

    # -- time --------------------------------------------------------------------------------------

    def _at(self, at_ns: int, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (at_ns, next(self._numbers), happen))

    def _in(self, secs: float, happen: Callable[[], None]) -> None:
        self._at(self._now + round(secs * SECOND), happen)

    def _every(self, secs: float, happen: Callable[[], None]) -> None:
        def again() -> None:
            happen()
            self._in(secs, again)

        self._in(secs, again)

    @property
    def _secs(self) -> float:
        return (self._now - T0) / SECOND

    # -- connections -------------------------------------------------------------------------------

    def _connect(self, then: Callable[[], None] = lambda: None) -> None:
        """A connection is granted the book now, and hears what is sent from a moment ago on."""
        lag_ns = round(self.rng.uniform(*self.plan.lag_secs) * SECOND)
        one: list[Connection] = []
        books = Books(Ranged(), lambda _: self._wish(one[0]), self._here)
        connection = Connection(self._now - min(lag_ns, 50 * MS), lag_ns, books, self._now)
        one.append(connection)
        self._connections.append(connection)
        self.acked.append(self._now)
        self._resume(connection)
        for sent in self.market.sent:
            at_ns, is_lost = sent.at_ns + lag_ns, self.rng.random() < self.plan.lost
            if sent.at_ns >= connection.since_ns and at_ns >= self._now and not is_lost:
                self._at(at_ns, partial(self._arrive, connection, sent))
        then()

    def _resume(self, connection: Connection) -> None:
        books_await = not connection.books.goes_on(0)
        self._waiting.append(Resumed((0,), BOOK, self._now, books_await=books_await))

    def _arrive(self, connection: Connection, sent: Sent) -> None:
        if not connection.alive:
            return
        connection.last_ns = self._now
        rows = [
            Level(self._now, sent.at_ns, sent.last_id, side, price, size)
            for (side, price), size in sent.levels
        ]
        self._waiting.append((connection, self._now, sent, rows))

    def _live(self) -> list[Connection]:
        return [each for each in self._connections if each.alive]

    def _end(self, connection: Connection) -> None:
        connection.alive = False
        self._ended.append(connection)

    def _cut(self) -> None:
        live = self._live()
        if not live:
            return
        self._end(live[0])
        if len(live) == 1:
            self._waiting.append(Interrupted((0,), BOOK, live[0].last_ns, Cause.DISCONNECT))
            self._in(self.rng.uniform(0.1, 3.0), self._connect)

    def _hand_over(self) -> None:
        old = self._live()

        def end_old() -> None:
            for each in old:
                if each.alive:
                    self._end(each)

        if old:
            self._connect(lambda: self._in(self.rng.uniform(0, self.plan.overlap_secs), end_old))

    # -- REST --------------------------------------------------------------------------------------

    def _wish(self, connection: Connection) -> None:
        self._wishes.append(connection)
        if not self._asking:
            self._asking = True
            self._in(0.0, self._ask)

    def _ask(self) -> None:
        while self._wishes:
            connection = self._wishes.pop(0)
            if connection.alive and connection.books.awaits(0):
                break
        else:
            self._asking = False
            return
        connection.books.expect(0, self._secs)
        self._waiting.append(AwaitSnapshot(0, self._now))
        takes_secs = self.rng.uniform(*self.plan.rest_secs)
        behind = self.rng.uniform(*self.plan.rest_behind_secs)
        as_of = self._now + round((self.rng.uniform(0, takes_secs) - behind) * SECOND)
        self._in(takes_secs, lambda: self._answer(connection, self.market.id_at(as_of)))

    def _answer(self, connection: Connection, last_id: int) -> None:
        self._in(self.plan.rest_pause_secs, self._ask)
        if not (connection.alive and connection.books.awaits(0)):
            return
        if self.rng.random() < self.plan.rest_fails:
            self._waiting.append(NoSnapshot(0, self._now))
            connection.books.lets_go(0)
        elif connection.books.accepts(0, last_id):
            rows = [
                Level(self._now, NO_TIME, last_id, side, price, size, FLAG_SNAPSHOT)
                for (side, price), size in sorted(self.market.book(last_id).items())
            ]
            self._waiting.append((connection, self._now, None, rows))
            connection.books.taken(0, last_id, self._now)
            self.snapshots += 1
            return
        self._wishes.append(connection)

    # -- decoding and the pipeline -----------------------------------------------------------------

    def _decode(self) -> None:
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        portion: list[Arrival | Mark] = []
        for item in waiting:
            if portion and isinstance(portion[-1], tuple) and not isinstance(item, tuple):
                self._pass_on(portion)
                portion = []
            portion.append(item)
        self._pass_on(portion)
        for ended in self._ended:  # all is heard that came on it
            for other in self._live():
                self._waiting += other.books.take_over(ended.books, [0])
                self._resume(other)
            ended.books.end()
        self._ended = []

    def _pass_on(self, portion: list[Arrival | Mark]) -> None:
        items: list[RowBatch | Mark] = [each for each in portion if not isinstance(each, tuple)]
        arrivals = [each for each in portion if isinstance(each, tuple)]
        for connection in dict.fromkeys(each[0] for each in arrivals):
            for owner, recv_ns, sent, _ in arrivals:
                if owner is connection and sent is not None:
                    link = BookLink(0, sent.first_id, sent.last_id)
                    items += connection.books.hear(link, recv_ns, self._secs)
        levels = [level for *_, rows in arrivals for level in rows]
        if levels:
            items.append(book(levels))
            self._last_recv = levels[-1].recv
        self._pipeline.push(items)

    def _tick(self) -> None:
        self.out.add(self._pipeline.tick())

    def _crash(self) -> None:
        """What was received is kept; everything else begins anew a moment later."""
        self._decode()
        for connection in self._live():
            connection.alive = False
            connection.books.end()
        self._wishes, self._waiting, self._ended = [], [], []
        again = new_pipeline()
        again.load(self._pipeline.dump())
        again.restarted({0: self._last_recv}, Cause.CRASH, self._wait_ticks)
        self._pipeline = again
        self._in(self.rng.uniform(0.1, 2.0), self._connect)
