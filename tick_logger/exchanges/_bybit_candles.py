"""How Bybit is asked for minute candles: GET kline of one category, a thousand in an answer."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote

import msgspec

from tick_logger.exchanges.candle_pages import MILLIS, candles
from tick_logger.exchanges.candles_by_rest import CandlesByRest, CandlesWanted
from tick_logger.exchanges.messages import Id, decode_listing, lenient
from tick_logger.exchanges.venue_error import VenueError
from tick_logger.model.candles import Minutes, Values

_REQUEST = "kline"


class _Candle(msgspec.Struct, array_like=True, gc=False):
    start: Id
    open: Any
    high: Any
    low: Any
    close: Any
    volume: float


class _Candles(msgspec.Struct, gc=False):
    category: str
    symbol: str
    candles: list[_Candle] = msgspec.field(name="list")


class _Answer(msgspec.Struct, gc=False):
    retCode: int  # noqa: N815 (the venue's names)
    retMsg: str | None = None  # noqa: N815
    result: msgspec.Raw = msgspec.Raw(b"null")  # of a refusal, an empty object


_decode = msgspec.json.Decoder(_Answer).decode
_decode_result = lenient(_Candles)


class BybitCandles(CandlesByRest):
    """GET kline; volumes are in the base coin, as sizes of trades are."""

    most_minutes: ClassVar[int] = 1000

    def __init__(self, category: str) -> None:
        self._category = category

    def url(self, endpoint: str, wanted: CandlesWanted) -> str:
        """Both times are those at which a candle begins, and included."""
        place = f"{endpoint.rstrip('/')}/v5/market/kline?category={self._category}"
        begin, end = wanted.from_minute * MILLIS, (wanted.to_minute - 1) * MILLIS
        query = f"symbol={quote(wanted.symbol, safe='')}&interval=1&start={begin}&end={end}"
        return f"{place}&{query}&limit={self.most_minutes}"

    def read(self, body: bytes, symbol: str) -> tuple[Minutes, Values]:
        """The volumes of this category and symbol."""
        answer = decode_listing(_decode, body, _REQUEST)
        if answer.retCode != 0:  # with HTTP status 200
            raise VenueError(f"{_REQUEST}: {answer.retMsg} (code {answer.retCode})")
        said = decode_listing(_decode_result, bytes(answer.result), _REQUEST)
        if (said.category, said.symbol) != (self._category, symbol):
            raise VenueError(f"{_REQUEST}: {said.category} {said.symbol!r}, and not {symbol!r}")
        found = said.candles
        return candles(_REQUEST, [each.start for each in found], MILLIS, [x.volume for x in found])
