"""Plain WebSocket and HTTP clients of simulated exchanges, over memory streams."""

from __future__ import annotations

import json
import math
from typing import Any

import h11
import trio
import trio.testing
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

from tests.fakes.simulated import simulated
from tick_logger.simulator.exchange import SimulatedExchange

EPOCH_NS = 1_790_000_000 * 10**9
_CLIENT_QUEUE = 100_000
_CLIENT_BYTES = 2**24


class VirtualWallClock:
    """A wall clock that shows trio's time, counted from a date in 2026."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970."""
        return EPOCH_NS + round(trio.current_time() * 1e9)


def exchange(name: str, **options: object) -> SimulatedExchange:
    """A small exchange on virtual time."""
    chosen: dict[str, Any] = {"messages_per_second": 100.0, **options}
    return simulated(name, clock=VirtualWallClock(), **chosen)


async def connect(
    nursery: trio.Nursery,
    served: SimulatedExchange,
    resource: str = "/",
    *,
    queue: int = _CLIENT_QUEUE,
) -> WebSocketConnection:
    """An open connection, whose pings are answered as long as its queue is not full."""
    ours: Any  # any stream does, although the annotation there asks for sockets
    ours, theirs = trio.testing.memory_stream_pair()
    nursery.start_soon(served.serve_stream, theirs)
    return await wrap_client_stream(
        nursery, ours, "test", resource, message_queue_size=queue, max_message_size=_CLIENT_BYTES
    )


async def send(connection: WebSocketConnection, request: dict[str, Any]) -> None:
    """Send a request as JSON."""
    await connection.send_message(json.dumps(request))


async def texts(connection: WebSocketConnection, secs: float) -> list[str | bytes]:
    """Everything that arrives within some seconds, or until the end of the connection."""
    got: list[str | bytes] = []
    with trio.move_on_after(secs):
        try:
            while True:
                got.append(await connection.get_message())
        except ConnectionClosed:
            return got
    return got


async def messages(connection: WebSocketConnection, secs: float) -> list[dict[str, Any]]:
    """Everything that arrives within some seconds, parsed."""
    return [json.loads(text) for text in await texts(connection, secs)]


async def close_code(connection: WebSocketConnection) -> int:
    """Wait for the end of the connection, and say why it ended."""
    try:
        while True:
            await connection.get_message()
    except ConnectionClosed as closed:
        return 0 if closed.reason is None else int(closed.reason.code)


async def http_get(stream: trio.abc.Stream, *targets: str) -> list[tuple[int, bytes]]:
    """The answers to GETs, one after the other on one connection."""
    client = h11.Connection(h11.CLIENT)
    answers = []
    for target in targets:
        request = h11.Request(method="GET", target=target, headers=[("Host", "test")])
        head, end = client.send(request), client.send(h11.EndOfMessage())
        await stream.send_all((head or b"") + (end or b""))
        status, body = 0, b""
        while True:
            event = client.next_event()
            if event is h11.NEED_DATA:
                client.receive_data(bytes(await stream.receive_some()))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                raise AssertionError(f"the server ended early: {event!r}")
        client.start_next_cycle()
        answers.append((status, body))
    return answers


async def memory_get(served: SimulatedExchange, *targets: str) -> list[tuple[int, bytes]]:
    """The answers to GETs over a memory stream."""
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(served.serve_stream, theirs)
        answers = await http_get(ours, *targets)
        await ours.aclose()
    return answers


async def upgrade_status(served: SimulatedExchange, target: str, *headers: str) -> int:
    """The HTTP status that answers a request for an upgrade that is refused."""
    lines = [f"GET {target} HTTP/1.1", "Host: t", "Upgrade: websocket", *headers]
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(served.serve_stream, theirs)
        await ours.send_all(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = await ours.receive_some()
        await ours.aclose()
    return int(answer.split()[1])


def of_type(got: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The messages of one `type`."""
    return [message for message in got if message["type"] == kind]


def rounded(secs: float) -> float:
    """Virtual seconds without the noise of adding floats."""
    return math.floor(secs * 1000 + 0.5) / 1000
