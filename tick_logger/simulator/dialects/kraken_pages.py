"""Kraken's pages of trades: GET Trades?pair=&since=&count=, from the oldest on.

Pairs are asked for by old names, and the answer is keyed by yet another one.  Rows print the digits
of a float, and `last` all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from urllib.parse import parse_qs

import msgspec

from tick_logger.simulator.dialects.kraken_texts import OLD_NAMES, error
from tick_logger.simulator.trade_pages import Page

PATH = "/0/public/Trades"

_MOST_OF_A_PAGE = 1000
_COINS = {"XBT", "ETH", "LTC", "XRP", "XDG"}  # with which the venue began; others have no prefix
_MONEY = {"USD", "EUR", "GBP"}


def answer(text: str, symbols: Collection[str], page: Callable[..., Page]) -> bytes:
    """The answer to these parameters; `page` is `Dialect._page`."""
    query = {key: values[0] for key, values in parse_qs(text).items()}
    symbol = symbol_of_pair(query.get("pair", ""), symbols)
    if symbol is None:
        return error("EQuery:Unknown asset pair")
    since, count = query.get("since", "0"), query.get("count", str(_MOST_OF_A_PAGE))
    for name, value in (("since", since), ("count", count)):
        if not value.isdecimal() or (name == "count" and not 1 <= int(value) <= _MOST_OF_A_PAGE):
            return error(f"EGeneral:Invalid arguments:{name}")
    since_ns = int(since)
    found = page(symbol, lambda trade: trade.event_ns > since_ns, int(count), newest=False)
    rows = [
        (t.price, t.size, _seconds(t.event_ns), t.side[0], "l", "", t.trade_id)
        for t in found.trades
    ]
    last = str(found.trades[-1].event_ns) if found.trades else since
    return msgspec.json.encode({"error": [], "result": {key_of(found.symbol): rows, "last": last}})


def _seconds(time_ns: int) -> msgspec.Raw:
    return msgspec.Raw(f"{time_ns / 10**9:.7f}".encode())


def _old(symbol: str) -> tuple[str, str]:
    base, _, money = symbol.partition("/")
    return OLD_NAMES.get(base, base), OLD_NAMES.get(money, money)


def symbol_of_pair(pair: str, symbols: Collection[str]) -> str | None:
    """Which of the symbols is asked for by this pair."""
    return {"".join(_old(symbol)): symbol for symbol in symbols}.get(pair)


def key_of(symbol: str) -> str:
    """`XXBTZUSD`, `XETHXXBT`, but `SOLUSD`."""
    names = _old(symbol)
    if not all(name in _COINS | _MONEY for name in names):
        return "".join(names)
    return "".join(f"{'X' if name in _COINS else 'Z'}{name}" for name in names)
