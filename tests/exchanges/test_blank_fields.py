"""Fields that a venue sends, but sends nothing in: null, or an empty text where a number belongs.

Coinbase does so in its listings (`"mid_market_price":""`, `"product_ids":null`).
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.exchanges.said import by_frame, events_of
from tests.exchanges.samples import SAMPLES, SYMBOLS
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Refused
from tick_logger.exchanges.messages import UNDECODABLE, without_blanks

OPTIONAL = {
    "coinbase": ("price", "last_size", "side", "best_bid", "best_ask", "best_bid_size", "time"),
    "coinbase_advanced": ("price", "best_bid", "best_ask", "best_ask_quantity"),
}
each_field = pytest.mark.parametrize(
    ("venue", "field"), [(venue, field) for venue in OPTIONAL for field in OPTIONAL[venue]]
)


def ticker_of(venue: str, message: dict[str, Any]) -> dict[str, Any]:
    ticker: dict[str, Any] = message
    if venue == "coinbase_advanced":
        ticker = message["events"][0]["tickers"][0]
    return ticker


@each_field
@pytest.mark.parametrize("blank", ["", None])
def test_a_blank_field_is_one_that_was_not_sent(venue: str, field: str, blank: object) -> None:
    """The rest of the message is recorded, between its neighbours, and keeps its number."""
    exchange, plain = registry.get(venue), SAMPLES[venue]["ticker"]
    with_blank, without = json.loads(plain), json.loads(plain)
    ticker_of(venue, with_blank)[field] = blank
    del ticker_of(venue, without)[field]
    found, expected = (
        exchange.decode([plain, json.dumps(each).encode(), plain], SYMBOLS)
        for each in (with_blank, without)
    )
    assert (found.bad, expected.bad) == ((), ())
    assert by_frame(found) == by_frame(expected)


def test_a_blank_that_must_not_be_makes_its_message_bad() -> None:
    """The reason is about what was sent."""
    sample = json.loads(SAMPLES["coinbase"]["match"])
    decoded = registry.get("coinbase").decode([json.dumps(sample | {"price": ""}).encode()], {})
    assert [each.reason for each in decoded.bad] == [
        "match: Expected `float`, got `str` - at `$.price`"
    ]


def test_a_refusal_may_give_no_reason() -> None:
    """It is a refusal all the same, and not a request without an answer."""
    payload = b'{"type":"error","message":"Failed to subscribe","reason":null}'
    decoded = registry.get("coinbase").decode([payload], {})
    assert events_of(decoded) == [Refused(None, "Failed to subscribe")]


def test_numbers_survive_to_the_last_digit() -> None:
    """Bare ones as well as those in texts, however large or small, and as they are spelled."""
    assert without_blanks(b'{"a":1.500,"b":null,"c":[0E-8]}') == b'{"a":1.500,"c":[0E-8]}'
    payload = (
        b'{"a":9223372036854775807,"b":0.1234567890123456,"c":1e-9,"d":"61234.560","e":[""],"f":""}'
    )
    assert json.loads(without_blanks(payload)) == {
        "a": 9223372036854775807,
        "b": 0.1234567890123456,
        "c": 1e-9,
        "d": "61234.560",
        "e": [""],
    }


@pytest.mark.parametrize("payload", [b'{"a":null', b'["",{]', b'{"\xff":null}', b'{"a":""}}'])
def test_what_is_no_json_stays_undecodable(payload: bytes) -> None:
    """Callers guard against these errors, and no others."""
    with pytest.raises(UNDECODABLE):
        without_blanks(payload)
