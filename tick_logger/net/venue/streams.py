"""Tells the pipeline which streams of one exchange are wanted, in order with the data.

A stream that is no longer wanted is retired, so that its silence is no hole.  A stream that moves
to another connection is interrupted until it is granted there.

Invariant: data that came before a change is recorded as it was wanted then, however late it is
decoded.  Not here: which streams those are (`venue`), and who carries them (`share`).
"""

from __future__ import annotations

from collections.abc import Iterable

from structlog.typing import FilteringBoundLogger

from tick_logger.exchanges.base import Subscription
from tick_logger.model.cause import Cause
from tick_logger.model.entries import Defined
from tick_logger.model.marks import Interrupted, Retired
from tick_logger.model.routes import FIRST_LINE, LINES
from tick_logger.model.tables import FEEDS, Table
from tick_logger.net.connection.context import VenueContext
from tick_logger.net.intake.arrivals import Streams, streams_of

MAX_LISTED_IN_LOG = 20


class WantedStreams:
    """The streams of one exchange that are wanted now."""

    def __init__(self, venue: VenueContext, log: FilteringBoundLogger) -> None:
        self._venue = venue
        self._log = log
        self._streams: frozenset[Subscription] = frozenset()

    def change(
        self,
        wanted: Iterable[Subscription],
        moved: Iterable[str],
        doubled: frozenset[str] = frozenset(),
    ) -> None:
        """Want these streams from now on; those of `moved` symbols have left their connection.

        Those of `doubled` symbols among them have left the connections of two lines.
        """
        before, self._streams = self._streams, frozenset(wanted)
        self._define(before ^ self._streams)
        self.retire(before - self._streams)
        gone, now_ns = frozenset(moved), self._venue.clock.now_ns()
        left = {sub for sub in before & self._streams if sub.symbol in gone}
        for line in LINES:
            of_line = {sub for sub in left if line == FIRST_LINE or sub.symbol in doubled}
            for streams in self._grouped(of_line):
                self._venue.intake.mark(Interrupted(*streams, now_ns, Cause.MOVED, line))

    def retire(self, ended: frozenset[Subscription]) -> None:
        """These streams are no longer wanted."""
        if not ended:
            return
        symbols = sorted({sub.symbol for sub in ended})
        self._log.info(
            "retired",
            symbols=symbols[:MAX_LISTED_IN_LOG],
            feeds=sorted({sub.feed for sub in ended}),
            count=len(symbols),
        )
        for instruments, tables in self._grouped(ended):
            self._venue.intake.mark(Retired(instruments, self._venue.clock.now_ns(), tables))

    def _define(self, changed: Iterable[Subscription]) -> None:
        tables: dict[str, list[Table]] = {sub.symbol: [] for sub in sorted(changed)}
        for sub in sorted(self._streams):
            if sub.symbol in tables:
                tables[sub.symbol].append(FEEDS[sub.feed])
        for symbol, recorded in tables.items():
            number = self._venue.instruments.add(self._venue.exchange.name, symbol)
            self._venue.intake.want(Defined(number, symbol, tuple(recorded)))

    def _grouped(self, streams: Iterable[Subscription]) -> Streams:
        return streams_of(streams, self._venue.instruments.of(self._venue.exchange.name))
