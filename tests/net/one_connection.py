"""One connection alone, with a venue that is played, and a writer that may stall."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio

from tests.fakes.clock import VirtualClock
from tests.net.bench import Bench
from tests.net.played import PlayedDial, PlayedLink, grant, nothing, venue_on
from tests.net.small_venue import TinyVenue
from tick_logger.exchanges.base import Subscription
from tick_logger.net.connection.connection import Connection
from tick_logger.net.connection.context import Timeouts

WANTED = [Subscription("BTC", "trades")]
PATIENT = Timeouts(first_data_secs=10_000.0, data_secs=10_000.0)


@attrs.define(eq=False)
class Scene:
    """A connection, the venue's end of it, and the writer, which may stall."""

    connection: Connection
    dial: PlayedDial
    bench: Bench
    began: float
    ended: list[tuple[float, str, str]]

    @property
    def link(self) -> PlayedLink:
        """The venue's end."""
        (link,) = self.dial.links
        return link

    async def until(self, secs: float) -> None:
        """Wait for a moment since the beginning."""
        await trio.sleep_until(self.began + secs)

    def pings(self) -> list[float]:
        """When pings in text form were sent."""
        return [at - self.began for at, text in self.link.sent if text == "ping"]


@asynccontextmanager
async def connected(
    exchange: TinyVenue, timeouts: Timeouts = PATIENT, *, stalled: bool = False
) -> AsyncIterator[Scene]:
    """A connection whose subscription is granted, at second 0."""
    bench = Bench(venue=exchange, batches=0)
    dial = PlayedDial(VirtualClock(), answer=nothing if stalled else grant)
    connection = Connection("1.1", venue_on(bench, dial), WANTED, timeouts)
    scene = Scene(connection, dial, bench, trio.current_time(), [])

    async def live() -> None:
        lost = await connection.run()
        scene.ended.append((trio.current_time() - scene.began, lost.ending, str(lost)))

    async def write() -> None:
        async for _ in bench.receive:
            pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        if not stalled:
            nursery.start_soon(write)
        nursery.start_soon(live)
        await trio.testing.wait_all_tasks_blocked()
        yield scene
        nursery.cancel_scope.cancel()
