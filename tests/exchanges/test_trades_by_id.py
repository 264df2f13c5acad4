"""Binance, Coinbase, Coinbase Advanced and OKX, asked for trades by their ids."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from tests.exchanges.trades_asked import (
    ENDPOINT,
    Said,
    needs_pages,
    no_answer,
    recorded,
    said,
    sample_pages,
    taken,
    walked,
)
from tests.recordings import frames
from tick_logger.exchanges import registry
from tick_logger.exchanges._binance_trades import BinanceTrades
from tick_logger.exchanges._coinbase_advanced_trades import CoinbaseAdvancedTrades
from tick_logger.exchanges._coinbase_trades import CoinbaseTrades
from tick_logger.exchanges._okx_trades import OkxTrades
from tick_logger.exchanges.refusals import wait_of
from tick_logger.exchanges.trades_by_rest import TradesByRest, TradesPage, TradesWanted
from tick_logger.model.tables import SIDE_BUY, SIDE_SELL

SYMBOL = "BTC-USDT"
MS = 1_000_000


class Venue(NamedTuple):
    """An adapter's name, how it asks for small pages, and how its answers are spelled."""

    name: str
    asks: Callable[[int], TradesByRest]
    around: tuple[str, str]
    trade: str
    price: str
    time: str
    spelled_side: tuple[str, str]
    """Its name and value when the taker buys."""


BINANCE = Venue(
    "binance",
    BinanceTrades,
    ("[", "]"),
    '{"id":%s,"price":"1.5","qty":"0.25","quoteQty":"0.375","time":1790000000123,'
    '"isBuyerMaker":false,"isBestMatch":true}',
    '"price":"1.5"',
    '"time":1790000000123',
    ('"isBuyerMaker":false', '"isBuyerMaker":true'),
)
COINBASE = Venue(
    "coinbase",
    CoinbaseTrades,
    ("[", "]"),
    '{"trade_id":%s,"side":"sell","size":"0.25","price":"1.5","time":"2026-09-21T14:13:20.123Z"}',
    '"price":"1.5"',
    '"time":"2026-09-21T14:13:20.123Z"',
    ('"side":"sell"', '"side":"buy"'),
)
ADVANCED = COINBASE._replace(name="coinbase_advanced", asks=CoinbaseAdvancedTrades)
OKX = Venue(
    "okx",
    OkxTrades,
    ('{"code":"0","msg":"","data":[', "]}"),
    '{"instId":"BTC-USDT","side":"buy","sz":"0.25","px":"1.5","tradeId":"%s","ts":"1790000000123"}',
    '"px":"1.5"',
    '"ts":"1790000000123"',
    ('"side":"buy"', '"side":"sell"'),
)
VENUES = [BINANCE, COINBASE, ADVANCED, OKX]
each_venue = pytest.mark.parametrize("venue", VENUES, ids=lambda each: each.name)
pages_back = pytest.mark.parametrize("venue", VENUES[1:], ids=lambda each: each.name)


def answer(venue: Venue, *ids: object) -> bytes:
    """An answer with trades of these ids, newest first but for Binance."""
    trades = [venue.trade % number for number in ids]
    return (venue.around[0] + ",".join(trades) + venue.around[1]).encode()


def spoilt(venue: Venue, old: str, new: str) -> bytes:
    """An answer with two trades, of which the second has something else in it."""
    text = answer(venue, 8, 7).decode()
    head, found, tail = text.rpartition(old)
    assert found
    return (head + new + tail).encode()


def asks_for(*ids: int) -> TradesWanted:
    """The trades from the first of these to the last."""
    return TradesWanted(symbol=SYMBOL, from_id=ids[0], to_id=ids[-1])


def page(*ids: int) -> TradesPage:
    """A page of trades with these ids, each in the millisecond of its number."""
    numbers = np.array(ids, np.uint64)
    ones = np.ones(len(ids))
    times = numbers.astype(np.int64) * MS
    return TradesPage(numbers, times, ones, ones, np.zeros(len(ids), np.uint32))


# -- what was recorded -----------------------------------------------------------------------------


def _binance_matches() -> dict[int, Said]:
    raw = (json.loads(f) for f in frames(f"binance/{_CAPTURES['binance']}"))
    data = [m["data"] for m in raw if m.get("stream") == "btcusdt@trade"]
    side = {True: SIDE_SELL, False: SIDE_BUY}
    return {m["t"]: (m["t"], m["T"] * MS, float(m["p"]), float(m["q"]), side[m["m"]]) for m in data}


