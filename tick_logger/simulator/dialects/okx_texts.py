"""The messages of OKX v5, written as the venue writes them.

Prices and sizes have no trailing zeros, and nearly every number is a text; ids of messages are
not.  Times are in milliseconds.  A level is price, size, a deprecated zero and a number of orders,
which is zero where the level is deleted.
"""

from __future__ import annotations

import msgspec

from tick_logger.simulator.book import BookChanges, Level, parted
from tick_logger.simulator.listing import Listing, Quote, Trade
from tick_logger.simulator.symbols import SymbolSpec, decimal_text, plain

DEPTH = 400  # levels of a side that `books` shows
_FEW = 5  # levels of a side that `books5` shows
_MOST_ORDERS = 7  # of one level; they are made up
_LISTED_SINCE = "1548133413000"


def price(spec: SymbolSpec, ticks: int) -> str:
    """A price without trailing zeros."""
    return plain(spec.price(ticks))


def size(spec: SymbolSpec, lots: int) -> str:
    """A size without trailing zeros."""
    return plain(spec.size(lots))


def stamp(time_ns: int) -> str:
    """A time in milliseconds."""
    return str(time_ns // 1_000_000)


# -- data ------------------------------------------------------------------------------------------


def trade_alone(trade: Trade) -> bytes:
    """A message of `trades-all`; its fields are documented, but were not recorded."""
    return _trade("trades-all", trade, '"source":"0"')


def trade_of_many(trade: Trade) -> bytes:
    """A message of `trades`: here an order makes one trade at each price."""
    seq_id = trade.quote.update_id
    return _trade("trades", trade, f'"count":"1","source":"0","seqId":{seq_id}')


def _trade(channel: str, trade: Trade, more: str) -> bytes:
    spec = trade.listing.spec
    return (
        f'{_arg(channel, spec)}"data":[{{"instId":"{spec.symbol}","tradeId":"{trade.trade_id}",'
        f'"px":"{price(spec, trade.ticks)}","sz":"{size(spec, trade.lots)}",'
        f'"side":"{"buy" if trade.taker_buys else "sell"}","ts":"{stamp(trade.time_ns)}",'
        f"{more}}}]}}"
    ).encode()


def ticker(listing: Listing, last: Trade, now_ns: int) -> bytes:
    """A message of `tickers`."""
    spec, quote = listing.spec, listing.quote(now_ns)
    opened = price(spec, listing.open_ticks)
    turnover = decimal_text(listing.turnover, spec.price_decimals + spec.size_decimals)
    return (
        f'{_arg("tickers", spec)}"data":[{{"instType":"SPOT","instId":"{spec.symbol}",'
        f'"last":"{price(spec, last.ticks)}","lastSz":"{size(spec, last.lots)}",'
        f'"askPx":"{price(spec, quote.ask_ticks)}","askSz":"{size(spec, quote.ask_lots)}",'
        f'"bidPx":"{price(spec, quote.bid_ticks)}","bidSz":"{size(spec, quote.bid_lots)}",'
        f'"open24h":"{opened}","high24h":"{price(spec, listing.high_ticks)}",'
        f'"low24h":"{price(spec, listing.low_ticks)}","sodUtc0":"{opened}","sodUtc8":"{opened}",'
        f'"volCcy24h":"{plain(turnover)}","vol24h":"{size(spec, listing.volume_lots)}",'
        f'"ts":"{stamp(now_ns)}"}}]}}'
    ).encode()


def best(quote: Quote) -> bytes:
    """A message of `bbo-tbt`."""
    spec = quote.listing.spec
    asks = _levels(spec, [(quote.ask_ticks, quote.ask_lots)])
    bids = _levels(spec, [(quote.bid_ticks, quote.bid_lots)])
    return (
        f'{_arg("bbo-tbt", spec)}"data":[{{"asks":[{asks}],"bids":[{bids}],'
        f'"ts":"{stamp(quote.time_ns)}","seqId":{quote.update_id}}}]}}'
    ).encode()


def few_levels(listing: Listing, now_ns: int) -> bytes:
    """A message of `books5`."""
    spec, book = listing.spec, listing.book
    asks = _levels(spec, book.levels(is_bid=False, limit=_FEW))
    bids = _levels(spec, book.levels(is_bid=True, limit=_FEW))
    return (
        f'{_arg("books5", spec)}"data":[{{"asks":[{asks}],"bids":[{bids}],'
        f'"instId":"{spec.symbol}","ts":"{stamp(now_ns)}","seqId":{book.update_id}}}]}}'
    ).encode()


def begin(listing: Listing, hollow: tuple[bool, bool] | None, now_ns: int) -> list[bytes]:
    """The first message of `books`, or the first two, if these sides are not in the snapshot."""
    book = listing.book
    sides = book.levels(is_bid=True, limit=DEPTH), book.levels(is_bid=False, limit=DEPTH)
    first, filling = parted(sides, hollow)
    last_id = book.update_id
    messages = [_book(listing.spec, "snapshot", *first, now_ns, last_id, -1)]
    if filling is not None:
        messages.append(_book(listing.spec, "update", *filling, now_ns, last_id, last_id))
    return messages


def update(spec: SymbolSpec, changes: BookChanges, now_ns: int) -> bytes:
    """A message of `books`: the levels that changed since the one before."""
    previous_id = changes.first_id - 1
    return _book(spec, "update", changes.bids, changes.asks, now_ns, changes.last_id, previous_id)


def nothing_changed(listing: Listing, now_ns: int) -> bytes:
    """A message of `books` after a minute without a change."""
    last_id = listing.book.update_id
    return _book(listing.spec, "update", [], [], now_ns, last_id, last_id)


def _book(
    spec: SymbolSpec,
    action: str,
    bids: list[Level],
    asks: list[Level],
    now_ns: int,
    seq_id: int,
    previous_id: int,
) -> bytes:
    return (
        f'{_arg("books", spec)}"action":"{action}",'
        f'"data":[{{"asks":[{_levels(spec, asks)}],"bids":[{_levels(spec, bids)}],'
        f'"ts":"{stamp(now_ns)}","checksum":0,"seqId":{seq_id},"prevSeqId":{previous_id}}}]}}'
    ).encode()


def _arg(channel: str, spec: SymbolSpec) -> str:
    return f'{{"arg":{{"channel":"{channel}","instId":"{spec.symbol}"}},'


def _levels(spec: SymbolSpec, levels: list[Level]) -> str:
    return ",".join(
        f'["{price(spec, ticks)}","{size(spec, lots)}","0","{lots and lots % _MOST_ORDERS + 1}"]'
        for ticks, lots in levels
    )


# -- events ----------------------------------------------------------------------------------------


def answer(event: str, arg: dict[str, str], request_id: str, connection_id: str) -> bytes:
    """The acknowledgement of one argument of a request."""
    return _event(request_id, event=event, arg=arg, connId=connection_id)


def error(code: int, reason: str, request_id: str, connection_id: str) -> bytes:
    """The answer to a request, or to one of its arguments."""
    return _event(request_id, event="error", msg=reason, code=str(code), connId=connection_id)


def notice(connection_id: str) -> bytes:
    """The announcement that a connection will be closed."""
    reason = "The connection will soon be closed for a service upgrade. Please reconnect."
    return _event("", event="notice", code="64008", msg=reason, connId=connection_id)


def connection_count(connection_id: str) -> bytes:
    """An event that is of interest to nobody without a login."""
    return _event("", event="channel-conn-count", channel="orders", connId=connection_id)


def _event(request_id: str, **fields: object) -> bytes:
    """The id comes first, where the request had one."""
    return msgspec.json.encode({"id": request_id, **fields} if request_id else fields)


# -- REST ------------------------------------------------------------------------------------------


def instruments(listings: list[Listing]) -> bytes:
    """The body of a listing."""
    data = [_instrument(listing) for listing in listings]
    return msgspec.json.encode({"code": "0", "data": data, "msg": ""})


def rest_error(code: int, reason: str) -> bytes:
    """The body of an error."""
    return msgspec.json.encode({"code": str(code), "data": [], "msg": reason})


def _instrument(listing: Listing) -> dict[str, str]:
    spec = listing.spec
    of_derivatives = ("alias", "ctMult", "ctType", "ctVal", "ctValCcy", "expTime")
    most = dict.fromkeys(("maxIcebergSz", "maxLmtSz", "maxTriggerSz", "maxTwapSz"), "9999999999")
    fields = dict.fromkeys((*of_derivatives, "optType", "settleCcy", "stk", "uly"), "") | most
    return dict(
        sorted(
            {
                **fields,
                "baseCcy": spec.base,
                "category": "1",
                "instId": spec.symbol,
                "instType": "SPOT",
                "lever": "10",
                "listTime": _LISTED_SINCE,
                "lotSz": decimal_text(1, spec.size_decimals),
                "maxMktSz": "1000000",
                "maxStopSz": "1000000",
                "minSz": decimal_text(1, spec.size_decimals),
                "quoteCcy": spec.quote,
                "state": "live" if listing.active else "suspend",
                "tickSz": decimal_text(1, spec.price_decimals),
            }.items()
        )
    )
