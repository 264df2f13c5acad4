"""How Upbit is asked for minute candles: candles/minutes/1, two hundred in an answer.

A minute without trades has no candle, so that an answer may go farther back than what is wanted.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

import msgspec
import numpy as np

from tick_logger.exchanges.candle_pages import SECONDS, candles
from tick_logger.exchanges.candles_by_rest import CandlesByRest, CandlesWanted
from tick_logger.exchanges.messages import decode_listing, lenient
from tick_logger.exchanges.venue_error import VenueError
from tick_logger.model.candles import Minutes, Values

_REQUEST = "candles/minutes/1"


class _Candle(msgspec.Struct, gc=False):
    market: str
    candle_date_time_utc: str
    candle_acc_trade_volume: float


_decode = lenient(list[_Candle])


class UpbitCandles(CandlesByRest):
    """GET candles/minutes/1, as old as the market."""

    most_minutes: ClassVar[int] = 200
    leaves_out: ClassVar[bool] = True

    def url(self, endpoint: str, wanted: CandlesWanted) -> str:
        """`to` is not included."""
        place = (
            f"{endpoint.rstrip('/')}/v1/candles/minutes/1?market={quote(wanted.symbol, safe='')}"
        )
        until = quote(f"{np.datetime64(wanted.to_minute, 'm')}:00Z", safe="")
        return f"{place}&to={until}&count={self.most_minutes}"

    def read(self, body: bytes, symbol: str) -> tuple[Minutes, Values]:
        """The volumes, in the base currency; one that is an error is refused."""
        found = decode_listing(_decode, body, _REQUEST)
        for each in found:
            if each.market != symbol:
                raise VenueError(f"{_REQUEST}: a candle of {each.market!r}, and not of {symbol!r}")
        starts = [_seconds(each.candle_date_time_utc) for each in found]
        return candles(_REQUEST, starts, SECONDS, [x.candle_acc_trade_volume for x in found])


def _seconds(text: str) -> int:
    try:
        return int(np.datetime64(text, "s").astype(np.int64))
    except ValueError:
        raise VenueError(f"{_REQUEST}: {text[:40]!r} is not a time") from None
