"""The Kraken dialect over memory streams on virtual time: trades, tickers, books, formats."""

from __future__ import annotations

import itertools
import json
import zlib
from decimal import Decimal
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.exchanges.said import AnySymbol, rows_of
from tests.recordings import frames, needs_recordings
from tests.simulator.clients import exchange, messages, send, texts
from tests.simulator.kraken_client import (
    BTC,
    ETH,
    NAME,
    SHIB,
    of_channel,
    opened,
    recorded,
    subscribe,
)
from tick_logger.exchanges.base import Subscription
from tick_logger.exchanges.kraken import EXCHANGE
from tick_logger.model.tables import Table
from tick_logger.simulator.faults import Faults

# -- trades and tickers ----------------------------------------------------------------------------


async def test_trades_are_those_of_the_truth(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Ids, texts, sides and times, dense and in order; fills of one order share a message."""
    served = exchange(NAME, messages_per_second=300.0)
    got = await recorded(nursery, served, 5.0, subscribe("trade", BTC, snapshot=True))
    (snapshot,) = of_channel(got, "trade", "snapshot")
    updates = of_channel(got, "trade", "update")
    sent = [each for m in updates for each in m["data"]]
    assert max(len(m["data"]) for m in updates) > 1
    assert all(len({each["timestamp"] for each in m["data"]}) == 1 for m in updates)
    true = served.truth.trades(BTC)
    old = len(snapshot["data"])
    assert len(sent) > 50
    assert [
        (int(each["trade_id"]), each["price"], each["qty"], each["side"])
        for each in [*snapshot["data"], *sent]
    ] == [(t.trade_id, t.price, t.size, t.side) for t in true][: old + len(sent)]
    ids = [int(each["trade_id"]) for each in sent]
    assert ids == list(range(ids[0], ids[0] + len(ids)))


async def test_a_snapshot_has_the_last_fifty_trades_oldest_first(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Only if it is asked for."""
    served = exchange(NAME, messages_per_second=300.0)
    for _ in range(600):
        served.step_once(0.01)
    connection = await opened(nursery, served)
    await send(connection, subscribe("trade", BTC, snapshot=True))
    await send(connection, subscribe("trade", ETH))
    _, snapshot, _ = await messages(connection, 1.0)
    ids = [each["trade_id"] for each in snapshot["data"]]
    newest = [each.trade_id for each in served.truth.trades(BTC)][-50:]
    assert ids == newest
    assert snapshot["type"] == "snapshot"
    assert {each["symbol"] for each in snapshot["data"]} == {BTC}


async def test_a_withheld_trade_is_a_hole_wherever_trades_are_sent(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """In updates and in later snapshots; the tickers go on counting."""
    faults = Faults(id_hole_probability=0.2)
    served = exchange(NAME, messages_per_second=300.0, faults=faults)
    requests = [subscribe("trade", BTC), subscribe("ticker", BTC, event_trigger="trades")]
    got = await recorded(nursery, served, 5.0, *requests)
    sent = {int(each["trade_id"]) for m in of_channel(got, "trade") for each in m["data"]}
    withheld = {each.trade_id for each in served.truth.withheld(BTC)}
    assert len(withheld) > 5
    assert not withheld & sent
    counts = [int(m["data"][0]["trades"]) for m in of_channel(got, "ticker", "update")]
    assert counts == list(range(counts[0], counts[0] + len(counts)))
    again = await opened(nursery, served)
    await send(again, subscribe("trade", BTC, snapshot=True))
    _, snapshot = (await messages(again, 0.005))[:2]
    assert not withheld & {each["trade_id"] for each in snapshot["data"]}


async def test_tickers_follow_their_trigger(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Each trade for some; each change of the best prices or sizes for others."""
    served = exchange(NAME, symbols=[BTC, ETH], messages_per_second=100.0)
    requests = [
        subscribe("ticker", BTC, event_trigger="bbo"),
        subscribe("ticker", ETH),
        subscribe("trade", BTC, ETH),
    ]
    got = await recorded(nursery, served, 10.0, *requests)
    tickers = [m["data"][0] for m in of_channel(got, "ticker", "update")]
    snapshots = [m["data"][0]["symbol"] for m in of_channel(got, "ticker", "snapshot")]
    assert snapshots == [BTC, ETH]
    best = ("bid", "bid_qty", "ask", "ask_qty")
    bbo = [tuple(t[key] for key in best) for t in tickers if t["symbol"] == BTC]
    assert len(bbo) > 50
    assert all(one != two for one, two in itertools.pairwise(bbo))
    traded = [e for m in of_channel(got, "trade") for e in m["data"] if e["symbol"] == ETH]
    per_trade = [(t["last"], t["timestamp"]) for t in tickers if t["symbol"] == ETH]
    assert per_trade == [(e["price"], e["timestamp"]) for e in traded][: len(per_trade)]
    assert len(per_trade) > 20


# -- books -----------------------------------------------------------------------------------------


class Client:
    """A book kept by the documented rules, which are all that it knows."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self.sides: tuple[dict[Decimal, tuple[str, str]], ...] = ({}, {})
        self.came_back = 0

    def apply(self, message: dict[str, Any]) -> None:
        """Take a message, whose checksum must then be that of the book."""
        (data,) = message["data"]
        if message["type"] == "snapshot":
            self.sides = ({}, {})
        for key, side, is_bid in zip(("bids", "asks"), self.sides, (True, False), strict=True):
            for level in data[key]:
                price = Decimal(level["price"])
                if Decimal(level["qty"]):
                    side[price] = (level["price"], level["qty"])
                else:
                    del side[price]  # never of a level that is not held
            for price in sorted(side, reverse=is_bid)[self._depth :]:
                del side[price]
                self.came_back += 1
        assert self.checksum() == int(data["checksum"])

    def checksum(self) -> int:
        bids, asks = self.sides
        best = [asks[price] for price in sorted(asks)[:10]]
        best += [bids[price] for price in sorted(bids, reverse=True)[:10]]
        digits = [text.replace(".", "").lstrip("0") for level in best for text in level]
        return zlib.crc32("".join(digits).encode())


@pytest.mark.parametrize("symbol", [BTC, SHIB])
@pytest.mark.parametrize("depth", [10, 25, 100])
async def test_every_checksum_is_that_of_the_book_cut_to_its_depth(
    symbol: str, depth: int, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Levels that fall out are not deleted, those that come back are sent again."""
    served = exchange(NAME, symbols=[symbol], messages_per_second=200.0, book_levels=60)
    got = await recorded(nursery, served, 20.0, subscribe("book", symbol, depth=depth))
    client = Client(depth)
    for message in of_channel(got, "book"):
        client.apply(message)
        assert max(map(len, client.sides)) <= min(depth, 60)
    assert len(got) > 100
    assert (client.came_back > 10) == (depth < 60)


async def test_who_comes_later_has_the_same_book(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Between two updates, and of another depth: the checksums hold for everybody."""
    served = exchange(NAME, symbols=[BTC], messages_per_second=400.0)
    await nursery.start(served.run_market)
    connections = []
    for depth in (10, 10, 25, 10, 25):
        await trio.sleep(0.777)
        connection = await opened(nursery, served)
        await send(connection, subscribe("book", BTC, depth=depth))
        connections.append((connection, depth))
    for connection, depth in connections:
        client = Client(depth)
        received = [str(text).encode() for text in await texts(connection, 0.5)]
        updates = of_channel(received, "book")
        assert len(updates) > 5
        for message in updates:
            client.apply(message)


# -- formats ---------------------------------------------------------------------------------------


@needs_recordings
async def test_messages_have_the_fields_of_recorded_ones(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """In their order, on each level, for every message of the channels and every answer."""
    requests = [
        subscribe("book", BTC, depth=10),
        subscribe("ticker", BTC, event_trigger="trades"),
        subscribe("trade", BTC, snapshot=True),
        {"method": "ping", "req_id": 1},
    ]
    got = await recorded(nursery, exchange(NAME), 5.0, *requests)
    real = [
        *frames("kraken/book_2026-08-12.jsonl"),
        *frames("kraken/ticker_2026-08-12.jsonl"),
        *frames("kraken/trade_2026-09-26.jsonl"),
        *(frame for frame in frames("kraken/control_v2.jsonl") if b"req_id" in frame),
    ]
    known = {shape(text) for text in real}
    mine = {shape(text) for text in got}
    assert mine <= known | {shape_without_id(each) for each in known}
    assert {each[0] for each in mine} == {"book", "ticker", "trade", "subscribe", "pong"}


def shape(text: bytes) -> tuple[object, ...]:
    """What a message is, and its keys in order; those of the levels of books too."""
    m = json.loads(text)
    if "channel" not in m:
        result = m.get("result", {})
        return (m["method"], m.get("error"), tuple(m), result.get("channel"), tuple(result))
    data = m.get("data", [])
    levels = {tuple(v) for d in data for side in ("bids", "asks") for v in d.get(side, ())}
    return (m["channel"], m.get("type"), tuple(m), tuple({tuple(d) for d in data}), tuple(levels))


def shape_without_id(known: tuple[object, ...]) -> tuple[object, ...]:
    keys = known[2]
    assert isinstance(keys, tuple)
    return (*known[:2], tuple(key for key in keys if key != "req_id"), *known[3:])


async def test_numbers_are_bare_and_have_all_their_digits(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Eight decimals of sizes, those of the tick of prices; nothing in scientific notation."""
    served = exchange(NAME)
    requests = [subscribe(channel, BTC, SHIB) for channel in ("book", "ticker", "trade")]
    got = await recorded(nursery, served, 5.0, *requests)
    decimals = {BTC: 2, SHIB: 8}
    seen = set()
    for m in (m for channel in ("book", "ticker", "trade") for m in of_channel(got, channel)):
        for data in m["data"]:
            places = [data] if m["channel"] != "book" else [*data["bids"], *data["asks"]]
            for place in places:
                for key, value in place.items():
                    if key in ("price", "bid", "ask", "last", "vwap", "low", "high", "change"):
                        assert len(value.partition(".")[2]) == decimals[data["symbol"]]
                        seen.add((data["symbol"], m["channel"]))
                    elif key.endswith("qty") or key == "volume":
                        assert len(value.partition(".")[2]) == 8
    assert len(seen) == 6
    assert not any(b'"price":"' in text or b"e-0" in text for text in got)


async def test_everything_that_is_sent_is_understood(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """By the adapter, with a row or an event for each message, and the values of the truth."""
    served = exchange(NAME, messages_per_second=300.0)
    symbols = list(served.truth.symbols())
    requests = [
        json.loads(request.text)
        for request in EXCHANGE.subscribe(
            [sub for s in symbols for sub in subscriptions(s)], first_id=1
        )
    ]
    got = await recorded(nursery, served, 5.0, *requests)
    index = AnySymbol()
    decoded = EXCHANGE.decode(got, index)
    assert decoded.bad == ()
    heard = {n for rows in decoded.rows for n in rows.frame.tolist()}
    assert heard | {n for n, _ in decoded.events} == set(range(len(got)))
    assert {rows.table for rows in decoded.rows} == set(Table)
    true = {(s, t.trade_id): t for s in symbols for t in served.truth.trades(s)}
    names = {number: symbol for symbol, number in index.items()}
    rows = rows_of(decoded, Table.TRADES)
    assert len(rows) > 100
    for row in rows:
        trade = true[names[row["instrument"]], row["seq"]]
        expected = (trade.event_ns, float(trade.price), float(trade.size), trade.side == "buy")
        assert (row["event_ns"], row["price"], row["size"], row["side"] == 1) == expected
    assert served.violations == []


def subscriptions(symbol: str) -> list[Subscription]:
    return [Subscription(symbol, feed) for feed in sorted(EXCHANGE.feeds)]


async def test_garbage_is_bad_for_the_adapter_and_harms_nothing(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Every kind of it comes beside the messages, which all decode."""
    served = exchange(NAME, faults=Faults(garbage_probability=0.3), messages_per_second=300.0)
    connection = await opened(nursery, served)
    await nursery.start(served.run_market)
    await send(connection, subscribe("trade", BTC))
    await send(connection, subscribe("ticker", BTC, event_trigger="bbo"))
    received = await texts(connection, 10.0)
    got = [text.encode() if isinstance(text, str) else text for text in received]
    decoded = EXCHANGE.decode(got, AnySymbol())
    assert served.counts.garbage > 50
    assert len(decoded.bad) >= served.counts.garbage * 0.6
    ids = [row["seq"] for row in rows_of(decoded, Table.TRADES)]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert len(ids) > 100
