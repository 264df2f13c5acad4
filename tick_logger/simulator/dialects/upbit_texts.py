"""The messages of Upbit, written as the venue writes them.

A variant is two bits: SIMPLE has short names, LIST puts each message into an array of its own.
Numbers are bare.  DEFAULT messages have prices and sizes with eight decimals, but for the prices of
books, which both formats spell as a double: `1.16539E8`, `3040.0`; so are all numbers of SIMPLE.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence

import attrs

from tick_logger.simulator.book import Level
from tick_logger.simulator.listing import Listing, Trade
from tick_logger.simulator.symbols import SymbolSpec, decimal_text, plain

SIMPLE = 1
LIST = 2
SNAPSHOT, REALTIME = "SNAPSHOT", "REALTIME"
UP = b'{"status":"UP"}'

_DECIMALS = 8
_DEPTH = 30
_RATE_DECIMALS = 10
_NOTHING: Level = (0, 0)
_CAUTIONS = (
    "PRICE_FLUCTUATIONS",
    "TRADING_VOLUME_SOARING",
    "DEPOSIT_AMOUNT_SOARING",
    "GLOBAL_PRICE_DIFFERENCES",
    "CONCENTRATION_OF_SMALL_ACCOUNTS",
)
_YEAR_AGO = "2025-09-21"

SHORT_NAMES = {
    "type": "ty", "code": "cd", "timestamp": "tms", "trade_date": "td", "trade_time": "ttm",
    "trade_timestamp": "ttms", "trade_price": "tp", "trade_volume": "tv", "ask_bid": "ab",
    "prev_closing_price": "pcp", "change": "c", "change_price": "cp", "sequential_id": "sid",
    "best_ask_price": "bap", "best_ask_size": "bas", "best_bid_price": "bbp",
    "best_bid_size": "bbs", "stream_type": "st", "total_ask_size": "tas", "total_bid_size": "tbs",
    "orderbook_units": "obu", "ask_price": "ap", "bid_price": "bp", "ask_size": "as",
    "bid_size": "bs", "level": "lv", "opening_price": "op", "high_price": "hp", "low_price": "lp",
    "signed_change_price": "scp", "change_rate": "cr", "signed_change_rate": "scr",
    "acc_trade_volume": "atv", "acc_trade_volume_24h": "atv24h", "acc_trade_price": "atp",
    "acc_trade_price_24h": "atp24h", "acc_ask_volume": "aav", "acc_bid_volume": "abv",
    "highest_52_week_price": "h52wp", "highest_52_week_date": "h52wdt",
    "lowest_52_week_price": "l52wp", "lowest_52_week_date": "l52wdt", "market_state": "ms",
    "is_trading_suspended": "its", "delisting_date": "dd", "market_warning": "mw",
    "method": "mthd", "result": "rslt", "codes": "cds", "ticket": "tckt",
}  # fmt: skip


@attrs.frozen
class BookState:
    """The best levels of both sides, best first, as of a millisecond."""

    stamp_ms: int
    bids: list[Level]
    asks: list[Level]

    @classmethod
    def of(cls, listing: Listing, now_ns: int) -> BookState:
        """The book as it is now."""
        book = listing.book
        bids = book.levels(is_bid=True, limit=_DEPTH)
        return cls(now_ns // 1_000_000, bids, book.levels(is_bid=False, limit=_DEPTH))


# -- numbers ---------------------------------------------------------------------------------------


def price(spec: SymbolSpec, ticks: int) -> str:
    """A price with eight decimals."""
    return decimal_text(ticks * 10 ** (_DECIMALS - spec.price_decimals), _DECIMALS)


def size(spec: SymbolSpec, lots: int) -> str:
    """A size with eight decimals."""
    return decimal_text(lots * 10 ** (_DECIMALS - spec.size_decimals), _DECIMALS)


def double(text: str) -> str:
    """A decimal text as a double is written: from 0.001 to 10 million plainly, else with an E."""
    whole, _, fraction = text.partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return "0.0"
    exponent = len(digits) - len(fraction) - 1
    if -3 <= exponent < 7:
        return f"{whole}.{fraction.rstrip('0') or '0'}"
    digits = digits.rstrip("0")
    return f"{digits[0]}.{digits[1:] or '0'}E{exponent}"


def _spelled(text: str, variant: int) -> str:
    return double(text) if variant & SIMPLE else text


# -- messages --------------------------------------------------------------------------------------


def trade(event: Trade, stamp_ms: int, stream_type: str, variant: int) -> bytes:
    """A `trade` message; the event has the venue's own id."""
    spec, quote, stamp = event.listing.spec, event.quote, event.time_ns // 1_000_000
    change = event.ticks - event.listing.open_ticks
    when = time.gmtime(stamp // 1000)
    fields = {
        "type": '"trade"',
        "code": f'"{spec.symbol}"',
        "timestamp": str(stamp_ms),
        "trade_date": time.strftime('"%Y-%m-%d"', when),
        "trade_time": time.strftime('"%H:%M:%S"', when),
        "trade_timestamp": str(stamp),
        "trade_price": _spelled(price(spec, event.ticks), variant),
        "trade_volume": _spelled(size(spec, event.lots), variant),
        "ask_bid": _ask_bid(event),
        "prev_closing_price": _spelled(price(spec, event.listing.open_ticks), variant),
        "change": _change(change),
        "change_price": _spelled(price(spec, abs(change)), variant),
        "sequential_id": str(event.trade_id),
        "best_ask_price": _best(price(spec, quote.ask_ticks), variant),
        "best_ask_size": _best(size(spec, quote.ask_lots), variant),
        "best_bid_price": _best(price(spec, quote.bid_ticks), variant),
        "best_bid_size": _best(size(spec, quote.bid_lots), variant),
        "stream_type": f'"{stream_type}"',
    }
    return _message(fields, variant)


def ticker(event: Trade, volume_lots: int, stamp_ms: int, stream_type: str, variant: int) -> bytes:
    """The `ticker` after a trade, which brought the day's volume to so many lots."""
    listing, spec = event.listing, event.listing.spec
    change, stamp = event.ticks - listing.open_ticks, event.time_ns // 1_000_000
    sign, when = "-" if change < 0 else "", time.gmtime(stamp // 1000)
    rate = decimal_text(abs(change) * 10**_RATE_DECIMALS // listing.open_ticks, _RATE_DECIMALS)
    turnover = _turnover(spec, listing.turnover)

    def amount(ticks: int) -> str:
        return _spelled(price(spec, ticks), variant)

    def volume(lots: int) -> str:
        return _spelled(size(spec, lots), variant)

    fields = {
        "type": '"ticker"',
        "code": f'"{spec.symbol}"',
        "opening_price": amount(listing.open_ticks),
        "high_price": amount(listing.high_ticks),
        "low_price": amount(listing.low_ticks),
        "trade_price": amount(event.ticks),
        "prev_closing_price": amount(listing.open_ticks),
        "acc_trade_price": _spelled(turnover, variant),
        "change": _change(change),
        "change_price": amount(abs(change)),
        "signed_change_price": sign + amount(abs(change)),
        "change_rate": _spelled(rate, variant),
        "signed_change_rate": sign + _spelled(rate, variant),
        "ask_bid": _ask_bid(event),
        "trade_volume": volume(event.lots),
        "acc_trade_volume": volume(volume_lots),
        "trade_date": time.strftime('"%Y%m%d"', when),
        "trade_time": time.strftime('"%H%M%S"', when),
        "trade_timestamp": str(stamp),
        "acc_ask_volume": volume(volume_lots // 2),
        "acc_bid_volume": volume(volume_lots - volume_lots // 2),
        "highest_52_week_price": amount(listing.high_ticks * 2),
        "highest_52_week_date": f'"{_YEAR_AGO}"',
        "lowest_52_week_price": amount(listing.low_ticks // 2),
        "lowest_52_week_date": f'"{_YEAR_AGO}"',
        "market_state": '"ACTIVE"',
        "is_trading_suspended": "false",
        "delisting_date": "null",
        "market_warning": '"NONE"',
        "timestamp": str(stamp_ms),
        "acc_trade_price_24h": _spelled(turnover, variant),
        "acc_trade_volume_24h": volume(volume_lots),
        "stream_type": f'"{stream_type}"',
    }
    return _message(fields, variant)


def orderbook(
    spec: SymbolSpec, state: BookState, stream_type: str, variant: int, depth: int = _DEPTH
) -> bytes:
    """An `orderbook` message: always `depth` units, the last empty if a side is shorter."""
    units = []
    for rank in range(depth):
        ask = state.asks[rank] if rank < len(state.asks) else _NOTHING
        bid = state.bids[rank] if rank < len(state.bids) else _NOTHING
        unit = {
            "ask_price": double(price(spec, ask[0])),
            "bid_price": double(price(spec, bid[0])),
            "ask_size": _unit_size(spec, ask[1], variant),
            "bid_size": _unit_size(spec, bid[1], variant),
        }
        units.append(_named(unit, variant))
    fields = {
        "type": '"orderbook"',
        "code": f'"{spec.symbol}"',
        "timestamp": str(state.stamp_ms),
        "total_ask_size": size(spec, sum(lots for _, lots in state.asks[:depth])),
        "total_bid_size": size(spec, sum(lots for _, lots in state.bids[:depth])),
        "orderbook_units": f"[{','.join(units)}]",
        "stream_type": f'"{stream_type}"',
        "level": "0",
    }
    return _message(fields, variant)


def subscriptions(types: Iterable[tuple[str, Sequence[str]]], ticket: str, variant: int) -> bytes:
    """The answer to LIST_SUBSCRIPTIONS: types with their codes."""
    listed = []
    for kind, codes in types:
        entry = {"type": f'"{kind}"', "codes": json.dumps(codes, separators=(",", ":"))}
        listed.append(_named(entry | ({"level": "0"} if kind == "orderbook" else {}), variant))
    fields = {
        "method": '"LIST_SUBSCRIPTIONS"',
        "result": f"[{','.join(listed)}]",
        "ticket": json.dumps(ticket),
    }
    return _message(fields, variant)


def error(name: str, message: str) -> bytes:
    """An error, which has one form in all formats."""
    answer = {"error": {"name": name, "message": message}}
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def market(listing: Listing) -> dict[str, object]:
    """A market as the REST listing describes it."""
    spec = listing.spec
    return {
        "market": spec.symbol,
        "korean_name": f"{spec.base} 코인",
        "english_name": spec.base.title(),
        "market_event": {"warning": False, "caution": dict.fromkeys(_CAUTIONS, False)},
    }


# -- parts -----------------------------------------------------------------------------------------


def _message(fields: dict[str, str], variant: int) -> bytes:
    text = _named(fields, variant)
    return (f"[{text}]" if variant & LIST else text).encode()


def _named(fields: dict[str, str], variant: int) -> str:
    """Fields, whose values are JSON already, as an object."""
    names = SHORT_NAMES if variant & SIMPLE else {}
    return "{" + ",".join(f'"{names.get(k, k)}":{value}' for k, value in fields.items()) + "}"


def _best(text: str, variant: int) -> str:
    return double(text) if variant & SIMPLE else plain(text)


def _unit_size(spec: SymbolSpec, lots: int, variant: int) -> str:
    return _spelled(size(spec, lots), variant) if lots else "0"


def _ask_bid(event: Trade) -> str:
    return '"BID"' if event.taker_buys else '"ASK"'


def _change(ticks: int) -> str:
    return '"RISE"' if ticks > 0 else '"FALL"' if ticks else '"EVEN"'


def _turnover(spec: SymbolSpec, units: int) -> str:
    """Ticks times lots as decimal text."""
    return decimal_text(units, spec.price_decimals + spec.size_decimals)
