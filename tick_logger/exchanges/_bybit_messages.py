"""The messages and the listing of one protocol, and the compiled decoders of them.

Only the fields that are used are named, as the venue names them.  Numbers arrive as texts, so that
most decoders are not strict.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

import attrs
import msgspec

from tick_logger.exchanges.base import Listed, VenueError
from tick_logger.exchanges.book_offers import BookOffer
from tick_logger.exchanges.columns import ABSENT, Level
from tick_logger.exchanges.entrances import Entrance
from tick_logger.exchanges.listing import Entries
from tick_logger.exchanges.messages import (
    Id,
    decode_listing,
    lenient,
)
from tick_logger.model.instruments import Instrument

N = TypeVar("N", int, str)

ENTRANCES = (
    Entrance("wss://stream.bybit.com", "https://api.bybit.com", "the usual one"),
    Entrance("wss://stream.bybit.eu", "https://api.bybit.eu", "Europe"),
    Entrance("wss://stream.bybit-tr.com", "https://api.bybit-tr.com", "Turkey"),
    Entrance("wss://stream.bybit.kz", "https://api.bybit.kz", "Kazakhstan"),
)
BOOKS = (
    BookOffer(200, 100, "orderbook.200."),
    BookOffer(1, 10, "orderbook.1.", refused='is what the feed "quotes" records'),
    BookOffer(50, 20, "orderbook.50."),
    BookOffer(1000, 200, "orderbook.1000."),
)
BOOK_TOPICS = tuple(each.channel for each in BOOKS if not each.refused)
"""How the topics of books begin; the symbol follows."""


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


_TRADES_BEFORE_LAUNCH = {"CrossMatching", "ContinuousTrading"}
"""Phases of a contract that is traded before its launch, in which there are trades."""


class _Phase(msgspec.Struct, gc=False):
    curAuctionPhase: str = ""  # noqa: N815


class _Symbol(msgspec.Struct, gc=False):
    symbol: str = ""
    status: str = ""
    baseCoin: str = ""  # noqa: N815
    quoteCoin: str = ""  # noqa: N815
    priceFilter: dict[str, Any] = {}  # noqa: N815
    lotSizeFilter: dict[str, Any] = {}  # noqa: N815
    preListingInfo: _Phase | None = None  # noqa: N815

    def instrument(self) -> Instrument:
        """Of no kind yet: entries do not say which."""
        phase = "" if self.preListingInfo is None else self.preListingInfo.curAuctionPhase
        early = self.status == "PreLaunch" and phase in _TRADES_BEFORE_LAUNCH
        lots = self.lotSizeFilter
        return Instrument(
            self.symbol,
            self.baseCoin,
            self.quoteCoin,
            active=self.status == "Trading" or early,
            tick_size=_text(self.priceFilter.get("tickSize")),
            lot_size=_text(lots.get("qtyStep")) or _text(lots.get("basePrecision")),
            min_size=_text(lots.get("minOrderQty")),
            # Of futures, and of spot.
            min_notional=_text(lots.get("minNotionalValue")) or _text(lots.get("minOrderAmt")),
        )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


class _Page(msgspec.Struct, gc=False):
    symbols: list[msgspec.Raw] | None = msgspec.field(default=None, name="list")
    nextPageCursor: str | None = None  # noqa: N815


class _Listing(msgspec.Struct, gc=False):
    retCode: int  # noqa: N815
    retMsg: str | None = None  # noqa: N815
    result: _Page | None = None


_SYMBOLS = Entries(_Symbol, "symbol")
decode_any = lenient(AnyMessage)
_decode_listing = msgspec.json.Decoder(_Listing).decode
decode_book = lenient(Book)
decode_ticker = lenient(Ticker)


def read_instruments(body: bytes, kind: str) -> Listed:
    """The symbols of a page of a listing, of this kind; raises `VenueError`."""
    listing = decode_listing(_decode_listing, body, "instruments-info")
    symbols = None if listing.result is None else listing.result.symbols
    if listing.retCode != 0 or symbols is None:
        raise VenueError(f"instruments-info: {listing.retMsg} (code {listing.retCode})")
    found = _SYMBOLS.read(symbols, "instruments-info")
    of_kind = tuple(attrs.evolve(each, kind=kind) for each in found.instruments)
    return Listed(of_kind, found.odd)


def next_cursor(body: bytes) -> str:
    """What asks for the next page of a listing, fit for an address; empty after the last."""
    page = _decode_listing(body).result
    cursor = "" if page is None else page.nextPageCursor or ""
    return quote(cursor, safe="%")  # it may be quoted already
