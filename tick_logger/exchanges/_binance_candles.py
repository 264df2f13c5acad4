"""How Binance is asked for minute candles: klines, whose ninth field is the number of trades."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote

import msgspec

from tick_logger.exchanges.candle_pages import MILLIS, candles
from tick_logger.exchanges.candles_by_rest import CandlesByRest, CandlesWanted
from tick_logger.exchanges.messages import Id, decode_listing, lenient
from tick_logger.model.candles import Measure, Minutes, Values

_REQUEST = "klines"


class _Candle(msgspec.Struct, array_like=True, gc=False):
    open_time: Id
    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any
    close_time: Any
    quote_volume: Any
    trades: Id


_decode = lenient(list[_Candle])


class BinanceCandles(CandlesByRest):
    """GET klines: a thousand minutes each, as old as the symbol; minutes without trades too."""

    measure: ClassVar[Measure] = Measure.COUNT
    most_minutes: ClassVar[int] = 1000
    weight: ClassVar[int] = 2

    def url(self, endpoint: str, wanted: CandlesWanted) -> str:
        """Both times are those at which a candle begins, and included."""
        place = f"{endpoint.rstrip('/')}/api/v3/klines?symbol={quote(wanted.symbol, safe='')}"
        begin, end = wanted.from_minute * MILLIS, (wanted.to_minute - 1) * MILLIS
        return f"{place}&interval=1m&startTime={begin}&endTime={end}&limit={self.most_minutes}"

    def read(self, body: bytes, symbol: str) -> tuple[Minutes, Values]:
        """The numbers of trades; the answer does not name its symbol."""
        found = decode_listing(_decode, body, _REQUEST)
        return candles(
            _REQUEST, [each.open_time for each in found], MILLIS, [each.trades for each in found]
        )
