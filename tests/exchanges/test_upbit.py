"""Upbit: what each message becomes, in either format, and how everything is asked for at once."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import pytest

from tests.exchanges.said import events_of, rows_of
from tests.exchanges.samples import SAMPLES, SYMBOLS
from tick_logger.exchanges.base import (
    BookSnapshot,
    Confirmed,
    Decoded,
    Event,
    Heartbeat,
    Refused,
    Subscription,
    VenueError,
)
from tick_logger.exchanges.upbit import EXCHANGE
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

SAMPLE = SAMPLES["upbit"]
BTC, ETH = SYMBOLS["KRW-BTC"], SYMBOLS["BTC-ETH"]
MS = 10**6


def decode(*payloads: bytes) -> Decoded:
    return EXCHANGE.decode(payloads, SYMBOLS)


def changed(sample: str, **fields: object) -> bytes:
    """A sample with other fields; None leaves a field out."""
    message = json.loads(SAMPLE[sample]) | fields
    return json.dumps({key: value for key, value in message.items() if value is not None}).encode()


def listed(*samples: str) -> bytes:
    return b"[" + b",".join(SAMPLE[sample] for sample in samples) + b"]"


def reason(payload: bytes) -> str:
    decoded = decode(payload)
    assert (decoded.rows, decoded.events) == ((), ())
    (bad,) = decoded.bad
    return bad.reason


def bits(number: float) -> int:
    return int.from_bytes(struct.pack(">d", number), "big")


# -- trades ----------------------------------------------------------------------------------------


def test_a_trade_has_its_own_time_and_the_takers_side() -> None:
    """ASK: the taker sold.  `timestamp` is that of the message."""
    assert rows_of(decode(SAMPLE["trade"]), Table.TRADES) == [
        {
            "frame": 0,
            "instrument": BTC,
            "event_ns": 1_788_335_180_377 * MS,
            "seq": 17_883_351_803_770_004,
            "price": 106_691_000.0,
            "size": 0.00009372,
            "side": SIDE_SELL,
            "maker": bytes(16),
            "taker": bytes(16),
        }
    ]


def test_the_simple_format_says_the_same() -> None:
    """Under short names; trades of 2021 have whole seconds."""
    (row,) = rows_of(decode(SAMPLE["trade_simple"]), Table.TRADES)
    assert (row["instrument"], row["event_ns"]) == (ETH, 1_617_646_704_000 * MS)
    assert (row["seq"], row["price"], row["size"]) == (16_176_467_040_000_000, 2.1e-7, 2400.0)
    assert row["side"] == SIDE_BUY


def test_formats_may_change_and_rows_keep_the_order_of_their_payloads() -> None:
    """A request for another format changes the streams that run."""
    decoded = decode(*(SAMPLE[name] for name in ("trade", "trade_simple", "other_order", "trade")))
    rows = rows_of(decoded, Table.TRADES)
    assert [(row["frame"], row["instrument"]) for row in rows] == [
        (0, BTC), (1, ETH), (2, BTC), (3, BTC),
    ]  # fmt: skip


def test_an_id_may_be_a_text() -> None:
    """As in recordings whose source feared for large integers; no digit is lost either way."""
    (row,) = rows_of(decode(changed("trade", sequential_id="17883351803770005")), Table.TRADES)
    assert row["seq"] == 17_883_351_803_770_005


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"trade_price": 0}, "price of 0.0 is out of range"),
        ({"trade_price": "nan"}, "price of nan is out of range"),
        ({"trade_price": None}, "trade: Object missing required field `trade_price`"),
        ({"trade_volume": -1}, "size of -1.0 is out of range"),
        ({"ask_bid": "both"}, "trade: Invalid enum value 'both' - at `$.ask_bid`"),
        ({"trade_timestamp": -5}, "trade: Expected `int` >= 0 - at `$.trade_timestamp`"),
        (
            {"sequential_id": 10**26},
            "trade: Expected `int` <= 9223372036854775807 - at `$.sequential_id`",
        ),
        ({"code": "KRW-DOGE"}, "unknown symbol 'KRW-DOGE'"),
        ({"type": "auction"}, "unknown message type 'auction'"),
        ({"type": 7}, "Expected `str`, got `int` - at `$.type`"),
    ],
)
def test_a_trade_with_an_impossible_value_is_bad(fields: dict[str, object], expected: str) -> None:
    """The reason names the field and what is wrong with it."""
    assert reason(changed("trade", **fields)) == expected


@pytest.mark.parametrize(
    "text", ["106691000.00000000", "1.06691E8", "1E-8", "0.1", "2.2250738585072011e-308", "9" * 29]
)
def test_numbers_are_those_of_their_text(text: str) -> None:
    """Bare JSON numbers in any spelling become the nearest float, as Python reads them."""
    payload = SAMPLE["trade"].replace(b"106691000.00000000", text.encode())
    (row,) = rows_of(decode(payload), Table.TRADES)
    assert row["price"] == float(text)


@pytest.mark.parametrize(
    ("stamp", "event_ns"),
    [(1_788_335_180_377_125, 1_788_335_180_377_125_000), (0, NO_TIME), (17, NO_TIME)],
)
def test_times_may_be_in_microseconds_or_none(stamp: int, event_ns: int) -> None:
    """The magnitude tells; what lies outside of this century is no time."""
    (row,) = rows_of(decode(changed("trade", trade_timestamp=stamp)), Table.TRADES)
    assert row["event_ns"] == event_ns


# -- tickers ---------------------------------------------------------------------------------------


def test_a_ticker_becomes_a_market_data_row_without_best_prices() -> None:
    """Its time is that of the message; the volume is the last trade's."""
    decoded = decode(SAMPLE["ticker"], SAMPLE["ticker_simple"])
    one, two = rows_of(decoded, Table.MD)
    assert [rows.table for rows in decoded.rows] == [Table.MD]
    assert (one["instrument"], one["event_ns"]) == (BTC, 1_745_130_655_652 * MS)
    assert (one["price"], one["volume"], one["side"]) == (122_902_000.0, 0.00020372, SIDE_SELL)
    assert (two["instrument"], two["event_ns"]) == (ETH, 1_611_063_306_635 * MS)
    assert (two["price"], two["volume"], two["side"]) == (0.0321, 1.5, SIDE_BUY)
    assert all(math.isnan(row[name]) for row in (one, two) for name in ("best_bid", "best_ask"))


