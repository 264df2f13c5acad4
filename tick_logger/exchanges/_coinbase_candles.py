"""How Coinbase is asked for minute candles: a product's, three hundred in an answer.

A minute without trades has no candle.
"""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote

import msgspec
import numpy as np

from tick_logger.exchanges.candle_pages import SECONDS, candles
from tick_logger.exchanges.candles_by_rest import CandlesByRest, CandlesWanted
from tick_logger.exchanges.messages import Id, decode_listing, lenient
from tick_logger.model.candles import Minutes, Values

_REQUEST = "candles"


class _Candle(msgspec.Struct, array_like=True, gc=False):
    time: Id
    low: Any
    high: Any
    open: Any
    close: Any
    volume: float


_decode = lenient(list[_Candle])


class CoinbaseCandles(CandlesByRest):
    """GET a product's candles, as old as the product; the answer does not name it."""

    most_minutes: ClassVar[int] = 300
    leaves_out: ClassVar[bool] = True

    def url(self, endpoint: str, wanted: CandlesWanted) -> str:
        """Both times are those at which a candle begins, and included."""
        place = f"{endpoint.rstrip('/')}/products/{quote(wanted.symbol, safe='')}/candles"
        begin, end = (_iso(each) for each in (wanted.from_minute, wanted.to_minute - 1))
        return f"{place}?granularity=60&start={begin}&end={end}"

    def read(self, body: bytes, symbol: str) -> tuple[Minutes, Values]:
        """The volumes, in the base currency."""
        found = decode_listing(_decode, body, _REQUEST)
        return candles(_REQUEST, [each.time for each in found], SECONDS, [x.volume for x in found])


def _iso(minute: int) -> str:
    return f"{np.datetime64(minute, 'm')}:00Z"
