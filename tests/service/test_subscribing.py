"""Acknowledgements: late, missing, and refusals with and without the request's name; and later."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from tests.service.oracle import check, gaps, rows
from tests.service.world import Venue, binance, coinbase, running, venue
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
        await world.until(55.123)
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


QUIET = {"messages_per_second": 3.0, "step_secs": 0.5}
REFUSED, NEVER_ACKED = "refused_symbols", "never_acked_symbols"
LINGER_SECS = 0.02
"""From when an answer comes until it is read."""
UNANSWERED_SECS = 30.0
"""Until nobody has answered three times."""


@pytest.mark.parametrize(
    ("name", "kind", "gap_secs"),
    [
        ("binance", REFUSED, 1200 + 2 * LINGER_SECS),
        ("coinbase", NEVER_ACKED, 1200 + UNANSWERED_SECS),
        ("okx", NEVER_ACKED, 1200 + UNANSWERED_SECS),
        ("upbit", REFUSED, 1200 + 2 * LINGER_SECS),
    ],
)
async def test_what_was_refused_is_asked_for_again_until_it_is_granted(
    name: str, kind: str, gap_secs: float, autojump_clock: MockClock
) -> None:
    """Ten minutes after each answer; one gap from the first to the grant.

    Whether the venue names the request or what it grants, lists it, or replaces what was before.
    """
    symbol = venue(name, 3).symbols[1]
    faults = Faults(**{kind: frozenset({symbol})})  # type: ignore[arg-type]
    simulated = {**QUIET, "faults": faults}
    patient = {"data_timeout_secs": 600.0}
    answered_secs = LINGER_SECS if kind == REFUSED else UNANSWERED_SECS
    misbehaving = venue(name, 3, feeds=("trades",), simulated=simulated, config=patient)
    async with running(misbehaving) as world:
        await world.until(60.123)
        (first,) = world.times("subscription_refused")
        second = round(first + 600.0 + answered_secs, 3)
        await world.until(second + 590.0)
        assert world.times("subscription_refused") == [first, second]
        assert world.metric("subscriptions_refused_total") == 2
        world.exchange.set_faults(Faults())
        await world.until(second + 690.123)
        assert world.metric("reconnects_total") == 0
    assert world.times("subscription_refused") == [first, second]
    (gap,) = gaps(world.files, name, symbol, "TRADES")
    assert gap["cause"] == "refused"
    assert (gap["to_ns"] - gap["from_ns"]) / 1e9 == pytest.approx(gap_secs, abs=1e-6)
    assert len(rows(world.files, name, symbol, "TRADES")) > 0
    assert check(world) > 100
    assert world.exchange.violations == []
