"""What stays on a connection until another delivers it, and what is told if either is lost.

The venue is played: symbol B goes from the first share to a second.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio
from trio.testing import MockClock

from tests.fakes.clock import VirtualClock
from tests.net.bench import Bench
from tests.net.played import PlayedDial, PlayedLink, grant, nothing, venue_on
from tests.net.small_venue import TinyVenue
from tick_logger.config.schema import ExchangeConfig
from tick_logger.model.marks import Interrupted, Lapse, Mark, Resumed
from tick_logger.model.tables import Table
from tick_logger.net.venue.arrangement import BOTH_SECS
from tick_logger.net.venue.balance import Move
from tick_logger.net.venue.venue import Venue

BEGIN_SECS = 5.0
B_GOES = Move(1, 2, ("B",))


@attrs.define(eq=False)
class Scene:
    """A venue whose symbol B is on the move, seen from the other side and from the writer."""

    bench: Bench
    dial: PlayedDial
    venue: Venue
    marks: list[Mark] = attrs.field(factory=list)

    @property
    def old(self) -> PlayedLink:
        return self.dial.links[0]

    @property
    def new(self) -> PlayedLink:
        return self.dial.links[1]

    def story(self) -> list[str]:
        """What was told of trades of B."""
        number = self.bench.instruments.of("tiny")["B"]
        return [
            type(mark).__name__
            for mark in self.marks
            if isinstance(mark, Interrupted | Resumed | Lapse)
            and number in mark.instruments
            and Table.TRADES in mark.tables
        ]


@asynccontextmanager
async def moving(move: Move = B_GOES) -> AsyncIterator[Scene]:
    """A and B on one connection, and B about to go to another; the marks so far are forgotten."""
    bench = Bench(venue=TinyVenue())
    dial = PlayedDial(VirtualClock(), symbols=("A", "B"))
    config = ExchangeConfig(
        ws_endpoint="ws://tiny",
        rest_endpoint="http://tiny",
        feeds=("trades",),
        data_timeout_secs=10_000.0,
        reconnect_initial_secs=3.0,
    )
    scene = Scene(bench, dial, Venue(venue_on(bench, dial), config))

    async def write() -> None:
        async for batch in bench.receive:
            scene.marks += batch.received.marks

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        nursery.start_soon(write)
        nursery.start_soon(scene.venue.run)
        await trio.sleep(BEGIN_SECS)
        scene.old.say("trade A 1", "trade B 1")
        await trio.sleep(1.0)
        scene.marks.clear()
        nursery.start_soon(scene.venue.moves.make, move)
        yield scene
        nursery.cancel_scope.cancel()


async def test_it_ends_where_it_was_when_it_is_delivered_there(autojump_clock: MockClock) -> None:
    """Not before both have delivered it for a while; it is never interrupted."""
    async with moving() as scene:
        await trio.sleep(0.5)
        assert scene.new.texts == ["subscribe B/trades"]
        scene.old.say("trade A 2")
        await trio.sleep(BOTH_SECS - 0.3)
        assert scene.old.texts == ["subscribe A/trades B/trades"]
        scene.old.say("trade A 3")
        await trio.sleep(1.0)
        assert scene.old.texts[1:] == ["unsubscribe B/trades"]
        assert set(scene.story()) == {"Resumed"}


async def test_it_stays_on_a_connection_that_is_frozen(autojump_clock: MockClock) -> None:
    """What is on its way there comes before whatever else comes there."""
    async with moving() as scene:
        await trio.sleep(BOTH_SECS + 20.0)
        assert scene.old.texts == ["subscribe A/trades B/trades"]
        scene.old.say("trade B 2", "trade A 2")
        await trio.sleep(1.0)
        assert scene.old.texts[1:] == ["unsubscribe B/trades"]


async def test_what_was_on_its_way_on_the_old_one_is_told(autojump_clock: MockClock) -> None:
    """From when it was heard last until the other began; all else the other has."""
    async with moving() as scene:
        await trio.sleep(1.5)
        scene.old.end()
        await trio.sleep(1.0)
        (lapse,) = (each for each in scene.marks if isinstance(each, Lapse))
        assert 0.9e9 < lapse.to_ns - lapse.from_ns < 1.5e9
        assert "Interrupted" not in scene.story()


async def test_the_loss_of_the_new_one_costs_nothing(autojump_clock: MockClock) -> None:
    """The old one has it all the time, and the next one is asked for it again."""
    async with moving() as scene:
        await trio.sleep(1.0)
        scene.old.say("trade B 2")
        scene.new.end()
        await trio.sleep(10.0)
        assert set(scene.story()) == {"Resumed"}
        assert [link.texts for link in scene.dial.links[2:]] == [["subscribe B/trades"]]


async def test_what_is_granted_nowhere_else_comes_back(autojump_clock: MockClock) -> None:
    """And was not interrupted."""
    async with moving() as scene:
        scene.dial.answer = nothing
        await trio.sleep(90.0)
        scene.dial.answer = grant
        assert scene.old.texts == ["subscribe A/trades B/trades"]
        assert scene.new.closed.is_set()
        assert {each.label for each in scene.venue.shares()} == {"1"}


async def test_a_connection_that_all_have_left_ends(autojump_clock: MockClock) -> None:
    """When the other has them, and not for want of data before."""
    async with moving(Move(1, 2, ("A", "B"))) as scene:
        await trio.sleep(BOTH_SECS + 1.0)
        assert not scene.old.closed.is_set()
        scene.old.say("trade A 2")
        await trio.sleep(1.0)
        assert scene.old.closed.is_set()
        assert set(scene.story()) == {"Resumed"}
        assert {each.label for each in scene.venue.shares()} == {"2"}
