"""Opens streams for reading market data: TCP with few system calls, and TLS over it.

Invariant: the streams obey trio's rules for streams.  Where a step of opening fails,
`open_transport` says which one, and leaves the cause as it is; nothing is put into words here.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
from collections.abc import Callable
from typing import Final

import trio

from tick_logger.errors import Step
from tick_logger.net.wire.poller import Poller
from tick_logger.net.wire.push import PushStream, Take
from tick_logger.net.wire.tls import TlsStream

RECEIVE_BYTES: Final = 64 * 1024
"""One read of a socket: some 380 trades; more gains nothing, and costs a fresh memory mapping."""


class TransportError(Exception):
    """A step of opening failed: the name look-up, TCP or TLS.

    `__cause__` is the `OSError`, `trio.BrokenResourceError` or `trio.TooSlowError` behind it.
    """

    def __init__(self, step: Step) -> None:
        self.step = step
        super().__init__(f"{step} failed")


async def open_transport(
    host: str,
    port: int,
    *,
    ssl_context: ssl.SSLContext | None,
    tcp_timeout_secs: float,
    tls_timeout_secs: float,
    poller: Poller,
) -> PushStream:
    """Connect, with TLS if a context is given; raises `TransportError`.

    `poller`, which must be running, reads for the stream while `push_into` waits.
    """
    step = Step.DNS
    try:
        with trio.fail_after(tcp_timeout_secs):
            # Once more than needed, to tell a name server that hangs from a machine that does.
            await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            step = Step.TCP
            connected = await trio.open_tcp_stream(host, port)
    except (OSError, UnicodeError, trio.TooSlowError) as error:  # a name may be unspeakable
        raise TransportError(step) from error
    tcp = TcpStream(connected, poller)
    if ssl_context is None:
        return tcp
    async with contextlib.AsyncExitStack() as on_failure:
        on_failure.push_async_callback(trio.aclose_forcefully, tcp)
        tls = TlsStream(tcp, ssl_context, host)
        try:
            with trio.fail_after(tls_timeout_secs):
                await tls.do_handshake()
        except (trio.BrokenResourceError, trio.TooSlowError) as error:
            raise TransportError(Step.TLS) from error
        on_failure.pop_all()
    return tls


class TcpStream(PushStream):
    """A connected socket whose reads wait first and then read once.

    trio's own stream tries to read first; on a socket that each read leaves empty, as market data
    does, that is a wasted system call per read.
    """

    def __init__(self, connected: trio.SocketStream, poller: Poller) -> None:
        self._socket = socket.socket(fileno=connected.socket.detach())
        self._socket.setblocking(False)
        # Both use this one socket object, so that closing it wakes up whoever waits for it.  The
        # sender also switches Nagle's delay off.
        self._sender = trio.SocketStream(trio.socket.from_stdlib_socket(self._socket))
        self._poller = poller
        self._pushing: _Pushing | None = None

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """What has arrived, up to `max_bytes` or else `RECEIVE_BYTES`; b"" at the end."""
        size = RECEIVE_BYTES if max_bytes is None else max_bytes
        while True:
            self._check_open()
            await trio.lowlevel.wait_readable(self._socket)
            if (data := self._read_nowait(size)) is not None:
                return data

    async def push_into(self, take: Take) -> None:
        """Let the poller call `take`; see `PushStream`."""
        await trio.lowlevel.checkpoint()
        self._check_open()
        if self._pushing is not None:
            raise trio.BusyResourceError("this socket is being read already")
        pushing = self._pushing = _Pushing(lambda: self._read_nowait(RECEIVE_BYTES), take)
        self._poller.watch(self._socket, pushing.on_readable)
        try:
            await pushing.enough.wait()
        finally:
            self._pushing = None
            self._poller.unwatch(self._socket)
        if pushing.error is not None:
            raise pushing.error

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send everything."""
        await self._sender.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the socket takes data."""
        await self._sender.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the socket; whoever waits for it gets `trio.ClosedResourceError`."""
        self._poller.unwatch(self._socket)
        if self._pushing is not None:
            self._pushing.end(_closed())
        await self._sender.aclose()

    def _check_open(self) -> None:
        if self._socket.fileno() < 0:
            raise _closed()

    def _read_nowait(self, size: int) -> bytes | None:
        """The bytes that have arrived, b"" at the end, or None if nothing has arrived."""
        try:
            return self._socket.recv(size)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno == errno.EBADF:
                raise _closed() from None
            raise trio.BrokenResourceError(f"socket connection broken: {error}") from error


class _Pushing:
    """One call of `push_into`: the poller reads on behalf of the task that waits."""

    def __init__(self, read: Callable[[], bytes | None], take: Take) -> None:
        self._read = read
        self._take = take
        self.enough = trio.Event()
        self.error: Exception | None = None

    def on_readable(self) -> bool:
        """Read once and hand over; returns whether the read was full, so that more is waiting."""
        if self.enough.is_set():
            return False  # the task that waits has yet to end the watch
        try:
            data = self._read()
            if data is not None and self._take(data):
                self.enough.set()
            return data is not None and len(data) == RECEIVE_BYTES
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the task that waits
            self.end(error)
            return False

    def end(self, error: Exception) -> None:
        """Let the task that waits raise this."""
        self.error = error
        self.enough.set()


def _closed() -> trio.ClosedResourceError:
    return trio.ClosedResourceError("this socket was already closed")
