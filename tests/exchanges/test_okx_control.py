"""OKX: how messages may be written, what is wrong with some, answers, requests and listings."""

from __future__ import annotations

import json

import pytest

from tests.exchanges.okx_messages import SAMPLE, changed, compact, decode, outside, reason
from tests.exchanges.said import events_of, kind_of, rows_of
from tick_logger.exchanges.base import (
    Event,
    GoingAway,
    Granted,
    Pong,
    Refused,
    Subscription,
    VenueError,
    Wait,
)
from tick_logger.exchanges.okx import EXCHANGE
from tick_logger.model.instruments import Instrument
from tick_logger.model.tables import Table

# -- how messages may be written -------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(SAMPLE))
def test_neither_spaces_nor_the_order_of_keys_are_assumed(name: str) -> None:
    """The usual spelling is only the fastest to read."""
    message = json.loads(SAMPLE[name])
    expected = decode(SAMPLE[name])
    for text in (
        json.dumps(message),
        json.dumps(message, sort_keys=True, separators=(",", ":")),
        json.dumps(dict(reversed(message.items())), indent=1),
    ):
        decoded = decode(text.encode())
        for table in Table:
            assert repr(rows_of(decoded, table)) == repr(rows_of(expected, table))
        assert (decoded.events, decoded.bad) == (expected.events, ())


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (changed("trades", px="0"), "price of 0.0 is out of range"),
        (changed("trades", px="inf"), "price of inf is out of range"),
        (changed("trades", sz="nan"), "size of nan is out of range"),
        (changed("trades", px=""), "trades: Expected `float`, got `str` - at `$.data[0].px`"),
        (
            changed("trades", tradeId="9" * 26),
            "trades: Expected `int` <= 9223372036854775807 - at `$.data[0].tradeId`",
        ),
        (
            changed("trades-all", side=None),
            "trades: Object missing required field `side` - at `$.data[0]`",
        ),
        (changed("trades", instId="DOGE-USDT"), "unknown symbol 'DOGE-USDT'"),
        (changed("tickers", bidPx="-1"), "best_bid of -1.0 is out of range"),
        (changed("tickers", ts="-1"), "ticker: Expected `int` >= 0 - at `$.data[0].ts`"),
        (changed("bbo-tbt", bids=[["1", "-2", "0", "1"]]), "bid_size of -2.0 is out of range"),
        (
            changed("books_update", bids=[["1"]]),
            "orderbook: Expected `array` of at least length 2, got 1 - at `$.data[0].bids[0]`",
        ),
        (changed("books_update", asks=[["0", "2", "0", "1"]]), "price of 0.0 is out of range"),
        (
            changed("books_update", prevSeqId=-2),
            "orderbook: Expected `int` >= -1 - at `$.data[0].prevSeqId`",
        ),
        (outside("books_update", action=None), "books without an action"),
        (
            outside("books_update", action="partial"),
            "orderbook: Invalid enum value 'partial' - at `$.action`",
        ),
        (outside("books_update", data=None), "orderbook: Object missing required field `data`"),
        (
            outside("books_checksum", arg={"channel": "books-l2-tbt2", "instId": "BTC-USDT"}),
            "orderbook: Invalid enum value 'books-l2-tbt2' - at `$.arg.channel`",
        ),
        (b'{"event":"subscribe"}', "an acknowledgement of nothing"),
        (b"{}", "neither data of a channel nor an event"),
        (b"ping", "JSON is malformed: invalid character (byte 0)"),
        (b'{"event":"\xff"}', "text is not UTF-8"),
        (b'{"x":' + b"[" * 9999, "nested more than 256 levels deep"),
    ],
)
def test_what_is_wrong_with_a_payload_is_said(payload: bytes, expected: str) -> None:
    """In words that name the field."""
    assert reason(payload) == expected


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (outside("trades", arg={"channel": "tomorrow"}), "tomorrow"),
        (b'{"event":"tomorrow","code":"1"}', "tomorrow 1"),
        (b'{"event":"notice","code":"64009"}', "notice 64009"),
        (b'{"event":"farewell"}', "farewell"),
    ],
)
def test_a_message_of_an_unknown_kind_is_not_bad(payload: bytes, kind: str) -> None:
    """Its kind is named, and its code."""
    assert kind_of(decode(payload)) == kind


