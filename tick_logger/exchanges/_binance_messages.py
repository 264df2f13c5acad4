"""The messages and the listing of Binance, as far as they are used, under the venue's own names.

Other fields may come and go.  Not here: what becomes of a message (`binance`).
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from tick_logger.exchanges.columns import ABSENT, Level
from tick_logger.exchanges.listing import Entries
from tick_logger.exchanges.messages import Id, lenient
from tick_logger.model.instruments import Instrument


class Envelope(msgspec.Struct, gc=False):
    """The wrapping of every message of a stream, and our own of a REST answer."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()
    snapshot: str = ""  # a symbol: this is our own wrapping of a REST answer


class Trade(msgspec.Struct, gc=False):
    """A trade; `m`: the buyer is the maker."""

    s: str
    t: Id
    p: float
    q: float
    m: bool
    T: Id = 0


class BookTicker(msgspec.Struct, gc=False):
    """The best prices."""

    s: str
    u: Id
    b: float = ABSENT
    B: float = ABSENT
    a: float = ABSENT
    A: float = ABSENT


class Ticker(msgspec.Struct, gc=False):
    """The last trade and the best prices; `L` is the id of that trade."""

    s: str
    E: Id = 0
    c: float = ABSENT
    Q: float = ABSENT
    b: float = ABSENT
    a: float = ABSENT
    L: Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)] = -1  # no trade in the last 24 hours


class Depth(msgspec.Struct, gc=False):
    """Levels of a book that changed, by the update ids `U` to `u`."""

    s: str
    U: Id
    u: Id
    E: Id = 0
    b: list[Level] = []
    a: list[Level] = []


class Snapshot(msgspec.Struct, gc=False):
    """A book, as REST answers."""

    lastUpdateId: Id  # noqa: N815 (the venue's name)
    bids: list[Level]
    asks: list[Level]


class Error(msgspec.Struct, gc=False):
    """Why a request was refused."""

    code: int = 0
    msg: str = ""


class Control(Error, gc=False):
    """Everything that is no message of a stream.  Errors are documented bare, and seen wrapped."""

    id: Id | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: Error | None = None
    e: str = ""


decode_envelope = msgspec.json.Decoder(Envelope).decode
decode_control = lenient(Control)


# -- the listing ----------------------------------------------------------------------------------


class _Filter(msgspec.Struct, gc=False):
    filterType: str = ""  # noqa: N815 (the venue's names)
    tickSize: str = ""  # noqa: N815
    stepSize: str = ""  # noqa: N815
    minQty: str = ""  # noqa: N815
    minNotional: str = ""  # noqa: N815


_TRADING = {"TRADING", "AUCTION_MATCH"}
"""Statuses in which there are trades.  The others are halts, however long: BREAK is that of symbols
that came to an end years ago, too."""


class _Symbol(msgspec.Struct, gc=False):
    symbol: str = ""
    status: str = ""
    baseAsset: str = ""  # noqa: N815
    quoteAsset: str = ""  # noqa: N815
    isSpotTradingAllowed: bool = False  # noqa: N815
    permissions: list[str] = []
    permissionSets: list[list[str]] = []  # noqa: N815
    filters: list[_Filter] = []

    def instrument(self) -> Instrument:
        # The lists are older and newer ways to say the same; which of the three is filled varies.
        spot = (
            self.isSpotTradingAllowed
            or "SPOT" in self.permissions
            or any("SPOT" in permissions for permissions in self.permissionSets)
        )
        # MARKET_LOT_SIZE has a step as well, but only for market orders.
        filters = {each.filterType: each for each in self.filters}
        lots = filters.get("LOT_SIZE", _NO_FILTER)
        least = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL", _NO_FILTER)  # newer, older
        return Instrument(
            self.symbol,
            self.baseAsset,
            self.quoteAsset,
            active=spot and self.status in _TRADING,
            tick_size=filters.get("PRICE_FILTER", _NO_FILTER).tickSize,
            lot_size=lots.stepSize,
            min_size=lots.minQty,
            min_notional=least.minNotional,
        )


class _ExchangeInfo(msgspec.Struct, gc=False):
    symbols: list[msgspec.Raw]


_NO_FILTER = _Filter()
SYMBOLS = Entries(_Symbol, "symbol")
decode_exchange_info = msgspec.json.Decoder(_ExchangeInfo).decode
