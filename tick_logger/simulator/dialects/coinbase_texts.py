"""The messages of the Coinbase Exchange feed, written as the venue writes them.

Prices have all decimals of the tick, book sizes all decimals of the lot, trade sizes no trailing
zeros.  `side` is the maker's in a match and the taker's in a ticker.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import msgspec

from tick_logger.simulator.book import Level, parted
from tick_logger.simulator.listing import Listing, Trade
from tick_logger.simulator.symbols import SymbolSpec, decimal_text, plain

# Fiat with a sign beyond ASCII, and a number in scientific notation, as the venue sends them.
_CURRENCIES = (
    '[{"id":"EUR","name":"Euro","min_size":"0.01","status":"online","message":"",'
    '"max_precision":"0.01","convertible_to":[],"details":{"type":"fiat","symbol":"€",'
    '"network_confirmations":0,"sort_order":2}},'
    '{"id":"BTC","name":"Bitcoin","min_size":"0.00000001","status":"online","message":"",'
    '"max_precision":"0.00000001","convertible_to":[],"details":{"type":"crypto","symbol":"₿",'
    '"network_confirmations":2,"sort_order":20,"min_withdrawal_amount":1e-08}}]'
)


class IsoTimes:
    """ISO-8601 texts with microseconds; remembers the last second, which rarely changes."""

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    def text(self, time_ns: int) -> str:
        """The time in UTC."""
        second, nanos = divmod(time_ns, 10**9)
        if second != self._second:
            self._second = second
            self._prefix = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._prefix}.{nanos // 1000:06d}Z"


def uuid_text(bits: int) -> str:
    """An order id from 128 random bits."""
    digits = f"{bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def match(kind: str, trade: Trade, when: str) -> bytes:
    """A `match` or `last_match` message."""
    spec = trade.listing.spec
    return (
        f'{{"type":"{kind}","trade_id":{trade.trade_id},'
        f'"maker_order_id":"{uuid_text(trade.maker_order)}",'
        f'"taker_order_id":"{uuid_text(trade.taker_order)}",'
        f'"side":"{"sell" if trade.taker_buys else "buy"}","size":"{plain(spec.size(trade.lots))}",'
        f'"price":"{spec.price(trade.ticks)}","product_id":"{spec.symbol}",'
        f'"sequence":{trade.sequence},"time":"{when}"}}'
    ).encode()


def ticker(trade: Trade, when: str) -> bytes:
    """The `ticker` message of a trade."""
    listing, spec, quote = trade.listing, trade.listing.spec, trade.quote
    return (
        f'{{"type":"ticker","sequence":{trade.sequence},"product_id":"{spec.symbol}",'
        f'"price":"{spec.price(trade.ticks)}","open_24h":"{plain(spec.price(listing.open_ticks))}",'
        f'"volume_24h":"{spec.size(listing.volume_lots)}",'
        f'"low_24h":"{plain(spec.price(listing.low_ticks))}",'
        f'"high_24h":"{plain(spec.price(listing.high_ticks))}",'
        f'"volume_30d":"{spec.size(listing.volume_lots * 29)}",'
        f'"best_bid":"{spec.price(quote.bid_ticks)}",'
        f'"best_bid_size":"{spec.size(quote.bid_lots)}",'
        f'"best_ask":"{spec.price(quote.ask_ticks)}",'
        f'"best_ask_size":"{spec.size(quote.ask_lots)}",'
        f'"side":"{"buy" if trade.taker_buys else "sell"}","time":"{when}",'
        f'"trade_id":{trade.trade_id},"last_size":"{plain(spec.size(trade.lots))}"}}'
    ).encode()


def heartbeat(listing: Listing, when: str) -> bytes:
    """A `heartbeat` message: where the product's numbers stand."""
    return (
        f'{{"type":"heartbeat","last_trade_id":{listing.trade_id},'
        f'"product_id":"{listing.spec.symbol}","sequence":{listing.sequence},"time":"{when}"}}'
    ).encode()


def begin(listing: Listing, hollow: tuple[bool, bool] | None, when: str) -> list[bytes]:
    """A `snapshot` message, and one that fills it if these sides are not in it."""
    spec, book = listing.spec, listing.book
    sides = book.levels(is_bid=True), book.levels(is_bid=False)
    first, filling = parted(sides, hollow)
    bids, asks = (_levels(spec, side) for side in first)
    snapshot = (
        f'{{"type":"snapshot","product_id":"{spec.symbol}","asks":[{asks}],"bids":[{bids}],'
        f'"time":"{when}"}}'
    ).encode()
    return [snapshot] + ([] if filling is None else [l2update(spec, *filling, when)])


def l2update(spec: SymbolSpec, bids: Iterable[Level], asks: Iterable[Level], when: str) -> bytes:
    """An `l2update` message: the levels that changed."""
    texts = [_change(spec, "buy", level) for level in bids]
    texts += [_change(spec, "sell", level) for level in asks]
    return (
        f'{{"type":"l2update","product_id":"{spec.symbol}","changes":[{",".join(texts)}],'
        f'"time":"{when}"}}'
    ).encode()


def subscriptions(products: dict[str, list[str]]) -> bytes:
    """A `subscriptions` message: all channels, each with its products."""
    channels = [
        {"name": name, "product_ids": ids, "account_ids": None} for name, ids in products.items()
    ]
    return msgspec.json.encode({"type": "subscriptions", "channels": channels})


def error(message: str, reason: str) -> bytes:
    """An `error` message."""
    return msgspec.json.encode({"type": "error", "message": message, "reason": reason})


def status(listings: Iterable[Listing]) -> bytes:
    """A `status` message: all currencies and products."""
    products = msgspec.json.encode([product(listing) for listing in listings])
    return b'{"type":"status","currencies":%b,"products":%b}' % (_CURRENCIES.encode(), products)


def product(listing: Listing) -> dict[str, object]:
    """A product as the status channel and the REST listing describe it."""
    spec = listing.spec
    return {
        "id": spec.symbol,
        "base_currency": spec.base,
        "quote_currency": spec.quote,
        "quote_increment": decimal_text(1, spec.price_decimals),
        "base_increment": decimal_text(1, spec.size_decimals),
        "display_name": f"{spec.base}/{spec.quote}",
        "min_market_funds": "1",
        "margin_enabled": False,
        "post_only": False,
        "limit_only": False,
        "cancel_only": False,
        "auction_mode": False,
        "status": "online" if listing.active else "delisted",
        "status_message": "",
        "trading_disabled": not listing.active,
        "fx_stablecoin": False,
        "max_slippage_percentage": "0.02000000",
        "type": "spot",
    }


def _levels(spec: SymbolSpec, levels: list[Level]) -> str:
    return ",".join(f'["{spec.price(ticks)}","{spec.size(lots)}"]' for ticks, lots in levels)


def _change(spec: SymbolSpec, side: str, level: Level) -> str:
    ticks, lots = level
    return f'["{side}","{spec.price(ticks)}","{spec.size(lots)}"]'
