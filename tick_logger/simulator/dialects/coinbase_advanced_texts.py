"""The messages of Coinbase Advanced Trade, written as the venue writes them.

Numbers and times lose the zeros at their end.  `side` is the maker's.  Every message but an error
is an envelope with the number that it has on its connection.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tick_logger.simulator.book import BookChanges, Level, parted
from tick_logger.simulator.listing import Listing, Quote, Trade
from tick_logger.simulator.symbols import SymbolSpec, decimal_text, plain


def time_text(time_ns: int) -> str:
    """A time in UTC with up to nine decimals."""
    second, nanos = divmod(time_ns, 10**9)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)) + plain(f".{nanos:09d}") + "Z"


def envelope(channel: str, when: str, number: int, events: str) -> bytes:
    """A message of any channel; `events` are JSON objects with commas between them."""
    return (
        f'{{"channel":"{channel}","timestamp":"{when}","sequence_num":{number},'
        f'"events":[{events}]}}'
    ).encode()


def error(message: str) -> bytes:
    """A refusal, which has no envelope."""
    return msgspec.json.encode({"type": "error", "message": message})


def market_trades(kind: str, symbol: str, trades: Iterable[Trade]) -> str:
    """An event of `market_trades`, "snapshot" or "update"; trades are given oldest first."""
    texts = [
        f'{{"product_id":"{symbol}","trade_id":"{trade.trade_id}",'
        f'"price":"{plain(trade.listing.spec.price(trade.ticks))}",'
        f'"size":"{plain(trade.listing.spec.size(trade.lots))}",'
        f'"time":"{time_text(trade.time_ns)}","side":"{"SELL" if trade.taker_buys else "BUY"}"}}'
        for trade in trades
    ]
    return f'{{"type":"{kind}","trades":[{",".join(reversed(texts))}]}}'


def ticker(kind: str, quote: Quote, ticks: int) -> str:
    """An event of `ticker`: best prices, and the price of the latest trade in ticks."""
    listing, spec = quote.listing, quote.listing.spec
    change = (ticks - listing.open_ticks) / listing.open_ticks * 100
    return (
        f'{{"type":"{kind}","tickers":[{{"type":"ticker","product_id":"{spec.symbol}",'
        f'"price":"{plain(spec.price(ticks))}",'
        f'"volume_24_h":"{plain(spec.size(listing.volume_lots))}",'
        f'"low_24_h":"{plain(spec.price(listing.low_ticks))}",'
        f'"high_24_h":"{plain(spec.price(listing.high_ticks))}",'
        f'"low_52_w":"{plain(spec.price(listing.low_ticks // 2))}",'
        f'"high_52_w":"{plain(spec.price(listing.high_ticks * 2))}",'
        f'"price_percent_chg_24_h":"{plain(f"{change:.14f}")}",'
        f'"best_bid":"{plain(spec.price(quote.bid_ticks))}",'
        f'"best_ask":"{plain(spec.price(quote.ask_ticks))}",'
        f'"best_bid_quantity":"{plain(spec.size(quote.bid_lots))}",'
        f'"best_ask_quantity":"{plain(spec.size(quote.ask_lots))}"}}]}}'
    )


def begin(listing: Listing, hollow: tuple[bool, bool] | None, when: str) -> list[str]:
    """An event of `l2_data` with the book, and one that fills it if these sides are not in it."""
    book = listing.book
    first, filling = parted((book.levels(is_bid=True), book.levels(is_bid=False)), hollow)
    events = [_book("snapshot", listing.spec, *first, when)]
    return events + ([] if filling is None else [_book("update", listing.spec, *filling, when)])


def update(spec: SymbolSpec, changes: BookChanges, when: str) -> str:
    """An event of `l2_data` with the levels that changed."""
    return _book("update", spec, changes.bids, changes.asks, when)


def heartbeat(now_ns: int, counter: int) -> str:
    """An event of `heartbeats`: the time, as the venue's own program prints it, and a counter."""
    second, nanos = divmod(now_ns, 10**9)
    date = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second))
    return (
        f'{{"current_time":"{date}.{nanos:09d} +0000 UTC m=+{counter}.{nanos:09d}",'
        f'"heartbeat_counter":{counter}}}'
    )


