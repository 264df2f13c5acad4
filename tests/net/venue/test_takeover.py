"""One connection follows another: whatever the first interrupted has an end, exactly if it is over.

The venue is played; only marks of trades and books are looked at, each with its time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import attrs
import trio
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS, VirtualClock
from tests.net.bench import Bench
from tests.net.played import PlayedDial, PlayedLink, grant, nothing, venue_on
from tests.net.small_venue import OneAtATime, TinyVenue
from tick_logger.exchanges.base import BookCheck, Subscription
from tick_logger.model.marks import Interrupted, Mark, Resumed
from tick_logger.model.routes import FIRST_LINE
from tick_logger.model.tables import Table
from tick_logger.net.connection.context import Timeouts
from tick_logger.net.intake.rhythm import KNOWN_AFTER
from tick_logger.net.pace import Backoff
from tick_logger.net.venue.share import Load, Share

BTC, ETH = 0, 1
WANTED = frozenset(Subscription(symbol, "trades") for symbol in ("BTC", "ETH"))
BOOK_OF_BTC = Subscription("BTC", "orderbook")
TIMEOUTS = Timeouts(first_data_secs=600.0, data_secs=60.0)


class Chained(TinyVenue):
    """Its books are chains."""

    book_check = BookCheck.CHAIN


@attrs.define(eq=False)
class Scene:
    """A share of two symbols, its venue, and what the writer was told."""

    dial: PlayedDial
    bench: Bench
    began: float
    marks: list[Mark]

    @property
    def link(self) -> PlayedLink:
        """The newest connection."""
        return self.dial.links[-1]

    async def until(self, secs: float) -> None:
        """Wait for a moment since the beginning."""
        await trio.sleep_until(self.began + secs)

    async def trade(self, from_secs: int, to_secs: int, *symbols: str) -> None:
        """Every second a trade of each symbol, on the newest connection."""
        for second in range(from_secs, to_secs):
            await self.until(second)
            self.link.say(*(f"trade {symbol} {second}" for symbol in symbols))
        await self.until(to_secs - 0.5)

    def story(self, instrument: int, table: Table = Table.TRADES) -> list[tuple[str, float]]:
        """What was said of a stream: causes of interruptions, "resumed", each with its second."""
        return [
            (
                mark.cause if isinstance(mark, Interrupted) else "resumed",
                round((mark.at_ns - NOON_NS) / 1e9, 3),
            )
            for mark in self.marks
            if isinstance(mark, Interrupted | Resumed)
            and instrument in mark.instruments
            and table in mark.tables
        ]


@asynccontextmanager
async def carried(
    exchange: TinyVenue, wanted: frozenset[Subscription] = WANTED
) -> AsyncIterator[Scene]:
    """A share that is connected since second 0."""
    bench = Bench(venue=exchange, batches=10_000, linger_secs=0.0)
    dial = PlayedDial(VirtualClock())
    share = Share(
        "1",
        venue_on(bench, dial),
        Load(wanted, TIMEOUTS),
        Backoff(1.0, 1.0, Random(0)),
    )
    scene = Scene(dial, bench, trio.current_time(), [])

    async def write() -> None:
        async for batch in bench.receive:
            scene.marks += batch.received.marks

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        nursery.start_soon(write)
        nursery.start_soon(share.run)
        await trio.sleep(0.25)
        yield scene
        nursery.cancel_scope.cancel()


async def test_a_silent_subscription_is_renewed(autojump_clock: MockClock) -> None:
    """Interrupted since its last row, resumed when it is granted again; the other is untouched."""
    async with carried(TinyVenue()) as scene:
        await scene.trade(1, 31, "BTC", "ETH")
        await scene.trade(31, 120, "ETH")
        assert [(at - scene.began, text) for at, text in scene.link.sent][1:] == [
            (95.0, "unsubscribe BTC/trades"),
            (95.0, "subscribe BTC/trades"),
        ]
        assert scene.story(BTC) == [("resumed", 0.0), ("silent", 30.0), ("resumed", 95.0)]
        assert scene.story(ETH) == [("resumed", 0.0)]


async def test_one_that_stays_silent_gets_another_connection(autojump_clock: MockClock) -> None:
    """And is interrupted until that one has it; then it is left alone for far longer."""
    async with carried(TinyVenue()) as scene:
        await scene.trade(1, 31, "BTC", "ETH")
        await scene.trade(31, 300, "ETH")
        assert len(scene.dial.links) == 2
        assert scene.story(BTC) == [
            ("resumed", 0.0),
            ("silent", 30.0),
            ("resumed", 95.0),
            ("silent", 95.0),
            ("resumed", 160.0),
            ("resumed", 160.0),
        ]
        assert {what for what, _ in scene.story(ETH)} == {"resumed"}
        assert [text for link in scene.dial.links for text in link.texts] == [
            "subscribe BTC/trades ETH/trades",
            "unsubscribe BTC/trades",
            "subscribe BTC/trades",
            "subscribe BTC/trades ETH/trades",
        ]


async def test_a_renewal_whose_end_is_never_answered_goes_on(autojump_clock: MockClock) -> None:
    """After the time an answer may take, where answers name no request."""
    async with carried(OneAtATime()) as scene:
        await scene.trade(1, 31, "BTC", "ETH")
        await scene.trade(31, 120, "ETH")
        assert [(at - scene.began, text) for at, text in scene.link.sent][1:] == [
            (95.0, "unsubscribe BTC/trades"),
            (105.0, "subscribe BTC/trades"),
        ]
        assert scene.story(BTC)[-1] == ("resumed", 105.0)


async def test_a_renewal_that_is_refused_gets_another_connection(autojump_clock: MockClock) -> None:
    """On which it is granted; the interruption ends with that."""

    def refuse(link: PlayedLink, text: str) -> None:
        if text == "subscribe BTC/trades":
            link.say("refused BTC/trades")
        else:
            grant(link, text)

    async with carried(TinyVenue()) as scene:
        await scene.trade(1, 31, "BTC", "ETH")
        scene.link.answer = refuse
        await scene.trade(31, 120, "ETH")
        assert len(scene.dial.links) == 2
        story = scene.story(BTC)
        assert story[:3] == [("resumed", 0.0), ("silent", 30.0), ("refused", 95.0)]
        assert {what for what, _ in story[3:]} == {"resumed"}
        assert story[3][1] < 96.0


async def test_a_connection_that_ends_while_a_renewal_is_out(autojump_clock: MockClock) -> None:
    """The next one resumes."""
    async with carried(TinyVenue()) as scene:
        await scene.trade(1, 31, "BTC", "ETH")
        scene.link.answer = nothing
        await scene.trade(31, 98, "ETH")
        assert scene.story(BTC)[-1] == ("silent", 30.0)
        scene.link.end()
        await scene.until(110.0)
        assert [what for what, _ in scene.story(BTC)] == [
            "resumed",
            "silent",
            "disconnect",
            "resumed",
        ]


async def test_what_the_old_connection_interrupts_while_its_successor_has_it(
    autojump_clock: MockClock,
) -> None:
    """Is over when the old one goes, however it goes."""
    wanted = frozenset({BOOK_OF_BTC, *WANTED})
    async with carried(Ageing(), wanted) as scene:
        old = scene.link
        old.say("snapshot BTC 100")
        await scene.until(99.0)

        def half(link: PlayedLink, text: str) -> None:
            if link is not old:
                link.say("granted BTC/orderbook BTC/trades", "snapshot BTC 200")

        scene.dial.answer = half
        await scene.until(105.0)
        assert len(scene.dial.links) == 2
        old.answer = nothing
        old.say("update BTC 109 108")  # its predecessor is missing
        await scene.until(106.5)  # and might have come until now, but a little late
        assert scene.story(BTC, Table.BOOK)[-2] == ("resync", 105.0)  # then it begins anew
        scene.link.say("granted ETH/trades")
        await scene.until(110.0)
        assert old.closed.is_set()
        assert scene.story(BTC, Table.BOOK)[-1] == ("resumed", 106.5)


class Ageing(Chained):
    """Ends its connections after a hundred seconds."""

    profile = attrs.evolve(TinyVenue.profile, lifetime_secs=(100.0, 100.0))


async def test_the_silence_between_two_connections_is_not_learned(
    autojump_clock: MockClock,
) -> None:
    """An outage of an hour says nothing about how often the market trades."""
    async with carried(TinyVenue()) as scene:
        await scene.trade(1, KNOWN_AFTER + 10, "BTC", "ETH")
        scene.dial.answer = nothing
        scene.link.end()
        await scene.until(3600.0)
        scene.dial.answer = grant
        scene.link.end()
        await scene.until(3602.0)
        await scene.trade(3603, 3610, "BTC", "ETH")
        rhythm = scene.bench.intake.rhythm(FIRST_LINE)
        limit = rhythm.limit_secs(Table.TRADES, BTC)
        assert limit is not None
        assert limit <= 4 * 5.0
