"""Real sockets for the tests: an application that is served, and clients that may misbehave."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
import trio
from starlette.types import ASGIApp

from tick_logger.ops.web.serving import address_of, listen, serve

SOON_SECS = 5.0
"""For what happens at once, on a machine that is busy."""


@attrs.frozen
class Server:
    """What is served, and where."""

    port: int
    address: str
    scope: trio.CancelScope
    ended: trio.Event

    async def connect(self, *, receive_buffer: int | None = None) -> trio.SocketStream:
        """A client; with a small buffer it can take little without reading."""
        sock = trio.socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await sock.connect(("127.0.0.1", self.port))
        return trio.SocketStream(sock)

    async def ask(self, request: bytes) -> bytes:
        """Everything that comes back until the server closes."""
        async with await self.connect() as stream:
            with contextlib.suppress(trio.BrokenResourceError):  # refused before it was all sent
                await stream.send_all(request)
            return await everything(stream)

    async def end(self) -> None:
        """Cancel it; fails if that takes long."""
        self.scope.cancel()
        with trio.fail_after(SOON_SECS):
            await self.ended.wait()


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[Server]:
    """The application on a free port of loopback, until the block ends; it must end at once."""
    (listener,) = listeners = await listen("127.0.0.1", 0)
    ended, scope = trio.Event(), trio.CancelScope()

    async def run() -> None:
        with scope:
            await serve(app, listeners)
        ended.set()

    port = listener.socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        server = Server(port, address_of(listener), scope, ended)
        yield server
        await server.end()


def get(path: str, *headers: str, method: str = "GET", close: bool = True) -> bytes:
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: here", *headers]
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def everything(stream: trio.abc.ReceiveStream) -> bytes:
    """Until the other end closes, calmly or not; fails if it does not."""
    found = b""
    with trio.fail_after(SOON_SECS):
        try:
            async for chunk in stream:
                found += chunk
        except trio.BrokenResourceError:
            pass
    return found


async def until(stream: trio.abc.ReceiveStream, text: bytes) -> bytes:
    """What comes up to these bytes, and perhaps a little more."""
    found = b""
    with trio.fail_after(SOON_SECS):
        while text not in found:
            chunk = await stream.receive_some()
            assert chunk, f"closed after {found!r}"
            found += chunk
    return found


async def happens(what: Callable[[], bool]) -> None:
    """Wait for something that nobody tells of; fails if it takes long."""
    with trio.fail_after(SOON_SECS):
        while not what():  # noqa: ASYNC110
            await trio.sleep(0.005)


def status_of(answer: bytes) -> int:
    """Of the first answer among the bytes."""
    return int(answer.split(b" ", 2)[1])