def test_tickers_of_one_millisecond_are_told_apart_by_the_days_volume() -> None:
    """It rises with each trade, and so do its bits as a whole number."""
    volumes = [0.0, 1e-8, 160.18173252, 160.18173253, 9e12]
    rows = rows_of(
        decode(*(changed("ticker", acc_trade_volume=each) for each in volumes)), Table.MD
    )
    assert [row["seq"] for row in rows] == [bits(each) for each in volumes]
    assert sorted({row["seq"] for row in rows}) == [row["seq"] for row in rows]


def test_a_ticker_may_lack_what_describes_the_last_trade() -> None:
    """What was not sent is NaN or unknown."""
    missing = dict.fromkeys(["trade_volume", "ask_bid", "acc_trade_volume"])
    (row,) = rows_of(decode(changed("ticker", **missing)), Table.MD)
    assert math.isnan(row["volume"])
    assert (row["side"], row["seq"]) == (SIDE_UNKNOWN, 0)


@pytest.mark.parametrize("field", ["trade_price", "trade_volume", "acc_trade_volume"])
@pytest.mark.parametrize("value", ["nan", "inf", -1, 1e300])
def test_a_ticker_with_an_impossible_number_is_bad(field: str, value: object) -> None:
    """A NaN that was sent is not the same as a field that was not."""
    assert "is out of range" in reason(changed("ticker", **{field: value}))


# -- books and quotes ------------------------------------------------------------------------------


def book(decoded: Decoded) -> list[tuple[Any, ...]]:
    names = ("frame", "instrument", "seq", "side", "price", "size", "flags")
    return [tuple(row[name] for name in names) for row in rows_of(decoded, Table.BOOK)]


