"""One task that reads for all sockets of a dial.

Waking a task for every read costs more than the read: at 10,000 messages a second over ten sockets
the whole recorder took 14 % of a core with it, and takes 11 % without.  So the sockets are watched
together, and whoever waits for one is called, not woken, when it has something.

Invariant: a socket is watched by one callback at most, and a callback reads a bounded amount, so
every ready socket has its turn in each pass and other tasks run between two passes.

Linux only: it watches a set of sockets through one descriptor, which trio in turn can wait for.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable

import trio


class Poller:
    """Calls back when sockets can be read.

    `coalesce_secs` above zero delays each pass to the next multiple of it on trio's clock, so that
    more is read at once; receive times are then late by up to as much.  After a pass that has left
    something unread the next follows at once.
    """

    def __init__(self, coalesce_secs: float = 0.0) -> None:
        self._coalesce_secs = coalesce_secs
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[], bool]] = {}

    def watch(self, sock: socket.socket, on_readable: Callable[[], bool]) -> None:
        """Call `on_readable` in every pass in which the socket can be read, until `unwatch`.

        It says whether it probably left something unread; it must not raise, and must not block.
        """
        descriptor = sock.fileno()
        assert descriptor not in self._callbacks, "the socket is watched already"
        self._epoll.register(descriptor, select.EPOLLIN)
        self._callbacks[descriptor] = on_readable

    def unwatch(self, sock: socket.socket) -> None:
        """Stop calling; harmless if the socket is not watched.  Comes before its closing."""
        descriptor = sock.fileno()
        if self._callbacks.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    async def run(self) -> None:
        """Poll until cancelled; nobody is called after that."""
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
        """Call everyone whose socket can be read; returns whether any could, and has more."""
        readable = self._epoll.poll(0)
        more = False
        for descriptor, _ in readable:
            # A callback of this pass may have ended the watch of another socket.
            if callback := self._callbacks.get(descriptor):
                more |= callback()
        return bool(readable), more
