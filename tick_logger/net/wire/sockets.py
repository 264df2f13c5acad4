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

from tick_logger.brake import Brake
from tick_logger.errors import Step
from tick_logger.net.wire.poller import Piece, Poller
from tick_logger.net.wire.push import PushStream, Take
from tick_logger.net.wire.receive_times import (
    ANCILLARY_BYTES,
    ReceiveTimes,
    ask_for_times,
    noted,
)
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
    brake: Brake | None = None,
) -> PushStream:
    """Connect, with TLS if a context is given; raises `TransportError`.

    `poller`, which must be running, reads for the stream while `push_into` waits: slowly, while the
    `brake` is on.
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
    tcp = TcpStream(connected, poller, brake)
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

    def __init__(
        self, connected: trio.SocketStream, poller: Poller, brake: Brake | None = None
    ) -> None:
        self._socket = socket.socket(fileno=connected.socket.detach())
        self._socket.setblocking(False)
        ask_for_times(self._socket)
        # Both use this one socket object, so that closing it wakes up whoever waits for it.  The
        # sender also switches Nagle's delay off.
        self._sender = trio.SocketStream(trio.socket.from_stdlib_socket(self._socket))
        self._poller, self._brake = poller, brake
        self._pushing: _Pushing | None = None
        self.empty_since_ns = poller.times.monotonic_ns()
        """When the socket was last seen empty, by `ReceiveTimes.monotonic_ns`."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """What has arrived, up to `max_bytes` or else `RECEIVE_BYTES`; b"" at the end."""
        size = RECEIVE_BYTES if max_bytes is None else max_bytes
        while True:
            self._check_open()
            await trio.lowlevel.wait_readable(self._socket)
            if (read := self._read_nowait(size)) is not None:
                return read[0]

    async def push_into(self, take: Take) -> None:
        """Let the poller call `take`; see `PushStream`."""
        await trio.lowlevel.checkpoint()
        self._check_open()
        if self._pushing is not None:
            raise trio.BusyResourceError("this socket is being read already")
        pushing = self._pushing = _Pushing(self, self._poller.times, take)
        self._poller.watch(self._socket, pushing, self._brake)
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

    def read_timed(self) -> tuple[bytes, int | None] | None:
        """The bytes that have arrived, b"" at the end, and when; None if nothing has arrived.

        The time is the kernel's, None if it gives none.  Raises what `receive_some` does.
        """
        return self._read_nowait(RECEIVE_BYTES)

    def _read_nowait(self, size: int) -> tuple[bytes, int | None] | None:
        # Before the read: what comes during it was not there when the socket was found empty.
        began_ns = self._poller.times.monotonic_ns()
        try:
            data, ancillary, _, _ = self._socket.recvmsg(size, ANCILLARY_BYTES)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno == errno.EBADF:
                raise _closed() from None
            raise trio.BrokenResourceError(f"socket connection broken: {error}") from error
        if len(data) < size:
            self.empty_since_ns = began_ns
        return data, noted(ancillary)


class _Pushing:
    """One call of `push_into`: the poller reads on behalf of the task that waits."""

    def __init__(self, stream: TcpStream, times: ReceiveTimes, take: Take) -> None:
        self._stream = stream
        self._times = times
        self._take = take
        self.enough = trio.Event()
        self.error: Exception | None = None

    def read(self) -> Piece | None:
        """Read once, unless the task that waits has yet to end the watch."""
        if self.enough.is_set():
            return None
        empty_since_ns = self._stream.empty_since_ns
        try:
            read = self._stream.read_timed()
        except Exception as error:  # noqa: BLE001 - it belongs to the task that waits
            self.end(error)
            return None
        if read is None:
            return None
        data, noted_ns = read
        recv_ns = self._times.of_read(noted_ns, empty_since_ns)
        return Piece(data, recv_ns, len(data) == RECEIVE_BYTES)

    def hand_over(self, data: bytes, recv_ns: int) -> None:
        """Let the task that waits have it."""
        try:
            if self._take(data, recv_ns):
                self.enough.set()
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the task that waits
            self.end(error)

    def end(self, error: Exception) -> None:
        """Let the task that waits raise this."""
        self.error = error
        self.enough.set()


def _closed() -> trio.ClosedResourceError:
    return trio.ClosedResourceError("this socket was already closed")
