"""The Bybit dialects over memory streams on virtual time, seen by a plain WebSocket client."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.recordings import body, frames, needs_recordings
from tests.simulator.bybit_client import BTC, ETH, client, each_venue, request, streamed
from tests.simulator.clients import (
    close_code,
    connect,
    exchange,
    memory_get,
    messages,
    rounded,
    send,
    texts,
    upgrade_status,
)
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Acknowledged, BookLink, BookSnapshot, Subscription
from tick_logger.model.tables import Table
from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.faults import Faults

RECORDED = {
    "bybit": "bybit/ws_2026-08-09_spot.jsonl",
    "bybit_linear": "bybit/ws_2026-08-09_linear.jsonl.gz",
}


async def answers(
    nursery: trio.Nursery, served: SimulatedExchange, *requests: dict[str, Any]
) -> list[dict[str, Any]]:
    """What requests are answered while the market stands still, without the connection's id."""
    connection = await client(nursery, served)
    for each in requests:
        await send(connection, each)
    got = await messages(connection, 1.0)
    for each in got:
        each.pop("conn_id", None)
    return got


# -- requests --------------------------------------------------------------------------------------


async def test_spot_answers_as_recorded(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """Without an id if none was sent, and before the first message of the topic."""
    got = await answers(
        nursery,
        exchange("bybit"),
        request("subscribe", f"tickers.{BTC}"),
        request("unsubscribe", f"tickers.{BTC}", req_id="7"),
        {"op": "ping"},
    )
    assert [each.get("topic", each) for each in got] == [
        {"success": True, "ret_msg": "subscribe", "op": "subscribe"},
        f"tickers.{BTC}",
        {"success": True, "ret_msg": "unsubscribe", "req_id": "7", "op": "unsubscribe"},
        {"success": True, "ret_msg": "pong", "op": "ping"},
    ]


async def test_linear_answers_as_recorded(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """With an empty id if none was sent, and after the first message of the topic."""
    got = await answers(
        nursery,
        exchange("bybit_linear"),
        request("subscribe", f"tickers.{BTC}"),
        {"op": "ping", "req_id": "p"},
    )
    assert [each.get("topic", each) for each in got] == [
        f"tickers.{BTC}",
        {"success": True, "ret_msg": "", "req_id": "", "op": "subscribe"},
        {"success": True, "ret_msg": "pong", "req_id": "p", "op": "ping"},
    ]


@each_venue
async def test_more_than_ten_topics_are_refused(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """With the venue's text, none is subscribed, and it is a breach; ten are fine."""
    served = exchange(name)
    eleven = [f"publicTrade.{symbol}" for symbol in list(served.market.listings)[:11]]
    got = await answers(nursery, served, request("subscribe", *eleven))
    assert [(each["success"], each["ret_msg"]) for each in got] == [(False, "args size >10")]
    got = await answers(nursery, served, request("subscribe", *eleven[:10]))
    assert [each["success"] for each in got] == [True]
    assert served.violations == ["connection 1: 11 args in one request"]


@each_venue
@pytest.mark.parametrize("topic", ["tickers.NOPEUSDT", "candle.1.BTCUSDT", "orderbook.25.BTCUSDT"])
async def test_an_unknown_topic_refuses_the_whole_request(
    name: str, topic: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """It is named; nobody is to blame, because symbols come and go."""
    served = exchange(name)
    got = await answers(nursery, served, request("subscribe", f"tickers.{BTC}", topic))
    reason = {
        "bybit": f"Invalid symbol :[{topic}]",
        "bybit_linear": f"error:handler not found,topic:{topic}",
    }
    assert [(each["success"], each["ret_msg"]) for each in got] == [(False, reason[name])]
    assert served.violations == []


@each_venue
async def test_what_is_live_cannot_be_subscribed_again(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The request is refused; ended topics can."""
    topic = f"publicTrade.{BTC}"
    requests = [request(op, topic) for op in ("subscribe", "subscribe", "unsubscribe", "subscribe")]
    got = await answers(nursery, exchange(name), *requests)
    assert [each["success"] for each in got] == [True, False, True, True]
    assert got[1]["ret_msg"] == f"error:already subscribed,topic:{topic}"


async def test_a_connection_has_room_for_so_many_characters(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Over 21,000 of all topics together it is a breach."""
    symbols = [f"C{n:03}{'X' * 34}USDT" for n in range(420)]  # with its topic, 49 and more
    served = exchange("bybit", symbols=symbols)
    connection = await client(nursery, served)
    outcomes = []
    for start in range(0, 400, 10):
        topics = [f"publicTrade.{symbol}" for symbol in symbols[start : start + 10]]
        await send(connection, request("subscribe", *topics))
        (reply,) = await messages(connection, 0.1)
        outcomes.append(reply["success"])
    fitting = 21_000 // (len(symbols[0]) + len("publicTrade.") + 3) // 10
    assert outcomes == [True] * fitting + [False] * (40 - fitting)
    assert len(served.violations) == 40 - fitting


@each_venue
@pytest.mark.parametrize("text", ["{", "[]", '{"op":"dance"}', '{"op":"subscribe","args":7}'])
async def test_malformed_requests_are_violations(
    name: str, text: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """They are answered without success."""
    served = exchange(name)
    connection = await client(nursery, served)
    await connection.send_message(text)
    (reply,) = await messages(connection, 1.0)
    assert reply["success"] is False
    assert len(served.violations) == 1


async def test_symbols_that_are_refused_or_ignored(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """As the faults say."""
    faults = Faults(refused_symbols=frozenset({BTC}), never_acked_symbols=frozenset({ETH}))
    served = exchange("bybit_linear", faults=faults)
    requests = [request("subscribe", f"publicTrade.{symbol}") for symbol in (BTC, ETH)]
    (only,) = await answers(nursery, served, *requests)
    assert only["ret_msg"] == f"error:handler not found,topic:publicTrade.{BTC}"


# -- duties of a client ----------------------------------------------------------------------------


async def test_a_client_that_sends_nothing_is_cut_after_ten_minutes(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """One that pings is not."""
    served = exchange("bybit")
    silent, alive = await client(nursery, served), await client(nursery, served)

    async def ping() -> None:
        while True:
            await trio.sleep(20.0)
            await send(alive, {"op": "ping"})

    nursery.start_soon(ping)
    assert await close_code(silent) == 1008
    assert rounded(trio.current_time()) == 600.0
    assert served.live_sessions == 1
    assert served.violations == ["connection 1: nothing was sent for 600 s"]


async def test_too_many_messages_or_connections_are_violations(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """21 in a second, and 501 in five minutes."""
    served = exchange("bybit")
    connection = await client(nursery, served)
    for _ in range(21):
        await send(connection, {"op": "ping"})
    assert await close_code(connection) == 1008
    for _ in range(499):
        await (await client(nursery, served)).aclose()
    assert served.violations == ["connection 1: more than 20 messages in a second"]
    assert await close_code(await client(nursery, served)) == 1008
    assert served.violations[1:] == ["connection 501: more than 500 connections in 5 minutes"]


async def test_the_feed_lives_at_its_two_paths(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Either is written as its category is, on one market; others are answered by 404."""
    served = exchange("bybit")
    linear = await client(nursery, served, "/v5/public/linear")
    await send(linear, request("subscribe", f"tickers.{BTC}"))
    (ticker, _) = await messages(linear, 1.0)
    assert list(ticker) == ["topic", "type", "data", "cs", "ts"]
    for path in ("/", "/v5/public/inverse"):
        assert await upgrade_status(served, path) == 404


# -- the real thing --------------------------------------------------------------------------------


def shape(message: Any) -> object:  # noqa: ANN401
    """Keys in their order and kinds of values, all the way down; lists by their first element."""
    if isinstance(message, dict):
        return [(key, shape(value)) for key, value in message.items()]
    if isinstance(message, list):
        return [shape(message[0])] if message else []
    return type(message).__name__


def shapes(got: list[dict[str, Any]]) -> dict[tuple[str, str], Any]:
    """The shape of the first message of each topic and type in which both sides have levels."""
    found: dict[tuple[str, str], Any] = {}
    for each in got:
        topic, data = each["topic"].rpartition(".")[0], each["data"]
        if topic.startswith("orderbook") and not (data["b"] and data["a"]):
            continue
        if (topic, each["type"]) == ("tickers", "delta"):
            each["data"] = {}
        found.setdefault((topic, each["type"]), shape(each))
    return found


@needs_recordings
@each_venue
async def test_messages_have_the_fields_of_the_venue(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """In the venue's order and as its kinds of values, compared with recorded ones."""
    served = exchange(name, messages_per_second=500.0)
    topics = [f"{topic}.{BTC}" for topic in ("tickers", "publicTrade", "orderbook.200")]
    made = shapes(await streamed(nursery, served, 3.0, *topics))
    real = [json.loads(text) for text in frames(RECORDED[name])]
    wanted = shapes([each for each in real if each.get("topic", "kline").split(".")[0] != "kline"])
    assert made == wanted


@needs_recordings
@each_venue
async def test_the_listing_is_written_as_the_venue_does(name: str) -> None:
    """Field by field, and understood by the adapter: kind, steps, and what does not trade."""
    category = {"bybit": "spot", "bybit_linear": "linear"}[name]
    served = exchange(name)
    served.delist_symbol(ETH)
    adapter = registry.get(name)
    target = adapter.listing_url("http://x.test").removeprefix("http://x.test")
    ((status, answer),) = await memory_get(served, target)
    suffix = {"spot": "", "linear": ".gz"}[category]
    real = json.loads(body(f"bybit/rest_instruments-info_{category}_2026-08-09.json{suffix}"))
    assert (status, shape(json.loads(answer))) == (200, shape(real))
    listed = {each.symbol: each for each in adapter.parse_listing(answer)}
    assert listed.keys() == served.market.listings.keys() - {ETH}
    assert all(each.active and each.kind == category for each in listed.values())
    spec = served.market.listings[BTC].spec
    assert Decimal(listed[BTC].tick_size) == Decimal(spec.price(1))
    assert Decimal(listed[BTC].lot_size) == Decimal(spec.size(1))


async def test_the_linear_listing_has_pages() -> None:
    """Each names the next one; there is an error for what is no category."""
    served = exchange("bybit_linear")
    path = "/v5/market/instruments-info"
    found: list[str] = []
    cursor = ""
    while True:
        ((_, answer),) = await memory_get(served, f"{path}?category=linear&limit=5&cursor={cursor}")
        result = json.loads(answer)["result"]
        found += [each["symbol"] for each in result["list"]]
        cursor = result["nextPageCursor"]
        if not cursor:
            break
    assert found == sorted(served.market.listings)
    for query in ("category=inverse", "category=linear&limit=1001", "category=linear&limit=x"):
        ((status, answer),) = await memory_get(served, f"{path}?{query}")
        assert (status, json.loads(answer)["retCode"]) == (200, 10001)
    assert (await memory_get(served, "/v5/market/time"))[0][0] == 404


@each_venue
async def test_the_adapter_understands_all_of_it(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Requested by the adapter itself: every table, links of books that join, no bad payload."""
    served, adapter = exchange(name, messages_per_second=500.0), registry.get(name)
    symbols = {symbol: number for number, symbol in enumerate(served.market.listings)}
    wishes = [Subscription(symbol, feed) for symbol in symbols for feed in adapter.feeds]
    connection = await connect(nursery, served, adapter.ws_url("ws://x").removeprefix("ws://x"))
    requests = adapter.subscribe(wishes, 1)
    for each in requests:
        await connection.send_message(each.text)
    await nursery.start(served.run_market)
    got = [text.encode() for text in await texts(connection, 5.0) if isinstance(text, str)]
    decoded = adapter.decode(got, symbols)
    assert decoded.bad == ()
    assert {rows.table for rows in decoded.rows} == set(Table)
    kinds = Counter(type(event) for _, event in decoded.events)
    assert kinds[Acknowledged] == len(requests)
    assert kinds[BookSnapshot] == len(symbols)
    assert kinds[BookLink] > 50
    assert served.violations == []
