"""Bybit's page of trades: GET recent-trade?category=&symbol=&limit=, the newest and no others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tick_logger.simulator.dialects.bybit_listing import body
from tick_logger.simulator.dialects.bybit_texts import CATEGORIES, SPOT, millis, uuid_of
from tick_logger.simulator.market import Market
from tick_logger.simulator.trade_pages import Page
from tick_logger.simulator.truth import TrueTrade

PATH = "/v5/market/recent-trade"

_MOST_OF_A_PAGE = {"spot": 60, "linear": 1000}


def answer(
    query: Mapping[str, str],
    market: Market,
    variant: int,
    page: Callable[[str, Callable[[TrueTrade], bool], int], Page],
) -> bytes:
    """The answer to these parameters; `page` gives one by symbol, what is asked for, and size."""
    now_ns = market.now_ns
    category, symbol = query.get("category", ""), query.get("symbol", "")
    if CATEGORIES.get(category) != variant:
        return body(10001, "Illegal category", {}, now_ns)
    if symbol not in market.listings:
        return body(10001, "Not supported symbols", {}, now_ns)
    most = _MOST_OF_A_PAGE[category]
    limit = query.get("limit", str(most))
    if not limit.isdecimal() or not 1 <= int(limit) <= most:
        return body(10001, "params error: limit invalid", {}, now_ns)
    found = page(symbol, lambda _: True, int(limit))
    trades = [
        {
            "execId": str(t.trade_id) if variant == SPOT else uuid_of(t.trade_id),
            "symbol": found.symbol,
            "price": t.price,
            "size": t.size,
            "side": t.side.capitalize(),
            "time": str(millis(t.event_ns)),
            "isBlockTrade": False,
        }
        for t in found.trades
    ]
    return body(0, "OK", {"category": category, "list": trades}, now_ns)
