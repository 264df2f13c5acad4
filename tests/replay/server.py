"""An exchange on loopback that answers as its venue does, and then plays a recording.

Real sockets, HTTP and WebSocket on one port.  When its connections have together subscribed to all
there is, the frames go out in order, as fast as the client takes them: some to many in one write,
cut at any byte on their way to the socket.  Where a venue says what a frame is about, it goes out
on the connection that subscribed to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from random import Random

import trio
from trio_websocket import ConnectionClosed, wrap_server_stream

from tests.replay.captures import Venue
from tick_logger.simulator.server import serve_http
from tick_logger.simulator.wire import Wire, frame

TEXT = 1  # opcode, of venues that do not say otherwise
MOST_FRAMES_PER_WRITE = 400
CUTS_PER_WRITE = 2


class CutStream(trio.abc.Stream):
    """A stream whose large writes reach the socket in pieces of random size."""

    def __init__(self, stream: trio.abc.Stream, rng: Random) -> None:
        self._stream = stream
        self._rng = rng

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it, in one to three writes."""
        cuts = sorted(self._rng.randrange(len(data) + 1) for _ in range(CUTS_PER_WRITE))
        for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
            if start < stop:
                await self._stream.send_all(data[start:stop])

    async def wait_send_all_might_not_block(self) -> None:
        """As the socket says."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As the socket gives."""
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        """Close the socket."""
        await self._stream.aclose()


class ReplayExchange:
    """One exchange, for one run.  `sent` counts the messages on WebSockets so far."""

    def __init__(self, venue: Venue, frames: Sequence[bytes], rng: Random) -> None:
        self._venue = venue
        self._frames = frames
        self._rng = rng
        self._live: dict[Wire, set[tuple[str, str]]] = {}  # what each connection subscribed to
        self._playing = False
        self.sent = 0
        self.played = trio.Event()

    async def run(self, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; starts with the number of the port."""
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(
                partial(trio.serve_tcp, self._serve, 0, host="127.0.0.1")
            )
            task_status.started(listeners[0].socket.getsockname()[1])

    async def _serve(self, stream: trio.abc.Stream) -> None:
        async def answer(target: str) -> tuple[int, bytes]:
            return self._venue.get(target)

        await serve_http(
            stream, accepts=lambda _target, _headers: True, upgrade=self._talk, answer=answer
        )

    async def _talk(self, stream: trio.abc.Stream, _target: str, head: bytes) -> None:
        """One client: answer its requests; play once everything is subscribed to."""
        wire = Wire(CutStream(stream, self._rng), head, lambda _: None)
        live = self._live[wire] = set()
        async with trio.open_nursery() as nursery:
            connection = await (await wrap_server_stream(nursery, wire)).accept()
            try:
                while True:
                    request = str(await connection.get_message())
                    await self._send(wire, self._venue.hear(request, live))
                    everything = set().union(*self._live.values()) >= self._venue.wanted
                    if everything and not self._playing:
                        self._playing = True
                        await self._play(wire)
                        self.played.set()
            except (ConnectionClosed, trio.BrokenResourceError):
                nursery.cancel_scope.cancel("the client has gone")
            finally:
                del self._live[wire]

    async def _play(self, newest: Wire) -> None:
        position = 0
        while position < len(self._frames):
            count = self._rng.randint(1, MOST_FRAMES_PER_WRITE)
            of_wire: dict[Wire, list[bytes]] = {}
            for payload in self._frames[position : position + count]:
                of_wire.setdefault(self._wire_for(payload, newest), []).append(payload)
            for wire, payloads in of_wire.items():
                await self._send(wire, payloads)
            position += count

    def _wire_for(self, payload: bytes, newest: Wire) -> Wire:
        """The connection that is to get a frame: the newest, if the venue does not say more."""
        about = getattr(self._venue, "about", None)
        topic = None if about is None else about(payload)
        return next((wire for wire, live in self._live.items() if topic in live), newest)

    async def _send(self, wire: Wire, payloads: Sequence[bytes]) -> None:
        opcode = getattr(self._venue, "opcode", TEXT)
        await wire.send_all(b"".join(frame(opcode, payload) for payload in payloads))
        self.sent += len(payloads)
