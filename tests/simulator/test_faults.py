"""Faults of connections do what they say, and nothing else; impossible ones are refused."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import trio
from trio.testing import MockClock
from trio_websocket import ConnectionClosed
from wsproto import ConnectionType, WSConnection
from wsproto.events import CloseConnection, Request

from tests.simulator.clients import close_code, connect, exchange, messages, rounded, texts
from tests.simulator.faulty import TRADES, binance, ids, running
from tick_logger.simulator.faults import Faults


@pytest.mark.parametrize(("abrupt", "code"), [(1.0, 1006), (0.0, 1001)])
async def test_connections_are_cut_at_a_random_age(
    abrupt: float, code: int, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Within the range, by a dropped connection or a close frame; each at its own age."""
    served = binance(cut_after_secs=(3.0, 5.0), abrupt_cut_probability=abrupt)
    ages = []
    for _ in range(3):
        opened = trio.current_time()
        assert await close_code(await connect(nursery, served, TRADES)) == code
        ages.append(trio.current_time() - opened)
    assert all(3.0 <= age <= 5.0 for age in ages)
    assert len(set(ages)) == 3
    assert served.counts.cut == 3
    assert served.violations == []


async def test_a_stall_delays_but_loses_nothing(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Silence for the time given, with pings still answered, then everything that was due."""
    served = binance(stall_after_secs=(2.0, 2.0), stall_secs=10.0)
    connection = await running(nursery, served)
    before = ids(await messages(connection, 2.05))
    assert before
    with trio.fail_after(0.1):
        await connection.ping()
    assert await texts(connection, 9.9) == []
    after = ids(await messages(connection, 3.0))
    assert before + after == list(range(before[0], before[0] + len(before) + len(after)))
    assert len(after) > len(before)


async def test_a_half_open_connection_hears_and_says_nothing(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """No data, no pong, no end, until the server drops it without a violation."""
    served = binance(half_open_after_secs=(1.0, 1.0), half_open_secs=100.0)
    connection = await running(nursery, served)
    assert await texts(connection, 1.05)
    with trio.move_on_after(30.0) as scope:
        await connection.ping()
    assert scope.cancelled_caught
    assert await texts(connection, 50.0) == []
    assert served.live_sessions == 1
    assert await close_code(connection) == 1006
    assert rounded(trio.current_time()) == 101.0
    assert served.violations == []


async def test_a_slow_consumer_is_cut_and_holds_up_nobody(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Once more waits for it than the bound; others are served as before."""
    served = exchange("binance", queue_bytes=2000, faults=Faults(stall_after_secs=(0.0, 0.0)))
    slow = await connect(nursery, served, TRADES)
    await trio.sleep(0.001)
    served.set_faults(Faults())
    quick = await connect(nursery, served, TRADES)
    await nursery.start(served.run_market)
    got = ids(await messages(quick, 10.0))
    assert got == list(range(got[0], got[0] + len(got)))
    assert await close_code(slow) == 1006
    assert (served.counts.slow_consumers, served.live_sessions) == (1, 1)


async def test_set_faults_reaches_live_connections(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """New ages count from then; faults taken back do not happen."""
    served = binance(cut_after_secs=(10.0, 10.0))
    connection = await connect(nursery, served, TRADES)
    await trio.sleep(9.0)
    served.set_faults(Faults())
    await trio.sleep(9.0)
    assert served.live_sessions == 1
    served.set_faults(Faults(cut_after_secs=(2.0, 2.0)))
    assert await close_code(connection) == 1006
    assert rounded(trio.current_time()) == 20.0


@pytest.mark.parametrize(("abrupt", "code"), [(True, 1006), (False, 1001)])
async def test_cut_all_ends_every_connection(
    abrupt: bool, code: int, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """At once; new ones are accepted."""
    served = binance()
    both = [await connect(nursery, served, TRADES) for _ in range(2)]
    served.cut_all(abrupt)
    assert served.live_sessions == 0
    assert [await close_code(each) for each in both] == [code, code]
    assert rounded(trio.current_time()) == 0.0
    await connect(nursery, served, TRADES)
    assert (served.live_sessions, served.connections_opened) == (1, 3)


async def test_nothing_is_sent_after_a_close_frame(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """No pong to a ping that crossed it; when the client has answered it, the stream ends."""
    ours, theirs = trio.testing.memory_stream_pair()
    served = binance()
    nursery.start_soon(served.serve_stream, theirs)
    client = WSConnection(ConnectionType.CLIENT)
    await ours.send_all(client.send(Request(host="test", target=TRADES)))
    client.receive_data(bytes(await ours.receive_some()))
    served.cut_all(abrupt=False)
    client.receive_data(bytes(await ours.receive_some()))
    _, close = client.events()
    assert isinstance(close, CloseConnection)
    assert close.code == 1001
    await ours.send_all(b"\x89\x80mask")  # a ping
    await trio.testing.wait_all_tasks_blocked()
    await ours.send_all(client.send(close.response()))
    assert await ours.receive_some() == b""
    assert rounded(trio.current_time()) == 0.0


async def test_a_client_may_ping_while_the_server_closes(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The exchange survives, and drops a client that does not answer its close frame."""
    served = exchange("binance", lifetime_secs=1.0)
    connection = await connect(nursery, served, TRADES, queue=0)
    await nursery.start(served.run_market)
    with contextlib.suppress(ConnectionClosed):
        while trio.current_time() < 100.0:
            with trio.move_on_after(0.3):
                await connection.ping()
                await trio.sleep_forever()
    assert 6.0 <= trio.current_time() < 6.5  # closed at 1 s, dropped 5 s later
    assert (served.live_sessions, served.violations) == (0, [])
    assert await texts(await connect(nursery, served, TRADES), 0.9)


@pytest.mark.parametrize(
    "wrong",
    [
        {"garbage_probability": 1.5},
        {"id_hole_probability": -0.1},
        {"cut_after_secs": (5.0, 3.0)},
        {"stall_after_secs": (-1.0, 3.0)},
    ],
)
def test_impossible_faults_are_refused(wrong: dict[str, Any]) -> None:
    """When they are asked for, not when they should happen."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Faults(**wrong)
