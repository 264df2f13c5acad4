"""How Kraken is asked for minute candles: OHLC, whose eighth field is the number of trades."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from tick_logger.exchanges._kraken_answers import of_symbol
from tick_logger.exchanges._kraken_names import pair_of
from tick_logger.exchanges.candle_pages import SECONDS, candles
from tick_logger.exchanges.candles_by_rest import CandlesByRest, CandlesWanted
from tick_logger.exchanges.messages import Id, decode_listing, lenient
from tick_logger.model.candles import Measure, Minutes, Values

_REQUEST = "OHLC"


class _Candle(msgspec.Struct, array_like=True, gc=False):
    time: Id
    open: Any
    high: Any
    low: Any
    close: Any
    vwap: Any
    volume: Any
    count: Id


_decode_rows = lenient(list[_Candle])


class KrakenCandles(CandlesByRest):
    """GET OHLC of spot, minutes without trades among them; the last candle is not over yet."""

    measure: ClassVar[Measure] = Measure.COUNT
    most_minutes: ClassVar[int] = 720
    reach_minutes: ClassVar[int | None] = 720
    weight: ClassVar[int] = 2

    def url(self, endpoint: str, wanted: CandlesWanted) -> str:
        """`since` may be included or not: it is a minute before what is wanted."""
        place = f"{endpoint.rstrip('/')}/0/public/OHLC?pair={pair_of(wanted.symbol)}"
        return f"{place}&interval=1&since={(wanted.from_minute - 1) * SECONDS}"

    def read(self, body: bytes, symbol: str) -> tuple[Minutes, Values]:
        """The numbers of trades under the one key of the answer, a name of this symbol."""
        told, _ = of_symbol(body, symbol, _REQUEST, "candles")
        found = decode_listing(_decode_rows, told, _REQUEST)
        return candles(_REQUEST, [each.time for each in found], SECONDS, [x.count for x in found])
