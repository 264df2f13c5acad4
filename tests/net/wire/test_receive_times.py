"""When bytes were received, over real sockets of loopback, by a clock that tests can set."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator, Iterator

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tick_logger.clock import ManualClock, SteadyClock
from tick_logger.net.wire.poller import Poller
from tick_logger.net.wire.receive_times import (
    ANCILLARY_BYTES,
    ReadsByTime,
    ReceiveTimes,
    ask_for_times,
    kernel_notes_times,
    noted,
)
from tick_logger.net.wire.sockets import RECEIVE_BYTES, TcpStream

HOUR = 3600 * 10**9
SLACK = 60 * 10**9  # the machine is busy with other tests, and its clock may be set meanwhile


@attrs.define
class Machine:
    """The clock of this machine, which has gone on by `later_ns`, and was set by `set_ns`."""

    later_ns: int = 0
    set_ns: int = 0

    def now_ns(self) -> int:
        return time.time_ns() + self.later_ns + self.set_ns

    def monotonic_ns(self) -> int:
        return time.monotonic_ns() + self.later_ns


class Bench:
    """Streams whose poller looks when it is told to, and what was handed over."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.machine = Machine()
        self.clock = SteadyClock(self.machine)
        self.times = ReceiveTimes(self.clock, self.machine)
        self.poller = Poller(self.times)
        self.taken: list[tuple[bytes, int]] = []
        self.streams: list[trio.abc.Stream] = []
        self._nursery = nursery

    async def pair(self) -> trio.SocketStream:
        """The other end of a stream that is read from now on."""
        listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
        async with listener:
            port = listener.socket.getsockname()[1]
            stream = TcpStream(await trio.open_tcp_stream("127.0.0.1", port), self.poller)
            self._nursery.start_soon(stream.push_into, self._take)
            await wait_all_tasks_blocked()
            other: trio.SocketStream = await listener.accept()
            self.streams += [stream, other]
            return other

    def _take(self, data: bytes, recv_ns: int | None) -> bool:
        assert recv_ns is not None
        self.taken.append((data, recv_ns))
        return not data

    async def look(self, pieces: int) -> None:
        """Let the poller read until so many pieces were handed over."""
        while len(self.taken) < pieces:
            await trio.lowlevel.checkpoint()
            self.poller._pass()


@pytest.fixture(scope="module", autouse=True)
def noting() -> Iterator[None]:
    """The kernel begins to note times a moment after the first socket asks, and ends with the last.

    So one asks throughout, and has been heard.
    """
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as asking,
        listener.accept()[0] as other,
    ):
        ask_for_times(asking)
        known = None
        while known is None:
            other.send(b"x")
            known = noted(asking.recvmsg(1, ANCILLARY_BYTES)[1])
        yield


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with trio.open_nursery() as nursery:
        bench = Bench(nursery)
        yield bench
        nursery.cancel_scope.cancel()
    for stream in bench.streams:
        await trio.aclose_forcefully(stream)


async def test_a_read_that_is_late_has_the_time_of_its_packet(bench: Bench) -> None:
    """Though it is read an hour later."""
    other = await bench.pair()
    sent_ns = time.time_ns()
    await other.send_all(b"x")
    bench.machine.later_ns = HOUR
    await bench.look(1)
    ((data, recv_ns),) = bench.taken
    assert data == b"x"
    assert abs(recv_ns - sent_ns) <= SLACK
    assert bench.times.reads == ReadsByTime(kernel=1)


async def test_a_second_read_of_what_came_before_the_first_has_its_time(bench: Bench) -> None:
    """A read that is full leaves the rest in the socket, which was not empty meanwhile."""
    other = await bench.pair()
    sent_ns = time.time_ns()
    await other.send_all(bytes(RECEIVE_BYTES + 10))
    await bench.look(1)
    bench.machine.later_ns = HOUR
    await bench.look(2)
    assert sum(len(data) for data, _ in bench.taken) == RECEIVE_BYTES + 10
    first_ns, second_ns = (recv_ns for _, recv_ns in bench.taken)
    assert sent_ns - SLACK <= first_ns <= second_ns <= sent_ns + SLACK


async def test_sockets_are_handed_over_in_the_order_of_receipt(bench: Bench) -> None:
    """Whatever the order in which they are read: the first that could be was sent to once more."""
    others = [await bench.pair() for _ in range(5)]
    for number in (3, 0, 4, 1, 2, 3):
        await others[number].send_all(bytes([number]))
    bench.machine.later_ns = HOUR
    await bench.look(5)
    assert [data[0] for data, _ in bench.taken] == [0, 4, 1, 2, 3]
    times = [recv_ns for _, recv_ns in bench.taken]
    assert times == sorted(times)
    assert times[-1] < time.time_ns() + SLACK


@pytest.mark.parametrize("set_ns", [HOUR, -HOUR, 10 * SLACK, -10 * SLACK])
async def test_a_clock_that_is_set_before_the_read_makes_no_time_up(
    bench: Bench, set_ns: int
) -> None:
    """The time of the read stands in: what the kernel has noted is by the clock as it was."""
    other = await bench.pair()
    await other.send_all(b"x")
    bench.machine.set_ns = set_ns
    earliest_ns = bench.clock.now_ns()
    await bench.look(1)
    ((_, recv_ns),) = bench.taken
    assert earliest_ns <= recv_ns <= bench.clock.now_ns()
    assert bench.times.reads == ReadsByTime(read=1)


async def test_labels_that_are_ahead_of_a_clock_that_was_set_back(bench: Bench) -> None:
    """Then packets are labelled as far ahead as everything else is."""
    bench.machine.set_ns = -HOUR
    held_ns = bench.clock.held_ns
    assert held_ns > HOUR - SLACK
    other = await bench.pair()
    bench.times.reads = ReadsByTime()
    before_ns = bench.clock.now_ns()
    await other.send_all(b"x")
    await bench.look(1)
    ((_, recv_ns),) = bench.taken
    assert before_ns - SLACK <= recv_ns <= bench.clock.now_ns()


def test_this_kernel_is_one_that_notes_times() -> None:
    """Without root, on a socket like any other."""
    assert kernel_notes_times()


def test_without_a_time_of_the_kernel_it_is_that_of_the_read() -> None:
    """And counted as such."""
    clock = ManualClock(5 * HOUR)
    times = ReceiveTimes(clock, Machine())
    assert times.of_read(None, 0) == 5 * HOUR
    assert times.reads == ReadsByTime(read=1)


def test_times_never_run_backwards() -> None:
    """What was received before, and is read after, has the time of what was given out last."""
    times = ReceiveTimes(ManualClock(0), Machine())
    assert [times.in_order(at) for at in (5, 3, 7, 7, 6, 8)] == [5, 5, 7, 7, 7, 8]


class SlowMachine:
    """A clock in which a millisecond passes between any two looks."""

    def __init__(self) -> None:
        self._ns = HOUR

    def now_ns(self) -> int:
        self._ns += 10**6
        return self._ns

    def monotonic_ns(self) -> int:
        return self.now_ns()


def test_a_thread_that_has_to_wait_makes_no_time_early() -> None:
    machine = SlowMachine()
    times = ReceiveTimes(SteadyClock(machine), machine)
    empty_since_ns = times.monotonic_ns()
    came_ns = machine.now_ns()
    assert came_ns <= times.of_read(came_ns, empty_since_ns) <= came_ns + 3 * 10**6
    assert times.reads == ReadsByTime(kernel=1)
