"""All symbols means all: whole listings, with every default, and what is said of what is left."""

from __future__ import annotations

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.net.running_venue import running
from tests.net.small_venue import TinyVenue
from tests.net.venue.test_lanes import BOTH, TwoLanes
from tests.recordings import RECORDINGS, body
from tick_logger.config.schema import ExchangeConfig, MarketConfig
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Listed
from tick_logger.model.turnover import most_traded_first
from tick_logger.net.venue.limits import limits_of, weights_of
from tick_logger.net.venue.plan import Plan, plan

LISTINGS = [
    ("coinbase", "coinbase/rest_products_2021-04-17.json", 150),
    ("binance", "binance/rest_exchangeInfo_2021-10-12.json.gz", 1_200),
    ("coinbase_advanced", "coinbase_advanced/rest_products_2026-08-09.json.gz", 400),
    ("okx", "okx/rest_instruments_SPOT_2022-05-13.json", 500),
    ("bybit", "bybit/rest_instruments-info_spot_2026-08-09.json", 500),
    ("bybit_linear", "bybit/rest_instruments-info_linear_2026-08-09.json.gz", 700),
    ("upbit", "upbit/rest_market_all_2021-04-17.json", 290),
    ("kraken", "kraken/rest_AssetPairs_2021-04-17.json", 280),
]


def planned(name: str, symbols: list[str], config: ExchangeConfig) -> Plan:
    exchange = registry.get(name)
    lanes = {exchange.lane(feed) for feed in config.feeds}
    limits = limits_of(config, exchange.profile, len(lanes))
    return plan({}, symbols, limits, weights_of(exchange, config, symbols))


def listed(name: str, file: str) -> list[str]:
    """What may be traded, by a recorded listing, the most traded first."""
    if not (RECORDINGS / file).is_file():
        pytest.skip(f"no {file} in {RECORDINGS}; TICK_LOGGER_RECORDINGS names the folder")
    instruments = registry.get(name).read_listing(body(file)).instruments
    return [each.symbol for each in most_traded_first(instruments) if each.active]


@pytest.mark.parametrize(("name", "file", "least"), LISTINGS)
def test_a_recorded_listing_is_recorded_whole(name: str, file: str, least: int) -> None:
    """Within what the exchange takes, and evenly; with every default."""
    symbols, exchange = listed(name, file), registry.get(name)
    assert len(symbols) > least
    config = ExchangeConfig(ws_endpoint=exchange.ws_endpoint, rest_endpoint=exchange.rest_endpoint)
    found = planned(name, symbols, config)
    assert found.left_out == ()
    assert found.places.keys() == set(symbols)
    sizes = [len(each) for each in found.shares.values()]
    assert max(sizes) <= max(20, min(sizes) + 1)
    takes = exchange.profile.subscriptions_per_connection
    assert takes is None or max(sizes) * len(config.feeds) <= takes


@pytest.mark.parametrize(("name", "file", "least"), LISTINGS)
def test_of_a_recorded_listing_the_rest_is_named_whole(name: str, file: str, least: int) -> None:
    """Where a number of symbols is configured: the last, or the least traded."""
    symbols, exchange = listed(name, file), registry.get(name)
    config = ExchangeConfig(
        ws_endpoint=exchange.ws_endpoint,
        rest_endpoint=exchange.rest_endpoint,
        feeds=("trades",),
        max_connections=3,
        symbols_per_connection=7,
    )
    assert planned(name, symbols, config).left_out == tuple(symbols[21:])


def test_coinbase_advanced_lists_how_much_is_traded() -> None:
    """In each quote currency: ETH-BTC counts by what a bitcoin is worth."""
    symbols = listed("coinbase_advanced", "coinbase_advanced/rest_products_2026-08-09.json.gz")
    assert symbols[:3] == ["BTC-USD", "ETH-USD", "SOL-USD"]
    places = {symbol: place for place, symbol in enumerate(symbols)}
    assert places["BTC-EUR"] < places["BTC-GBP"] < places["ETH-BTC"] < len(symbols) // 4


# -- venues at work -------------------------------------------------------------------------------

MANY = tuple(f"S{number:04}" for number in range(1_262))
ONE = ("trades",)


class Narrow(TinyVenue):
    """Takes thirty subscriptions on a connection."""

    profile = attrs.evolve(TinyVenue.profile, subscriptions_per_connection=30)


class NarrowLanes(TwoLanes):
    """The same on each connection of either address."""

    profile = Narrow.profile


