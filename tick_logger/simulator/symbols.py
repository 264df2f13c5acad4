"""A simulated symbol: its price, the sizes of its steps, and exact decimal texts.

Prices and sizes are whole numbers of ticks and lots everywhere inside the simulator; text is made
from them by moving the decimal point, so no float ever touches what a client receives.  Symbols
which nobody listed here get a price of their own, derived from their name, so that any number of
them can be simulated.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import attrs

_USD_PRICES = {
    "BTC": 84106.09,
    "ETH": 2688.86,
    "SOL": 182.41,
    "XRP": 2.4188,
    "DOGE": 0.20417,
    "ADA": 0.7411,
    "AVAX": 24.31,
    "LINK": 15.482,
    "LTC": 96.75,
    "DOT": 4.613,
    "SHIB": 0.00001283,
    "EUR": 1.0862,
    "GBP": 1.2634,
}
BASES = ("BTC", "ETH", "SOL", "XRP", "DOGE", "ADA", "AVAX", "LINK", "LTC", "DOT", "SHIB")
_MAX_DECIMALS = 8
_TYPICAL_ORDER_USD = 800.0  # only shapes the sizes


@attrs.frozen
class SymbolSpec:
    """One symbol's fixed facts: how many decimals its ticks and lots have, and where it starts."""

    symbol: str
    base: str
    quote: str
    price_decimals: int
    size_decimals: int
    start_ticks: int
    typical_lots: int

    def price(self, ticks: int) -> str:
        """A price as decimal text, with all decimals of the tick."""
        return decimal_text(ticks, self.price_decimals)

    def size(self, lots: int) -> str:
        """A size as decimal text, with all decimals of the lot."""
        return decimal_text(lots, self.size_decimals)


def decimal_text(units: int, decimals: int) -> str:
    """`units` times ten to the power of minus `decimals`, exactly, for non-negative units."""
    if not decimals:
        return str(units)
    digits = str(units).zfill(decimals + 1)
    return f"{digits[:-decimals]}.{digits[-decimals:]}"


def plain(text: str) -> str:
    """A decimal text without the zeros, and the point, that say nothing."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def spec_of(symbol: str, base: str, quote: str, *, extra_size_decimals: int = 0) -> SymbolSpec:
    """The spec of a symbol; `extra_size_decimals` suits venues which cut sizes finer."""
    worth = _usd_price(base)
    price = worth / _usd_price(quote)
    price_decimals = min(max(2, 4 - _magnitude(price)), _MAX_DECIMALS)
    size_decimals = min(max(0, _magnitude(worth) + 1) + extra_size_decimals, _MAX_DECIMALS)
    return SymbolSpec(
        symbol=symbol,
        base=base,
        quote=quote,
        price_decimals=price_decimals,
        size_decimals=size_decimals,
        start_ticks=max(1000, round(price * 10**price_decimals)),
        typical_lots=max(3, round(_TYPICAL_ORDER_USD / worth * 10**size_decimals)),
    )


def split_joined(symbol: str, quotes: Sequence[str]) -> tuple[str, str]:
    """Base and quote of a symbol without separator, such as BTCUSDT; the longest quote wins."""
    for quote in sorted(quotes, key=len, reverse=True):
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol.removesuffix(quote), quote
    return symbol[:-3], symbol[-3:]


def _magnitude(number: float) -> int:
    return math.floor(math.log10(number))


def _usd_price(currency: str) -> float:
    if currency.startswith("USD") or currency in {"FDUSD", "TUSD"}:
        return 1.0
    known = _USD_PRICES.get(currency)
    if known is not None:
        return known
    return 0.05 + zlib.crc32(currency.encode()) % 100_000 / 1000
