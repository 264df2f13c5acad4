"""Binance: what each message becomes, and how its streams are asked for."""

from __future__ import annotations

import json

import pytest

from tests.exchanges.given import present
from tests.exchanges.said import events_of, kind_of, reason_of, rows_of
from tests.exchanges.samples import SAMPLES, SYMBOLS
from tick_logger.exchanges.base import (
    Acknowledged,
    BookLink,
    BookSnapshot,
    Decoded,
    Event,
    GoingAway,
    Refused,
    Subscription,
)
from tick_logger.exchanges.binance import EXCHANGE
from tick_logger.model.instruments import Instrument
from tick_logger.model.tables import (
    BOOK_ASK,
    BOOK_BID,
    FLAG_SNAPSHOT,
    NO_TIME,
    SIDE_BUY,
    SIDE_SELL,
    SIDE_UNKNOWN,
    Table,
)

SAMPLE = SAMPLES["binance"]


def decode(*payloads: bytes) -> Decoded:
    return EXCHANGE.decode(payloads, SYMBOLS)


def changed(sample: str, **fields: object) -> bytes:
    """A sample with other fields in its data; None leaves a field out."""
    message = json.loads(SAMPLE[sample])
    message["data"] = present(message["data"] | fields)
    return json.dumps(message).encode()


def reason(payload: bytes) -> str:
    return reason_of(decode(payload))


# -- rows ------------------------------------------------------------------------------------------


def test_a_trade_whose_buyer_is_the_maker_was_a_sale() -> None:
    """The time is the trade's own, not the event's; milliseconds are known by their size."""
    assert rows_of(decode(SAMPLE["trade"]), Table.TRADES) == [
        {
            "frame": 0,
            "instrument": 5,
            "event_ns": 1723161255342_000_000,
            "seq": 3735683259,
            "price": 61837.63,
            "size": 0.02,
            "side": SIDE_SELL,
            "maker": bytes(16),
            "taker": bytes(16),
        }
    ]


def test_a_trade_in_microseconds_and_with_other_order_of_keys() -> None:
    """Neither the unit nor the place of a key is assumed."""
    (row,) = rows_of(decode(SAMPLE["trade_us"]), Table.TRADES)
    assert row["event_ns"] == 1723161255342999_000
    assert (row["instrument"], row["side"], row["seq"]) == (6, SIDE_BUY, 9)


def test_a_book_ticker_has_no_time() -> None:
    """The exchange sends none; the receive time will stand in for it."""
    assert rows_of(decode(SAMPLE["bookTicker"]), Table.QUOTES) == [
        {
            "frame": 0,
            "instrument": 5,
            "event_ns": NO_TIME,
            "seq": 50093239212,
            "best_bid": 61837.63,
            "best_bid_size": 3.78826,
            "best_ask": 61837.64,
            "best_ask_size": 1.54698,
        }
    ]


def test_an_empty_side_of_a_quote_is_zero_as_sent() -> None:
    """A halted market has no best bid."""
    (row,) = rows_of(decode(changed("bookTicker", b="0.00000000", B="0.00000000")), Table.QUOTES)
    assert (row["best_bid"], row["best_bid_size"]) == (0.0, 0.0)


def test_a_ticker_carries_the_last_trade_not_the_days_volume() -> None:
    """Price c, size Q, last trade id L; its side is not sent."""
    assert rows_of(decode(SAMPLE["ticker"]), Table.MD) == [
        {
            "frame": 0,
            "instrument": 5,
            "event_ns": 1723161255343001_000,
            "seq": 3735683259,
            "price": 61837.63,
            "volume": 0.02,
            "side": SIDE_UNKNOWN,
            "best_bid": 61837.62,
            "best_ask": 61837.64,
        }
    ]


def test_a_ticker_without_trades_in_its_day_has_no_id() -> None:
    """The exchange sends -1, which no unsigned column can hold."""
    (row,) = rows_of(decode(changed("ticker", L=-1, F=-1, n=0)), Table.MD)
    assert row["seq"] == 0


