"""What the service expects of its ports: the same of the real ones and of those in these tests."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import attrs
import pytest
import trio

from tests.fakes.clock import NOON_NS, VirtualClock
from tests.fakes.dial import MemoryDial
from tests.fakes.offload import StallingOffload
from tests.fakes.signals import FakeSignals
from tests.service.world import binance, running
from tick_logger.clock import ManualClock, SystemClock, WallClock
from tick_logger.errors import ConnectionLost, Ending
from tick_logger.net.wire.dial import Dial, HttpAnswer, Link, NetworkDial
from tick_logger.offload import InlineOffload, Offload, ThreadOffload
from tick_logger.signals import ProcessSignals, Signals
from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.faults import Faults

# -- dial -----------------------------------------------------------------------------------------


@attrs.define
class Place:
    """A dial, an exchange that it reaches, and what came from there."""

    dial: Dial
    exchange: SimulatedExchange
    nursery: trio.Nursery
    ws: str
    rest: str
    frames: list[tuple[int, bytes]] = attrs.field(factory=list)
    pings: int = 0
    arrived: trio.Event = attrs.field(factory=trio.Event)

    async def open(self, path: str = "/stream?streams=btcusdt@trade") -> Link:
        """A connection whose frames are collected."""
        return await self.dial.open(
            self.nursery,
            self.ws + path,
            on_frames=self._on_frames,
            on_ping=self._on_ping,
            max_message_bytes=10_000,
        )

    def _on_frames(self, recv_ns: int, payloads: Sequence[bytes]) -> None:
        self.frames += [(recv_ns, payload) for payload in payloads]
        self.arrived.set()

    def _on_ping(self) -> None:
        self.pings += 1
        self.arrived.set()


def simulated(clock: WallClock) -> SimulatedExchange:
    """An exchange that does nothing by itself."""
    return SimulatedExchange("binance", symbols=["BTCUSDT"], clock=clock, messages_per_second=100.0)


@asynccontextmanager
async def network() -> AsyncIterator[Place]:
    """The real dial, on loopback."""
    clock = SystemClock()
    exchange = simulated(clock)
    async with NetworkDial(clock) as dial, trio.open_nursery() as nursery:
        port = await nursery.start(exchange.serve)
        at = f"127.0.0.1:{port}"
        yield Place(dial, exchange, nursery, f"ws://{at}", f"http://{at}")
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def memory() -> AsyncIterator[Place]:
    """The dial of these tests."""
    clock = VirtualClock()
    exchange = simulated(clock)
    async with trio.open_nursery() as nursery:
        dial = MemoryDial(exchange, clock, nursery)
        yield Place(dial, exchange, nursery, "ws://venue.test", "http://venue.test")
        nursery.cancel_scope.cancel()


Opening = Callable[[], AbstractAsyncContextManager[Place]]
on_both = pytest.mark.parametrize("opening", [network, memory])


@on_both
async def test_frames_arrive_whole_in_order_with_their_time(opening: Opening) -> None:
    """Each payload once, with the wall clock's time of the read."""
    async with opening() as place:
        await place.open()
        before = place.exchange.market.now_ns
        place.exchange.step_once(1.0)
        await place.arrived.wait()
        while len(place.frames) < len(place.exchange.truth.sent("BTCUSDT")):
            place.arrived = trio.Event()
            await place.arrived.wait()
        sent = [trade.trade_id for trade in place.exchange.truth.sent("BTCUSDT")]
        assert [json.loads(payload)["data"]["t"] for _, payload in place.frames] == sent
        times = [recv_ns for recv_ns, _ in place.frames]
        assert times == sorted(times)
        assert all(isinstance(recv_ns, int) and recv_ns >= before for recv_ns in times)


@on_both
async def test_what_is_sent_is_answered(opening: Opening) -> None:
    """A request reaches the exchange, and its answer comes as a frame."""
    async with opening() as place:
        link = await place.open()
        await link.send('{"method":"LIST_SUBSCRIPTIONS","id":7}')
        await place.arrived.wait()
        assert place.frames[0][1] == b'{"result":["btcusdt@trade"],"id":7}'
        await link.ping()


@on_both
async def test_a_connection_that_is_cut_is_lost(opening: Opening) -> None:
    """Without a word it is an end, with a close frame a closing; its reason is told."""
    for abrupt, ending, detail in (
        (True, Ending.EOF, "without a close frame"),
        (False, Ending.CLOSED, "close frame 1001 GOING_AWAY: cut"),
    ):
        async with opening() as place:
            link = await place.open()
            place.exchange.cut_all(abrupt)
            with pytest.raises(ConnectionLost, match=detail) as lost:
                await link.wait_closed()
            assert lost.value.ending is ending


@on_both
async def test_closing_ends_both_sides(opening: Opening) -> None:
    """The exchange has no session left, and whoever waits learns who closed."""
    async with opening() as place:
        link = await place.open()
        assert place.exchange.live_sessions == 1
        await link.aclose(5.0)
        with pytest.raises(ConnectionLost, match="closed by this side"):
            await link.wait_closed()
        while place.exchange.live_sessions:
            await trio.lowlevel.checkpoint()


