"""The messages of Upbit: only the fields that are used, and how they are decoded.

The names are those of the DEFAULT format; the SIMPLE format has short ones for the same.  Nothing
here says what becomes of a message.
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

AskBid: TypeAlias = Literal["ASK", "BID"]


class Message(msgspec.Struct, tag_field="type", gc=False):
    """Any message of a stream; `timestamp` is when it was made, in milliseconds."""


class Trade(Message, tag="trade"):
    """A trade; `ask_bid` is the taker's side."""

    code: str
    trade_price: float
    trade_volume: float
    ask_bid: AskBid
    sequential_id: Id
    trade_timestamp: Id = 0


class Ticker(Message, tag="ticker"):
    """The last trade and the day so far."""

    code: str
    timestamp: Id = 0
    trade_price: float = ABSENT
    trade_volume: float = ABSENT
    ask_bid: AskBid | None = None
    acc_trade_volume: float = 0.0


class Unit(msgspec.Struct, gc=False):
    """The n-th best ask and the n-th best bid; zeros where a side has no more orders."""

    ask_price: float = 0.0
    bid_price: float = 0.0
    ask_size: float = ABSENT
    bid_size: float = ABSENT


class Orderbook(Message, tag="orderbook"):
    """A whole book; `timestamp` is when it last changed."""

    code: str
    orderbook_units: list[Unit]
    timestamp: Id = 0


_SHORT_NAMES = {
    "code": "cd",
    "timestamp": "tms",
    "trade_timestamp": "ttms",
    "trade_price": "tp",
    "trade_volume": "tv",
    "ask_bid": "ab",
    "sequential_id": "sid",
    "acc_trade_volume": "atv",
    "orderbook_units": "obu",
    "ask_price": "ap",
    "bid_price": "bp",
    "ask_size": "as",
    "bid_size": "bs",
}


def _simple(message: type[msgspec.Struct], **kinds: object) -> Any:  # noqa: ANN401 - made here
    """The same message with short names; `kinds` are those of fields that are not the same."""
    fields: list[Any] = [
        (field.name, kinds.get(field.name, field.type))
        if field.required
        else (field.name, field.type, field.default)
        for field in msgspec.structs.fields(message)
    ]
    tag = message.__struct_config__.tag
    return msgspec.defstruct(
        message.__name__,
        fields,
        rename=_SHORT_NAMES,
        gc=False,
        tag=tag,
        tag_field=None if tag is None else "ty",
    )


SimpleTrade = _simple(Trade)
SimpleTicker = _simple(Ticker)
SimpleOrderbook = _simple(Orderbook, orderbook_units=list[_simple(Unit)])  # type: ignore[misc]


class Listed(msgspec.Struct, gc=False):
    """One type of an answer to LIST_SUBSCRIPTIONS, in either format."""

    type: str = ""
    codes: list[str] | None = None
    ty: str = ""
    cds: list[str] | None = None


class Error(msgspec.Struct, gc=False):
    """Why a request was refused."""

    name: str | int = ""
    message: str = ""


class Other(msgspec.Struct, gc=False):
    """A message that does not begin with its type: an answer, or one in another order of fields."""

    type: str = ""
    ty: str = ""
    status: str = ""
    error: Error | None = None
    method: str = ""
    mthd: str = ""
    result: list[Listed] | None = None
    rslt: list[Listed] | None = None


class Market(msgspec.Struct, gc=False):
    """A market of the REST listing."""

    market: str = ""

    def instrument(self) -> Instrument:
        """The quote currency comes first.  What is listed trades, that under a warning too."""
        quote, _, base = self.market.partition("-")
        return Instrument(self.market, base, quote)


def _decoder(*messages: Any) -> Callable[[bytes | msgspec.Raw], Any]:  # noqa: ANN401 - see above
    # Not strict, because re-serialised recordings hold the large ids as texts.
    return lenient(reduce(or_, messages))


decode_default = _decoder(Trade, Ticker, Orderbook)
decode_simple = _decoder(SimpleTrade, SimpleTicker, SimpleOrderbook)
decode_other = lenient(Other)
decode_markets = msgspec.json.Decoder(list[msgspec.Raw]).decode
MARKETS = Entries(Market, "market")
