"""The Advanced Trade dialect over memory streams on virtual time: its messages."""

from __future__ import annotations

import itertools
import json
import re
from decimal import Decimal
from typing import Any

import trio
from trio.testing import MockClock

from tests.recordings import body, frames, needs_recordings
from tests.simulator.advanced import (
    ALL,
    BTC,
    ETH,
    HEARTBEATS,
    NAME,
    Message,
    client,
    events,
    subscribe,
)
from tests.simulator.books import levels
from tests.simulator.clients import EPOCH_NS, connect, exchange, memory_get, messages, send, texts
from tick_logger.exchanges.coinbase_advanced import EXCHANGE
from tick_logger.simulator.faults import Faults

RECORDED = "coinbase_advanced/ws_2026-08-09_level2-trades-ticker-candles-heartbeats.jsonl.gz"


# -- form ------------------------------------------------------------------------------------------


def shape(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Field names in their order, and what kind of value each has: texts by their spelling."""
    if isinstance(value, dict):
        return [(key, shape(each)) for key, each in value.items()]
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if not isinstance(value, str):
        return type(value).__name__
    for name, pattern in (
        ("time", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z"),
        ("number", r"-?(0|[1-9]\d*)(\.\d*[1-9])?"),
        ("clock", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9} \+0000 UTC m=\+\d+\.\d{9}"),
    ):
        if re.fullmatch(pattern, value, re.ASCII):
            return name
    return value if value in {"update", "snapshot", "ticker", "heartbeats"} else "text"


def kinds(got: list[Message]) -> dict[tuple[str, str], Any]:
    """The form of each kind of message, by channel and type of its event."""
    found: dict[tuple[str, str], Any] = {}
    for message in got:
        for event in message["events"]:
            if message["channel"] == "subscriptions":
                event = {"subscriptions": {"level2": event["subscriptions"].get("level2")}}
                if event["subscriptions"]["level2"] is None:
                    continue
            alone = shape({**message, "events": [event]})
            found.setdefault((message["channel"], event.get("type", "")), alone)
    return found


@needs_recordings
async def test_messages_have_the_form_of_recorded_ones(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Fields in their order, and numbers and times in their spelling, of every kind of message."""
    connection = await client(nursery, exchange(NAME), *ALL)
    simulated = kinds(await messages(connection, 3.0))
    recorded = kinds([json.loads(frame) for frame in frames(RECORDED)])
    del recorded["candles", "snapshot"], recorded["candles", "update"]
    assert simulated == recorded


@needs_recordings
async def test_the_listing_has_the_form_of_a_recorded_one(autojump_clock: MockClock) -> None:
    """Fields in their order; a product in dollars has an alias in USDC."""
    ((status, listing),) = await memory_get(exchange(NAME), "/api/v3/brokerage/market/products")
    assert status == 200
    ours, theirs = json.loads(listing), json.loads(body(f"{NAME}/rest_products_2026-08-09.json.gz"))
    assert list(ours) == list(theirs)
    assert ours["pagination"] == theirs["pagination"]
    assert (
        ours["num_products"] == len(ours["products"]) == 23
    )  # 11 in USD, as many aliases, BTC-EUR
    by_id = {product["product_id"]: product for product in theirs["products"]}
    for product in ours["products"]:
        assert [(key, type(value)) for key, value in product.items()] == [
            (key, type(value)) for key, value in by_id[BTC].items()
        ]
        if product["product_id"] in {BTC, "BTC-USDC"}:
            recorded = by_id[product["product_id"]]
            names = ("alias", "alias_to", "quote_currency_id", "quote_display_symbol", "status")
            assert [product[name] for name in names] == [recorded[name] for name in names]


async def test_the_adapter_understands_everything(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Every message of every channel; and the listing, where aliases are not active."""
    served = exchange(NAME)
    connection = await client(nursery, served, *ALL)
    payloads = [str(text).encode() for text in await texts(connection, 5.0)]
    decoded = EXCHANGE.decode(payloads, {BTC: 1, ETH: 2})
    assert (decoded.bad, len(payloads) > 200) == ((), True)
    assert len(decoded.rows) == 4
    _, listing = served.rest("/api/v3/brokerage/market/products")
    active = [each.symbol for each in EXCHANGE.parse_listing(listing) if each.active]
    assert active == list(served.market.listings)


# -- numbers ---------------------------------------------------------------------------------------


def whole_ns(text: str) -> tuple[str, str]:
    """A time as second and nine decimals, which can be compared."""
    second, _, fraction = text.removesuffix("Z").partition(".")
    return second, fraction.ljust(9, "0")


async def test_every_message_of_a_connection_has_the_next_number(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """From 0 on, over all channels, each connection by itself; the times rise with them."""
    served = exchange(NAME)
    one = await client(nursery, served, *ALL)
    two = await connect(nursery, served)
    first = await messages(one, 2.0)
    await send(two, subscribe("ticker", BTC))
    for got in (first, await messages(two, 2.0)):
        assert [message["sequence_num"] for message in got] == list(range(len(got)))
        stamps = [whole_ns(message["timestamp"]) for message in got]
        assert stamps == sorted(set(stamps))
    later = await messages(one, 0.1)
    assert later[0]["sequence_num"] == len(first)


async def test_errors_have_no_number(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """And use none up."""
    connection = await connect(nursery, exchange(NAME))
    await send(connection, subscribe("ticker", "NOPE-USD"))
    await send(connection, subscribe("ticker", BTC))
    error, *others = await messages(connection, 0.1)
    assert error == {"type": "error", "message": "NOPE-USD is not a valid product"}
    assert [message["sequence_num"] for message in others] == [0, 1]


async def test_withheld_trades_are_lost_messages(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Each has a number that never comes; who is not subscribed to trades misses nothing."""
    served = exchange(NAME, faults=Faults(id_hole_probability=0.2))
    one = await client(nursery, served, HEARTBEATS, subscribe("market_trades", BTC))
    two = await connect(nursery, served)
    await send(two, subscribe("ticker", BTC))
    got = await messages(one, 10.2)
    numbers = [message["sequence_num"] for message in got]
    missing = set(range(numbers[-1])) - set(numbers)
    withheld = {trade.trade_id for trade in served.truth.withheld(BTC)}
    sent = {
        int(trade["trade_id"])
        for event in events(got, "market_trades")
        for trade in event["trades"]
    }
    assert len(missing) > 5
    assert not withheld & sent
    assert len(withheld) - len(missing) <= 2  # of the last quarter of a second
    assert withheld | sent >= set(range(min(sent), max(sent) + 1))
    others = [message["sequence_num"] for message in await messages(two, 1.0)]
    assert others == list(range(len(others)))


async def test_faults_leave_each_message_its_number(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """A repetition is the same message; what is overtaken comes right after."""
    faults = Faults(duplicate_probability=0.3, reorder_probability=0.2)
    served = exchange(NAME, faults=faults)
    got = await messages(await client(nursery, served, *ALL), 5.0)
    numbers = [message["sequence_num"] for message in got]
    assert sorted(set(numbers)) == list(range(max(numbers) + 1))
    repeated = len(numbers) - len(set(numbers))
    assert served.counts.duplicated - 1 <= repeated <= served.counts.duplicated  # one may wait
    assert repeated > 20
    assert numbers != sorted(numbers)


async def test_garbage_has_no_number(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """It is beside the others, which are complete; the adapter finds no fault in those."""
    served = exchange(NAME, faults=Faults(garbage_probability=0.3))
    connection = await client(nursery, served, *ALL)
    got = await texts(connection, 10.0)
    payloads = [each.encode() if isinstance(each, str) else each for each in got]
    decoded = EXCHANGE.decode(payloads, {BTC: 1, ETH: 2})
    assert served.counts.garbage > 100
    assert len(decoded.bad) <= served.counts.garbage
    bad = {each.frame for each in decoded.bad}
    numbers = [
        json.loads(payload)["sequence_num"]
        for frame, payload in enumerate(payloads)
        if frame not in bad and b"sequence_num" in payload
    ]
    assert numbers == list(range(len(numbers)))


# -- market ----------------------------------------------------------------------------------------


async def test_trades_come_in_batches_newest_first(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Ids are dense from the snapshot on; all of one product in a quarter of a second at once."""
    connection = await client(
        nursery, exchange(NAME, messages_per_second=400.0), HEARTBEATS, subscribe("market_trades")
    )
    got = await messages(connection, 5.0)
    for product in (BTC, ETH):
        batches = [
            [int(trade["trade_id"]) for trade in event["trades"] if trade["product_id"] == product]
            for kind in ("snapshot", "update")
            for event in events(got, "market_trades", kind)
        ]
        batches = [batch for batch in batches if batch]
        assert all(batch == sorted(batch, reverse=True) for batch in batches)
        ids = [number for batch in batches for number in reversed(batch)]
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        assert len(batches) <= 21
        assert max(map(len, batches)) > 2


async def test_a_late_subscriber_is_told_the_newest_hundred_trades(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """And then only of newer ones."""
    served = exchange(NAME, messages_per_second=400.0)
    await nursery.start(served.run_market)
    await trio.sleep(20.1)
    connection = await connect(nursery, served)
    await send(connection, subscribe("market_trades", BTC))
    got = await messages(connection, 1.0)
    (old,) = events(got, "market_trades", "snapshot")
    assert len(old["trades"]) == 100
    newest = int(old["trades"][0]["trade_id"])
    assert int(events(got, "market_trades")[0]["trades"][-1]["trade_id"]) == newest + 1


async def test_the_truth_knows_every_trade(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Ids, texts, times and sides, in order: those sent are the makers'."""
    served = exchange(NAME)
    connection = await client(nursery, served, HEARTBEATS, subscribe("market_trades", BTC))
    got = await messages(connection, 10.26)
    sent = [trade for event in events(got, "market_trades") for trade in reversed(event["trades"])]
    true = served.truth.sent(BTC)
    assert len(sent) > 30
    opposite = {"BUY": "sell", "SELL": "buy"}
    assert [
        (int(each["trade_id"]), each["price"], each["size"], opposite[each["side"]])
        for each in sent
    ] == [(each.trade_id, each.price, each.size, each.side) for each in true][: len(sent)]
    assert {each.maker_order_id for each in true} == {None}
    assert all(each.event_ns >= EPOCH_NS for each in true)
    assert served.truth.subscribed(ETH) == []


async def test_a_ticker_follows_each_trade_and_each_change_of_the_best_prices(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Best bid below best ask; the last one has the price of the last trade."""
    served = exchange(NAME)
    connection = await client(nursery, served, HEARTBEATS, subscribe("ticker", BTC))
    got = await messages(connection, 5.005)
    tickers = [
        ticker
        for kind in ("snapshot", "update")
        for event in events(got, "ticker", kind)
        for ticker in event["tickers"]
    ]
    assert all(Decimal(each["best_bid"]) < Decimal(each["best_ask"]) for each in tickers)
    quotes = [(each["best_bid"], each["best_ask"], each["price"]) for each in tickers]
    assert len(set(quotes)) > 20
    prices = [trade.price for trade in served.truth.trades(BTC)]
    assert list(dict.fromkeys(each["price"] for each in tickers)) == list(dict.fromkeys(prices))


async def test_snapshot_and_updates_add_up_to_the_book(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """New quantities replace the old ones, zero deletes; messages are at least 50 ms apart."""
    served = exchange(NAME)
    await nursery.start(served.run_market)
    await trio.sleep(1.007)
    connection = await connect(nursery, served)
    await send(connection, subscribe("level2", BTC))
    got = await messages(connection, 5.0 - 1.007 + 0.055)
    (snapshot,) = events(got, "l2_data", "snapshot")
    updates = events(got, "l2_data")
    assert len(updates) > 20
    assert len(updates) < 20 * 4 + 2
    sides: dict[str, dict[str, str]] = {"bid": {}, "offer": {}}
    for level in itertools.chain(*(event["updates"] for event in (snapshot, *updates))):
        if Decimal(level["new_quantity"]):
            sides[level["side"]][level["price_level"]] = level["new_quantity"]
        else:
            sides[level["side"]].pop(level["price_level"], None)
    listing = served.market.listings[BTC]
    pending = listing.book.fetch_changes()
    assert (pending.bids, pending.asks) == ([], [])
    for side, is_bid in (("bid", True), ("offer", False)):
        said = {Decimal(price): Decimal(size) for price, size in sides[side].items()}
        assert said == levels(listing, bids=is_bid)
