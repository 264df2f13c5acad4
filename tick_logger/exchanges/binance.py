"""Binance spot: combined streams of the public market data.

| stream         | message         | what becomes of it                             | evidence   |
|----------------|-----------------|------------------------------------------------|------------|
| `@trade`       | trade           | TRADES; `m`, buyer is maker: the taker sold    | 2024, 2026 |
| `@bookTicker`  | (no type)       | QUOTES, without event time                     | 2021, 2024 |
| `@ticker`      | 24hrTicker      | MD; volume is the last trade's, not the day's  | docs       |
| `@depth`       | depthUpdate     | BOOK; BookLink, also if both sides are empty   | 2021, 2024 |
| `@depth5`...   | (no type)       | BOOK, flagged, without event time              | docs       |
| `@aggTrade`, `@kline_*` | (own)  | nothing: never asked for                       | 2021       |
| (none)         | result or error | Acknowledged or Refused                        | docs       |
| (any or none)  | serverShutdown  | GoingAway                                      | docs       |
| (our wrapping) | REST depth body | BOOK, flagged; BookSnapshot                    | 2021, 2024 |
| (our wrapping) | historicalTrades | TRADES that were missed                       | docs       |

Evidence names the year of the recorded frames that the tests decode.  Times are asked for in
microseconds; milliseconds are understood as well, because older recordings hold them.

A hole in trade ids is taken for a loss.  The venue does not promise that, but none is in 19,916
recorded trades, nor in 1,487 ids of `aggTrade` ranges; ids went on by one over a halt of hours,
and reported holes in its spot archive were trades that it added later.  (Futures skip ids.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec
import numpy as np
import numpy.typing as npt

from tick_logger.exchanges import _binance_messages as wire
from tick_logger.exchanges import base
from tick_logger.exchanges._binance_candles import BinanceCandles
from tick_logger.exchanges._binance_shapes import SHAPES
from tick_logger.exchanges._binance_trades import BinanceTrades
from tick_logger.exchanges.apart import Form, understood
from tick_logger.exchanges.base import Exchange, Listed, Request, Subscription
from tick_logger.exchanges.book_offers import BookOffer
from tick_logger.exchanges.candles_by_rest import CandlesByRest
from tick_logger.exchanges.columns import (
    ABOVE_ZERO,
    FROM_ZERO,
    Findings,
    NumberRule,
)
from tick_logger.exchanges.entrances import Entrance
from tick_logger.exchanges.messages import (
    UNDECODABLE,
    Frames,
    decode_each,
    decode_listing,
    grouped,
    lenient,
)
from tick_logger.exchanges.naming import Named, Naming
from tick_logger.exchanges.refusals import wait_of
from tick_logger.exchanges.requests import batches, in_order, request
from tick_logger.exchanges.trades_by_rest import TradesByRest
from tick_logger.model import tables
from tick_logger.model.proof import Ids
from tick_logger.model.twins import Twins

# Errors of the server itself, too many requests, time-outs, overload, too many connections.
_BUSY_CODES = frozenset({-1000, -1001, -1003, -1004, -1006, -1007, -1008, -1034})

# -- rows ------------------------------------------------------------------------------------------

_TAKER_WHERE_BUYER_IS_MAKER = {True: tables.SIDE_SELL, False: tables.SIDE_BUY}

# An empty side of a book is sent as price and size 0.
_TRADE = NumberRule(price=ABOVE_ZERO, size=FROM_ZERO)
_QUOTE = NumberRule(best_bid=FROM_ZERO, bid_size=FROM_ZERO, best_ask=FROM_ZERO, ask_size=FROM_ZERO)
# Before its first trade a symbol has orders, and a last price of 0.
_TICKER = NumberRule(price=FROM_ZERO, last_size=FROM_ZERO, best_bid=FROM_ZERO, best_ask=FROM_ZERO)


def _trades(found: Findings, frame: Frames, messages: list[wire.Trade]) -> None:
    price, size = found.numbers(frame, _TRADE, [m.p for m in messages], [m.q for m in messages])
    columns = {
        "instrument": found.instruments(frame, [m.s for m in messages]),
        "event_ns": found.unix_times(frame, [m.T for m in messages]),
        "seq": [m.t for m in messages],
        "price": price,
        "size": size,
        "side": [_TAKER_WHERE_BUYER_IS_MAKER[m.m] for m in messages],
        "maker": tables.NO_UUID,
        "taker": tables.NO_UUID,
    }
    found.rows(tables.Table.TRADES, frame, columns)


def _book_tickers(found: Findings, frame: Frames, messages: list[wire.BookTicker]) -> None:
    bid, bid_size, ask, ask_size = found.numbers(
        frame,
        _QUOTE,
        [m.b for m in messages],
        [m.B for m in messages],
        [m.a for m in messages],
        [m.A for m in messages],
    )
    columns = {
        "instrument": found.instruments(frame, [m.s for m in messages]),
        "event_ns": tables.NO_TIME,
        "seq": [m.u for m in messages],
        "best_bid": bid,
        "best_bid_size": bid_size,
        "best_ask": ask,
        "best_ask_size": ask_size,
    }
    found.rows(tables.Table.QUOTES, frame, columns)


def _tickers(found: Findings, frame: Frames, messages: list[wire.Ticker]) -> None:
    price, volume, bid, ask = found.numbers(
        frame,
        _TICKER,
        [m.c for m in messages],
        [m.Q for m in messages],
        [m.b for m in messages],
        [m.a for m in messages],
    )
    columns = {
        "instrument": found.instruments(frame, [m.s for m in messages]),
        "event_ns": found.unix_times(frame, [m.E for m in messages]),
        "seq": [max(m.L, 0) for m in messages],
        "price": price,
        "volume": volume,
        "side": tables.SIDE_UNKNOWN,
        "best_bid": bid,
        "best_ask": ask,
    }
    found.rows(tables.Table.MD, frame, columns)


def _depths(found: Findings, frame: Frames, messages: list[wire.Depth]) -> None:
    instrument = found.instruments(frame, [m.s for m in messages])
    columns: dict[str, npt.NDArray[np.generic]] = {
        "instrument": instrument,
        "event_ns": found.unix_times(frame, [m.E for m in messages]),
        "seq": np.array([m.u for m in messages], np.uint64),
    }
    found.book(frame, columns, [m.b for m in messages], [m.a for m in messages])
    for number, index, m in zip(frame.tolist(), instrument.tolist(), messages, strict=True):
        if m.u < m.U:
            found.reject(number, f"depth update from id {m.U} to the smaller id {m.u}")
        found.event(number, base.BookLink(index, m.U, m.u))


def _partials(
    found: Findings, frame: Frames, streams: Sequence[str], messages: list[wire.Snapshot]
) -> None:
    """The best levels of books, all of them each time; only the stream's name says whose."""
    instrument = found.instruments(frame, [s.partition("@")[0].upper() for s in streams])
    columns: dict[str, npt.NDArray[np.generic]] = {
        "instrument": instrument,
        "event_ns": np.full(len(frame), tables.NO_TIME),
        "seq": np.array([m.lastUpdateId for m in messages], np.uint64),
    }
    bids, asks = [m.bids for m in messages], [m.asks for m in messages]
    found.book(frame, columns, bids, asks, tables.FLAG_SNAPSHOT)
    for number, index, m in zip(frame.tolist(), instrument.tolist(), messages, strict=True):
        found.event(number, base.BookSnapshot(index, m.lastUpdateId))