@pytest.mark.parametrize("channel", ["candle1m", "mark-price-candle1D", "status", "books-rpi"])
def test_channels_that_were_never_asked_for_are_passed_over(channel: str) -> None:
    """They are known, so they are not bad."""
    decoded = decode(compact({"arg": {"channel": channel, "instId": "X"}, "data": [["1"]]}))
    assert (decoded.rows, decoded.events, decoded.bad) == ((), (), ())


# -- events and requests ---------------------------------------------------------------------------

NOPE = "Wrong URL or channel:books,instId:NOPE-USDT doesn't exist. Please use the correct URL, "
NOPE += "channel and parameters referring to API document. (code 60018)"
UPGRADE = "The connection will soon be closed for a service upgrade. Please reconnect."


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"pong", Pong()),
        (SAMPLE["subscribe"], Granted(frozenset({Subscription("BTC-USDT", "orderbook")}))),
        (
            b'{"event":"subscribe","arg":{"channel":"trades","instId":"A-B-240329-9-C"}}',
            Granted(frozenset({Subscription("A-B-240329-9-C", "trades")})),
        ),
        (SAMPLE["error"], Refused(5, NOPE, frozenset({Subscription("NOPE-USDT", "orderbook")}))),
        (
            b'{"event":"error","msg":"channel:tickers,instId:LTC-USD doesn\'t exist",'
            b'"code":"60018"}',
            Refused(
                None,
                "channel:tickers,instId:LTC-USD doesn't exist (code 60018)",
                frozenset({Subscription("LTC-USD", "ticker")}),
            ),
        ),
        (
            b'{"event":"error","msg":"Please log in","code":60011,"id":"not-ours",'
            b'"arg":{"channel":"books-l2-tbt","instId":"BTC-USDT"}}',
            Refused(
                None,
                "Please log in (code 60011)",
                frozenset({Subscription("BTC-USDT", "orderbook")}),
            ),
        ),
        (
            b'{"id":"12","event":"error","code":"60014","msg":"Requests too frequent"}',
            Refused(12, "Requests too frequent (code 60014)", wait=Wait()),
        ),
        (
            b'{"event":"error","code":"60018","msg":"Wrong URL or channel:nope,instId:X"}',
            Refused(None, "Wrong URL or channel:nope,instId:X (code 60018)"),
        ),
        (SAMPLE["notice"], GoingAway(f"{UPGRADE} (code 64008)")),
    ],
)
def test_control_messages_become_events(payload: bytes, expected: Event) -> None:
    """And no rows."""
    decoded = decode(payload)
    assert events_of(decoded) == [expected]
    assert (decoded.rows, decoded.bad) == ((), ())


@pytest.mark.parametrize(
    "payload",
    [
        SAMPLE["unsubscribe"],
        b'{"event":"channel-conn-count","channel":"orders","connCount":"2","connId":"a"}',
        b'{"event":"subscribe","arg":{"channel":"candle1m","instId":"BTC-USDT"}}',
        b'{"event":"subscribe","arg":{"channel":"status"}}',
    ],
)
def test_answers_that_settle_nothing_of_ours_are_passed_over(payload: bytes) -> None:
    """They are known, so they are not bad."""
    decoded = decode(payload)
    assert (decoded.rows, decoded.events, decoded.bad) == ((), (), ())


def test_an_answer_to_a_ping_among_data() -> None:
    """It is no JSON, and harms nothing around it."""
    decoded = decode(SAMPLE["trades"], b"pong", SAMPLE["tickers"])
    assert decoded.events == ((1, Pong()),)
    assert sorted(rows.frame.tolist() for rows in decoded.rows) == [[0], [2]]
    assert decoded.bad == ()


def test_subscriptions_are_channels_of_instruments() -> None:
    """The request's id comes back in the answers."""
    wanted = [Subscription("BTC-USDT", feed) for feed in ("ticker", "quotes", "orderbook")]
    (request,) = EXCHANGE.subscribe(wanted, 7)
    assert request.request_id == 7
    assert json.loads(request.text) == {
        "id": "7",
        "op": "subscribe",
        "args": [
            {"channel": "books", "instId": "BTC-USDT"},
            {"channel": "bbo-tbt", "instId": "BTC-USDT"},
            {"channel": "tickers", "instId": "BTC-USDT"},
        ],
    }
    (request,) = EXCHANGE.unsubscribe([Subscription("BTC-USDT", "trades")], 8)
    assert json.loads(request.text) == {
        "id": "8",
        "op": "unsubscribe",
        "args": [{"channel": "trades-all", "instId": "BTC-USDT"}],
    }


