"""What exchanges list is on the disk soon, and costs nothing else."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from random import Random

import pytest
import structlog
import trio
from trio.testing import wait_all_tasks_blocked

from tests.fakes.clock import NOON_NS, VirtualClock
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.offload import StallingOffload
from tests.fakes.sim_disk import SimDisk
from tick_logger.exchanges import registry
from tick_logger.model.instruments import Instrument
from tick_logger.model.symbol_rules import SymbolRules, VenueRules
from tick_logger.offload import Offload
from tick_logger.recording.listings import RETRY_SECS, Listings
from tick_logger.storage.files import Files
from tick_logger.storage.instruments_file import SavedInstruments, decode

VENUE = registry.get("coinbase")
OTHER = registry.get("binance")
RULES = SymbolRules(venues={VENUE.name: VenueRules(aliases={"XBT": "BTC"})})
TODAY = f"{VENUE.name}/instruments.22.09.26.json"
TOMORROW = f"{VENUE.name}/instruments.23.09.26.json"
DAY_SECS = 86_400.0

BTC = Instrument("XBTUSD", "XBT", "USD", tick_size="0.010")
ETH = Instrument("ETHUSD", "ETH", "USD", active=False)


@asynccontextmanager
async def keeping(files: Files, offload: Offload | None = None) -> AsyncIterator[Listings]:
    """A keeper at work."""
    keeper = Listings(files, offload or StallingOffload(), VirtualClock(), RULES)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keeper.run)
        yield keeper
        nursery.cancel_scope.cancel()


def on_disk(files: Files, path: str = TODAY) -> SavedInstruments:
    return decode(files.read(path))


def active(saved: SavedInstruments) -> dict[str, bool]:
    return {each.symbol: each.active for each in saved.instruments}


@pytest.fixture
def warnings() -> Iterator[Callable[[], list[str]]]:
    """The events that were logged as warnings since."""
    with structlog.testing.capture_logs() as logs:
        yield lambda: [each["event"] for each in logs if each["log_level"] == "warning"]


async def test_a_listing_is_written(autojump_clock: trio.testing.MockClock) -> None:
    """What is listed under normal names, when it was heard, and what the tables can prove."""
    files = MemoryFiles()
    async with keeping(files) as keeper:
        keeper.tell(VENUE, [BTC, ETH])
        await wait_all_tasks_blocked()
    saved = on_disk(files)
    assert (saved.exchange, saved.read_ns) == (VENUE.name, NOON_NS)
    assert saved.proofs == VENUE.proofs
    assert {each.name: each.tick_size for each in saved.instruments} == {
        "BTC-USD": "0.01",
        "ETH-USD": "",
    }
    assert active(saved) == {"XBTUSD": True, "ETHUSD": False}


async def test_nothing_new_is_not_written(autojump_clock: trio.testing.MockClock) -> None:
    """A listing every few seconds costs no disk."""
    files = MemoryFiles()
    async with keeping(files) as keeper:
        keeper.tell(VENUE, [BTC])
        await wait_all_tasks_blocked()
        operations = files.operations
        await trio.sleep(5)
        keeper.tell(VENUE, [BTC])
        await wait_all_tasks_blocked()
        assert files.operations == operations
    assert on_disk(files).read_ns == NOON_NS


async def test_what_changes_within_a_day(autojump_clock: trio.testing.MockClock) -> None:
    """What is no longer listed stays in the file of the day, not active."""
    files = MemoryFiles()
    async with keeping(files) as keeper:
        keeper.tell(VENUE, [BTC])
        await wait_all_tasks_blocked()
        await trio.sleep(5)
        keeper.tell(VENUE, [Instrument("NEWUSD", "NEW", "USD")])
        await wait_all_tasks_blocked()
    saved = on_disk(files)
    assert active(saved) == {"XBTUSD": False, "NEWUSD": True}
    assert saved.read_ns == NOON_NS + 5 * 10**9


async def test_each_day_has_its_own_file(autojump_clock: trio.testing.MockClock) -> None:
    """Also when nothing changes; what was gone before is in no later file."""
    files = MemoryFiles()
    async with keeping(files) as keeper:
        keeper.tell(VENUE, [BTC, ETH])
        await wait_all_tasks_blocked()
        keeper.tell(VENUE, [BTC])
        await wait_all_tasks_blocked()
        await trio.sleep(DAY_SECS)
        keeper.tell(VENUE, [BTC])
        await wait_all_tasks_blocked()
    assert active(on_disk(files, TODAY)) == {"XBTUSD": True, "ETHUSD": False}
    assert active(on_disk(files, TOMORROW)) == {"XBTUSD": True}


async def test_a_restart_goes_on_with_the_file(autojump_clock: trio.testing.MockClock) -> None:
    """It says the same: nothing is written.  It says more: what it said is not lost."""
    files = MemoryFiles()
    async with keeping(files) as keeper:
        keeper.tell(VENUE, [BTC])
        await wait_all_tasks_blocked()
    before = files.read(TODAY)
    async with keeping(files) as keeper:
        keeper.tell(VENUE, [BTC])
        await wait_all_tasks_blocked()
    assert files.read(TODAY) == before
    async with keeping(files) as keeper:
        keeper.tell(VENUE, [ETH])
        await wait_all_tasks_blocked()
    assert active(on_disk(files)) == {"XBTUSD": False, "ETHUSD": False}


async def test_exchanges_are_apart(autojump_clock: trio.testing.MockClock) -> None:
    """Each has its own file, and its own rules."""
    files = MemoryFiles()
    async with keeping(files) as keeper:
        keeper.tell(VENUE, [BTC])
        keeper.tell(OTHER, [BTC])
        await wait_all_tasks_blocked()
    assert [each.name for each in on_disk(files).instruments] == ["BTC-USD"]
    other = on_disk(files, f"{OTHER.name}/instruments.22.09.26.json")
    assert [each.name for each in other.instruments] == ["XBT-USD"]


async def test_of_what_waits_only_the_newest_is_written(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A disk that hangs makes nobody wait and fills no memory."""
    files, offload = MemoryFiles(), StallingOffload()
    offload.stall()
    async with keeping(files, offload) as keeper:
        keeper.tell(VENUE, [BTC])
        await wait_all_tasks_blocked()
        for number in range(100):
            keeper.tell(VENUE, [Instrument(f"S{number}")])
            assert len(keeper._waiting) == 1
        assert files.contents == {}
        offload.resume()
        await wait_all_tasks_blocked()
    assert active(on_disk(files)) == {"XBTUSD": False, "S99": True}


