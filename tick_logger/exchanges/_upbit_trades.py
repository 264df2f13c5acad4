"""How Upbit is asked for trades: GET trades/ticks, the newest first, day by day (UTC).

Pages of one day follow each other by `cursor`, the id of a trade.  A request is about the current
day, or about the one `days_ago`; so a walk that comes to the beginning of a day goes on with the
one before.  Days are counted from `TradesWanted.asked_ns`; without that, only today is asked for.
"""

from __future__ import annotations

from typing import ClassVar, Literal
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
import numpy as np

from tick_logger.exchanges.base import VenueError
from tick_logger.exchanges.messages import UNDECODABLE, Id, decode_listing, lenient
from tick_logger.exchanges.trade_pages import Answer
from tick_logger.exchanges.trades_by_rest import Paging, TradesByRest, TradesPage, TradesWanted
from tick_logger.model import tables

_REQUEST = "trades/ticks"
_DAY_NS = 86_400 * 10**9
_MOST_DAYS = 7
_CURSOR_IS_EXCLUSIVE = True
"""Whether a page begins before the trade that its cursor names.  No document says so: if it is not
so, pages overlap by that trade, which is known by its id."""

_CLOCKS_DIFFER_NS = 60 * 10**9
"""By how much ours and the venue's may, when the day changes.  It costs a page to begin with a day
too late, and to begin with one too early would leave trades out."""

_TAKER = {"ASK": tables.SIDE_SELL, "BID": tables.SIDE_BUY}


class _Trade(msgspec.Struct, gc=False):
    market: str
    timestamp: Id
    trade_price: float
    trade_volume: float
    ask_bid: Literal["ASK", "BID"]
    sequential_id: Id


class _Error(msgspec.Struct, gc=False):
    name: str | int = ""
    message: str = ""


class _Refusal(msgspec.Struct, gc=False):
    error: _Error


_decode = lenient(list[_Trade])
_decode_refusal = msgspec.json.Decoder(_Refusal).decode


class UpbitTrades(TradesByRest):
    """GET trades/ticks; ids are those of the stream, as far as is known."""

    paging: ClassVar[Paging] = Paging.BACKWARD
    reach_secs: ClassVar[float | None] = _MOST_DAYS * 86_400.0
    by_id: ClassVar[bool] = False  # an id is found on its day only, which times tell

    def __init__(self, page: int = 500) -> None:
        self._page = page  # trades; the venue allows five hundred

    def first_url(self, endpoint: str, wanted: TradesWanted) -> str:
        """From the last one that is wanted on, as far as ids or times tell it."""
        days = _days_ago(wanted, wanted.to_ns)
        if wanted.to_id is not None:
            return self._url(endpoint, wanted.symbol, days, _cursor_from(wanted.to_id))
        return self._url(endpoint, wanted.symbol, days, _until(wanted))

    def next_url(self, endpoint: str, wanted: TradesWanted, page: TradesPage) -> str | None:
        """On with older ones of the same day, or else with the end of the day before."""
        if len(page) and _covers(wanted, int(page.event_ns.min()), int(page.ids.min())):
            return None
        days, cursor = _asked(page.asked)
        if not len(page) or (cursor is not None and int(page.ids.min()) >= cursor):
            before = _day_before(wanted, days)
            return None if before is None else self._url(endpoint, wanted.symbol, before)
        if days is None:
            days = _days_ago(wanted, int(page.event_ns.min()))
        return self._url(endpoint, wanted.symbol, days, _cursor_from(int(page.ids.min()) - 1))

    def _url(self, endpoint: str, symbol: str, days_ago: int, where: str = "") -> str:
        place = f"{endpoint.rstrip('/')}/v1/trades/ticks"
        day = f"&days_ago={days_ago}" if days_ago else ""
        return f"{place}?market={quote(symbol, safe='')}&count={self._page}{where}{day}"

    def read(self, body: bytes, symbol: str) -> TradesPage:
        """The trades of an answer; one that is an error is refused in its words."""
        try:
            refused = _decode_refusal(body).error
        except UNDECODABLE:
            trades = decode_listing(_decode, body, _REQUEST)
        else:
            raise VenueError(f"{_REQUEST}: {refused.name}: {refused.message}")
        answer = Answer(_REQUEST, body, len(trades))
        answer.of_symbol(symbol, [t.market for t in trades])
        prices = [t.trade_price for t in trades]
        price, size = answer.numbers(prices, [t.trade_volume for t in trades])
        page = TradesPage(
            ids=np.array([t.sequential_id for t in trades], np.uint64),
            event_ns=answer.times([t.timestamp for t in trades]),
            prices=price,
            sizes=size,
            sides=np.array([_TAKER[t.ask_bid] for t in trades], np.uint32),
        )
        return answer.checked(page)


def _cursor_from(trade_id: int) -> str:
    """Asks for this trade and those before it."""
    return f"&cursor={trade_id + 1 if _CURSOR_IS_EXCLUSIVE else trade_id}"


def _until(wanted: TradesWanted) -> str:
    """Asks for what is no later than a second after `to_ns`, on the day asked for."""
    if wanted.to_ns is None or wanted.asked_ns is None:
        return ""
    until_secs = wanted.to_ns // 10**9 + 2
    if until_secs * 10**9 // _DAY_NS != wanted.to_ns // _DAY_NS:
        return ""  # that is the whole day
    minutes, seconds = divmod(until_secs, 60)
    return f"&to={minutes // 60 % 24:02}{minutes % 60:02}{seconds:02}"


def _days_ago(wanted: TradesWanted, time_ns: int | None) -> int:
    """The latest day on which the venue may see this time; 0 if nobody knows."""
    if wanted.asked_ns is None or time_ns is None:
        return 0
    days = (wanted.asked_ns - _CLOCKS_DIFFER_NS) // _DAY_NS - time_ns // _DAY_NS
    return min(max(days, 0), _MOST_DAYS)


def _asked(url: str) -> tuple[int | None, int | None]:
    """The day and the cursor of an address; None where they are not told."""
    query = parse_qs(urlsplit(url).query)
    days = int(query.get("days_ago", ["0"])[0]) if url else None
    return days, int(query["cursor"][0]) if "cursor" in query else None


def _day_before(wanted: TradesWanted, days: int | None) -> int | None:
    """The day to go on with after the last page of this one; None if nothing is left.

    The last is empty, or does not get on: it begins with its cursor again, and ends with it.
    """
    if days is None or wanted.asked_ns is None or days == _MOST_DAYS:
        return None
    earliest_day = (wanted.asked_ns + _CLOCKS_DIFFER_NS) // _DAY_NS - days
    if wanted.from_ns is not None and wanted.from_ns // _DAY_NS >= earliest_day:
        return None
    return days + 1


def _covers(wanted: TradesWanted, oldest_ns: int, oldest_id: int) -> bool:
    """Whether nothing wanted is older than this trade."""
    if wanted.from_id is not None:
        return oldest_id <= wanted.from_id
    return wanted.from_ns is not None and oldest_ns < wanted.from_ns
