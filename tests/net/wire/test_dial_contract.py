"""What every `Dial` keeps: that of the network, and that of the tests, before one simulated venue.

A test that only the one over memory passed would show nothing of what users run.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

import pytest
import trio

from tests.fakes.dial import MemoryDial
from tick_logger.brake import Brake
from tick_logger.clock import SystemClock
from tick_logger.errors import ConnectionLost, Ending
from tick_logger.net.wire.dial import Dial, NetworkDial
from tick_logger.net.wire.link import Link
from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.faults import Faults

LIMIT_SECS = 20.0
ENOUGH = 20
STREAMS = ["btcusdt@trade"]
MANY_BYTES = 2**20

Place: TypeAlias = tuple[Dial, str, SimulatedExchange]
"""A dial, the address of its venue without scheme, and the venue."""


@pytest.fixture(params=["network", "memory"])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    venue = SimulatedExchange("binance", clock=SystemClock(), messages_per_second=2_000.0)
    with trio.fail_after(LIMIT_SECS):
        async with trio.open_nursery() as nursery:
            port = await nursery.start(venue.run)
            if request.param == "memory":
                dial = MemoryDial(venue, SystemClock(), nursery)
                yield dial, "any.host", venue
            else:
                async with NetworkDial(SystemClock()) as dialling:
                    yield dialling, f"127.0.0.1:{port}", venue
            nursery.cancel_scope.cancel()
    assert venue.violations == []


class Received:
    """The payloads that came, with their times."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.times: list[int] = []
        self._enough = trio.Event()

    def frames(self, recv_ns: int, payloads: Sequence[bytes]) -> None:
        """Take those of one read."""
        assert payloads
        self.times.append(recv_ns)
        self.payloads += payloads
        if len(self.payloads) > ENOUGH:
            self._enough.set()

    async def enough(self) -> None:
        """Return when there are some."""
        await self._enough.wait()


@asynccontextmanager
async def opened(place: Place, received: Received) -> AsyncIterator[Link]:
    dial, host, _ = place
    async with trio.open_nursery() as nursery:
        yield await dial.open(
            nursery,
            f"ws://{host}/stream",
            on_frames=received.frames,
            on_ping=lambda: None,
            max_message_bytes=MANY_BYTES,
        )
        nursery.cancel_scope.cancel()


async def test_what_is_asked_for_arrives_whole_and_in_order(place: Place) -> None:
    """With times that do not run backwards, and are not ahead of the clock."""
    received = Received()
    async with opened(place, received) as link:
        await link.send(json.dumps({"method": "SUBSCRIBE", "params": STREAMS, "id": 1}))
        await received.enough()
    answer, *trades = map(json.loads, received.payloads)
    assert answer == {"result": None, "id": 1}
    ids = [each["data"]["t"] for each in trades]
    sent = [each.trade_id for each in place[2].truth.sent("BTCUSDT")]
    begun = sent.index(ids[0])
    assert ids == sent[begun : begun + len(ids)]
    assert received.times == sorted(received.times)
    assert received.times[-1] <= SystemClock().now_ns()


async def test_a_ping_is_answered_and_a_close_said(place: Place) -> None:
    """Whoever waits for the end hears that this side closed."""
    async with opened(place, Received()) as link:
        await link.ping()
        await link.aclose(5.0)
        with pytest.raises(ConnectionLost) as lost:
            await link.wait_closed()
    assert lost.value.ending is Ending.CLOSED


async def test_while_the_brake_is_on_all_still_comes(place: Place) -> None:
    """Slowly, and in order; pings are answered."""
    brake = place[0].brake = Brake()
    brake.put_on()
    received = Received()
    async with opened(place, received) as link:
        await link.send(json.dumps({"method": "SUBSCRIBE", "params": STREAMS, "id": 1}))
        await received.enough()
        await link.ping()
    ids = [json.loads(payload)["data"]["t"] for payload in received.payloads[1:]]
    assert ids == [*range(ids[0], ids[0] + len(ids))]
    assert received.times == sorted(received.times)


async def test_a_venue_that_goes_away_is_an_end_with_a_reason(place: Place) -> None:
    """Of the connection, not of the program."""
    place[2].set_faults(Faults(cut_after_secs=(0.05, 0.05), abrupt_cut_probability=1.0))
    async with opened(place, Received()) as link:
        with pytest.raises(ConnectionLost) as lost:
            await link.wait_closed()
    assert lost.value.ending in (Ending.EOF, Ending.RESET)


async def test_an_answer_by_rest_is_whole_whatever_its_status(place: Place) -> None:
    """A refusal is an answer: what it means is for who has asked."""
    dial, host, _ = place
    depth = await dial.get(f"http://{host}/api/v3/depth?symbol=BTCUSDT&limit=5")
    assert depth.status == 200
    assert len(json.loads(depth.body)["bids"]) == 5
    unknown = await dial.get(f"http://{host}/api/v3/depth?symbol=NOSUCH&limit=5")
    assert unknown.status == 400
    assert "code" in json.loads(unknown.body)
    nowhere = await dial.get(f"http://{host}/nothing/here")
    assert nowhere.status == 404


async def test_a_refusal_says_how_long_to_wait(place: Place) -> None:
    """In the words of the venue, which the caller reads."""
    dial, host, venue = place
    venue.set_faults(Faults(rest_status=429, retry_after="Thu, 01 Jan 2026 00:00:00 GMT"))
    refused = await dial.get(f"http://{host}/api/v3/depth?symbol=BTCUSDT&limit=5")
    assert (refused.status, refused.retry_after) == (429, "Thu, 01 Jan 2026 00:00:00 GMT")
    venue.set_faults(Faults())
    again = await dial.get(f"http://{host}/api/v3/depth?symbol=BTCUSDT&limit=5")
    assert again.status == 200
