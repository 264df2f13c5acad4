"""One task that reads for all sockets, of all exchanges.

Waking a task for every read costs more than the read: at 10,000 messages a second over ten sockets
the whole recorder took 14 % of a core with it, and takes 11 % without.  So the sockets are watched
together, and whoever waits for one is called, not woken, when it has something.

While the brake of an exchange is on, its sockets are read once in a while, whether others are busy
or not.

Invariant: a socket is watched by one reader at most, and is read once a pass, so every ready socket
has its turn in each pass and other tasks run between two passes.  What a pass has read is handed
over in the order in which it was received, whatever the order of reading.

Linux only: it watches a set of sockets through one descriptor, which trio in turn can wait for.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Iterable
from typing import Final, Protocol

import attrs
import trio

from tick_logger.brake import Brake
from tick_logger.net.wire.receive_times import ReceiveTimes

SLOW_SECS: Final = 0.25
"""Between two reads of a socket whose brake is on.  A read is 64 KiB at most: as much as a busy
connection brings, and a hundredth of what one can bring at once."""


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


@attrs.frozen
class _Watch:
    reader: Reader
    brake: Brake | None

    @property
    def is_slow(self) -> bool:
        return self.brake is not None and self.brake.is_on

    @property
    def events(self) -> int:
        """What to wait for; the end of a connection, in either direction, always counts."""
        return 0 if self.is_slow else select.EPOLLIN


class Poller:
    """Has sockets read when they can be.

    `coalesce_secs` above zero delays each pass to the next multiple of it on trio's clock, so that
    more is read at once.  After a pass that has left something unread the next follows at once.
    """

    def __init__(self, times: ReceiveTimes, coalesce_secs: float = 0.0) -> None:
        self.times = times
        self._coalesce_secs = coalesce_secs
        self._epoll = select.epoll()
        self._watched: dict[int, _Watch] = {}
        self._brakes: set[Brake] = set()
        self._slow = trio.Event()  # a brake is on

    def watch(self, sock: socket.socket, reader: Reader, brake: Brake | None = None) -> None:
        """Have it read in every pass in which the socket can be read, until `unwatch`."""
        descriptor = sock.fileno()
        assert descriptor not in self._watched, "the socket is watched already"
        watch = self._watched[descriptor] = _Watch(reader, brake)
        self._epoll.register(descriptor, watch.events)
        if brake is not None and brake not in self._brakes:
            self._brakes.add(brake)
            brake.on_change(self._brake_changed)
        if watch.is_slow:
            self._slow.set()

    def unwatch(self, sock: socket.socket) -> None:
        """Stop reading; harmless if the socket is not watched.  Comes before its closing."""
        descriptor = sock.fileno()
        if self._watched.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    async def run(self) -> None:
        """Poll until cancelled; nothing is read after that."""
        with self._epoll:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read_slowly)
                await self._poll()

    async def _poll(self) -> None:
        interval = self._coalesce_secs
        any_read = more = False
        while True:
            # Where passes have an interval, sockets that were busy are looked at without being
            # waited for as well: one wake-up for a pass instead of two.
            if more or not any_read or not interval:
                await trio.lowlevel.wait_readable(self._epoll.fileno())
            if interval and not more:
                await trio.sleep_until((trio.current_time() // interval + 1) * interval)
            any_read, more = self._pass()

    async def _read_slowly(self) -> None:
        """Read what nobody waits for, as long as a brake is on."""
        while True:
            await self._slow.wait()
            await trio.sleep(SLOW_SECS)
            self._read(each.reader for each in [*self._watched.values()] if each.is_slow)
            if not any(brake.is_on for brake in self._brakes):
                self._slow = trio.Event()

    def _brake_changed(self) -> None:
        for descriptor, watch in self._watched.items():
            self._epoll.modify(descriptor, watch.events)
        self._slow.set()

    def _pass(self) -> tuple[bool, bool]:
        """Read all sockets that can be read; returns whether any could, and has more."""
        readable = self._epoll.poll(0)
        return bool(readable), self._read(self._watched[each].reader for each, _ in readable)

    def _read(self, readers: Iterable[Reader]) -> bool:
        """Read once for each, and hand over in order; returns whether there is more."""
        read = [(piece, reader) for reader in readers if (piece := reader.read()) is not None]
        read.sort(key=_received)
        for piece, reader in read:
            reader.hand_over(piece.data, self.times.in_order(piece.recv_ns))
        return any(piece.is_full for piece, _ in read)


def _received(read: tuple[Piece, Reader]) -> int:
    return read[0].recv_ns
