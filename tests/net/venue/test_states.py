"""What is told of connections while they live, and of those that were lost; the venue is played."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS, VirtualClock
from tests.net.bench import Bench
from tests.net.played import PlayedDial, PlayedLink, grant, venue_on
from tests.net.small_venue import TinyVenue
from tick_logger.exchanges.base import Subscription
from tick_logger.model.connections import ConnectionState, Loss
from tick_logger.net.connection.context import MOST_LOSSES, Timeouts, VenueContext
from tick_logger.net.pace import Backoff
from tick_logger.net.venue.share import Load, Share

WANTED = frozenset(
    Subscription(symbol, feed)
    for symbol, feed in (("BTC", "trades"), ("BTC", "quotes"), ("ETH", "trades"))
)
TIMEOUTS = Timeouts(first_data_secs=10_000.0, data_secs=10_000.0)


@attrs.frozen
class Scene:
    """A share, and the venue's side of it; virtual seconds count from its beginning."""

    share: Share
    venue: VenueContext
    dial: PlayedDial
    began: float

    async def until(self, secs: float) -> list[ConnectionState]:
        """What is told at that moment."""
        await trio.sleep_until(self.began + secs)
        return self.share.states()


@asynccontextmanager
async def carried(answer: Callable[[PlayedLink, str], None] = grant) -> AsyncIterator[Scene]:
    """A share that connects at second 0, and whose batches somebody takes."""
    bench = Bench(venue=TinyVenue(), batches=10_000, linger_secs=0.0)
    dial = PlayedDial(VirtualClock(), answer=answer)
    venue = venue_on(bench, dial)
    backoff = Backoff(1.0, 1.0, Random(0))
    share = Share("0-public", venue, Load(WANTED, TIMEOUTS), backoff)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        nursery.start_soon(share.run)
        yield Scene(share, venue, dial, trio.current_time())
        nursery.cancel_scope.cancel()


async def test_an_open_connection(autojump_clock: MockClock) -> None:
    """Since when, what it carries, how many messages came, and how long ago."""
    async with carried() as scene:
        await scene.until(1)
        scene.dial.links[0].say("trade BTC 1", "trade ETH 1")
        await scene.until(3)
        scene.dial.links[0].say("trade BTC 2")
        (state,) = await scene.until(10)
    granted = len(scene.dial.links[0].texts)
    assert state == ConnectionState(
        label="0-public.1",
        state="open",
        open_secs=10.0,
        symbols=2,
        subscriptions=3,
        live=3,
        refused=0,
        silent=0,
        silent_secs=7.0,
        messages=3 + granted,
    )


async def test_what_is_refused(autojump_clock: MockClock) -> None:
    """Is not live."""

    def refuse_quotes(link: PlayedLink, text: str) -> None:
        grant(link, text.replace("BTC/quotes", ""))
        link.say("refused BTC/quotes")

    async with carried(refuse_quotes) as scene:
        (state,) = await scene.until(5)
    assert (state.subscriptions, state.live, state.refused) == (3, 2, 1)


async def test_a_connection_that_was_lost(autojump_clock: MockClock) -> None:
    """Is not shown any more, but among the losses; its successor counts from zero."""
    async with carried() as scene:
        await scene.until(5)
        scene.dial.links[0].end()
        (state,) = await scene.until(5.01)
        assert (state.label, state.messages) == ("0-public.2", 1)
        (state,) = await scene.until(20)
        assert state.label == "0-public.2"
        assert state.open_secs == pytest.approx(15.0, abs=0.01)
        assert list(scene.venue.losses) == [
            Loss(NOON_NS + round((scene.began + 5) * 1e9), "0-public.1", "eof", "ended by the test")
        ]


async def test_only_the_last_losses_are_kept(autojump_clock: MockClock) -> None:
    """The newest, oldest first."""
    async with carried() as scene:
        for number in range(MOST_LOSSES + 5):
            await scene.until(20 * number + 10)
            scene.dial.links[-1].end()
        await scene.until(20 * (MOST_LOSSES + 5))
        labels = [loss.connection for loss in scene.venue.losses]
    assert labels == [f"0-public.{number}" for number in range(6, MOST_LOSSES + 6)]


async def test_a_connection_that_is_on_its_way(autojump_clock: MockClock) -> None:
    """Nothing is known of it yet; one that was told to end waits for its successor."""
    async with carried() as scene:
        await scene.until(5)
        scene.dial.delay_secs = 30.0
        scene.share._connections[0].retiring.set()
        old, new = await scene.until(10)
    assert (old.label, old.state) == ("0-public.1", "retiring")
    assert (new.label, new.state) == ("0-public.2", "connecting")
    assert (new.open_secs, new.silent_secs, new.messages, new.live) == (None, None, 0, 0)