# -- sorting out -----------------------------------------------------------------------------------


# How the messages of a kind of stream are decoded, and what makes rows of them.
_KINDS: dict[str, tuple[Callable[[Any], Any], Callable[[Findings, Frames, Any], None]]] = {
    "trade": (lenient(wire.Trade), _trades),
    "bookTicker": (lenient(wire.BookTicker), _book_tickers),
    "ticker": (lenient(wire.Ticker), _tickers),
    "depth": (lenient(wire.Depth), _depths),
}
_decode_snapshot = lenient(wire.Snapshot)
_PARTIAL = ("depth5", "depth10", "depth20")
"""Kinds of streams whose messages do not say whose they are."""
_UNINTERESTING = {"aggTrade", "kline"}
_SHUTDOWN = "serverShutdown"


def _kind_of_stream(stream: str) -> str:
    """`btcusdt@depth@100ms` is of kind depth, `btcusdt@kline_1m` of kind kline."""
    return stream.partition("@")[2].partition("@")[0].partition("_")[0]


_EVENTS = {"trade": "trade", "ticker": "24hrTicker", "depth": "depthUpdate", "bookTicker": ""}
_EVENTS |= dict.fromkeys(_PARTIAL, "")
"""What the messages of a kind of stream call themselves; "": nothing."""


