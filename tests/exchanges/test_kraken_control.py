"""Kraken: what its answers and notices become, how its channels are asked for, and its listing."""

from __future__ import annotations

import json

import pytest

from tests.exchanges.given import present, wishes
from tests.exchanges.kraken_messages import SAMPLE, answer, changed, decode
from tests.exchanges.said import events_of
from tick_logger.exchanges.base import (
    Event,
    GoingAway,
    Granted,
    Heartbeat,
    Pong,
    Refused,
    Subscription,
    VenueError,
    Wait,
)
from tick_logger.exchanges.kraken import EXCHANGE
from tick_logger.model.instruments import Instrument

FEEDS = ("ticker", "trades", "quotes", "orderbook")
EVERY_FEED = frozenset(Subscription("XBT/EUR", feed) for feed in FEEDS)


# -- events ----------------------------------------------------------------------------------------

PROXY_NOTICE = "CloudFlare WebSocket proxy restarting"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (SAMPLE["heartbeat"], [Heartbeat()]),
        (SAMPLE["status"], [Heartbeat()]),
        (changed("status", system="cancel_only"), [Heartbeat()]),
        (changed("status", system="post_only"), [Heartbeat()]),
        (SAMPLE["maintenance"], [GoingAway("maintenance")]),
        (PROXY_NOTICE.encode(), [GoingAway(PROXY_NOTICE)]),
        (SAMPLE["pong"], [Pong()]),
        (b'{"method":"pong","time_in":"2024-05-20T11:08:49.272922Z"}', [Pong()]),
        (SAMPLE["unsubscribed"], []),
        (answer("unsubscribed", success=False, error="Subscription Not Found"), []),
        (answer("refused", error="Already subscribed"), [Granted(EVERY_FEED, 3)]),
        (answer("refused", error="Already subscribed", req_id=None), []),
        (SAMPLE["subscribed_instrument"], []),
        (SAMPLE["instrument"], []),
        (SAMPLE["ohlc"], []),
    ],
)
def test_control_messages_become_events(payload: bytes, expected: list[Event]) -> None:
    """And no rows."""
    decoded = decode(payload)
    assert events_of(decoded) == expected
    assert (decoded.rows, decoded.bad) == ((), ())


@pytest.mark.parametrize(
    ("channel", "feeds"),
    [("ticker", ["ticker", "quotes"]), ("trade", ["trades"]), ("book", ["orderbook"])],
)
@pytest.mark.parametrize("req_id", [None, 7])
def test_a_subscription_is_granted_symbol_by_symbol(
    channel: str, feeds: list[str], req_id: int | None
) -> None:
    """Tickers and quotes are one channel; the id of the request is not needed."""
    granted = Granted(frozenset(Subscription("BTC/USD", feed) for feed in feeds))
    result = {"channel": channel, "symbol": "BTC/USD"}
    assert events_of(decode(answer("subscribed", result=result, req_id=req_id))) == [granted]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            SAMPLE["refused"],
            Refused(
                3,
                "Currency pair not supported XBT/EUR",
                EVERY_FEED,
            ),
        ),
        (answer("refused", symbol=None, error="No such"), Refused(3, "No such")),
        (answer("refused", symbol=None, error=None), Refused(3, "no reason was given")),
        (
            answer("refused", symbol=None, req_id=None, error="Exceeded msg rate"),
            Refused(None, "Exceeded msg rate", wait=Wait()),
        ),
        (
            SAMPLE["ping_refused"],
            Refused(0, "Unsupported field: 'params' for the given msg type: ping"),
        ),
    ],
)
def test_refusals_name_the_symbol_or_the_request(payload: bytes, expected: Refused) -> None:
    """None names the channel, which is that of the request."""
    assert events_of(decode(payload)) == [expected]


# -- requests --------------------------------------------------------------------------------------


def test_each_channel_and_trigger_is_a_request_of_its_own() -> None:
    """A ticker follows the best prices where quotes are wanted, and the trades where not.

    Trades come first, because what a snapshot of them can fill in grows old most quickly.
    """
    wanted = wishes(
        {"B/USD": "ticker quotes trades", "A/USD": "trades orderbook ticker", "C/USD": "quotes"}
    )
    requests = EXCHANGE.subscribe(wanted, 7)
    asked: list[dict[str, object]] = [
        {"channel": "trade", "symbol": ["A/USD", "B/USD"], "snapshot": True},
        {"channel": "book", "symbol": ["A/USD"], "depth": 100, "snapshot": True},
        {
            "channel": "ticker",
            "symbol": ["B/USD", "C/USD"],
            "event_trigger": "bbo",
            "snapshot": True,
        },
        {"channel": "ticker", "symbol": ["A/USD"], "event_trigger": "trades", "snapshot": True},
    ]
    assert [json.loads(request.text) for request in requests] == [
        {"method": "subscribe", "params": params, "req_id": number}
        for number, params in enumerate(asked, 7)
    ]
    assert requests[2].subscriptions == {*wishes({"B/USD": "ticker quotes", "C/USD": "quotes"})}
    assert requests[3].subscriptions == {*wishes({"A/USD": "ticker"})}