def test_a_ticker_before_the_first_trade_is_kept() -> None:
    """A symbol that is about to be traded has orders already, and a last price of 0 as sent."""
    before = {"c": "0.00000000", "Q": "0.00000000", "L": -1, "F": -1, "n": 0}
    (row,) = rows_of(decode(changed("ticker", **before)), Table.MD)
    assert (row["price"], row["volume"], row["seq"]) == (0.0, 0.0, 0)
    assert (row["best_bid"], row["best_ask"]) == (61837.62, 61837.64)


def book(decoded: Decoded) -> list[tuple[int, int, float, float, int, int, int]]:
    names = ("frame", "side", "price", "size", "flags", "seq", "event_ns")
    return [tuple(row[name] for name in names) for row in rows_of(decoded, Table.BOOK)]


def test_a_depth_update_is_bids_then_asks_and_a_link() -> None:
    """The link carries both ids, the rows the last one."""
    decoded = decode(SAMPLE["depth"])
    time_ns = 1723161255208_000_000
    assert book(decoded) == [
        (0, BOOK_BID, 61737.63, 0.0, 0, 103, time_ns),
        (0, BOOK_BID, 61730.17, 2.0, 0, 103, time_ns),
        (0, BOOK_ASK, 61837.64, 1.54698, 0, 103, time_ns),
    ]
    assert decoded.events == ((0, BookLink(5, 101, 103)),)


def test_an_update_without_levels_is_still_a_link_of_the_chain() -> None:
    """Leaving it out would look like a hole."""
    decoded = decode(changed("depth", b=[], a=[]), changed("depth", b=[], U=104, u=105))
    assert decoded.events == ((0, BookLink(5, 101, 103)), (1, BookLink(5, 104, 105)))
    assert [row[:3] for row in book(decoded)] == [(1, BOOK_ASK, 61837.64)]


def test_levels_belong_to_their_own_update() -> None:
    """Updates of different lengths and symbols in one batch are not mixed up."""
    decoded = decode(
        changed("depth", b=[["1", "2"]], a=[]),
        changed("depth", s="ETHUSDT", u=200, b=[], a=[["3", "4"], ["5", "6"], ["7", "8"]]),
        SAMPLE["depth"],
    )
    rows = rows_of(decoded, Table.BOOK)
    assert [row["frame"] for row in rows] == [0, 1, 1, 1, 2, 2, 2]
    assert [row["instrument"] for row in rows] == [5, 6, 6, 6, 5, 5, 5]
    assert [row["seq"] for row in rows] == [103, 200, 200, 200, 103, 103, 103]
    assert [row["price"] for row in rows[:4]] == [1.0, 3.0, 5.0, 7.0]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (changed("trade", p="0"), "price of 0.0 is out of range"),
        (changed("trade", p="inf"), "price of inf is out of range"),
        (changed("trade", q="nan"), "size of nan is out of range"),
        (changed("trade", p=""), "trade: Expected `float`, got `str` - at `$.p`"),
        (changed("trade", t=10**26), "trade: Expected `int` <= 9223372036854775807 - at `$.t`"),
        (changed("trade", m=None), "trade: Object missing required field `m`"),
        (changed("trade", s="DOGEUSDT"), "unknown symbol 'DOGEUSDT'"),
        (changed("bookTicker", A="-1"), "ask_size of -1.0 is out of range"),
        (changed("ticker", c="-1"), "price of -1.0 is out of range"),
        (changed("depth", b=[["1", "nan"]], a=[]), "size of nan is out of range"),
        (
            changed("depth", b=[["1"]], a=[]),
            "depth: Expected `array` of at least length 2, got 1 - at `$.b[0]`",
        ),
        (changed("depth", U=104), "depth update from id 104 to the smaller id 103"),
        (b'{"stream":"x@trade"}', "trade: Input data was truncated"),
        (b'{"stream":"x@trade","data":[]}', "trade: Expected `object`, got `array`"),
        (b'{"stream":1,"data":{}}', "envelope: Expected `str`, got `int` - at `$.stream`"),
        (b"{}", "neither a message of a stream nor an answer to a request"),
        (b'{"stream":"\xff"}', "envelope: text is not UTF-8"),
        (b'{"x":' + b"[" * 9999, "nested more than 256 levels deep"),
    ],
)
def test_what_is_wrong_with_a_payload_is_said(payload: bytes, expected: str) -> None:
    """In words that name the field."""
    assert reason(payload) == expected


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b'{"stream":"x@surprise","data":{}}', "surprise"),
        (b'{"stream":"x@surprise@100ms","data":[]}', "surprise"),
        (b'{"stream":"btcusdt@trade","data":{"e":"tradeHalt","s":"BTCUSDT"}}', "tradeHalt"),
        (b'{"e":"balanceUpdate","E":1}', "balanceUpdate"),
    ],
)
def test_a_message_of_an_unknown_kind_is_not_bad(payload: bytes, kind: str) -> None:
    """Its kind is named, without the symbol."""
    assert kind_of(decode(payload)) == kind


