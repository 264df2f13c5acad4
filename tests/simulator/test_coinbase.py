"""The Coinbase dialect over memory streams on virtual time, seen by a plain WebSocket client."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.simulator.clients import (
    EPOCH_NS,
    close_code,
    connect,
    exchange,
    memory_get,
    messages,
    of_type,
    rounded,
    send,
    upgrade_status,
)
from tick_logger.simulator.exchange import SimulatedExchange

BTC, ETH = "BTC-USD", "ETH-USD"
NAME = "coinbase"


def subscribe(*channels: str, products: tuple[str, ...] = (BTC, ETH)) -> dict[str, Any]:
    """A subscribe request."""
    return {"type": "subscribe", "product_ids": list(products), "channels": list(channels)}


async def recorded(
    nursery: trio.Nursery, served: SimulatedExchange, request: dict[str, Any], secs: float
) -> list[dict[str, Any]]:
    """What one client gets in answer to one request while the market runs."""
    connection = await connect(nursery, served)
    await send(connection, request)
    await nursery.start(served.run_market)
    return await messages(connection, secs)


async def test_a_client_that_does_not_subscribe_is_closed_after_five_seconds(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Exactly then, with a violation."""
    served = exchange(NAME)
    connection = await connect(nursery, served)
    assert served.live_sessions == 1
    assert await close_code(connection) == 1008
    assert rounded(trio.current_time()) == 5.0
    assert served.violations == ["connection 1: no request within 5 s"]
    assert served.live_sessions == 0


