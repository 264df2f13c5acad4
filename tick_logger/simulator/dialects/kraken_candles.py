"""Kraken's minute candles: GET OHLC?pair=&interval=1&since=, the newest 720, oldest first."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qs

import msgspec

from tick_logger.simulator.candles import GiveCandles
from tick_logger.simulator.dialects.kraken_pages import key_of, symbol_of_pair
from tick_logger.simulator.dialects.kraken_texts import error
from tick_logger.simulator.market import Market

PATH = "/0/public/OHLC"
_KEPT = 720


def answer(url: SplitResult, market: Market, give: GiveCandles) -> bytes | None:
    """The answer to this request; None if something else is asked for."""
    if url.path != PATH:
        return None
    query = {key: values[0] for key, values in parse_qs(url.query).items()}
    symbol = symbol_of_pair(query.get("pair", ""), market.listings)
    since = query.get("since", "0")
    if symbol is None:
        return error("EQuery:Unknown asset pair")
    if query.get("interval", "1") != "1" or not since.isdecimal():
        return error("EGeneral:Invalid arguments")
    now = market.true_ns // 10**9 // 60
    first = max(int(since) // 60 + 1, now - _KEPT + 1)
    rows = [
        (
            each.minute * 60, each.open, each.high, each.low, each.close, each.close,
            each.volume, each.trades,
        )
        for each in give(symbol, first, now)
    ]  # fmt: skip
    return msgspec.json.encode({"error": [], "result": {key_of(symbol): rows, "last": now * 60}})
