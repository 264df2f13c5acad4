"""How OKX is asked for minute candles: the last day of them, three hundred in an answer."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote

import msgspec

from tick_logger.exchanges.candle_pages import MILLIS, candles
from tick_logger.exchanges.candles_by_rest import CandlesByRest, CandlesWanted
from tick_logger.exchanges.messages import Id, decode_listing, lenient
from tick_logger.exchanges.venue_error import VenueError
from tick_logger.model.candles import Minutes, Values

_REQUEST = "candles"


class _Candle(msgspec.Struct, array_like=True, gc=False):
    ts: Id
    open: Any
    high: Any
    low: Any
    close: Any
    volume: float
    volume_of_currency: Any = None
    volume_of_quote: Any = None
    confirm: str = "1"


class _Candles(msgspec.Struct, gc=False):
    code: str
    msg: str = ""
    data: list[_Candle] | None = None


_decode = lenient(_Candles)


class OkxCandles(CandlesByRest):
    """GET market/candles, which keeps the newest 1,440; the answer does not name its symbol."""

    most_minutes: ClassVar[int] = 300
    reach_minutes: ClassVar[int | None] = 1440

    def url(self, endpoint: str, wanted: CandlesWanted) -> str:
        """`after` means older than this time, `before` newer; neither is included."""
        place = f"{endpoint.rstrip('/')}/api/v5/market/candles"
        after, before = wanted.to_minute * MILLIS, wanted.from_minute * MILLIS - 1
        query = f"instId={quote(wanted.symbol, safe='')}&bar=1m&after={after}&before={before}"
        return f"{place}?{query}&limit={self.most_minutes}"

    def read(self, body: bytes, symbol: str) -> tuple[Minutes, Values]:
        """The volumes, in what sizes of trades are in; a candle that is not over is left out."""
        said = decode_listing(_decode, body, _REQUEST)
        if said.code != "0":
            raise VenueError(f"{_REQUEST}: {said.msg} (code {said.code})")
        if said.data is None:
            raise VenueError(f"{_REQUEST}: no candles in the answer")
        over = [each for each in said.data if each.confirm != "0"]
        return candles(_REQUEST, [each.ts for each in over], MILLIS, [x.volume for x in over])
