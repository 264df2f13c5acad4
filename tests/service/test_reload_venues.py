"""A new configuration while every venue is recorded: what stays is not touched by what changes."""

from __future__ import annotations

import attrs
import pytest
from trio.testing import MockClock

from tests.fakes.memory_files import MemoryFiles
from tests.service.each_venue import at_each_feed, at_each_venue
from tests.service.oracle import gaps
from tests.service.reloads import lanes, reloading, wish
from tests.service.world import Venue, running, venue
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import BookCheck
from tick_logger.model.tables import FEEDS
from tick_logger.model.times import NS_PER_SECOND
from tick_logger.simulator.faults import Faults
from tick_logger.simulator.registry import DIALECTS


def some(name: str, *feeds: str, **faults: object) -> tuple[Venue, tuple[str, ...]]:
    """A venue with three symbols of which two are wanted, and the symbols; all feeds if none."""
    symbols = tuple(DIALECTS[name].symbols[:3])
    feeds = feeds or every(name)
    simulated = {"faults": Faults(**faults)}  # type: ignore[arg-type]
    config = {"symbols": symbols[:2]}
    return venue(name, 3, feeds=feeds, simulated=simulated, config=config), symbols


def every(name: str, *, but: str = "") -> tuple[str, ...]:
    """The feeds that a venue has."""
    return tuple(sorted(registry.get(name).feeds - {but}))


@at_each_venue(0)
async def test_a_symbol_more_and_a_symbol_less(name: str, autojump_clock: MockClock) -> None:
    """The one is recorded from then on, the other ends with a mark; nobody else notices."""
    what, (first, second, third) = some(name)
    async with reloading(what) as reloads:
        await reloads.world.until(6.05)
        before = reloads.opened()
        reloads.reload(symbols=(first, second, third))
        await reloads.world.until(12.05)
        assert reloads.world.metric("symbols") == 3
        reloads.reload(symbols=(second, third))
        await reloads.world.until(20.05)
        assert reloads.world.metric("symbols") == 2
        assert reloads.opened() == before
        assert reloads.topics(first) == []
    assert reloads.check() > 300
    assert reloads.recorded_since(15.0) == wish((second, third), every(name))
    assert sorted(reloads.retired()) == sorted((first, FEEDS[feed].value) for feed in every(name))
    assert reloads.causes() == {}


@at_each_feed(0)
async def test_a_feed_more(name: str, feed: str, autojump_clock: MockClock) -> None:
    """On the connections there are, or on one more where its address is another."""
    (other, *_) = every(name, but=feed)
    what, _ = some(name, other)
    async with reloading(what) as reloads:
        await reloads.world.until(6.05)
        before, open_before = reloads.opened(), reloads.open_now()
        reloads.reload(feeds=(other, feed))
        await reloads.world.until(15.05)
        added = len(lanes(name, (other, feed))) - 1
        assert reloads.opened()[: len(before)] == before
        assert len(reloads.opened()) == len(before) + added
        assert reloads.open_now()[: len(open_before)] == open_before
    assert reloads.check() > 20
    assert (reloads.retired(), reloads.causes()) == ([], {})


@at_each_feed(1)
async def test_a_feed_less_and_back(name: str, feed: str, autojump_clock: MockClock) -> None:
    """It ends with a mark, and what came until it was wanted again is no loss.

    Where snapshots come by REST, a book has updates before its snapshot, and is told to be wrong.
    """
    what, symbols = some(name)
    rest = every(name, but=feed)
    async with reloading(what) as reloads:
        await reloads.world.until(6.05)
        before = reloads.opened()
        reloads.reload(feeds=rest)
        await reloads.world.until(12.05)
        assert reloads.opened() == before
        assert reloads.world.metric("connections_up") == len(lanes(name, rest))
        reloads.reload(feeds=every(name))
        await reloads.world.until(20.05)
        added = len(lanes(name, every(name))) - len(lanes(name, rest))
        assert len(reloads.opened()) == len(before) + added
    assert reloads.check() > 100
    assert reloads.recorded_since(15.0) == wish(symbols[:2], every(name))
    assert reloads.retired() == [(symbol, FEEDS[feed].value) for symbol in symbols[:2]]
    awaits_rest = feed == "orderbook" and registry.get(name).book_check is BookCheck.RANGES
    broken = {"resync": wish(symbols[:2], (feed,))} if awaits_rest else {}
    assert reloads.causes() == broken
    assert reloads.world.said("connection_lost") == []


@at_each_venue(1)
async def test_the_last_feed_of_its_address(name: str, autojump_clock: MockClock) -> None:
    """All that was recorded is replaced by something else, where need be at another address."""
    what, symbols = some(name, "trades")
    async with reloading(what) as reloads:
        await reloads.world.until(6.05)
        reloads.reload(feeds=("ticker",))
        await reloads.world.until(15.05)
        assert reloads.world.metric("connections_up") == 1
    assert reloads.check() > 20
    assert reloads.retired() == [(symbol, "TRADES") for symbol in symbols[:2]]
    assert reloads.causes() == {}


@at_each_venue(2)
async def test_two_in_quick_succession(name: str, autojump_clock: MockClock) -> None:
    """The second takes back what the first has changed, before anything was said to the venue."""
    what, (first, second, third) = some(name)
    async with reloading(what) as reloads:
        await reloads.world.until(6.05)
        before = reloads.opened()
        reloads.reload(symbols=(first, third))
        reloads.reload(symbols=(first, second))
        await reloads.world.until(15.05)
        assert reloads.opened() == before
        assert reloads.topics(third) == []
        reloads.world.dial.refusals = 3  # what is lost from now on counts as ever
        reloads.world.exchange.cut_all(abrupt=True)
        await reloads.world.until(40.05)
    assert reloads.check() > 300
    interrupted = reloads.causes().pop("disconnect")
    assert interrupted >= wish((first, second), every(name, but="trades"))
    assert {symbol for symbol, _ in interrupted} == {first, second}


