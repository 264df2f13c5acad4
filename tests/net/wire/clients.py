"""A client's link over memory, and the server that it talks to."""

from __future__ import annotations

import attrs
import trio
import trio_websocket
from trio.testing import (
    MemoryReceiveStream,
    MemorySendStream,
    memory_stream_pair,
    wait_all_tasks_blocked,
)

from tests.net.wire.bytes_sent import accept
from tick_logger.clock import ManualClock
from tick_logger.net.wire.link import Link, upgrade
from tick_logger.net.wire.tap import OnFrames

MemoryStream = trio.StapledStream[MemorySendStream, MemoryReceiveStream]
URL = "ws://feed.example/ws?streams=a"


@attrs.define
class Client:
    """Opens a link over a memory stream, whose other end is `server`."""

    nursery: trio.Nursery
    stream: trio.abc.Stream
    server: MemoryStream
    payloads: list[bytes] = attrs.field(factory=list)
    pings: int = 0

    async def open(self, on_frames: OnFrames | None = None) -> Link:
        """Upgrade within ten seconds."""
        return await upgrade(
            self.nursery,
            self.stream,
            URL,
            on_frames=on_frames or (lambda _, payloads: self.payloads.extend(payloads)),
            on_ping=self.on_ping,
            clock=ManualClock(1_000),
            max_message_bytes=1_000,
            timeout_secs=10,
        )

    def on_ping(self) -> None:
        """Count a ping."""
        self.pings += 1


def new_client(nursery: trio.Nursery) -> Client:
    """A client that is not connected yet."""
    stream, server = memory_stream_pair()
    return Client(nursery, stream, server)


async def serve(client: Client) -> trio_websocket.WebSocketConnection:
    """Accept the upgrade with the library's own server."""
    request = await trio_websocket.wrap_server_stream(client.nursery, client.server)
    return await request.accept()


async def connect(client: Client) -> tuple[Link, trio_websocket.WebSocketConnection]:
    """Both ends of a connection, the server's by the library."""
    servers: list[trio_websocket.WebSocketConnection] = []

    async def accept_one() -> None:
        servers.append(await serve(client))

    client.nursery.start_soon(accept_one)
    link = await client.open()
    await wait_all_tasks_blocked()
    return link, servers[0]


async def connect_raw(client: Client, then: bytes = b"") -> Link:
    """A link whose server is played by the test, with bytes that follow the acceptance at once."""
    client.nursery.start_soon(accept, client.server, then)
    return await client.open()