def _of_no_kind(
    found: Findings, kind: str, payloads: Sequence[bytes], frame: int, error: Exception
) -> None:
    """A payload that comes under the name of a stream, and is none of its messages."""
    try:
        event = wire.decode_control(wire.decode_envelope(payloads[frame]).data).e
    except UNDECODABLE:
        event = ""
    if event == _SHUTDOWN:
        found.event(frame, base.GoingAway(_SHUTDOWN))
    elif event and event != _EVENTS[kind]:
        found.unknown(frame, event)
    else:
        found.undecodable(frame, error, kind)


def _stream(
    found: Findings,
    kind: str,
    frame: Frames,
    envelopes: list[wire.Envelope],
    payloads: Sequence[bytes],
) -> None:
    """All messages of one kind of stream."""
    data = [envelope.data for envelope in envelopes]
    decode, handle = _KINDS.get(kind, (_decode_snapshot, None))
    failed = partial(_of_no_kind, found, kind, payloads)
    kept, messages = decode_each(decode, frame.tolist(), data, failed)
    if messages and handle is not None:
        handle(found, np.array(kept, np.int32), messages)
    elif messages:
        stream_of = dict(zip(frame.tolist(), (each.stream for each in envelopes), strict=True))
        _partials(found, np.array(kept, np.int32), [stream_of[n] for n in kept], messages)


def _snapshot(found: Findings, frame: int, envelope: wire.Envelope) -> None:
    """A REST book snapshot with its symbol, which the answer itself does not name."""
    try:
        snapshot = _decode_snapshot(envelope.data)
    except UNDECODABLE as error:
        return found.undecodable(frame, error, "snapshot")
    one = np.array([frame], np.int32)
    instrument = found.instruments(one, [envelope.snapshot])
    columns: dict[str, npt.NDArray[np.generic]] = {
        "instrument": instrument,
        "event_ns": np.array([tables.NO_TIME]),
        "seq": np.array([snapshot.lastUpdateId], np.uint64),
    }
    found.book(one, columns, [snapshot.bids], [snapshot.asks], tables.FLAG_SNAPSHOT)
    found.event(frame, base.BookSnapshot(int(instrument[0]), snapshot.lastUpdateId))


def _other(found: Findings, frame: int, envelope: wire.Envelope, payload: bytes) -> None:
    """A message of no known stream: a snapshot of ours, an answer, an announcement, or garbage."""
    if envelope.snapshot:
        return _snapshot(found, frame, envelope)
    kind = _kind_of_stream(envelope.stream)
    try:
        message = wire.decode_control(envelope.data if bytes(envelope.data) else payload)
    except UNDECODABLE as error:
        return found.unknown(frame, kind) if kind else found.undecodable(frame, error)
    if message.e == _SHUTDOWN:
        found.event(frame, base.GoingAway(_SHUTDOWN))
    elif kind or message.e:
        found.unknown(frame, kind or message.e)
    elif envelope.stream:
        found.reject(frame, f"unknown stream {envelope.stream!r}")
    elif message.error is not None or message.msg:
        said = message.error or message
        reason = f"{said.msg} (code {said.code})"
        wait = wait_of(reason) or (base.Wait() if said.code in _BUSY_CODES else None)
        found.event(frame, base.Refused(message.id, reason, wait=wait))
    elif message.id is not None:
        found.event(frame, base.Acknowledged(message.id))
    else:
        found.reject(frame, "neither a message of a stream nor an answer to a request")


