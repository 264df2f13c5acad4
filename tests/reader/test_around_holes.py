"""What is on disk around a hole, told by the files alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS
from tests.fakes.memory_files import MemoryFiles
from tests.reader.recorded import Recorder
from tests.service.oracle import rows
from tests.service.world import running, venue
from tests.storage.sample import DAY
from tick_logger.model.surroundings import Surroundings
from tick_logger.model.tables import Table
from tick_logger.reader.around_holes import MOST_AROUND, open_holes, surroundings
from tick_logger.storage.disk_files import DiskFiles

SECOND = 10**9
DAYS = range(NOON_NS // (86_400 * SECOND) - 1, NOON_NS // (86_400 * SECOND) + 2)


async def test_the_trades_on_both_sides_of_a_cut(autojump_clock: MockClock) -> None:
    """The last ones received before it, the first ones after it, by the columns themselves."""
    slow = {"reconnect_initial_secs": 30.0}
    busy = venue("binance", 1, feeds=("trades",), config=slow)
    async with running(busy) as world:
        await world.until(20.123)
        world.exchange.cut_all(abrupt=True)
        await world.until(21.123)
        world.exchange.cut_all(abrupt=True)  # it has come back at once, and waits now
        await world.until(60.123)
        assert await world.stop() == 0
        (symbol,) = world.exchange.truth.symbols()
        (hole,) = open_holes(world.files, "binance", symbol, 5, DAYS)
        assert hole.instrument == 5
        assert hole.from_ns is not None
        assert hole.to_ns is not None
        found = surroundings(world.files, "binance", symbol, hole.from_ns, hole.to_ns)
        part = rows(world.files, "binance", symbol, "TRADES")
        ids, recv = part["trade_id"], part.recv_ns
        before = ids[recv <= hole.from_ns][-MOST_AROUND:].tolist()
        assert [each.id for each in found.before] == before
        assert [each.id for each in found.after] == ids[recv >= hole.to_ns][:MOST_AROUND].tolist()
        assert found.before[-1].id + 1 == hole.from_id
        assert found.after[0].id - 1 == hole.to_id
        assert found.within == frozenset()


@pytest.mark.parametrize(
    ("until", "before", "after", "within"),
    [
        (0, [1, 2], [6, 7], {3, 4, 5}),  # each of these may have come before it, or behind it
        (1, [1, 2, 3, 4, 5], [6, 7], set()),
    ],
)
def test_what_came_at_the_moment_of_a_hole_is_on_neither_side(
    tmp_path: Path, until: int, before: list[int], after: list[int], within: set[int]
) -> None:
    """As after a crash, if the clock was set back and goes on from what was recorded last."""
    start, moment = DAY * 86_400 * SECOND, DAY * 86_400 * SECOND + 9 * SECOND
    receipts = {1: -2, 2: -1, 3: 0, 4: 0, 5: 0, 6: 1, 7: 2}
    trades = [
        {"seq": n, "event_ns": start + n, "recv_ns": moment + ns} for n, ns in receipts.items()
    ]
    Recorder(tmp_path).write(Table.TRADES, trades)
    found = surroundings(DiskFiles(tmp_path), "venue", "BTC-USD", moment, moment + until)
    assert [each.id for each in found.before] == before
    assert [each.id for each in found.after] == after
    assert found.within == within
    assert found.known == {*receipts}


@pytest.mark.parametrize("days", [-400, 0, 400])
def test_where_nothing_is_recorded_nothing_is_around(days: int) -> None:
    at_ns = NOON_NS + days * 86_400 * SECOND
    assert surroundings(MemoryFiles(), "x", "y", at_ns, at_ns + SECOND) == Surroundings()
    assert open_holes(MemoryFiles(), "x", "y", 0, DAYS) == []
