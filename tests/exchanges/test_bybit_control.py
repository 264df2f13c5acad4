"""Bybit: topics of no interest, answers, requests and listings, of spot and of linear."""

from __future__ import annotations

import json

import pytest

from tests.exchanges.bybit_messages import LINEAR, SPOT, decode, each_category, reason
from tests.exchanges.said import events_of, kind_of, rows_of
from tests.exchanges.samples import SAMPLES
from tick_logger.exchanges.base import (
    Acknowledged,
    Event,
    Exchange,
    Granted,
    Pong,
    Refused,
    Subscription,
    VenueError,
    Wait,
)
from tick_logger.model.instruments import Instrument
from tick_logger.model.tables import Table

# -- all topics ------------------------------------------------------------------------------------


@each_category
def test_the_order_of_keys_and_spaces_mean_nothing(venue: Exchange) -> None:
    """Topics, hosts and years differ in it; the rows do not."""
    for name, payload in SAMPLES[venue.name].items():
        message = json.loads(payload)
        turned = {key: message[key] for key in reversed(message)}
        expected = decode(venue, payload)
        for other in (json.dumps(turned), json.dumps(message)):
            found = decode(venue, other.encode())
            assert found.events == expected.events, name
            assert found.bad == ()
            for table in Table:
                assert repr(rows_of(found, table)) == repr(rows_of(expected, table)), name


@each_category
@pytest.mark.parametrize(
    "topic", ["kline.1", "liquidation", "allLiquidation", "priceLimit", "kline_lt.5", "insurance"]
)
def test_topics_that_carry_nothing_for_us_are_passed_over(venue: Exchange, topic: str) -> None:
    """They are known."""
    payload = json.dumps({"topic": f"{topic}.MNTUSDT", "ts": 1, "data": [{"x": 1}]}).encode()
    decoded = decode(venue, payload)
    assert (decoded.rows, decoded.events, decoded.bad) == ((), (), ())


@each_category
@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"topic": "tomorrow.MNTUSDT"}, "tomorrow"),
        ({"topic": "tickers2.MNTUSDT", "data": []}, "tickers2"),
        ({"topic": "orderbook.best.MNTUSDT"}, "orderbook.best"),
        ({"topic": "order"}, "order"),
        ({"op": "auth", "success": True}, "auth"),
        ({"op": "pushed", "data": {}}, "pushed"),
    ],
)
def test_a_message_of_an_unknown_kind_is_not_bad(
    venue: Exchange, fields: dict[str, object], kind: str
) -> None:
    """Its kind is named, without the symbol."""
    assert kind_of(decode(venue, json.dumps(fields).encode())) == kind


# -- answers ---------------------------------------------------------------------------------------


def answer(op: str, ret_msg: str = "", *, success: bool = True) -> bytes:
    return json.dumps({"success": success, "ret_msg": ret_msg, "conn_id": "x", "op": op}).encode()


def refused(reason: str, feed: str) -> Refused:
    """As a whole, for one topic."""
    named = frozenset({Subscription("BTCUSDT", feed)})
    return Refused(None, reason, named, with_others=True)


LIVE = Granted(frozenset({Subscription("BTCUSDT", "quotes")}))


