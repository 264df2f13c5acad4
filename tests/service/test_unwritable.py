"""One symbol that has no place on the disk, at each venue: what it costs, and what is said."""

from __future__ import annotations

import errno
import json

from trio.testing import MockClock

from tests.fakes.sim_disk import SimDisk
from tests.service.each_venue import at_each_venue
from tests.service.lives import lives
from tests.service.oracle import gaps, rows
from tests.service.world import Venue, running, venue
from tick_logger.simulator.registry import DIALECTS
from tick_logger.storage.names import folder_of


def small(name: str) -> Venue:
    return venue(name, 2, feeds=("trades", "orderbook"))


def symbols(name: str) -> tuple[str, str]:
    first, second = DIALECTS[name].symbols[:2]
    return first, second


@at_each_venue(1)
async def test_a_folder_that_cannot_be_written(name: str, autojump_clock: MockClock) -> None:
    """Readiness names it; the other symbol is recorded; once it can be written it goes on.

    Its book does with the next snapshot, so that rows in the order of the file are a book.
    """
    barred, other = symbols(name)
    disk = SimDisk()
    disk.fail(number=errno.EACCES, path=f"{name}/{folder_of(barred)}/*")
    async with running(small(name), files=disk) as world:
        await world.until(40.0)
        assert world.metric("streams_unwritable") >= 2
        assert world.metric("rows_unwritten_total") > 10
        line = world.said("not_ready", component="streams")[-1]
        assert f"{name}/{folder_of(barred)}/TRADES (" in line["reason"]
        assert len(rows(disk, name, other, "TRADES")["trade_id"]) > 5
        untold = [json.loads(each) for each in _untold(disk).splitlines()]
        assert {each["symbol"] for each in untold} == {barred}
        disk.heal()
        await world.until(110.0)
        world.exchange.cut_all(abrupt=True)  # then books begin anew, without which they wait
        await world.until(200.0)
        assert world.metric("streams_unwritable") == 0
        assert world.said("ready", component="streams")
    assert world.code == 0
    (last,) = world.said("stopped")
    assert last["rows_unwritten"] > 10
    assert f"{last['rows_unwritten']:,} rows have no place that can be written" in last["outcome"]
    assert len(rows(disk, name, barred, "TRADES")["trade_id"]) > 5
    assert rows(disk, name, barred, "BOOK")["flags"][0] == 1
    assert "unwritable" in {gap["cause"] for gap in gaps(disk, name, barred, "TRADES")}
    assert "unwritable" not in {gap["cause"] for gap in gaps(disk, name, other, "TRADES")}


async def test_every_start_goes_on_beside_it(autojump_clock: MockClock) -> None:
    """Killed or stopped, and with damage accepted or not."""
    barred, other = symbols("okx")
    disk = SimDisk()
    disk.fail(number=errno.ENOTDIR, path=f"okx/{folder_of(barred)}/*")
    counts = [0]
    async with lives(small("okx"), disk=disk) as story:
        for number in range(3):
            world = await story.begin()
            await world.until(20.0)
            assert await world.stop() == 0, number
            counts.append(len(rows(disk, "okx", other, "TRADES")["trade_id"]))
    assert counts == sorted(set(counts))


def _untold(disk: SimDisk) -> bytes:
    return b"".join(
        bytes(data) for path, data in disk.contents.items() if path.startswith("unwritten.")
    )