def test_giving_up_symbols_names_the_same_channels() -> None:
    """And the parameters that are part of what a subscription is."""
    requests = EXCHANGE.unsubscribe(wishes({"A/USD": "orderbook quotes"}), 3)
    assert [json.loads(request.text) for request in requests] == [
        {
            "method": "unsubscribe",
            "params": {"channel": "book", "symbol": ["A/USD"], "depth": 100},
            "req_id": 3,
        },
        {
            "method": "unsubscribe",
            "params": {"channel": "ticker", "symbol": ["A/USD"], "event_trigger": "bbo"},
            "req_id": 4,
        },
    ]


def test_requests_are_small_and_far_apart() -> None:
    """The venue tells no limits; a request stays about 2 kB long even with long names."""
    wanted = [Subscription(f"LONGNAME{n}/USDT", feed) for n in range(700) for feed in FEEDS]
    requests = EXCHANGE.subscribe(wanted, 1)
    assert len(requests) == 7 + 14 + 7
    assert max(len(request.text) for request in requests) < 2_100
    assert EXCHANGE.profile.requests_per_second == 1.0


def test_the_depth_asked_for_is_the_depth_declared() -> None:
    """Whoever keeps the book cuts it to that."""
    (request,) = EXCHANGE.subscribe(wishes({"A/USD": "orderbook"}), 1)
    assert json.loads(request.text)["params"]["depth"] == EXCHANGE.book_depth == 100


@pytest.mark.parametrize(
    "endpoint", ["wss://x.test", "wss://x.test/", "wss://x.test/v2", "wss://x.test/v2/"]
)
def test_version_two_is_spoken(endpoint: str) -> None:
    """Whatever the configured endpoint says of it."""
    assert EXCHANGE.ws_url(endpoint) == "wss://x.test/v2"


# -- listing ---------------------------------------------------------------------------------------


def listing(**fields: object) -> bytes:
    pair = {"wsname": "XBT/USD", "pair_decimals": 1, "lot_decimals": 8} | fields
    given = present(pair)
    return json.dumps({"error": [], "result": {"XXBTZUSD": given}}).encode()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Instrument("BTC/USD", "BTC", "USD", True, "0.1", "0.00000001")),
        ({"wsname": "XDG/XBT"}, Instrument("DOGE/BTC", "DOGE", "BTC", True, "0.1", "0.00000001")),
        ({"wsname": "ETH/USD"}, Instrument("ETH/USD", "ETH", "USD", True, "0.1", "0.00000001")),
        (
            {"status": "cancel_only", "tick_size": "0.25", "lot_decimals": 0},
            Instrument("BTC/USD", "BTC", "USD", False, "0.25", "1"),
        ),
        ({"status": "online"}, Instrument("BTC/USD", "BTC", "USD", True, "0.1", "0.00000001")),
    ],
)
def test_pairs_have_the_names_of_version_two(
    fields: dict[str, object], expected: Instrument
) -> None:
    """Old listings tell neither the status nor the tick."""
    assert EXCHANGE.parse_listing(listing(**fields)) == (expected,)


@pytest.mark.parametrize(
    ("status", "active"),
    [
        *((each, True) for each in ("online", "limit_only", "post_only", "reduce_only")),
        *((each, False) for each in ("cancel_only", "work_in_progress", "delisted", "")),
    ],
)
def test_states_in_which_there_are_trades(status: str, active: bool) -> None:
    """Or may be at any moment, whatever orders are taken."""
    assert [each.active for each in EXCHANGE.parse_listing(listing(status=status))] == [active]


def test_dark_pools_are_left_out() -> None:
    """They have no name that could be subscribed to."""
    assert EXCHANGE.parse_listing(listing(wsname=None)) == ()


def test_slashes_may_be_escaped() -> None:
    """As the venue does."""
    (pair,) = EXCHANGE.parse_listing(listing().replace(b"XBT/USD", b"XBT\\/USD"))
    assert pair.symbol == "BTC/USD"


def test_an_error_with_status_200_is_an_error() -> None:
    """The reason is the venue's; a warning beside a result is none."""
    with pytest.raises(VenueError, match="EGeneral:Internal error, EService:Busy"):
        EXCHANGE.parse_listing(b'{"error":["EGeneral:Internal error","EService:Busy"]}')
    with pytest.raises(VenueError, match="no result"):
        EXCHANGE.parse_listing(b'{"error":[]}')
    warned = listing().replace(b'"error": []', b'"error": ["WGeneral:Soon"]')
    assert len(EXCHANGE.parse_listing(warned)) == 1


def test_the_listing_is_asked_for_by_rest() -> None:
    """Whether or not the endpoint ends in a slash."""
    assert EXCHANGE.listing_url("https://x.test/") == "https://x.test/0/public/AssetPairs"
