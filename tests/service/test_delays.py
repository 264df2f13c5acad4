"""The histogram of delays is about live rows: what a venue repeats is old by nature."""

from __future__ import annotations

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.service.world import running, venue
from tick_logger.exchanges import registry
from tick_logger.simulator.registry import DIALECTS

LATE_SECS = 5.0
"""Nothing in this world is on its way for so long."""


@pytest.mark.parametrize("name", sorted(DIALECTS))
async def test_what_is_repeated_is_not_late(name: str, autojump_clock: MockClock) -> None:
    """At the start, after a reconnect, and as a sign of life where little happens."""
    feeds = tuple(sorted(registry.get(name).feeds))
    quiet = {"messages_per_second": 0.5}
    async with running(venue(name, 4, feeds=feeds, simulated=quiet)) as world:
        await world.until(60)
        (recorded,) = world.service.venues.values()
        for share in list(recorded.shares()):
            for connection in share._connections:
                connection.cancel("the test wants another")
        await trio.sleep(120)
        latency = world.service.metrics.exchange(name).latency
    late = latency.counts[np.append(latency.bounds, np.inf) > LATE_SECS]
    assert latency.counts.sum() > 10
    assert late.sum() == 0, latency.counts
