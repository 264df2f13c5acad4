"""What is on disk around a hole, told by the files alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS
from tests.fakes.memory_files import MemoryFiles
from tests.reader.recorded import Recorder
from tests.service.oracle import date, rows
from tests.service.world import running, venue
from tests.storage.sample import DAY
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
        assert len(found.within) == 0


class CountedFiles(MemoryFiles):
    """Says how much of it was read."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes_read = 0

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `Files`."""
        found = super().read(path, offset, length)
        self.bytes_read += len(found)
        return found


def busy_day(rng: np.random.Generator, count: int) -> tuple[CountedFiles, dict[str, np.ndarray]]:
    """A day of so many trades in the order of their event times, received up to a second later."""
    start_ns = NOON_NS - 43_200 * SECOND
    event_ns = start_ns + np.sort(rng.integers(0, 86_399 * SECOND, count))
    recv_ns = event_ns + rng.integers(10**6, SECOND, count)
    columns = {
        "trade_id": np.arange(1, count + 1, dtype="<u8"),
        "trade_price": np.ones(count, "<f4"),
        "trade_size": np.ones(count, "<f4"),
        "trade_side": np.zeros(count, "<u4"),
        "maker_order_id": np.zeros(count, "V16"),
        "taker_order_id": np.zeros(count, "V16"),
        "recv_time": (recv_ns // SECOND).astype("<u4"),
        "recv_nanos": (recv_ns % SECOND).astype("<u4"),
        "trade_nanos": (event_ns % SECOND).astype("<u4"),
        "trade_time": (event_ns // SECOND).astype("<u4"),
    }
    files = CountedFiles()
    for name, column in columns.items():
        files.append(f"x/y/TRADES/{name}.{date(NOON_NS)}.bin", column.tobytes())
    return files, {"id": columns["trade_id"], "recv_ns": recv_ns}


@pytest.mark.parametrize("place", [0.0, 0.001, 0.3, 0.7, 0.999, 1.0])
def test_only_a_window_of_a_busy_day_is_read(place: float) -> None:
    """And what is told is what all of the day would tell."""
    count = 200_000
    files, day = busy_day(np.random.default_rng(7), count)
    from_ns = int(np.quantile(day["recv_ns"], place)) - 3 * SECOND
    to_ns = from_ns + 6 * SECOND
    found = surroundings(files, "x", "y", from_ns, to_ns)
    before = np.flatnonzero(day["recv_ns"] <= from_ns)[-MOST_AROUND:]
    begin = int(before[-1]) if len(before) else -1
    after = np.flatnonzero((day["recv_ns"] >= to_ns) & (np.arange(count) > begin))[:MOST_AROUND]
    end = int(after[0]) if len(after) else count
    assert [each.id for each in found.before] == day["id"][before].tolist()
    assert [each.id for each in found.after] == day["id"][after].tolist()
    assert set(found.within.ids.tolist()) == set(day["id"][begin + 1 : end].tolist())
    assert files.bytes_read < 24 * count / 50


def test_the_newer_of_two_times_with_one_label_counts() -> None:
    """A clock that was set back between two processes gives such labels."""
    files, day = busy_day(np.random.default_rng(7), 50_000)
    content = files.contents[f"x/y/TRADES/recv_time.{date(NOON_NS)}.bin"]
    labels = np.frombuffer(bytes(content), "<u4").copy()
    labels[25_000:] -= 43_200  # as if it were the first half of the day once more
    content[:] = labels.tobytes()
    recv_ns = day["recv_ns"].copy()
    recv_ns[25_000:] -= 43_200 * SECOND
    from_ns = int(recv_ns[24_000])
    found = surroundings(files, "x", "y", from_ns, from_ns + SECOND)
    before = np.flatnonzero(recv_ns <= from_ns)[-MOST_AROUND:]
    assert [each.id for each in found.before] == day["id"][before].tolist()


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
    assert set(found.within.ids.tolist()) == within
    assert set(found.known.ids.tolist()) == {*receipts}


@pytest.mark.parametrize("days", [-400, 0, 400])
def test_where_nothing_is_recorded_nothing_is_around(days: int) -> None:
    at_ns = NOON_NS + days * 86_400 * SECOND
    found = surroundings(MemoryFiles(), "x", "y", at_ns, at_ns + SECOND)
    assert (found.before, found.after, len(found.known)) == ((), (), 0)
    assert open_holes(MemoryFiles(), "x", "y", 0, DAYS) == []
