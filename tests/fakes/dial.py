"""A dial without a network: every connection is a pair of memory streams to a simulated exchange.

The client's end is upgraded by the same code as a socket's.  It can refuse connections, or leave
them unanswered, and it cuts single ones on request.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import attrs
import trio
from trio.testing import memory_stream_pair

from tick_logger.brake import Brake
from tick_logger.clock import WallClock
from tick_logger.errors import ConnectionLost, Ending
from tick_logger.net.wire.dial import NO_HEADERS, DialTimeouts, Headers, HttpAnswer
from tick_logger.net.wire.link import Link, upgrade
from tick_logger.net.wire.poller import SLOW_SECS
from tick_logger.net.wire.sockets import RECEIVE_BYTES
from tick_logger.net.wire.tap import OnFrames
from tick_logger.simulator.exchange import SimulatedExchange

TIMEOUTS = DialTimeouts()


@attrs.frozen(eq=False)
class MemoryConnection:
    """A connection that was made: when (seconds of trio's clock), and the venue's end of it."""

    opened: float
    server: trio.abc.Stream

    async def cut(self) -> None:
        """End it without a word."""
        await trio.aclose_forcefully(self.server)


class Braked(trio.abc.Stream):
    """A stream that is read slowly while a brake is on, as those of the network are."""

    def __init__(self, inner: trio.abc.Stream, brake: Brake) -> None:
        self._inner = inner
        self._brake = brake

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """What has arrived, as much as one read of a socket gives."""
        with trio.move_on_after(SLOW_SECS):
            await self._brake.released()
        return await self._inner.receive_some(max_bytes or RECEIVE_BYTES)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send at once."""
        await self._inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait on the inner stream."""
        await self._inner.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the inner stream."""
        await self._inner.aclose()


class MemoryDial:
    """A test implementation of `Dial` for one simulated exchange, which is served in `nursery`.

    `attempts` are the times (seconds of trio's clock) of all dials, `requests` times and paths of
    all REST requests.  `refusals` dials from now on are refused, and while `hangs` a dial gets no
    answer.  Refused REST requests are told to wait for `retry_after`.
    """

    def __init__(
        self, simulated: SimulatedExchange, clock: WallClock, nursery: trio.Nursery
    ) -> None:
        self.brake: Brake | None = None
        self.attempts: list[float] = []
        self.requests: list[tuple[float, str]] = []
        self.connections: list[MemoryConnection] = []
        self.refusals = 0
        self.headers: list[dict[str, str]] = []  # of each request by REST
        self.hangs = False
        self.retry_after = ""
        self._simulated = simulated
        self.clock = clock
        self._nursery = nursery

    def by(self, clock: WallClock) -> MemoryDial:
        """The same dial, which labels by this clock what comes from now on."""
        self.clock = clock
        return self

    async def open(
        self,
        nursery: trio.Nursery,
        url: str,
        *,
        on_frames: OnFrames,
        on_ping: Callable[[], None],
        max_message_bytes: int,
    ) -> Link:
        """Connect, reading in `nursery`; raises `ConnectionLost`."""
        self.attempts.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        if self.refusals:
            self.refusals -= 1
            raise ConnectionLost(Ending.DIAL, f"{url}: refused")
        ours, theirs = memory_stream_pair()
        if not self.hangs:
            self.connections.append(MemoryConnection(trio.current_time(), theirs))
            self._nursery.start_soon(self._simulated.serve_stream, theirs)
        return await upgrade(
            nursery,
            ours if self.brake is None else Braked(ours, self.brake),
            url,
            on_frames=on_frames,
            on_ping=on_ping,
            clock=self.clock,
            max_message_bytes=max_message_bytes,
            timeout_secs=TIMEOUTS.upgrade_secs,
        )

    async def get(self, url: str, headers: Headers = NO_HEADERS) -> HttpAnswer:
        """What a URL, whose host does not matter, answers; raises `ConnectionLost`."""
        parts = urlsplit(url)
        self.headers.append(dict(headers))
        self.requests.append((trio.current_time(), parts.path))
        target = f"{parts.path}?{parts.query}"
        try:
            with trio.fail_after(TIMEOUTS.rest_secs):
                status, body = await self._simulated.answer(target)
        except trio.TooSlowError:
            raise ConnectionLost(Ending.HTTP, f"{url}: no answer") from None
        if status == 200:
            return HttpAnswer(status, body)
        return HttpAnswer(status, body, self.retry_after or self._simulated.retry_after)
