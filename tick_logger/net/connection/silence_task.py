"""The task of one connection that acts where a subscription delivers nothing; `silence` says when.

    silent -> subscribed again, on this connection -> still silent -> on another connection

Invariant: what may have been missed in a silence is interrupted, by a mark, before anything is done
about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import trio
from structlog.typing import FilteringBoundLogger

from tick_logger.exchanges.base import Subscription
from tick_logger.model.cause import Cause
from tick_logger.model.marks import Interrupted
from tick_logger.model.tables import FEEDS
from tick_logger.net.connection.context import VenueContext
from tick_logger.net.connection.dialogue import Dialogue
from tick_logger.net.connection.keepalive import Keepalive, sleep_until
from tick_logger.net.connection.reporting import named
from tick_logger.net.connection.silence import CHECK_SECS, SilenceWatch, Steps

MOST_IN_LOG = 10


class SilenceTask:
    """Watches the subscriptions of one connection, by the rhythm of its line.

    `wake` has the subscriber look again; `retire` has the connection replaced.
    """

    def __init__(
        self,
        venue: VenueContext,
        dialogue: Dialogue,
        keepalive: Keepalive,
        log: FilteringBoundLogger,
        *,
        wake: Callable[[], None],
        retire: Callable[[str], None],
    ) -> None:
        self._venue = venue
        self._dialogue = dialogue
        self._keepalive = keepalive  # has the time-outs, which may change
        self._log = log
        self._wake = wake
        self._retire = retire
        self._symbols = venue.instruments.of(venue.exchange.name)
        self.silent = 0
        """How many subscriptions are silent now."""

    async def run(self) -> None:
        """Look at the subscriptions until cancelled."""
        watch = SilenceWatch(
            self._venue.exchange,
            self._symbols,
            self._venue.intake.rhythm(self._dialogue.books.line),
            self._venue.not_greeted,
            trio.current_time(),
        )
        gauge = self._venue.metrics.subscriptions_silent
        try:
            while True:
                await sleep_until(trio.current_time() + CHECK_SECS)
                await self._venue.intake.caught_up()
                steps = watch.look(
                    self._dialogue.wanted,
                    self._dialogue.subscriptions.live,
                    self._keepalive.timeouts,
                    trio.current_time(),
                )
                gauge.inc(len(watch.silent) - self.silent)
                self.silent = len(watch.silent)
                self._take(steps)
        finally:
            gauge.dec(self.silent)

    def _take(self, steps: Steps) -> None:
        if steps.renew:
            self._renew(steps.renew)
        if steps.recovered:
            self._log.info("subscriptions_recovered", subscriptions=named(steps.recovered))
        if steps.move:
            self._log.warning("subscriptions_still_silent", subscriptions=_ages(steps.move))
            self._interrupt(dict(steps.move))  # until the successor has it
            self._retire("subscriptions that were acknowledged stay silent")

    def _renew(self, silent: Sequence[tuple[Subscription, float]]) -> None:
        """Subscribe again; what may have been missed since the last row is interrupted."""
        numbers = self._venue.metrics
        numbers.silent_renewals.inc(len(silent))
        for sub, _ in silent:
            numbers.feeds.silent_renewals[sub.feed].inc()
        self._log.warning(
            "subscriptions_silent",
            subscriptions=_ages(silent),
            explanation="they were acknowledged, and have been silent far longer than is usual "
            "for them; they are subscribed again",
        )
        seconds = dict(silent)
        self._interrupt({sub: seconds.get(sub, 0.0) for sub in self._dialogue.renew(seconds)})
        self._wake()

    def _interrupt(self, silent: Mapping[Subscription, float]) -> None:
        """Tell that rows may be missing since so many seconds."""
        now_ns = self._venue.clock.now_ns()
        for sub, secs in silent.items():
            streams = (self._symbols[sub.symbol],), (FEEDS[sub.feed],)
            since_ns = now_ns - int(secs * 1e9)
            mark = Interrupted(*streams, since_ns, Cause.SILENT, line=self._dialogue.books.line)
            self._venue.intake.mark(mark)


def _ages(silent: Sequence[tuple[Subscription, float]]) -> list[str]:
    shown = [f"{sub.symbol} {sub.feed}: {secs:,.0f} s" for sub, secs in silent[:MOST_IN_LOG]]
    more = len(silent) - len(shown)
    return [*shown, f"and {more} more"] if more else shown
