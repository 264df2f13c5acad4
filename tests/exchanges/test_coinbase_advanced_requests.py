"""Coinbase Advanced Trade: how its channels are asked for, what is proven, and what is listed."""

from __future__ import annotations

import json

import pytest

from tests.exchanges.given import wishes
from tick_logger.exchanges.base import Subscription, VenueError
from tick_logger.exchanges.coinbase_advanced import EXCHANGE
from tick_logger.model.instruments import Instrument
from tick_logger.model.proof import Proof
from tick_logger.model.tables import Table

# -- requests --------------------------------------------------------------------------------------


def test_each_request_names_one_channel_and_all_its_products() -> None:
    """Tickers and quotes are one channel; the books, whose snapshots are large, come last."""
    wanted = wishes(
        {"B-USD": "ticker quotes trades", "A-USD": "orderbook quotes", "C-USD": "ticker"}
    )
    requests = EXCHANGE.subscribe(wanted, 1)
    assert [json.loads(request.text) for request in requests] == [
        {"type": "subscribe", "product_ids": ["B-USD"], "channel": "market_trades"},
        {"type": "subscribe", "product_ids": ["A-USD", "B-USD", "C-USD"], "channel": "ticker"},
        {"type": "subscribe", "product_ids": ["A-USD"], "channel": "level2"},
    ]
    assert requests[1].subscriptions == frozenset(
        wishes({"A-USD": "quotes", "B-USD": "ticker quotes", "C-USD": "ticker"})
    )


def test_requests_for_books_are_small() -> None:
    """Ten snapshots of 5 MB at most before an answer."""
    wanted = [Subscription(f"S{i:02}-USD", "orderbook") for i in range(25)]
    requests = EXCHANGE.subscribe(wanted, 1)
    assert [len(request.subscriptions) for request in requests] == [10, 10, 5]


def test_giving_up_is_asked_for_in_the_same_way() -> None:
    """One channel per request."""
    (request,) = EXCHANGE.unsubscribe(wishes({"A-USD": "trades"}), 1)
    assert json.loads(request.text) == {
        "type": "unsubscribe",
        "product_ids": ["A-USD"],
        "channel": "market_trades",
    }


def test_heartbeats_are_asked_for_on_every_connection() -> None:
    """They settle no subscription, and have no products."""
    request = EXCHANGE.opening_request()
    assert json.loads(request.text) == {"type": "subscribe", "channel": "heartbeats"}
    assert request.subscriptions == frozenset()


def test_requests_may_carry_a_token() -> None:
    """Beside what they say without."""
    (request,) = EXCHANGE.subscribe(wishes({"A-USD": "trades"}), 1)
    signed = json.loads(EXCHANGE.signed(request.text, "head.body.signature"))
    assert signed == json.loads(request.text) | {"jwt": "head.body.signature"}


def test_what_is_proven() -> None:
    """Every table is consistent thanks to the numbers of messages; none is proven complete."""
    assert EXCHANGE.proofs == dict.fromkeys(Table, Proof.CONSISTENT)
    assert EXCHANGE.together(Subscription("A-USD", "quotes")) == frozenset(
        wishes({"A-USD": "ticker quotes"})
    )


# -- listing ---------------------------------------------------------------------------------------


def product(**fields: object) -> dict[str, object]:
    return {
        "product_id": "A-USD",
        "base_currency_id": "A",
        "quote_currency_id": "USD",
        "product_type": "SPOT",
        "status": "online",
        "base_increment": "0.001",
        "quote_increment": "0.01",
        "price_increment": "0.05",
        "alias": "",
        **fields,
    }


def listed(*products: dict[str, object]) -> tuple[Instrument, ...]:
    return EXCHANGE.parse_listing(json.dumps({"products": products}).encode())


def test_the_listing_says_what_an_instrument_is() -> None:
    """The price's own increment where there is one."""
    without = {key: value for key, value in product().items() if key != "price_increment"}
    assert listed(product(), without) == (
        Instrument("A-USD", "A", "USD", active=True, tick_size="0.05", lot_size="0.001"),
        Instrument("A-USD", "A", "USD", active=True, tick_size="0.01", lot_size="0.001"),
    )
    assert EXCHANGE.listing_url("https://x.test/") == (
        "https://x.test/api/v3/brokerage/market/products"
    )


@pytest.mark.parametrize(
    ("fields", "active"),
    [
        ({"limit_only": True}, True),
        ({"post_only": True}, True),
        ({"status": "delisted"}, False),
        ({"is_disabled": True}, False),
        ({"trading_disabled": True}, False),
        ({"view_only": True}, False),
        ({"auction_mode": True}, True),
        ({"cancel_only": True}, False),
        ({"product_id": "A-USDC", "alias": "A-USD"}, False),
    ],
)
def test_only_what_trades_under_its_own_name_is_active(
    fields: dict[str, object], active: bool
) -> None:
    """An alias' messages come under the name of the other product; an auction ends with trades."""
    assert [each.active for each in listed(product(**fields))] == [active]


def test_futures_are_not_listed() -> None:
    """Spot alone is recorded here."""
    assert listed(product(product_type="FUTURE"), product(product_id="B-USD"))[0].symbol == "B-USD"


def test_what_is_no_listing_is_refused() -> None:
    """With the reason."""
    with pytest.raises(VenueError, match="products: Object missing required field `products`"):
        EXCHANGE.parse_listing(b'{"error":"unavailable"}')


@pytest.mark.parametrize(
    ("sent", "amount"),
    [
        ("186637571.25", 186637571.25),
        (12, 12.0),
        (0.5, 0.5),
        ("", 0.0),
        (None, 0.0),
        ("much", 0.0),
        ("-1", 0.0),
        ("inf", 0.0),
        ("nan", 0.0),
        ([1], 0.0),
        ({"value": "1"}, 0.0),
        (10**400, 0.0),
    ],
)
def test_how_much_is_traded_is_taken_as_far_as_it_is_a_number(sent: object, amount: float) -> None:
    """It may be anything, and costs the entry nothing."""
    fields = {"approximate_quote_24h_volume": sent, "price": sent}
    body = json.dumps({"products": [product(**fields)]}).encode()
    listed_whole = EXCHANGE.read_listing(body)
    (found,) = listed_whole.instruments
    assert (found.turnover, found.last_price) == (amount, amount)
    assert found.active
    assert listed_whole.odd == ()
