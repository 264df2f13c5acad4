"""Pages of an instrument's trades, as OKX asks for and writes them: GET history-trades.

Paging by time (`type=2`) is refused: nobody uses it.
"""

from __future__ import annotations

from collections.abc import Container
from urllib.parse import parse_qs, urlsplit

from tick_logger.simulator.dialects.okx_texts import rest_error, stamp
from tick_logger.simulator.trade_pages import GivePage, Page

PATH = "/api/v5/market/history-trades"
_MOST = 100
"""Trades on a page."""


def answer(target: str, listed: Container[str], give: GivePage) -> tuple[int, bytes] | None:
    """Status and body, None if something else is asked for; `listed` are the instruments."""
    url = urlsplit(target)
    if url.path != PATH:
        return None
    given = {key: values[0] for key, values in parse_qs(url.query).items()}
    symbol, after = given.get("instId", ""), given.get("after", "")
    limit = given.get("limit", str(_MOST))
    if not symbol:
        return 400, rest_error(50014, "Parameter instId can not be empty.")
    if symbol not in listed:
        return 200, rest_error(51001, "Instrument ID doesn't exist.")
    if not limit.isdecimal() or not 0 < int(limit) <= _MOST:
        return 400, rest_error(51000, "Parameter limit error")
    if given.get("type", "1") != "1" or (after and not after.isdecimal()):
        return 400, rest_error(51000, "Parameter type or after error")
    above = int(after) if after else None
    page = give(
        symbol, lambda trade: above is None or trade.trade_id < above, int(limit), newest=True
    )
    return 200, _written(page)


def _written(page: Page) -> bytes:
    trades = ",".join(
        f'{{"instId":"{page.symbol}","side":"{trade.side}","sz":"{trade.size}",'
        f'"px":"{trade.price}","source":"0","tradeId":"{trade.trade_id}",'
        f'"ts":"{stamp(trade.event_ns)}"}}'
        for trade in page.trades
    )
    return f'{{"code":"0","msg":"","data":[{trades}]}}'.encode()
