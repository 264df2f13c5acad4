"""How much the connections of an exchange may carry, by its configuration and the venue's own word.

Pure.  Where the configuration names no number of symbols, a connection carries the usual number,
and more only where there would not be enough connections otherwise, up to what the venue allows and
what can be asked for in good time.  Not here: which symbol goes where (`plan`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from tick_logger.config.markets import for_symbol, most_lines
from tick_logger.config.schema import (
    MOST_SYMBOLS_PER_CONNECTION,
    USUAL_SYMBOLS_PER_CONNECTION,
    ExchangeConfig,
)
from tick_logger.exchanges.base import Exchange, Profile, Subscription
from tick_logger.net.connection.accesses import USUAL
from tick_logger.net.venue.lanes import Lanes
from tick_logger.net.venue.plan import Limits, Weight
from tick_logger.net.venue.share import HANDOVER_SECS

ASKING_SECS = HANDOVER_SECS / 2
"""So long may it take to ask for all that one connection carries: a successor must be done before
its predecessor is given up, and its answers take time too."""

ASKINGS_PER_HOUR = 2
"""So often must a connection be able to ask for everything, where requests are counted by hour."""


def limits_of(config: ExchangeConfig, profile: Profile, lanes: int) -> Limits:
    """What the shares may carry, when each has a connection in so many lanes, for each line."""
    shares = max(1, config.max_connections // max(1, lanes * most_lines(config)))
    own = profile.subscriptions_per_connection
    if config.symbols_per_connection:
        each = config.symbols_per_connection
        return Limits(shares=shares, usual=each, most=each, subscriptions=own)
    requests = ASKING_SECS * profile.requests_per_second
    if profile.requests_per_hour is not None:
        requests = min(requests, profile.requests_per_hour / ASKINGS_PER_HOUR)
    askable = max(1, int(requests)) * profile.subscriptions_per_request
    return Limits(
        shares=shares,
        usual=USUAL_SYMBOLS_PER_CONNECTION,
        most=MOST_SYMBOLS_PER_CONNECTION,
        subscriptions=askable if own is None else min(own, askable),
    )


def weights_of(
    exchange: Exchange,
    config: ExchangeConfig,
    symbols: Iterable[str],
    entrance_of: Callable[[str], int] = lambda _: USUAL,
) -> dict[str, Weight]:
    """How many subscriptions each symbol needs in each lane, at its entrance."""
    lanes = Lanes.by(exchange, config, entrance_of)
    known: dict[tuple[tuple[str, ...], int], Weight] = {}
    weights = {}
    for symbol in symbols:
        of = for_symbol(config, symbol).feeds, entrance_of(symbol)
        if of not in known:
            known[of] = Counter(lanes.of(Subscription(symbol, feed)) for feed in of[0])
        weights[symbol] = known[of]
    return weights


def explained(config: ExchangeConfig, limits: Limits) -> str:
    """Why there is no more room, and what to do about it."""
    each = " (two lines count twice)" if most_lines(config) > 1 else ""
    if config.symbols_per_connection:
        room = f"max_connections allows {limits.shares} times {limits.most} symbols{each}"
        return f"{room}; raise it, let symbols_per_connection be 0, or name fewer symbols"
    return f"the exchange takes no more on so many connections{each}; raise max_connections"
