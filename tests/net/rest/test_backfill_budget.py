"""How often a simulated venue is asked about holes: by the minute, by the second, after a pause."""

from __future__ import annotations

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from tests.net.rest.filling import filling, wrong
from tick_logger.exchanges import registry


async def test_the_budget_is_half_of_what_the_venue_allows(autojump_clock: MockClock) -> None:
    """In any minute, with as many holes as there is room for."""
    profile = registry.get("okx").profile
    trades = registry.get("okx").trades_by_rest
    assert trades is not None
    async with filling("okx", rate=300.0) as scene:
        for first in range(100, 5000, 6):
            scene.filler.offer(scene.ids(first, first + 1))
        wrong(scene, empty_probability=1.0)
        began = trio.current_time()
        await trio.sleep(150.0)
        times = scene.requests
        assert times[0] >= began
        most = max(sum(each <= later < each + 60.0 for later in times) for each in times)
        assert most == profile.rest_weight_per_minute // 2 // trades.weight


@pytest.mark.parametrize("name", ["okx", "kraken"])
async def test_a_pause_moves_the_budget(name: str, autojump_clock: MockClock) -> None:
    """A request that was held back by it counts when it is made: by the minute, by the second."""
    exchange = registry.get(name)
    trades = exchange.trades_by_rest
    assert trades is not None
    async with filling(name, rate=300.0) as scene:
        for first in range(100, 5000, 6):
            scene.filler.offer(scene.ids(first, first + 1))
        wrong(scene, empty_probability=1.0)
        await trio.sleep(5.0)
        scene.address.requests.close_until(trio.current_time() + 30.0)
        await trio.sleep(120.0)
        times = scene.requests
    most = max(sum(each <= later < each + 60.0 for later in times) for each in times)
    assert most == exchange.profile.rest_weight_per_minute // 2 // trades.weight
    least = min(later - each for each, later in pairwise(times))
    assert round(least, 9) >= trades.spacing_secs  # sums of floats


async def test_a_venue_that_counts_by_the_second_is_asked_once_in_each(
    autojump_clock: MockClock,
) -> None:
    """However much of its minute is left."""
    async with filling("kraken", rate=50.0) as scene:
        for first in range(100, 400, 30):
            scene.filler.offer(scene.ids(first, first + 1))
        wrong(scene, empty_probability=1.0)
        await trio.sleep(60.0)
        times = scene.requests
    assert len(times) > 10
    assert min(later - each for each, later in pairwise(times)) >= 1.0
