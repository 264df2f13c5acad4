"""The port `Dial`: what the real dial and every fake of it promise alike.

A venue answers one request; the test speaks to it by each dial.  What only the real one does
(names, certificates, deadlines) is tried in `test_dial`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import TypeAlias

import attrs
import pytest
import trio

from tests.fakes.clock import VirtualClock
from tests.fakes.dial import MemoryDial
from tests.net.played import PlayedDial, PlayedLink
from tests.sim.poison import Poison
from tests.sim.sockets import Log, TappedDial
from tick_logger.clock import WallClock
from tick_logger.errors import ConnectionLost
from tick_logger.net.wire.dial import Dial, NetworkDial
from tick_logger.net.wire.link import Link
from tick_logger.simulator.exchange import SimulatedExchange

REQUEST = '{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":7}'
ANSWER = b'{"result":null,"id":7}'


@attrs.frozen
class Place:
    """A dial, the addresses of its venue, and how the venue ends all connections."""

    dial: Dial
    host: str
    end: Callable[[], None]


Opening: TypeAlias = Callable[[WallClock], AbstractAsyncContextManager[Place]]


def quiet_venue(clock: WallClock) -> SimulatedExchange:
    """It says nothing of its own accord."""
    return SimulatedExchange("binance", symbols=["BTCUSDT"], messages_per_second=0.0, clock=clock)


@asynccontextmanager
async def network(clock: WallClock) -> AsyncIterator[Place]:
    """The real one, over loopback."""
    venue = quiet_venue(clock)
    async with trio.open_nursery() as nursery, NetworkDial(clock) as dial:
        port = await nursery.start(venue.serve)
        yield Place(dial, f"127.0.0.1:{port}", partial(venue.cut_all, abrupt=True))
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def memory(clock: WallClock) -> AsyncIterator[Place]:
    """Streams in memory."""
    venue = quiet_venue(clock)
    async with trio.open_nursery() as nursery:
        dial = MemoryDial(venue, clock, nursery)
        yield Place(dial, "venue.test", partial(venue.cut_all, abrupt=True))
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def tapped(clock: WallClock) -> AsyncIterator[Place]:
    """Streams in memory, and a log of what came out of them."""
    venue = quiet_venue(clock)
    async with trio.open_nursery() as nursery:
        dial = TappedDial(venue, clock, nursery, Log(), Poison())
        yield Place(dial, "venue.test", partial(venue.cut_all, abrupt=True))
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def played(clock: WallClock) -> AsyncIterator[Place]:
    """No streams at all: the test plays the venue."""
    assert isinstance(clock, VirtualClock)

    def answer(link: PlayedLink, text: str) -> None:
        assert text == REQUEST
        link.say(ANSWER.decode())

    dial = PlayedDial(clock, answer=answer)

    def end() -> None:
        for link in dial.links:
            link.end()

    yield Place(dial, "venue.test", end)


@pytest.fixture(params=[network, memory, tapped, played], ids=lambda each: each.__name__)
async def place(request: pytest.FixtureRequest, clock: VirtualClock) -> AsyncIterator[Place]:
    """Each dial by turns."""
    opening: Opening = request.param
    async with opening(clock) as opened:
        yield opened


@pytest.fixture
async def clock() -> VirtualClock:
    """One clock for the dial and the venue."""
    return VirtualClock()


@attrs.define(eq=False)
class Received:
    """The payloads of one connection, each with its time of receipt."""

    payloads: list[tuple[int, bytes]] = attrs.field(factory=list)
    some: trio.Event = attrs.field(factory=trio.Event)

    def add(self, recv_ns: int, payloads: list[bytes]) -> None:
        """One read gave these."""
        self.payloads += [(recv_ns, each) for each in payloads]
        self.some.set()


async def connect(place: Place, nursery: trio.Nursery, received: Received | None = None) -> Link:
    """An open connection, whose payloads are added to `received`."""
    return await place.dial.open(
        nursery,
        f"ws://{place.host}/stream",
        on_frames=(received or Received()).add,
        on_ping=lambda: None,
        max_message_bytes=100_000,
    )


async def loss(waiting: Callable[[], Awaitable[None]]) -> str:
    """The cause of the loss that ends this wait."""
    with trio.fail_after(5), pytest.raises(ConnectionLost) as caught:
        await waiting()
    return caught.value.ending


async def test_what_is_sent_is_answered_with_the_time_of_receipt(
    place: Place, clock: VirtualClock
) -> None:
    """The time is the clock's, between asking and looking."""
    received = Received()
    async with trio.open_nursery() as nursery:
        link = await connect(place, nursery, received)
        before_ns = clock.now_ns()
        await link.send(REQUEST)
        with trio.fail_after(5):
            await received.some.wait()
        await link.aclose(1)
        nursery.cancel_scope.cancel()
    ((recv_ns, payload),) = received.payloads
    assert payload == ANSWER
    assert before_ns <= recv_ns <= clock.now_ns()


async def test_connections_of_one_dial_do_not_hear_each_other(place: Place) -> None:
    """Each has its own callback."""
    asked, silent = Received(), Received()
    async with trio.open_nursery() as nursery:
        first = await connect(place, nursery, asked)
        await connect(place, nursery, silent)
        await first.send(REQUEST)
        with trio.fail_after(5):
            await asked.some.wait()
        nursery.cancel_scope.cancel()
    assert [payload for _, payload in asked.payloads] == [ANSWER]
    assert silent.payloads == []


async def test_a_ping_returns_at_its_pong(place: Place) -> None:
    """As long as the venue lives."""
    async with trio.open_nursery() as nursery:
        link = await connect(place, nursery)
        with trio.fail_after(5):
            await link.ping()
        nursery.cancel_scope.cancel()


async def test_the_end_by_the_venue_is_a_loss(place: Place) -> None:
    """However long after the opening."""
    async with trio.open_nursery() as nursery:
        link = await connect(place, nursery)
        place.end()
        assert await loss(link.wait_closed) in {"eof", "reset"}
        nursery.cancel_scope.cancel()


async def test_the_end_by_us_is_a_loss_too(place: Place) -> None:
    """So that nobody waits for a connection that was closed."""
    async with trio.open_nursery() as nursery:
        link = await connect(place, nursery)
        await link.aclose(1)
        await loss(link.wait_closed)
        nursery.cancel_scope.cancel()


async def test_the_listing_can_be_got(place: Place) -> None:
    """As the bytes that the venue sent."""
    with trio.fail_after(5):
        answer = await place.dial.get(f"http://{place.host}/api/v3/exchangeInfo")
    assert answer.status == 200
    assert b"BTC" in answer.body
