"""The messages of Binance spot streams, written as the venue writes them.

A variant is two bits: COMBINED wraps a message with the name of its stream, MICROSECONDS gives
times in microseconds instead of milliseconds.  All prices and sizes have eight decimals.
"""

from __future__ import annotations

from tick_logger.simulator.book import BookChanges, Level
from tick_logger.simulator.listing import Listing, Quote, Trade
from tick_logger.simulator.symbols import SymbolSpec, decimal_text

COMBINED = 1
MICROSECONDS = 2
_DECIMALS = 8
_SENDING_NS = 200_000  # how much later than the trade its message is sent
_DAY_NS = 86_400 * 10**9


def wrapped(stream: str, payload: str, variant: int) -> bytes:
    """The payload as this variant's connections get it."""
    if variant & COMBINED:
        return f'{{"stream":"{stream}","data":{payload}}}'.encode()
    return payload.encode()


def stamp(time_ns: int, variant: int) -> int:
    """A time in the variant's unit."""
    return time_ns // (1000 if variant & MICROSECONDS else 1_000_000)


def price(spec: SymbolSpec, ticks: int) -> str:
    """A price with eight decimals."""
    return decimal_text(ticks * 10 ** (_DECIMALS - spec.price_decimals), _DECIMALS)


def size(spec: SymbolSpec, lots: int) -> str:
    """A size with eight decimals."""
    return decimal_text(lots * 10 ** (_DECIMALS - spec.size_decimals), _DECIMALS)


def trade(event: Trade, variant: int) -> str:
    """A `trade` payload."""
    spec = event.listing.spec
    return (
        f'{{"e":"trade","E":{stamp(event.time_ns + _SENDING_NS, variant)},"s":"{spec.symbol}",'
        f'"t":{event.trade_id},"p":"{price(spec, event.ticks)}","q":"{size(spec, event.lots)}",'
        f'"T":{stamp(event.time_ns, variant)},"m":{"false" if event.taker_buys else "true"},'
        f'"M":true}}'
    )


def book_ticker(quote: Quote) -> str:
    """A `bookTicker` payload, which has no time."""
    spec = quote.listing.spec
    return (
        f'{{"u":{quote.update_id},"s":"{spec.symbol}",'
        f'"b":"{price(spec, quote.bid_ticks)}","B":"{size(spec, quote.bid_lots)}",'
        f'"a":"{price(spec, quote.ask_ticks)}","A":"{size(spec, quote.ask_lots)}"}}'
    )


def day_ticker(listing: Listing, last: Trade, now_ns: int, variant: int) -> str:
    """A `24hrTicker` payload."""
    spec, quote = listing.spec, listing.quote(now_ns)
    change = last.ticks - listing.open_ticks
    sign = "-" if change < 0 else ""
    average = listing.turnover // listing.volume_lots
    turnover = listing.turnover * 10 ** (16 - spec.price_decimals - spec.size_decimals)
    return (
        f'{{"e":"24hrTicker","E":{stamp(now_ns, variant)},"s":"{spec.symbol}",'
        f'"p":"{sign}{price(spec, abs(change))}","P":"{change / listing.open_ticks * 100:.3f}",'
        f'"w":"{price(spec, average)}","x":"{price(spec, listing.open_ticks)}",'
        f'"c":"{price(spec, last.ticks)}","Q":"{size(spec, last.lots)}",'
        f'"b":"{price(spec, quote.bid_ticks)}","B":"{size(spec, quote.bid_lots)}",'
        f'"a":"{price(spec, quote.ask_ticks)}","A":"{size(spec, quote.ask_lots)}",'
        f'"o":"{price(spec, listing.open_ticks)}","h":"{price(spec, listing.high_ticks)}",'
        f'"l":"{price(spec, listing.low_ticks)}","v":"{size(spec, listing.volume_lots)}",'
        f'"q":"{decimal_text(turnover // 10**8, _DECIMALS)}",'
        f'"O":{stamp(now_ns - _DAY_NS, variant)},"C":{stamp(now_ns, variant)},'
        f'"F":{listing.first_id},"L":{last.trade_id},"n":{last.trade_id - listing.first_id + 1}}}'
    )


def depth_update(spec: SymbolSpec, changes: BookChanges, now_ns: int, variant: int) -> str:
    """A `depthUpdate` payload; one side may be empty."""
    return (
        f'{{"e":"depthUpdate","E":{stamp(now_ns, variant)},"s":"{spec.symbol}",'
        f'"U":{changes.first_id},"u":{changes.last_id},'
        f'"b":[{_levels(spec, changes.bids)}],"a":[{_levels(spec, changes.asks)}]}}'
    )


def depth_snapshot(listing: Listing, limit: int) -> bytes:
    """The body of a REST book snapshot."""
    spec, book = listing.spec, listing.book
    bids = _levels(spec, book.levels(is_bid=True, limit=limit))
    asks = _levels(spec, book.levels(is_bid=False, limit=limit))
    return f'{{"lastUpdateId":{book.update_id},"bids":[{bids}],"asks":[{asks}]}}'.encode()


def exchange_symbol(listing: Listing) -> dict[str, object]:
    """A symbol as exchangeInfo describes it."""
    spec = listing.spec
    tick, lot = price(spec, 1), size(spec, 1)
    return {
        "symbol": spec.symbol,
        "status": "TRADING" if listing.active else "BREAK",
        "baseAsset": spec.base,
        "baseAssetPrecision": _DECIMALS,
        "quoteAsset": spec.quote,
        "quotePrecision": _DECIMALS,
        "quoteAssetPrecision": _DECIMALS,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "0", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "9000.00000000", "stepSize": lot},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }


def _levels(spec: SymbolSpec, levels: list[Level]) -> str:
    return ",".join(f'["{price(spec, ticks)}","{size(spec, lots)}"]' for ticks, lots in levels)
