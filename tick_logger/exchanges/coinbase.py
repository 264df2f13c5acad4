"""Coinbase Exchange: the public feed without login.

| channel        | message             | what becomes of it                           | evidence   |
|----------------|---------------------|----------------------------------------------|------------|
| `matches`      | match, last_match   | TRADES; the side sent is the maker's         | 2021       |
| `ticker`       | ticker              | MD, and QUOTES if it carries a bid or an ask | 2021, 2022 |
| `level2_batch` | snapshot            | BOOK, flagged; BookSnapshot                  | 2021, 2022 |
| `level2_batch` | l2update            | BOOK                                         | 2021, 2022 |
| `heartbeat`    | heartbeat           | Heartbeat; TradeIdSeen unless the id is 0    | 2022       |
| `status`       | status              | Listing                                      | 2022       |
| (any)          | subscriptions       | Confirmed                                    | 2021       |
| (any)          | error               | Refused                                      | 2026       |
| (our wrapping) | a page of trades    | TRADES that were missed; side: the maker's   | docs       |
| `full`         | received/open/done  | nothing: never asked for                     | 2022       |
| `full`         | change, activate    | nothing: never asked for                     | docs       |

Evidence names the year of the recorded frames that the tests decode.  A `last_match` is old news
by its nature; taking it is right because the pipeline knows trades by their id.  Books have no
numbers on this feed, so nothing here can prove one complete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from operator import or_
from typing import Any, ClassVar, Literal, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from tick_logger.exchanges import base
from tick_logger.exchanges._coinbase_candles import CoinbaseCandles
from tick_logger.exchanges._coinbase_shapes import SHAPES
from tick_logger.exchanges._coinbase_trades import CoinbaseTrades
from tick_logger.exchanges.apart import Form, understood
from tick_logger.exchanges.base import Exchange, Listed, Request, Subscription
from tick_logger.exchanges.book_offers import BookOffer
from tick_logger.exchanges.candles_by_rest import CandlesByRest
from tick_logger.exchanges.columns import (
    ABOVE_ZERO,
    ABSENT,
    FROM_ZERO,
    LEVEL,
    Findings,
    Level,
    NumberRule,
)
from tick_logger.exchanges.entrances import Entrance
from tick_logger.exchanges.listing import Entries
from tick_logger.exchanges.messages import (
    UNDECODABLE,
    Frames,
    Id,
    decode_each,
    decode_listing,
    grouped,
    lenient,
)
from tick_logger.exchanges.naming import Naming, of_kinds
from tick_logger.exchanges.refusals import wait_of
from tick_logger.exchanges.requests import batches, feeds_by_symbol, request
from tick_logger.exchanges.trades_by_rest import TradesByRest
from tick_logger.model import tables
from tick_logger.model.instruments import Instrument
from tick_logger.model.proof import Ids
from tick_logger.model.twins import Twins

# -- messages: only the fields that are used; others may come and go -------------------------------

Side: TypeAlias = Literal["buy", "sell"]


class _Typed(msgspec.Struct):
    type: str


class _Message(msgspec.Struct, tag_field="type", gc=False):
    """Any message.  None of them can be part of a cycle, so the collector need not look."""


class _Match(_Message, tag="match"):
    product_id: str
    trade_id: Id
    price: float
    size: float
    side: Side
    time: str = ""
    maker_order_id: str = ""
    taker_order_id: str = ""


class _LastMatch(_Match, tag="last_match"):
    pass


class _Ticker(_Message, tag="ticker"):
    # In an auction, and before a product's first trade, there is no trade to speak of.
    product_id: str
    sequence: Id = 0
    price: float = ABSENT
    last_size: float = ABSENT
    side: Side | None = None
    best_bid: float = ABSENT
    best_bid_size: float = ABSENT
    best_ask: float = ABSENT
    best_ask_size: float = ABSENT
    time: str = ""


class _Snapshot(_Message, tag="snapshot"):
    product_id: str
    bids: list[Level] = []
    asks: list[Level] = []


class _Change(msgspec.Struct, array_like=True, gc=False):
    side: Side
    price: float
    size: float


class _L2Update(_Message, tag="l2update"):
    product_id: str
    changes: list[_Change] = []
    time: str = ""


class _Heartbeat(_Message, tag="heartbeat"):
    product_id: str = ""
    last_trade_id: Id = 0


class _ProductId(msgspec.Struct, gc=False):
    product_id: str = ""


class _Channel(msgspec.Struct, gc=False):
    name: str = ""
    product_ids: list[str | _ProductId] | None = None


class _Subscriptions(_Message, tag="subscriptions"):
    channels: list[_Channel]


class _Error(_Message, tag="error"):
    message: str = ""
    reason: str = ""


class _Product(msgspec.Struct, gc=False):
    """A product, as the REST listing and the status channel describe it."""

    id: str = ""
    base_currency: str = ""
    quote_currency: str = ""
    base_increment: str = ""
    quote_increment: str = ""
    base_min_size: str = ""  # in listings up to 2022
    min_market_funds: str = ""
    status: str = ""

    def instrument(self) -> Instrument:
        """Active if its status is online, whatever kinds of orders are taken at the moment."""
        return Instrument(
            self.id,
            self.base_currency,
            self.quote_currency,
            active=self.status == "online",
            tick_size=self.quote_increment,
            lot_size=self.base_increment,
            min_size=self.base_min_size,
            min_notional=self.min_market_funds,
        )


class _Status(_Message, tag="status"):
    products: list[msgspec.Raw]


_PRODUCTS = Entries(_Product, "id")

# -- rows ------------------------------------------------------------------------------------------

# A match names the maker's side, the table wants the taker's.  A ticker names the taker's: in the
# recordings every ticker has the opposite side of the match with the same trade id.
_TAKER_OF_MAKER = {"buy": tables.SIDE_SELL, "sell": tables.SIDE_BUY}
_TAKER = {"buy": tables.SIDE_BUY, "sell": tables.SIDE_SELL, None: tables.SIDE_UNKNOWN}
_BOOK_SIDE = {"buy": tables.BOOK_BID, "sell": tables.BOOK_ASK}

_TRADE = NumberRule(price=ABOVE_ZERO, size=FROM_ZERO)
_TICKER = NumberRule(
    price=FROM_ZERO,  # 0 where there was no trade
    last_size=FROM_ZERO,
    best_bid=FROM_ZERO,
    best_ask=FROM_ZERO,
    best_bid_size=FROM_ZERO,
    best_ask_size=FROM_ZERO,
)


def _matches(found: Findings, frame: Frames, messages: list[_Match]) -> None:
    sent = [m.price for m in messages], [m.size for m in messages]
    price, size = found.numbers(frame, _TRADE, *sent)
    columns = {
        "instrument": found.instruments(frame, [m.product_id for m in messages]),
        "event_ns": found.iso_times(frame, [m.time for m in messages]),
        "seq": [m.trade_id for m in messages],
        "price": price,
        "size": size,
        "side": [_TAKER_OF_MAKER[m.side] for m in messages],
        "maker": found.uuids(frame, [m.maker_order_id for m in messages], owed=False),
        "taker": found.uuids(frame, [m.taker_order_id for m in messages], owed=False),
    }
    found.rows(tables.Table.TRADES, frame, columns)


def _tickers(found: Findings, frame: Frames, messages: list[_Ticker]) -> None:
    price, volume, bid, ask, bid_size, ask_size = found.numbers(
        frame,
        _TICKER,
        [m.price for m in messages],
        [m.last_size for m in messages],
        [m.best_bid for m in messages],
        [m.best_ask for m in messages],
        [m.best_bid_size for m in messages],
        [m.best_ask_size for m in messages],
    )
    common = {
        "instrument": found.instruments(frame, [m.product_id for m in messages]),
        "event_ns": found.iso_times(frame, [m.time for m in messages], owed=False),
        "seq": np.array([m.sequence for m in messages], np.uint64),
        "best_bid": bid,
        "best_ask": ask,
    }
    md = {"price": price, "volume": volume, "side": [_TAKER[m.side] for m in messages]}
    found.rows(tables.Table.MD, frame, common | md)
    quotes = {**common, "best_bid_size": bid_size, "best_ask_size": ask_size}
    found.rows(tables.Table.QUOTES, frame, quotes, needs_any=("best_bid", "best_ask"))


def _l2updates(found: Findings, frame: Frames, messages: list[_L2Update]) -> None:
    changes = [change for m in messages for change in m.changes]
    counts = [len(m.changes) for m in messages]
    per_change = np.repeat(frame, counts)
    sent = [c.price for c in changes], [c.size for c in changes]
    price, size = found.numbers(per_change, LEVEL, *sent)
    instrument = found.instruments(frame, [m.product_id for m in messages])
    columns = {
        "instrument": np.repeat(instrument, counts),
        "event_ns": np.repeat(found.iso_times(frame, [m.time for m in messages]), counts),
        "seq": 0,
        "side": [_BOOK_SIDE[c.side] for c in changes],
        "price": price,
        "size": size,
        "flags": 0,
    }
    found.rows(tables.Table.BOOK, per_change, columns)


def _snapshots(found: Findings, frame: Frames, messages: list[_Snapshot]) -> None:
    instruments = found.instruments(frame, [m.product_id for m in messages])
    columns: dict[str, npt.NDArray[np.generic] | int] = {
        "instrument": instruments,
        "event_ns": tables.NO_TIME,
        "seq": 0,
    }
    bids, asks = [m.bids for m in messages], [m.asks for m in messages]
    found.book(frame, columns, bids, asks, tables.FLAG_SNAPSHOT)
    for number, instrument in zip(frame.tolist(), instruments.tolist(), strict=True):
        found.event(number, base.BookSnapshot(instrument, 0))


# -- events ----------------------------------------------------------------------------------------

# What a channel name in a confirmation stands for.  `level2_batch` is confirmed as `level2_50`,
# as `level2` or under its own name, depending on the venue's version.
_FEEDS_OF_CHANNEL = {
    "ticker": ("ticker", "quotes"),
    "matches": ("trades",),
    **dict.fromkeys(("level2_batch", "level2_50", "level2"), ("orderbook",)),
}


def _heartbeats(found: Findings, frame: Frames, messages: list[_Heartbeat]) -> None:
    for number, m in zip(frame.tolist(), messages, strict=True):
        found.event(number, base.Heartbeat())
        if m.last_trade_id:  # 0: never traded, or the venue does not say
            (instrument,) = found.instruments(np.array([number]), [m.product_id]).tolist()
            found.event(number, base.TradeIdSeen(instrument, m.last_trade_id))


def _subscriptions(found: Findings, frame: Frames, messages: list[_Subscriptions]) -> None:
    for number, m in zip(frame.tolist(), messages, strict=True):
        live = frozenset(
            Subscription(symbol, feed)
            for channel in m.channels
            for product in channel.product_ids or ()
            if (symbol := product if isinstance(product, str) else product.product_id)
            for feed in _FEEDS_OF_CHANNEL.get(channel.name, ())
        )
        found.event(number, base.Confirmed(live))


def _errors(found: Findings, frame: Frames, messages: list[_Error]) -> None:
    for number, m in zip(frame.tolist(), messages, strict=True):
        reason = ": ".join(filter(None, (m.message, m.reason)))
        found.event(number, base.Refused(None, reason, wait=wait_of(reason)))


def _statuses(found: Findings, frame: Frames, messages: list[_Status]) -> None:
    for number, m in zip(frame.tolist(), messages, strict=True):
        try:
            listed = _PRODUCTS.read(m.products, "status")
        except base.VenueError as error:
            found.reject(number, str(error))
        else:
            found.event(number, base.Listing(listed.instruments, listed.odd))


_HANDLERS: dict[type[_Message], Callable[[Findings, Frames, Any], None]] = {
    _Match: _matches,
    _LastMatch: _matches,
    _Ticker: _tickers,
    _Snapshot: _snapshots,
    _L2Update: _l2updates,
    _Heartbeat: _heartbeats,
    _Subscriptions: _subscriptions,
    _Error: _errors,
    _Status: _statuses,
}

_UNINTERESTING = {"received", "open", "done", "change", "activate"}

_decode: Callable[[bytes | msgspec.Raw], _Message] = lenient(reduce(or_, _HANDLERS))
_decode_type = msgspec.json.Decoder(_Typed).decode
_decode_products = msgspec.json.Decoder(list[msgspec.Raw]).decode
_KNOWN = {str(message.__struct_config__.tag) for message in _HANDLERS}


def _other(found: Findings, payloads: Sequence[bytes], frame: int, error: Exception) -> None:
    """A payload that is no good message of a known type."""
    try:
        kind = _decode_type(payloads[frame]).type
    except UNDECODABLE:
        return found.undecodable(frame, error)
    if kind in _KNOWN:
        return found.undecodable(frame, error, kind)
    return None if kind in _UNINTERESTING else found.unknown(frame, kind)


# How payloads say what they are about, and where their elements stand.
_TICKS, _BOOKS = (tables.Table.MD, tables.Table.QUOTES), (tables.Table.BOOK,)
_KINDS = {
    **dict.fromkeys(("match", "last_match"), (tables.Table.TRADES,)),
    "ticker": _TICKS,
    **dict.fromkeys(("snapshot", "l2update"), _BOOKS),
}
_ANSWERS = {"subscriptions", "error", "heartbeat", "status"}
_FORM = Form(
    Naming(of_kinds(_KINDS), _ANSWERS, trade_id="trade_id"),
    {tables.Table.BOOK: ("changes.*", "bids.*", "asks.*")},
)


# -- the venue -------------------------------------------------------------------------------------

# `ticker` serves two feeds.  `level2` needs a login; `level2_batch` says the same every 50 ms.
_CHANNELS = {
    "ticker": "ticker",
    "quotes": "ticker",
    "trades": "matches",
    "orderbook": "level2_batch",
}


class Coinbase(Exchange):
    """Coinbase Exchange, not Advanced Trade: the same market, with better proof of completeness."""

    name = "coinbase"
    ws_endpoint: ClassVar[str] = "wss://ws-feed.exchange.coinbase.com"
    rest_endpoint: ClassVar[str] = "https://api.exchange.coinbase.com"
    entrances: ClassVar[tuple[Entrance, ...]] = (
        Entrance(ws_endpoint, rest_endpoint, "the only one"),
    )
    feeds: ClassVar[frozenset[str]] = frozenset(_CHANNELS)
    books: ClassVar[tuple[BookOffer, ...]] = (BookOffer(0, 50, "level2_batch"),)
    # The heartbeat's `last_trade_id` tells of the newest trade, and ids rise by one.
    twins: ClassVar[Mapping[tables.Table, Twins]] = {
        tables.Table.MD: Twins.NUMBERED,
        tables.Table.QUOTES: Twins.NUMBERED,
        tables.Table.BOOK: Twins.LED,
    }
    trade_ids: ClassVar[Ids] = Ids.DENSE
    recorded_by_default: ClassVar[bool] = True
    trades_by_rest: ClassVar[TradesByRest | None] = CoinbaseTrades()
    candles_by_rest: ClassVar[CandlesByRest | None] = CoinbaseCandles()
    shared_channels: ClassVar[tuple[frozenset[str], ...]] = (frozenset({"ticker", "quotes"}),)
    greets: ClassVar[frozenset[str]] = frozenset({"ticker", "trades", "orderbook"})
    names_requests: ClassVar[bool] = False
    profile: ClassVar[base.Profile] = base.Profile(
        connects_burst=20,  # allowed: these at once, and 8 a second
        client_messages_per_second=10.0,  # the documentation names 100 in one place, 10 in another
        requests_per_second=5.0,
        subscriptions_per_request=100,
        heartbeat_silence_secs=15.0,  # one each second and product is promised
    )

    def ws_url(self, endpoint: str, lane: str = "") -> str:
        """The endpoint itself."""
        return endpoint

    def subscribe(self, wanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """One request or more for each set of feeds that symbols share; ids are not used here."""
        return self._requests("subscribe", wanted)

    def unsubscribe(self, unwanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """Ends all that is named, and the heartbeats of those symbols.

        Tickers and quotes arrive on one channel: to give up one of them ends both.
        """
        return self._requests("unsubscribe", unwanted)

    def _requests(self, kind: str, subscriptions: Sequence[Subscription]) -> list[Request]:
        symbols_of: dict[tuple[str, ...], list[str]] = {}
        for symbol, of_symbol in feeds_by_symbol(subscriptions).items():
            symbols_of.setdefault(tuple(sorted(of_symbol)), []).append(symbol)
        requests: list[Request] = []
        for feeds, symbols in sorted(symbols_of.items()):
            size = self.profile.subscriptions_per_request // len(feeds)
            requests += [_request(kind, part, feeds) for part in batches(symbols, size)]
        return requests

    def decode(self, payloads: Sequence[bytes], instruments: Mapping[str, int]) -> base.Decoded:
        """What the payloads say: see the table at the head of this module."""
        return understood(partial(self._read, instruments), payloads, instruments, _FORM, SHAPES)

    def _read(self, instruments: Mapping[str, int], payloads: Sequence[bytes]) -> base.Decoded:
        found = Findings(instruments, payloads)
        failed = partial(_other, found, payloads)
        frames, messages = decode_each(_decode, range(len(payloads)), payloads, failed)
        for kind, frame, group in grouped(list(map(type, messages)), frames, messages):
            _HANDLERS[kind](found, frame, group)
        return found.done()

    def listing_url(self, rest_endpoint: str) -> str:
        """GET products."""
        return rest_endpoint.rstrip("/") + "/products"

    def read_listing(self, body: bytes) -> Listed:
        """The products; active are those whose status is online."""
        return _PRODUCTS.read(decode_listing(_decode_products, body, "products"), "products")

    def listing_request(self) -> Request:
        """The status channel, which sends all products every few seconds."""
        return Request('{"type":"subscribe","channels":[{"name":"status"}]}')


def _request(kind: str, symbols: Sequence[str], feeds: tuple[str, ...]) -> Request:
    channels = [*sorted({_CHANNELS[feed] for feed in feeds}), "heartbeat"]
    settled = [Subscription(symbol, feed) for symbol in symbols for feed in feeds]
    return request({"type": kind, "product_ids": symbols, "channels": channels}, settled)


EXCHANGE = Coinbase()
