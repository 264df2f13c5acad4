"""What came out of the sockets: the truth about what the recorder was given.

Every connection of a service is tapped where its frames are handed over, and every REST answer
where it is returned.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import attrs
import trio

from tests.fakes.dial import MemoryDial
from tests.sim.poison import Poison
from tick_logger.clock import WallClock
from tick_logger.model.payloads import Payloads
from tick_logger.net.wire.dial import NO_HEADERS, Headers, HttpAnswer, Link
from tick_logger.net.wire.tap import OnFrames
from tick_logger.simulator.exchange import SimulatedExchange


@attrs.frozen
class Arrival:
    """What one read gave: when (seconds of trio's clock), what the service's clock said then.

    `connection` is its number among those of the log.
    """

    at: float
    recv_ns: int
    payloads: tuple[bytes, ...]
    connection: int


@attrs.define
class Span:
    """The life of a connection, as the service has it (seconds of trio's clock)."""

    opened: float
    closed: float = float("inf")


@attrs.frozen
class Answer:
    """What one REST request gave."""

    at: float
    path: str
    body: bytes


@attrs.define(eq=False)
class Log:
    """Everything that one exchange sent to the services, one after the other."""

    arrivals: list[Arrival] = attrs.field(factory=list)
    answers: list[Answer] = attrs.field(factory=list)
    asked: list[tuple[float, str]] = attrs.field(factory=list)  # times and paths, answered or not
    connections: list[Span] = attrs.field(factory=list)


class TappedDial(MemoryDial):
    """The dial of one service to one exchange."""

    def __init__(
        self,
        simulated: SimulatedExchange,
        clock: WallClock,
        nursery: trio.Nursery,
        log: Log,
        poison: Poison,
    ) -> None:
        super().__init__(simulated, clock, nursery)
        self._log = log
        self._poison = poison
        self._name = simulated.name
        self._dead = False

    def die(self) -> None:
        """The machine is off: nothing comes through any more."""
        self._dead = True

    async def open(
        self,
        nursery: trio.Nursery,
        url: str,
        *,
        on_frames: OnFrames,
        on_ping: Callable[[], None],
        max_message_bytes: int,
    ) -> Link:
        """As that of `MemoryDial`."""

        number = len(self._log.connections)
        span = Span(trio.current_time())
        self._log.connections.append(span)

        def tapped(recv_ns: int, payloads: Payloads) -> None:
            if self._dead:
                return
            now = trio.current_time()
            self._log.arrivals.append(Arrival(now, recv_ns, tuple(payloads), number))
            self._poison.touch(self._name, payloads)
            on_frames(recv_ns, payloads)

        nursery.start_soon(self._note_end, span)
        return await super().open(
            nursery, url, on_frames=tapped, on_ping=on_ping, max_message_bytes=max_message_bytes
        )

    @staticmethod
    async def _note_end(span: Span) -> None:
        """The nursery of a connection is cancelled when the service has done with it."""
        try:
            await trio.sleep_forever()
        finally:
            span.closed = trio.current_time()

    async def get(self, url: str, headers: Headers = NO_HEADERS) -> HttpAnswer:
        """As that of `MemoryDial`."""
        self._log.asked.append((trio.current_time(), urlsplit(url).path))
        answer = await super().get(url, headers)
        if answer.status == 200:
            now, path = trio.current_time(), urlsplit(url).path
            self._log.answers.append(Answer(now, path, answer.body))
        return answer