def quotes(decoded: Decoded) -> list[tuple[Any, ...]]:
    names = ("frame", "seq", "best_bid", "best_bid_size", "best_ask", "best_ask_size")
    return [
        tuple(None if math.isnan(row[name]) else row[name] for name in names)
        for row in rows_of(decoded, Table.QUOTES)
    ]


def test_every_book_is_a_snapshot_and_a_quote() -> None:
    """Bids before asks, best first; the time of the book's last change tells it from others."""
    decoded = decode(SAMPLE["orderbook"])
    stamp = 1_790_134_742_106
    assert book(decoded) == [
        (0, BTC, stamp, BOOK_BID, 116_538_000.0, 0.08120946, FLAG_SNAPSHOT),
        (0, BTC, stamp, BOOK_BID, 116_537_000.0, 0.01129382, FLAG_SNAPSHOT),
        (0, BTC, stamp, BOOK_ASK, 116_539_000.0, 0.02054761, FLAG_SNAPSHOT),
        (0, BTC, stamp, BOOK_ASK, 116_542_000.0, 0.0007772, FLAG_SNAPSHOT),
    ]
    assert quotes(decoded) == [(0, stamp, 116_538_000.0, 0.08120946, 116_539_000.0, 0.02054761)]
    for table in (Table.BOOK, Table.QUOTES):
        assert {row["event_ns"] for row in rows_of(decoded, table)} == {stamp * MS}
    assert decoded.events == ((0, BookSnapshot(BTC, 0)),)


def test_a_price_of_zero_is_no_level() -> None:
    """Such units fill up the shorter side."""
    stamp = 1_617_646_620_673
    decoded = decode(SAMPLE["orderbook_simple"])
    assert book(decoded) == [
        (0, ETH, stamp, BOOK_BID, 0.0321, 7.0, FLAG_SNAPSHOT),
        (0, ETH, stamp, BOOK_ASK, 0.0322, 1.5, FLAG_SNAPSHOT),
        (0, ETH, stamp, BOOK_ASK, 0.0323, 2.0, FLAG_SNAPSHOT),
    ]


def unit(ask: float, bid: float) -> dict[str, float]:
    return {"ask_price": ask, "bid_price": bid, "ask_size": ask / 10, "bid_size": bid / 10}


def test_an_empty_side_has_no_quote() -> None:
    """Nothing is offered there, which is not an offer at zero; a book of nothing says nothing."""
    decoded = decode(
        changed("orderbook", orderbook_units=[unit(0, 50)]),
        changed("orderbook", orderbook_units=[unit(60, 0)]),
        changed("orderbook", orderbook_units=[unit(0, 0)]),
        changed("orderbook", orderbook_units=[]),
        changed("orderbook", orderbook_units=[unit(60, 50)]),
    )
    stamp = 1_790_134_742_106
    assert quotes(decoded) == [
        (0, stamp, 50.0, 5.0, None, None),
        (1, stamp, None, None, 60.0, 6.0),
        (4, stamp, 50.0, 5.0, 60.0, 6.0),
    ]
    assert [row[0] for row in book(decoded)] == [0, 1, 4, 4]
    assert [number for number, _ in decoded.events] == [0, 1, 2, 3, 4]


def test_books_of_different_depths_keep_their_levels() -> None:
    """Rows come message by message, each with its bids first."""
    decoded = decode(
        changed("orderbook", orderbook_units=[unit(60, 50), unit(61, 49), unit(62, 48)]),
        SAMPLE["orderbook_simple"],
        changed("orderbook", orderbook_units=[unit(70, 40)]),
    )
    assert [(row[0], row[4]) for row in book(decoded)] == [
        (0, 50.0), (0, 49.0), (0, 48.0), (0, 60.0), (0, 61.0), (0, 62.0),
        (1, 0.0321), (1, 0.0322), (1, 0.0323),
        (2, 40.0), (2, 70.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (unit(60, -50), "bid of -50.0 is out of range"),
        ({**unit(60, 50), "ask_size": "nan"}, "ask_size of nan is out of range"),
        (
            {"ask_price": 1},
            "orderbook: Object missing required field `bid_price` - at `$.orderbook_units[1]`",
        ),
    ],
)
def test_one_impossible_level_makes_the_whole_book_bad(
    wrong: dict[str, object], expected: str
) -> None:
    """Half a book would be a wrong one."""
    assert reason(changed("orderbook", orderbook_units=[unit(60, 50), wrong])) == expected


