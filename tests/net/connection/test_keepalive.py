"""Signs of life, at exact times: a reader that is behind is not taken for a dead connection."""

from __future__ import annotations

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.net.bench import LINGER_SECS
from tests.net.one_connection import PATIENT, WANTED, Scene, connected
from tests.net.small_venue import TinyVenue
from tick_logger.exchanges.base import Subscription
from tick_logger.model.batch import Batch
from tick_logger.net.connection.context import Timeouts
from tick_logger.net.connection.keepalive import STANDSTILL_SECS

PING_SECS, PONG_SECS = 20.0, 10.0


class Texting(TinyVenue):
    """Pings are messages of its own."""

    profile = attrs.evolve(TinyVenue.profile, ping_text="ping")


class Beating(TinyVenue):
    """Has a heartbeat."""

    profile = attrs.evolve(
        TinyVenue.profile, heartbeat_silence_secs=25.0, ping_interval_secs=10_000.0
    )


class Strict(TinyVenue):
    """Allows few requests in an hour."""

    profile = attrs.evolve(TinyVenue.profile, subscriptions_per_request=1, requests_per_hour=3)


async def test_pings_go_out_on_time_and_their_pongs_are_enough(autojump_clock: MockClock) -> None:
    """Nothing else need be said for ever so long."""
    async with connected(Texting()) as scene:
        for number in range(1, 20):
            await scene.until(number * PING_SECS + 1.0)
            assert len(scene.pings()) == number
            scene.link.say("pong")
    assert scene.ended == []
    assert scene.pings() == [number * PING_SECS for number in range(1, 20)]
    assert scene.bench.count("pings_sent") == 19


async def test_pings_of_the_protocol_are_used_where_there_is_no_other(
    autojump_clock: MockClock,
) -> None:
    """They are answered below us."""
    async with connected(TinyVenue()) as scene:
        await scene.until(90.0)
        assert [at - scene.began for at in scene.link.pings] == [20.0, 40.0, 60.0, 80.0]
        assert scene.link.texts == ["subscribe BTC/trades"]
    assert scene.ended == []


@pytest.mark.parametrize("exchange", [Texting(), TinyVenue()])
async def test_a_half_open_connection_is_found_by_its_ping(
    exchange: TinyVenue, autojump_clock: MockClock
) -> None:
    """Nothing at all comes after it."""
    async with connected(exchange) as scene:
        scene.link.answers_pings = False
        scene.link.say("trade BTC 1")
        await scene.until(100.0)
    assert scene.ended == [(PING_SECS + PONG_SECS, "ping", "no pong within 10 s: half-open")]


@pytest.mark.parametrize("exchange", [Texting(), TinyVenue()])
async def test_a_pong_that_is_late_behind_data_kills_nothing(
    exchange: TinyVenue, autojump_clock: MockClock
) -> None:
    """Whatever arrives after the ping proves that there is another end."""
    async with connected(exchange) as scene:
        scene.link.answers_pings = False
        for number in range(1, 40):
            await scene.until(number * 9.0)
            scene.link.say(f"trade BTC {number}")
        assert scene.ended == []
        assert scene.bench.count("pings_sent") > 5


async def test_what_came_before_the_ping_proves_nothing(autojump_clock: MockClock) -> None:
    """Not even at the moment before."""
    async with connected(Texting()) as scene:
        await scene.until(PING_SECS - 0.001)
        scene.link.say("trade BTC 1")
        await scene.until(100.0)
    assert [(at, cause) for at, cause, _ in scene.ended] == [(PING_SECS + PONG_SECS, "ping")]


async def take(scene: Scene) -> list[Batch]:
    """What the writer gets when it works again."""
    batches = []
    with trio.move_on_after(5.0):
        async for batch in scene.bench.receive:
            batches.append(batch)
    return batches


async def test_a_writer_that_stalls_delays_no_ping(autojump_clock: MockClock) -> None:
    """Pongs count when they arrive, decoded or not; venues cut off who sends nothing."""
    async with connected(Texting(), stalled=True) as scene:
        scene.link.say("granted BTC/trades")
        await scene.until(10.0)
        scene.link.say("trade BTC 1")  # fills the channel, so that what follows waits
        for number in range(1, 25):
            await scene.until(number * PING_SECS + 1.0)
            scene.link.say("pong")
        assert scene.ended == []
        assert scene.pings() == [number * PING_SECS for number in range(1, 25)]
        await take(scene)
        await scene.until(505.0)
        assert scene.ended == []


async def test_a_half_open_connection_is_found_while_a_writer_stalls(
    autojump_clock: MockClock,
) -> None:
    """What waits to be decoded came before the ping: it proves nothing."""
    async with connected(Texting(), stalled=True) as scene:
        scene.link.say("granted BTC/trades")
        await scene.until(10.0)
        scene.link.say("trade BTC 1", "pong")
        await scene.until(100.0)
    assert scene.ended == [(PING_SECS + PONG_SECS, "ping", "no pong within 10 s: half-open")]