@pytest.mark.parametrize("kind", ["aggTrade", "kline"])
def test_streams_that_were_never_asked_for_are_passed_over(kind: str) -> None:
    """They are known, so they are not bad."""
    decoded = decode(SAMPLE[kind])
    assert (decoded.rows, decoded.events, decoded.bad) == ((), (), ())


# -- snapshots by REST -----------------------------------------------------------------------------


def test_a_rest_snapshot_becomes_flagged_rows() -> None:
    """Wrapped by the adapter, because the answer does not say whose book it is."""
    body = b'{"lastUpdateId":102,"bids":[["2500.1","1"],["2500","2"]],"asks":[["2500.2","3"]]}'
    decoded = decode(EXCHANGE.snapshot_payload("ETHUSDT", body))
    assert book(decoded) == [
        (0, BOOK_BID, 2500.1, 1.0, FLAG_SNAPSHOT, 102, NO_TIME),
        (0, BOOK_BID, 2500.0, 2.0, FLAG_SNAPSHOT, 102, NO_TIME),
        (0, BOOK_ASK, 2500.2, 3.0, FLAG_SNAPSHOT, 102, NO_TIME),
    ]
    assert decoded.events == ((0, BookSnapshot(6, 102)),)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"[]", b'{"code":-1003,"msg":"Too much"}', b'{"lastUpd']
)
def test_an_answer_that_is_no_snapshot_is_bad(body: bytes) -> None:
    """An error page does not become a book."""
    assert reason(EXCHANGE.snapshot_payload("ETHUSDT", body))


@pytest.mark.parametrize(("symbols", "limit"), [(1, 5000), (20, 5000), (21, 1000), (900, 1000)])
def test_few_books_are_asked_for_in_full_depth(symbols: int, limit: int) -> None:
    """The weight of a full one allows about twenty per minute."""
    url = EXCHANGE.snapshot_url("https://x.test/", "BTCUSDT", symbols)
    assert url == f"https://x.test/api/v3/depth?symbol=BTCUSDT&limit={limit}"


# -- events and requests ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (SAMPLE["acknowledgement"], Acknowledged(4)),
        (b'{"id":1,"result":null}', Acknowledged(1)),
        (SAMPLE["error"], Refused(5, "Invalid request: unknown method (code 2)")),
        (b'{"error":{"code":3,"msg":"Invalid JSON"}}', Refused(None, "Invalid JSON (code 3)")),
        (b'{"code":0,"msg":"Unknown property","id":6}', Refused(6, "Unknown property (code 0)")),
        (b'{"code":3,"msg":"Invalid JSON"}', Refused(None, "Invalid JSON (code 3)")),
        (SAMPLE["serverShutdown"], GoingAway("serverShutdown")),
        (
            b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}',
            GoingAway("serverShutdown"),
        ),
        (
            b'{"stream":"","data":{"e":"serverShutdown","E":1}}',
            GoingAway("serverShutdown"),
        ),
        (
            b'{"stream":"btcusdt@trade","data":{"e":"serverShutdown","E":1}}',
            GoingAway("serverShutdown"),
        ),
    ],
)
def test_control_messages_become_events(payload: bytes, expected: Event) -> None:
    """And no rows."""
    decoded = decode(payload)
    assert events_of(decoded) == [expected]
    assert (decoded.rows, decoded.bad) == ((), ())