@each_category
@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (answer("subscribe", "subscribe"), [Acknowledged(None)]),
        (answer("subscribe"), [Acknowledged(None)]),
        (answer("subscribe", "args size >10", success=False), [Refused(None, "args size >10")]),
        (answer("subscribe", success=False), [Refused(None, "no reason was given")]),
        (answer("", "error:invalid op", success=False), [Refused(None, "error:invalid op")]),
        (
            answer(
                "subscribe", "error:already subscribed,topic:orderbook.1.BTCUSDT", success=False
            ),
            [LIVE, refused("error:already subscribed,topic:orderbook.1.BTCUSDT", "quotes")],
        ),
        (
            answer("subscribe", "Invalid symbol :[publicTrade.BTCUSDT]", success=False),
            [refused("Invalid symbol :[publicTrade.BTCUSDT]", "trades")],
        ),
        (
            answer("subscribe", "error:handler not found,topic:tickers.BTCUSDT", success=False),
            [refused("error:handler not found,topic:tickers.BTCUSDT", "ticker")],
        ),
        (
            answer("subscribe", "Too many visits!", success=False),
            [Refused(None, "Too many visits!", wait=Wait())],
        ),
        (
            answer("subscribe", "error:already subscribed,topic:kline.1.BTCUSDT", success=False),
            [Refused(None, "error:already subscribed,topic:kline.1.BTCUSDT")],
        ),
        (answer("unsubscribe", "unsubscribe"), []),
        (answer("unsubscribe", "not subscribed", success=False), []),
        (answer("ping", "pong"), [Pong()]),
        (b'{"op":"pong","args":["1753340040127"],"conn_id":"x"}', [Pong()]),
        (b'{"req_id":"","op":"pong","args":["1753340040127"],"conn_id":"x"}', [Pong()]),
        (b'{"args":["1672916271846"],"op":"pong"}', [Pong()]),
    ],
)
def test_answers_become_events(venue: Exchange, payload: bytes, expected: list[Event]) -> None:
    """And no rows; an answer to an unsubscription settles nothing that was asked for since."""
    decoded = decode(venue, payload)
    assert events_of(decoded) == expected
    assert (decoded.rows, decoded.bad) == ((), ())


@each_category
@pytest.mark.parametrize(
    "payload",
    [
        b'{"success":true}',
        b'{"op":"subscribe"}',
        b'{"success":false,"ret_msg":"error","op":"ping"}',
        b'{"success":"yes","op":"subscribe"}',
        b'{"op":"unsubscribe"}',
    ],
)
def test_what_is_no_answer_is_bad(venue: Exchange, payload: bytes) -> None:
    """Nothing is taken for an acknowledgement that does not say so."""
    assert reason(venue, payload)


# -- requests --------------------------------------------------------------------------------------


@each_category
def test_ten_topics_share_a_request(venue: Exchange) -> None:
    """More are refused; no id is sent, because the answers would not tell it."""
    wishes = [Subscription(symbol, feed) for symbol in "ABC" for feed in sorted(venue.feeds)]
    requests = venue.subscribe(wishes, 1)
    assert [json.loads(request.text) for request in requests] == [
        {
            "op": "subscribe",
            "args": [
                "orderbook.200.A", "orderbook.1.A", "tickers.A", "publicTrade.A",
                "orderbook.200.B", "orderbook.1.B", "tickers.B", "publicTrade.B",
                "orderbook.200.C", "orderbook.1.C",
            ],
        },
        {"op": "subscribe", "args": ["tickers.C", "publicTrade.C"]},
    ]  # fmt: skip
    ended = venue.unsubscribe(wishes[:1], 1)
    assert [json.loads(request.text) for request in ended] == [
        {"op": "unsubscribe", "args": ["orderbook.200.A"]}
    ]


@each_category
def test_a_full_connection_keeps_within_its_characters(venue: Exchange) -> None:
    """Even with symbols half as long again as the longest that are listed."""
    longest = "1000000BABYDOGEUSDT-25DEC26XY"
    per_connection = venue.profile.subscriptions_per_connection
    assert per_connection is not None
    symbols = per_connection // len(venue.feeds)
    wishes = [
        Subscription(f"{n:03}{longest}", feed) for n in range(symbols) for feed in venue.feeds
    ]
    args = [json.loads(request.text)["args"] for request in venue.subscribe(wishes, 1)]
    assert sum(len(json.dumps(each)) for each in args) < 21_000


@pytest.mark.parametrize(("venue", "category"), [(SPOT, "spot"), (LINEAR, "linear")])
@pytest.mark.parametrize("endpoint", ["wss://x.test", "wss://x.test/"])
def test_the_address_names_the_category(venue: Exchange, category: str, endpoint: str) -> None:
    """An endpoint that names it already is left as it is."""
    url = f"wss://x.test/v5/public/{category}"
    assert venue.ws_url(endpoint) == venue.ws_url(url) == url


# -- listing ---------------------------------------------------------------------------------------


def listing(**result: object) -> bytes:
    return json.dumps({"retCode": 0, "retMsg": "OK", "result": result}).encode()


