"""The numbers of one exchange by feed: messages, delays, silences, losses, gaps, connections.

A connection may carry several feeds, so what happens to it counts for each of them: such numbers
stand beside those of the exchange, and their sum is no number of connections.  A message counts
once, under the feed of its rows, or under `OTHER`: the sum is what was received.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt
from prometheus_client import Counter, Gauge

from tick_logger.model.tables import FEED_OF, FEEDS, Table
from tick_logger.telemetry.families import Families
from tick_logger.telemetry.histograms import Histogram

OTHER = "other"
"""What is no row of any feed: acknowledgements, heartbeats, answers, what was not understood."""

_PLACES = {table: place for place, table in enumerate(FEED_OF)}
FIRST_SIZE = 4096


class HasFrames(Protocol):
    """Decoded rows of a table, and the number of the message from which each came (int32)."""

    @property
    def table(self) -> Table:
        """What they are rows of."""
        ...

    @property
    def frame(self) -> npt.NDArray[np.int32]:
        """Of each row."""
        ...


class Messages:
    """Data messages received, by feed."""

    def __init__(self, families: Families, exchange: str) -> None:
        family = families.family(Counter, "messages_received", "Data messages received", "feed")
        self._of = {feed: family.labels(exchange, feed) for feed in (*FEED_OF.values(), OTHER)}
        self._places = np.zeros(FIRST_SIZE, np.int8)  # of each message of a batch; grows

    def inc(self, count: int, feed: str = OTHER) -> None:
        """So many more."""
        self._of[feed].inc(count)

    def count(self, messages: int, rows: Iterable[HasFrames]) -> None:
        """Of so many messages these have rows, each any number of them.

        One with rows of several tables counts for one of these.
        """
        if messages > len(self._places):
            self._places = np.zeros(2 * messages, np.int8)
        of = self._places[:messages]
        of.fill(len(_PLACES))
        for each in rows:
            of[each.frame] = _PLACES[each.table]
        counts = np.bincount(of, minlength=len(_PLACES) + 1).tolist()
        assert len(counts) == len(self._of), "each is of a feed, or of none"
        for child, count in zip(self._of.values(), counts, strict=True):
            if count:
                child.inc(count)


class FeedMetrics:
    """Everything else by feed; children exist from the start, so that an increase is seen."""

    def __init__(self, families: Families, exchange: str) -> None:
        def counters(name: str, text: str) -> Mapping[str, Counter]:
            family = families.family(Counter, name, text, "feed")
            return {feed: family.labels(exchange, feed) for feed in FEEDS}

        self.reconnects = counters(
            "feed_reconnects", "Connections that carried the feed and were made again after a loss"
        )
        self.message_timeouts = counters(
            "feed_message_timeouts", "Those of them that were given up because no market data came"
        )
        self.silent_renewals = counters(
            "feed_silent_renewals", "Subscriptions of the feed made again because they were silent"
        )
        self.sequence_gaps = counters("feed_sequence_gaps", "Holes in the feed's gaps files")
        self.latency: Mapping[str, Histogram] = {
            feed: families.latency.child(exchange, feed) for feed in FEEDS
        }
        self._exchange = exchange
        self._carried: set[str] = set()
        self._newest: dict[Table, Gauge] = {}
        self._last_message = families.family(
            Gauge,
            "feed_last_message_timestamp_seconds",
            "Unix time of the newest market data of the feed",
            "feed",
        )
        self._connected = families.family(
            Gauge,
            "feed_connected",
            "1 while every connection that carries the feed is open",
            "feed",
        )

    def delivered(self, table: Table, recv_ns: int) -> None:
        """Market data of a table came last at this time."""
        if (newest := self._newest.get(table)) is None:  # from its first data on
            newest = self._last_message.labels(self._exchange, FEED_OF[table])
            self._newest[table] = newest
        newest.set(recv_ns / 1e9)

    def connected(self, feeds: Mapping[str, bool]) -> None:
        """These feeds are to be carried, and whether they are; no others."""
        for feed, is_connected in feeds.items():
            self._connected.labels(self._exchange, feed).set(is_connected)
        for feed in self._carried - feeds.keys():
            self._connected.remove(self._exchange, feed)
        self._carried = set(feeds)