@on_both
async def test_an_address_without_a_feed_is_refused(opening: Opening) -> None:
    """The dial failed, and the detail is what the other side said."""
    async with opening() as place:
        with pytest.raises(ConnectionLost, match="HTTP 404") as lost:
            await place.open("/nothing")
        assert lost.value.ending is Ending.DIAL


@on_both
async def test_a_body_can_be_fetched(opening: Opening) -> None:
    """Path and query reach the exchange."""
    async with opening() as place:
        answer = await place.dial.get(place.rest + "/api/v3/depth?symbol=BTCUSDT&limit=5")
        body = place.exchange.rest("/api/v3/depth?symbol=BTCUSDT&limit=5")[1]
        assert answer == HttpAnswer(200, body)


@on_both
async def test_a_refusal_is_an_answer_too(opening: Opening) -> None:
    """Its status and the venue's words are those of the exchange."""
    async with opening() as place:
        place.exchange.set_faults(Faults(rest_status=503))
        answer = await place.dial.get(place.rest + "/api/v3/exchangeInfo")
        assert answer == HttpAnswer(503, b'{"message":"service unavailable"}')


async def test_a_refused_connection_is_a_failed_dial() -> None:
    """By a port that nobody listens on, or because the test wants it so."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    async with network() as place:
        place.ws = f"ws://127.0.0.1:{free}"
        with pytest.raises(ConnectionLost, match="refused") as lost:
            await place.open()
        assert lost.value.ending is Ending.DIAL
    async with memory() as place:
        assert isinstance(place.dial, MemoryDial)
        place.dial.refusals = 1
        with pytest.raises(ConnectionLost, match="refused") as lost:
            await place.open()
        assert lost.value.ending is Ending.DIAL
        await place.open()


# -- clock ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [SystemClock, VirtualClock, lambda: ManualClock(NOON_NS)])
async def test_a_clock_tells_the_time_since_1970(make: Callable[[], WallClock]) -> None:
    """In whole nanoseconds of this century, and not backwards unless it is set."""
    clock = make()
    times = [clock.now_ns() for _ in range(100)]
    assert all(type(each) is int for each in times)
    assert times == sorted(times)
    assert 2_000 * 365 * 86_400 * 10**9 // 60 < times[0] < 4_102_444_800 * 10**9


async def test_the_virtual_clock_moves_with_trios(autojump_clock: trio.testing.MockClock) -> None:
    """To the nanosecond, and by steps when it is set."""
    clock = VirtualClock(NOON_NS)
    await trio.sleep(1.5)
    assert clock.now_ns() == NOON_NS + 1_500_000_000
    clock.step(-3600.0)
    assert clock.now_ns() == NOON_NS - 3_598_500_000_000


# -- offload --------------------------------------------------------------------------------------

on_all = pytest.mark.parametrize("make", [ThreadOffload, InlineOffload, StallingOffload])


@on_all
async def test_work_returns_its_result_or_raises(make: Callable[[], Offload]) -> None:
    """To whoever asked for it."""

    def fail() -> None:
        raise OSError("full")

    offload = make()
    assert await offload.run(lambda: 6 * 7) == 42
    with pytest.raises(OSError, match="full"):
        await offload.run(fail)


@on_all
async def test_work_is_done_one_after_the_other(make: Callable[[], Offload]) -> None:
    """By one caller in the order of the calls, and never two at a time."""
    offload, done = make(), list[int]()
    for number in range(20):
        await offload.run(lambda number=number: done.append(number))  # type: ignore[misc]
    assert done == list(range(20))


@on_all
async def test_other_tasks_get_their_turn(make: Callable[[], Offload]) -> None:
    """Every call is a checkpoint, and can be cancelled before the work began."""
    offload = make()
    with trio.testing.assert_checkpoints():
        await offload.run(lambda: None)
    done = list[int]()
    with trio.CancelScope() as scope:
        scope.cancel()
        await offload.run(lambda: done.append(1))
    assert scope.cancelled_caught
    assert done == []


# -- signals --------------------------------------------------------------------------------------

STOPPING = (signal.SIGINT, signal.SIGTERM)


@pytest.mark.parametrize("kind", ["of the process", "simulated"])
async def test_each_signal_is_heard_while_somebody_listens(kind: str) -> None:
    """Those that ask a process to stop, also if they come before somebody waits for them."""
    simulated = FakeSignals()
    port: Signals = simulated if kind == "simulated" else ProcessSignals()
    send = simulated.send if kind == "simulated" else signal.raise_signal
    with port.listen() as signals:
        for number in (*STOPPING, *reversed(STOPPING)):
            send(number)
            with trio.fail_after(10):
                assert await anext(signals) == number


async def test_a_simulated_process_leaves_the_signals_of_the_machine_alone(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """They end the tests, as if there was no simulation, and change nothing in it."""
    before = [signal.getsignal(number) for number in STOPPING]
    async with running(binance()) as world:
        await world.until(1.0)
        assert [signal.getsignal(number) for number in STOPPING] == before
