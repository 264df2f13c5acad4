"""One task that reads for all sockets, of all exchanges.

Waking a task for every read costs more than the read: at 10,000 messages a second over ten sockets
the whole recorder took 14 % of a core with it, and takes 11 % without.  So the sockets are watched
together, and whoever waits for one is called, not woken, when it has something.

Invariant: a socket is watched by one reader at most, and is read once a pass, so every ready socket
has its turn in each pass and other tasks run between two passes.  What a pass has read is handed
over in the order in which it was received, whatever the order of reading.

Linux only: it watches a set of sockets through one descriptor, which trio in turn can wait for.
"""

from __future__ import annotations

import select
import socket
from typing import Protocol

import attrs
import trio

from tick_logger.net.wire.receive_times import ReceiveTimes


@attrs.frozen
class Piece:
    """What one read has returned, b"" at the end, and when it was received (ns since 1970).

    `is_full`: the read had no room for more, so that more is probably waiting.
    """

    data: bytes
    recv_ns: int
    is_full: bool


class Reader(Protocol):
    """Who reads a socket; nothing here raises, or blocks."""

    def read(self) -> Piece | None:
        """Read once; None if there is nothing, or nobody who wants it."""
        ...

    def hand_over(self, data: bytes, recv_ns: int) -> None:
        """Take what `read` has returned, with its time in order with those of other sockets."""
        ...


class Poller:
    """Has sockets read when they can be.

    `coalesce_secs` above zero delays each pass to the next multiple of it on trio's clock, so that
    more is read at once.  After a pass that has left something unread the next follows at once.
    """

    def __init__(self, times: ReceiveTimes, coalesce_secs: float = 0.0) -> None:
        self.times = times
        self._coalesce_secs = coalesce_secs
        self._epoll = select.epoll()
        self._readers: dict[int, Reader] = {}

    def watch(self, sock: socket.socket, reader: Reader) -> None:
        """Have it read in every pass in which the socket can be read, until `unwatch`."""
        descriptor = sock.fileno()
        assert descriptor not in self._readers, "the socket is watched already"
        self._epoll.register(descriptor, select.EPOLLIN)
        self._readers[descriptor] = reader

    def unwatch(self, sock: socket.socket) -> None:
        """Stop reading; harmless if the socket is not watched.  Comes before its closing."""
        descriptor = sock.fileno()
        if self._readers.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    async def run(self) -> None:
        """Poll until cancelled; nothing is read after that."""
        interval = self._coalesce_secs
        any_read = more = False
        with self._epoll:
            while True:
                # Where passes have an interval, sockets that were busy are looked at without
                # being waited for as well: one wake-up for a pass instead of two.
                if more or not any_read or not interval:
                    await trio.lowlevel.wait_readable(self._epoll.fileno())
                if interval and not more:
                    await trio.sleep_until((trio.current_time() // interval + 1) * interval)
                any_read, more = self._pass()

    def _pass(self) -> tuple[bool, bool]:
        """Read all sockets that can be read; returns whether any could, and has more."""
        readable = self._epoll.poll(0)
        readers = [self._readers[descriptor] for descriptor, _ in readable]
        read = [(piece, reader) for reader in readers if (piece := reader.read()) is not None]
        read.sort(key=_received)
        for piece, reader in read:
            reader.hand_over(piece.data, self.times.in_order(piece.recv_ns))
        return bool(readable), any(piece.is_full for piece, _ in read)


def _received(read: tuple[Piece, Reader]) -> int:
    return read[0].recv_ns
