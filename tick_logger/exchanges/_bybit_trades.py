"""How Bybit is asked for trades: GET recent-trade, one page of the newest, and no other.

Whoever missed trades must ask at once: in a burst, a page reaches back a second.  The order of its
trades is not documented, and nothing rests on it.  Ids (`execId`) are those of the stream.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Generic, Literal, TypeVar
from urllib.parse import quote

import msgspec
import numpy as np

from tick_logger.exchanges.base import VenueError
from tick_logger.exchanges.columns import Findings
from tick_logger.exchanges.messages import Frames, Id, decode_listing, lenient
from tick_logger.exchanges.trade_pages import Answer
from tick_logger.exchanges.trades_by_rest import (
    Ids,
    Paging,
    TradesByRest,
    TradesPage,
    TradesWanted,
)
from tick_logger.model import tables

N = TypeVar("N", int, str)

_REQUEST = "recent-trade"
_TAKER = {"Buy": tables.SIDE_BUY, "Sell": tables.SIDE_SELL}


class _Trade(msgspec.Struct, Generic[N], gc=False):
    execId: N  # noqa: N815 (the venue's names)
    symbol: str
    price: float
    size: float
    side: Literal["Buy", "Sell"]
    time: Id


class _Trades(msgspec.Struct, gc=False):
    category: str
    trades: msgspec.Raw = msgspec.field(name="list")


class _Answer(msgspec.Struct, gc=False):
    retCode: int  # noqa: N815
    retMsg: str | None = None  # noqa: N815
    result: msgspec.Raw = msgspec.Raw(b"null")  # of a refusal, an empty object


_decode = msgspec.json.Decoder(_Answer).decode
_decode_result = msgspec.json.Decoder(_Trades).decode


class BybitTrades(TradesByRest):
    """GET recent-trade of one category, whose ids are of type `kind`.

    `numbered` makes numbers of them, as it does of the stream's.
    """

    paging: ClassVar[Paging] = Paging.NEWEST_ONLY
    by_id: ClassVar[bool] = False

    def __init__(
        self,
        category: str,
        page: int,
        kind: Any,  # noqa: ANN401 - a type, perhaps annotated
        numbered: Callable[[Findings, Frames, list[Any]], Ids],
    ) -> None:
        self._category, self._page, self._numbered = category, page, numbered
        self._decode_trades = lenient(list[_Trade[kind]])

    def first_url(self, endpoint: str, wanted: TradesWanted) -> str:
        """The newest trades, as many as there may be at most."""
        place = f"{endpoint.rstrip('/')}/v5/market/recent-trade"
        symbol = quote(wanted.symbol, safe="")
        return f"{place}?category={self._category}&symbol={symbol}&limit={self._page}"

    def next_url(self, endpoint: str, wanted: TradesWanted, page: TradesPage) -> str | None:
        """None: nothing asks for older ones."""
        return None

    def read(self, body: bytes, symbol: str) -> TradesPage:
        """The trades of an answer of this category."""
        trades = decode_listing(self._decode_trades, self._list(body), _REQUEST)
        answer = Answer(_REQUEST, body, len(trades))
        answer.of_symbol(symbol, [t.symbol for t in trades])
        price, size = answer.numbers([t.price for t in trades], [t.size for t in trades])
        page = TradesPage(
            ids=self._numbered(answer.found, answer.frame, [t.execId for t in trades]),
            event_ns=answer.times([t.time for t in trades]),
            prices=price,
            sizes=size,
            sides=np.array([_TAKER[t.side] for t in trades], np.uint32),
        )
        return answer.checked(page)

    def _list(self, body: bytes) -> bytes:
        """The trades as they are spelled; raises `VenueError`."""
        answer = decode_listing(_decode, body, _REQUEST)
        if answer.retCode != 0:  # with HTTP status 200
            raise VenueError(f"{_REQUEST}: {answer.retMsg} (code {answer.retCode})")
        result = decode_listing(_decode_result, bytes(answer.result), _REQUEST)
        if result.category != self._category:
            raise VenueError(f"{_REQUEST}: {result.category!r}, and not {self._category!r}")
        return bytes(result.trades)
