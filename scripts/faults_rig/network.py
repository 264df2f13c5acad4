"""The way from a recorder to one simulated venue, which can be cut, frozen and closed.

A frozen connection forwards nothing in either direction, and neither side is told: as behind a
router that has forgotten it.  It stands between the socket and whoever speaks, TLS included.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable

import trio

CARRIES_BYTES = 20_000
"""A connection that was sent so much is one that carries the market's data."""

_LINGER_NOT = struct.pack("ii", 1, 0)  # closing sends a reset

Serve = Callable[[trio.abc.Stream], Awaitable[None]]


class Line(trio.abc.Stream):
    """One connection."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._frozen = False
        self._thawed = trio.Event()
        self.sent_bytes = 0

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, or let it vanish."""
        if not self._frozen:
            await self._stream.send_all(data)
            self.sent_bytes += len(data)
        else:
            await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the connection takes more bytes."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """What the recorder says, unless that vanishes."""
        data = await self._stream.receive_some(max_bytes)
        if self._frozen:
            await trio.sleep_forever()
        return data

    async def aclose(self) -> None:
        """Close the connection; a frozen one stays as it is for the other side."""
        if self._frozen:
            with trio.CancelScope(shield=True):
                await self._thawed.wait()
        await self._stream.aclose()

    # -- faults -----------------------------------------------------------------------------------

    def freeze(self) -> None:
        """Forward nothing any more."""
        self._frozen = True

    def thaw(self) -> None:
        """Whoever holds a frozen connection may let go of it."""
        self._thawed.set()

    def reset(self) -> None:
        """End it by a reset."""
        with contextlib.suppress(OSError):
            self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._stream.socket.close()

    def fin(self) -> None:
        """Say that nothing more will come, without a close frame."""
        with contextlib.suppress(OSError):
            self._stream.socket.shutdown(socket.SHUT_WR)


class Door:
    """The port at which one venue is reached, on loopback; `context` is for TLS, None: plain."""

    def __init__(self, serve: Serve, nursery: trio.Nursery, context: ssl.SSLContext | None) -> None:
        self._serve = serve
        self._nursery = nursery
        self.context = context
        self.lines: list[Line] = []
        self.accepted = 0
        self._port = 0
        self._listening = trio.CancelScope()

    async def open(self, port: int = 0) -> int:
        """Accept connections; returns the port, which stays the same from then on."""
        (listener,) = await trio.open_tcp_listeners(self._port or port, host="127.0.0.1")
        self._port = listener.socket.getsockname()[1]
        self._listening = trio.CancelScope()
        self._nursery.start_soon(self._listen, listener, self._listening)
        return self._port

    def close(self) -> None:
        """Refuse connections; those that are open stay."""
        self._listening.cancel("the door is closed")

    def hit(self, *, one: bool) -> list[Line]:
        """The connections that a fault hits: all, or the oldest of those that carry data."""
        return self.carrying[:1] if one else list(self.lines)

    @property
    def carrying(self) -> list[Line]:
        """The connections that carry data, the oldest first."""
        return [line for line in self.lines if line.sent_bytes >= CARRIES_BYTES]

    async def _listen(self, listener: trio.SocketListener, scope: trio.CancelScope) -> None:
        with scope:
            await trio.serve_listeners(self._accept, [listener], handler_nursery=self._nursery)

    async def _accept(self, stream: trio.SocketStream) -> None:
        line = Line(stream)
        self.accepted += 1
        self.lines.append(line)
        spoken: trio.abc.Stream = line
        if self.context is not None:
            spoken = trio.SSLStream(line, self.context, server_side=True, https_compatible=True)
        try:
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError, OSError):
                await self._serve(spoken)
        finally:
            self.lines.remove(line)


def server_contexts(folder: str) -> tuple[ssl.SSLContext, ssl.SSLContext, str]:
    """A venue's certificate, another that nobody trusts, and the file of who issued the first."""
    import trustme

    contexts = []
    known = trustme.CA()
    for authority in (known, trustme.CA()):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        contexts.append(context)
    path = f"{folder}/authority.pem"
    known.cert_pem.write_to_path(path)
    return contexts[0], contexts[1], path
