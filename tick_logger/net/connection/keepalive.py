"""The tasks that notice when a connection has died without saying so, and the one that ages it.

    ping | heartbeat | data time-out | lifetime

The first three end the connection by raising `ConnectionLost`; the last has it replaced in time.

Invariant: a venue is never called silent because this process is slow.  Any frame that arrives
proves that the other end is there.  Everything that has arrived is decoded before the absence of
market data counts.  After the process stood still (a suspended machine, a full swap), everything
that came meanwhile is read before any silence counts.

Not here: whether single subscriptions are silent (`silence`).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import trio

from tick_logger.errors import ConnectionLost, Ending
from tick_logger.net.connection.context import Timeouts, VenueContext
from tick_logger.net.pace import MessageGate
from tick_logger.net.wire.dial import Link

STANDSTILL_SECS = 1.0
"""A task that is woken so much too late concludes that the process stood still.

Reading what came meanwhile takes less than this, so the task waits as long again.
"""


async def sleep_until(due: float) -> None:
    """Sleep until `due`; if that was far too late, also until what came meanwhile is read.

    Cancellation: at once.
    """
    await trio.sleep_until(due)
    if trio.current_time() - due >= STANDSTILL_SECS:
        await trio.sleep(STANDSTILL_SECS)


class Keepalive:
    """The signs of life of one connection, and the tasks that watch them.

    `first_granted` is set when the first subscription is live, because heartbeats are promised from
    then on.  `silent_since_ns` is since when nothing but heartbeats and the like came, if that has
    ended the connection; else 0.
    """

    def __init__(
        self, venue: VenueContext, timeouts: Timeouts, gate: MessageGate, first_granted: trio.Event
    ) -> None:
        self.timeouts = timeouts
        self._waiting_for_data = trio.CancelScope()
        self._venue = venue
        self._profile = venue.exchange.profile
        self._gate = gate
        self._granted = first_granted
        self.silent_since_ns = 0
        self._carried_ns = 0  # until then all that was granted came
        self._connected = self._last_frame = trio.current_time()
        self._last_data: float | None = None
        self._pong = trio.Event()

    # -- what the connection reports ---------------------------------------------------------------

    def connected(self) -> None:
        """The connection is up from now on."""
        self._connected = self._last_frame = trio.current_time()

    def frames(self) -> None:
        """Something arrived."""
        self._last_frame = trio.current_time()

    def granted(self) -> None:
        """Something that was asked for is live."""
        self._carried_ns = self._carried_ns or self._venue.clock.now_ns()
        self._granted.set()

    def data(self, recv_ns: int) -> None:
        """There was market data in it, received last at this time."""
        self._carried_ns = recv_ns
        self._last_data = trio.current_time()

    def pong(self) -> None:
        """A ping that is a message of the venue's own was answered."""
        self._pong.set()

    def retime(self, timeouts: Timeouts) -> None:
        """Use other time-outs from now on."""
        self.timeouts = timeouts
        self._waiting_for_data.cancel("the timeouts have changed")

    # -- tasks ------------------------------------------------------------------------------------

    def start(self, nursery: trio.Nursery, link: Link, *, carries_data: bool) -> None:
        """Start the tasks that this venue needs."""
        nursery.start_soon(self._ping, link)
        if self._profile.heartbeat_silence_secs is not None:
            nursery.start_soon(
                self._expect_heartbeat, self._profile.heartbeat_silence_secs, carries_data
            )
        if carries_data:
            nursery.start_soon(self._expect_data)

    async def _ping(self, link: Link) -> None:
        """Send pings: the only proof that a quiet connection still has another end.

        A slow decoder never delays a ping, because venues cut off clients that send nothing.
        """
        sent = trio.current_time()
        while True:
            await trio.sleep_until(sent + self._profile.ping_interval_secs)
            await self._gate.wait()
            self._venue.metrics.pings_sent.inc()
            sent = trio.current_time()
            with trio.move_on_after(self._profile.ping_timeout_secs) as scope:
                if self._profile.ping_text:
                    self._pong = trio.Event()
                    await link.send(self._profile.ping_text)
                    await self._pong.wait()
                else:
                    await link.ping()
            if not scope.cancelled_caught:
                self._venue.metrics.pongs_received.inc()
            secs = self._profile.ping_timeout_secs
            if scope.cancelled_caught and not await self._alive_since(sent, sent + secs):
                raise ConnectionLost(Ending.PING, f"no pong within {secs:g} s: half-open")

    async def _alive_since(self, sent: float, due: float) -> bool:
        """Whether any frame has come since; a pong that waits to be decoded is one."""
        await sleep_until(due)
        return self._last_frame > sent

    async def _expect_heartbeat(self, silence_secs: float, carries_data: bool) -> None:
        """The venue sends heartbeats of its own: their absence is a fault, quiet market or not.

        They are promised with the first subscription, so none is expected before, and none where
        nothing is carried but what is halted or gone.
        """
        if carries_data:
            await self._granted.wait()
        excused = float("-inf")
        while True:
            due = max(self._last_frame, excused) + silence_secs
            await sleep_until(due)
            if self._last_frame + silence_secs > due:
                continue
            if not (carries_data and math.isinf(self.timeouts.data_secs)):
                raise ConnectionLost(Ending.HEARTBEAT, f"no heartbeat for {silence_secs:g} s")
            excused = trio.current_time()

    async def _expect_data(self) -> None:
        """Market data must keep coming; pings, acknowledgements and heartbeats do not count."""
        while True:
            # Never longer than what is allowed once data has come.
            wake = min(self._silent_at(), trio.current_time() + self.timeouts.data_secs)
            with trio.CancelScope() as self._waiting_for_data:
                await sleep_until(wake)
            if trio.current_time() < self._silent_at():
                continue
            await self._venue.intake.caught_up()
            if trio.current_time() >= self._silent_at():
                self._venue.metrics.message_timeouts.inc()
                secs = trio.current_time() - (self._last_data or self._connected)
                self.silent_since_ns = self._carried_ns
                raise ConnectionLost(Ending.SILENT, f"no market data for {secs:g} s")

    def _silent_at(self) -> float:
        """When the absence of data becomes a fault."""
        if self._last_data is None:
            return self._connected + self.timeouts.first_data_secs
        return self._last_data + self.timeouts.data_secs


async def age(venue: VenueContext, retire: Callable[[str], None]) -> None:
    """Have the connection replaced before it reaches the age at which the venue ends it."""
    if venue.exchange.profile.lifetime_secs is not None:
        await trio.sleep(venue.rng.uniform(*venue.exchange.profile.lifetime_secs))
        retire("the connection reaches the age at which the venue ends it")
