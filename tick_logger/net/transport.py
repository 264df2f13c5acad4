"""Opens streams for reading market data: TCP with few system calls, and TLS over it.

Invariant: the streams obey trio's rules for streams.  Where a step of opening fails,
`open_transport` says which one, and leaves the cause as it is; nothing is put into words here.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
from typing import Final

import trio

from tick_logger.net.tls import TlsStream

RECEIVE_BYTES: Final = 64 * 1024
"""One read of a socket: some 380 trades; more gains nothing, and costs a fresh memory mapping."""


class TransportError(Exception):
    """A step of opening failed; `step` is "TCP" (with the name look-up) or "TLS".

    `__cause__` is the `OSError`, `trio.BrokenResourceError` or `trio.TooSlowError` behind it.
    """

    def __init__(self, step: str) -> None:
        self.step = step
        super().__init__(f"{step} failed")


async def open_transport(
    host: str,
    port: int,
    *,
    ssl_context: ssl.SSLContext | None,
    tcp_timeout_secs: float,
    tls_timeout_secs: float,
    coalesce_secs: float = 0.0,
) -> trio.abc.Stream:
    """Connect, with TLS if a context is given; raises `TransportError`.

    `coalesce_secs` above zero delays each read to the next multiple of it on trio's clock, so that
    many sockets wake up in one pass of the loop; receive times are then late by up to as much.
    """
    try:
        with trio.fail_after(tcp_timeout_secs):
            connected = await trio.open_tcp_stream(host, port)
    except (OSError, trio.TooSlowError) as error:
        raise TransportError("TCP") from error
    tcp = TcpStream(connected, coalesce_secs)
    if ssl_context is None:
        return tcp
    async with contextlib.AsyncExitStack() as on_failure:
        on_failure.push_async_callback(trio.aclose_forcefully, tcp)
        tls = TlsStream(tcp, ssl_context, host)
        try:
            with trio.fail_after(tls_timeout_secs):
                await tls.do_handshake()
        except (trio.BrokenResourceError, trio.TooSlowError) as error:
            raise TransportError("TLS") from error
        on_failure.pop_all()
    return tls


class TcpStream(trio.abc.Stream):
    """A connected socket whose reads wait first and then read once.

    trio's own stream tries to read first; on a socket that each read leaves empty, as market data
    does, that is a wasted system call per read.
    """

    def __init__(self, connected: trio.SocketStream, coalesce_secs: float = 0.0) -> None:
        self._socket = socket.socket(fileno=connected.socket.detach())
        self._socket.setblocking(False)
        # Both use this one socket object, so that closing it wakes up whoever waits for it.  The
        # sender also switches Nagle's delay off.
        self._sender = trio.SocketStream(trio.socket.from_stdlib_socket(self._socket))
        self._coalesce_secs = coalesce_secs
        self._filled = False  # whether the last read filled its buffer, so that more is waiting

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """What has arrived, up to `max_bytes` or else `RECEIVE_BYTES`; b"" at the end."""
        size = RECEIVE_BYTES if max_bytes is None else max_bytes
        if self._coalesce_secs > 0 and not self._filled:
            return await self._receive_when_due(size)
        while True:
            self._check_open()
            await trio.lowlevel.wait_readable(self._socket)
            if (data := self._read_nowait(size)) is not None:
                return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send everything."""
        await self._sender.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the socket takes data."""
        await self._sender.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the socket; whoever waits for it gets `trio.ClosedResourceError`."""
        await self._sender.aclose()

    async def _receive_when_due(self, size: int) -> bytes:
        """Read at a multiple of the interval, and wait for data only if there is none then."""
        while True:
            interval = self._coalesce_secs
            await trio.sleep_until((trio.current_time() // interval + 1) * interval)
            if (data := self._read_nowait(size)) is not None:
                return data
            self._check_open()
            await trio.lowlevel.wait_readable(self._socket)

    def _check_open(self) -> None:
        if self._socket.fileno() < 0:
            raise trio.ClosedResourceError("this socket was already closed")

    def _read_nowait(self, size: int) -> bytes | None:
        """What is there, b"" at the end, or None if there is nothing."""
        try:
            data = self._socket.recv(size)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno == errno.EBADF:
                raise trio.ClosedResourceError("this socket was already closed") from None
            raise trio.BrokenResourceError(f"socket connection broken: {error}") from error
        self._filled = len(data) == size
        return data
