"""How OKX is asked for trades that were missed: history-trades, by id, the newest first.

`after` means older than this id.  Paging by time (`type=2`) loses trades that share the time at the
edge of a page, so that it is not used.  The answer has the trades that `trades-all` has; a `count`
of fills, where there is one, is passed over as it is in the stream.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

import msgspec
import numpy as np

from tick_logger.exchanges._okx_messages import Trade
from tick_logger.exchanges.base import VenueError
from tick_logger.exchanges.by_ids import NewestFirst
from tick_logger.exchanges.messages import decode_listing, lenient
from tick_logger.exchanges.trade_pages import Answer
from tick_logger.exchanges.trades_by_rest import TradesPage
from tick_logger.model import tables

_REQUEST = "history-trades"
_TAKER = {"buy": tables.SIDE_BUY, "sell": tables.SIDE_SELL}


class _Trades(msgspec.Struct, gc=False):
    code: str
    msg: str = ""
    data: list[Trade] | None = None


_decode = lenient(_Trades)


class OkxTrades(NewestFirst):
    """GET history-trades: a hundred trades each, of the last three months."""

    reach_secs: ClassVar[float | None] = 90 * 86_400.0
    spacing_secs: ClassVar[float] = 0.2  # 20 in 2 s are allowed; half of that is used

    def __init__(self, page: int = 100) -> None:
        self._page = page  # trades; the venue allows a hundred

    def url(self, endpoint: str, symbol: str, below: int | None) -> str:
        """`after` is the id that all of the page are older than."""
        older = "" if below is None else f"&after={below}"
        query = f"instId={quote(symbol, safe='')}&type=1{older}&limit={self._page}"
        return f"{endpoint.rstrip('/')}/api/v5/market/history-trades?{query}"

    def read(self, body: bytes, symbol: str) -> TradesPage:
        """The trades of an answer, whose status is 200 for a refusal too."""
        said = decode_listing(_decode, body, _REQUEST)
        if said.code != "0":
            raise VenueError(f"{_REQUEST}: {said.msg} (code {said.code})")
        if said.data is None:
            raise VenueError(f"{_REQUEST}: no trades in the answer")
        trades, answer = said.data, Answer(_REQUEST, body, len(said.data))
        answer.of_symbol(symbol, [t.inst_id for t in trades])
        price, size = answer.numbers([t.px for t in trades], [t.sz for t in trades])
        page = TradesPage(
            ids=np.array([t.trade_id for t in trades], np.uint64),
            event_ns=answer.times([t.ts for t in trades]),
            prices=price,
            sizes=size,
            sides=np.array([_TAKER[t.side] for t in trades], np.uint32),
        )
        return answer.checked(page)
