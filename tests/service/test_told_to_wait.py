"""Venues that say to wait: nothing comes before the time, and recording goes on right after it."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import formatdate
from itertools import cycle, pairwise
from typing import Any

import pytest
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS
from tests.service.oracle import causes, check, gaps
from tests.service.world import World, binance, running, seconds, venue
from tick_logger.net.address import DEFAULT_CLOSE_SECS, DEFAULT_WAIT_SECS
from tick_logger.net.told import MARGIN_SECS
from tick_logger.simulator.faults import Faults
from tick_logger.simulator.registry import DIALECTS

SOON = {"reconnect_initial_secs": 0.1, "reconnect_max_secs": 0.1}
VENUES = sorted(DIALECTS)
WITH_LISTING_BY_REST = [name for name in VENUES if name != "coinbase"]


def dials(world: World) -> list[float]:
    """When connections were begun."""
    return [seconds(at - world.began) for at in world.dial.attempts]


def requests(world: World) -> list[float]:
    """When something was asked for by REST."""
    return [seconds(at - world.began) for at, _ in world.dial.requests]


def date(secs: float) -> str:
    """A moment so long after the start, as HTTP writes it."""
    return formatdate(NOON_NS / 1e9 + secs, usegmt=True)


def by_turns(names: Sequence[str], cases: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Each venue with one of the cases; each case comes up."""
    return [(name, *case) for name, case in zip(names, cycle(cases), strict=False)]


@pytest.mark.parametrize(
    ("name", "status", "retry_after", "waits"),
    by_turns(
        VENUES,
        [(429, "120", 120.0), (418, "300", 300.0), (503, date(45), 45.0 + MARGIN_SECS)],
    ),
)
async def test_a_refused_connection_that_names_a_time(
    name: str, status: int, retry_after: str, waits: float, autojump_clock: MockClock
) -> None:
    """No connection of the venue is begun before; the next one records."""
    faults = Faults(upgrade_status=status, retry_after=retry_after)
    alone = {"symbols_per_connection": 1, **SOON}
    async with running(venue(name, 2, simulated={"faults": faults}, config=alone)) as world:
        await world.until(0.05 if name != "coinbase" else 20.0)
        world.exchange.set_faults(Faults())
        await world.until(waits + 30.05)
    assert dials(world)[0] == 0.0
    assert dials(world)[1] >= waits
    assert dials(world)[1] < waits + 1.0
    (line,) = world.said("told_to_wait")
    assert (line["secs"], line["reason"].partition(":")[0]) == (waits, f"HTTP {status}")
    assert world.exchange.violations == []
    assert check(world) > 20


@pytest.mark.parametrize(("name", "status"), by_turns(WITH_LISTING_BY_REST, [(418,), (429,)]))
async def test_a_banned_listing(name: str, status: int, autojump_clock: MockClock) -> None:
    """Is asked for again when the time is over, and not at all before."""
    faults = Faults(rest_status=status, retry_after="720")
    async with running(venue(name, 1, simulated={"faults": faults})) as world:
        await world.until(719.0)
        first = requests(world)
        assert len(first) == 1
        assert world.metric("rest_waits_until_timestamp_seconds") == NOON_NS / 1e9 + 720 + first[0]
        assert world.metric("told_to_wait_total") == 1
        world.exchange.set_faults(Faults())
        await world.until(first[0] + 750.05)
    assert requests(world)[1] == first[0] + 720.0
    assert world.said("listing_failed")[0]["retry_secs"] == 720.0
    assert world.said("told_to_wait")[0]["until"] == "2026-09-22T12:12:00+00:00"
    assert check(world) > 20


async def test_a_ban_whose_end_only_the_words_name(autojump_clock: MockClock) -> None:
    """A moment in milliseconds, in the body."""
    until_ms = NOON_NS // 10**6 + 240_000
    body = (
        b'{"code":-1003,"msg":"Way too much request weight used; IP banned until %d."}' % until_ms
    )
    faults = Faults(rest_status=418, refusal_body=body)
    async with running(binance(simulated={"faults": faults})) as world:
        await world.until(200.0)
        world.exchange.set_faults(Faults())
        await world.until(280.123)
    assert requests(world) == [0.0, 240.0 + MARGIN_SECS]
    assert check(world) > 20


@pytest.mark.parametrize("name", ["okx", "upbit"])
async def test_pauses_that_are_not_named_grow(name: str, autojump_clock: MockClock) -> None:
    """A minute, two, four; each is said."""
    async with running(venue(name, 1, simulated={"faults": Faults(rest_status=429)})) as world:
        await world.until(500.0)
    found = [later - one for one, later in pairwise(requests(world))]
    assert found == [DEFAULT_WAIT_SECS * 2**n for n in range(3)]
    assert [line["secs"] for line in world.said("told_to_wait")] == [*found, 480.0]


