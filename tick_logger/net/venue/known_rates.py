"""The message rates of an exchange's streams, as far as known: learned, or remembered from before.

What an earlier process has learned counts as much as an hour, and for less and less: the longer
this one listens, the less it takes on trust.

Not here: how they are learned (`net.intake.rates`), and where they are remembered (`storage`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from tick_logger.exchanges.base import Subscription
from tick_logger.model.routes import LINES
from tick_logger.model.tables import FEEDS
from tick_logger.net.connection.accesses import Lane
from tick_logger.net.intake.rates import HALF_LIFE_SECS, Rates

RatesByFeed: TypeAlias = Mapping[str, Mapping[str, float]]
"""Messages a second by symbol and feed."""

NOTHING_KNOWN: RatesByFeed = {}


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
        trust_secs = HALF_LIFE_SECS * 0.5 ** ((now - self._since) / HALF_LIFE_SECS)
        found: dict[str, dict[str, float]] = {}
        for symbol, feeds in symbols.items():
            before, number = self._remembered.get(symbol, {}), self._numbers.get(symbol)
            for feed in feeds:
                known = [] if number is None else [r.known(FEEDS[feed], number) for r in lines]
                secs = max((secs for _, secs in known), default=0.0)
                messages = max((messages for messages, _ in known), default=0.0)
                if feed in before:
                    messages += before[feed] * trust_secs
                    secs += trust_secs
                if secs > 0:
                    found.setdefault(symbol, {})[feed] = messages / secs
        return found


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