# How payloads say what they are about, and where their elements stand.
_TABLES = {
    **dict.fromkeys(("trade",), (tables.Table.TRADES,)),
    **dict.fromkeys(("ticker", "24hrTicker"), (tables.Table.MD,)),
    **dict.fromkeys(("bookTicker",), (tables.Table.QUOTES,)),
    **dict.fromkeys(("depth", "depthUpdate", "snapshot", *_PARTIAL), (tables.Table.BOOK,)),
}


def _named(text: str) -> Named:
    """`btcusdt@trade` names both; alone stand the symbol, and what a message calls itself."""
    symbol, stream, _ = text.partition("@")
    if stream:
        return symbol.upper(), _TABLES.get(_kind_of_stream(text), ())
    return text, _TABLES.get(text, ())


_FORM = Form(
    Naming(_named, {"result", "error", "id"}, trade_id="t"),
    {tables.Table.BOOK: ("data.b.*", "data.a.*", "data.bids.*", "data.asks.*")},
)


# -- the venue -------------------------------------------------------------------------------------

_CHANNELS = {
    "ticker": "ticker",
    "trades": "trade",
    "quotes": "bookTicker",
}

# What GET depth weighs, for so many levels.  A few books get all levels that there are; many would
# take too long, or leave no weight for the listing.
_DEEP_SNAPSHOT_SYMBOLS = 20
_DEEP_LEVELS, _LEVELS = 5000, 1000
_DEEP_WEIGHT, _WEIGHT = 250, 50


