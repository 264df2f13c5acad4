"""Real exchanges, over the network: `scripts/test -m live` runs these, and nothing else does."""

from __future__ import annotations

import pytest

from tests.live.asked import assert_it_can_be_recorded
from tick_logger.config.schema import ExchangeConfig
from tick_logger.exchanges import registry

pytestmark = pytest.mark.live


@pytest.mark.parametrize("name", registry.available())
async def test_a_real_exchange_can_be_recorded(name: str) -> None:
    """All feeds that it has, of the symbols that are traded most."""
    exchange = registry.get(name)
    config = ExchangeConfig(
        ws_endpoint=exchange.ws_endpoint,
        rest_endpoint=exchange.rest_endpoint,
        feeds=tuple(sorted(exchange.feeds)),
        connects_per_second=exchange.profile.connects_per_second,
    )
    await assert_it_can_be_recorded(name, config)
