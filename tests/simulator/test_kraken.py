"""The Kraken dialect over memory streams on virtual time: answers, connections, and the listing."""

from __future__ import annotations

import collections
import json

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tests.recordings import body, needs_recordings
from tests.simulator.clients import (
    close_code,
    connect,
    exchange,
    memory_get,
    messages,
    send,
    texts,
    upgrade_status,
)
from tests.simulator.kraken_client import (
    BTC,
    ETH,
    NAME,
    SHIB,
    TIMES,
    of_channel,
    opened,
    recorded,
    subscribe,
    timeless,
)
from tick_logger.exchanges.kraken import EXCHANGE
from tick_logger.simulator.faults import Faults

# -- answers ---------------------------------------------------------------------------------------


async def test_each_symbol_is_answered_for_itself(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Granted or refused, with the id of the request; snapshots come after the answers."""
    served = exchange(NAME)
    connection = await opened(nursery, served)
    await send(connection, subscribe("book", BTC, "XBT/USD", ETH, depth=100, req_id=7))
    *answers, one, two = await messages(connection, 1.0)
    result = {"channel": "book", "depth": 100, "snapshot": True}
    granted = {"method": "subscribe", "req_id": 7, "success": True, "times": True}
    assert [timeless(each) for each in answers] == [
        granted | {"result": result | {"symbol": BTC}},
        {
            "error": "Currency pair not supported XBT/USD",
            "method": "subscribe",
            "req_id": 7,
            "success": False,
            "symbol": "XBT/USD",
            "times": True,
        },
        granted | {"result": result | {"symbol": ETH}},
    ]
    assert [each["data"][0]["symbol"] for each in (one, two)] == [BTC, ETH]
    assert served.violations == []


async def test_a_request_without_an_id_is_answered_without_one(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """As recorded."""
    connection = await opened(nursery, exchange(NAME))
    await send(connection, subscribe("trade", BTC, req_id=None))
    (answer,) = await messages(connection, 1.0)
    assert list(answer) == ["method", "result", "success", *TIMES]
    assert list(answer["result"]) == ["channel", "snapshot", "symbol"]


async def test_subscribing_twice_is_refused_and_ends_nothing(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Not even with another depth."""
    served = exchange(NAME)
    connection = await opened(nursery, served)
    await send(connection, subscribe("book", BTC, depth=100))
    await messages(connection, 1.0)
    await send(connection, subscribe("book", BTC, depth=10, req_id=2))
    (refusal,) = await messages(connection, 1.0)
    assert (refusal["error"], refusal["req_id"]) == ("Already subscribed", 2)
    await nursery.start(served.run_market)
    assert of_channel([str(each).encode() for each in await texts(connection, 1.0)], "book")


async def test_unsubscribing_ends_what_it_names_exactly(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Another depth is another subscription."""
    served = exchange(NAME)
    connection = await opened(nursery, served)
    await send(connection, subscribe("book", BTC, depth=100))
    await messages(connection, 1.0)
    for depth in (10, 100, 100):
        params = {"channel": "book", "symbol": [BTC], "depth": depth}
        await send(connection, {"method": "unsubscribe", "params": params, "req_id": 3})
    wrong, right, gone = [timeless(each) for each in await messages(connection, 1.0)]
    common = {"method": "unsubscribe", "req_id": 3, "times": True}
    missing = {"error": "Subscription Not Found", "success": False, "symbol": BTC}
    assert wrong == gone == common | missing
    result = {"channel": "book", "depth": 100, "symbol": BTC}
    assert right == common | {"result": result, "success": True}
    await nursery.start(served.run_market)
    assert await messages(connection, 5.0) == []  # and no heartbeats without a subscription


async def test_pings_are_answered(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """With the id if there is one; with an error, and a violation, if there is more."""
    served = exchange(NAME)
    connection = await opened(nursery, served)
    await send(connection, {"method": "ping"})
    await send(connection, {"method": "ping", "req_id": 4})
    await send(connection, {"method": "ping", "params": {}, "req_id": 0})
    one, two, three = [timeless(each) for each in await messages(connection, 1.0)]
    assert one == {"method": "pong", "times": True}
    assert two == {"method": "pong", "req_id": 4, "times": True}
    assert three == {
        "error": "Unsupported field: 'params' for the given msg type: ping",
        "method": "ping",
        "req_id": 0,
        "success": False,
        "times": True,
    }
    assert len(served.violations) == 1


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{", "Malformed request"),
        ("[]", "Malformed request"),
        ('{"method":"dance"}', "Unsupported event"),
        ('{"method":"subscribe"}', "Unsupported event"),
        ('{"method":"subscribe","params":{"channel":"books","symbol":["BTC/USD"]}}', "Unsupported"),
        ('{"method":"subscribe","params":{"channel":"book","symbol":"BTC/USD"}}', "Symbol field"),
        ('{"method":"subscribe","params":{"channel":"book","symbol":[]}}', "Symbol field"),
        (
            '{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":50}}',
            "Subscription depth not supported",
        ),
        (
            '{"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USD"],"depth":10}}',
            "Unsupported field: 'depth' for the given msg type: subscribe",
        ),
        ('{"method":"subscribe","params":{},"x":1}', "Unsupported field: 'x'"),
        ('{"method":"ping","req_id":-1}', "Invalid req_id"),
        (
            '{"method":"unsubscribe","params":'
            '{"channel":"trade","symbol":["BTC/USD"],"snapshot":true}}',
            "Unsupported field: 'snapshot'",
        ),
        (
            '{"method":"subscribe","params":'
            '{"channel":"trade","symbol":["BTC/USD"],"snapshot":"yes"}}',
            "Snapshot field",
        ),
    ],
)
async def test_malformed_requests_are_violations(
    text: str, error: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """They are answered by an error; the connection stays."""
    served = exchange(NAME)
    connection = await opened(nursery, served)
    await connection.send_message(text)
    (reply,) = await messages(connection, 1.0)
    assert reply["error"].startswith(error)
    assert reply["success"] is False
    assert len(served.violations) == 1
    assert served.live_sessions == 1


async def test_faults_of_single_symbols(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """One is refused as if it did not exist; a request that names the other is ignored."""
    faults = Faults(refused_symbols=frozenset({ETH}), never_acked_symbols=frozenset({SHIB}))
    connection = await opened(nursery, exchange(NAME, faults=faults))
    await send(connection, subscribe("trade", ETH))
    (refusal,) = await messages(connection, 1.0)
    assert refusal["error"] == "Currency pair not supported ETH/USD"
    await send(connection, subscribe("trade", BTC, SHIB))
    assert await messages(connection, 30.0) == []


# -- connections -----------------------------------------------------------------------------------


async def test_connections_are_numbered_beyond_63_bits(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """In the status that greets them, with the fields of 2026."""
    connection = await connect(nursery, exchange(NAME), "/v2")
    (status,) = await messages(connection, 1.0)
    (data,) = status["data"]
    assert data.pop("connection_id") >= 2**63
    assert status | {"data": [data]} == {
        "channel": "status",
        "type": "update",
        "data": [
            {
                "version": "2.0.10",
                "system": "online",
                "api_version": "v2",
                "upcoming_maintenance": [],
                "emergency": [],
            }
        ],
    }


async def test_only_version_two_is_spoken(autojump_clock: MockClock) -> None:
    """The root, where version one lives, is not served."""
    assert await upgrade_status(exchange(NAME), "/") == 404


async def test_too_many_connects_lead_to_a_ban(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """150 in ten minutes are allowed; one more, and nobody is let in for ten minutes."""
    served = exchange(NAME)
    for _ in range(150):
        await connect(nursery, served, "/v2")
    assert served.violations == []
    assert await upgrade_status(served, "/v2") == 404
    assert "150 connects in ten minutes" in served.violations[0]
    await nursery.start(served.run_market)
    await trio.sleep(601.0)
    await connect(nursery, served, "/v2")


async def test_who_is_silent_for_a_minute_is_cut(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """A ping in time keeps the connection."""
    served = exchange(NAME)
    connection = await opened(nursery, served)
    await trio.sleep(50.0)
    await send(connection, {"method": "ping"})
    assert len(await messages(connection, 55.0)) == 1
    assert served.violations == []
    assert await close_code(connection) == 1008
    assert served.violations == ["connection 1: nothing was sent for 60 s"]


async def test_too_many_requests_are_a_violation(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Answered by an error; the connection stays."""
    served = exchange(NAME)
    connection = await opened(nursery, served)
    for _ in range(16):
        await send(connection, {"method": "ping"})
    errors = [m["error"] for m in await messages(connection, 1.0) if "error" in m]
    assert errors == ["Exceeded msg rate"]
    assert served.violations == ["connection 1: more than 15 messages in a second"]
    assert served.live_sessions == 1


async def test_heartbeats_come_when_nothing_else_does(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """One a second to who has subscribed and hears nothing; none beside data, or before."""
    served = exchange(NAME, messages_per_second=0.0)
    connection = await opened(nursery, served)
    await nursery.start(served.run_market)
    assert await messages(connection, 5.0) == []
    await send(connection, subscribe("trade", BTC))
    got = await messages(connection, 10.05)
    assert collections.Counter(m.get("channel", "answer") for m in got) == {
        "answer": 1,
        "heartbeat": 10,
    }


async def test_heartbeats_do_not_come_beside_data(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The busiest book leaves no second without a message."""
    got = await recorded(nursery, exchange(NAME), 5.0, subscribe("book", BTC))
    assert len(of_channel(got, "book")) > 20
    assert of_channel(got, "heartbeat") == []


async def test_an_announced_end_is_no_json(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """It is the proxy before the venue that says so."""
    served = exchange(NAME)
    connection = await opened(nursery, served)
    assert served.announce_shutdown() == 1
    assert await texts(connection, 1.0) == ["CloudFlare WebSocket proxy restarting"]


# -- listing ---------------------------------------------------------------------------------------


async def test_the_listing_has_old_names_and_a_dark_pool(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Slashes escaped; what was delisted is not online, and cannot be subscribed to."""
    served = exchange(NAME, symbols=[BTC, "DOGE/USD", "ETH/BTC"])
    served.delist_symbol("ETH/BTC")
    ((status, text),) = await memory_get(served, "/0/public/AssetPairs")
    assert status == 200
    assert b'"wsname":"XBT\\/USD"' in text
    pairs = json.loads(text)["result"]
    assert {name: pair.get("wsname") for name, pair in pairs.items()} == {
        "XBTUSD": "XBT/USD",
        "XBTUSD.d": None,
        "XDGUSD": "XDG/USD",
        "ETHXBT": "ETH/XBT",
    }
    listed = {each.symbol: each.active for each in EXCHANGE.parse_listing(text)}
    assert listed == {BTC: True, "DOGE/USD": True, "ETH/BTC": False}
    connection = await opened(nursery, served)
    await send(connection, subscribe("trade", "ETH/BTC"))
    (refusal,) = await messages(connection, 1.0)
    assert refusal["error"] == "Currency pair not supported ETH/BTC"
    served.list_symbol("NEW/USD")
    await send(connection, subscribe("trade", "NEW/USD"))
    (answer,) = await messages(connection, 1.0)
    assert answer["success"] is True


@needs_recordings
async def test_the_listing_has_the_fields_of_the_recorded_one(autojump_clock: MockClock) -> None:
    """Of 2021; those that came since are there besides."""
    ((_, text),) = await memory_get(exchange(NAME), "/0/public/AssetPairs")
    real = json.loads(body("kraken/rest_AssetPairs_2021-04-17.json"))["result"]["XXBTZUSD"]
    since = {"cost_decimals", "costmin", "tick_size", "status"}
    assert set(json.loads(text)["result"]["XBTUSD"]) == set(real) | since


async def test_errors_by_rest_have_status_200(autojump_clock: MockClock) -> None:
    """As the venue's have."""
    ((status, text),) = await memory_get(exchange(NAME), "/0/public/Nothing")
    assert (status, json.loads(text)) == (200, {"error": ["EGeneral:Unknown method"]})