@at_each_venue(3)
@pytest.mark.parametrize("pause_secs", [0.3, 1.1, 2.5])
async def test_back_while_answers_are_awaited(
    name: str, pause_secs: float, autojump_clock: MockClock
) -> None:
    """A symbol less and one more, and the other way again before the venue has answered."""
    what, (first, second, third) = some(name, ack_delay_secs=2.0)
    async with reloading(what) as reloads:
        await reloads.world.until(20.05)
        before = reloads.opened()
        reloads.reload(symbols=(first, third))
        await reloads.world.until(20.05 + pause_secs)
        reloads.reload(symbols=(first, second))
        await reloads.world.until(45.05)
        assert reloads.opened() == before
        assert reloads.topics(third) == []
    assert reloads.check() > 300
    # What was being ended when it was wanted again is missing until it was granted.
    assert reloads.symbols_with_gaps() <= {second}
    assert reloads.recorded_since(40.0) == wish((first, second), every(name))


@at_each_venue(4)
async def test_back_at_once(name: str, autojump_clock: MockClock) -> None:
    """What was just ended is subscribed again as soon as the venue has answered."""
    what, (first, second, third) = some(name)
    async with reloading(what) as reloads:
        await reloads.world.until(6.05)
        reloads.reload(symbols=(first, third))
        await reloads.world.until(6.55)
        reloads.reload(symbols=(first, second))
        await reloads.world.until(15.05)
    assert reloads.check() > 100
    assert reloads.recorded_since(9.0) == wish((first, second), every(name))


@at_each_venue(5)
async def test_while_a_connection_is_made_again(name: str, autojump_clock: MockClock) -> None:
    """What is new is on the next one; what was lost of what stays has its record."""
    what, (first, second, third) = some(name)
    async with reloading(what) as reloads:
        await reloads.world.until(6.05)
        reloads.world.dial.refusals = 1000
        reloads.world.exchange.cut_all(abrupt=True)
        await reloads.world.until(6.55)
        reloads.reload(symbols=(first, third))
        await reloads.world.until(9.05)
        reloads.world.dial.refusals = 0
        await reloads.world.until(40.05)
        assert reloads.topics(second) == []
    assert reloads.check() > 300
    # Also of the new one: it was wanted when a connection could not be made.
    interrupted = reloads.causes().pop("disconnect")
    assert interrupted >= wish((first, second, third), every(name, but="trades"))
    assert reloads.recorded_since(30.0) == wish((first, third), every(name))


@at_each_venue(6)
async def test_while_the_listing_is_read(name: str, autojump_clock: MockClock) -> None:
    """Before there is one, and while it is read again."""
    what, (first, second, third) = some(name, rest_hang_secs=2.0)
    what = attrs.evolve(what, simulated={**what.simulated, "messages_per_second": 9.0})
    async with reloading(what) as reloads:
        await reloads.world.until(1.05)
        reloads.reload(symbols=(second, third))
        every_secs = registry.get(name).profile.listing_interval_secs
        await reloads.world.until(30.05)
        assert reloads.world.metric("symbols") == 2
        again = next(at for at in (n * every_secs + 2.05 for n in range(100)) if at > 31.0)
        await reloads.world.until(again - 3.0)
        reloads.world.exchange.delist_symbol(third)
        await reloads.world.until(again - 1.0)
        reloads.reload(symbols=(first, second, third))
        await reloads.world.until(again + 15.0)
        # What has just left the listing is recorded for a while still.
        assert reloads.world.metric("symbols") == 3
        assert reloads.world.metric("symbols_kept") == 1
    assert reloads.check() > 300
    assert reloads.causes() == {}


@pytest.mark.parametrize("name", ["binance", "bybit_linear", "okx", "upbit"])
async def test_a_feed_less_before_the_first_listing(name: str, autojump_clock: MockClock) -> None:
    """It was wanted since the process before has stopped, and none of it came."""
    files = MemoryFiles()
    what, symbols = some(name)
    async with running(what, files=files) as world:
        await world.until(6.05)
        assert await world.stop() == 0
        start_ns = world.clock.now_ns() + NS_PER_SECOND
    what, _ = some(name, rest_hang_secs=5.0)
    async with reloading(what, files=files, start_ns=start_ns) as reloads:
        await reloads.world.until(2.05)
        reloads.reload(feeds=every(name, but="trades"))
        await reloads.world.until(20.05)
    ends = [
        (gap["cause"], gap["to_ns"])
        for symbol in symbols[:2]
        for gap in gaps(files, name, symbol, "TRADES")
        if gap["from_id"] is None
    ]
    assert ends == [("restart", start_ns + 2 * NS_PER_SECOND + NS_PER_SECOND // 20)] * 2


@at_each_venue(7)
async def test_just_before_the_stop(name: str, autojump_clock: MockClock) -> None:
    """In the moment before, and after it was told to stop: what came until then is kept."""
    what, (first, second, third) = some(name)
    async with reloading(what) as reloads:
        await reloads.world.until(6.05)
        reloads.reload(symbols=(first, third))
        reloads.world.note_stop()
        reloads.world.service.stop("the test")
        reloads.reload(symbols=(second, third), feeds=("trades",))
        assert await reloads.world.end() == 0
    assert reloads.check() > 100
    assert reloads.causes() == {}
