"""How Binance is asked for trades that were missed: historicalTrades, by id, the oldest first.

Times are in microseconds, as in the stream, because `X-MBX-TIME-UNIT` asks for them; a host that
does not heed it answers in milliseconds, which their size tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote, urlsplit

import msgspec
import numpy as np

from tick_logger.exchanges.by_ids import next_from
from tick_logger.exchanges.messages import Id, decode_listing, lenient
from tick_logger.exchanges.trade_pages import Answer
from tick_logger.exchanges.trades_by_rest import Paging, TradesByRest, TradesPage, TradesWanted
from tick_logger.model import tables

_REQUEST = "historicalTrades"
_TAKER_WHERE_BUYER_IS_MAKER = {True: tables.SIDE_SELL, False: tables.SIDE_BUY}

_WITHOUT_HISTORY = "data-api.binance.vision"
"""A host for market data alone, which has no trades but the newest."""
_WITH_HISTORY = "https://api.binance.com"


class _Trade(msgspec.Struct, gc=False):
    id: Id
    price: float
    qty: float
    time: Id
    isBuyerMaker: bool  # noqa: N815 (the venue's name)


_decode = lenient(list[_Trade])


class BinanceTrades(TradesByRest):
    """GET historicalTrades: a thousand each, as old as the symbol."""

    paging: ClassVar[Paging] = Paging.FORWARD
    weight: ClassVar[int] = 25
    headers: ClassVar[Mapping[str, str]] = {"X-MBX-TIME-UNIT": "MICROSECOND"}

    def __init__(self, page: int = 1000) -> None:
        self._page = page  # trades; the venue allows a thousand

    def endpoint(self, rest_endpoint: str) -> str:
        """The configured one, unless it is a host that has no history."""
        has_none = urlsplit(rest_endpoint).hostname == _WITHOUT_HISTORY
        return _WITH_HISTORY if has_none else rest_endpoint

    def first_url(self, endpoint: str, wanted: TradesWanted) -> str:
        """From the first id on, which must be told."""
        if wanted.from_id is None:
            raise ValueError("trades are asked for by ids: from_id is needed")
        return self._url(endpoint, wanted, wanted.from_id)

    def next_url(self, endpoint: str, wanted: TradesWanted, page: TradesPage) -> str | None:
        """Those after the newest of the page."""
        first = next_from(wanted, page)
        return None if first is None else self._url(endpoint, wanted, first)

    def _url(self, endpoint: str, wanted: TradesWanted, first: int) -> str:
        query = f"symbol={quote(wanted.symbol, safe='')}&fromId={first}&limit={self._page}"
        return f"{endpoint.rstrip('/')}/api/v3/historicalTrades?{query}"

    def read(self, body: bytes, symbol: str) -> TradesPage:
        """The trades of an answer, which does not name its symbol."""
        trades = decode_listing(_decode, body, _REQUEST)
        answer = Answer(_REQUEST, body, len(trades))
        price, size = answer.numbers([t.price for t in trades], [t.qty for t in trades])
        page = TradesPage(
            ids=np.array([t.id for t in trades], np.uint64),
            event_ns=answer.times([t.time for t in trades]),
            prices=price,
            sizes=size,
            sides=np.array(
                [_TAKER_WHERE_BUYER_IS_MAKER[t.isBuyerMaker] for t in trades], np.uint32
            ),
        )
        return answer.checked(page)
