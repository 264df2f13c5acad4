"""Puts together what tells somebody that something is wrong with this run.

Not here: what is wrong (`ops.alerts`), and how it is posted (`net.wire.posting`).
"""

from __future__ import annotations

import platform

from tick_logger.clock import WallClock
from tick_logger.config.schema import AlertsConfig
from tick_logger.errors import ConfigError
from tick_logger.net.wire.posting import Posting
from tick_logger.ops.alerts.alarm import Alarm
from tick_logger.telemetry.metrics import Metrics
from tick_logger.version import __version__


def alarm_of(config: AlertsConfig, metrics: Metrics, clock: WallClock) -> Alarm | None:
    """Who tells, if somebody is to be told; raises `ConfigError` for an unusable `ca_file`."""
    if not config.webhook:
        return None
    try:
        posting = Posting(config.webhook, ca_file=config.ca_file)
    except ConfigError as error:
        raise ConfigError([(f"alerts.{key}", why) for key, why in error.problems]) from error
    return Alarm(
        metrics=metrics,
        clock=clock,
        post=posting.post,
        machine=platform.node() or "unknown",
        version=__version__,
    )
