"""The messages and the listing of one protocol, and the compiled decoders of them.

Only the fields that are used are named, as the venue names them.  Numbers arrive as texts, so that
most decoders are not strict.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

import msgspec

from tick_logger.exchanges.base import VenueError
from tick_logger.exchanges.columns import ABSENT, Level
from tick_logger.exchanges.messages import (
    Id,
    decode_listing,
    lenient,
)
from tick_logger.model.instruments import Instrument

N = TypeVar("N", int, str)


class Trade(msgspec.Struct, Generic[N], gc=False):
    i: N
    s: str
    S: Literal["Buy", "Sell"]
    v: float
    p: float
    T: Id = 0


class Trades(msgspec.Struct, Generic[N], gc=False):
    data: list[Trade[N]]


class Prices(msgspec.Struct, gc=False):
    symbol: str
    lastPrice: float = ABSENT  # noqa: N815 (the venue's names)
    bid1Price: float = ABSENT  # noqa: N815
    ask1Price: float = ABSENT  # noqa: N815


class Ticker(msgspec.Struct, gc=False):
    data: Prices
    ts: Id = 0
    cs: Id = 0


class Levels(msgspec.Struct, gc=False):
    s: str
    u: Id
    b: list[Level] = []
    a: list[Level] = []


class Book(msgspec.Struct, gc=False):
    topic: str
    type: Literal["snapshot", "delta"]
    data: Levels
    ts: Id = 0
    cts: Id = 0  # the matching engine's time; older messages have none


class AnyMessage(msgspec.Struct, gc=False):
    """A message of a topic, or the answer to a request."""

    topic: str = ""
    op: str = ""
    success: bool | None = None
    ret_msg: str = ""


class _Symbol(msgspec.Struct, gc=False):
    symbol: str
    status: str
    baseCoin: str = ""  # noqa: N815
    quoteCoin: str = ""  # noqa: N815
    priceFilter: dict[str, Any] = {}  # noqa: N815
    lotSizeFilter: dict[str, Any] = {}  # noqa: N815

    def instrument(self, kind: str) -> Instrument:
        active = self.status == "Trading"
        tick = str(self.priceFilter.get("tickSize", ""))
        lots = self.lotSizeFilter
        lot = str(lots.get("qtyStep") or lots.get("basePrecision", ""))
        return Instrument(self.symbol, self.baseCoin, self.quoteCoin, active, tick, lot, kind)


class _Page(msgspec.Struct, gc=False):
    symbols: list[_Symbol] | None = msgspec.field(default=None, name="list")
    nextPageCursor: str = ""  # noqa: N815


class _Listing(msgspec.Struct, gc=False):
    retCode: int  # noqa: N815
    retMsg: str = ""  # noqa: N815
    result: _Page = msgspec.field(default_factory=_Page)


decode_any = lenient(AnyMessage)
_decode_listing = msgspec.json.Decoder(_Listing).decode
decode_book = lenient(Book)
decode_ticker = lenient(Ticker)


def parse_instruments(body: bytes, kind: str) -> tuple[Instrument, ...]:
    """The symbols of a page of a listing, of this kind; raises `VenueError`."""
    listing = decode_listing(_decode_listing, body, "instruments-info")
    symbols = listing.result.symbols
    if listing.retCode != 0 or symbols is None:
        raise VenueError(f"instruments-info: {listing.retMsg} (code {listing.retCode})")
    return tuple(symbol.instrument(kind) for symbol in symbols)


def next_cursor(body: bytes) -> str:
    """What asks for the next page of a listing, fit for an address; empty after the last."""
    return quote(_decode_listing(body).result.nextPageCursor, safe="%")  # it may be quoted already