# -- lists -----------------------------------------------------------------------------------------


def test_a_list_says_what_its_messages_say() -> None:
    """JSON_LIST and SIMPLE_LIST wrap the same messages, one or more of them."""
    decoded = decode(SAMPLE["status"], listed("trade", "ticker", "orderbook", "trade_simple"))
    assert [row["frame"] for row in rows_of(decoded, Table.TRADES)] == [1, 1]
    assert [row["instrument"] for row in rows_of(decoded, Table.TRADES)] == [BTC, ETH]
    assert len(rows_of(decoded, Table.MD)) == len(rows_of(decoded, Table.QUOTES)) == 1
    assert decoded.events == ((0, Heartbeat()), (1, BookSnapshot(BTC, 0)))
    assert decoded.bad == ()


def test_one_bad_message_makes_its_list_bad() -> None:
    """A payload is understood as a whole or not at all."""
    bad = b"[" + SAMPLE["trade"] + b"," + changed("ticker", trade_price=-1) + b"]"
    decoded = decode(SAMPLE["trade"], bad, SAMPLE["trade"])
    assert [row["frame"] for row in rows_of(decoded, Table.TRADES)] == [0, 2]
    assert [(each.frame, each.reason) for each in decoded.bad] == [
        (1, "price of -1.0 is out of range")
    ]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"[]", "a list without messages"),
        (b"[[]]", "Expected `object`, got `array`"),
        (b"[3]", "Expected `object`, got `int`"),
        (b'[{"status":"UP"}', "Input data was truncated"),
    ],
)
def test_lists_of_something_else_are_bad(payload: bytes, expected: str) -> None:
    """No exception, and no silence."""
    assert reason(payload) == expected


# -- events ----------------------------------------------------------------------------------------

NEITHER = "neither a message of a stream nor an answer to a request"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (SAMPLE["status"], [Heartbeat()]),
        (SAMPLE["error"], [Refused(None, "WRONG_FORMAT: Format 이 맞지 않습니다.")]),
        (b'{"error":{"message":"slow down","name":429}}', [Refused(None, "429: slow down")]),
        (b'{"error":{"name":"NO_CODES"}}', [Refused(None, "NO_CODES")]),
        (
            SAMPLE["subscriptions"],
            [
                Confirmed(
                    frozenset(
                        {
                            Subscription("KRW-BTC", "ticker"),
                            Subscription("BTC-ETH", "ticker"),
                            Subscription("BTC-ETH", "trades"),
                            Subscription("KRW-BTC", "quotes"),
                            Subscription("KRW-BTC", "orderbook"),
                        }
                    )
                )
            ],
        ),
        (
            SAMPLE["subscriptions_simple"],
            [
                Confirmed(
                    frozenset(
                        {Subscription("BTC-ETH", "quotes"), Subscription("BTC-ETH", "orderbook")}
                    )
                )
            ],
        ),
        (changed("subscriptions", result=[]), [Confirmed(frozenset())]),
    ],
)
def test_control_messages_become_events(payload: bytes, expected: list[Event]) -> None:
    """And no rows."""
    decoded = decode(payload)
    assert events_of(decoded) == expected
    assert (decoded.rows, decoded.bad) == ((), ())


