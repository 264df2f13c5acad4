"""How long an exchange may go without data before that is worth a word: as it is configured."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from tests.net.running_venue import running
from tests.net.small_venue import TinyVenue
from tick_logger.config.schema import MarketConfig
from tick_logger.model.connections import Patience
from tick_logger.net.venue.leaving import GRACE_SECS


async def test_as_configured_for_the_exchange(autojump_clock: MockClock) -> None:
    """Before there are connections, too; the first data may take longer."""
    times = {"data_timeout_secs": 90.0, "first_data_timeout_secs": 150.0}
    async with running(TinyVenue(), "A", feeds=("trades",), **times) as scene:
        assert scene.venue.patience == Patience(first_secs=150.0, secs=90.0)
        scene.dial.symbols = ()
        await trio.sleep(4 * TinyVenue.profile.listing_interval_secs + GRACE_SECS)
        assert scene.venue.connections() == []
        assert scene.venue.patience == Patience(first_secs=150.0, secs=90.0)


async def test_as_configured_for_its_markets(autojump_clock: MockClock) -> None:
    """A connection has the patience of its most patient symbol, an exchange that of the least
    patient connection: until then nothing says that something is wrong."""
    quiet = MarketConfig(symbols=("A", "B"), data_timeout_secs=600.0)
    one = {"data_timeout_secs": 30.0, "markets": (quiet,), "symbols_per_connection": 2}
    async with running(TinyVenue(), "A", "B", feeds=("trades",), **one) as scene:
        assert scene.venue.patience == Patience(first_secs=600.0, secs=600.0)
    async with running(TinyVenue(), "A", "B", "C", feeds=("trades",), **one) as scene:
        assert scene.venue.patience == Patience(first_secs=120.0, secs=30.0)