async def test_a_failed_write_is_tried_again_with_a_later_listing(
    autojump_clock: trio.testing.MockClock, warnings: Callable[[], list[str]]
) -> None:
    """Not with each: a full disk stays full for a while.  Nobody else hears of it."""
    disk = SimDisk()
    disk.fail("replace", number=errno.ENOSPC)
    async with keeping(disk) as keeper:
        keeper.tell(VENUE, [BTC])
        await wait_all_tasks_blocked()
        assert warnings() == ["listing_not_saved"]
        operations = disk.operations
        for _ in range(int(RETRY_SECS / 5) - 1):
            await trio.sleep(5)
            keeper.tell(VENUE, [BTC])
            await wait_all_tasks_blocked()
        assert disk.operations == operations
        disk.heal()
        await trio.sleep(5)
        keeper.tell(VENUE, [BTC])
        await wait_all_tasks_blocked()
        assert active(on_disk(disk)) == {"XBTUSD": True}
    assert warnings() == ["listing_not_saved"]


async def test_a_damaged_file_is_replaced(
    autojump_clock: trio.testing.MockClock, warnings: Callable[[], list[str]]
) -> None:
    """And that it was is said."""
    files = MemoryFiles()
    files.append(TODAY, b'{"format":1')
    async with keeping(files) as keeper:
        keeper.tell(VENUE, [BTC])
        await wait_all_tasks_blocked()
    assert active(on_disk(files)) == {"XBTUSD": True}
    assert warnings() == ["listing_file_replaced"]


async def test_a_day_that_has_no_name_stops_nothing(
    autojump_clock: trio.testing.MockClock, warnings: Callable[[], list[str]]
) -> None:
    """A machine's clock may be set to anything."""
    files, clock = MemoryFiles(), VirtualClock(start_ns=-1)
    keeper = Listings(files, StallingOffload(), clock, RULES)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keeper.run)
        keeper.tell(VENUE, [BTC])
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert files.contents == {}
    assert warnings() == ["listing_not_saved"]


@pytest.mark.parametrize("seed", range(20))
async def test_a_power_cut_leaves_a_whole_file(
    seed: int, autojump_clock: trio.testing.MockClock
) -> None:
    """The one before or the one after."""
    disk = SimDisk(Random(seed))
    async with keeping(disk) as keeper:
        keeper.tell(VENUE, [BTC])
        await wait_all_tasks_blocked()
        disk.sync()
        keeper.tell(VENUE, [BTC, ETH])
        await wait_all_tasks_blocked()
    disk.crash(Random(seed))
    assert active(on_disk(disk)) in ({"XBTUSD": True}, {"XBTUSD": True, "ETHUSD": False})
