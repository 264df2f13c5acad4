"""A flood at one exchange costs the others nothing: each has a part of the buffer to itself."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from tests.fakes.offload import StallingOffload
from tests.service.oracle import check, gaps
from tests.service.world import running, venue
from tick_logger.simulator.registry import DIALECTS

STALL_SECS = 40.0
QUIET = {"messages_per_second": 2.0}
BUSY = {"messages_per_second": 400.0}


@pytest.mark.parametrize("flooded", ["binance", "coinbase", "kraken"])
async def test_a_flood_at_one_of_eight_exchanges(flooded: str, autojump_clock: MockClock) -> None:
    """While the disk does not answer it fills the common part, and is given up; no other is."""
    venues = [
        venue(name, 1, feeds=("trades",), simulated=BUSY if name == flooded else QUIET)
        for name in sorted(DIALECTS)
    ]
    assert len(venues) == 8
    offload = StallingOffload()
    async with running(*venues, offload=offload, logger={"buffer_limit_mib": 1}) as world:
        await world.until(10.0)
        offload.stall()
        await world.until(10.0 + STALL_SECS)
        budget = world.service._resources.budget
        assert budget.limit_bytes * 3 // 4 < budget.taken_bytes <= budget.limit_bytes
        offload.resume()
        await world.until(20.123 + STALL_SECS)
    dropped = {
        name: world.metric("messages_dropped_total", exchange=name) for name in sorted(DIALECTS)
    }
    assert dropped.pop(flooded) > 2_000
    assert set(dropped.values()) == {0}
    check(world)
    for name, exchange in world.exchanges.items():
        for symbol in exchange.truth.symbols():
            causes = {gap["cause"] for gap in gaps(world.files, name, symbol, "TRADES")}
            assert ("overflow" in causes) == (name == flooded)