@pytest.mark.parametrize("kind", ["candle.1s", "candle.240m", "myOrder", "myAsset", "announcement"])
@pytest.mark.parametrize("key", ["type", "ty"])
def test_streams_that_are_never_asked_for_are_passed_over(kind: str, key: str) -> None:
    """They are known, and carry nothing that the tables hold."""
    decoded = decode(SAMPLE["trade"], json.dumps({key: kind, "code": "KRW-BTC"}).encode())
    assert (decoded.bad, decoded.events) == ((), ())
    assert [row["frame"] for row in rows_of(decoded, Table.TRADES)] == [0]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b'{"status":"DOWN"}', NEITHER),
        (changed("subscriptions", method="OTHER"), NEITHER),
        (changed("subscriptions", result=None), NEITHER),
        (b"PONG", "JSON is malformed: invalid character (byte 0)"),
        (b"<html>502</html>", "JSON is malformed: invalid character (byte 0)"),
        (b'{"ty":"later","cd":"KRW-BTC"}', "unknown message type 'later'"),
    ],
)
def test_what_nobody_documented_is_bad(payload: bytes, expected: str) -> None:
    """The reason says what it is not."""
    assert reason(payload) == expected


# -- requests --------------------------------------------------------------------------------------

WANTED = [
    Subscription("KRW-BTC", "orderbook"),
    Subscription("KRW-BTC", "quotes"),
    Subscription("BTC-ETH", "trades"),
    Subscription("KRW-BTC", "trades"),
    Subscription("KRW-BTC", "ticker"),
]


def test_one_request_names_everything() -> None:
    """Ticket, types and format; quotes and books are one type."""
    (request,) = EXCHANGE.subscribe(WANTED, 3)
    ticket, *types, form = json.loads(request.text)
    assert list(ticket) == ["ticket"]
    assert types == [
        {"type": "orderbook", "codes": ["KRW-BTC"]},
        {"type": "ticker", "codes": ["KRW-BTC"]},
        {"type": "trade", "codes": ["BTC-ETH", "KRW-BTC"]},
    ]
    assert form == {"format": "DEFAULT"}
    assert (request.subscriptions, request.request_id) == (frozenset(WANTED), None)
    assert EXCHANGE.unsubscribe(WANTED, 4) == []


def test_tickets_are_those_of_the_content() -> None:
    """Other wishes have other tickets; the same have the same, whatever was sent before."""
    (one,), (two,) = EXCHANGE.subscribe(WANTED, 1), EXCHANGE.subscribe(WANTED[:1], 1)
    assert json.loads(one.text)[0] != json.loads(two.text)[0]
    assert EXCHANGE.subscribe(WANTED, 9) == [one]


def test_what_is_live_is_asked_for_in_the_same_format() -> None:
    """Another format would change the streams that run."""
    request = EXCHANGE.list_request(17)
    _, *content = json.loads(request.text)
    assert content == [{"method": "LIST_SUBSCRIPTIONS"}, {"format": "DEFAULT"}]
    assert request.subscriptions == frozenset()


def test_a_hundred_messages_a_minute_are_not_reached() -> None:
    """By requests and pings together."""
    profile = EXCHANGE.profile
    assert 60 * profile.requests_per_second + 60 / profile.ping_interval_secs < 100
    assert profile.ping_interval_secs + profile.ping_timeout_secs < 60


def test_the_listing() -> None:
    """Quote currency first; whatever is listed is traded, under a warning too."""
    body = json.dumps(
        [
            {"market": "KRW-BTC", "korean_name": "비트코인", "english_name": "Bitcoin"},
            {"market": "USDT-ADA", "market_event": {"warning": True, "caution": {}}},
        ]
    ).encode()
    assert EXCHANGE.parse_listing(body) == (
        Instrument("KRW-BTC", "BTC", "KRW", active=True),
        Instrument("USDT-ADA", "ADA", "USDT", active=True),
    )
    assert EXCHANGE.listing_url("https://x.test/") == "https://x.test/v1/market/all?is_details=true"
    with pytest.raises(VenueError, match="market/all: Expected `array`"):
        EXCHANGE.parse_listing(b'{"error":{"name":429}}')


def test_the_address() -> None:
    """The public path below the endpoint."""
    assert EXCHANGE.ws_url("wss://x.test/") == "wss://x.test/websocket/v1"
