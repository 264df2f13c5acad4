"""Pages of a product's trades, as the Coinbase Exchange asks for and writes them."""

from __future__ import annotations

import re
from collections.abc import Container
from urllib.parse import parse_qs, urlsplit

import msgspec

from tick_logger.simulator.dialects.coinbase_texts import IsoTimes
from tick_logger.simulator.trade_pages import GivePage

PATH = "/products/(?P<product>[^/]+)/trades"
_MOST = 1000
"""Trades on a page."""

_PAGING = (("limit", str(_MOST)), ("after", str(2**63)), ("before", "0"))


def answer(target: str, listed: Container[str], give: GivePage) -> tuple[int, bytes] | None:
    """Status and body of GET /products/{id}/trades?limit=&after=&before=.

    None if something else is asked for; `listed` are the products that there are.
    """
    asked = re.fullmatch(PATH, urlsplit(target).path)
    if asked is None or asked["product"] not in listed:
        return None
    query = parse_qs(urlsplit(target).query)
    try:
        limit, after, before = (int(query.get(key, [default])[0]) for key, default in _PAGING)
    except ValueError:
        return 400, b'{"message":"Invalid pagination"}'
    if not 0 < limit <= _MOST:
        return 400, b'{"message":"Invalid limit"}'
    page = give(asked["product"], lambda trade: before < trade.trade_id < after, limit, newest=True)
    times = IsoTimes()
    trades = [
        {
            "trade_id": trade.trade_id,
            "side": "sell" if trade.side == "buy" else "buy",  # the maker's
            "size": trade.size,
            "price": trade.price,
            "time": times.text(trade.event_ns),
        }
        for trade in page.trades
    ]
    return 200, msgspec.json.encode(trades)
