"""Two lines: one is cut again and again, both are, one freezes; nothing is lost, or told as lost.

What each row must be is judged in simulated lives (`tests/sim`), where lines are drawn as well.
"""

from __future__ import annotations

from random import Random

import attrs
import pytest
from trio.testing import MockClock

from tests.service.cuts import (
    EVERY,
    SECOND_NS,
    TABLES,
    cut_again_and_again,
    led,
    live,
    repeated,
    sessions,
    two_lines,
)
from tests.service.lives import lives
from tests.service.oracle import causes, check, gaps
from tests.service.world import World, binance, running
from tick_logger.config.schema import MarketConfig
from tick_logger.exchanges import registry
from tick_logger.verify.recording import verify_recording

UNTIL = 40.123
MOST_LED_SECS = 1.1
"""Requests go out once a second at most (Kraken), and the answer takes a step of the market."""


def twin_payloads(world: World) -> list[float]:
    """How many payloads came on both, by the line on which they came first."""
    families = world.service.metrics.exchange(world.exchange.name)._lines
    return [first._value.get() for first, _ in families]


@pytest.mark.parametrize("name", EVERY)
async def test_cuts_of_one_line_cost_nothing(name: str, autojump_clock: MockClock) -> None:
    """No row is missing or doubled, and no hole is told of, but of books that one line leads."""
    async with running(two_lines(name)) as world:
        await world.until(3.0)
        await cut_again_and_again(world, 10, Random(name))
        assert world.elapsed < UNTIL
        await world.until(UNTIL)
    world.stopped_ns -= SECOND_NS  # some venues send trades together, at times of their own
    assert check(world) > 100
    assert world.metric("reconnects_total") == 10
    assert sum(twin_payloads(world)) + world.metric("twin_rows_total") > 100
    own = {TABLES[feed] for feed in registry.get(name).feeds} - led(name)
    for symbol in world.exchange.truth.symbols():
        for table in own:
            assert gaps(world.files, name, symbol, table) == [], f"{symbol} {table}"
        for table in own & {"QUOTES", "BOOK"}:
            assert repeated(world, symbol, table) == []
    if not led(name):
        assert causes(world.files) == set()


@pytest.mark.seldom
@pytest.mark.parametrize("name", EVERY)
def test_cuts_of_one_line_cost_nothing_at_a_thousand_trades_a_second(name: str) -> None:
    """As `cuts` does it ten thousand times; a take-over is a request at the pace of its venue."""
    judged = live(name, seed=1_000, cuts=10)
    assert judged.is_right, judged
    assert judged.cuts == 10
    assert judged.trades > 5_000
    assert judged.longest_led_secs < MOST_LED_SECS
    assert bool(judged.led_holes) == bool(led(name))


@pytest.mark.parametrize("name", [each for each in EVERY if led(each)])
async def test_the_other_line_takes_over_what_one_leads(
    name: str, autojump_clock: MockClock
) -> None:
    """At once, on the connection that it has: within one request, long before the reconnect."""
    slow = {"reconnect_initial_secs": 30.0, "reconnect_max_secs": 60.0}
    async with running(two_lines(name, config=slow)) as world:
        await world.until(10.0)
        max(sessions(world), key=lambda each: len(each.topics)).end(None, "cut")
        await world.until(UNTIL)
    assert [line["line"] for line in world.said("leads")] == [1]
    for symbol in world.exchange.truth.symbols():
        holes = gaps(world.files, name, symbol, "BOOK")
        began_ns = world.clock.now_ns() - int((world.elapsed - 10.0) * SECOND_NS)
        spans = [(hole["from_ns"] - began_ns, hole["to_ns"] - began_ns) for hole in holes]
        assert spans, "what may have been missed is told"
        world.stopped_ns = began_ns + int(29 * SECOND_NS)
        assert all(since > -SECOND_NS and until < SECOND_NS for since, until in spans), spans
    assert check(world) > 100


async def test_both_lines_down_is_exactly_the_common_time(autojump_clock: MockClock) -> None:
    """From the end of the second to go, until the first to come."""
    slow = {"reconnect_initial_secs": 0.05, "reconnect_max_secs": 0.1}
    async with running(two_lines("okx", feeds=("ticker",), config=slow)) as world:
        await world.until(10.0)
        world.dial.refusals = 10_000
        first, second = sessions(world)
        first.end(None, "cut")
        await world.until(15.0)
        second.end(None, "cut")
        await world.until(20.0)
        world.dial.refusals = 0
        await world.until(UNTIL)
    for symbol in world.exchange.truth.symbols():
        (hole,) = gaps(world.files, "okx", symbol, "MD")
        start_ns = world.clock.now_ns() - int(world.elapsed * SECOND_NS)
        since, until = ((hole[key] - start_ns) / SECOND_NS for key in ("from_ns", "to_ns"))
        assert 14.8 <= since <= 15.0
        assert 20.0 <= until <= 20.2


