"""Refusals at every venue: whom they are about, how long they last, and what they must not cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from trio.testing import MockClock

from tests.service.each_venue import VENUES, at_each_venue
from tests.service.oracle import gaps, rows
from tests.service.world import Venue, World, running, venue
from tick_logger.simulator.faults import Faults
from tick_logger.simulator.registry import DIALECTS

WHETHER_IT_CLOSES = pytest.mark.parametrize("closes", [False, True])
"""The connection on which it has refused something."""

MINUTE = 60.0
SOON_SECS = 11.0


def misbehaving(
    name: str, symbols: int, *feeds: str, step_secs: float = 0.5, **faults: object
) -> Venue:
    """With these faults from the start; whoever is silent is waited for."""
    of_symbol = 3.0 / step_secs + DIALECTS[name].cost.steady_per_symbol
    simulated = {
        "messages_per_second": of_symbol * symbols,
        "step_secs": step_secs,
        "faults": Faults(**faults),  # type: ignore[arg-type]
    }
    config = {"data_timeout_secs": 600.0, "reconnect_initial_secs": 1.0}
    return venue(name, symbols, feeds=feeds, simulated=simulated, config=config)


def received_secs(world: World, name: str, symbol: str) -> list[float]:
    """When trades of a symbol were received, in whole seconds since the start."""
    began_secs = world.clock.now_ns() // 10**9 - world.elapsed
    times = rows(world.files, name, symbol, "TRADES").columns["recv_time"]
    return [float(at) - began_secs for at in times.tolist()]


def secs(world: World, gap: Mapping[str, Any], end: str) -> float:
    """When a gap begins or ends, in seconds since the start."""
    began_ns = world.clock.now_ns() - round(world.elapsed * 1e9)
    return (int(gap[end]) - began_ns) / 1e9


def refused_gaps(world: World, name: str, symbol: str, table: str = "TRADES") -> list[Any]:
    """The records that say so."""
    return [gap for gap in gaps(world.files, name, symbol, table) if gap["cause"] == "refused"]


@WHETHER_IT_CLOSES
@at_each_venue(0)
async def test_a_refused_feed_takes_no_other_along(
    name: str, closes: bool, autojump_clock: MockClock
) -> None:
    """Trades of all symbols are recorded, and the books alone are refused, of all of them."""
    books = frozenset({"orderbook"})
    faulty = misbehaving(name, 3, "trades", "orderbook", refused_feeds=books, refusals_close=closes)
    async with running(faulty) as world:
        await world.until(MINUTE + 0.123)
    for symbol in faulty.symbols:
        assert min(received_secs(world, name, symbol)) < SOON_SECS + 20.0 * closes
        assert max(received_secs(world, name, symbol)) > MINUTE - SOON_SECS
        assert refused_gaps(world, name, symbol) == []
        (told,) = refused_gaps(world, name, symbol, "BOOK")
        assert secs(world, told, "from_ns") < 20.0 + 20.0 * closes
        assert told["to_ns"] == world.stopped_ns
        assert len(rows(world.files, name, symbol, "BOOK")) == 0
    assert {line["feed"] for line in world.said("subscription_refused")} == {"orderbook"}
    assert closes or world.said("connection_lost") == []
    assert world.exchange.violations == []


@WHETHER_IT_CLOSES
@at_each_venue(1)
async def test_a_refused_symbol_is_found_and_stays_so(
    name: str, closes: bool, autojump_clock: MockClock
) -> None:
    """The others are recorded within a minute; later connections do not ask for it."""
    symbols = venue(name, min(6, len(DIALECTS[name].symbols))).symbols
    bad, good = symbols[-1], symbols[:-1]
    faults: dict[str, Any] = {"refused_symbols": frozenset({bad}), "refusals_close": closes}
    async with running(misbehaving(name, len(symbols), "trades", **faults)) as world:
        await world.until(MINUTE)
        (first,) = world.said("subscription_refused")
        lost = len(world.said("connection_lost"))
        assert closes or lost == 0
        world.exchange.cut_all(abrupt=True)
        await world.until(2 * MINUTE + 0.123)
        # The other one was for listings.
        assert len(world.said("connection_lost")) in (lost + 1, lost + 2)
    assert world.said("subscription_refused") == [first]
    assert (first["symbol"], first["feed"]) == (bad, "trades")
    for symbol in good:
        assert min(received_secs(world, name, symbol)) < MINUTE
        assert max(received_secs(world, name, symbol)) > 2 * MINUTE - SOON_SECS
        assert refused_gaps(world, name, symbol) == []
    (told,) = refused_gaps(world, name, bad)
    assert secs(world, told, "from_ns") < MINUTE
    assert told["to_ns"] == world.stopped_ns


@WHETHER_IT_CLOSES
@at_each_venue(2)
async def test_a_busy_venue_is_asked_again_soon(
    name: str, closes: bool, autojump_clock: MockClock
) -> None:
    """All is recorded within a minute; the hole ends there, and nothing was ever refused."""
    faulty = misbehaving(name, 4, "trades", busy=True, refusals_close=closes)
    async with running(faulty) as world:
        await world.until(6.0)
        world.exchange.set_faults(Faults())
        await world.until(90.123)
    assert world.said("subscription_refused") == []
    assert world.metric("subscriptions_refused_total") == 0
    assert world.metric("subscriptions_postponed_total") >= 4
    for symbol in faulty.symbols:
        *_, last = gaps(world.files, name, symbol, "TRADES")
        live_since = secs(world, last, "to_ns")
        assert live_since < MINUTE
        assert live_since - 1.0 <= min(received_secs(world, name, symbol)) < MINUTE + SOON_SECS
        assert max(received_secs(world, name, symbol)) > 90.0 - SOON_SECS
    assert world.exchange.violations == []


@at_each_venue(3)
async def test_nobody_connects_to_a_busy_venue_before_there_is_something_to_ask(
    name: str, autojump_clock: MockClock
) -> None:
    """Coinbase, for one, closes a connection on which nothing is asked for within five seconds."""
    faulty = misbehaving(name, 2, "trades", busy=True)
    async with running(faulty) as world:
        await world.until(8.5)
        last = max(line["at"] for line in world.said("subscriptions_postponed"))
        world.exchange.cut_all(abrupt=True)
        await world.until(60.0)
        again = [line for line in world.said("connected") if line["at"] > last and line["symbols"]]
        asked = [line for line in world.said("subscriptions_postponed") if line["at"] > last]
        assert again[0]["at"] > last + 7.0
        assert asked[0]["at"] - again[0]["at"] < 3.0
        world.exchange.set_faults(Faults())
        await world.until(2 * MINUTE + 0.123)
    for symbol in faulty.symbols:
        assert max(received_secs(world, name, symbol)) > 2 * MINUTE - SOON_SECS
    assert world.exchange.violations == []


@at_each_venue(5, [name for name in VENUES if name != "upbit"])  # it has none
async def test_lost_acknowledgements_cost_nothing(name: str, autojump_clock: MockClock) -> None:
    """Data that flows is one, and so is a refusal of what is subscribed already."""
    faulty = misbehaving(name, 4, "trades", "ticker", lost_ack_probability=1.0)
    async with running(faulty) as world:
        await world.until(2 * MINUTE + 0.123)
        assert [each.refused for each in world.service.venues[name].connections()][:1] == [0]
    assert world.said("subscription_refused") == []
    assert world.said("connection_lost") == []
    for symbol in faulty.symbols:
        assert [gaps(world.files, name, symbol, table) for table in ("TRADES", "MD")] == [[], []]
        assert min(received_secs(world, name, symbol)) < SOON_SECS


@WHETHER_IT_CLOSES
async def test_a_rejected_token_costs_nothing(
    closes: bool, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said once, and everything is recorded without it, heartbeats included."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    monkeypatch.setenv("COINBASE_API_KEY", "a key")
    monkeypatch.setenv("COINBASE_API_SECRET", pem)
    name = "coinbase_advanced"
    faulty = misbehaving(name, 3, "trades", "orderbook", rejects_tokens=True, refusals_close=closes)
    async with running(faulty) as world:
        await world.until(2 * MINUTE)
        world.exchange.cut_all(abrupt=True)
        await world.until(4 * MINUTE + 0.123)
        assert world.metric("token_rejected") == 1
    assert len(world.said("token_rejected")) == 1
    assert world.said("subscription_refused") == []
    assert world.metric("subscriptions_refused_total") == 0
    for symbol in faulty.symbols:
        assert min(received_secs(world, name, symbol)) < SOON_SECS
        assert max(received_secs(world, name, symbol)) > 4 * MINUTE - SOON_SECS
        assert refused_gaps(world, name, symbol) == []
    assert not closes or world.said("connection_lost") != []
    assert world.exchange.violations == []


@WHETHER_IT_CLOSES
@at_each_venue(4)
async def test_all_that_is_refused_is_asked_for_again_and_nobody_pays_for_it(
    name: str, closes: bool, autojump_clock: MockClock
) -> None:
    """Ten minutes later, on a connection of its own: what is granted then is recorded."""
    symbols = venue(name, 4).symbols
    bad, worst = symbols[1:3], symbols[3]
    faults: dict[str, Any] = {"refused_symbols": frozenset(symbols[1:]), "refusals_close": closes}
    async with running(misbehaving(name, 4, "trades", step_secs=5.0, **faults)) as world:
        await world.until(2 * MINUTE)
        lost = len(world.said("connection_lost"))
        refused = world.times("subscription_refused")
        await world.until(15 * MINUTE)
        again = world.times("subscription_refused")[3:]
        assert len(refused) == len(again) == 3
        late = [then - first for first, then in zip(refused, again, strict=True)]
        assert all(10 * MINUTE - 5.0 <= each <= 11 * MINUTE + 5.0 for each in late)
        world.exchange.set_faults(Faults(refused_symbols=frozenset({worst})))
        await world.until(26 * MINUTE + 0.123)
        assert len(world.said("connection_lost")) == lost
    for symbol in symbols[:3]:
        assert max(received_secs(world, name, symbol)) > 24 * MINUTE, symbol
    for symbol in bad:
        (told,) = refused_gaps(world, name, symbol)
        assert 20 * MINUTE < secs(world, told, "to_ns") < 23 * MINUTE
    assert [gap["to_ns"] for gap in refused_gaps(world, name, worst)] == [world.stopped_ns]
    untouched = gaps(world.files, name, symbols[0], "TRADES")
    assert all(secs(world, gap, "to_ns") < 2 * MINUTE for gap in untouched)
    assert world.exchange.violations == []
