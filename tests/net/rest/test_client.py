"""How a venue is asked by REST: when each request begins, what is said of one that is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

import attrs
import pytest
import trio
import trio.testing
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS, VirtualClock
from tests.fakes.dial import TIMEOUTS, MemoryDial
from tick_logger.errors import ConnectionLost
from tick_logger.exchanges import registry
from tick_logger.net.address import DEFAULT_WAIT_SECS, MAX_WAIT_SECS, Address
from tick_logger.net.approach import Approach, Purpose
from tick_logger.net.reach import Reach
from tick_logger.net.rest.client import RestClient
from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.faults import Faults
from tick_logger.telemetry.metrics import Metrics

LISTING, DEPTH = "/api/v3/exchangeInfo", "/api/v3/depth"
ENDPOINT = "http://venue.test"
PROFILE = registry.get("binance").profile
WEIGHTS = {LISTING: 20, DEPTH: 250}
FULL = 5_100 // 250
"""Snapshots in full depth within a minute."""


def http_date(secs: float) -> str:
    """A moment so long after the beginning, as HTTP writes it."""
    return formatdate(NOON_NS / 1e9 + secs, usegmt=True)


@attrs.frozen
class Scene:
    """A client, its dial, and the exchange that answers."""

    exchange: SimulatedExchange
    dial: MemoryDial
    client: RestClient

    async def get(self, path: str, weight: int | None = None) -> bytes:
        """What is at a path of the exchange."""
        query = "?symbol=BTCUSDT&limit=5" if path == DEPTH else ""
        return await self.client.get(ENDPOINT + path + query, weight or WEIGHTS[path])

    async def get_all(self, paths: Sequence[str], weight: int | None = None) -> None:
        """One after the other."""
        for path in paths:
            await self.get(path, weight)

    async def refusal(self, path: str = LISTING) -> str:
        """What is said of a request that is refused."""
        with pytest.raises(ConnectionLost) as lost:
            await self.get(path)
        assert lost.value.ending == "http"
        return str(lost.value)


@asynccontextmanager
async def asking(**faults: Any) -> AsyncIterator[Scene]:  # noqa: ANN401 - what `Faults` takes
    """A client of a venue that limits weights, at second 0."""
    clock = VirtualClock()
    exchange = SimulatedExchange(
        "binance", symbols=("BTCUSDT",), clock=clock, faults=Faults(**faults)
    )
    async with trio.open_nursery() as nursery:
        dial = MemoryDial(exchange, clock, nursery)
        address = Address(PROFILE.rest_weight_per_minute, 1.0, PROFILE.ban_secs)
        metrics = Metrics(CollectorRegistry()).exchange("binance")
        approach = Approach("binance", address, Purpose.REST, clock=clock, metrics=metrics)
        reach = Reach("binance", clock)
        yield Scene(exchange, dial, RestClient(ENDPOINT, dial, approach, reach))


async def test_the_answer_is_that_of_the_venue(autojump_clock: MockClock) -> None:
    """Whole, and at once."""
    async with asking() as scene:
        assert await scene.get(LISTING) == scene.exchange.rest(LISTING)[1]
        assert scene.dial.requests == [(0.0, LISTING)]


async def test_a_minute_holds_what_the_venue_allows(autojump_clock: MockClock) -> None:
    """As fast as they are answered; the rest when the first have left the minute."""
    async with asking() as scene:
        await scene.get_all([DEPTH] * (FULL + 1))
        assert scene.dial.requests == [*[(0.0, DEPTH)] * FULL, (60.0, DEPTH)]


async def test_listings_and_snapshots_take_turns(autojump_clock: MockClock) -> None:
    """Each goes to the end of the line after each request, so neither starves the other."""
    async with asking() as scene:
        whole_minute = 5_100
        async with trio.open_nursery() as nursery:
            nursery.start_soon(scene.get_all, [LISTING] * 4, whole_minute)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(scene.get_all, [DEPTH] * 2, whole_minute)
        assert scene.dial.requests == [
            (0.0, LISTING),
            (60.0, LISTING),
            (120.0, DEPTH),
            (180.0, LISTING),
            (240.0, DEPTH),
            (300.0, LISTING),
        ]


async def test_an_answer_that_hangs_delays_nobody_else(autojump_clock: MockClock) -> None:
    """Only whoever waits for it."""
    async with asking(rest_hang_secs=1_000.0) as scene:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(scene.refusal)
            await trio.testing.wait_all_tasks_blocked()
            scene.exchange.set_faults(Faults())
            await scene.get(DEPTH)
            assert trio.current_time() == 0.0
        assert trio.current_time() == TIMEOUTS.rest_secs


async def test_whoever_leaves_the_line_holds_up_nobody(autojump_clock: MockClock) -> None:
    """Its request is neither made nor counted."""
    async with asking() as scene:
        await scene.get_all([DEPTH] * FULL)
        with trio.move_on_after(30.0):
            await scene.get(DEPTH)
        await scene.get(LISTING)
        assert scene.dial.requests[FULL:] == [(30.0, LISTING)]


async def test_a_turn_that_is_not_taken_was_still_one(autojump_clock: MockClock) -> None:
    """It has been counted; what is wanted no more is not asked for."""
    async with asking() as scene:
        for _ in range(FULL):
            await scene.client.turn(WEIGHTS[DEPTH])
        await scene.get(DEPTH)
        assert scene.dial.requests == [(60.0, DEPTH)]


@pytest.mark.parametrize("status", [418, 429])
async def test_a_ban_holds_for_every_request(status: int, autojump_clock: MockClock) -> None:
    """Those that wait in line too; it is said once."""
    async with asking(rest_status=status) as scene:
        scene.dial.retry_after = "120"
        with capture_logs() as lines:
            await trio.sleep(5.0)
            await scene.refusal(DEPTH)
            scene.exchange.set_faults(Faults())
            async with trio.open_nursery() as nursery:
                for path in (LISTING, DEPTH):
                    nursery.start_soon(scene.get, path)
                    await trio.testing.wait_all_tasks_blocked()
        assert scene.dial.requests == [(5.0, DEPTH), (125.0, LISTING), (125.0, DEPTH)]
    assert [line["event"] for line in lines] == ["told_to_wait", "reached"]
    assert (lines[0]["secs"], lines[1]["after_secs"]) == (120.0, 120.0)


@pytest.mark.parametrize(
    ("retry_after", "secs"),
    [
        ("", DEFAULT_WAIT_SECS),
        (http_date(120), 121.0),
        (http_date(-1), DEFAULT_WAIT_SECS),
        ("-5", DEFAULT_WAIT_SECS),
        ("²", DEFAULT_WAIT_SECS),
        (" 7 ", 7.0),
        ("9" * 400, MAX_WAIT_SECS),
    ],
)
async def test_how_long_a_ban_lasts(
    retry_after: str, secs: float, autojump_clock: MockClock
) -> None:
    """So many seconds as the venue says, within reason; a minute where it says nothing clear."""
    async with asking(rest_status=429) as scene:
        scene.dial.retry_after = retry_after
        await scene.refusal()
        await scene.refusal()
        assert [at for at, _ in scene.dial.requests] == [0.0, secs]


async def test_another_failure_is_a_reason_to_wait_if_it_says_so(
    autojump_clock: MockClock,
) -> None:
    """Whoever asks next is kept waiting as long as the venue would like, and no longer."""
    async with asking(rest_status=503) as scene:
        await scene.refusal()
        assert trio.current_time() == 0.0
        scene.dial.retry_after = "120"
        await scene.refusal()
        scene.exchange.set_faults(Faults())
        await scene.get(LISTING)
        assert trio.current_time() == 120.0


@pytest.mark.parametrize(
    ("status", "retry_after", "words"),
    [
        (
            451,
            "",
            "HTTP 451 Unavailable For Legal Reasons (the venue does not serve this machine's"
            " region here; another endpoint may){}",
        ),
        (
            418,
            "120",
            "HTTP 418 I'm a Teapot (this address is banned for a while, for going on after"
            " HTTP 429){} (retry after 120)",
        ),
        (301, "", "HTTP 301 Moved Permanently{}"),
    ],
)
async def test_a_refusal_is_explained(
    status: int, retry_after: str, words: str, autojump_clock: MockClock
) -> None:
    """The status by name, its meaning, how long to wait, the venue's words; no query."""
    async with asking(rest_status=status) as scene:
        scene.dial.retry_after = retry_after
        said = await scene.refusal(DEPTH)
    expected = words.format(': {"message":"service unavailable"}')
    assert said == f"{ENDPOINT + DEPTH}: {expected}"
