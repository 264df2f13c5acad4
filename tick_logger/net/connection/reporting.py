"""Counts and says what the venue concluded about subscriptions, and what became of books.

A few lines of each kind, however many there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from structlog.typing import FilteringBoundLogger

from tick_logger.exchanges.base import Subscription
from tick_logger.net.connection.following import Judgement
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


def report_begun_anew(
    symbols: Sequence[str], metrics: ExchangeMetrics, log: FilteringBoundLogger
) -> None:
    """Broken books whose turn has come, if there are any."""
    if not symbols:
        return
    metrics.book_resyncs.inc(len(symbols))
    log.warning("books_begin_anew", symbols=first_few(symbols))


def report_without_snapshot(
    symbols: Sequence[str], metrics: ExchangeMetrics, log: FilteringBoundLogger
) -> None:
    """Books whose snapshot is overdue, if there are any."""
    if not symbols:
        return
    metrics.book_snapshots_missing.inc(len(symbols))
    log.warning(
        "books_without_snapshot",
        symbols=first_few(symbols),
        explanation="they were acknowledged, and the snapshot that each must begin with "
        "has not come; what came of them since is recorded, but is no book",
    )


def count_judged(judged: Counter[Judgement], metrics: ExchangeMetrics) -> None:
    """What messages were found to be; it is taken out of `judged`."""
    if judged:
        metrics.sequence_breaks.inc(judged[Judgement.GAP])
        metrics.sequence_resets.inc(judged[Judgement.RESET])
        metrics.out_of_order.inc(judged[Judgement.OUT_OF_ORDER])
        metrics.sequence_duplicates.inc(judged[Judgement.DUPLICATE])
        judged.clear()


def named(subscriptions: Sequence[Subscription]) -> list[str]:
    """Subscriptions for a log line."""
    return first_few([f"{sub.symbol} {sub.feed}" for sub in subscriptions])
