"""The Advanced Trade dialect over memory streams on virtual time: its rules."""

from __future__ import annotations

import json

import pytest
import trio
from trio.testing import MockClock
from trio_websocket import WebSocketConnection

from tests.simulator.advanced import (
    BTC,
    ETH,
    HEARTBEATS,
    NAME,
    client,
    events,
    of_channel,
    subscribe,
)
from tests.simulator.clients import (
    close_code,
    connect,
    exchange,
    memory_get,
    messages,
    rounded,
    send,
    upgrade_status,
)
from tick_logger.simulator.faults import Faults

# -- subscribing -----------------------------------------------------------------------------------


async def test_a_client_that_does_not_subscribe_is_closed_after_five_seconds(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Exactly then, with a violation."""
    served = exchange(NAME)
    assert await close_code(await connect(nursery, served)) == 1008
    assert rounded(trio.current_time()) == 5.0
    assert served.violations == ["connection 1: no request within 5 s"]


async def test_answers_are_the_whole_list(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """Channels in alphabetical order, each with its products; heartbeats have their own name."""
    connection = await connect(nursery, exchange(NAME))
    answers = []
    for request in (
        subscribe("ticker", ETH, BTC),
        HEARTBEATS,
        subscribe("level2", BTC),
        {**subscribe("ticker", ETH), "type": "unsubscribe"},
        {**subscribe("level2", BTC), "type": "unsubscribe"},
    ):
        await send(connection, request)
        (answer,) = of_channel(await messages(connection, 0.5), "subscriptions")
        (event,) = answer["events"]
        answers.append(list(event["subscriptions"].items()))
    assert answers == [
        [("ticker", [ETH, BTC])],
        [("heartbeats", ["heartbeats"]), ("ticker", [ETH, BTC])],
        [("heartbeats", ["heartbeats"]), ("level2", [BTC]), ("ticker", [ETH, BTC])],
        [("heartbeats", ["heartbeats"]), ("level2", [BTC]), ("ticker", [BTC])],
        [("heartbeats", ["heartbeats"]), ("ticker", [BTC])],
    ]


@pytest.mark.parametrize("channel", ["market_trades", "ticker", "level2"])
async def test_snapshots_come_before_the_answer(
    channel: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """One message per product; none again for what is subscribed already."""
    connection = await connect(nursery, exchange(NAME))
    named = {"level2": "l2_data"}.get(channel, channel)
    await send(connection, subscribe(channel, BTC))
    await send(connection, subscribe(channel))
    got = await messages(connection, 0.5)
    assert [(message["channel"], message["events"][0].get("type")) for message in got] == [
        (named, "snapshot"),
        ("subscriptions", None),
        (named, "snapshot"),
        ("subscriptions", None),
    ]


async def test_a_new_subscription_begins_with_a_snapshot_again(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Which is how a book begins anew on the same connection."""
    connection = await client(nursery, exchange(NAME), HEARTBEATS, subscribe("level2", BTC))
    assert len(events(await messages(connection, 1.0), "l2_data", "snapshot")) == 1
    await send(connection, {**subscribe("level2", BTC), "type": "unsubscribe"})
    while (message := json.loads(await connection.get_message()))["channel"] != "subscriptions":
        assert message["channel"] in {"l2_data", "heartbeats"}  # sent before the request came
    assert of_channel(await messages(connection, 1.0), "l2_data") == []
    await send(connection, subscribe("level2", BTC))
    again = await messages(connection, 1.0)
    assert len(events(again, "l2_data", "snapshot")) == 1
    assert events(again, "l2_data")


async def test_an_unknown_product_refuses_the_whole_request(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The good one is not subscribed either; an alias is not a product of these channels."""
    served = exchange(NAME)
    connection = await connect(nursery, served)
    await send(connection, subscribe("ticker", BTC, "NOPE-USD"))
    await send(connection, subscribe("ticker", "BTC-USDC"))
    assert await messages(connection, 1.0) == [
        {"type": "error", "message": "NOPE-USD is not a valid product"},
        {"type": "error", "message": "BTC-USDC is not a valid product"},
    ]
    assert served.violations == []


async def test_faulty_symbols_are_refused_or_ignored(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Refused ones with an error, never acknowledged ones by silence."""
    faults = Faults(refused_symbols=frozenset({BTC}), never_acked_symbols=frozenset({ETH}))
    connection = await connect(nursery, exchange(NAME, faults=faults))
    await send(connection, subscribe("ticker", BTC))
    await send(connection, subscribe("ticker", "SOL-USD", ETH))
    await send(connection, subscribe("market_trades", "SOL-USD"))
    error, _, answer = await messages(connection, 1.0)
    assert error == {"type": "error", "message": "BTC-USD is not a valid product"}
    assert answer["events"] == [{"subscriptions": {"market_trades": ["SOL-USD"]}}]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("{", "failed to read"),
        ("[]", "failed to read"),
        ('{"type":"dance","channel":"ticker"}', "subscribe or unsubscribe required"),
        ('{"type":"subscribe","channel":"matches"}', "authentication failure"),
        ('{"type":"subscribe","channels":["ticker"],"product_ids":["BTC-USD"]}', "authentication"),
        ('{"type":"subscribe","channel":"ticker"}', "no products"),
        ('{"type":"subscribe","channel":"ticker","product_ids":["BTC-USD"],"jwt":"x"}', "auth"),
    ],
)
async def test_malformed_requests_are_violations(
    text: str, answer: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """They are answered by an error: one channel per request, in the field of that name."""
    served = exchange(NAME)
    connection = await connect(nursery, served)
    await connection.send_message(text)
    (reply,) = await messages(connection, 1.0)
    assert reply["type"] == "error"
    assert reply["message"].startswith(answer)
    assert len(served.violations) == 1


async def test_a_request_may_carry_a_token(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Of three parts."""
    served = exchange(NAME)
    connection = await connect(nursery, served)
    await send(connection, {**subscribe("ticker", BTC), "jwt": "head.body.signature"})
    assert len(of_channel(await messages(connection, 1.0), "subscriptions")) == 1
    assert served.violations == []


async def test_more_than_eight_requests_a_second_are_a_violation(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The ninth is answered by an error; the connection stays."""
    served = exchange(NAME)
    connection = await connect(nursery, served)
    for _ in range(8):
        await send(connection, HEARTBEATS)
    assert served.violations == []
    await send(connection, HEARTBEATS)
    got = await messages(connection, 0.1)
    assert [message["type"] for message in got if "type" in message] == ["error"]
    assert served.violations == ["connection 1: more than 8 messages in a second"]
    assert served.live_sessions == 1


# -- staying ---------------------------------------------------------------------------------------


async def keep_pinging(connection: WebSocketConnection) -> None:
    while True:
        await trio.sleep(15.0)
        await connection.ping()


async def test_a_client_that_sends_no_frame_is_cut(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """After 29 s, although it hears messages; pings are frames."""
    served = exchange(NAME)
    silent = await client(nursery, served, HEARTBEATS)
    pinging = await connect(nursery, served)
    await send(pinging, HEARTBEATS)
    nursery.start_soon(keep_pinging, pinging)
    assert await close_code(silent) == 1008
    assert rounded(trio.current_time()) == 29.0
    await trio.sleep(60.0)
    assert served.live_sessions == 1
    assert served.violations == ["connection 1: nothing was sent for 29 s"]
    nursery.cancel_scope.cancel()


async def test_a_quiet_channel_is_closed_unless_there_are_heartbeats(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """After 90 s without a message, without a word; that is a violation."""
    served = exchange(NAME, symbols=[BTC, ETH])
    served.delist_symbol(ETH)
    quiet = await client(nursery, served)
    beating = await connect(nursery, served)
    served.list_symbol(ETH)
    for connection in (quiet, beating):
        await send(connection, subscribe("market_trades", ETH))
        nursery.start_soon(keep_pinging, connection)
    await send(beating, HEARTBEATS)
    await trio.sleep(0.01)
    served.delist_symbol(ETH)
    await trio.sleep(89.0)
    assert served.violations == []
    await trio.sleep(3.0)
    rule = "market_trades closed: quiet for 90 s, no heartbeats"
    assert served.violations == [f"connection 1: {rule}"]
    served.list_symbol(ETH)
    await trio.sleep(5.0)
    heard = [events(await messages(each, 0.01), "market_trades") for each in (quiet, beating)]
    assert [len(each) > 3 for each in heard] == [False, True]
    nursery.cancel_scope.cancel()


async def test_heartbeats_come_each_second_and_count_without_end(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Ten in ten seconds, on all connections the same, not from 0 on."""
    connection = await client(nursery, exchange(NAME), HEARTBEATS)
    beats = of_channel(await messages(connection, 10.05), "heartbeats")
    counters = [message["events"][0]["heartbeat_counter"] for message in beats]
    assert counters == list(range(counters[0], counters[0] + 10))
    assert counters[0] > 1000


# -- addresses -------------------------------------------------------------------------------------


async def test_delisted_products_are_listed_as_such_and_cannot_be_subscribed(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """New ones can, at once."""
    served = exchange(NAME, symbols=[BTC, ETH])
    await nursery.start(served.run_market)
    served.delist_symbol(ETH)
    served.list_symbol("NEW-USD")
    _, listing = served.rest("/api/v3/brokerage/market/products?limit=5")
    status = {each["product_id"]: each["status"] for each in json.loads(listing)["products"]}
    usd = {name: each for name, each in status.items() if name.endswith("USD")}
    assert usd == {BTC: "online", ETH: "delisted", "NEW-USD": "online"}
    connection = await connect(nursery, served)
    await send(connection, subscribe("ticker", "NEW-USD"))
    await send(connection, subscribe("ticker", ETH))
    got = await messages(connection, 3.0)
    assert events(got, "ticker")
    assert got[2] == {"type": "error", "message": "ETH-USD is not a valid product"}


async def test_other_addresses_do_not_exist(autojump_clock: MockClock) -> None:
    """Neither by REST nor for WebSockets."""
    served = exchange(NAME)
    assert [status for status, _ in await memory_get(served, "/products", "/")] == [404, 404]
    assert await upgrade_status(served, "/ws") == 404
