"""When bytes have reached this machine, as its kernel has noted: a read that is late costs nothing.

Linux hands out, with what it has received, when the last packet of it came.  That is used where it
can be right: not before the socket was last seen empty, and not later than now.  Else the time of
the read stands in; both are counted.

Invariant: the times that are given out never run backwards, whatever the clocks do.  Of what two
packets have brought, and one read has returned, all has the time of the second.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Sequence
from typing import Final, TypeAlias

import attrs

from tick_logger.clock import MachineClock, WallClock

_SO_TIMESTAMPNS: Final = 35
"""Of Linux on the usual processors; the socket module has no name for it.  Where it means something
else, no time of this kind comes back, and none is used."""

_timespec = struct.Struct("ll")
ANCILLARY_BYTES: Final = socket.CMSG_SPACE(_timespec.size)
"""Room for one time beside the bytes of a read."""

_MOST_TRIED: Final = 200
_PAUSE_SECS: Final = 0.005
"""Bytes sent, and the time between them, until one has a time: a kernel begins to note them some
moments after it is asked, and on a busy machine that is long.  A second tells that it does not."""

Ancillary: TypeAlias = Sequence[tuple[int, int, bytes]]


@attrs.define
class ReadsByTime:
    """How many reads have which time: the packet's, by the kernel, or only that of the read."""

    kernel: int = 0
    read: int = 0


def ask_for_times(sock: socket.socket) -> None:
    """Have the kernel note when packets come; a kernel that cannot says nothing, or refuses."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    except OSError:
        return


def noted(ancillary: Ancillary) -> int | None:
    """The time (ns since 1970, by the machine's clock) that came with a read, if one did."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS) and len(data) >= _timespec.size:
            secs, nanos = _timespec.unpack_from(data)
            return int(secs * 10**9 + nanos)
    return None


def kernel_notes_times() -> bool:
    """Whether this machine's kernel does, tried over loopback: at once if so, else a second.

    Blocking.
    """
    with (
        contextlib.suppress(OSError),
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as asking,
        listener.accept()[0] as other,
    ):
        ask_for_times(asking)
        for _ in range(_MOST_TRIED):
            other.send(b"x")
            if noted(asking.recvmsg(1, ANCILLARY_BYTES)[1]) is not None:
                return True
            time.sleep(_PAUSE_SECS)
    return False


class ReceiveTimes:
    """Gives each read its time, for all sockets that are read together.

    `clock` labels what is recorded.  The kernel notes times by the clock of the `machine`, so only
    how long ago that was is taken from it; where that clock was set since, it tells nothing.
    """

    def __init__(self, clock: WallClock, machine: MachineClock) -> None:
        self._clock = clock
        self._machine = machine
        self._last_ns = 0
        self.reads = ReadsByTime()

    def monotonic_ns(self) -> int:
        """Now, by the clock of `empty_since_ns`."""
        return self._machine.monotonic_ns()

    def of_read(self, noted_ns: int | None, empty_since_ns: int) -> int:
        """When the last byte of a read came, not yet in order with those of other sockets.

        `empty_since_ns`, of `monotonic_ns`, is when the socket was last seen empty.
        """
        # In this order: if the thread has to wait between the two, a time is late, never early.
        machine_ns = self._machine.now_ns()
        now_ns = self._clock.now_ns()
        if noted_ns is not None:
            age_ns = machine_ns - noted_ns
            if 0 <= age_ns <= self._machine.monotonic_ns() - empty_since_ns:
                self.reads.kernel += 1
                return now_ns - age_ns
        self.reads.read += 1
        return now_ns

    def in_order(self, at_ns: int) -> int:
        """A time of `of_read`, or that which was given out before, if it is later."""
        self._last_ns = max(self._last_ns, at_ns)
        return self._last_ns