def test_spot_symbols_are_listed_with_their_steps() -> None:
    """Active are those that trade."""
    symbol = {
        "symbol": "BTCUSDT",
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "status": "Trading",
        "lotSizeFilter": {"basePrecision": "0.000001", "minOrderQty": "0.000048"},
        "priceFilter": {"tickSize": "0.1"},
    }
    body = listing(category="spot", list=[symbol, {"symbol": "OLDUSDT", "status": "Closed"}])
    assert SPOT.parse_listing(body) == (
        Instrument("BTCUSDT", "BTC", "USDT", True, "0.1", "0.000001", "spot", "0.000048"),
        Instrument("OLDUSDT", "", "", False, "", "", "spot"),
    )
    assert SPOT.listing_url("https://x.test") == (
        "https://x.test/v5/market/instruments-info?category=spot"
    )


@pytest.mark.parametrize(
    ("fields", "active"),
    [
        ({"status": "Trading"}, True),
        ({"status": "PreLaunch"}, False),
        ({"status": "PreLaunch", "preListingInfo": {"curAuctionPhase": "CallAuction"}}, False),
        ({"status": "PreLaunch", "preListingInfo": {"curAuctionPhase": "CrossMatching"}}, True),
        ({"status": "PreLaunch", "preListingInfo": {"curAuctionPhase": "ContinuousTrading"}}, True),
        ({"status": "Trading", "preListingInfo": None}, True),
        ({"status": "Delivering"}, False),
        ({"status": "Closed"}, False),
    ],
)
def test_states_in_which_there_are_trades(fields: dict[str, object], active: bool) -> None:
    """A contract may be traded before its launch."""
    found = LINEAR.parse_listing(listing(list=[{"symbol": "AUSDT", **fields}]))
    assert [each.active for each in found] == [active]


def test_a_page_may_have_nulls() -> None:
    """They say nothing, and there is no page after it."""
    page = {"symbol": "AUSDT", "status": "Trading", "priceFilter": {"tickSize": None}}
    body = listing(list=[page], nextPageCursor=None).replace(b'"OK"', b"null")
    assert LINEAR.parse_listing(body) == (Instrument("AUSDT", kind="linear"),)
    assert LINEAR.next_page("https://x.test/a?b=c", body) is None


def test_linear_symbols_are_listed_by_the_longest_page() -> None:
    """Dated futures among them, all of one kind."""
    symbol = {
        "symbol": "BTCUSDT-25DEC26",
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "status": "Trading",
        "lotSizeFilter": {"qtyStep": "0.001", "minOrderQty": "0.01"},
        "priceFilter": {"tickSize": "0.10"},
    }
    body = listing(category="linear", list=[symbol], nextPageCursor="")
    assert LINEAR.parse_listing(body) == (
        Instrument("BTCUSDT-25DEC26", "BTC", "USDT", True, "0.10", "0.001", "linear", "0.01"),
    )
    assert LINEAR.listing_url("https://x.test") == (
        "https://x.test/v5/market/instruments-info?category=linear&limit=1000"
    )


@pytest.mark.parametrize(
    ("cursor", "expected"), [("first%3D0", "first%3D0"), ("a&b=c d", "a%26b%3Dc%20d")]
)
def test_the_next_page_is_asked_for_with_the_cursor_of_the_last(cursor: str, expected: str) -> None:
    """Which may be fit for an address already, and replaces the one before."""
    url = LINEAR.listing_url("https://x.test")
    page = listing(list=[], nextPageCursor=cursor)
    assert LINEAR.next_page(f"{url}&cursor=0", page) == f"{url}&cursor={expected}"
    assert LINEAR.next_page(url, listing(list=[], nextPageCursor="")) is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"retCode":10001,"retMsg":"Illegal category","result":{}}', "Illegal category"),
        (b'{"retCode":10006,"retMsg":"Too many visits!"}', "Too many visits! "),
        (listing(), "instruments-info: OK"),
    ],
)
def test_an_answer_that_is_no_listing_is_refused(body: bytes, expected: str) -> None:
    """The reason is the venue's."""
    with pytest.raises(VenueError, match=expected):
        LINEAR.parse_listing(body)
