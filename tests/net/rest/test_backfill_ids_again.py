"""Holes of venues whose ids begin again: what is missing is known by its id and its time."""

from __future__ import annotations

import attrs
import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from tests.net.rest.filling import filling
from tick_logger.model.surroundings import KnownTrades, Trade


@pytest.mark.parametrize("name", ["bybit", "bybit_linear", "kraken", "upbit"])
async def test_trades_with_ids_that_others_had_are_filled(
    name: str, autojump_clock: MockClock
) -> None:
    """Ids begin again: a trade on disk with the id of a missing one, an hour older, is another."""
    async with filling(name) as scene:
        end = len(scene.trades())
        hole = scene.times(end - 40, end - 37)
        around = scene.disk.known[hole]
        missing = scene.trades()[end - 40 : end - 36]
        others = tuple(Trade(each.trade_id, each.event_ns - 3600 * 10**9) for each in missing)
        within = KnownTrades.of([missing[0].trade_id], [missing[0].event_ns + 10**6])
        scene.disk.known[hole] = attrs.evolve(
            around, before=(*others, *around.before), within=within
        )
        scene.filler.offer(hole)
        await trio.sleep(20.0)
        assert sorted(scene.put()) == sorted(scene.expected(end - 39, end - 37))  # one is known
        assert scene.healed() == ["rest"]


async def test_a_page_with_ids_of_trades_before_a_hole_does_not_reach_back_to_them(
    autojump_clock: MockClock,
) -> None:
    """Those on the page are others, to which ids were given again: nothing is healed."""
    async with filling("bybit") as scene:
        hole = scene.times(100, 103)
        around = scene.disk.known[hole]
        newest = scene.trades()[-len(around.before) :]
        pairs = zip(around.before, newest, strict=True)
        before = tuple(attrs.evolve(each, id=other.trade_id) for each, other in pairs)
        scene.disk.known[hole] = attrs.evolve(around, before=before)
        with capture_logs() as logs:
            scene.filler.offer(hole)
            await trio.sleep(10.0)
        assert [line["event"] for line in logs] == ["backfill_left"]
        assert scene.healed() == []


@pytest.mark.parametrize("begun", [False, True])
async def test_ids_that_begin_again_within_a_hole_leave_it_open(
    begun: bool, autojump_clock: MockClock
) -> None:
    """They have come beyond the last id before it, and others of theirs are not asked for."""
    async with filling("kraken") as scene:
        hole = scene.times(100, 109)
        around, missing = scene.disk.known[hole], scene.trades()[100:110]
        if begun:  # those before it have had the ids up to that of the fourth trade in it
            lead = missing[3].trade_id - around.before[-1].id
            before = tuple(attrs.evolve(each, id=each.id + lead) for each in around.before)
            scene.disk.known[hole] = attrs.evolve(around, before=before)
        with capture_logs() as logs:
            scene.filler.offer(hole)
            await trio.sleep(20.0)
        assert scene.healed() == ([] if begun else ["rest"])
        assert [line["event"] for line in logs] == (["backfill_left"] if begun else ["backfilled"])