async def test_data_that_is_not_decoded_yet_is_data(autojump_clock: MockClock) -> None:
    """The silence counts when everything that arrived is decoded."""
    timeouts = Timeouts(first_data_secs=30.0, data_secs=30.0)
    async with connected(TinyVenue(), timeouts, stalled=True) as scene:
        scene.link.say("granted BTC/trades")
        await scene.until(1.0)
        scene.link.say("alive")
        await scene.until(25.0)
        scene.link.say("trade BTC 1")
        await scene.until(300.0)
        assert scene.ended == []
        await take(scene)
        await scene.until(320.0)
        assert scene.ended == []
        await scene.until(400.0)
    assert [cause for _, cause, _ in scene.ended] == ["silent"]
    assert scene.ended[0][0] == pytest.approx(330.0, abs=1.0)


@pytest.mark.parametrize("exchange", [Texting(), TinyVenue(), Beating()])
async def test_a_process_that_stood_still_reads_before_it_judges(
    exchange: TinyVenue, autojump_clock: MockClock
) -> None:
    """What came meanwhile waits in the socket when everybody is late at once."""
    timeouts = Timeouts(first_data_secs=30.0, data_secs=30.0)
    async with connected(exchange, timeouts) as scene:
        scene.link.answers_pings = False
        scene.link.say("trade BTC 1")
        await scene.until(PING_SECS - 1.0)
        scene.link.say("trade BTC 2")
        await scene.until(PING_SECS + 1.0)
        autojump_clock.jump(300.0)
        await trio.sleep(0.05)
        scene.link.say("pong", "trade BTC 3")
        await trio.sleep(5.0)
        assert scene.ended == []
        assert scene.link.texts.count("unsubscribe BTC/trades") == 0


@pytest.mark.parametrize("exchange", [Texting(), TinyVenue(), Beating()])
async def test_a_process_that_stood_still_and_reads_nothing_is_alone(
    exchange: TinyVenue, autojump_clock: MockClock
) -> None:
    """The venue has gone meanwhile."""
    async with connected(exchange, Timeouts(first_data_secs=30.0, data_secs=30.0)) as scene:
        scene.link.answers_pings = False
        await scene.until(PING_SECS + 1.0)
        autojump_clock.jump(300.0)
        await trio.sleep(5.0)
    (ended,) = scene.ended
    assert ended[0] == PING_SECS + 1.0 + 300.0 + STANDSTILL_SECS


async def test_requests_of_an_hour_are_limited_and_pings_do_not_count(
    autojump_clock: MockClock,
) -> None:
    """The fourth waits for the first to be an hour old."""
    async with connected(Strict()) as scene:
        symbols = ["ETH", *(f"S{number}" for number in range(3))]
        for symbol in symbols:
            scene.bench.instruments.add("tiny", symbol)
        wanted = [*WANTED, *(Subscription(symbol, "trades") for symbol in symbols)]
        await scene.until(100.0)
        scene.connection.retarget(wanted, PATIENT)
        await scene.until(7300.0)
        assert [(at - scene.began, text) for at, text in scene.link.sent] == [
            (0.0, "subscribe BTC/trades"),
            (100.0, "subscribe ETH/trades"),
            (100.0, "subscribe S0/trades"),
            (3600.0, "subscribe S1/trades"),
            (3700.0, "subscribe S2/trades"),
        ]
        assert len(scene.link.pings) > 300
    assert scene.ended == []


async def test_nothing_is_ended_that_cannot_be_begun_again_within_the_hour(
    autojump_clock: MockClock,
) -> None:
    """A renewal waits until there is room for both of its requests."""
    async with connected(Strict()) as scene:
        scene.bench.instruments.add("tiny", "S0")
        wanted = [*WANTED, Subscription("S0", "trades")]
        await scene.until(100.0)
        scene.connection.retarget(wanted, PATIENT)
        await scene.until(200.0)
        scene.connection._dialogue.renew(WANTED)
        scene.connection.retarget(wanted, PATIENT)  # which wakes it
        await scene.until(7300.0)
        assert [(at - scene.began, text) for at, text in scene.link.sent][2:] == [
            (3600.0, "unsubscribe BTC/trades"),
            (3600.0, "subscribe BTC/trades"),
        ]


async def test_nonsense_ends_a_connection_that_waits_for_its_hour(
    autojump_clock: MockClock,
) -> None:
    """It need not have anything left to send."""
    async with connected(Strict()) as scene:
        wanted = [Subscription(f"S{number}", "trades") for number in range(4)]
        for sub in wanted:
            scene.bench.instruments.add("tiny", sub.symbol)
        scene.connection.retarget([*WANTED, *wanted], PATIENT)
        await scene.until(50.5)
        scene.link.say(*["what is this"] * 200)
        await scene.until(60.0)
    assert [(cause, at) for at, cause, _ in scene.ended] == [("nonsense", 50.5 + LINGER_SECS)]
