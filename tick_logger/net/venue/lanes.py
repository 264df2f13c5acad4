"""On which of a share's connections a stream is: by the venue's address, entrance, and its feed.

Where feeds are to be apart, each has a connection of its own, but for those that one channel of the
venue serves: they begin and end together.

Pure.  Not here: which symbols are a share (`plan`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable

import attrs

from tick_logger.config.schema import ExchangeConfig
from tick_logger.exchanges.base import Exchange, Subscription
from tick_logger.net.connection.accesses import USUAL, Lane

APART = "apart"


def channel_of(exchange: Exchange, feed: str) -> tuple[str, ...]:
    """The feeds that come with this one whatever is wished, it included, in order."""
    return tuple(sorted(each.feed for each in exchange.together(Subscription("", feed))))


def kept_together(exchange: Exchange, config: ExchangeConfig) -> list[str]:
    """In words, which of the configured feeds cannot be apart though they are to be, and why."""
    if config.feeds_per_connection != APART:
        return []
    feeds = {*config.feeds, *(feed for each in config.markets for feed in each.feeds or ())}
    channels = {channel_of(exchange, feed) for feed in feeds}
    return [
        f"{exchange.name}: {' and '.join(each)} share connections though feeds are to be apart, "
        "because one channel of the exchange brings both"
        for each in sorted(channels)
        if len(feeds.intersection(each)) > 1
    ]


@attrs.frozen
class Lanes:
    """The lanes of one exchange; `entrance_of` is the number of a symbol's entrance."""

    exchange: Exchange
    entrance_of: Callable[[str], int] = lambda _: USUAL
    apart: bool = False

    @classmethod
    def by(
        cls,
        exchange: Exchange,
        config: ExchangeConfig,
        entrance_of: Callable[[str], int] = lambda _: USUAL,
    ) -> Lanes:
        """As it is configured."""
        return cls(exchange, entrance_of, config.feeds_per_connection == APART)

    def of(self, sub: Subscription) -> Lane:
        """The lane of a stream."""
        return self._lane(sub.feed, self.entrance_of(sub.symbol))

    def used(self, config: ExchangeConfig, entrances: int = 1) -> list[Lane]:
        """Those that the configured feeds are on, with so many entrances."""
        feeds = {*config.feeds, *(f for each in config.markets for f in each.feeds or ())}
        return sorted({self._lane(feed, each) for feed in feeds for each in range(entrances)})

    def sorted_out(self, subs: Iterable[Subscription]) -> dict[Lane, frozenset[Subscription]]:
        """These streams by lane."""
        found: dict[Lane, set[Subscription]] = {}
        for sub in subs:
            found.setdefault(self.of(sub), set()).add(sub)
        return {lane: frozenset(of_lane) for lane, of_lane in found.items()}

    def _lane(self, feed: str, entrance: int) -> Lane:
        return _lane(self.exchange, feed, entrance, self.apart)


@functools.lru_cache(maxsize=1024)  # of several exchanges every feed, at every entrance
def _lane(exchange: Exchange, feed: str, entrance: int, apart: bool) -> Lane:
    channel = "+".join(channel_of(exchange, feed)) if apart else ""
    return Lane(exchange.lane(feed), entrance, channel)