async def test_a_frozen_line_costs_nothing(autojump_clock: MockClock) -> None:
    """Nobody hears of it for half a minute, and the other carries all."""
    async with running(two_lines("binance")) as world:
        await world.until(5.0)
        sessions(world)[0]._freeze(600.0)
        await world.until(90.123)
    assert world.metric("reconnects_total") == 1
    assert check(world) > 100
    assert causes(world.files) == set()


async def test_what_was_cut_while_the_other_was_frozen_is_told(autojump_clock: MockClock) -> None:
    """Though that becomes known only when it is over: exactly the time of the cut."""
    feeds = ("ticker",)
    async with running(two_lines("okx", feeds=feeds)) as world:
        await world.until(10.0)
        frozen, cut = sessions(world)
        frozen._freeze(600.0)
        await world.until(12.0)
        world.dial.refusals = 3
        cut.end(None, "cut")
        await world.until(90.123)
    for symbol in world.exchange.truth.symbols():
        (hole,) = gaps(world.files, "okx", symbol, "MD")
        start_ns = world.clock.now_ns() - int(world.elapsed * SECOND_NS)
        since, until = ((hole[key] - start_ns) / SECOND_NS for key in ("from_ns", "to_ns"))
        assert 11.8 <= since <= 12.0
        assert 12.0 < until < 15.0


async def test_lines_are_handed_over_one_at_a_time(autojump_clock: MockClock) -> None:
    """Though the venue says to both that it will end them."""
    slow = {"simulated": {"step_secs": 0.05}, "config": {"connects_per_second": 1.0}}
    async with running(two_lines("binance", **slow)) as world:
        await world.until(10.0)
        assert world.exchange.announce_shutdown() == 2
        await world.until(UNTIL)
    assert len(world.said("retiring")) == 2
    assert world.exchange.connections_opened == 4
    assert check(world) > 100
    assert causes(world.files) == set()


async def test_a_second_line_comes_and_goes_while_it_runs(autojump_clock: MockClock) -> None:
    """By a reload: nothing is lost, and nothing is told of as lost."""
    async with running(two_lines("okx", config={"redundancy": 1})) as world:
        (recorded,) = world.service.venues.values()
        for secs, lines, connections in ((5.0, 2, 4), (15.0, 1, 2), (25.0, 2, 4)):
            await world.until(secs)
            recorded.reconfigure(attrs.evolve(recorded._config, redundancy=lines))
            await world.until(secs + 5.0)
            assert world.metric("connections_up") == connections
        await world.until(UNTIL)
    assert check(world) > 100
    assert causes(world.files) == set()


async def test_a_line_that_ended_by_a_reload_carries_nothing_any_more(
    autojump_clock: MockClock,
) -> None:
    """So that a cut of the one that is left is a hole."""
    async with running(two_lines("okx", feeds=("ticker",))) as world:
        (recorded,) = world.service.venues.values()
        await world.until(5.0)
        recorded.reconfigure(attrs.evolve(recorded._config, redundancy=1))
        await world.until(10.0)
        (left,) = sessions(world)
        left.end(None, "cut")
        await world.until(UNTIL)
    assert causes(world.files) == {"disconnect"}


@pytest.mark.parametrize("ending", ["stop", "kill"])
async def test_a_restart_forgets_the_lines(ending: str, autojump_clock: MockClock) -> None:
    """The hole is that of the pause, and a replay of the journal gives the same bytes."""
    async with lives(two_lines("binance")) as story:
        world = await story.begin()
        await world.until(3.0)
        await cut_again_and_again(world, 3, Random(1))
        await world.until(20.123)
        if ending == "stop":
            assert await world.stop() == 0
        else:
            await story.kill(world)
        world = await story.begin()
        await cut_again_and_again(world, 3, Random(2))
        await world.until(20.123)
        assert await world.stop() == 0
    assert causes(world.files) <= {"restart", "crash", "resync"}
    assert verify_recording(story.disk, deep=True).ok


async def test_a_market_alone_may_have_two_lines(autojump_clock: MockClock) -> None:
    """The other symbols have one connection, which the second line does not touch."""
    two = MarketConfig(symbols=("BTCUSDT",), redundancy=2)
    async with running(binance(markets=(two,))) as world:
        await world.until(10.0)
        (recorded,) = world.service.venues.values()
        loads = {share.label: share.load.subscriptions for share in recorded.shares()}
        assert {sub.symbol for sub in loads["1"]} == {"BTCUSDT", "ETHUSDT"}
        assert {sub.symbol for sub in loads["1b"]} == {"BTCUSDT"}
    assert check(world) > 40
