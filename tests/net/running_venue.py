"""A venue that is recorded, and played by the test, and a writer that keeps its notes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio

from tests.fakes.clock import VirtualClock
from tests.net.bench import Bench
from tests.net.played import PlayedDial, venue_on
from tests.net.small_venue import TinyVenue
from tick_logger.config.schema import ExchangeConfig
from tick_logger.model.entries import Note
from tick_logger.net.venue.venue import Venue


@attrs.define(eq=False)
class Scene:
    """A venue at work, seen from the other side and from the writer."""

    bench: Bench
    dial: PlayedDial
    venue: Venue
    notes: list[Note]

    def asked(self) -> list[tuple[str, list[str]]]:
        """Address and requests of every connection so far, in the order of their addresses."""
        return sorted((link.url, link.texts) for link in self.dial.links)

    def labels(self) -> list[str]:
        """The labels of the connections that were made."""
        return sorted(note.connection for note in self.notes if note.what == "connected")


@asynccontextmanager
async def running(
    exchange: TinyVenue,
    *symbols: str,
    feeds: tuple[str, ...],
    **config: Any,  # noqa: ANN401
) -> AsyncIterator[Scene]:
    """A venue, some seconds after its start."""
    bench = Bench(venue=exchange)
    dial = PlayedDial(VirtualClock(), symbols=symbols)
    settings = ExchangeConfig(
        ws_endpoint="ws://tiny",
        rest_endpoint="http://tiny",
        feeds=feeds,
        connects_per_second=10.0,
        **{"data_timeout_secs": 10_000.0, **config},
    )
    context = attrs.evolve(venue_on(bench, dial), ws_endpoint=settings.ws_endpoint)
    venue = Venue(context, settings)
    scene = Scene(bench, dial, venue, [])

    async def write() -> None:
        async for batch in bench.receive:
            scene.notes += batch.received.notes

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        nursery.start_soon(write)
        nursery.start_soon(venue.run)
        await trio.sleep(5.0)
        yield scene
        nursery.cancel_scope.cancel()
