"""Minute candles as Bybit is asked for them and writes them: GET kline, the newest first."""

from __future__ import annotations

from collections.abc import Mapping

from tick_logger.simulator.candles import GiveCandles
from tick_logger.simulator.dialects.bybit_listing import body
from tick_logger.simulator.dialects.bybit_texts import CATEGORIES
from tick_logger.simulator.market import Market

PATH = "/v5/market/kline"
_FEW, _MOST = 200, 1000
_MINUTE_MS = 60_000


def answer(query: Mapping[str, str], market: Market, variant: int, give: GiveCandles) -> bytes:
    """The answer to these parameters."""
    now_ns = market.now_ns
    category, symbol = query.get("category", ""), query.get("symbol", "")
    if CATEGORIES.get(category) != variant:
        return body(10001, "Illegal category", {}, now_ns)
    if symbol not in market.listings:
        return body(10001, "Not supported symbols", {}, now_ns)
    limit = query.get("limit", str(_FEW))
    times = query.get("start", ""), query.get("end", "")
    if not all(each.isdecimal() for each in (*times, limit)) or not 1 <= int(limit) <= _MOST:
        return body(10001, "params error", {}, now_ns)
    if query.get("interval") != "1":
        return body(10001, "Invalid period!", {}, now_ns)
    first, last = -(-int(times[0]) // _MINUTE_MS), int(times[1]) // _MINUTE_MS
    rows = [
        [
            str(each.minute * _MINUTE_MS), each.open, each.high, each.low, each.close,
            each.volume, each.quote_volume,
        ]
        for each in reversed(give(symbol, first, last))
    ]  # fmt: skip
    result = {"category": category, "symbol": symbol, "list": rows[: int(limit)]}
    return body(0, "OK", result, now_ns)
