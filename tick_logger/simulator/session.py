"""One client connection: the venue's rules, a bounded outgoing queue, and planned mishaps.

Delivering never waits: a client that reads too slowly fills its queue until the venue cuts it,
and holds up nobody else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random

import attrs
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from tick_logger.simulator.delivery import FaultyDelivery
from tick_logger.simulator.dialects.base import GOING_AWAY, POLICY_VIOLATION, Dialect, Rules
from tick_logger.simulator.faults import Incident, plan
from tick_logger.simulator.hub import Hub
from tick_logger.simulator.rates import RateLimit
from tick_logger.simulator.wire import CLOSE, Wire, close_frame, frame

_HANDSHAKE_SECS = 10.0
_CLOSE_SECS = 5.0  # a client that does not answer a close frame is dropped after this
_REQUESTS_WAITING = 1000  # of a client that sends more while acks are delayed, reading stops
_RECEIVE_BYTES = 16 * 1024


@attrs.frozen(kw_only=True)
class SessionSettings:
    """The numbers that differ from one run to another."""

    ping_interval_secs: float
    lifetime_secs: float | None
    queue_bytes: int


class Session:
    """A client, from its handshake to its end."""

    def __init__(
        self, hub: Hub, dialect: Dialect, settings: SessionSettings, name: str, rng: Random
    ) -> None:
        self.name = name
        self.topics: dict[str, None] = {}
        self.variant = 0
        self._hub = hub
        self._dialect = dialect
        self._settings = settings
        self._rng = rng
        self._rate = RateLimit(dialect.rules.messages_per_second)
        self._delivery = FaultyDelivery(dialect, hub.counts, rng)
        self._queue: list[bytes] = []
        self._queued_bytes = 0
        self._stalled_until_secs = 0.0
        self._last_frame_secs = 0.0
        self._wake = trio.Event()
        self._requested = trio.Event()
        self._ended = trio.Event()
        self._client_closed = trio.Event()
        self._close_with: tuple[int | None, str] = (None, "")
        self._mishaps = trio.CancelScope()
        self._tasks: trio.Nursery | None = None
        self._wire: Wire | None = None

    async def run(self, stream: trio.abc.Stream, target: str, head: bytes) -> None:
        """Serve a client whose HTTP request for an upgrade was already read from the stream.

        Cancellation: the connection is dropped.
        """
        try:
            async with trio.open_nursery() as nursery:
                self._tasks = nursery
                self._wire = Wire(stream, head, self._frame_arrived)
                connection = await _shake_hands(nursery, self._wire)
                if connection is not None:
                    self._last_frame_secs = trio.current_time()
                    self._hub.clients[self] = None
                    self._dialect.connected(self, target)
                    self._start_tasks(nursery, self._wire, connection)
                    await self._ended.wait()
                    await self._close(self._wire)
                nursery.cancel_scope.cancel()
        finally:
            self._hub.remove(self)
            await trio.aclose_forcefully(stream)

    # -- what dialect and hub ask for -------------------------------------------------------------

    @property
    def waiting_bytes(self) -> int:
        """What is queued for the client and not sent yet."""
        return self._queued_bytes

    def deliver(self, ready_frame: bytes) -> None:
        """Queue a frame of market data, to which faults apply."""
        if self._delivery.loses(self._hub.faults):
            self._hub.lose(self, ready_frame)
            return
        for one in self._delivery.frames(ready_frame, self._hub.faults):
            self._enqueue(one)

    def reply(self, payload: bytes) -> None:
        """Queue an answer, to which no faults apply; a message held back comes right after it."""
        for one in (frame(self._hub.opcode, payload), *self._delivery.held_frames()):
            self._enqueue(one)

    def end(self, code: int | None, reason: str) -> None:
        """Close with this code, or drop the connection if it is None; the first call counts."""
        if not self._ended.is_set():
            self._close_with = (code, reason)
            self._ended.set()
            self._hub.remove(self)

    def apply_faults(self) -> None:
        """Plan anew what will happen to the connection, from the hub's faults."""
        self._mishaps.cancel()
        self._mishaps = trio.CancelScope()
        incidents = plan(self._hub.faults, self._rng)
        if incidents and self._tasks is not None:
            self._tasks.start_soon(self._suffer, incidents, self._mishaps)

    # -- tasks ------------------------------------------------------------------------------------

    def _start_tasks(
        self, nursery: trio.Nursery, wire: Wire, connection: WebSocketConnection
    ) -> None:
        rules = self._dialect.rules
        sender, receiver = trio.open_memory_channel[tuple[float, str]](_REQUESTS_WAITING)
        nursery.start_soon(self._guard, lambda: self._read(connection, sender))
        nursery.start_soon(self._obey, receiver)
        nursery.start_soon(self._guard, lambda: self._send(wire))
        if rules.first_request_secs is not None:
            nursery.start_soon(self._expect_request, rules.first_request_secs)
        if rules.client_silence_secs is not None:
            nursery.start_soon(self._expect_signs_of_life, rules.client_silence_secs)
        if rules.pings:
            nursery.start_soon(self._ping, nursery, wire, connection, rules)
        if self._settings.lifetime_secs is not None:
            nursery.start_soon(self._grow_old, self._settings.lifetime_secs)
        self.apply_faults()

    async def _guard(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run a task that ends the session when the connection is gone."""
        try:
            await work()
        except (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError):
            self.end(None, "gone")
            self._client_closed.set()

    async def _read(
        self, connection: WebSocketConnection, sender: trio.MemorySendChannel[tuple[float, str]]
    ) -> None:
        while True:
            message = await connection.get_message()
            self._requested.set()
            text = message if isinstance(message, str) else message.decode(errors="replace")
            await sender.send((trio.current_time(), text))

    async def _obey(self, receiver: trio.MemoryReceiveChannel[tuple[float, str]]) -> None:
        async for arrived_secs, text in receiver:
            await trio.sleep_until(arrived_secs + self._hub.faults.ack_delay_secs)
            if not self._ended.is_set():
                self._dialect.request(self, text)

    async def _send(self, wire: Wire) -> None:
        while True:
            await self._wake.wait()
            await trio.sleep_until(self._stalled_until_secs)
            self._wake = trio.Event()
            await wire.send_all(self._take_queue())

    async def _expect_request(self, within_secs: float) -> None:
        with trio.move_on_after(within_secs):
            await self._requested.wait()
            return
        self._hub.breach(self, f"no request within {within_secs:g} s")
        self.end(POLICY_VIOLATION, "no subscription")

    async def _expect_signs_of_life(self, within_secs: float) -> None:
        """Cut a client that sends no frame of any kind for so long."""
        while True:
            deadline = self._last_frame_secs + within_secs
            await trio.sleep_until(deadline)
            if self._is_frozen:
                return  # it neither hears of the client nor can it end the connection
            if self._last_frame_secs + within_secs <= deadline:
                self._hub.breach(self, f"nothing was sent for {within_secs:g} s")
                self.end(POLICY_VIOLATION, "no sign of life")
                return

    async def _ping(
        self, nursery: trio.Nursery, wire: Wire, connection: WebSocketConnection, rules: Rules
    ) -> None:
        while True:
            await trio.sleep(self._settings.ping_interval_secs)
            nursery.start_soon(self._expect_pong, wire, connection, rules.pong_timeout_secs)

    async def _expect_pong(
        self, wire: Wire, connection: WebSocketConnection, within_secs: float
    ) -> None:
        payload = str(int(trio.current_time() * 1e6)).encode()
        with trio.move_on_after(within_secs):
            await self._guard(lambda: connection.ping(payload))
            return
        if not wire.frozen:
            self._hub.breach(self, f"no pong within {within_secs:g} s")
            self.end(POLICY_VIOLATION, "Pong timeout")

    async def _grow_old(self, lifetime_secs: float) -> None:
        await trio.sleep(lifetime_secs)
        self.end(GOING_AWAY, "lifetime")

    async def _suffer(self, incidents: list[Incident], scope: trio.CancelScope) -> None:
        start_secs = trio.current_time()
        with scope:
            for incident in incidents:
                await trio.sleep_until(start_secs + incident.after_secs)
                self._happen(incident.kind)

    def _happen(self, kind: str) -> None:
        counts, faults = self._hub.counts, self._hub.faults
        if kind == "stall":
            counts.stalled += 1
            self._stalled_until_secs = trio.current_time() + faults.stall_secs
        elif kind == "freeze":
            counts.half_open += 1
            self._freeze(faults.half_open_secs)
        else:
            counts.cut += 1
            code, reason = faults.close_with
            self.end(None if kind == "cut" else code, reason)

    def _freeze(self, duration_secs: float) -> None:
        if self._wire is not None and self._tasks is not None:
            self._wire.frozen = True
            self._tasks.start_soon(self._drop_later, duration_secs)

    async def _drop_later(self, after_secs: float) -> None:
        await trio.sleep(after_secs)
        self.end(None, "half-open for too long")

    # -- parts ------------------------------------------------------------------------------------

    @property
    def _is_frozen(self) -> bool:
        return self._wire is not None and self._wire.frozen

    def _frame_arrived(self, opcode: int) -> None:
        self._last_frame_secs = trio.current_time()
        if opcode == CLOSE:
            self._client_closed.set()
        counted = opcode in self._dialect.rules.counted_opcodes
        if counted and self._rate.exceeded(trio.current_time()):
            limit = self._dialect.rules.messages_per_second
            self._hub.breach(self, f"more than {limit} messages in a second")
            self._dialect.too_many_messages(self)

    def _enqueue(self, ready_frame: bytes) -> None:
        if self._ended.is_set() or self._is_frozen:
            return
        self._queue.append(ready_frame)
        self._queued_bytes += len(ready_frame)
        self._wake.set()
        if self._queued_bytes > self._settings.queue_bytes:
            self._hub.counts.slow_consumers += 1
            self.end(None, "slow consumer")

    def _take_queue(self) -> bytes:
        data = b"".join(self._queue)
        self._queue.clear()
        self._queued_bytes = 0
        return data

    async def _close(self, wire: Wire) -> None:
        code, reason = self._close_with
        if code is None:
            return
        wire.closing = True
        self._queue += [*self._delivery.held_frames(), close_frame(code, reason)]
        with trio.move_on_after(_CLOSE_SECS):
            try:
                await wire.send_all(self._take_queue())
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return  # the client was faster
            await self._client_closed.wait()


async def _shake_hands(nursery: trio.Nursery, wire: Wire) -> WebSocketConnection | None:
    """The open connection, or None if the client does not finish its handshake."""
    with trio.move_on_after(_HANDSHAKE_SECS):
        try:
            request = await wrap_server_stream(nursery, wire, receive_buffer_size=_RECEIVE_BYTES)
            return await request.accept()
        except ConnectionClosed:
            return None
    return None
