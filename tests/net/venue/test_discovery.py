"""When the listing is asked for, where it comes by REST."""

from __future__ import annotations

from random import Random

import attrs
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from tests.fakes.clock import VirtualClock
from tests.net.bench import Bench
from tests.net.played import PlayedDial, venue_on
from tick_logger.model.instruments import Instrument
from tick_logger.net.pace import Backoff
from tick_logger.net.venue.discovery import MOST_PAGES, RETRY_SECS, Discovery


@attrs.define
class Listing:
    """What a discovery delivers of a played venue, and when."""

    dial: PlayedDial
    delivered: list[tuple[float, tuple[Instrument, ...]]] = attrs.field(factory=list)

    async def run(self) -> None:
        began = trio.current_time()
        await Discovery(
            venue_on(Bench(), self.dial),
            Backoff(1.0, 60.0, Random(0)),
            plan_for=lambda listing: self.delivered.append((trio.current_time() - began, listing)),
            write_listing=lambda _: None,
        ).run()


async def test_a_listing_of_many_pages_is_one_listing(autojump_clock: MockClock) -> None:
    """What is on the second page is as good as what is on the first."""
    symbols = tuple(f"S{number}" for number in range(250))
    listing = Listing(PlayedDial(VirtualClock(), symbols=symbols))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listing.run)
        await trio.sleep(1.0)
        nursery.cancel_scope.cancel()
    assert listing.delivered == [(0.0, tuple(map(Instrument, symbols)))]


async def test_a_listing_without_end_is_no_listing(autojump_clock: MockClock) -> None:
    """Half of it would look as if the rest were delisted; it is asked for again."""
    symbols = tuple(f"S{number}" for number in range(MOST_PAGES + 1))
    listing = Listing(PlayedDial(VirtualClock(), symbols=symbols, per_page=1))
    with capture_logs() as lines:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listing.run)
            await trio.sleep(0.5 * RETRY_SECS)
            listing.dial.symbols = symbols[:MOST_PAGES]
            await trio.sleep(RETRY_SECS)
            nursery.cancel_scope.cancel()
    assert [(at, len(found)) for at, found in listing.delivered] == [(RETRY_SECS, MOST_PAGES)]
    reason = f"the listing has more than {MOST_PAGES} pages"
    assert [line.get("reason") for line in lines] == [reason, None]


async def test_a_first_listing_of_nothing_is_asked_for_again_soon(
    autojump_clock: MockClock,
) -> None:
    """A venue at maintenance may answer so; nothing is recorded meanwhile, and that is said."""
    listing = Listing(PlayedDial(VirtualClock(), symbols=()))
    with capture_logs() as lines:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listing.run)
            await trio.sleep(1.5 * RETRY_SECS)
            listing.dial.symbols = ("BTC",)
            await trio.sleep(RETRY_SECS)
            nursery.cancel_scope.cancel()
    assert listing.delivered == [(2 * RETRY_SECS, (Instrument("BTC"),))]
    assert [line["event"] for line in lines] == ["listing_empty", "listing_empty", "listing"]