def _coinbase_matches() -> dict[int, Said]:
    raw = (json.loads(f) for f in frames(f"coinbase/{_CAPTURES['coinbase']}"))
    matches = [m for m in raw if m["type"] in ("match", "last_match")]
    side = {"buy": SIDE_SELL, "sell": SIDE_BUY}
    return {
        m["trade_id"]: (
            m["trade_id"],
            _iso_ns(m["time"]),
            float(m["price"]),
            float(m["size"]),
            side[m["side"]],
        )
        for m in matches
        if m["product_id"] == "SKL-USD"
    }


def _okx_trades() -> dict[int, Said]:
    raw = (json.loads(f) for f in frames(f"okx/{_CAPTURES['okx']}") if f[:1] == b"{")
    data = [m for m in raw if m["arg"] == {"channel": "trades", "instId": "BTC-USDT"}]
    trades = [t for m in data for t in m.get("data", ())]
    side = {"buy": SIDE_BUY, "sell": SIDE_SELL}
    return {
        int(t["tradeId"]): (
            int(t["tradeId"]),
            int(t["ts"]) * MS,
            float(t["px"]),
            float(t["sz"]),
            side[t["side"]],
        )
        for t in trades
    }


def _iso_ns(text: str) -> int:
    whole = datetime.fromisoformat(text)
    return int(whole.replace(microsecond=0).timestamp()) * 10**9 + whole.microsecond * 1000


_CAPTURES = {
    "binance": "ws_2024-08-09_btcusdt_trade-bookTicker-depth.jsonl.gz",
    "coinbase": "ws_2021-04-17_level2-ticker-matches_7products.jsonl.gz",
    "okx": "ws_2022-05-13_books-trades-tickers.jsonl",
}
_SAMPLES: dict[str, tuple[str, TradesByRest, str, Callable[[], dict[int, Said]]]] = {
    "binance": (
        "binance/rest_historicalTrades_selfmade_2024-08-09.jsonl",
        BinanceTrades(40),
        "BTCUSDT",
        _binance_matches,
    ),
    "coinbase": (
        "coinbase/rest_trades_selfmade_2021-04-17.jsonl",
        CoinbaseTrades(20),
        "SKL-USD",
        _coinbase_matches,
    ),
    "okx": (
        "okx/rest_history-trades_selfmade_2022-05-13.jsonl",
        OkxTrades(20),
        "BTC-USDT",
        _okx_trades,
    ),
}


@needs_pages
@pytest.mark.parametrize("name", _SAMPLES)
def test_pages_come_back_as_the_recorded_trades(name: str) -> None:
    """As far as REST has them: all but the ids of the orders."""
    path, trades, symbol, read_recorded = _SAMPLES[name]
    true = read_recorded()
    bodies = [body for _, body in sample_pages(path) if body]
    got = [each for body in bodies for each in said(trades.read(body, symbol))]
    ids = [number for number, *_ in got]
    assert len(got) > 50
    assert sorted(ids) == list(range(min(ids), max(ids) + 1))
    assert got == [true[number] for number in ids]


@needs_pages
@pytest.mark.parametrize("name", _SAMPLES)
def test_a_walk_asks_for_the_recorded_pages_as_they_were_asked_for(name: str) -> None:
    path, trades, symbol, _ = _SAMPLES[name]
    answers = {target: body for target, body in sample_pages(path) if body}
    ids = [number for body in answers.values() for number in trades.read(body, symbol).ids.tolist()]
    newest = None if name == "coinbase" else max(ids)
    wanted = TradesWanted(symbol=symbol, from_id=min(ids), to_id=newest)
    found, asked = walked(trades, wanted, lambda url: answers[url.removeprefix(ENDPOINT)])
    assert sorted(found) == sorted(ids)
    assert asked == [ENDPOINT + target for target in list(answers)[: len(asked)]]


# -- what is asked for -----------------------------------------------------------------------------


def test_forward_from_the_first_id_on() -> None:
    """The first id of a page is that which was asked for."""
    trades = BinanceTrades()
    wanted = TradesWanted(symbol="BTCUSDT", from_id=10, to_id=30)
    place = f"{ENDPOINT}/api/v3/historicalTrades?symbol=BTCUSDT&"
    assert trades.first_url(ENDPOINT + "/", wanted) == f"{place}fromId=10&limit=1000"
    assert trades.next_url(ENDPOINT, wanted, page(10, 11, 12)) == f"{place}fromId=13&limit=1000"
    assert trades.next_url(ENDPOINT, wanted, page(28, 29, 30)) is None
    assert trades.next_url(ENDPOINT, wanted, page(28, 31)) is None
    assert trades.next_url(ENDPOINT, wanted, page(3, 4)) is None
    assert trades.next_url(ENDPOINT, wanted, page()) is None
    until = TradesWanted(symbol="BTCUSDT", from_id=10, to_ns=12 * MS)
    assert trades.next_url(ENDPOINT, until, page(10, 12)) == f"{place}fromId=13&limit=1000"
    assert trades.next_url(ENDPOINT, until, page(12, 13)) is None
    with pytest.raises(ValueError, match="from_id"):
        trades.first_url(ENDPOINT, TradesWanted(symbol="BTCUSDT", from_ns=1))


