"""Says in the log how a connection ended, or that there was none."""

from __future__ import annotations

from structlog.typing import FilteringBoundLogger

from tick_logger.errors import ConnectionLost
from tick_logger.net.connection.connection import Connection
from tick_logger.net.connection.context import VenueContext
from tick_logger.net.reach import way_of


def say_lost(
    log: FilteringBoundLogger, venue: VenueContext, connection: Connection, lost: ConnectionLost
) -> None:
    """A line with the reason; what never was connected was not lost, and is counted as such."""
    said = {"cause": lost.ending.value, "reason": str(lost)}
    if connection.connected_at is None:
        venue.metrics.connect_failures[lost.step].inc()
        log.warning("connect_failed", **said, **venue.reach.explained(way_of(connection.label)))
    else:
        log.warning("connection_lost", **said)
