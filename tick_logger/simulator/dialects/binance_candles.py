"""Minute candles as Binance is asked for them and writes them: GET klines."""

from __future__ import annotations

from collections.abc import Container, Mapping

import msgspec

from tick_logger.simulator.candles import GiveCandles

PATH = "/api/v3/klines"
_FEW, _MOST = 500, 1000
_MINUTE_MS = 60_000


def answer(
    query: Mapping[str, str], listed: Container[str], give: GiveCandles
) -> tuple[int, bytes]:
    """Status and body; `listed` are the symbols that there are."""
    symbol, limit = query.get("symbol", ""), query.get("limit", str(_FEW))
    if symbol not in listed:
        return 400, b'{"code":-1121,"msg":"Invalid symbol."}'
    if query.get("interval") != "1m":
        return 400, b'{"code":-1120,"msg":"Invalid interval."}'
    times = query.get("startTime", ""), query.get("endTime", "")
    if not all(each.isdecimal() for each in (*times, limit)) or not 0 < int(limit) <= _MOST:
        return 400, b'{"code":-1100,"msg":"Illegal characters found in a parameter."}'
    first, last = -(-int(times[0]) // _MINUTE_MS), int(times[1]) // _MINUTE_MS
    rows = [
        [
            each.minute * _MINUTE_MS, each.open, each.high, each.low, each.close, each.volume,
            (each.minute + 1) * _MINUTE_MS - 1, each.quote_volume, each.trades, "0", "0", "0",
        ]
        for each in give(symbol, first, last)[: int(limit)]
    ]  # fmt: skip
    return 200, msgspec.json.encode(rows)
