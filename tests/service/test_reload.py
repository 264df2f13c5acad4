"""A new configuration while the service runs: only what it changes is touched."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.service.oracle import causes, check, rows
from tests.service.world import VenueMaker, World, binance, coinbase, running
from tick_logger.config.schema import Config, ExchangeConfig, LoggerConfig, MarketConfig
from tick_logger.errors import ConfigError
from tick_logger.reload import Difference, Reloader, difference

VENUES = pytest.mark.parametrize("venue", [binance, coinbase])


def reload(world: World, **changes: Any) -> None:  # noqa: ANN401 - any settings
    """As SIGHUP does, with other settings of the only exchange."""
    config = world.service.started_with
    name = world.exchange.name
    changed = attrs.evolve(config.exchanges[name], **changes)
    new = attrs.evolve(config, exchanges={name: changed})
    Reloader(config, lambda: new, world.service.venues, lambda _: None).reload()


def connections(world: World) -> list[float]:
    """When each was made."""
    return [each.opened for each in world.dial.connections]


@VENUES
async def test_a_symbol_that_is_no_longer_wanted(
    venue: VenueMaker, autojump_clock: MockClock
) -> None:
    """Its rows end, those of the other go on, and nobody connects anew."""
    async with running(venue()) as world:
        await world.until(10.0)
        first, second = world.exchange.truth.symbols()
        before = connections(world)
        reload(world, symbols=(first,))
        await world.until(20.0)
        ended = len(rows(world.files, world.exchange.name, second, "TRADES"))
        going_on = len(rows(world.files, world.exchange.name, first, "TRADES"))
        await world.until(40.123)
        assert connections(world) == before
        assert world.metric("symbols") == 1
        assert len(rows(world.files, world.exchange.name, second, "TRADES")) == ended
        assert len(rows(world.files, world.exchange.name, first, "TRADES")) > going_on
    assert causes(world.files) == set()
    assert world.exchange.violations == []


@VENUES
async def test_a_feed_more(venue: VenueMaker, autojump_clock: MockClock) -> None:
    """It begins on the connections there are; what was recorded before goes on without a hole."""
    async with running(venue(feeds=("trades",))) as world:
        await world.until(10.0)
        before = connections(world)
        reload(world, feeds=("trades", "ticker"))
        await world.until(40.123)
        assert connections(world) == before
        for symbol in world.exchange.truth.symbols():
            assert len(rows(world.files, world.exchange.name, symbol, "MD")) > 10
    assert check(world) > 100
    assert causes(world.files) == set()
    assert world.exchange.violations == []


@VENUES
async def test_a_feed_less_for_one_symbol(venue: VenueMaker, autojump_clock: MockClock) -> None:
    """A market of its own has other feeds from now on."""
    async with running(venue()) as world:
        await world.until(10.0)
        first, second = world.exchange.truth.symbols()
        market = MarketConfig(symbols=(first,), feeds=("trades",))
        reload(world, markets=(market,))
        await world.until(20.0)
        ended = len(rows(world.files, world.exchange.name, first, "MD"))
        await world.until(40.123)
        assert len(rows(world.files, world.exchange.name, first, "MD")) == ended
        assert len(rows(world.files, world.exchange.name, second, "MD")) > ended
    assert causes(world.files) == set()
    assert world.exchange.violations == []


async def test_a_mistake_changes_nothing(autojump_clock: MockClock) -> None:
    """All of them are in the log, and the recording goes on as it was."""

    def load() -> Config:
        raise ConfigError([("exchanges.x.symbols", "must be a list"), ("http.port", "too large")])

    async with running(binance()) as world:
        await world.until(10.0)
        Reloader(world.service.started_with, load, world.service.venues, lambda _: None).reload()
        await world.until(20.123)
    (line,) = world.said("reload_refused", level="error")
    assert line["problems"] == ["exchanges.x.symbols: must be a list", "http.port: too large"]
    assert check(world) > 50


def exchange(**changes: Any) -> ExchangeConfig:  # noqa: ANN401 - any settings
    addresses = {"ws_endpoint": "ws://a.test", "rest_endpoint": "http://a.test"}
    return ExchangeConfig(**(addresses | changes))


def test_what_needs_a_restart_is_told_apart() -> None:
    """Every key belongs to one of the two."""
    old = Config(
        logger=LoggerConfig(log_level="info"),
        exchanges={"a": exchange(), "b": exchange(), "gone": exchange(), "off": exchange()},
    )
    new = Config(
        logger=LoggerConfig(log_level="debug", linger_ms=50),
        exchanges={
            "a": exchange(symbols=("X",), data_timeout_secs=9.0, ws_endpoint="ws://b.test"),
            "b": exchange(),
            "off": exchange(enabled=False, feeds=("trades",)),
            "new": exchange(),
        },
    )
    assert difference(old, new) == Difference(
        live=("logger.log_level", "exchanges.a.symbols", "exchanges.a.data_timeout_secs"),
        needs_restart=(
            "logger.linger_ms",
            "exchanges.a.ws_endpoint",
            "exchanges.gone",
            "exchanges.new",
            "exchanges.off.enabled",
            "exchanges.off.feeds",
        ),
    )
    assert difference(old, old) == Difference((), ())


def test_where_markets_are_entered_needs_a_restart() -> None:
    """What else they change does not."""
    fast = MarketConfig(symbols=("X",), data_timeout_secs=5.0)
    elsewhere = MarketConfig(symbols=("X",), ws_endpoint="ws://b.test")
    for markets, needs_restart in (
        ((fast,), ()),
        ((elsewhere,), ("exchanges.a.markets",)),
        ((elsewhere, fast), ("exchanges.a.markets",)),
    ):
        old = Config(exchanges={"a": exchange()})
        new = Config(exchanges={"a": exchange(markets=markets)})
        assert difference(old, new) == Difference(("exchanges.a.markets",), needs_restart)


async def test_what_is_reloaded_counts_for_the_next_reload(autojump_clock: MockClock) -> None:
    """What needs a restart is said each time, what was applied only once."""
    async with running(binance()) as world:
        config, name = world.service.started_with, world.exchange.name
        levels: list[str] = []
        changed = attrs.evolve(config.exchanges[name], symbols=("BTCUSDT",), max_connections=3)
        new = attrs.evolve(
            config,
            logger=attrs.evolve(config.logger, log_level="debug", linger_ms=7),
            exchanges={name: changed},
        )
        reloader = Reloader(
            config,
            lambda: new,
            world.service.venues,
            lambda logger: levels.append(logger.log_level),
        )
        reloader.reload()
        reloader.reload()
        await trio.sleep(1.0)
    assert levels == ["debug", "debug"]
    first, second = world.said("reloaded")
    assert first["changed"] == [
        "logger.log_level",
        f"exchanges.{name}.symbols",
        f"exchanges.{name}.max_connections",
    ]
    assert second["changed"] == []
    assert [line["keys"] for line in world.said("reload_needs_restart")] == [
        ["logger.linger_ms"]
    ] * 2
