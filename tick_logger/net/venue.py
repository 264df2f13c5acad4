"""What the connections of one exchange share."""

from __future__ import annotations

from random import Random

import attrs

from tick_logger.clock import WallClock
from tick_logger.exchanges.base import Exchange
from tick_logger.model.instruments import Instruments
from tick_logger.net.dial import Dial
from tick_logger.net.intake import Intake
from tick_logger.net.snapshots import SnapshotFetcher
from tick_logger.ops.metrics import ExchangeMetrics


@attrs.frozen(kw_only=True, eq=False)
class Venue:
    """What all connections of one exchange share."""

    exchange: Exchange
    ws_endpoint: str
    instruments: Instruments
    dial: Dial
    clock: WallClock
    intake: Intake
    metrics: ExchangeMetrics
    snapshots: SnapshotFetcher
    rng: Random


@attrs.frozen(kw_only=True)
class Timeouts:
    """When silence ends a connection, in seconds without market data."""

    first_data_secs: float
    data_secs: float
