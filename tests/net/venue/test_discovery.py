"""When the listing is asked for, where it comes by REST."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import attrs
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from tests.fakes.clock import VirtualClock
from tests.net.bench import Bench
from tests.net.played import PlayedDial, venue_on
from tests.net.small_venue import TinyVenue
from tick_logger.net.pace import Backoff
from tick_logger.net.rest.listing import MOST_PAGES
from tick_logger.net.venue.discovery import RETRY_SECS, Beside, Discovery
from tick_logger.net.venue.leaving import CHECK_SECS, GRACE_SECS


@attrs.define
class Listing:
    """What a discovery delivers of a played venue, and when."""

    dial: PlayedDial
    beside: Beside = attrs.field(factory=Beside)
    delivered: list[tuple[float, tuple[str, ...]]] = attrs.field(factory=list)

    async def run(self) -> None:
        began = trio.current_time()
        await Discovery(
            venue_on(Bench(), self.dial),
            Backoff(1.0, 60.0, Random(0)),
            self.beside,
            plan_for=lambda symbols, _: self.delivered.append(
                (trio.current_time() - began, symbols)
            ),
        ).run()


async def test_a_listing_of_many_pages_is_one_listing(autojump_clock: MockClock) -> None:
    """What is on the second page is as good as what is on the first."""
    symbols = tuple(f"S{number}" for number in range(250))
    listing = Listing(PlayedDial(VirtualClock(), symbols=symbols))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listing.run)
        await trio.sleep(1.0)
        nursery.cancel_scope.cancel()
    assert listing.delivered == [(0.0, symbols)]


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
    assert [line.get("reason") for line in lines] == [reason, None, None]
    assert [line["event"] for line in lines] == ["listing_failed", "reached", "listing"]


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
    assert listing.delivered == [(0.0, ()), (2 * RETRY_SECS, ("BTC",))]
    assert [line["event"] for line in lines] == ["listing_empty", "listing_empty", "listing"]


def odd_lines(lines: Sequence[Mapping[str, object]]) -> list[object]:
    """What was said of odd entries."""
    return [line["entries"] for line in lines if line["event"] == "listing_odd"]


async def test_odd_entries_are_named_when_they_change(autojump_clock: MockClock) -> None:
    """Not with every listing; an objection to a name counts as well."""
    long = "X" * 50
    listing = Listing(
        PlayedDial(VirtualClock(), symbols=("BTC", "?", "?ETH", long)),
        Beside(objection_to=lambda symbol: "it is long" if len(symbol) > 40 else ""),
    )
    read_secs = TinyVenue.profile.listing_interval_secs
    with capture_logs() as lines:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listing.run)
            await trio.sleep(2.5 * read_secs)
            listing.dial.symbols = ("BTC", "?ETH")
            await trio.sleep(read_secs)
            listing.dial.symbols = ("BTC",)
            await trio.sleep(read_secs)
            listing.dial.symbols = ("BTC", "?ETH")
            await trio.sleep(read_secs)
            nursery.cancel_scope.cancel()
    assert odd_lines(lines) == [
        ["(no name): it is odd", "ETH: it is odd", f"{long[:40]}...: it is long"],
        ["ETH: it is odd"],
        ["ETH: it is odd"],
    ]
    assert [symbols for _, symbols in listing.delivered] == [("BTC",)]


async def test_a_symbol_that_is_listed_twice_is_one(autojump_clock: MockClock) -> None:
    """Traded, if one of the two is."""
    listing = Listing(PlayedDial(VirtualClock(), symbols=("BTC", "ETH", "BTC!", "SOL!", "SOL")))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listing.run)
        await trio.sleep(1.0)
        nursery.cancel_scope.cancel()
    assert listing.delivered == [(0.0, ("BTC", "ETH", "SOL"))]


async def test_what_is_halted_at_the_start(autojump_clock: MockClock) -> None:
    """Is wanted if it was recorded before, and is listed still; for the usual while."""
    listing = Listing(
        PlayedDial(VirtualClock(), symbols=("BTC", "HALTED!", "OLD!")),
        Beside(recorded_before=lambda: {"BTC", "HALTED", "GONE"}),
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listing.run)
        await trio.sleep(GRACE_SECS + CHECK_SECS)
        nursery.cancel_scope.cancel()
    assert listing.delivered == [(0.0, ("BTC", "HALTED")), (GRACE_SECS, ("BTC",))]


async def test_what_is_halted_later_keeps_its_place(autojump_clock: MockClock) -> None:
    """What is listed no longer comes last; a return changes nothing at all."""
    listing = Listing(PlayedDial(VirtualClock(), symbols=("A", "B", "C", "D")))
    read_secs = TinyVenue.profile.listing_interval_secs
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listing.run)
        await trio.sleep(0.5 * read_secs)
        listing.dial.symbols = ("B!", "C", "D")
        await trio.sleep(read_secs)
        listing.dial.symbols = ("A", "B", "C", "D")
        await trio.sleep(read_secs)
        nursery.cancel_scope.cancel()
    assert [symbols for _, symbols in listing.delivered] == [
        ("A", "B", "C", "D"),
        ("B", "C", "D", "A"),
    ]
