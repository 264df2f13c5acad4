"""A dial whose poller somebody else runs, as the service does for all exchanges."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from tick_logger.clock import SystemClock
from tick_logger.net.wire.dial import NetworkDial
from tick_logger.net.wire.poller import Poller
from tick_logger.net.wire.receive_times import ReceiveTimes


@asynccontextmanager
async def polled(coalesce_secs: float = 0.0) -> AsyncIterator[NetworkDial]:
    """One with the machine's clock."""
    clock = SystemClock()
    poller = Poller(ReceiveTimes(clock, clock), coalesce_secs)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(poller.run)
        async with NetworkDial(clock, poller=poller) as dial:
            yield dial
        nursery.cancel_scope.cancel()
