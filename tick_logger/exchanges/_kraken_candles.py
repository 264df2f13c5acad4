"""How Kraken is asked for minute candles: OHLC, whose eighth field is the number of trades."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from tick_logger.exchanges._kraken_names import names_of, pair_of
from tick_logger.exchanges.candle_pages import SECONDS, candles
from tick_logger.exchanges.candles_by_rest import CandlesByRest, CandlesWanted
from tick_logger.exchanges.messages import Id, decode_listing, lenient
from tick_logger.exchanges.venue_error import VenueError
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


class _Candles(msgspec.Struct, gc=False):
    error: list[str] | None
    result: dict[str, msgspec.Raw] | None = None


_decode = msgspec.json.Decoder(_Candles).decode
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
        answer = decode_listing(_decode, body, _REQUEST)
        errors = [text for text in answer.error or () if not text.startswith("W")]  # warnings
        if errors or answer.result is None:  # with HTTP status 200
            raise VenueError(f"{_REQUEST}: {', '.join(errors) or 'no result'}")
        keys = [key for key in answer.result if key != "last"]
        if len(keys) != 1 or keys[0] not in names_of(symbol):
            raise VenueError(f"{_REQUEST}: candles of {keys}, and not of {symbol!r}")
        found = decode_listing(_decode_rows, bytes(answer.result[keys[0]]), _REQUEST)
        return candles(_REQUEST, [each.time for each in found], SECONDS, [x.count for x in found])
