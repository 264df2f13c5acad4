"""Counts and says what the venue concluded about subscriptions, in a few lines of each kind."""

from __future__ import annotations

from collections.abc import Sequence

from structlog.typing import FilteringBoundLogger

from tick_logger.exchanges.base import Subscription
from tick_logger.net.connection.states import Settled
from tick_logger.telemetry.exchange_metrics import ExchangeMetrics
from tick_logger.telemetry.logs import first_few

MOST_REFUSED_IN_LOG = 20
"""So many that are refused at once have a line each; a feed may be refused for thousands."""


def report(settled: Settled, metrics: ExchangeMetrics, log: FilteringBoundLogger) -> None:
    """What was asked for again, postponed, or refused; what is live needs no words."""
    if settled.retried:
        metrics.ack_retries.inc(len(settled.retried))
        log.warning("subscription_retried", subscriptions=named(settled.retried))
    if settled.postponed:
        metrics.subscriptions_postponed.inc(len(settled.postponed))
        log.warning(
            "subscriptions_postponed",
            subscriptions=named([sub for sub, _ in settled.postponed]),
            reason=settled.postponed[0][1],
            after_secs=round(settled.wait_secs, 2),
        )
    metrics.subscriptions_refused.inc(len(settled.refused))
    for sub, reason in settled.refused[:MOST_REFUSED_IN_LOG]:
        log.error("subscription_refused", symbol=sub.symbol, feed=sub.feed, reason=reason)
    if len(settled.refused) > MOST_REFUSED_IN_LOG:
        others = settled.refused[MOST_REFUSED_IN_LOG:]
        log.error(
            "subscriptions_refused",
            subscriptions=named([sub for sub, _ in others]),
            reason=others[0][1],
        )


def named(subscriptions: Sequence[Subscription]) -> list[str]:
    """Subscriptions for a log line."""
    return first_few([f"{sub.symbol} {sub.feed}" for sub in subscriptions])