@pages_back
def test_backward_from_the_last_id(venue: Venue) -> None:
    """The id that is named is not on the page."""
    trades, wanted = venue.asks(100), asks_for(10, 30)

    def after(url: str | None) -> str:
        assert url is not None
        return parse_qs(urlsplit(url).query).get("after", ["the newest"])[0]

    assert after(trades.first_url(ENDPOINT, wanted)) == "31"
    assert after(trades.next_url(ENDPOINT, wanted, page(30, 29, 28))) == "28"
    assert after(trades.next_url(ENDPOINT, wanted, page(12, 11))) == "11"
    assert trades.next_url(ENDPOINT, wanted, page(11, 10)) is None
    assert trades.next_url(ENDPOINT, wanted, page(12, 9)) is None
    assert trades.next_url(ENDPOINT, wanted, page(32, 31)) is None
    assert trades.next_url(ENDPOINT, wanted, page()) is None
    since = TradesWanted(symbol=SYMBOL, from_ns=20 * MS)
    assert after(trades.first_url(ENDPOINT, since)) == "the newest"
    assert after(trades.next_url(ENDPOINT, since, page(25, 20))) == "20"
    assert trades.next_url(ENDPOINT, since, page(20, 19)) is None


def test_the_addresses_are_the_documented_ones() -> None:
    wanted = asks_for(10, 30)
    assert OkxTrades().first_url(ENDPOINT, wanted) == (
        f"{ENDPOINT}/api/v5/market/history-trades?instId=BTC-USDT&type=1&after=31&limit=100"
    )
    assert CoinbaseTrades().first_url(ENDPOINT, wanted) == (
        f"{ENDPOINT}/products/BTC-USDT/trades?limit=1000&after=31"
    )


def test_some_hosts_have_no_history_so_that_another_is_asked() -> None:
    binance, advanced = BinanceTrades(), CoinbaseAdvancedTrades()
    assert binance.endpoint("https://data-api.binance.vision") == "https://api.binance.com"
    assert binance.endpoint("https://api1.binance.com") == "https://api1.binance.com"
    exchange = "https://api.exchange.coinbase.com"
    assert advanced.endpoint(registry.get("coinbase_advanced").rest_endpoint) == exchange
    assert registry.get("coinbase").rest_endpoint == exchange
    assert advanced.endpoint("http://127.0.0.1:8080") == "http://127.0.0.1:8080"


# -- what an answer says ---------------------------------------------------------------------------


@each_venue
def test_a_trade_is_that_of_the_stream(venue: Venue) -> None:
    """With the side of the taker, whoever's side is sent."""
    trades = venue.asks(100)
    expected = (2**53 + 1, 1_790_000_000_123 * MS, 1.5, 0.25, SIDE_BUY)
    assert said(trades.read(answer(venue, 2**53 + 1), SYMBOL)) == [expected]
    sold = answer(venue, 7).decode().replace(*venue.spelled_side).encode()
    assert said(trades.read(sold, SYMBOL))[0][-1] == SIDE_SELL


def test_binance_is_asked_for_microseconds_and_may_answer_in_milliseconds() -> None:
    """The unit shows by how large the number is."""
    assert BinanceTrades.headers == {"X-MBX-TIME-UNIT": "MICROSECOND"}
    body = answer(BINANCE, 7).replace(b"1790000000123", b"1790000000123456")
    assert said(BinanceTrades().read(body, SYMBOL))[0][1] == 1_790_000_000_123_456_000


@each_venue
def test_prices_are_those_of_the_texts(venue: Venue) -> None:
    text = "61685.990000000005"
    body = answer(venue, 7).replace(venue.price.encode(), venue.price.replace("1.5", text).encode())
    assert said(venue.asks(100).read(body, SYMBOL))[0][2] == float(text)


@each_venue
def test_an_empty_page_has_no_trades(venue: Venue) -> None:
    assert said(venue.asks(100).read(answer(venue), SYMBOL)) == []
    assert taken(registry.get(venue.name), asks_for(1, 9), answer(venue)) == []


