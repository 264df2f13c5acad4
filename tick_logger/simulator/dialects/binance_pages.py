"""Pages of a symbol's trades, as Binance asks for and writes them: GET historicalTrades."""

from __future__ import annotations

from collections.abc import Container, Mapping
from decimal import Decimal

import msgspec

from tick_logger.simulator.dialects.binance_texts import stamp
from tick_logger.simulator.trade_pages import GivePage
from tick_logger.simulator.truth import TrueTrade

PATH = "/api/v3/historicalTrades"
_FEW, _MOST = 500, 1000
"""Trades on a page, unless a number is given, and at most."""


def answer(
    query: Mapping[str, str], listed: Container[str], give: GivePage, variant: int
) -> tuple[int, bytes]:
    """Status and body; `listed` are the symbols that there are."""
    symbol, first = query.get("symbol", ""), query.get("fromId", "")
    limit = query.get("limit", str(_FEW))
    if symbol not in listed:
        return 400, b'{"code":-1121,"msg":"Invalid symbol."}'
    if not limit.isdecimal() or not 0 < int(limit) <= _MOST:
        return 400, b'{"code":-1130,"msg":"Data sent for parameter \'limit\' is not valid."}'
    if first and not first.isdecimal():
        return 400, b'{"code":-1100,"msg":"Illegal characters found in parameter \'fromId\'."}'
    if first:
        page = give(symbol, lambda trade: trade.trade_id >= int(first), int(limit), newest=False)
        trades = page.trades
    else:
        trades = give(symbol, lambda _: True, int(limit), newest=True).trades[::-1]
    return 200, msgspec.json.encode([_written(trade, variant) for trade in trades])


def _written(trade: TrueTrade, variant: int) -> dict[str, object]:
    return {
        "id": trade.trade_id,
        "price": trade.price,
        "qty": trade.size,
        "quoteQty": f"{Decimal(trade.price) * Decimal(trade.size):.8f}",
        "time": stamp(trade.event_ns, variant),
        "isBuyerMaker": trade.side == "sell",
        "isBestMatch": True,
    }
