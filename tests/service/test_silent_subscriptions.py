"""Subscriptions that an exchange acknowledged and does not deliver, beside others that it does."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
import trio
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS
from tests.service.lives import lives
from tests.service.oracle import causes, check, gaps, rows
from tests.service.world import VenueMaker, World, binance, coinbase, running
from tick_logger.config.schema import MarketConfig
from tick_logger.model.times import NS_PER_SECOND
from tick_logger.simulator.faults import Faults
from tick_logger.simulator.symbols import BASES

SYMBOLS = {"binance": ("BTCUSDT", "ETHUSDT"), "coinbase": ("BTC-USD", "ETH-USD")}
MAKERS = pytest.mark.parametrize("make", [binance, coinbase])
BINANCE_AND_SELDOM_COINBASE = pytest.mark.parametrize(
    "make", [binance, pytest.param(coinbase, marks=pytest.mark.seldom)]
)
COINBASE_AND_SELDOM_BINANCE = pytest.mark.parametrize(
    "make", [pytest.param(binance, marks=pytest.mark.seldom), coinbase]
)
# So that the longest usual silence is known soon, and short.
BUSY = {"messages_per_second": 40.0, "step_secs": 0.1}


def silenced(world: World) -> Faults:
    """The first symbol is silent from now on."""
    return Faults(silent_symbols=frozenset({SYMBOLS[world.exchange.name][0]}))


def silent_symbol(world: World) -> str:
    return SYMBOLS[world.exchange.name][0]


def named(world: World, event: str) -> list[set[str]]:
    """The subscriptions that each line of this event names, without their ages."""
    return [{text.split(":")[0] for text in line["subscriptions"]} for line in world.said(event)]


def nothing_else_is_lost(world: World) -> None:
    """The other symbol's trades are all on disk, and it has no gap of any kind."""
    venue, other = world.exchange.name, SYMBOLS[world.exchange.name][1]
    found = rows(world.files, venue, other, "TRADES")["trade_id"].tolist()
    sent = [trade.trade_id for trade in world.exchange.truth.sent(other)]
    assert set(sent[:-20]) <= set(found)
    assert len(found) > 200
    for table in ("TRADES", "MD"):
        assert gaps(world.files, venue, other, table) == []


@MAKERS
async def test_a_silent_subscription_is_made_again(
    make: VenueMaker, autojump_clock: MockClock
) -> None:
    """Once, on the same connection, within the timeout of a minute and what is usual."""
    async with running(make(simulated=BUSY)) as world:
        await world.until(60.0)
        world.exchange.set_faults(silenced(world))
        await world.until(61.0)
        world.exchange.set_faults(Faults())  # what is silent stays so until it is made again
        await world.until(119.0)
        assert world.said("subscriptions_silent") == []
        await world.until(180.123)
        assert world.metric("subscriptions_silent") == 0
        assert world.metric("silent_renewals_total") == 2
        both = {f"{silent_symbol(world)} {feed}" for feed in ("ticker", "trades")}
        assert set().union(*named(world, "subscriptions_silent")) == both
        assert set().union(*named(world, "subscriptions_recovered")) == both
        assert all(120.0 <= at <= 140.0 for at in world.times("subscriptions_silent"))
        assert world.said("subscriptions_still_silent") == []
        assert world.said("retiring") == world.said("connection_lost") == []
    assert check(world) > 300
    nothing_else_is_lost(world)
    assert causes(world.files) == {"silent"}
    venue, symbol = world.exchange.name, silent_symbol(world)
    missed = [  # while it was silent, and then not subscribed for a moment
        trade.trade_id
        for trade in world.exchange.truth.trades(symbol)
        if trade.event_ns > NOON_NS + 30 * NS_PER_SECOND
        and (trade.withheld or not trade.subscribed)
    ]
    assert len(missed) > 100
    (gap,) = gaps(world.files, venue, symbol, "TRADES")
    assert gap["from_id"] == missed[0]
    assert gap["to_id"] in missed[-2:]  # a greeting brings the last one after all
    (gap,) = gaps(world.files, venue, symbol, "MD")
    assert 58.0 <= (gap["from_ns"] - NOON_NS) / 1e9 <= 60.1
    assert 119.0 <= (gap["to_ns"] - NOON_NS) / 1e9 <= 126.0
    assert world.exchange.violations == []


@COINBASE_AND_SELDOM_BINANCE
async def test_one_that_stays_silent_gets_another_connection(
    make: VenueMaker, autojump_clock: MockClock
) -> None:
    """On which it works; nothing of the others is lost on the way."""
    async with running(make(simulated=BUSY)) as world:
        await world.until(60.0)
        world.exchange.set_faults(silenced(world))
        await world.until(160.0)  # after the renewal, which did not help
        world.exchange.set_faults(Faults())
        await world.until(300.123)
        assert world.metric("subscriptions_silent") == 0
        assert world.metric("silent_renewals_total") == 2
        still = set().union(*named(world, "subscriptions_still_silent"))
        assert still  # the move of one may have been enough for both
        assert still <= {f"{silent_symbol(world)} {feed}" for feed in ("ticker", "trades")}
        assert len(world.said("retiring")) >= 1
        assert world.said("connection_lost") == []
        assert world.metric("reconnects_total") == 0
    assert check(world) > 500
    nothing_else_is_lost(world)
    last = world.exchange.truth.sent(silent_symbol(world))[-20].trade_id
    found = rows(world.files, world.exchange.name, silent_symbol(world), "TRADES")
    assert last in found["trade_id"].tolist()
    assert causes(world.files) == {"silent"}
    assert world.exchange.violations == []


