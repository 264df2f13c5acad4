"""How Kraken is asked for trades: GET Trades, the oldest first, from a time on.

`since` is exclusive, and in nanoseconds, of which rows print the digits of a float: neighbours that
print the same time are most of a burst.  So each page is asked for from just before the `last` of
the page before it, begins with what that ended with, and must join its ids (`walk`).
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qs, urlsplit

import msgspec
import numpy as np

from tick_logger.exchanges._kraken_answers import of_symbol
from tick_logger.exchanges._kraken_names import pair_of
from tick_logger.exchanges.base import VenueError
from tick_logger.exchanges.columns import Ints
from tick_logger.exchanges.messages import Id, decode_listing, lenient
from tick_logger.exchanges.trade_pages import Answer
from tick_logger.exchanges.trades_by_rest import Paging, TradesByRest, TradesPage, TradesWanted
from tick_logger.model import tables

_REQUEST = "Trades"
_EARLIER_NS = 10**9
"""By how much the first page begins before what is wanted.  The times of the stream are cut to
microseconds, and those of rows are floats; a second costs a page at most, and settles all that."""
_ROUNDING_NS = 1_000
"""By how much the time of a row may be off: a float of today's seconds has steps of 240 ns."""

_TAKER = {"b": tables.SIDE_BUY, "s": tables.SIDE_SELL}
_SECONDS = re.compile(r'"?(\d{1,10})(?:\.(\d{1,20}))?"?', re.ASCII)
_LAST = re.compile(r'"?(\d{1,19})"?', re.ASCII)


class _Trade(msgspec.Struct, array_like=True, gc=False):
    """Rows of years ago end before the id, and then there is nothing to tell trades apart by."""

    price: float
    volume: float
    time: msgspec.Raw
    side: Literal["b", "s"]
    order_type: Any
    miscellaneous: Any
    trade_id: Id


_decode_rows = lenient(list[_Trade])


class KrakenTrades(TradesByRest):
    """GET Trades of spot; ids are those of the stream."""

    paging: ClassVar[Paging] = Paging.FORWARD
    weight: ClassVar[int] = 2
    spacing_secs: ClassVar[float] = 1.0  # no number is documented; other clients keep to this one
    by_id: ClassVar[bool] = False
    joins: ClassVar[bool] = True

    def __init__(self, page: int = 1000) -> None:
        self._page = page  # trades; the venue allows a thousand

    def first_url(self, endpoint: str, wanted: TradesWanted) -> str:
        """From a second before `from_ns` on."""
        if wanted.from_ns is None:
            raise ValueError("Kraken is asked by times: from_ns is needed")
        return self._url(endpoint, wanted.symbol, wanted.from_ns - _EARLIER_NS)

    def next_url(self, endpoint: str, wanted: TradesWanted, page: TradesPage) -> str | None:
        """From just before the last trade of the page on, so that none of its time is left out."""
        if not len(page) or _is_last(wanted, page):
            return None
        # No later than the last row: a `last` beyond it would leave out what is between.
        last_ns = min(int(page.cursor), int(page.event_ns.max()) + _ROUNDING_NS)
        if not _repeats(page, last_ns - 1):
            return self._url(endpoint, wanted.symbol, last_ns - 1)
        if len(page) < self._page:
            return None  # it holds nothing but what the page before it ended with
        return self._url(endpoint, wanted.symbol, last_ns)  # or the same would come again

    def _url(self, endpoint: str, symbol: str, since_ns: int) -> str:
        place = f"{endpoint.rstrip('/')}/0/public/Trades"
        return f"{place}?pair={pair_of(symbol)}&since={max(since_ns, 0)}&count={self._page}"

    def read(self, body: bytes, symbol: str) -> TradesPage:
        """The trades under the one key of the answer, which must be a name of this symbol."""
        rows, spelled = of_symbol(body, symbol, _REQUEST, "trades")
        last = _LAST.fullmatch(spelled.decode())
        if last is None:
            raise VenueError(f"{_REQUEST}: no time of the last trade")
        trades = decode_listing(_decode_rows, rows, _REQUEST)
        answer = Answer(_REQUEST, body, len(trades))
        seconds, nanos = _times([bytes(t.time).decode() for t in trades])
        price, size = answer.numbers([t.price for t in trades], [t.volume for t in trades])
        page = TradesPage(
            ids=np.array([t.trade_id for t in trades], np.uint64),
            event_ns=answer.times(seconds) + nanos,
            prices=price,
            sizes=size,
            sides=np.array([_TAKER[t.side] for t in trades], np.uint32),
            cursor=last[1],
        )
        return answer.checked(page)


def _repeats(page: TradesPage, since_ns: int) -> bool:
    """Whether what is asked for by this time is this page again, as far as is known."""
    asked = parse_qs(urlsplit(page.asked).query).get("since")
    if asked is not None:
        return since_ns <= int(asked[0])
    return int(page.event_ns.max() - page.event_ns.min()) <= _ROUNDING_NS


def _is_last(wanted: TradesWanted, page: TradesPage) -> bool:
    if wanted.to_id is not None:
        return int(page.ids.max()) >= wanted.to_id
    return wanted.to_ns is not None and int(page.event_ns.max()) > wanted.to_ns + _ROUNDING_NS


def _times(texts: list[str]) -> tuple[list[int], Ints]:
    """Whole seconds and nanoseconds, exactly as they are spelled; raises `VenueError`."""
    seconds: list[int] = []
    nanos: list[int] = []
    for text in texts:
        match = _SECONDS.fullmatch(text)
        if match is None:
            raise VenueError(f"{_REQUEST}: {text[:40]!r} is not a time")
        seconds.append(int(match[1]))
        nanos.append(int((match[2] or "")[:9].ljust(9, "0")))
    return seconds, np.array(nanos, np.int64)