class Binance(Exchange):
    """Binance spot."""

    name = "binance"
    ws_endpoint: ClassVar[str] = "wss://stream.binance.com:9443"
    second_ws_endpoint: ClassVar[str] = "wss://stream.binance.com:443"
    rest_endpoint: ClassVar[str] = "https://api.binance.com"
    entrances: ClassVar[tuple[Entrance, ...]] = (
        Entrance(ws_endpoint, rest_endpoint, "the usual one"),
        Entrance(
            "wss://data-stream.binance.vision",
            "https://data-api.binance.vision",
            "the same market, its data alone",
        ),
        Entrance(
            "wss://stream.binance.us:9443",
            "https://api.binance.us",
            "Binance.US, a market of its own",
        ),
    )
    ws_path: ClassVar[str] = r"/(?:ws|stream)(?:/.*)?"
    rest_path: ClassVar[str] = r"/api(?:/v\d+)?"
    feeds: ClassVar[frozenset[str]] = frozenset((*_CHANNELS, "orderbook"))
    books: ClassVar[tuple[BookOffer, ...]] = (
        BookOffer(0, 100, "depth@100ms"),
        BookOffer(0, 1000, "depth"),
        *(
            BookOffer(depth, interval_ms, f"depth{depth}{speed}", whole=True)
            for depth in (5, 10, 20)
            for interval_ms, speed in ((100, "@100ms"), (1000, ""))
        ),
    )
    twins: ClassVar[Mapping[tables.Table, Twins]] = {
        tables.Table.MD: Twins.UNTIMED,
        tables.Table.QUOTES: Twins.NUMBERED,
        tables.Table.BOOK: Twins.NUMBERED,
    }
    trade_ids: ClassVar[Ids] = Ids.DENSE
    recorded_by_default: ClassVar[bool] = True
    book_check: ClassVar[base.BookCheck] = base.BookCheck.RANGES
    trades_by_rest: ClassVar[TradesByRest | None] = BinanceTrades()
    candles_by_rest: ClassVar[CandlesByRest | None] = BinanceCandles()
    profile: ClassVar[base.Profile] = base.Profile(
        connects_burst=60,  # with one a second: the 300 in 5 minutes that are allowed
        client_messages_per_second=5.0,
        requests_per_second=2.0,  # pongs count as messages and must never wait
        subscriptions_per_request=100,
        subscriptions_per_connection=1024,
        lifetime_secs=(20 * 3600.0, 23 * 3600.0),  # the venue cuts at 24 h
        rest_weight_per_minute=5_100,  # of 6000: twenty books in full depth, and some listings
        listing_weight=20,
    )

    def ws_url(self, endpoint: str, lane: str = "") -> str:
        """The combined stream, with times in microseconds, whichever stream the endpoint names."""
        return self.ws_root(endpoint) + "/stream?timeUnit=MICROSECOND"

    def subscribe(self, wanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """SUBSCRIBE requests with ids `first_id`, `first_id + 1` and so on."""
        return self._requests("SUBSCRIBE", wanted, first_id)

    def unsubscribe(self, unwanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """UNSUBSCRIBE requests with ids `first_id`, `first_id + 1` and so on."""
        return self._requests("UNSUBSCRIBE", unwanted, first_id)

    def _requests(
        self, method: str, subscriptions: Sequence[Subscription], first_id: int
    ) -> list[Request]:
        parts = batches(in_order(subscriptions), self.profile.subscriptions_per_request)
        requests = []
        for request_id, part in enumerate(parts, first_id):
            streams = [f"{s.symbol.lower()}@{self._channel(s)}" for s in part]
            content = {"method": method, "params": streams, "id": request_id}
            requests.append(request(content, part, request_id))
        return requests

    def _channel(self, subscription: Subscription) -> str:
        return _CHANNELS.get(subscription.feed) or self.book_of(subscription.symbol).channel

    def decode(self, payloads: Sequence[bytes], instruments: Mapping[str, int]) -> base.Decoded:
        """What the payloads say: see the table at the head of this module."""
        return understood(partial(self._read, instruments), payloads, instruments, _FORM, SHAPES)

    def _read(self, instruments: Mapping[str, int], payloads: Sequence[bytes]) -> base.Decoded:
        found = Findings(instruments, payloads)
        failed = partial(found.undecodable, kind="envelope")
        frames, envelopes = decode_each(
            wire.decode_envelope, range(len(payloads)), payloads, failed
        )
        streams = [envelope.stream for envelope in envelopes]
        kinds = {stream: _kind_of_stream(stream) for stream in set(streams)}
        for kind, frame, group in grouped([kinds[s] for s in streams], frames, envelopes):
            if kind in _KINDS or kind in _PARTIAL:
                _stream(found, kind, frame, group, payloads)
            elif kind not in _UNINTERESTING:
                for number, envelope in zip(frame.tolist(), group, strict=True):
                    _other(found, number, envelope, payloads[number])
        return found.done()

    def listing_url(self, rest_endpoint: str) -> str:
        """GET exchangeInfo."""
        return rest_endpoint.rstrip("/") + "/api/v3/exchangeInfo"

    def read_listing(self, body: bytes) -> Listed:
        """The symbols of exchangeInfo; active are those that trade, and trade on spot."""
        info = decode_listing(wire.decode_exchange_info, body, "exchangeInfo")
        return wire.SYMBOLS.read(info.symbols, "exchangeInfo")

    def snapshot_weight(self, symbols: int) -> int:
        """That of a snapshot with as many levels as `snapshot_url` asks for."""
        return _DEEP_WEIGHT if symbols <= _DEEP_SNAPSHOT_SYMBOLS else _WEIGHT

    def snapshot_url(self, rest_endpoint: str, symbol: str, symbols: int) -> str:
        """GET depth, with as many levels as the request weights allow for so many books."""
        limit = _DEEP_LEVELS if symbols <= _DEEP_SNAPSHOT_SYMBOLS else _LEVELS
        query = f"symbol={quote(symbol)}&limit={limit}"
        return f"{rest_endpoint.rstrip('/')}/api/v3/depth?{query}"

    def snapshot_payload(self, symbol: str, body: bytes) -> bytes:
        """`{"snapshot": symbol, "data": body}`: the body itself does not say whose it is."""
        return b'{"snapshot":' + msgspec.json.encode(symbol) + b',"data":' + body + b"}"


EXCHANGE = Binance()
