"""What an exchange's settings say for one symbol: whether it is covered, and by which market."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

import attrs

from tick_logger.config.schema import ExchangeConfig, MarketConfig


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


def entrances(exchange: ExchangeConfig) -> tuple[list[tuple[str, str]], Callable[[str], int]]:
    """The endpoints (connections, REST) of markets that are entered elsewhere, each pair once.

    And by symbol the number of its pair, from 1; 0: the exchange's own.
    """
    usual = exchange.ws_endpoint, exchange.rest_endpoint
    pairs = [
        (each.ws_endpoint or usual[0], each.rest_endpoint or usual[1]) for each in exchange.markets
    ]
    found = [pair for pair in dict.fromkeys(pairs) if pair != usual]

    @functools.lru_cache(maxsize=65_536)  # more symbols than any venue lists
    def number_of(symbol: str) -> int:
        markets = zip(exchange.markets, pairs, strict=True)
        pair = next((pair for market, pair in markets if matches(market.symbols, symbol)), usual)
        return 0 if pair == usual else found.index(pair) + 1

    return found, number_of


def book_wanted(exchange: ExchangeConfig, symbol: str) -> tuple[int, int]:
    """Depth and interval (ms) of a symbol's book, 0 for the usual ones."""
    market = next((each for each in exchange.markets if matches(each.symbols, symbol)), None)
    return _book(exchange, market)


def books_wanted(exchange: ExchangeConfig) -> list[tuple[int, int]]:
    """The same of all symbols."""
    return [_book(exchange, each) for each in (None, *exchange.markets)]


def _book(exchange: ExchangeConfig, market: MarketConfig | None) -> tuple[int, int]:
    depth, interval_ms = exchange.book_depth, exchange.book_interval_ms
    if market is not None and market.book_depth is not None:
        depth = market.book_depth
    if market is not None and market.book_interval_ms is not None:
        interval_ms = market.book_interval_ms
    return depth, interval_ms


def most_lines(exchange: ExchangeConfig) -> int:
    """How many lines any symbol may have, by the exchange's settings and those of its markets."""
    return max([exchange.redundancy, *(each.redundancy or 1 for each in exchange.markets)])
