"""Upbit: what its answers become, how everything is asked for at once, and its listing."""

from __future__ import annotations

import json

import pytest

from tests.exchanges.said import events_of, kind_of, rows_of
from tests.exchanges.upbit_messages import SAMPLE, changed, decode, reason
from tick_logger.exchanges.base import (
    Confirmed,
    Event,
    Heartbeat,
    Refused,
    Subscription,
    VenueError,
    Wait,
)
from tick_logger.exchanges.upbit import EXCHANGE
from tick_logger.model.instruments import Instrument
from tick_logger.model.tables import Table

# -- events ----------------------------------------------------------------------------------------

NEITHER = "neither a message of a stream nor an answer to a request"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (SAMPLE["status"], [Heartbeat()]),
        (SAMPLE["error"], [Refused(None, "WRONG_FORMAT: Format 이 맞지 않습니다.")]),
        (
            b'{"error":{"message":"slow down","name":429}}',
            [Refused(None, "429: slow down", wait=Wait())],
        ),
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
    ],
)
def test_what_nobody_documented_is_bad(payload: bytes, expected: str) -> None:
    """The reason says what it is not."""
    assert reason(payload) == expected


@pytest.mark.parametrize("name", ["type", "ty"])
def test_a_message_of_an_unknown_kind_is_not_bad(name: str) -> None:
    """Its kind is named."""
    assert kind_of(decode(b'{"%b":"later","cd":"KRW-BTC"}' % name.encode())) == "later"


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