async def test_every_symbol_of_a_long_listing_is_asked_for(autojump_clock: MockClock) -> None:
    """On ten connections, and each on one of them."""
    async with running(TinyVenue(), *MANY, feeds=ONE) as scene:
        await trio.sleep(60.0)
        asked = [
            word.removesuffix("/trades")
            for link in scene.dial.links
            for text in link.texts
            for word in text.split()[1:]
        ]
        assert len(scene.dial.links) == 10
        assert set(asked) == set(MANY)
        assert scene.bench.metrics.read("collector_symbols", "tiny") == len(MANY)
        assert scene.bench.metrics.read("collector_symbols_left_out", "tiny") == 0
        assert scene.venue.absent.left_out == ()


@pytest.mark.parametrize(
    ("venue", "feeds", "room"),
    [(Narrow, ONE, 300), (Narrow, BOTH, 150), (NarrowLanes, BOTH, 150), (NarrowLanes, ONE, 300)],
)
async def test_beyond_what_the_venue_takes_every_name_is_told(
    venue: type[TinyVenue], feeds: tuple[str, ...], room: int, autojump_clock: MockClock
) -> None:
    """The last of the listing; lanes share the connections."""
    async with running(venue(), *MANY, feeds=feeds) as scene:
        assert scene.venue.absent.left_out == MANY[room:]
        assert scene.bench.metrics.read("collector_symbols", "tiny") == room
        left_out = scene.bench.metrics.read("collector_symbols_left_out", "tiny")
        assert left_out == len(MANY) - room


async def test_symbols_with_fewer_feeds_leave_room(autojump_clock: MockClock) -> None:
    """It is subscriptions that a venue counts."""
    thin = MarketConfig(symbols=("S000?",), feeds=ONE)
    symbols = MANY[:25]
    async with running(Narrow(), *symbols, feeds=BOTH, markets=(thin,), max_connections=1) as scene:
        assert scene.venue.absent.left_out == MANY[20:25]


class Telling(Narrow):
    """Lists how much each symbol is traded: by its number, the last one most."""

    def read_listing(self, body: bytes) -> Listed:
        listed = super().read_listing(body)
        return Listed(
            tuple(
                attrs.evolve(each, turnover=float(each.symbol[1:])) for each in listed.instruments
            )
        )


async def test_the_least_traded_are_left_out(autojump_clock: MockClock) -> None:
    """Where the listing tells it; the names come in that order."""
    async with running(Telling(), *MANY, feeds=ONE) as scene:
        assert scene.venue.absent.left_out == MANY[961::-1]


async def test_from_a_number_to_as_many_as_there_are_and_back(autojump_clock: MockClock) -> None:
    """What was recorded all the time is asked for once, and nothing is connected anew."""
    symbols = MANY[:65]
    few = {"symbols_per_connection": 5, "max_connections": 2}
    async with running(TinyVenue(), *symbols, feeds=ONE, **few) as scene:
        config = scene.venue._config
        before = scene.asked()
        assert scene.venue.absent.left_out == MANY[10:65]
        scene.venue.reconfigure(attrs.evolve(config, symbols_per_connection=0))
        await trio.sleep(60.0)
        assert scene.venue.absent.left_out == ()
        scene.venue.reconfigure(config)
        await trio.sleep(60.0)
        assert scene.venue.absent.left_out == MANY[10:65]
        assert len(scene.dial.links) == 2
        words = [word for _, texts in scene.asked() for text in texts for word in text.split()]
        kept = {f"{symbol}/trades" for symbol in MANY[:10]}
        assert sorted(word for word in words if word in kept) == sorted(
            word for _, texts in before for text in texts for word in text.split()[1:]
        )


async def test_what_is_configured_and_not_listed_is_named(autojump_clock: MockClock) -> None:
    """As long as that lasts: until it is listed, or no longer configured."""
    wished = ("S0001", "NOPE", "S9*", "LATER")
    async with running(TinyVenue(), *MANY[:9], feeds=ONE, symbols=wished) as scene:

        def told() -> tuple[list[str], float]:
            count = scene.bench.metrics.read("collector_symbols_not_listed", "tiny")
            return list(scene.venue.absent.not_listed), count

        assert told() == (["NOPE", "S9*", "LATER"], 3)
        scene.dial.symbols = (*MANY[:9], "LATER")
        await trio.sleep(TinyVenue.profile.listing_interval_secs)
        assert told() == (["NOPE", "S9*"], 2)
        scene.venue.reconfigure(attrs.evolve(scene.venue._config, symbols=("LATER",)))
        assert told() == ([], 0)


async def test_a_listing_of_nothing_that_is_traded_lacks_what_is_configured(
    autojump_clock: MockClock,
) -> None:
    """Whoever misspells the only symbol is told so by its name."""
    async with running(TinyVenue(), "A!", "B!", feeds=ONE, symbols=("A", "C")) as scene:
        assert scene.venue.absent.not_listed == ("A", "C")
        assert scene.dial.links == []
