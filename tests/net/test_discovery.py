"""When the listing is asked for, where it comes by REST."""

from __future__ import annotations

from random import Random

import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from tests.fakes.clock import VirtualClock
from tests.net.bench import Bench
from tests.net.played import PlayedDial, venue_on
from tick_logger.model.instruments import Instrument
from tick_logger.net.backoff import Backoff
from tick_logger.net.discovery import RETRY_SECS, Discovery
from tick_logger.net.pace import SpacingGate


async def test_a_first_listing_of_nothing_is_asked_for_again_soon(
    autojump_clock: MockClock,
) -> None:
    """A venue at maintenance may answer so; nothing is recorded meanwhile, and that is said."""
    bench, dial = Bench(), PlayedDial(VirtualClock(), symbols=())
    delivered: list[tuple[float, tuple[Instrument, ...]]] = []
    began = trio.current_time()
    discovery = Discovery(
        venue_on(bench, dial),
        "http://localhost",
        lambda listing: delivered.append((trio.current_time() - began, listing)),
        SpacingGate(1.0),
        Backoff(1.0, 60.0, Random(0)),
    )
    with capture_logs() as lines:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(discovery.run)
            await trio.sleep(1.5 * RETRY_SECS)
            dial.symbols = ("BTC",)
            await trio.sleep(RETRY_SECS)
            nursery.cancel_scope.cancel()
    assert delivered == [(2 * RETRY_SECS, (Instrument("BTC"),))]
    assert [line["event"] for line in lines] == ["listing_empty", "listing_empty", "listing"]
