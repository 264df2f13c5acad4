"""Each fault does what it says, and nothing else."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import pytest
import trio
from trio.testing import MockClock
from trio_websocket import ConnectionClosed, WebSocketConnection
from wsproto import ConnectionType, WSConnection
from wsproto.events import CloseConnection, Request

from tests.simulator.clients import (
    close_code,
    connect,
    exchange,
    memory_get,
    messages,
    rounded,
    send,
    texts,
)
from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.faults import FaultCounts, Faults
from tick_logger.simulator.session import Session

BTC = "BTCUSDT"
TRADES = "/ws/btcusdt@trade?timeUnit=MICROSECOND"


def binance(**faults: object) -> SimulatedExchange:
    """An exchange with these faults."""
    chosen: dict[str, Any] = faults
    return exchange("binance", faults=Faults(**chosen))


async def running(nursery: trio.Nursery, served: SimulatedExchange) -> WebSocketConnection:
    """A client of one trade stream of a running market."""
    connection = await connect(nursery, served, TRADES)
    await nursery.start(served.run_market)
    return connection


def ids(got: list[dict[str, Any]]) -> list[int]:
    """The trade ids."""
    return [each["t"] for each in got]


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


@pytest.mark.parametrize("name", ["coinbase", "binance"])
def test_garbage_comes_beside_real_messages(name: str) -> None:
    """Every kind comes, and without it the messages are those of an honest run."""
    honest, _ = payloads(name, Faults())
    mixed, sent = payloads(name, Faults(garbage_probability=0.3))
    bad = [each for each in mixed if each not in set(honest)]
    assert [each for each in mixed if each in set(honest)] == honest
    assert len(bad) == sent > 50
    assert any(isinstance(each, bytes) for each in bad)
    for mark in ("<html>", "[" * 5000, "tomorrow"):
        assert any(mark in each for each in bad if isinstance(each, str))
    assert any(re.search(r"\b[0-9]{26}\b", each) for each in bad if isinstance(each, str))
    assert any(not is_json(each) for each in bad if "<html>" not in str(each))
    assert any(is_json(each) and ('"seven"' in str(each) or '"t":"x"' in str(each)) for each in bad)


def is_json(text: str | bytes) -> bool:
    """Whether it can be parsed, depth aside."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


