"""The whole service asks for minute candles: what they show that nothing else does."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS
from tests.service.world import World, running, venue
from tick_logger.archive.certificate import Certificate, newest
from tick_logger.archive.verifying import check_certificates
from tick_logger.config.schema import ArchiveConfig
from tick_logger.model.times import NS_PER_DAY, day_of
from tick_logger.reader.column_files import ColumnFiles
from tick_logger.reader.places import OwnPlaces
from tick_logger.reader.tree import FilesTree
from tick_logger.simulator.faults import Faults
from tick_logger.verify.recording import verify_recording

DAY = day_of(NOON_NS)
MIDNIGHT_NS = (DAY + 1) * NS_PER_DAY
ASKING = {"backfill": True}
SLOW = {"messages_per_second": 2.0, "step_secs": 1.0}
BEFORE_SECS, AFTER_SECS = 300.0, 720.0
SEALED_SECS = BEFORE_SECS + AFTER_SECS + 130.0


def of_day(world: World) -> Certificate:
    """The newest certificate of the day that has ended."""
    found = newest(world.files, world.exchange.name, DAY)
    assert found is not None, world.said("day_not_certified")
    return found


@pytest.mark.parametrize("name", ["bybit", "binance"])
async def test_a_trade_that_is_lost_silently_is_caught_by_its_candle(
    name: str, autojump_clock: MockClock
) -> None:
    """The venue does not know, ids do not show it, no hole is recorded; the candle lacks it.

    Where ids rise by one the hole is found, and healed; then candles agree.
    """
    what = venue(name, 1, feeds=("trades",), simulated=SLOW, config=ASKING)
    after = ArchiveConfig(seal_after_secs=AFTER_SECS)
    start_ns = MIDNIGHT_NS - round(BEFORE_SECS * 1e9)
    async with running(what, start_ns=start_ns, archive=after) as world:
        await world.until(130.0)
        world.exchange.set_faults(Faults(lose_probability=1.0))
        await world.until(140.0)
        world.exchange.set_faults(Faults())
        await world.until(SEALED_SECS)
        (symbol,) = world.exchange.truth.symbols()
        found = of_day(world).predicate
        (check,) = found["checks"]
        (stream,) = found["streams"]
        assert stream["holes"] == []
        assert check["symbol"] == symbol
        assert check["minutes"] == 4
        if name == "binance":
            assert (check["what"], check["unequal"]) == ("candles.count", 0)
            assert found["condition"] == "available"
        else:
            assert (check["what"], check["against"]) == ("candles.volume", "venue REST")
            (lacking,) = check["different"]
            assert check["unequal"] == check["less_here"] == 1
            assert lacking["from_ns"] == start_ns + 120 * 10**9
            assert lacking["here"] < lacking["there"]
            assert found["condition"] == "degraded"
            assert stream["condition"] == "available"
            assert world.said("candles_differ", symbol=symbol)
        tree = FilesTree("data", world.files)
        source = ColumnFiles(tree, OwnPlaces(tree))
        assert await world.stop() == 0
        assert [each for each in check_certificates(world.files, source) if each.is_fault] == []
        assert verify_recording(world.files, deep=True).findings == []