async def test_a_snapshot_that_is_refused_for_a_time(autojump_clock: MockClock) -> None:
    """Neither book is asked for meanwhile; then both begin, and the hole is written down."""
    async with running(binance(feeds=("trades", "orderbook"))) as world:
        await world.until(10.0)
        before = len(requests(world))
        world.exchange.set_faults(Faults(rest_status=429, retry_after="50"))
        world.exchange.cut_all(abrupt=True)
        await world.until(30.0)
        world.exchange.set_faults(Faults())
        await world.until(120.123)
    first, *later = requests(world)[before:]
    assert first < 30.0
    assert [at for at in later if at < first + 50.0] == []
    assert len(later) >= 2
    assert world.exchange.violations == []
    assert check(world) > 100


@pytest.mark.parametrize(
    ("name", "code", "reason", "waits"),
    by_turns(
        VENUES,
        [
            (1008, "Too many requests", DEFAULT_CLOSE_SECS),
            (1013, "", DEFAULT_CLOSE_SECS),
            (1013, "try again in 2 minutes", 120.0),
            (1008, "Rate limit exceeded, retry after 75", 75.0),
        ],
    ),
)
async def test_a_close_for_too_many_requests(
    name: str, code: int, reason: str, waits: float, autojump_clock: MockClock
) -> None:
    """Whichever connection was closed so: none is begun before the time; the gap says why."""
    async with running(venue(name, 2, config={"symbols_per_connection": 1, **SOON})) as world:
        await world.until(30.0)
        before = len(dials(world))
        faults = Faults(
            cut_after_secs=(0.0, 0.0), abrupt_cut_probability=0.0, close_with=(code, reason)
        )
        world.exchange.set_faults(faults)
        await world.until(31.0)
        world.exchange.set_faults(Faults())
        await world.until(60.05 + waits)
    again = dials(world)[before:]
    assert len(again) == before
    assert again[0] == 30.0 + waits
    assert world.said("told_to_wait")[0]["reason"].startswith(f"close code {code}")
    assert "disconnect" in causes(world.files) or name in ("bybit", "upbit")
    assert check(world) > 20


@pytest.mark.parametrize("reason", ["disconnected", "Pong timeout", ""])
async def test_another_close_is_followed_by_another_connection(
    reason: str, autojump_clock: MockClock
) -> None:
    """Without delay: what it carried is lost meanwhile."""
    async with running(binance(config=SOON)) as world:
        await world.until(10.0)
        faults: dict[str, Any] = {"cut_after_secs": (0.0, 0.0), "abrupt_cut_probability": 0.0}
        world.exchange.set_faults(Faults(**faults, close_with=(1008, reason)))
        await world.until(10.01)
        world.exchange.set_faults(Faults())
        await world.until(30.05)
    assert 2 <= len(dials(world)) <= 3  # one may come back while the venue closes whatever comes
    assert dials(world)[1] < 10.2
    assert world.said("told_to_wait") == []
    check(world)


async def test_two_exchanges_of_one_operator_wait_together(autojump_clock: MockClock) -> None:
    """What is said to one holds for the address, and so for both."""
    one, other = venue("bybit", 1, config=SOON), venue("bybit_linear", 1, config=SOON)
    async with running(one, other) as world:
        await world.until(10.0)
        bybit, linear = world.exchanges["bybit"], world.exchanges["bybit_linear"]
        bybit.set_faults(Faults(upgrade_status=429, retry_after="60"))
        bybit.cut_all(abrupt=True)
        await world.until(20.0)
        bybit.set_faults(Faults())
        linear.cut_all(abrupt=True)
        for name in ("bybit", "bybit_linear"):
            until = world.metric("connects_wait_until_timestamp_seconds", name)
            assert NOON_NS / 1e9 + 70 <= until < NOON_NS / 1e9 + 71
        await world.until(100.123)
    for dial in world.dials.values():
        again = [at - world.began for at in dial.attempts if at - world.began > 11.0]
        assert len(again) == 1
        assert 70.0 <= again[0] < 72.0
    check(world)


async def test_a_time_that_nobody_can_mean(autojump_clock: MockClock) -> None:
    """A year is clipped to days, and that is said."""
    faults = Faults(upgrade_status=429, retry_after="31536000")
    async with running(binance(simulated={"faults": faults, "step_secs": 10.0})) as world:
        await world.until(1.0)
    (line,) = world.said("told_to_wait")
    assert (line["secs"], line["why"]) == (
        3 * 24 * 3600.0,
        "3.1536e+07 s were named, which nobody can mean",
    )


async def test_what_is_missing_meanwhile_is_written_down(autojump_clock: MockClock) -> None:
    """As for any venue that cannot be reached: one hole, from the cut to the end of the pause."""
    async with running(venue("kraken", 1, feeds=("ticker",), config=SOON)) as world:
        await world.until(30.0)
        world.exchange.set_faults(Faults(upgrade_status=429, retry_after="90"))
        world.exchange.cut_all(abrupt=True)
        await world.until(60.0)
        world.exchange.set_faults(Faults())
        await world.until(150.123)
    (symbol,) = world.exchange.truth.symbols()
    (hole,) = gaps(world.files, "kraken", symbol, "MD")
    assert hole["cause"] == "disconnect"
    secs = [(hole[end] - NOON_NS) / 1e9 for end in ("from_ns", "to_ns")]
    assert 29.0 < secs[0] <= 30.0
    assert 120.0 <= secs[1] < 122.0
