"""The messages of the simulated Upbit: those of the truth, in the venue's own form."""

from __future__ import annotations

import itertools
import json
import re
from decimal import Decimal

import pytest
import trio
from trio.testing import MockClock
from trio_websocket import WebSocketConnection

from tests.exchanges.said import AnySymbol, events_of, rows_of
from tests.recordings import frames, needs_recordings
from tests.simulator.clients import EPOCH_NS, connect, exchange, messages, rounded, texts
from tests.simulator.upbit_client import (
    BTC,
    ETH,
    LIST,
    NAME,
    PATH,
    TYPES,
    ask,
    of,
    streamed,
    wish,
)
from tick_logger.exchanges.base import Confirmed, Heartbeat, Subscription
from tick_logger.exchanges.upbit import EXCHANGE
from tick_logger.model.tables import Table
from tick_logger.simulator.dialects.upbit_requests import FORMATS
from tick_logger.simulator.dialects.upbit_texts import double
from tick_logger.simulator.faults import Faults


async def test_the_truth_knows_every_trade(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Id, time, price, size and side, in order, from the first to the last."""
    served = exchange(NAME, messages_per_second=500.0)
    got = await streamed(nursery, served, wish("trade"), secs=5.0)
    sent, true = of(got, "trade", "REALTIME"), served.truth.sent(BTC)
    assert len(sent) > 50
    assert [
        (m["sequential_id"], m["trade_timestamp"] * 10**6, m["ask_bid"]) for m in sent
    ] == [
        (each.trade_id, each.event_ns, "BID" if each.side == "buy" else "ASK") for each in true
    ][: len(sent)]  # fmt: skip
    for m, each in zip(sent, true, strict=False):
        assert (m["trade_price"], m["trade_volume"]) == (float(each.price), float(each.size))
    assert len(true) - len(sent) <= 1  # the last step may have come after the last read
    assert served.truth.subscribed(ETH) == []


async def test_ids_are_made_of_the_time(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """A millisecond and a counter within it, so they rise and are not dense."""
    served = exchange(NAME, messages_per_second=2000.0)
    got = await streamed(nursery, served, wish("trade"), secs=5.0)
    ids = [m["sequential_id"] for m in got]
    assert ids == sorted(set(ids))
    counters = []
    for stamp, group in itertools.groupby(of(got, "trade"), key=lambda m: m["trade_timestamp"]):
        members = [m["sequential_id"] - stamp * 10_000 for m in group]
        assert members == list(range(len(members)))
        counters += members
    assert max(counters) > 0


async def test_every_trade_has_a_ticker(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """Of the same trade; the day's volume grows by each, the time of the message never falls."""
    served = exchange(NAME, messages_per_second=500.0)
    got = await streamed(nursery, served, wish("trade"), wish("ticker"), secs=5.0)
    shared = ("trade_timestamp", "trade_price", "trade_volume", "ask_bid", "timestamp")
    trades, tickers = of(got, "trade"), of(got, "ticker")
    assert len(trades) > 50
    assert [[m[name] for name in shared] for m in trades] == [
        [m[name] for name in shared] for m in tickers
    ]
    for one, two in itertools.pairwise(tickers):
        grown = Decimal(str(two["acc_trade_volume"])) - Decimal(str(one["acc_trade_volume"]))
        assert grown == Decimal(str(two["trade_volume"]))
        assert two["timestamp"] >= one["timestamp"] >= one["trade_timestamp"]


async def test_a_greeting_tells_the_last_message_again(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """To the field, but for the type of the stream, however old it is."""
    served = exchange(NAME)
    for _ in range(100):
        served.step_once(0.05)
    connection = await connect(nursery, served, PATH)
    await ask(connection, *(wish(kind) for kind in TYPES))
    first = await messages(connection, 1.0)
    served.step_once(0.05)
    served.step_once(0.05)
    newest = {m["type"]: m for m in [*first, *await messages(connection, 1.0)]}
    await ask(connection, *(wish(kind) for kind in TYPES))
    for m in await messages(connection, 1.0):
        assert m["stream_type"] == "SNAPSHOT"
        assert {**m, "stream_type": ""} == {**newest[m["type"]], "stream_type": ""}


async def test_books_are_whole_and_come_each_100_ms_at_most(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Thirty levels a side, best first: the market's own book at that moment."""
    served = exchange(NAME, messages_per_second=1000.0)
    connection = await connect(nursery, served, PATH)
    await ask(connection, wish("orderbook", is_only_realtime=True))
    await trio.sleep(0.02)
    listing, stamps = served.market.listings[BTC], []
    for _ in range(200):
        served.step_once(0.02)
        for m in await messages(connection, 0.02):
            stamps.append(m["timestamp"])
            for side, is_bid in (("bid", True), ("ask", False)):
                sent = [(u[f"{side}_price"], u[f"{side}_size"]) for u in m["orderbook_units"]]
                assert sent == [
                    (float(listing.spec.price(ticks)), float(listing.spec.size(lots)))
                    for ticks, lots in listing.book.levels(is_bid=is_bid, limit=30)
                ]
            assert len(sent) == 30
    assert stamps[0] > EPOCH_NS // 10**6
    steps = {two - one for one, two in itertools.pairwise(stamps)}
    assert len(stamps) > 20
    assert min(steps) >= 99  # whole milliseconds of times that are not whole


async def test_a_shorter_side_is_filled_up_with_zeros(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Which are no levels to the recorder."""
    connection = await connect(nursery, exchange(NAME, book_levels=7), PATH)
    await ask(connection, wish("orderbook"))
    (payload,) = await texts(connection, 1.0)
    assert isinstance(payload, bytes)
    units = json.loads(payload)["orderbook_units"]
    assert [unit["ask_price"] > 0 for unit in units] == [True] * 7 + [False] * 23
    assert units[-1] == {"ask_price": 0.0, "bid_price": 0.0, "ask_size": 0, "bid_size": 0}
    assert len(rows_of(EXCHANGE.decode([payload], AnySymbol()), Table.BOOK)) == 14


@needs_recordings
async def test_messages_have_the_fields_of_the_recorded_ones(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """In the same order; the short form has grown at its end since 2021."""
    connection = await connect(nursery, exchange(NAME), PATH)
    for form, capture_of, long in (
        ("DEFAULT", {k: f"upbit/{k}_2026-08-13.jsonl" for k in ("trade", "orderbook")}, True),
        (
            "SIMPLE",
            dict.fromkeys(
                ("trade", "orderbook"), "upbit/ws_2021-04-05_trade-orderbook_simple.jsonl.gz"
            ),
            False,
        ),
    ):
        await ask(connection, wish("trade"), wish("orderbook"), form=form)
        for mine in await messages(connection, 1.5):
            kind = mine["type" if long else "ty"]
            read = map(json.loads, frames(capture_of[kind]))
            real = next(m for m in read if kind in (m.get("type"), m.get("ty")))
            newer = {"lv", "bap", "bas", "bbp", "bbs"}
            assert [name for name in mine if name not in newer] == list(real)
            units = ("orderbook_units", "obu")[not long]
            if units in mine:
                assert list(mine[units][0]) == list(real[units][0])


TICKER_FIELDS = (
    "type code opening_price high_price low_price trade_price prev_closing_price acc_trade_price "
    "change change_price signed_change_price change_rate signed_change_rate ask_bid trade_volume "
    "acc_trade_volume trade_date trade_time trade_timestamp acc_ask_volume acc_bid_volume "
    "highest_52_week_price highest_52_week_date lowest_52_week_price lowest_52_week_date "
    "market_state is_trading_suspended delisting_date market_warning timestamp "
    "acc_trade_price_24h acc_trade_volume_24h stream_type"
)


async def decoded_texts(connection: WebSocketConnection) -> list[str]:
    """What arrives, as text."""
    return [each.decode() for each in await texts(connection, 1.5) if isinstance(each, bytes)]


async def test_numbers_are_spelled_as_the_venue_does(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Eight decimals, but for the prices of books; SIMPLE has doubles throughout."""
    connection = await connect(nursery, exchange(NAME), PATH)
    await ask(connection, *(wish(kind) for kind in TYPES))
    ticker, trade, book = await decoded_texts(connection)
    assert list(json.loads(ticker)) == TICKER_FIELDS.split()
    assert re.search(r'"trade_price":117748\d{3}\.00000000,', trade)
    assert re.search(r'"trade_volume":\d+\.\d{8},', ticker)
    assert re.search(r'"change_rate":0\.\d{10},', ticker)
    assert re.search(r'"ask_price":1\.177\d+E8,"bid_price":1\.177\d+E8,"ask_size":0\.\d{8},', book)
    await ask(connection, *(wish(kind) for kind in TYPES), form="SIMPLE")
    ticker, trade, book = await decoded_texts(connection)
    assert re.search(r'"tp":1\.177\d+E8,', trade)
    assert re.search(r'"obu":\[\{"ap":1\.177\d+E8,"bp":1\.177\d+E8,"as":\d', book)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("0.00000000", "0.0"),
        ("3040.00000000", "3040.0"),
        ("41.50000000", "41.5"),
        ("0.00079276", "7.9276E-4"),
        ("0.00100000", "0.001"),
        ("0.00000001", "1.0E-8"),
        ("9999999.00000000", "9999999.0"),
        ("10000000.00000000", "1.0E7"),
        ("116539000.00000000", "1.16539E8"),
        ("34.56780000", "34.5678"),
    ],
)
def test_doubles(text: str, spelled: str) -> None:
    """As recorded, and always the same number."""
    assert double(text) == spelled
    assert Decimal(spelled) == Decimal(text)


@pytest.mark.parametrize("form", FORMATS)
async def test_the_recorder_understands_every_message(
    form: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """In all four formats; what it makes of the trades is the truth."""
    served = exchange(NAME, symbols=[BTC, ETH, "BTC-ETH"], messages_per_second=100.0)
    connection = await connect(nursery, served, PATH)
    await nursery.start(served.run_market)
    await ask(connection, *(wish(kind, *served.market.listings) for kind in TYPES), form=form)
    await ask(connection, LIST, form=form)
    await connection.send_message("PING")
    got = [each for each in await texts(connection, 11.0) if isinstance(each, bytes)]
    symbols = AnySymbol()
    decoded = EXCHANGE.decode(got, symbols)
    assert decoded.bad == ()
    assert {rows.table for rows in decoded.rows} == set(Table)
    assert Heartbeat() in events_of(decoded)
    live = {Subscription(code, feed) for code in served.market.listings for feed in EXCHANGE.feeds}
    assert Confirmed(frozenset(live)) in events_of(decoded)
    names = {number: code for code, number in symbols.items()}
    true = {
        (code, each.trade_id): (each.event_ns, float(each.price), float(each.size))
        for code in served.market.listings
        for each in served.truth.trades(code)
    }
    rows = rows_of(decoded, Table.TRADES)
    assert len(rows) > 200
    for row in rows:
        told = (row["event_ns"], row["price"], row["size"])
        assert told == true[names[row["instrument"]], row["seq"]]


async def test_withheld_trades_still_have_their_tickers(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """And are not told to new subscribers either."""
    served = exchange(NAME, messages_per_second=500.0, faults=Faults(id_hole_probability=0.3))
    got = await streamed(nursery, served, wish("trade"), wish("ticker"), secs=5.0)
    withheld = {each.trade_id for each in served.truth.withheld(BTC)}
    assert len(withheld) > 10
    ids = [m["sequential_id"] for m in of(got, "trade", "REALTIME")]
    assert not withheld & set(ids)
    assert ids == [each.trade_id for each in served.truth.sent(BTC)][: len(ids)]
    assert abs(len(of(got, "ticker", "REALTIME")) - len(ids) - len(withheld)) <= 1
    served.set_faults(Faults(id_hole_probability=1.0))
    connection = await connect(nursery, served, PATH)
    await trio.sleep(5.0)
    newest = served.truth.sent(BTC)[-1].trade_id
    await ask(connection, wish("trade"))
    greeting, *_ = await messages(connection, 1.0)
    assert greeting["sequential_id"] == newest


async def test_symbols_have_prices_of_their_quote_currency(autojump_clock: MockClock) -> None:
    """A bitcoin costs a hundred million won, some tens of thousands of dollars, 30 ethers."""
    listings = exchange(NAME).market.listings
    assert 10 <= len(listings) <= 12
    price = {
        code: float(listing.spec.price(listing.spec.start_ticks))
        for code, listing in listings.items()
    }
    assert 1e8 < price[BTC] < 2e8
    assert 5e4 < price["USDT-BTC"] < 2e5
    assert 0.01 < price["BTC-ETH"] < 0.1
    assert {spec.base for spec in (listing.spec for listing in listings.values())} > {"BTC", "ETH"}
    assert rounded(price["KRW-XRP"]) == 3386.32
