"""Acknowledgements: late, missing, and refusals with and without the request's name."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from tests.service.oracle import check, gaps, rows
from tests.service.world import Venue, binance, coinbase, running
from tick_logger.simulator.faults import Faults


def faulty(name: str, **faults: object) -> Venue:
    """A venue of three symbols that misbehaves from the start."""
    simulated = {"faults": Faults(**faults)}  # type: ignore[arg-type]
    if name == "binance":
        return binance("BTCUSDT", "ETHUSDT", "SOLUSDT", simulated=simulated)
    return coinbase("BTC-USD", "ETH-USD", "SOL-USD", simulated=simulated)


SYMBOL = {"binance": "ETHUSDT", "coinbase": "ETH-USD"}


@pytest.mark.parametrize("name", ["binance", "coinbase"])
async def test_a_slow_ack_is_waited_for(name: str, autojump_clock: MockClock) -> None:
    """Within its ten seconds it is no reason to ask again."""
    async with running(faulty(name, ack_delay_secs=9.8)) as world:
        await world.until(25.123)
    assert world.said("subscription_retried") == []
    assert world.metric("ack_retries_total") == 0
    assert check(world) > 30
    assert world.exchange.violations == []


@pytest.mark.parametrize("name", ["binance", "coinbase"])
async def test_a_missing_ack_is_asked_for_three_times(name: str, autojump_clock: MockClock) -> None:
    """Then it counts as refused: reported, a gap, and the other symbols are recorded."""
    async with running(faulty(name, never_acked_symbols=frozenset({SYMBOL[name]}))) as world:
        await world.until(45.123)
    refused = world.said("subscription_refused")
    assert {(line["symbol"], line["feed"]) for line in refused} == {
        (SYMBOL[name], "ticker"),
        (SYMBOL[name], "trades"),
    }
    assert {line["reason"] for line in refused} == {"no acknowledgement after 3 attempts"}
    assert world.metric("subscriptions_refused_total") == 2
    assert check(world) > 30
    for table in ("MD", "TRADES"):
        (gap,) = gaps(world.files, name, SYMBOL[name], table)
        assert (gap["cause"], gap["from_id"]) == ("refused", None)
        assert gap["to_ns"] == world.stopped_ns
    others = set(world.exchange.truth.symbols()) - {SYMBOL[name]}
    assert len(others) == 2
    for symbol in others:
        assert len(rows(world.files, name, symbol, "TRADES")) > 20
        assert gaps(world.files, name, symbol, "TRADES") == []


@pytest.mark.parametrize("name", ["binance", "coinbase"])
async def test_a_refused_symbol_takes_no_other_with_it(
    name: str, autojump_clock: MockClock
) -> None:
    """One venue names the refused request and the other does not."""
    async with running(faulty(name, refused_symbols=frozenset({SYMBOL[name]}))) as world:
        await world.until(30.123)
    refused = world.said("subscription_refused")
    assert {line["symbol"] for line in refused} == {SYMBOL[name]}
    assert len(refused) == 2
    assert all(line["at"] - world.began < 5.0 for line in refused)
    (gap,) = gaps(world.files, name, SYMBOL[name], "TRADES")
    assert gap["cause"] == "refused"
    assert world.exchange.violations == []
    assert check(world) > 30
    for symbol in set(world.exchange.truth.symbols()) - {SYMBOL[name]}:
        assert len(rows(world.files, name, symbol, "TRADES")) > 20


@pytest.mark.parametrize("name", ["binance", "coinbase"])
async def test_a_venue_that_answers_nothing_is_left(name: str, autojump_clock: MockClock) -> None:
    """Everything is reported as refused, and for want of data the connection is made again."""
    nobody = {
        "binance": frozenset({"BTCUSDT", "ETHUSDT", "SOLUSDT"}),
        "coinbase": frozenset({"BTC-USD", "ETH-USD", "SOL-USD"}),
    }
    async with running(faulty(name, never_acked_symbols=nobody[name])) as world:
        await world.until(119.0)
        assert len(world.said("subscription_refused")) == 6
        assert world.said("connection_lost") == []
        world.exchange.set_faults(Faults())
        await world.until(200.123)
    (lost,) = world.said("connection_lost")
    assert lost["reason"] == "no market data for 120 s"
    assert check(world) > 30