@each_venue
def test_fields_that_nobody_knows_change_nothing(venue: Venue) -> None:
    plain = answer(venue, 8, 7)
    more = plain.replace(b"{", b'{"count":"3","source":"0","new":{"deep":[1]},')
    read = venue.asks(100).read
    assert said(read(more, SYMBOL)) == said(read(plain, SYMBOL))


@each_venue
def test_numbers_and_texts_are_the_same(venue: Venue) -> None:
    read = venue.asks(100).read
    as_texts = answer(venue, '"8"' if venue is not OKX else "8")
    as_numbers = as_texts.replace(b'"1.5"', b"1.5").replace(b'"0.25"', b"0.25")
    assert said(read(as_texts, SYMBOL)) == said(read(answer(venue, 8), SYMBOL))
    assert said(read(as_numbers, SYMBOL)) == said(read(answer(venue, 8), SYMBOL))


@each_venue
def test_one_trade_that_cannot_be_read_makes_it_no_answer(venue: Venue) -> None:
    trades = venue.asks(100)
    for number in ('"-1"', '"0"', '"nan"', '"inf"', '"1e31"', "null", '"dear"', "[]"):
        broken = spoilt(venue, venue.price, venue.price.replace('"1.5"', number))
        assert no_answer(trades, broken, SYMBOL)
    name, _, _ = venue.time.partition(":")
    for time in ('"soon"', "null", "true", '""'):
        assert no_answer(trades, spoilt(venue, venue.time, f"{name}:{time}"), SYMBOL)
    name, _, _ = venue.spelled_side[0].partition(":")
    assert no_answer(trades, spoilt(venue, venue.spelled_side[0], f'{name}:"both"'), SYMBOL)
    assert "out of range" in no_answer(
        trades, spoilt(venue, venue.price, venue.price.replace("1.5", "-1")), SYMBOL
    )


@each_venue
def test_an_id_is_within_64_bits(venue: Venue) -> None:
    trades = venue.asks(100)
    assert said(trades.read(answer(venue, 2**63 - 1), SYMBOL))[0][0] == 2**63 - 1
    for number in (2**63, 2**64, 10**30, -1):
        assert no_answer(trades, answer(venue, number), SYMBOL)


@each_venue
def test_what_is_no_answer_is_reported_as_the_venues_fault(venue: Venue) -> None:
    trades = venue.asks(100)
    deep = answer(venue, 7).replace(b"{", b'{"extra":' + b"[" * 5000 + b"]" * 5000 + b",", 1)
    whole = answer(venue, 9, 8, 7)
    bodies: list[bytes] = [
        *(b"", b"null", b"17", b"<html>502</html>", b"\xff\xfe", b"{}", b'{"message":"NotFound"}'),
        *(whole[:cut] for cut in range(0, len(whole), 7)),
        deep,
    ]
    for body in bodies:
        assert no_answer(trades, body, SYMBOL)
    assert "nested" in no_answer(trades, deep, SYMBOL)


def test_a_refusal_of_status_200_says_so_in_words() -> None:
    body = b'{"code":"50011","msg":"Too Many Requests","data":[]}'
    reason = no_answer(OkxTrades(), body, SYMBOL)
    assert reason == "history-trades: Too Many Requests (code 50011)"
    assert wait_of(reason) is not None
    assert "51001" in no_answer(OkxTrades(), b'{"code":"51001","msg":"no such"}', SYMBOL)
    assert no_answer(OkxTrades(), b'{"code":"0","msg":""}', SYMBOL)


def test_trades_of_another_symbol_are_no_answer() -> None:
    assert "'BTC-USDT'" in no_answer(OkxTrades(), answer(OKX, 8, 7), "ETH-USDT")


# -- what is recorded of it ------------------------------------------------------------------------


@each_venue
def test_only_what_is_wanted_is_taken(venue: Venue) -> None:
    """In the order of ids, whatever the order of the page; what came already is left out."""
    exchange, body = registry.get(venue.name), answer(venue, *range(20, 4, -1))
    assert taken(exchange, asks_for(8, 11), body) == [8, 9, 10, 11]
    wanted = TradesWanted(symbol=SYMBOL, from_id=8, to_id=11, known=(9, 10))
    assert taken(exchange, wanted, body) == [8, 11]
    assert taken(exchange, asks_for(30, 40), body) == []


@each_venue
def test_what_is_no_answer_is_kept_aside(venue: Venue) -> None:
    broken: Any = spoilt(venue, venue.price, venue.price.replace("1.5", "-1"))
    what = recorded(registry.get(venue.name), asks_for(1, 9), broken)
    assert not what.rows
    assert len(what.aside) == 1
    assert "back-fill" in what.aside[0].reason
