"""What an exchange's settings say for one symbol: whether it is covered, and by which market."""

from __future__ import annotations

import functools
import re

import attrs

from tick_logger.config.schema import ExchangeConfig


@attrs.frozen
class MarketSettings:
    """What holds for one symbol."""

    feeds: tuple[str, ...]
    data_timeout_secs: float
    redundancy: int = 1


def matches(symbols: str | tuple[str, ...], symbol: str) -> bool:
    """Whether a `symbols` setting covers a symbol: "all", or patterns where only * and ? match."""
    if isinstance(symbols, str):
        return symbols == "all"
    return any(_expression(pattern).fullmatch(symbol) for pattern in symbols)


@functools.lru_cache(maxsize=4096)  # more patterns than anyone lists, at about 1 KB each
def _expression(pattern: str) -> re.Pattern[str]:
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped, re.DOTALL)


def for_symbol(exchange: ExchangeConfig, symbol: str) -> MarketSettings:
    """The settings of one symbol: those of the first market that matches it, else the exchange's.

    A key that the market leaves out is the exchange's.
    """
    market = next((each for each in exchange.markets if matches(each.symbols, symbol)), None)
    feeds, timeout_secs = exchange.feeds, exchange.data_timeout_secs
    redundancy = exchange.redundancy
    if market is not None and market.feeds is not None:
        feeds = market.feeds
    if market is not None and market.data_timeout_secs is not None:
        timeout_secs = market.data_timeout_secs
    if market is not None and market.redundancy is not None:
        redundancy = market.redundancy
    return MarketSettings(feeds, timeout_secs, redundancy)


def most_lines(exchange: ExchangeConfig) -> int:
    """How many lines any symbol may have, by the exchange's settings and those of its markets."""
    return max([exchange.redundancy, *(each.redundancy or 1 for each in exchange.markets)])
