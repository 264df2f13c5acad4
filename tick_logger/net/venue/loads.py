"""What a share of some symbols carries, as configured: subscriptions, and patience with each.

Pure.  Not here: on which of its connections (`lanes`), and which symbols these are (`plan`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tick_logger.config.markets import for_symbol
from tick_logger.config.schema import ExchangeConfig
from tick_logger.exchanges.base import Subscription
from tick_logger.net.connection.context import Timeouts
from tick_logger.net.venue.share import Load


def wanted_of(config: ExchangeConfig, symbols: Iterable[str]) -> frozenset[Subscription]:
    """What is to be recorded of these symbols."""
    return frozenset(
        Subscription(symbol, feed)
        for symbol in symbols
        for feed in for_symbol(config, symbol).feeds
    )


def doubled_of(config: ExchangeConfig, symbols: Iterable[str]) -> frozenset[str]:
    """Those of the symbols that have two lines."""
    return frozenset(each for each in symbols if for_symbol(config, each).redundancy > 1)


def timeouts_of(config: ExchangeConfig) -> Timeouts:
    """As configured, for whatever symbols."""
    return Timeouts(
        first_data_secs=config.first_data_timeout_secs, data_secs=config.data_timeout_secs
    )


def load_of(config: ExchangeConfig, symbols: Collection[str], excused: Collection[str]) -> Load:
    """What a share of these symbols carries; the silence of the `excused` is no fault."""
    timeout_secs = 0.0
    of_symbol: dict[str, float] = {}
    for symbol in symbols:
        market = for_symbol(config, symbol)
        if symbol in excused:
            of_symbol[symbol] = float("inf")
            continue
        # Silence of the connection proves something only when all of its symbols are silent.
        timeout_secs = max(timeout_secs, market.data_timeout_secs)
        of_symbol[symbol] = market.data_timeout_secs
    if symbols and not timeout_secs:
        timeout_secs = float("inf")
    first_secs = max(timeout_secs, config.first_data_timeout_secs)
    timeouts = Timeouts(first_data_secs=first_secs, data_secs=timeout_secs, of_symbol=of_symbol)
    return Load(wanted_of(config, symbols), timeouts)
