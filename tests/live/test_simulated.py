"""The live tests' own look, at simulated exchanges: so it is known to work where there are none."""

from __future__ import annotations

import pytest

from tests.doctor.looked import configured, simulator
from tests.live.asked import assert_it_can_be_recorded
from tick_logger.simulator.registry import DIALECTS


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(DIALECTS))
async def test_a_simulated_exchange_can_be_recorded(name: str) -> None:
    """All feeds that it has, over real sockets."""
    async with simulator(name) as (_, place):
        await assert_it_can_be_recorded(name, configured(name, place))


async def test_a_look_that_finds_nothing_fails() -> None:
    """Or a test of it could not fail."""
    with pytest.raises(AssertionError, match="Connection refused"):
        await assert_it_can_be_recorded("coinbase", configured("coinbase", "ws://127.0.0.1:1"))
