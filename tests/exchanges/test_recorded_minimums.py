"""What an order must have at least, as recorded listings say it: in base and in quote currency."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.recordings import body, needs_recordings
from tick_logger.exchanges import registry

pytestmark = needs_recordings

Entry = dict[str, Any]
Minimums = tuple[str, str, str]
"""A symbol, its least size and its least amount, as texts; empty where nothing is said."""


def of_binance(listing: Any) -> Iterable[Minimums]:  # noqa: ANN401 - JSON
    for each in listing["symbols"]:
        filters = {item["filterType"]: item for item in each["filters"]}
        size = filters["LOT_SIZE"]["minQty"]
        yield each["symbol"], size, filters["MIN_NOTIONAL"]["minNotional"]


def of_bybit(listing: Any) -> Iterable[Minimums]:  # noqa: ANN401 - JSON
    amount = {"spot": "minOrderAmt", "linear": "minNotionalValue"}[listing["result"]["category"]]
    for each in listing["result"]["list"]:
        yield each["symbol"], each["lotSizeFilter"]["minOrderQty"], each["lotSizeFilter"][amount]


def of_coinbase(listing: Any) -> Iterable[Minimums]:  # noqa: ANN401 - JSON
    return ((p["id"], p["base_min_size"], p["min_market_funds"]) for p in listing)


def of_advanced(listing: Any) -> Iterable[Minimums]:  # noqa: ANN401 - JSON
    return ((p["product_id"], p["base_min_size"], p["quote_min_size"]) for p in listing["products"])


def of_kraken(listing: Any) -> Iterable[Minimums]:  # noqa: ANN401 - JSON
    for each in listing["result"].values():
        if "wsname" in each:
            name = each["wsname"].replace("XBT", "BTC").replace("XDG", "DOGE")
            yield name, each.get("ordermin", ""), each.get("costmin", "")


def of_okx(listing: Any) -> Iterable[Minimums]:  # noqa: ANN401 - JSON
    return ((each["instId"], each["minSz"], "") for each in listing["data"])


def of_upbit(listing: Any) -> Iterable[Minimums]:  # noqa: ANN401 - JSON
    return ((each["market"], "", "") for each in listing)


@pytest.mark.parametrize(
    ("exchange", "name", "read"),
    [
        ("binance", "binance/rest_exchangeInfo_2021-10-12.json.gz", of_binance),
        ("bybit", "bybit/rest_instruments-info_spot_2026-08-09.json", of_bybit),
        ("bybit_linear", "bybit/rest_instruments-info_linear_2026-08-09.json.gz", of_bybit),
        ("coinbase", "coinbase/rest_products_2021-04-17.json", of_coinbase),
        ("coinbase_advanced", "coinbase_advanced/rest_products_2026-08-09.json.gz", of_advanced),
        ("kraken", "kraken/rest_AssetPairs_2021-04-17.json", of_kraken),
        ("okx", "okx/rest_instruments_SPOT_2022-05-13.json", of_okx),
        ("upbit", "upbit/rest_market_all_2021-04-17.json", of_upbit),
    ],
)
def test_the_least_of_an_order(
    exchange: str, name: str, read: Callable[[Any], Iterable[Minimums]]
) -> None:
    """Of every symbol that is listed, as the listing spells it."""
    text = body(name)
    told = {symbol: (size, amount) for symbol, size, amount in read(json.loads(text))}
    listed = registry.get(exchange).parse_listing(text)
    assert len(listed) > 50
    found = {each.symbol: (each.min_size, each.min_notional) for each in listed}
    assert found == {symbol: told[symbol] for symbol in found}
