"""When connections are made, how long the service waits, and what an end costs."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from trio.testing import MockClock

from tests.service.oracle import causes, check, gap_records, gaps, rows
from tests.service.world import VenueMaker, binance, coinbase, running, seconds, venue
from tick_logger.simulator.faults import Faults
from tick_logger.simulator.registry import DIALECTS

BOUNDS = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
LIFETIME_SECS = (20 * 3600.0, 23 * 3600.0)  # one random number per connection made


@pytest.mark.parametrize("seed", range(3))
async def test_back_off_after_refused_dials(seed: int, autojump_clock: MockClock) -> None:
    """Full jitter below 1, 2, 4 ... 60 s, from the given random source; then it goes on."""
    rng = Random(seed)
    waits = [rng.uniform(0.0, bound) for bound in BOUNDS]
    made = binance(simulated={"step_secs": 1.0}, config={"connects_per_second": 100.0})
    async with running(made, seed=seed) as world:
        world.dial.refusals = len(BOUNDS)
        await world.until(400.123)
    assert len(world.dial.attempts) == len(BOUNDS) + 1
    assert [later - one for one, later in pairwise(world.dial.attempts)] == pytest.approx(
        [max(wait, 0.01) for wait in waits]
    )
    assert len(world.said("connect_failed", cause="dial")) == len(BOUNDS)
    assert world.metric("reconnects_total") == 0  # no connection was lost
    check(world)


async def test_what_carried_well_comes_back_at_once(autojump_clock: MockClock) -> None:
    """Without a wait, but once in a minute; else the bound doubles until one has lived as long."""
    lives = [59.0, 59.0, 59.0, 60.5, 10.0, 10.0, 1.9, 60.5, 1.9]
    bounds = [0.0, 1.0, 0.0, 0.0, 1.0, 2.0, 4.0, 0.0, 1.0]
    rng = Random(3)
    async with running(binance(simulated={"step_secs": 1.0}), seed=3) as world:
        expected = 0.0
        for life, bound in zip(lives, bounds, strict=True):
            connected = world.dial.connections[-1].opened if world.dial.connections else 0.0
            assert connected - world.began == pytest.approx(expected)
            rng.uniform(*LIFETIME_SECS)
            await world.until(expected + life)
            await world.dial.connections[-1].cut()
            expected += life + (rng.uniform(0.0, bound) if bound else 0.0)
            await world.until(expected + 0.001)
        assert len(world.dial.connections) == 1 + len(lives)
    assert world.metric("reconnects_total") == len(lives)
    check(world)


async def test_a_venue_that_cuts_each_connection_is_not_hammered(autojump_clock: MockClock) -> None:
    """Each after three seconds of data: ten minutes see some twenty attempts."""
    faults = Faults(cut_after_secs=(3.0, 3.0))
    longest = {"reconnect_initial_secs": 1.0, "reconnect_max_secs": 60.0}
    async with running(binance(simulated={"faults": faults}, config=longest), seed=4) as world:
        await world.until(600.123)
    waits = [later - one - 3.0 for one, later in pairwise(world.dial.attempts)]
    assert 15 <= len(waits) <= 40
    assert waits[0] < 0.1
    # Of any two neighbours only one came at once, and no two within a minute.
    at_once = [at for at, wait in zip(world.dial.attempts, waits, strict=False) if wait < 0.001]
    assert all(later - one >= 57.0 for one, later in pairwise(at_once))
    check(world)


async def test_a_lost_connection_touches_no_other(autojump_clock: MockClock) -> None:
    """Its symbol has a gap; the other connection stays the same and has none."""
    made = binance(config={"symbols_per_connection": 1, "reconnect_initial_secs": 60.0})
    async with running(made, seed=1) as world:
        await world.until(5.0)
        await world.dial.connections[0].cut()
        await world.until(10.0)
        assert len(world.dial.connections) == 3
        await world.dial.connections[2].cut()  # which has come back at once, and now waits
        await world.until(100.123)
    assert len(world.dial.connections) == 4
    assert world.metric("reconnects_total") == 2
    check(world)
    of_one, of_other = sorted(
        (gaps(world.files, "binance", symbol, "TRADES") for symbol in ("BTCUSDT", "ETHUSDT")),
        key=len,
        reverse=True,
    )
    assert of_other == []
    assert {hole["cause"] for hole in of_one} == {"disconnect"}
    assert of_one[-1]["to_id"] > of_one[-1]["from_id"]


async def test_connects_are_paced(autojump_clock: MockClock) -> None:
    """One each second by default at the start; those that are all cut come back together."""
    symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT")
    made = binance(*symbols, config={"symbols_per_connection": 1, "connects_per_second": 1.0})
    async with running(made) as world:
        await world.until(10.0)
        assert [seconds(at - world.began) for at in world.dial.attempts] == [0, 1, 2, 3, 4]
        world.exchange.cut_all(abrupt=True)
        await world.until(30.123)
        again = world.dial.attempts[5:]
        assert [seconds(at - world.began) for at in again] == [10.0] * 5
        assert world.exchange.live_sessions == 5
    check(world)


@pytest.mark.parametrize("name", sorted(DIALECTS))
async def test_a_reset_costs_no_more_than_a_moment(name: str, autojump_clock: MockClock) -> None:
    """Each venue is dialled at once, and records on; what was missed is written down."""
    busy = {"messages_per_second": 500.0, "step_secs": 0.01}
    async with running(venue(name, 1, simulated=busy)) as world:
        await world.until(5.0)
        before = len(world.dial.attempts)
        world.exchange.cut_all(abrupt=True)
        await world.until(5.1)
        assert len(world.dial.attempts) > before
        await world.until(6.0)
        world.exchange.market._credit = -1e9  # what is traded last is sent, too
        await world.until(7.0)
    assert world.exchange.violations == []
    assert check(world) > 100
    for symbol in world.exchange.truth.symbols():
        received_ns = rows(world.files, name, symbol, "TRADES").recv_ns
        for gap in gap_records(world.files, name, symbol, "TRADES"):
            inside = (gap["from_ns"] < received_ns) & (received_ns < gap["to_ns"])
            assert not inside.any(), "what came is called missing"


async def test_a_close_frame_leads_to_an_orderly_reconnect(autojump_clock: MockClock) -> None:
    """Its words are reported; what was missed is written down; the venue has no complaint."""
    async with running(coinbase(config={"reconnect_initial_secs": 5.0})) as world:
        await world.until(1.9)
        world.exchange.cut_all(abrupt=False)
        await world.until(60.123)
    reasons = {line["reason"] for line in world.said("connection_lost", cause="closed")}
    assert reasons == {"close frame 1001 GOING_AWAY: cut"}
    assert world.exchange.violations == []
    assert check(world) > 100
    assert "disconnect" in causes(world.files)


async def test_a_dial_without_an_answer_ends(autojump_clock: MockClock) -> None:
    """Ten seconds, then the next attempt."""
    async with running(binance(), seed=2) as world:
        world.dial.hangs = True
        await world.until(5.0)
        world.dial.hangs = False
        await world.until(20.123)
    assert world.times("connect_failed", cause="dial") == [10.0]
    assert check(world) > 20


@pytest.mark.parametrize(("venue", "told"), [(binance, 0), (coinbase, 1)])
async def test_an_outage_that_no_trade_follows(
    venue: VenueMaker, told: int, autojump_clock: MockClock
) -> None:
    """Whether trades were missed is unknown, and written down; unless a heartbeat says no."""
    async with running(venue("BTCUSDT" if venue is binance else "BTC-USD")) as world:
        await world.until(10.0)
        world.exchange.market._credit = -1e9  # from here on nothing is traded
        await world.dial.connections[-1].cut()
        await world.until(30.123)
    check(world)
    (symbol,) = world.exchange.truth.symbols()
    found = gaps(world.files, world.exchange.name, symbol, "TRADES")
    assert [(gap["from_id"], gap["cause"]) for gap in found] == [(None, "disconnect")] * (1 - told)
