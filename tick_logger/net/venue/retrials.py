"""Asks a venue again for what it has refused, on connections of their own.

    refused -> (ASK_AGAIN_SECS) -> asked for on a new connection -> granted: handed over, recorded
                                                                `-> refused once more

A venue may close the connection for a request that it refuses, and where requests replace what was
before, one must name everything: so it is asked for where nobody else is.  What is granted stays
there until a share has it too, so that it costs no row either.

Invariant: all that is refused is asked for again every `ASK_AGAIN_SECS`.  Not here: whom a refusal
is about (`net.connection`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
import trio

from tick_logger.exchanges.base import Subscription
from tick_logger.net.connection.accesses import Lane
from tick_logger.net.connection.connection import Connection
from tick_logger.net.connection.context import Timeouts, VenueContext
from tick_logger.net.connection.refusals import ASK_AGAIN_SECS, Refusals
from tick_logger.net.venue.waiting import any_of
from tick_logger.telemetry.logs import first_few, get_logger

LOOK_SECS = 60.0
"""How often it is looked for what was refused meanwhile; far less than `ASK_AGAIN_SECS`."""

TOGETHER_SECS = 60.0
"""What was refused within such a time is asked for together, so that few connections are made."""

MOST_AT_ONCE = 500
"""Subscriptions of one retrial, where the venue has no smaller limit; the others come next."""

MOST_CONNECTIONS = 40
"""Of one retrial, of which each finds out something: as many as a search among thousands takes."""

ANSWERED_SECS = 120.0
"""How long one connection may take until all is granted or refused."""

HANDED_OVER_SECS = 30.0
"""How long it may take until the shares have what was granted."""

LOOK_FOR_SHARES_SECS = 0.25


@attrs.frozen(kw_only=True)
class Shares:
    """The connections that carry an exchange, as far as retrials are concerned."""

    timeouts: Callable[[], Timeouts]
    ask: Callable[[], None]
    """There is something else to ask for."""
    carried: Callable[[], frozenset[Subscription]]


class Retrials:
    """Asks again for what one exchange has refused."""

    def __init__(self, venue: VenueContext, shares: Shares) -> None:
        self._venue = venue
        self._shares = shares
        self._connections = 0
        self._log = get_logger().bind(exchange=venue.exchange.name)

    async def run(self) -> None:
        """Ask whenever it is time, until cancelled."""
        refusals = self._venue.refusals
        while True:
            now, at = trio.current_time(), refusals.again_at
            if at is None or at > now:
                await trio.sleep_until(now + LOOK_SECS if at is None else min(at, now + LOOK_SECS))
                continue
            for lane, subscriptions in self._chosen(refusals.again(now + TOGETHER_SECS)):
                await self._ask(lane, subscriptions)

    def _chosen(
        self, due: frozenset[Subscription]
    ) -> Iterator[tuple[Lane, frozenset[Subscription]]]:
        """What is asked for together, by lane; symbols stay together."""
        profile = self._venue.exchange.profile
        size = min(MOST_AT_ONCE, profile.subscriptions_per_connection or MOST_AT_ONCE)
        lanes: dict[Lane, list[Subscription]] = {}
        for sub in sorted(due):
            lanes.setdefault(self._venue.lane_of(sub), []).append(sub)
        for lane, subscriptions in sorted(lanes.items()):
            for start in range(0, len(subscriptions), size):
                yield lane, frozenset(subscriptions[start : start + size])

    async def _ask(self, lane: Lane, subscriptions: frozenset[Subscription]) -> None:
        """Ask for these, on as many connections as the venue closes.

        Cancellation: what was granted is not recorded any more, and its interruption goes on.
        """
        found = Refusals(self._venue.exchange)  # what is known of them counts for nothing
        self._log.info(
            "asking_again",
            subscriptions=first_few([f"{sub.symbol} {sub.feed}" for sub in sorted(subscriptions)]),
        )
        granted: frozenset[Subscription] = frozenset()
        async with trio.open_nursery() as nursery:
            for _ in range(MOST_CONNECTIONS):
                asked = subscriptions & self._venue.refusals.lasting - found.lasting
                if not asked:
                    break
                connection = await self._connect(nursery, lane, asked, found)
                granted = frozenset(connection.live)
                await self._hand_over(granted)
                lost_for_refusal = connection.ended.is_set() and connection.was_refused
                connection.cancel("everything is answered")
                if not lost_for_refusal:
                    break
        self._refuse_again(subscriptions - granted, found)

    async def _connect(
        self,
        nursery: trio.Nursery,
        lane: Lane,
        asked: frozenset[Subscription],
        found: Refusals,
    ) -> Connection:
        """A connection on which all of this has its answer, or that has ended before."""
        await self._venue.access(lane.entrance).connects.connect_turn()
        self._connections += 1
        connection = Connection(
            f"again.{self._connections}",
            self._venue,
            asked,
            self._shares.timeouts(),
            lane=lane,
            refusals=found,
        )
        nursery.start_soon(self._run, connection)
        with trio.move_on_after(ANSWERED_SECS):
            await any_of(connection.settled.wait, connection.ended.wait)
            await self._venue.intake.caught_up()  # why it ended may be waiting to be decoded
        return connection

    async def _run(self, connection: Connection) -> None:
        await connection.run()
        self._venue.reach.forget("again")  # another begins only when something may be granted
        # What it had and no share has is interrupted again; all else has been all the time.
        for mark in connection.interruptions(dict.fromkeys(self._shares.carried(), 0)):
            self._venue.intake.mark(mark)

    async def _hand_over(self, granted: frozenset[Subscription]) -> None:
        """Let the shares ask for these too, and wait until they have them."""
        if not granted:
            return
        self._log.info("granted_after_all", count=len(granted))
        self._venue.refusals.granted(granted)
        self._shares.ask()
        with trio.move_on_after(HANDED_OVER_SECS):
            while not granted <= self._shares.carried():  # noqa: ASYNC110 - many events make it so
                await trio.sleep(LOOK_FOR_SHARES_SECS)

    def _refuse_again(self, subscriptions: frozenset[Subscription], found: Refusals) -> None:
        """These are not granted: they rest once more, those without an answer too."""
        refusals, now = self._venue.refusals, trio.current_time()
        for sub in subscriptions & refusals.lasting:
            refusals.last((sub,), found.reason(sub) or refusals.reason(sub), now)
        again_at = refusals.again_at
        assert again_at is None or again_at <= now + ASK_AGAIN_SECS