@BINANCE_AND_SELDOM_COINBASE
async def test_one_that_nothing_helps_against_is_accepted(
    make: VenueMaker, autojump_clock: MockClock
) -> None:
    """The steps are taken again after four times as long at least, not every minute."""
    calm = {"messages_per_second": 4.0, "step_secs": 0.5}
    async with running(make(simulated=calm)) as world:
        await world.until(300.0)
        world.exchange.set_faults(silenced(world))
        await world.until(2400.123)
        steps = [*world.times("subscriptions_silent"), *world.times("subscriptions_still_silent")]
        assert len([at for at in steps if at <= 600.0]) >= 2
        # At first a step a minute and feed at most, then a quarter of that, and so on.
        assert len([at for at in steps if at > 600.0]) <= 8
        assert len(world.said("retiring")) <= 4
        assert world.metric("subscriptions_refused_total") == 0
        assert world.said("connection_lost") == []
    nothing_else_is_lost(world)
    assert world.exchange.violations == []


@BINANCE_AND_SELDOM_COINBASE
async def test_an_illiquid_symbol_is_left_alone(
    make: VenueMaker, autojump_clock: MockClock
) -> None:
    """Its usual silences are far longer than the timeout, and those of its connection are not."""
    symbols = {
        binance: [f"{base}USDT" for base in BASES],
        coinbase: [f"{base}-USD" for base in BASES],
    }[make]
    venue = make(
        *symbols,
        simulated={"messages_per_second": 1.0, "step_secs": 1.0},
        config={"data_timeout_secs": 30.0},
        markets=(MarketConfig(symbols=(symbols[0],), data_timeout_secs=600.0),),
    )
    async with running(venue) as world:
        await world.until(3600.123)
        assert world.said("connection_lost") == []
        assert world.said("subscriptions_silent") == []
        assert world.said("retiring") == []
    check(world)
    trades = [world.exchange.truth.trades(symbol) for symbol in symbols]
    gaps_secs = [
        (after.event_ns - before.event_ns) / 1e9
        for each in trades
        for before, after in itertools.pairwise(each)
    ]
    assert len([secs for secs in gaps_secs if secs > 60.0]) > 20


@MAKERS
async def test_a_restart_leaves_illiquid_symbols_alone(
    make: VenueMaker, autojump_clock: MockClock
) -> None:
    """Nothing is known of them then, and what greets has greeted."""
    still = make(
        simulated={"messages_per_second": 0.0, "step_secs": 5.0},
        config={"data_timeout_secs": 600.0, "first_data_timeout_secs": 600.0},
    )
    async with lives(still) as story:
        for _ in range(2):
            world = await story.begin()
            await trio.sleep(599.0)
            assert world.metric("silent_renewals_total") == 0
            assert world.said("subscriptions_silent") == world.said("retiring") == []
            assert await world.stop() == 0


async def test_a_venue_that_greets_and_did_not_is_asked_again(autojump_clock: MockClock) -> None:
    """However little is known of the symbol, a greeting was due: two minutes, and it is renewed."""
    faults = Faults(silent_symbols=frozenset({"BTC-USD"}))
    async with running(coinbase(simulated={**BUSY, "faults": faults})) as world:
        await world.until(60.0)
        world.exchange.set_faults(Faults())
        await world.until(240.123)
        assert world.metric("silent_renewals_total") == 2
        assert all(120.0 <= at <= 130.2 for at in world.times("subscriptions_silent"))
        assert world.said("retiring") == []
    check(world)
    found = rows(world.files, "coinbase", "BTC-USD", "TRADES")
    assert len(found) > 100
    nothing_else_is_lost(world)


async def test_feeds_of_one_channel_are_made_again_together(autojump_clock: MockClock) -> None:
    """And each has the gap."""
    feeds: Sequence[str] = ("ticker", "trades", "quotes")
    async with running(coinbase(feeds=feeds, simulated=BUSY)) as world:
        await world.until(60.0)
        world.exchange.set_faults(silenced(world))
        await world.until(61.0)
        world.exchange.set_faults(Faults())
        await world.until(180.123)
        assert world.said("subscriptions_still_silent") == []
    check(world)
    for table in ("MD", "TRADES", "QUOTES"):
        (gap,) = gaps(world.files, "coinbase", "BTC-USD", table)
        assert gap["cause"] == "silent"
        assert gap["to_ns"] - gap["from_ns"] > 60 * 10**9
    nothing_else_is_lost(world)


@COINBASE_AND_SELDOM_BINANCE
async def test_a_renewal_whose_answers_are_lost_does_not_end_the_recording(
    make: VenueMaker, autojump_clock: MockClock
) -> None:
    """What was live is not given up for good: another connection asks for it again."""
    async with running(make(simulated=BUSY)) as world:
        symbol = silent_symbol(world)
        await world.until(60.0)
        world.exchange.set_faults(silenced(world))
        await world.until(61.0)
        world.exchange.set_faults(Faults(never_acked_symbols=frozenset({symbol})))
        await world.until(165.0)  # the successor asks for the second time
        assert {line["symbol"] for line in world.said("subscription_refused")} == {symbol}
        world.exchange.set_faults(Faults())
        await world.until(400.123)
        assert world.metric("subscriptions_silent") == 0
    check(world)
    last = world.exchange.truth.sent(symbol)[-20]
    found = rows(world.files, world.exchange.name, symbol, "TRADES")
    assert last.trade_id in found["trade_id"].tolist()
    for table in ("MD", "TRADES"):
        for gap in gaps(world.files, world.exchange.name, symbol, table):
            assert gap["to_ns"] < last.event_ns
    nothing_else_is_lost(world)
