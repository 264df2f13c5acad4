"""Minute candles as OKX is asked for them and writes them: GET candles, the newest first."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import msgspec

from tick_logger.simulator.candles import GiveCandles
from tick_logger.simulator.dialects.okx_texts import rest_error
from tick_logger.simulator.market import Market

PATH = "/api/v5/market/candles"
_MOST, _KEPT = 300, 1440
_MINUTE_MS = 60_000


def answer(target: str, market: Market, give: GiveCandles) -> tuple[int, bytes] | None:
    """Status and body, None if something else is asked for."""
    url = urlsplit(target)
    if url.path != PATH:
        return None
    given = {key: values[0] for key, values in parse_qs(url.query).items()}
    symbol, bar = given.get("instId", ""), given.get("bar", "1m")
    if symbol not in market.listings:
        return 200, rest_error(51001, "Instrument ID doesn't exist.")
    after, before, limit = (given.get(name, "") for name in ("after", "before", "limit"))
    numbers = after.isdecimal() and before.isdecimal() and limit.isdecimal()
    if bar != "1m" or not numbers or not 0 < int(limit) <= _MOST:
        return 400, rest_error(51000, "Parameter error")
    now = market.true_ns // 10**6 // _MINUTE_MS
    first = max(int(before) // _MINUTE_MS + 1, now - _KEPT + 1)
    last = -(-int(after) // _MINUTE_MS) - 1
    rows = [
        [
            str(each.minute * _MINUTE_MS), each.open, each.high, each.low, each.close,
            each.volume, each.volume, each.quote_volume, "0" if each.minute == now else "1",
        ]
        for each in reversed(give(symbol, first, last))
    ]  # fmt: skip
    return 200, msgspec.json.encode({"code": "0", "msg": "", "data": rows[: int(limit)]})
