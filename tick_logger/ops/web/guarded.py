"""Sockets that cannot hold up the recorder: bounded in number, and in the patience with each.

A client that reads nothing would keep what is sent to it, and the task that sends it, for ever; a
thousand clients would use up the file descriptors that column files need.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

MOST_CONNECTIONS = 64
"""At a time; others wait in the system's queue."""

SEND_SECS = 10.0
"""A client that takes nothing for so long is cut off."""

STILL_SECS = 30.0
"""So is a connection on which nothing is sent or received; a page is sent something each second."""

LEFT_SECS = 1.0
"""The same for one whose client sends no more: most have left, few only want to hear the answer."""

END_SECS = 1.0
"""When a connection is closed, what was done for it may take so long to end by itself."""


class GuardedStream(trio.abc.HalfCloseableStream):
    """A socket whose sends end in time, sent or not.

    Everything that is done for it belongs into its `scope`, which ends soon after it was closed:
    what answers a client that is gone may wait for something that can come no more.
    """

    def __init__(self, stream: trio.SocketStream, on_closed: Callable[[], None]) -> None:
        self._stream = stream
        self._on_closed = on_closed
        self.socket = stream.socket
        self.scope = trio.CancelScope()
        self._active_at = trio.current_time()
        self._still_secs = STILL_SECS

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send; raises `BrokenResourceError` if that takes too long, or it is being closed."""
        try:
            with trio.fail_after(SEND_SECS):
                await self._stream.send_all(data)
        except trio.TooSlowError:
            self.cut()
            raise trio.BrokenResourceError("the client does not read") from None
        except trio.BusyResourceError:  # hypercorn says goodbye while another answer is on its way
            self.cut()
            raise trio.BrokenResourceError("it is being closed") from None
        except trio.BrokenResourceError:
            self.cut()
            raise
        self._active_at = trio.current_time()

    async def wait_send_all_might_not_block(self) -> None:
        """As the socket's."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """As the socket's."""
        try:
            data = bytes(await self._stream.receive_some(max_bytes))
        except trio.BrokenResourceError:
            self.cut()
            raise
        self._active_at = trio.current_time()
        if not data:
            self._still_secs = LEFT_SECS
        return data

    async def send_eof(self) -> None:
        """As the socket's."""
        await self._stream.send_eof()

    @property
    def is_still(self) -> bool:
        """Whether nothing has moved for long."""
        return trio.current_time() - self._active_at > self._still_secs

    def cut(self) -> None:
        """Close at once; whoever waits for the socket is woken by an error."""
        self.socket.close()
        self._end()

    async def aclose(self) -> None:
        """Close, and make room for another."""
        self._end()
        await self._stream.aclose()

    def _end(self) -> None:
        self._on_closed()
        self.scope.deadline = min(self.scope.deadline, trio.current_time() + END_SECS)


class GuardedListener(trio.abc.Listener[GuardedStream]):
    """Accepts while there is room."""

    def __init__(self, listener: trio.SocketListener, room: trio.CapacityLimiter) -> None:
        self._listener = listener
        self._room = room
        self._open: set[GuardedStream] = set()

    async def accept(self) -> GuardedStream:
        """The next connection, when there is room for it."""
        token = object()
        await self._room.acquire_on_behalf_of(token)
        try:
            stream = await self._listener.accept()
        except BaseException:
            self._room.release_on_behalf_of(token)
            raise
        guarded = GuardedStream(stream, lambda: self._forget(guarded, token))
        self._open.add(guarded)
        return guarded

    def cut_all(self) -> None:
        """Close every connection at once."""
        for stream in list(self._open):
            stream.cut()

    def cut_still(self) -> None:
        """Close the connections on which nothing has moved for long."""
        for stream in list(self._open):
            if stream.is_still:
                stream.cut()

    async def aclose(self) -> None:
        """Accept no more."""
        await self._listener.aclose()

    def _forget(self, stream: GuardedStream, token: object) -> None:
        if stream in self._open:
            self._open.remove(stream)
            self._room.release_on_behalf_of(token)
