"""Sockets whose brake is on, over loopback, in virtual time."""

from __future__ import annotations

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.net.wire.pairs import running, tcp_pair
from tick_logger.brake import Brake
from tick_logger.net.wire.poller import SLOW_SECS
from tick_logger.net.wire.sockets import RECEIVE_BYTES


async def test_while_the_brake_is_on_a_socket_is_read_slowly(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """One read each quarter of a second, 64 KiB at most; the others as ever, and it when let go."""
    poller, brake = running(nursery), Brake()
    slow, to_slow = await tcp_pair(poller, brake)
    quick, to_quick = await tcp_pair(poller)
    read: list[tuple[float, int]] = []
    quickly: list[float] = []

    def take(data: bytes, _: int | None) -> bool:
        read.append((trio.current_time(), len(data)))
        return not data

    def take_quickly(data: bytes, _: int | None) -> bool:
        quickly.append(trio.current_time())
        return not data

    async with slow, quick, trio.open_nursery() as readers:
        readers.start_soon(slow.push_into, take)
        readers.start_soon(quick.push_into, take_quickly)
        await wait_all_tasks_blocked()
        brake.put_on()
        await to_slow.send_all(bytes(2 * RECEIVE_BYTES + 10))
        await trio.sleep_until(0.1)
        assert read == []
        await to_quick.send_all(b"x")
        await trio.sleep_until(0.6)
        assert [at for at, _ in read] == [SLOW_SECS, 2 * SLOW_SECS]
        assert quickly == [0.1]
        brake.let_go()
        await trio.sleep_until(0.61)
        assert sum(size for _, size in read) == 2 * RECEIVE_BYTES + 10
        await to_slow.aclose()
        await to_quick.aclose()


async def test_the_end_of_a_braked_connection_is_seen(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """A reset at once; an end in order with the next slow read."""
    brake = Brake()
    stream, other = await tcp_pair(running(nursery), brake)
    brake.put_on()
    async with stream:
        await other.aclose()
        await stream.push_into(lambda data, _: not data)
    assert trio.current_time() <= SLOW_SECS