async def test_the_subscriptions_reply_is_cumulative(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Each reply lists all channels and products; level2_batch under the venue's other name."""
    connection = await connect(nursery, exchange(NAME))
    replies = []
    for request in (
        subscribe("matches", products=(BTC,)),
        {"type": "subscribe", "channels": [{"name": "level2_batch", "product_ids": [ETH]}]},
        {"type": "unsubscribe", "channels": ["matches"]},
    ):
        await send(connection, request)
        (reply,) = of_type(await messages(connection, 1.0), "subscriptions")
        replies.append({each["name"]: each["product_ids"] for each in reply["channels"]})
    assert replies == [
        {"matches": [BTC]},
        {"matches": [BTC], "level2_50": [ETH]},
        {"level2_50": [ETH]},
    ]


async def test_nothing_arrives_after_unsubscribing(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Neither of the channel that was ended, nor anything else."""
    served = exchange(NAME)
    await nursery.start(served.run_market)
    connection = await connect(nursery, served)
    await send(connection, subscribe("ticker", "heartbeat"))
    assert of_type(await messages(connection, 2.0), "ticker")
    await send(connection, {**subscribe("ticker", "heartbeat"), "type": "unsubscribe"})
    assert [each["type"] for each in await messages(connection, 5.0)] == ["subscriptions"]


async def test_an_unknown_product_refuses_the_whole_request(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The error names it, and the good product of the same request is not subscribed either."""
    served = exchange(NAME)
    request = subscribe("ticker", "matches", products=(BTC, "NOPE-USD"))
    assert await recorded(nursery, served, request, 3.0) == [
        {
            "type": "error",
            "message": "Failed to subscribe",
            "reason": "NOPE-USD is not a valid product",
        }
    ]
    assert served.violations == []


@pytest.mark.parametrize("channel", ["level2", "full"])
async def test_channels_that_need_a_login_are_refused(
    channel: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """With the very text of the venue."""
    connection = await connect(nursery, exchange(NAME))
    await send(connection, subscribe(channel))
    assert await messages(connection, 1.0) == [
        {
            "type": "error",
            "message": "Failed to subscribe",
            "reason": "level2, level3, and full channels now require authentication.",
        }
    ]


async def test_new_subscribers_get_the_latest_trade_again(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """A last_match and a ticker of one old trade, sides maker and taker."""
    served = exchange(NAME)
    connection = await connect(nursery, served)
    await send(connection, subscribe("matches", "ticker", products=(BTC,)))
    got = await messages(connection, 1.0)
    (old,) = served.truth.trades(BTC)
    (match,), (ticker,) = of_type(got, "last_match"), of_type(got, "ticker")
    assert old.event_ns < EPOCH_NS
    assert match["trade_id"] == ticker["trade_id"] == old.trade_id
    assert match["sequence"] == ticker["sequence"]
    assert (match["price"], match["size"]) == (old.price, old.size)
    assert (ticker["price"], ticker["last_size"]) == (old.price, old.size)
    assert ticker["side"] == old.side
    assert match["side"] == {"buy": "sell", "sell": "buy"}[old.side]
    assert (match["maker_order_id"], match["taker_order_id"]) == (
        old.maker_order_id,
        old.taker_order_id,
    )


async def test_every_match_has_a_ticker(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """Same trade id, sequence, time and price, opposite sides, in either order."""
    served = exchange(NAME, messages_per_second=500.0)
    got = await recorded(nursery, served, subscribe("matches", "ticker"), 5.0)
    old = {each["trade_id"] for each in of_type(got, "last_match")}
    new = [each for each in got if each.get("trade_id", 0) not in {0, *old}]
    matches = {(each["product_id"], each["trade_id"]): each for each in of_type(new, "match")}
    tickers = {(each["product_id"], each["trade_id"]): each for each in of_type(new, "ticker")}
    assert len(matches) > 100
    assert matches.keys() == tickers.keys()
    for key, match in matches.items():
        for field in ("sequence", "time", "price"):
            assert match[field] == tickers[key][field]
        assert match["side"] != tickers[key]["side"]
    assert {each["type"] for each in new[::2]} == {"match", "ticker"}


async def test_messages_have_the_fields_of_the_venue(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """In the venue's order, prices and sizes as texts, times with microseconds."""
    got = await recorded(
        nursery, exchange(NAME), subscribe("matches", "ticker", "heartbeat", "level2_batch"), 2.0
    )
    match = of_type(got, "match")[0]
    assert list(match) == [
        "type", "trade_id", "maker_order_id", "taker_order_id", "side", "size", "price",
        "product_id", "sequence", "time",
    ]  # fmt: skip
    assert list(of_type(got, "ticker")[0]) == [
        "type", "sequence", "product_id", "price", "open_24h", "volume_24h", "low_24h", "high_24h",
        "volume_30d", "best_bid", "best_bid_size", "best_ask", "best_ask_size", "side", "time",
        "trade_id", "last_size",
    ]  # fmt: skip
    heartbeat = of_type(got, "heartbeat")[0]
    assert list(heartbeat) == ["type", "last_trade_id", "product_id", "sequence", "time"]
    assert list(of_type(got, "l2update")[0]) == ["type", "product_id", "changes", "time"]
    assert isinstance(match["price"], str)
    assert len(match["time"]) == len("2022-05-20T21:22:34.751219Z")


async def test_the_truth_knows_every_match(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Ids, texts, sides and order ids, in order, from the first to the last."""
    served = exchange(NAME)
    got = await recorded(nursery, served, subscribe("matches", products=(BTC,)), 5.0)
    true = served.truth.sent(BTC)
    sent = of_type(got, "match")
    assert len(sent) > 20
    opposite = {"buy": "sell", "sell": "buy"}
    assert [
        (each["trade_id"], each["price"], each["size"], opposite[each["side"]],
         each["maker_order_id"], each["taker_order_id"])
        for each in sent
    ] == [
        (each.trade_id, each.price, each.size, each.side, each.maker_order_id, each.taker_order_id)
        for each in true
    ][: len(sent)]  # fmt: skip
    assert len(true) - len(sent) <= 1  # the last step may have come after the last read
    assert served.truth.subscribed(ETH) == []


async def test_sequences_increase_irregularly(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """They order matches but prove nothing."""
    got = await recorded(nursery, exchange(NAME), subscribe("matches", products=(BTC,)), 5.0)
    steps = [
        two["sequence"] - one["sequence"] for one, two in itertools.pairwise(of_type(got, "match"))
    ]
    assert min(steps) > 0
    assert len(set(steps)) > 3


async def test_heartbeats_come_each_second_and_tell_the_newest_trade(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Ten in ten seconds per product, each with the id and sequence of the last match before."""
    got = await recorded(nursery, exchange(NAME), subscribe("heartbeat", "matches"), 10.0)
    newest: dict[str, tuple[int, int]] = {}
    beats = 0
    for each in got:
        if each["type"] in ("match", "last_match"):
            newest[each["product_id"]] = (each["trade_id"], each["sequence"])
        elif each["type"] == "heartbeat":
            beats += 1
            assert (each["last_trade_id"], each["sequence"]) == newest[each["product_id"]]
    assert beats == 20


async def test_snapshot_and_updates_add_up_to_the_book(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Decimal texts, zero deletes; batches are at least 50 ms apart."""
    served = exchange(NAME)
    await nursery.start(served.run_market)
    await trio.sleep(1.007)
    connection = await connect(nursery, served)
    await send(connection, subscribe("level2_batch", products=(BTC,)))
    got = await messages(connection, 5.0 - 1.007 + 0.055)
    (snapshot,) = of_type(got, "snapshot")
    sides = {"buy": dict(snapshot["bids"]), "sell": dict(snapshot["asks"])}
    updates = of_type(got, "l2update")
    assert len(updates) > 20
    for side, price, size in itertools.chain(*(update["changes"] for update in updates)):
        if Decimal(size):
            sides[side][price] = size
        else:
            sides[side].pop(price, None)
    listing = served.market.listings[BTC]
    pending = listing.book.fetch_changes()
    assert (pending.bids, pending.asks) == ([], [])
    for side, is_bid in (("buy", True), ("sell", False)):
        book = {
            listing.spec.price(ticks): listing.spec.size(lots)
            for ticks, lots in listing.book.side(is_bid).items()
        }
        assert sides[side] == book


async def test_the_status_channel_lists_products_each_five_seconds_and_on_changes(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """A delisted product stays, as delisted; a new one can be subscribed at once."""
    served = exchange(NAME, symbols=[BTC, ETH])
    await nursery.start(served.run_market)
    connection = await connect(nursery, served)
    await send(connection, {"type": "subscribe", "channels": ["status"]})
    assert len(of_type(await messages(connection, 10.5), "status")) == 3
    served.delist_symbol(ETH)
    served.list_symbol("NEW-USD")
    *_, last = of_type(await messages(connection, 0.1), "status")
    status = {each["id"]: each["status"] for each in last["products"]}
    assert status == {BTC: "online", ETH: "delisted", "NEW-USD": "online"}
    await send(connection, subscribe("matches", products=("NEW-USD",)))
    assert of_type(await messages(connection, 3.0), "match")
    await send(connection, subscribe("matches", products=(ETH,)))
    (error,) = of_type(await messages(connection, 1.0), "error")
    assert error["reason"] == "ETH-USD is not a valid product"


async def test_more_than_ten_requests_a_second_are_a_violation(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The eleventh is answered by an error; the connection stays."""
    served = exchange(NAME)
    connection = await connect(nursery, served)
    for _ in range(10):
        await send(connection, subscribe("heartbeat"))
    assert of_type(await messages(connection, 0.5), "error") == []
    await send(connection, subscribe("heartbeat"))
    assert len(of_type(await messages(connection, 0.1), "error")) == 1
    assert served.violations == ["connection 1: more than 10 messages in a second"]
    assert served.live_sessions == 1


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"type":"dance"}', '{"type":"subscribe","channels":7}']
)
async def test_malformed_requests_are_violations(
    text: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """They are answered by an error."""
    served = exchange(NAME)
    connection = await connect(nursery, served)
    await connection.send_message(text)
    (reply,) = await messages(connection, 1.0)
    assert reply["type"] == "error"
    assert len(served.violations) == 1


async def test_rest_lists_products_and_old_trades(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Trades newest first with the maker's side, paged by id, over real HTTP bytes."""
    served = exchange(NAME, symbols=[BTC, ETH])
    served.step_once(1.0)
    trades = served.truth.trades(BTC)
    newest, middle = trades[-1], trades[-4]
    answers = await memory_get(
        served,
        "/products",
        f"/products/{BTC}/trades?limit=2",
        f"/products/{BTC}/trades?after={newest.trade_id}&before={middle.trade_id}",
        "/products/NOPE-USD/trades",
    )
    assert [status for status, _ in answers] == [200, 200, 200, 404]
    bodies = [json.loads(body) for _, body in answers]
    assert [(each["id"], each["status"]) for each in bodies[0]] == [
        (BTC, "online"),
        (ETH, "online"),
    ]
    assert [each["trade_id"] for each in bodies[1]] == [trades[-1].trade_id, trades[-2].trade_id]
    assert bodies[1][0]["side"] == {"buy": "sell", "sell": "buy"}[newest.side]
    assert [each["trade_id"] for each in bodies[2]] == [trades[-2].trade_id, trades[-3].trade_id]


async def test_the_feed_lives_at_the_root_only(autojump_clock: MockClock) -> None:
    """An upgrade elsewhere is answered by 404."""
    assert await upgrade_status(exchange(NAME), "/x") == 404
