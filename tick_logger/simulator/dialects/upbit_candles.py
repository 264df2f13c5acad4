"""Minute candles as Upbit is asked for them and writes them: candles/minutes/1, newest first."""

from __future__ import annotations

import time
from collections.abc import Container, Mapping
from datetime import datetime

import msgspec

from tick_logger.simulator.candles import GiveCandles

PATH = "/v1/candles/minutes/1"
_MOST = 200
_OLDEST_MINUTES = 2000
"""Back from the time asked for: as far as simulated markets remember."""


def answer(
    query: Mapping[str, str], listed: Container[str], give: GiveCandles
) -> tuple[int, bytes]:
    """Status and body; `listed` are the markets that there are."""
    market, count = query.get("market", ""), query.get("count", "1")
    if market not in listed:
        return 404, _error("Code not found")
    try:
        until = int(datetime.fromisoformat(query.get("to", "")).timestamp())
    except ValueError:
        return 400, _error("to is invalid")
    if not count.isdecimal() or not 0 < int(count) <= _MOST:
        return 400, _error("count is invalid")
    last = -(-until // 60) - 1
    found = give(market, last - _OLDEST_MINUTES, last)[-int(count) :]
    rows = [
        {
            "market": market,
            "candle_date_time_utc": _text(each.minute),
            "opening_price": msgspec.Raw(each.open.encode()),
            "high_price": msgspec.Raw(each.high.encode()),
            "low_price": msgspec.Raw(each.low.encode()),
            "trade_price": msgspec.Raw(each.close.encode()),
            "candle_acc_trade_price": msgspec.Raw(each.quote_volume.encode()),
            "candle_acc_trade_volume": msgspec.Raw(each.volume.encode()),
            "unit": 1,
        }
        for each in reversed(found)
    ]
    return 200, msgspec.json.encode(rows)


def _text(minute: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(minute * 60))


def _error(message: str) -> bytes:
    return msgspec.json.encode({"error": {"name": "validation_error", "message": message}})