def test_subscriptions_are_streams_in_lower_case() -> None:
    """Each feed is one stream; the request's id comes back in the answer."""
    wanted = [Subscription("BTCUSDT", feed) for feed in ("ticker", "trades", "quotes", "orderbook")]
    (request,) = EXCHANGE.subscribe(wanted, 7)
    assert json.loads(request.text) == {
        "method": "SUBSCRIBE",
        "params": [
            "btcusdt@depth@100ms",
            "btcusdt@bookTicker",
            "btcusdt@ticker",
            "btcusdt@trade",
        ],
        "id": 7,
    }
    (request,) = EXCHANGE.unsubscribe(wanted[:1], 8)
    assert json.loads(request.text) == {
        "method": "UNSUBSCRIBE",
        "params": ["btcusdt@ticker"],
        "id": 8,
    }


@pytest.mark.parametrize("endpoint", ["wss://x.test:9443", "wss://x.test:9443/"])
def test_the_combined_stream_is_asked_for_in_microseconds(endpoint: str) -> None:
    """Whether or not the configured endpoint ends in a slash."""
    assert EXCHANGE.ws_url(endpoint) == "wss://x.test:9443/stream?timeUnit=MICROSECOND"


@pytest.mark.parametrize(
    ("fields", "active"),
    [
        ('"status":"TRADING","isSpotTradingAllowed":true', True),
        ('"status":"TRADING","permissions":["SPOT","MARGIN"]', True),
        ('"status":"TRADING","permissions":[],"permissionSets":[["MARGIN"],["SPOT"]]', True),
        ('"status":"TRADING","isSpotTradingAllowed":false,"permissions":["MARGIN"]', False),
        ('"status":"AUCTION_MATCH","isSpotTradingAllowed":true', True),
        ('"status":"PRE_TRADING","isSpotTradingAllowed":true', False),
        ('"status":"HALT","isSpotTradingAllowed":true', False),
        ('"status":"END_OF_DAY","isSpotTradingAllowed":true', False),
        ('"status":"BREAK","isSpotTradingAllowed":true', False),
        ('"status":"CANCEL_ONLY","isSpotTradingAllowed":true', False),
    ],
)
def test_active_are_symbols_that_trade_on_spot(fields: str, active: bool) -> None:
    """In the older and the newer forms of exchangeInfo."""
    body = f'{{"symbols":[{{"symbol":"AB","baseAsset":"A","quoteAsset":"B",{fields}}}]}}'.encode()
    assert EXCHANGE.parse_listing(body) == (Instrument("AB", "A", "B", active),)


def test_steps_of_prices_and_sizes_are_those_of_the_two_filters() -> None:
    """Not those of market orders; a symbol without filters has none."""
    filters = (
        '{"filterType":"MARKET_LOT_SIZE","stepSize":"5.0"},'
        '{"filterType":"LOT_SIZE","minQty":"9","stepSize":"0.00100000"},'
        '{"filterType":"NOTIONAL","minNotional":"9","applyMinToMarket":true},'
        '{"filterType":"PRICE_FILTER","minPrice":"9","tickSize":"0.01000000"}'
    )
    symbols = f'{{"symbol":"AB","status":"BREAK","filters":[{filters}]}},'
    symbols += '{"symbol":"CD","status":"BREAK","filters":[]}'
    listed = EXCHANGE.parse_listing(f'{{"symbols":[{symbols}]}}'.encode())
    assert [(each.tick_size, each.lot_size) for each in listed] == [
        ("0.01000000", "0.00100000"),
        ("", ""),
    ]
