"""What Coinbase Advanced Trade sends, as it is decoded: only the fields that are used.

Other fields may come and go.  Kept apart from `coinbase_advanced`, which says what becomes of each
message, for their number alone; decodes nothing into rows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any, Literal, TypeAlias

import msgspec

from tick_logger.exchanges.columns import ABSENT
from tick_logger.exchanges.listing import Entries
from tick_logger.exchanges.messages import Id, lenient
from tick_logger.model.instruments import Instrument

# `gc=False`: nothing here can be part of a cycle, so the collector need not look at the tens of
# thousands of levels of a snapshot.


class Message(msgspec.Struct, tag_field="channel", kw_only=True, gc=False):
    """The envelope of everything but errors."""

    sequence_num: Id | None = None  # always sent; a message without is taken, and not counted


class Trade(msgspec.Struct, gc=False):
    """One trade; `side` is the maker's."""

    product_id: str
    trade_id: Id
    price: float
    size: float
    side: Literal["BUY", "SELL", "UNKNOWN_ORDER_SIDE"]
    time: str = ""


class TradesEvent(msgspec.Struct, gc=False):
    """Trades of one or more products, the newest first."""

    trades: list[Trade] = []


class MarketTrades(Message, tag="market_trades"):
    """Channel `market_trades`."""

    events: list[TradesEvent]


class Ticker(msgspec.Struct, gc=False):
    """One product's latest price and best prices."""

    product_id: str
    price: float = ABSENT
    best_bid: float = ABSENT
    best_bid_quantity: float = ABSENT
    best_ask: float = ABSENT
    best_ask_quantity: float = ABSENT


class TickersEvent(msgspec.Struct, gc=False):
    """Tickers of one or more products."""

    tickers: list[Ticker] = []


class Tickers(Message, tag="ticker"):
    """Channel `ticker`."""

    events: list[TickersEvent]
    timestamp: str = ""


Side: TypeAlias = Literal["bid", "offer"]


class Level(msgspec.Struct, gc=False):
    """One level of a snapshot, whose time says nothing."""

    side: Side
    price_level: float
    new_quantity: float


class Change(Level, gc=False):
    """One level that has changed; a quantity of zero deletes it."""

    event_time: str = ""


class Snapshot(msgspec.Struct, tag_field="type", tag="snapshot", gc=False):
    """A whole book."""

    product_id: str
    updates: list[Level] = []


class Update(msgspec.Struct, tag_field="type", tag="update", gc=False):
    """Changes of a book."""

    product_id: str
    updates: list[Change] = []


class Level2(Message, tag="l2_data"):
    """Channel `level2`, named otherwise in its messages."""

    events: list[Snapshot | Update]


class Heartbeats(Message, tag="heartbeats"):
    """Channel `heartbeats`."""


class SubscriptionsEvent(msgspec.Struct, gc=False):
    """All that is subscribed: products by channel."""

    subscriptions: dict[str, list[str] | None] = {}


class Subscriptions(Message, tag="subscriptions"):
    """The answer to requests."""

    events: list[SubscriptionsEvent]


IGNORED = [
    msgspec.defstruct(f"_{name}", [], bases=(Message,), tag=name)
    for name in ("candles", "ticker_batch", "status", "user", "futures_balance_summary")
]


class Channel(msgspec.Struct):
    """What a message is, and its number, whatever is wrong with the rest."""

    channel: str | None = None
    sequence_num: Id | None = None


class Error(msgspec.Struct):
    """A refusal: the one message without channel and number."""

    type: Literal["error"]
    message: str = ""


CHANNELS: tuple[type[Any], ...] = (
    MarketTrades,
    Tickers,
    Level2,
    Heartbeats,
    Subscriptions,
    *IGNORED,
)

_KNOWN = {str(message.__struct_config__.tag) for message in CHANNELS}

decode_message: Callable[[bytes | msgspec.Raw], Any] = lenient(reduce(or_, CHANNELS))
decode_error = msgspec.json.Decoder(Error).decode
decode_channel = lenient(Channel)


def is_known(channel: str) -> bool:
    """Whether a message of this channel is expected to be understood."""
    return channel in _KNOWN


# -- listing ---------------------------------------------------------------------------------------


class Product(msgspec.Struct, gc=False):
    """A product of the REST listing."""

    product_id: str = ""
    base_currency_id: str = ""
    quote_currency_id: str = ""
    product_type: str = ""
    status: str = ""
    is_disabled: bool = False
    trading_disabled: bool = False
    view_only: bool = False
    cancel_only: bool = False
    alias: str = ""  # the product under whose name the messages about this one come
    base_increment: str = ""
    quote_increment: str = ""
    price_increment: str = ""
    base_min_size: str = ""
    quote_min_size: str = ""
    price: Any = None  # this and the next may be anything: no more than an order follows from them
    approximate_quote_24h_volume: Any = None

    def instrument(self) -> Instrument | None:
        """Active if it is online, not halted, and its messages come under its own name.

        An auction is no halt: it ends with trades.  Futures are not recorded here.
        """
        if self.product_type != "SPOT":
            return None
        halts = self.is_disabled, self.trading_disabled, self.view_only, self.cancel_only
        active = self.status == "online" and not any((*halts, self.alias))
        ticks = self.price_increment or self.quote_increment
        names = self.product_id, self.base_currency_id, self.quote_currency_id
        return Instrument(
            *names,
            active,
            tick_size=ticks,
            lot_size=self.base_increment,
            min_size=self.base_min_size,
            min_notional=self.quote_min_size,
            turnover=_amount(self.approximate_quote_24h_volume),
            last_price=_amount(self.price),
        )


def _amount(sent: object) -> float:
    """A number above zero, however it was sent; else 0."""
    try:
        found = float(sent) if isinstance(sent, str | int | float) else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return found if 0 < found < float("inf") else 0.0


class Products(msgspec.Struct):
    """The REST listing."""

    products: list[msgspec.Raw]


PRODUCTS = Entries(Product, "product_id")
decode_products = msgspec.json.Decoder(Products).decode