async def test_duplicates_are_whole_repetitions(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Half of the messages come twice in a row; none is missing."""
    served = binance(duplicate_probability=0.5)
    got = ids(await messages(await running(nursery, served), 20.0))
    once = list(dict.fromkeys(got))
    assert once == list(range(got[0], got[0] + len(once)))
    assert len(got) - len(once) == served.counts.duplicated
    assert 0.3 < served.counts.duplicated / len(once) < 0.7
    assert got == sorted(got)


async def test_reordered_messages_come_after_their_successor(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Neighbours are swapped, nothing is lost, and nothing moves farther than one place."""
    served = binance(reorder_probability=0.3)
    got = ids(await messages(await running(nursery, served), 20.0))
    in_order = sorted(got)
    assert in_order == list(range(in_order[0], in_order[0] + len(got)))
    moves = {abs(one - two) for one, two in zip(got, in_order, strict=True)}
    assert moves == {0, 1}
    assert served.counts.reordered > 10


async def test_what_is_held_back_comes_after_an_answer_too(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """An answer is a message like any other: the one held back comes right behind it."""
    served = binance(reorder_probability=1.0)
    connection = await connect(nursery, served, TRADES)
    served.step_once(1.0)
    (session,) = served._hub.clients
    assert isinstance(session, Session)
    assert session._delivery._held, "an odd number of trades"
    await send(connection, {"method": "LIST_SUBSCRIPTIONS", "id": 7})
    got = await messages(connection, 1.0)
    assert [each.get("id") for each in got[-2:]] == [7, None]
    numbers = sorted(each["t"] for each in got if "t" in each)
    assert numbers == [each.trade_id for each in served.truth.sent(BTC)]


async def test_lost_messages_are_kept_from_one_session(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The venue knows nothing of it, another session gets it, and the exchange tells which."""
    served = binance(lose_probability=0.2)
    first, second = [await connect(nursery, served, TRADES) for _ in range(2)]
    await nursery.start(served.run_market)
    got = [set(ids(await messages(each, 20.0))) for each in (first, second)]
    sent = {each.trade_id for each in served.truth.sent(BTC)}
    assert served.truth.withheld(BTC) == []
    lost = {name: set[int]() for name in ("connection 1", "connection 2")}
    for name, frame in served.lost:
        lost[name].add(json.loads(frame[frame.index(b"{") :])["t"])
    assert lost["connection 1"] != lost["connection 2"]
    assert sum(map(len, lost.values())) == served.counts.lost > 10
    assert got[0] == {number for number in sent if number <= max(got[0])} - lost["connection 1"]
    assert got[1] >= {number for number in sent if number <= max(got[1])} - lost["connection 2"]


async def test_id_holes_are_trades_that_nobody_is_sent(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The truth has them as withheld; sent and withheld together are dense."""
    served = binance(id_hole_probability=0.2)
    got = ids(await messages(await running(nursery, served), 20.0))
    withheld = [each.trade_id for each in served.truth.withheld(BTC)]
    assert len(withheld) > 5
    assert not set(withheld) & set(got)
    assert got == [each.trade_id for each in served.truth.sent(BTC)][: len(got)]
    newest = [each.trade_id for each in served.truth.subscribed(BTC)]
    assert newest == list(range(newest[0], newest[0] + len(newest)))


async def test_delayed_acks_delay_the_effect_too(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Each request by the same time, in the order of the requests."""
    served = binance(ack_delay_secs=7.0)
    await nursery.start(served.run_market)
    connection = await connect(nursery, served, "/ws")
    await send(connection, {"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1})
    await send(connection, {"method": "LIST_SUBSCRIPTIONS", "id": 2})
    assert await texts(connection, 6.99) == []
    one, two, *rest = await messages(connection, 3.0)
    assert (one, two) == ({"result": None, "id": 1}, {"result": ["btcusdt@trade"], "id": 2})
    assert rest


async def test_refused_symbols_are_refused(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """With each venue's kind of error, and without effect on the rest of the request."""
    refused = Faults(refused_symbols=frozenset({"BTCUSDT", "BTC-USD"}))
    one = await connect(nursery, exchange("binance", faults=refused), "/ws")
    params = ["ethusdt@trade", "btcusdt@trade"]
    await send(one, {"method": "SUBSCRIBE", "params": params, "id": 4})
    await send(one, {"method": "LIST_SUBSCRIPTIONS", "id": 5})
    error, listed = await messages(one, 1.0)
    assert (error["error"]["code"], error["id"]) == (2, 4)
    assert listed == {"result": [], "id": 5}
    two = await connect(nursery, exchange("coinbase", faults=refused))
    products = ["ETH-USD", "BTC-USD"]
    await send(two, {"type": "subscribe", "channels": ["ticker"], "product_ids": products})
    (reply,) = await messages(two, 1.0)
    assert reply["reason"] == "BTC-USD is not a valid product"


async def test_requests_with_never_acked_symbols_are_ignored(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """No answer and no effect, on either venue; the next request is answered as if alone."""
    silent = Faults(never_acked_symbols=frozenset({"BTCUSDT", "BTC-USD"}))
    one = await connect(nursery, exchange("binance", faults=silent), "/ws")
    await send(one, {"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 4})
    await send(one, {"method": "LIST_SUBSCRIPTIONS", "id": 5})
    assert await messages(one, 1.0) == [{"result": [], "id": 5}]
    two = await connect(nursery, exchange("coinbase", faults=silent))
    for product in ("BTC-USD", "ETH-USD"):
        request = {"type": "subscribe", "channels": ["heartbeat"], "product_ids": [product]}
        await send(two, request)
    (reply,) = await messages(two, 1.0)
    assert [each["product_ids"] for each in reply["channels"]] == [["ETH-USD"]]


async def test_rest_fails_with_a_status_or_hangs(autojump_clock: MockClock) -> None:
    """The status at once, the hang for its time, over HTTP and in the plain call."""
    served = binance(rest_status=503)
    assert [status for status, _ in await memory_get(served, "/api/v3/exchangeInfo")] == [503]
    assert served.rest("/api/v3/exchangeInfo")[0] == 503
    before = trio.current_time()
    served.set_faults(Faults(rest_hang_secs=40.0))
    assert [status for status, _ in await memory_get(served, "/api/v3/exchangeInfo")] == [200]
    assert rounded(trio.current_time() - before) == 40.0


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


def payloads(name: str, faults: Faults, seed: int = 0) -> tuple[list[str | bytes], int]:
    """What a client gets in a run of its own, and how much of it was garbage."""
    channels = ["ticker", "matches", "heartbeat", "level2_batch", "status"]
    streams = [f"btcusdt@{kind}" for kind in ("trade", "bookTicker", "ticker", "depth@100ms")]
    requests: dict[str, tuple[str, dict[str, Any]]] = {
        "coinbase": ("/", {"type": "subscribe", "channels": channels, "product_ids": ["BTC-USD"]}),
        "binance": ("/stream", {"method": "SUBSCRIBE", "params": streams, "id": 1}),
    }
    resource, request = requests[name]

    async def main() -> list[str | bytes]:
        async with trio.open_nursery() as nursery:
            served = exchange(name, seed=seed, faults=faults, messages_per_second=300.0)
            counts.append(served.counts)
            await nursery.start(served.run_market)
            await trio.sleep(0.005)
            connection = await connect(nursery, served, resource)
            await send(connection, request)
            got = await texts(connection, 8.0)
            nursery.cancel_scope.cancel()
        return got

    counts: list[FaultCounts] = []
    got = trio.run(main, clock=MockClock(autojump_threshold=0))
    return got, counts[0].garbage


@pytest.mark.parametrize("name", ["coinbase", "binance"])
def test_equal_seeds_give_equal_payloads(name: str) -> None:
    """To the byte and in order, faults included; other seeds give others."""
    faults = Faults(
        garbage_probability=0.1,
        duplicate_probability=0.1,
        reorder_probability=0.1,
        id_hole_probability=0.1,
        cut_after_secs=(4.0, 6.0),
    )
    first = payloads(name, faults, seed=7)
    assert len(first[0]) > 100
    assert payloads(name, faults, seed=7) == first
    assert payloads(name, faults, seed=8) != first
