"""The ways into each venue: whatever is configured leads to an address that the venue has."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from attrs import astuple

from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Exchange
from tick_logger.simulator.faults import Faults
from tick_logger.simulator.hub import Hub
from tick_logger.simulator.market import Market
from tick_logger.simulator.registry import DIALECTS
from tick_logger.simulator.truth import Truth

EVERY = [registry.get(name) for name in registry.available()]
at_every_exchange = pytest.mark.parametrize("exchange", EVERY, ids=registry.available())

BINANCE = "wss://data-stream.binance.vision/stream?timeUnit=MICROSECOND"
OKX = "wss://wsus.okx.com:8443/ws/v5/public"
BYBIT = "wss://stream.bybit.eu/v5/public/spot"
KRAKEN = "wss://ws.kraken.com/v2"
UPBIT = "wss://sg-api.upbit.com/websocket/v1"


@pytest.mark.parametrize(
    ("name", "endpoint", "url"),
    [
        ("binance", "wss://data-stream.binance.vision", BINANCE),
        ("binance", "wss://data-stream.binance.vision/", BINANCE),
        ("binance", "wss://data-stream.binance.vision/ws", BINANCE),
        ("binance", "wss://data-stream.binance.vision/ws/", BINANCE),
        ("binance", "wss://data-stream.binance.vision/ws/btcusdt@trade", BINANCE),
        ("binance", "wss://data-stream.binance.vision/stream", BINANCE),
        ("binance", "wss://data-stream.binance.vision/stream?streams=a@trade/b@trade", BINANCE),
        ("binance", "ws://ws", "ws://ws/stream?timeUnit=MICROSECOND"),
        ("binance", "ws://a/gate/ws", "ws://a/gate/stream?timeUnit=MICROSECOND"),
        ("okx", "wss://wsus.okx.com:8443", OKX),
        ("okx", "wss://wsus.okx.com:8443/ws/v5", OKX),
        ("okx", "wss://wsus.okx.com:8443/ws/v5/business", OKX),
        ("okx", "wss://wsus.okx.com:8443/ws/v5/public/", OKX),
        ("okx", "wss://a/gate", "wss://a/gate/public"),
        ("bybit", "wss://stream.bybit.eu", BYBIT),
        ("bybit", "wss://stream.bybit.eu/v5/public", BYBIT),
        ("bybit", "wss://stream.bybit.eu/v5/public/spot", BYBIT),
        ("bybit", "wss://stream.bybit.eu/v5/public/linear/", BYBIT),
        ("kraken", "wss://ws.kraken.com", KRAKEN),
        ("kraken", "wss://ws.kraken.com/v2", KRAKEN),
        ("kraken", "wss://ws.kraken.com/v1/", KRAKEN),
        ("upbit", "wss://sg-api.upbit.com", UPBIT),
        ("upbit", "wss://sg-api.upbit.com/websocket/v1", UPBIT),
        ("upbit", "wss://sg-api.upbit.com/websocket/v1/private", UPBIT),
        ("coinbase", "wss://ws-feed.exchange.coinbase.com", "wss://ws-feed.exchange.coinbase.com"),
    ],
)
def test_an_endpoint_may_name_a_path_of_the_venue(name: str, endpoint: str, url: str) -> None:
    """As the venue's documents or another program write it; it is never there twice."""
    assert registry.get(name).ws_url(endpoint) == url


@pytest.mark.parametrize(
    ("name", "endpoint", "url"),
    [
        ("binance", "https://api.binance.us/api/v3/", "https://api.binance.us/api/v3/exchangeInfo"),
        ("binance", "https://api.binance.us/api", "https://api.binance.us/api/v3/exchangeInfo"),
        ("kraken", "https://api.kraken.com/0/public", "https://api.kraken.com/0/public/AssetPairs"),
        ("upbit", "https://a/v1", "https://a/v1/market/all?is_details=true"),
        ("okx", "https://a/api/v5", "https://a/api/v5/public/instruments?instType=SPOT"),
        ("bybit", "https://a/v5", "https://a/v5/market/instruments-info?category=spot"),
        ("coinbase", "https://a/gate/", "https://a/gate/products"),
        ("coinbase_advanced", "https://a/api/v3", "https://a/api/v3/brokerage/market/products"),
    ],
)
def test_a_rest_endpoint_may_do_so_too(name: str, endpoint: str, url: str) -> None:
    """What asks by REST is given the endpoint without it."""
    exchange = registry.get(name)
    assert exchange.listing_url(exchange.rest_root(endpoint)) == url


@at_every_exchange
def test_the_usual_entrance_is_the_first(exchange: Exchange) -> None:
    """And leads where the defaults do; no two of them are the same."""
    usual = exchange.entrances[0]
    assert (usual.ws, usual.rest) == (exchange.ws_endpoint, exchange.rest_endpoint)
    assert exchange.others(usual.ws) == exchange.others(usual.rest) == exchange.entrances[1:]
    places = [each.ws for each in exchange.entrances]
    assert len({urlsplit(place).hostname for place in places}) == len(places)


@at_every_exchange
def test_each_entrance_serves_each_lane(exchange: Exchange) -> None:
    """The address that is made of it is one that the venue's dialect accepts."""
    kind = DIALECTS[exchange.adapter]
    hub = Hub(Faults(), seed=0)
    market = Market([kind.spec(kind.symbols[0])], kind.cost, seed=0, levels=5, now_ns=0)
    dialect = kind(hub, market, Truth(1))
    for lane in sorted({exchange.lane(feed) for feed in exchange.feeds}):
        for entrance in exchange.entrances:
            url = urlsplit(exchange.ws_url(entrance.ws, lane))
            assert url.scheme == "wss"
            assert dialect.accepts(f"{url.path or '/'}?{url.query}"), url


@at_every_exchange
def test_an_entrance_with_its_own_name_is_the_same_venue(exchange: Exchange) -> None:
    """But for the name, under which everything is recorded; limits stay those of the venue."""
    name = f"{exchange.name}_elsewhere"
    other = registry.get(name)
    assert (other.name, other.adapter, exchange.name) == (name, exchange.name, exchange.adapter)
    assert (other.operated_by, other.profile) == (exchange.operated_by, exchange.profile)
    assert other.feeds == exchange.feeds
    assert registry.proofs_of(name) == exchange.proofs
    assert registry.knows(name)
    assert name not in registry.available()


def test_a_new_adapter_takes_no_name_that_an_entrance_may_have() -> None:
    """What was recorded as an entrance of an older one would be another venue's all at once."""
    older = {"bybit_linear", "coinbase_advanced"}  # there before entrances had names
    names = set(registry.available())
    assert {n for n in names for each in names if n.startswith(f"{each}_")} == older


def test_the_configuration_page_names_each_entrance() -> None:
    """With the REST that belongs to it, and what it is; and none that is not known here."""
    page = (Path(__file__).parents[2] / "config" / "README.md").read_text()
    rows = re.findall(r"(?m)^\| .*\| `(wss://[^`]+)` \| `(https://[^`]+)` \| (.+) \|$", page)
    known = dict.fromkeys(astuple(each) for exchange in EVERY for each in exchange.entrances)
    assert sorted(rows) == sorted(known)
