"""How Coinbase is asked for trades that were missed: a product's trades, by id, the newest first.

`after` means older than this id.  Which page `before` gives is not established, so that it is never
used.  The side is the maker's, as in the stream; the orders' ids are not told.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

import msgspec
import numpy as np

from tick_logger.exchanges.by_ids import NewestFirst
from tick_logger.exchanges.messages import Id, decode_listing, lenient
from tick_logger.exchanges.trade_pages import Answer
from tick_logger.exchanges.trades_by_rest import TradesPage
from tick_logger.model import tables

_REQUEST = "trades"
_TAKER_OF_MAKER = {"buy": tables.SIDE_SELL, "sell": tables.SIDE_BUY}


class _Trade(msgspec.Struct, gc=False):
    trade_id: Id
    price: float
    size: float
    side: Literal["buy", "sell"]
    time: str


_decode = lenient(list[_Trade])


class CoinbaseTrades(NewestFirst):
    """GET a product's trades: a thousand each, as old as the product."""

    def __init__(self, page: int = 1000) -> None:
        self._page = page  # trades; the venue allows a thousand

    def url(self, endpoint: str, symbol: str, below: int | None) -> str:
        """`after` is the id that all of the page are older than."""
        older = "" if below is None else f"&after={below}"
        place = f"{endpoint.rstrip('/')}/products/{quote(symbol, safe='')}/trades"
        return f"{place}?limit={self._page}{older}"

    def read(self, body: bytes, symbol: str) -> TradesPage:
        """The trades of an answer, which does not name its product."""
        trades = decode_listing(_decode, body, _REQUEST)
        answer = Answer(_REQUEST, body, len(trades))
        price, size = answer.numbers([t.price for t in trades], [t.size for t in trades])
        page = TradesPage(
            ids=np.array([t.trade_id for t in trades], np.uint64),
            event_ns=answer.iso_times([t.time for t in trades]),
            prices=price,
            sizes=size,
            sides=np.array([_TAKER_OF_MAKER[t.side] for t in trades], np.uint32),
        )
        return answer.checked(page)
