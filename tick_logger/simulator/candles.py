"""The minute candles that a venue gives by REST, out of what it really did.

They count trades that were withheld, or that nobody subscribed to, as pages of trades have them
(`trade_pages`); the faults of pages apply to them too.  Dialects say which minutes a request asks
for, and how a candle is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

import attrs

from tick_logger.simulator.hub import Hub
from tick_logger.simulator.truth import TrueTrade, Truth

NS_PER_MINUTE = 60 * 10**9


@attrs.frozen
class Candle:
    """One minute (since 1970-01-01 UTC) of a symbol; prices and sums are as exact as trades are."""

    minute: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    quote_volume: str
    trades: int


class GiveCandles(Protocol):
    """Gives candles of the true history, as `Dialect.candles` does."""

    def __call__(self, symbol: str, first: int, last: int) -> Sequence[Candle]:
        """Those of the minutes from the first to the last, the oldest first."""
        ...


class Candles:
    """The candles of one exchange; `leaves_out`: a minute without trades has none."""

    def __init__(self, hub: Hub, truth: Truth, *, leaves_out: bool) -> None:
        self._hub = hub
        self._truth = truth
        self._leaves_out = leaves_out

    def of(self, symbol: str, first: int, last: int, *, now_ns: int) -> Sequence[Candle]:
        """Those of the minutes from the first to the last that have begun, with mishaps."""
        until_ns = now_ns - round(self._hub.faults.pages.lag_secs * 1e9)
        by_minute: dict[int, list[TrueTrade]] = {}
        close = ""
        for trade in self._truth.kept(symbol):
            minute = trade.event_ns // NS_PER_MINUTE
            if minute < first:
                close = trade.price
            elif minute <= last and trade.made_ns <= until_ns:
                by_minute.setdefault(minute, []).append(trade)
        found = []
        for minute in range(first, min(last, now_ns // NS_PER_MINUTE) + 1):
            trades = by_minute.get(minute, [])
            if trades or (close and not self._leaves_out):
                found.append(_candle(minute, trades, close))
                close = found[-1].close
        if self._hub.misses_page("empty_probability"):
            return []
        if self._hub.misses_page("short_probability"):
            return found[len(found) // 2 :]
        return found


def _candle(minute: int, trades: Sequence[TrueTrade], before: str) -> Candle:
    prices = [Decimal(each.price) for each in trades] or [Decimal(before)]
    sizes = [Decimal(each.size) for each in trades]
    quote = sum((Decimal(each.price) * Decimal(each.size) for each in trades), Decimal())
    return Candle(
        minute=minute,
        open=f"{prices[0]:f}",
        high=f"{max(prices):f}",
        low=f"{min(prices):f}",
        close=f"{prices[-1]:f}",
        volume=f"{sum(sizes, Decimal()):f}",
        quote_volume=f"{quote:f}",
        trades=len(trades),
    )
