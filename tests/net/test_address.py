"""One address of a venue: what it is told, and when anything goes through again."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tick_logger.errors import Told
from tick_logger.exchanges import registry
from tick_logger.net.address import (
    CALM_SECS,
    DEFAULT_CLOSE_SECS,
    DEFAULT_WAIT_SECS,
    MAX_WAIT_SECS,
    MOST_GUESSED_SECS,
    Address,
    Addresses,
    host_of,
)

BAN_SECS = 120.0


def an_address(connects_per_second: float = 10.0) -> Address:
    """One that has heard nothing yet."""
    return Address(120, connects_per_second, BAN_SECS)


def pause_secs(address: Address, told: Told) -> float | None:
    """How long the address is left alone after these words."""
    pause = address.told(told, now_secs=1.8e9)
    return None if pause is None else pause.secs


async def test_nothing_goes_through_before_the_time(autojump_clock: MockClock) -> None:
    """Neither connections nor requests, those included that have waited in line already."""
    address = an_address(connects_per_second=0.5)
    passed: list[tuple[str, float]] = []

    async def connect(name: str) -> None:
        await address.connects.wait()
        passed.append((name, trio.current_time()))

    async def ask() -> None:
        await address.requests.wait(1)
        passed.append(("request", trio.current_time()))

    async with trio.open_nursery() as nursery:
        for name in ("first", "second", "third"):
            nursery.start_soon(connect, name)
            await trio.testing.wait_all_tasks_blocked()
        await trio.sleep(1.0)
        assert pause_secs(address, Told(429, "", "120")) == 120.0
        nursery.start_soon(ask)
    at_once = [("request", 121.0), ("second", 121.0)]  # in whatever order
    assert sorted(passed) == [("first", 0.0), *at_once, ("third", 123.0)]


@pytest.mark.parametrize(
    ("told", "first"),
    [
        (Told(429), DEFAULT_WAIT_SECS),
        (Told(0, "Too many visits!"), DEFAULT_WAIT_SECS),
        (Told(418), BAN_SECS),
        (Told(403, "access too frequent"), BAN_SECS),
        (Told(1013), DEFAULT_CLOSE_SECS),
        (Told(1008, "too many requests"), DEFAULT_CLOSE_SECS),
    ],
)
async def test_where_no_time_is_named_each_pause_is_twice_the_one_before(
    told: Told, first: float, autojump_clock: MockClock
) -> None:
    """Up to a bound; when all was well for a while, it begins again."""
    address = an_address()
    expected = [min(first * 2**n, MOST_GUESSED_SECS) for n in range(8)]
    for secs in expected:
        assert pause_secs(address, told) == secs
        await trio.sleep(secs)
    assert expected[-1] == MOST_GUESSED_SECS
    await trio.sleep(CALM_SECS + 0.001)
    assert pause_secs(address, told) == first


async def test_requests_that_were_on_their_way_together_count_once(
    autojump_clock: MockClock,
) -> None:
    """Each is refused, but the pause grows only with the next that was made after it."""
    address = an_address()
    assert [pause_secs(address, Told(429)) for _ in range(4)] == [60.0, None, None, None]
    await trio.sleep(60.0)
    assert pause_secs(address, Told(429)) == 120.0


async def test_a_later_time_counts_and_an_earlier_does_not(autojump_clock: MockClock) -> None:
    """Whatever was said before."""
    address = an_address()
    assert pause_secs(address, Told(429, "", "100")) == 100.0
    assert pause_secs(address, Told(429, "", "30")) is None
    assert pause_secs(address, Told(418, "", "200")) == 200.0
    assert address.closed_secs == 200.0
    await trio.sleep(250.0)
    assert address.closed_secs == 0.0


@pytest.mark.parametrize("named", ["31536000", "9" * 400])
async def test_a_time_that_nobody_can_mean_is_clipped(
    named: str, autojump_clock: MockClock
) -> None:
    """And that is said."""
    pause = an_address().told(Told(429, "", named), now_secs=1.8e9)
    assert pause is not None
    assert pause.secs == MAX_WAIT_SECS
    assert pause.why.endswith("s were named, which nobody can mean")


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (Told(429, "", "-5"), "'-5' is no time ahead"),
        (Told(429, "", "soon"), "'soon' is no time ahead"),
        (Told(429), "no time was named"),
        (Told(429, "", "5"), "so long as was named"),
    ],
)
async def test_why_a_pause_is_so_long(told: Told, why: str, autojump_clock: MockClock) -> None:
    """In words, because what the venue said may be odd."""
    pause = an_address().told(told, now_secs=1.8e9)
    assert pause is not None
    assert pause.why == why


# -- who shares ------------------------------------------------------------------------------------


def test_exchanges_of_one_operator_share_an_address() -> None:
    """By host and port; of another operator, or at another port, it is another."""
    addresses = Addresses()

    def at(operator: str, endpoint: str) -> Address:
        return addresses.at(
            operator, endpoint, weight_per_minute=1, connects_per_second=1.0, ban_secs=1.0
        )

    one = at("x", "wss://stream.example")
    assert at("x", "wss://stream.example:443/v5/public/linear") is one
    assert at("x", "https://stream.example") is one
    assert at("x", "ws://stream.example") is not one
    assert at("x", "wss://other.example") is not one
    assert at("y", "wss://stream.example") is not one


async def test_whoever_shares_goes_at_the_pace_of_the_slowest(autojump_clock: MockClock) -> None:
    """However much faster the others were configured."""
    addresses = Addresses()
    for per_second in (10.0, 0.5, 4.0):
        address = addresses.at(
            "x", "ws://a", weight_per_minute=1, connects_per_second=per_second, ban_secs=1.0
        )
    for _ in range(3):
        await address.connects.wait()
    assert trio.current_time() == 4.0


def test_which_exchanges_have_an_address_in_common() -> None:
    """As their adapters have it: those of one operator whose hosts are the same."""
    shared: dict[tuple[str, str], set[str]] = {}
    for name in registry.available():
        exchange = registry.get(name)
        for endpoint in (exchange.ws_endpoint, exchange.rest_endpoint):
            key = exchange.operator or name, host_of(endpoint)
            shared.setdefault(key, set()).add(name)
    assert {frozenset(names) for names in shared.values() if len(names) > 1} == {
        frozenset({"bybit", "bybit_linear"})
    }
    for names in shared.values():
        profiles = [registry.get(name).profile for name in names]
        assert len({(p.rest_weight_per_minute, p.ban_secs) for p in profiles}) == 1
