"""Sockets that cannot hold up the recorder: bounded in number, and in the patience with each.

A client that reads nothing would keep what is sent to it, and the task that sends it, for ever; a
thousand clients would use up the file descriptors that column files need.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

import trio

MOST_CONNECTIONS = 64
"""Requests that are answered at a time; others wait, but for those that are answered at once."""

MOST_BESIDE = 16
"""Connections more than that: who asks for health must not wait for those who are answered."""

SEND_SECS = 10.0
"""A client that takes nothing for so long is cut off."""

STILL_SECS = 30.0
"""So is a connection on which nothing is sent or received; a page is sent something each second."""

LEFT_SECS = 1.0
"""The same for one whose client sends no more: most have left, few only want to hear the answer."""

END_SECS = 1.0
"""When a connection is closed, what was done for it may take so long to end by itself."""


class Use(enum.IntEnum):
    """What a connection is open for."""

    IDLE = 0
    """Nothing has been asked for, or everything is answered."""
    WAITING = 1
    """A request waits until others are answered."""
    ANSWERED = 2
    """A request is being answered."""


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
        self._use = Use.IDLE
        self._begun = b""
        self._active_at = trio.current_time()
        self._has_left = False

    async def wait_begun(self, secs: float) -> bool:
        """Whether the client sends anything within so long; `receive_some` gives it again."""
        with trio.move_on_after(secs):
            self._begun = await self.receive_some()
        return bool(self._begun)

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
        if self._begun:
            data, self._begun = self._begun, b""
            return data
        try:
            data = bytes(await self._stream.receive_some(max_bytes))
        except trio.BrokenResourceError:
            self.cut()
            raise
        self._active_at = trio.current_time()
        if not data:
            self._has_left = True
        return data

    async def send_eof(self) -> None:
        """As the socket's."""
        await self._stream.send_eof()

    @property
    def use(self) -> Use:
        """What it is open for now."""
        return self._use

    @use.setter
    def use(self, use: Use) -> None:
        self._use, self._active_at = use, trio.current_time()

    @property
    def precedence(self) -> tuple[Use, float]:
        """Who has the smallest goes first, where there are too many."""
        return self.use, self._active_at

    @property
    def is_still(self) -> bool:
        """Whether nothing has moved for long, and not because it waits for others."""
        if self._use is Use.WAITING and not self._has_left:
            return False
        most_secs = LEFT_SECS if self._has_left else STILL_SECS
        return trio.current_time() - self._active_at > most_secs

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


class Connections:
    """All that are open, of every listener: `most` at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: set[GuardedStream] = set()

    def take(self, stream: trio.SocketStream) -> GuardedStream:
        """A new one; where there are too many, one on which least is going on is cut for it."""
        while len(self._open) >= self._most:
            min(self._open, key=lambda each: each.precedence).cut()
        guarded = GuardedStream(stream, lambda: self._open.discard(guarded))
        self._open.add(guarded)
        assert len(self._open) <= self._most, "a connection beyond the bound"
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


class GuardedListener(trio.abc.Listener[GuardedStream]):
    """Accepts whoever comes."""

    def __init__(self, listener: trio.SocketListener, connections: Connections) -> None:
        self._listener = listener
        self._connections = connections

    async def accept(self) -> GuardedStream:
        """The next connection."""
        return self._connections.take(await self._listener.accept())

    async def aclose(self) -> None:
        """Accept no more."""
        await self._listener.aclose()