@pytest.mark.parametrize(("letters", "requests"), [(3, 2), (60, 2), (600, 9), (20_000, 201)])
def test_requests_are_bounded_by_their_bytes_too(letters: int, requests: int) -> None:
    """No symbol is so long today; one longer than the bound goes alone."""
    wanted = [Subscription(f"{n:03}" + "X" * letters, "trades") for n in range(201)]
    made = EXCHANGE.subscribe(wanted, 1)
    assert len(made) == requests
    assert sum(len(request.subscriptions) for request in made) == 201
    if letters < 20_000:
        assert all(len(request.text) < 17 * 1024 for request in made)


def test_trades_one_by_one_have_an_address_of_their_own() -> None:
    """All other feeds share one."""
    assert {feed: EXCHANGE.lane(feed) for feed in sorted(EXCHANGE.feeds)} == {
        "orderbook": "",
        "quotes": "",
        "ticker": "",
        "trades": "business",
    }


@pytest.mark.parametrize("ending", ["", "/", "/public", "/public/", "/business"])
def test_an_endpoint_may_name_either_address(ending: str) -> None:
    """Whichever it names, the lane decides."""
    endpoint = f"wss://x.test:8443/ws/v5{ending}"
    assert EXCHANGE.ws_url(endpoint) == "wss://x.test:8443/ws/v5/public"
    assert EXCHANGE.ws_url(endpoint, "business") == "wss://x.test:8443/ws/v5/business"


# -- REST ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "active"), [("live", True), ("suspend", False), ("preopen", False), ("test", False)]
)
def test_active_are_instruments_that_are_live(state: str, active: bool) -> None:
    """Ticks and lots are told as sent."""
    entry = {
        "instId": "A-B",
        "instType": "SPOT",
        "baseCcy": "A",
        "quoteCcy": "B",
        "state": state,
        "tickSz": "0.10",
        "lotSz": "0.00000001",
        "ctType": "",
    }
    listed = EXCHANGE.parse_listing(compact({"code": "0", "data": [entry], "msg": ""}))
    assert listed == (Instrument("A-B", "A", "B", active, "0.10", "0.00000001", "spot"),)


def test_an_error_in_place_of_a_listing_is_told() -> None:
    """In the venue's words."""
    with pytest.raises(VenueError, match=r"instruments: Too Many Requests \(code 50011\)"):
        EXCHANGE.parse_listing(b'{"code":"50011","data":[],"msg":"Too Many Requests"}')


# -- checksums -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bids", "asks", "text"),
    [
        (
            [("3366.1", "7"), ("3366", "6")],
            [("3366.8", "9"), ("3368", "8")],
            b"3366.1:7:3366.8:9:3366:6:3368:8",
        ),
        (
            [("3366.1", "7")],
            [("3366.8", "9"), ("3368", "8"), ("3372", "8")],
            b"3366.1:7:3366.8:9:3368:8:3372:8",
        ),
        ([("3366.1", "7"), ("3366", "6")], [], b"3366.1:7:3366:6"),
        ([], [], b""),
    ],
)
def test_checksums_as_documented(
    bids: list[tuple[str, str]], asks: list[tuple[str, str]], text: bytes
) -> None:
    """Bids and asks take turns, and whichever side is longer goes on alone."""
    assert EXCHANGE.book_checksum(bids, asks) == signed_crc32(text)


def test_a_checksum_is_over_25_levels_of_each_side() -> None:
    """Deeper ones do not matter."""
    levels = [(str(n), str(2 * n)) for n in range(1, 41)]
    text = ":".join(f"{n}:{2 * n}:{n}:{2 * n}" for n in range(1, 26))
    assert EXCHANGE.book_checksum(levels, levels) == signed_crc32(text.encode())


def signed_crc32(data: bytes) -> int:
    """CRC-32 bit by bit, read as a number of two's complement."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xEDB88320 * (crc & 1)
    return int.from_bytes((crc ^ 0xFFFFFFFF).to_bytes(4, "big"), "big", signed=True)