def subscriptions(products: Mapping[str, Sequence[str]]) -> str:
    """The event of `subscriptions`: everything that the connection receives, by channel."""
    return msgspec.json.encode({"subscriptions": dict(sorted(products.items()))}).decode()


def _book(
    kind: str, spec: SymbolSpec, bids: Iterable[Level], asks: Iterable[Level], when: str
) -> str:
    levels = [
        f'{{"side":"{side}","event_time":"{when}","price_level":"{plain(spec.price(ticks))}",'
        f'"new_quantity":"{plain(spec.size(lots))}"}}'
        for side, of_side in (("bid", bids), ("offer", asks))
        for ticks, lots in of_side
    ]
    head = f'{{"type":"{kind}","product_id":"{spec.symbol}"'
    return f'{head},"updates":[{",".join(levels)}]}}'


# -- REST ------------------------------------------------------------------------------------------

_PAGES = {"prev_cursor": "", "next_cursor": "", "has_next": False, "has_prev": False}
_ALWAYS_EMPTY = (
    "market_cap",
    "base_cbrn",
    "quote_cbrn",
    "product_cbrn",
    "icon_color",
    "icon_url",
    "display_name_overwrite",
)


def products(listings: Iterable[Listing], aliased: str) -> bytes:
    """The REST listing.

    Each product quoted in dollars is followed by its alias, quoted in `aliased`, as nearly all are.
    """
    listed = []
    for listing in listings:
        spec = listing.spec
        alias = f"{spec.base}-{aliased}" if spec.quote == "USD" else ""
        own: list[str] = [alias] if alias else []
        listed.append(_product(listing, spec.symbol, spec.quote, alias="", alias_to=own))
        if alias:
            listed.append(_product(listing, alias, aliased, alias=spec.symbol, alias_to=[]))
    body = {"products": listed, "num_products": len(listed), "pagination": _PAGES}
    return msgspec.json.encode(body)


def _product(
    listing: Listing, symbol: str, quote: str, *, alias: str, alias_to: list[str]
) -> dict[str, object]:
    spec, halted = listing.spec, not listing.active
    last = listing.last_trade
    tick = decimal_text(1, spec.price_decimals)
    return {
        "product_id": symbol,
        "price": plain(spec.price(listing.open_ticks if last is None else last.ticks)),
        "price_percentage_change_24h": "" if halted else "0.09601107287722",
        "volume_24h": "" if halted else plain(spec.size(listing.volume_lots)),
        "volume_percentage_change_24h": "" if halted else "11.16524863692957",
        "base_increment": decimal_text(1, spec.size_decimals),
        "quote_increment": tick,
        "quote_min_size": "1",
        "quote_max_size": "150000000",
        "base_min_size": decimal_text(1, spec.size_decimals),
        "base_max_size": "3400",
        "base_name": spec.base.title(),
        "quote_name": quote,
        "watched": False,
        "is_disabled": False,
        "new": False,
        "status": "delisted" if halted else "online",
        "cancel_only": False,
        "limit_only": False,
        "post_only": False,
        "trading_disabled": halted,
        "auction_mode": False,
        "product_type": "SPOT",
        "quote_currency_id": quote,
        "base_currency_id": spec.base,
        "fcm_trading_session_details": None,
        "mid_market_price": "",
        "alias": alias,
        "alias_to": alias_to,
        "base_display_symbol": spec.base,
        "quote_display_symbol": "USD" if alias else quote,
        "view_only": False,
        "price_increment": tick,
        "display_name": symbol,
        "product_venue": "CBE",
        "approximate_quote_24h_volume": "" if halted else "186637571.25",
        "new_at": "2023-01-01T00:00:00Z",
        **dict.fromkeys(_ALWAYS_EMPTY, ""),
        "is_alpha_testing": False,
        "about_description": "",
        "best_bid_price": "",
        "best_ask_price": "",
        "high_24h": "" if halted else plain(spec.price(listing.high_ticks)),
        "low_24h": "" if halted else plain(spec.price(listing.low_ticks)),
    }
