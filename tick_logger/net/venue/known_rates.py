"""The message rates of an exchange's streams, as far as known: learned, or remembered from before.

What an earlier process has learned counts as much as an hour, and for less and less: the longer
this one listens, the less it takes on trust.

Not here: how they are learned (`net.intake.rates`), and where they are remembered (`storage`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from tick_logger.exchanges.base import Subscription
from tick_logger.model.routes import LINES
from tick_logger.model.tables import FEEDS, Table
from tick_logger.net.connection.accesses import Lane
from tick_logger.net.intake.rates import HALF_LIFE_SECS, Rates

RatesByFeed: TypeAlias = Mapping[str, Mapping[str, float]]
"""Messages a second by symbol and feed."""

NOTHING_KNOWN: RatesByFeed = {}
NO_FEEDS: Mapping[str, float] = {}


class KnownRates:
    """The rates of one exchange; `of_line` gives what is learned, `numbers` those of symbols."""

    def __init__(self, of_line: Callable[[int], Rates], numbers: Mapping[str, int]) -> None:
        self._of_line = of_line
        self._numbers = numbers
        self._remembered = NOTHING_KNOWN
        self._since = float("-inf")

    def remember(self, remembered: RatesByFeed, now: float) -> None:
        """These were known to the process before, which ended just now, as far as we know."""
        self._remembered, self._since = remembered, now

    def of(self, symbols: Mapping[str, tuple[str, ...]], now: float) -> dict[str, dict[str, float]]:
        """Those of the feeds of these symbols that are known, at this time of trio's clock."""
        lines = [self._of_line(line) for line in LINES]
        for rates in lines:
            rates.count(now)
        learned = {feed: self._learned(lines, table) for feed, table in FEEDS.items()}
        trust_secs = HALF_LIFE_SECS * 0.5 ** ((now - self._since) / HALF_LIFE_SECS)
        found: dict[str, dict[str, float]] = {}
        for symbol, feeds in symbols.items():
            before, number = self._remembered.get(symbol, NO_FEEDS), self._numbers.get(symbol)
            for feed in feeds:
                of_feed, messages, secs = learned[feed], 0.0, 0.0
                if number is not None and number < len(of_feed):
                    messages, secs = of_feed[number]
                if feed in before:
                    messages += before[feed] * trust_secs
                    secs += trust_secs
                if secs > 0:
                    found.setdefault(symbol, {})[feed] = messages / secs
        return found

    @staticmethod
    def _learned(lines: Sequence[Rates], table: Table) -> list[tuple[float, float]]:
        """By number of an instrument its messages and seconds, on the line that has more."""
        known = [rates.known(table) for rates in lines]
        return [max(each) for each in itertools.zip_longest(*known, fillvalue=(0.0, 0.0))]


def by_lane(
    rates: RatesByFeed, lane_of: Callable[[Subscription], Lane]
) -> dict[str, dict[Lane, float]]:
    """The same by symbol and lane: what each of a share's connections carries of a symbol."""
    found: dict[str, dict[Lane, float]] = {}
    for symbol, feeds in rates.items():
        lanes = found[symbol] = {}
        for feed, rate in feeds.items():
            lane = lane_of(Subscription(symbol, feed))
            lanes[lane] = lanes.get(lane, 0.0) + rate
    return found
