"""Messages of Kraken's WebSocket v2 and of its listing: the fields that are used, and their types.

Others may come and go.  What becomes of each message is told in `kraken`.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from tick_logger.exchanges.columns import ABSENT
from tick_logger.exchanges.listing import Entries
from tick_logger.exchanges.messages import Id
from tick_logger.model.instruments import Instrument

Crc32: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]


class Ticker(msgspec.Struct, gc=False):
    """The best prices and the last trade of a symbol; the other fields are the day's."""

    symbol: str
    last: float = ABSENT
    bid: float = ABSENT
    bid_qty: float = ABSENT
    ask: float = ABSENT
    ask_qty: float = ABSENT
    trades: Id = 0
    timestamp: str = ""


class Trade(msgspec.Struct, gc=False):
    """One trade, by its taker's side."""

    symbol: str
    side: Literal["buy", "sell"]
    price: float
    qty: float
    trade_id: Id
    timestamp: str = ""


class Level(msgspec.Struct, gc=False):
    """One level of a book; its numbers stay as sent, because a checksum is over their digits."""

    price: msgspec.Raw
    qty: msgspec.Raw


class Book(msgspec.Struct, gc=False):
    """Levels of one book that changed, or all of them, and the checksum of the book after that.

    Real messages without a checksum were seen.
    """

    symbol: str
    bids: list[Level] = []
    asks: list[Level] = []
    checksum: Crc32 | None = None
    timestamp: str = ""


class System(msgspec.Struct, gc=False):
    """What the trading engine does, or the connection to it."""

    system: str = ""


class Message(msgspec.Struct, tag_field="channel", gc=False):
    """A message of a channel.  None can be part of a cycle, so the collector need not look."""


class Tickers(Message, tag="ticker"):
    """A message of `ticker`."""

    data: list[Ticker]


class Trades(Message, tag="trade"):
    """A message of `trade`."""

    data: list[Trade]


class Books(Message, tag="book"):
    """A message of `book`."""

    type: Literal["snapshot", "update"]
    data: list[Book]


class Heartbeat(Message, tag="heartbeat"):
    """What is sent when nothing else is."""


class Status(Message, tag="status"):
    """A message of `status`: at the beginning, and at each change."""

    data: list[System] = []


class Instruments(Message, tag="instrument"):
    """A message of `instrument`."""


class Candles(Message, tag="ohlc"):
    """A message of `ohlc`."""


class Result(msgspec.Struct, gc=False):
    """What a request achieved."""

    channel: str = ""
    symbol: str = ""


class Answer(msgspec.Struct, gc=False):
    """The answer to a request, or a message of a channel that is not known."""

    channel: str = ""
    method: str = ""
    req_id: Id | None = None
    success: bool | None = None
    error: str = ""
    symbol: str = ""
    result: Result | None = None


# AssetPairs still names these as v1 did; every other name is the same in v2.
_NEW_NAMES = {"XBT": "BTC", "XDG": "DOGE"}


_TRADING = {"online", "limit_only", "post_only", "reduce_only"}
"""States in which there are trades, or may be at any moment; in `cancel_only` there are none."""


class Pair(msgspec.Struct, gc=False):
    """One entry of AssetPairs."""

    wsname: str = ""  # dark pools (`XXBTZUSD.d`) have none
    pair_decimals: int = 0
    lot_decimals: int = 0
    tick_size: str = ""  # not in listings of 2021, and neither is the status
    ordermin: str = ""
    costmin: str = ""
    status: str = "online"

    def instrument(self) -> Instrument | None:
        """The pair under its name of version 2, which has two currencies."""
        if not self.wsname:
            return None
        base, quote = (_NEW_NAMES.get(name, name) for name in self.wsname.partition("/")[::2])
        return Instrument(
            f"{base}/{quote}" if base and quote else "",
            base,
            quote,
            active=self.status in _TRADING,
            tick_size=self.tick_size or _step(self.pair_decimals),
            lot_size=_step(self.lot_decimals),
            min_size=self.ordermin,
            min_notional=self.costmin,
        )


class AssetPairs(msgspec.Struct, gc=False):
    """The answer to GET AssetPairs."""

    error: list[str] | None
    result: dict[str, msgspec.Raw] | None = None


PAIRS = Entries(Pair, "wsname")


def _step(decimals: int) -> str:
    """One unit of the last of so many decimals."""
    return f"0.{'1'.zfill(decimals)}" if decimals > 0 else "1"
