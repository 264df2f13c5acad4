"""Upbit's pages of trades: GET trades/ticks, the newest first, of one day (UTC)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from tick_logger.simulator.dialects.upbit_texts import double, price
from tick_logger.simulator.listing import Listing
from tick_logger.simulator.trade_pages import Page
from tick_logger.simulator.truth import TrueTrade

PATH = "/v1/trades/ticks"

_MOST_OF_A_PAGE = 500
_MOST_DAYS = 7
_DAY_NS = 86_400 * 10**9


def answer(
    query: Mapping[str, str],
    listings: Mapping[str, Listing],
    now_ns: int,
    page: Callable[[str, Callable[[TrueTrade], bool], int], Page],
) -> tuple[int, bytes]:
    """Status and body; `page` gives one by market, what is asked for, and size."""
    market = query.get("market", "")
    if market not in listings:
        return 404, _error(404, "Code not found")
    count, days, cursor = (query.get(name, "0") for name in ("count", "days_ago", "cursor"))
    if not (count.isdecimal() and days.isdecimal() and cursor.isdecimal()):
        return 400, _error("validation_error", "count, days_ago or cursor is invalid")
    if int(count) > _MOST_OF_A_PAGE or int(days) > _MOST_DAYS:
        return 400, _error("validation_error", "count or days_ago is too large")
    day, until_secs = now_ns // _DAY_NS - int(days), _until(query.get("to", ""))

    def asked_for(trade: TrueTrade) -> bool:
        secs = trade.event_ns % _DAY_NS // 10**9
        before = not int(cursor) or trade.trade_id < int(cursor)
        return before and trade.event_ns // _DAY_NS == day and secs < until_secs

    found = page(market, asked_for, max(int(count), 1))
    listing = listings[found.symbol]
    return 200, msgspec.json.encode([_tick(found.symbol, listing, t) for t in found.trades])


def _until(text: str) -> int:
    """The second of the day before which trades are asked for; `HHmmss` or `HH:mm:ss`."""
    digits = text.replace(":", "")
    hours, minutes, seconds = (int(digits[n : n + 2] or 0) for n in (0, 2, 4))
    return hours * 3600 + minutes * 60 + seconds if digits else 86_400


def _tick(market: str, listing: Listing, trade: TrueTrade) -> dict[str, object]:
    opened = price(listing.spec, listing.open_ticks)
    change = Decimal(trade.price) - Decimal(opened)
    when = time.gmtime(trade.event_ns // 10**9)
    return {
        "market": market,
        "trade_date_utc": time.strftime("%Y-%m-%d", when),
        "trade_time_utc": time.strftime("%H:%M:%S", when),
        "timestamp": trade.event_ns // 10**6,
        "trade_price": _bare(trade.price),
        "trade_volume": _bare(trade.size),
        "prev_closing_price": _bare(opened),
        "change_price": msgspec.Raw(f"{change:f}".encode()),
        "ask_bid": "BID" if trade.side == "buy" else "ASK",
        "sequential_id": trade.trade_id,
    }


def _bare(text: str) -> msgspec.Raw:
    return msgspec.Raw(double(text).encode())


def _error(name: str | int, message: str) -> bytes:
    return msgspec.json.encode({"error": {"name": name, "message": message}})
