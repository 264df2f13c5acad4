"""Kraken spot: the public channels of WebSocket v2.  (v1, with its array frames, is frozen.)

| channel      | message          | what becomes of it                               | evidence   |
|--------------|------------------|--------------------------------------------------|------------|
| `ticker`     | snapshot, update | MD, and QUOTES if it carries a bid or an ask     | 2024, 2026 |
| `trade`      | snapshot, update | TRADES; the side sent is the taker's             | 2024, 2026 |
| `book`       | snapshot         | BOOK, flagged; BookSnapshot and BookTexts        | 2023, 2026 |
| `book`       | update           | BOOK; BookTexts                                  | 2023, 2026 |
| `heartbeat`  | (no type)        | Heartbeat                                        | 2024, 2026 |
| `status`     | update           | Heartbeat, or GoingAway in maintenance           | 2024, 2026 |
| `instrument` | any              | nothing: never asked for                         | 2023, 2024 |
| `ohlc`       | any              | nothing: never asked for                         | docs       |
| (method)     | subscribe        | Granted or Refused, one symbol in each           | 2024, 2026 |
| (method)     | unsubscribe      | nothing                                          | docs       |
| (method)     | pong             | Pong                                             | 2024       |
| (method)     | ping, error      | Refused, or a bad frame if it names no request   | 2024       |
| (no JSON)    | proxy's notice   | GoingAway                                        | 2024       |
| GET Trades   | answer           | TRADES that were missed (`_kraken_trades`)       | docs       |

Evidence names the year of the recorded frames that the tests decode.  Tickers have a time and a
count of trades, and book snapshots a time, in frames of 2026 only.  Books have no numbers, but a
checksum over the digits of the best levels, for which the texts of their numbers are kept.  Who
rebuilds a book must cut it to `book_depth` levels a side after each update: a level that falls out
is not deleted by a message, and is sent again when it comes back.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache, partial, reduce
from itertools import chain
from operator import or_
from typing import Any, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt

from tick_logger.exchanges import _kraken_messages as wire
from tick_logger.exchanges import base
from tick_logger.exchanges._kraken_candles import KrakenCandles
from tick_logger.exchanges._kraken_shapes import SHAPES
from tick_logger.exchanges._kraken_trades import KrakenTrades
from tick_logger.exchanges.apart import Form, understood
from tick_logger.exchanges.base import (
    Exchange,
    Listed,
    Request,
    Subscription,
    TextLevel,
    VenueError,
)
from tick_logger.exchanges.book_offers import BookOffer
from tick_logger.exchanges.candles_by_rest import CandlesByRest
from tick_logger.exchanges.columns import (
    ABOVE_ZERO,
    FROM_ZERO,
    LEVEL,
    Findings,
    NumberRule,
    flattened,
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
from tick_logger.exchanges.naming import Naming, of_kinds
from tick_logger.exchanges.refusals import wait_of
from tick_logger.exchanges.requests import batches, feeds_by_symbol, request
from tick_logger.exchanges.trades_by_rest import TradesByRest
from tick_logger.model import tables
from tick_logger.model.proof import Ids
from tick_logger.model.twins import Twins

# -- rows ------------------------------------------------------------------------------------------

_TAKER = {"buy": tables.SIDE_BUY, "sell": tables.SIDE_SELL}

_TRADE = NumberRule(price=ABOVE_ZERO, size=FROM_ZERO)
# What is sent of a pair without trades or orders is not documented: zeros are taken as sent.
_TICKER = NumberRule(
    last=FROM_ZERO, bid=FROM_ZERO, ask=FROM_ZERO, bid_qty=FROM_ZERO, ask_qty=FROM_ZERO
)


def _tickers(found: Findings, frame: Frames, messages: list[wire.Tickers]) -> None:
    frame, tickers = flattened(frame, [m.data for m in messages])
    last, bid, ask, bid_size, ask_size = found.numbers(
        frame,
        _TICKER,
        [t.last for t in tickers],
        [t.bid for t in tickers],
        [t.ask for t in tickers],
        [t.bid_qty for t in tickers],
        [t.ask_qty for t in tickers],
    )
    common = {
        "instrument": found.instruments(frame, [t.symbol for t in tickers]),
        "event_ns": found.iso_times(frame, [t.timestamp for t in tickers], owed=False),
        "best_bid": bid,
        "best_ask": ask,
    }
    md = {
        # The day's count of trades tells the tickers of one order apart, which share a time.
        "seq": np.array([t.trades for t in tickers], np.uint64),
        "price": last,
        "volume": np.nan,  # what is sent is the day's
        "side": tables.SIDE_UNKNOWN,
    }
    found.rows(tables.Table.MD, frame, common | md)
    quotes = {
        **common,
        "seq": 0,
        "best_bid_size": bid_size,
        "best_ask_size": ask_size,
    }
    found.rows(tables.Table.QUOTES, frame, quotes, needs_any=("best_bid", "best_ask"))


def _trades(found: Findings, frame: Frames, messages: list[wire.Trades]) -> None:
    frame, trades = flattened(frame, [m.data for m in messages])
    price, size = found.numbers(frame, _TRADE, [t.price for t in trades], [t.qty for t in trades])
    columns = {
        "instrument": found.instruments(frame, [t.symbol for t in trades]),
        "event_ns": found.iso_times(frame, [t.timestamp for t in trades]),
        "seq": [t.trade_id for t in trades],
        "price": price,
        "size": size,
        "side": [_TAKER[t.side] for t in trades],
        "maker": tables.NO_UUID,
        "taker": tables.NO_UUID,
    }
    found.rows(tables.Table.TRADES, frame, columns)


def _books(found: Findings, frame: Frames, messages: list[wire.Books]) -> None:
    lists = [m.data for m in messages]
    snapshot = np.repeat([m.type == "snapshot" for m in messages], list(map(len, lists)))
    frame, books = flattened(frame, lists)
    levels = [level for b in books for side in (b.bids, b.asks) for level in side]
    try:
        texts, prices, sizes = _read(levels)
    except UNDECODABLE:
        return _books(found, *_readable(found, frame, books, snapshot.tolist()))
    counts = np.array([len(side) for b in books for side in (b.bids, b.asks)], np.int64)
    per_level = np.repeat(frame, counts[::2] + counts[1::2])
    instrument = found.instruments(frame, [b.symbol for b in books])
    values = found.numbers(per_level, LEVEL, prices, sizes)
    columns: dict[str, npt.NDArray[np.generic] | int] = {
        "instrument": instrument,
        "event_ns": found.iso_times(frame, [b.timestamp for b in books], owed=False),
        "seq": 0,
    }
    found.levels(frame, columns, counts, values, np.where(snapshot, tables.FLAG_SNAPSHOT, 0))
    begin = 0
    each = zip(frame.tolist(), instrument.tolist(), snapshot.tolist(), books, strict=True)
    for number, index, is_snapshot, b in each:
        middle = begin + len(b.bids)
        end = middle + len(b.asks)
        if is_snapshot:
            found.event(number, base.BookSnapshot(index, 0))
        bids, asks = tuple(texts[begin:middle]), tuple(texts[middle:end])
        found.event(number, base.BookTexts(index, is_snapshot, bids, asks, b.checksum))
        begin = end


_decode_numbers = msgspec.json.Decoder(list[float]).decode


def _read(levels: Sequence[wire.Level]) -> tuple[list[TextLevel], list[float], list[float]]:
    """Levels as texts, their prices and their sizes; raises `UNDECODABLE` if one is no number."""
    if not levels:
        return [], [], []
    raw = [*(level.price for level in levels), *(level.qty for level in levels)]
    joined = b",".join(raw).replace(b'"', b"").decode()  # or they are sent as texts
    numbers, texts = _decode_numbers(f"[{joined}]"), joined.split(",")
    count = len(levels)
    paired = list(zip(texts[:count], texts[count:], strict=True))
    return paired, numbers[:count], numbers[count:]


def _readable(
    found: Findings, frame: Frames, books: list[wire.Book], snapshot: list[bool]
) -> tuple[Frames, list[wire.Books]]:
    """The books that hold nothing but numbers, one to a message; the others are rejected."""
    kept: list[int] = []
    messages: list[wire.Books] = []
    for number, b, is_snapshot in zip(frame.tolist(), books, snapshot, strict=True):
        try:
            _read([*b.bids, *b.asks])
        except UNDECODABLE:
            found.reject(number, "book: a price or a size is no number")
        else:
            kept.append(number)
            messages.append(wire.Books("snapshot" if is_snapshot else "update", [b]))
    return np.array(kept, np.int32), messages


# -- events ----------------------------------------------------------------------------------------

_FEEDS_OF_CHANNEL = {"ticker": ("ticker", "quotes"), "trade": ("trades",), "book": ("orderbook",)}
_EVERY_FEED = tuple(chain.from_iterable(_FEEDS_OF_CHANNEL.values()))

_METHODS = {"subscribe", "unsubscribe", "ping"}
_GRANTED_BEFORE = "Already subscribed"  # what is asked for again, because an answer came too late
_PROXY_NOTICE = b"CloudFlare WebSocket proxy restarting"


def _heartbeats(found: Findings, frame: Frames, _messages: list[wire.Heartbeat]) -> None:
    for number in frame.tolist():
        found.event(number, base.Heartbeat())


def _statuses(found: Findings, frame: Frames, messages: list[wire.Status]) -> None:
    """In modes such as cancel_only or post_only there are no trades, but books and connections."""
    for number, m in zip(frame.tolist(), messages, strict=True):
        away = any(each.system == "maintenance" for each in m.data)
        found.event(number, base.GoingAway("maintenance") if away else base.Heartbeat())


def _nothing(found: Findings, frame: Frames, messages: list[wire.Message]) -> None:
    """Not of interest."""


def _answer(found: Findings, frame: int, answer: wire.Answer) -> None:
    """What the venue says to a request."""
    method, result = answer.method, answer.result
    if method == "pong":
        found.event(frame, base.Pong())
    elif method not in _METHODS:
        found.unknown(frame, method) if method else found.reject(frame, "no answer to a request")
    elif answer.success is None:
        found.reject(frame, f"no answer to a request: method {method!r}")
    elif method == "unsubscribe":
        return
    elif answer.error == _GRANTED_BEFORE:
        if answer.req_id is not None:  # which alone tells the channel
            found.event(frame, base.Granted(_every_feed(answer.symbol), answer.req_id))
    elif not answer.success and method == "ping" and answer.req_id is None:
        found.reject(frame, f"refused ping: {answer.error}")  # and no request with it
    elif not answer.success:
        found.event(frame, _refusal(answer))
    elif method == "subscribe" and result is not None:
        feeds = _FEEDS_OF_CHANNEL.get(result.channel, ())  # none of what others ask for
        if feeds:
            live = frozenset(Subscription(result.symbol, feed) for feed in feeds)
            found.event(frame, base.Granted(live))
    else:
        found.reject(frame, f"an answer without a result: method {method!r}")


def _refusal(answer: wire.Answer) -> base.Refused:
    """A refusal names the symbol at most, and not the channel, which its request knows."""
    named = answer.symbol if answer.method == "subscribe" else ""
    reason = answer.error or "no reason was given"
    return base.Refused(answer.req_id, reason, _every_feed(named), wait=wait_of(reason))


def _every_feed(symbol: str) -> frozenset[Subscription]:
    """All that an answer may mean that names a symbol and no channel; nothing if it names none."""
    return frozenset(Subscription(symbol, feed) for feed in _EVERY_FEED if symbol)


_HANDLERS: dict[type[wire.Message], Callable[[Findings, Frames, Any], None]] = {
    wire.Tickers: _tickers,
    wire.Trades: _trades,
    wire.Books: _books,
    wire.Heartbeat: _heartbeats,
    wire.Status: _statuses,
    wire.Instruments: _nothing,
    wire.Candles: _nothing,
}
_KNOWN = {str(message.__struct_config__.tag) for message in _HANDLERS}

_decode: Callable[[bytes | msgspec.Raw], Any] = lenient(reduce(or_, _HANDLERS))
_decode_answer = lenient(wire.Answer)
_decode_pairs = msgspec.json.Decoder(wire.AssetPairs).decode


def _other(found: Findings, payloads: Sequence[bytes], frame: int, error: Exception) -> None:
    """A payload that is no good message of a known channel: an answer, a notice, or garbage."""
    if payloads[frame] == _PROXY_NOTICE:
        return found.event(frame, base.GoingAway(_PROXY_NOTICE.decode()))
    try:
        answer = _decode_answer(payloads[frame])
    except UNDECODABLE as reason:
        return found.undecodable(frame, reason)
    if answer.channel in _KNOWN:
        found.undecodable(frame, error, answer.channel)
    elif answer.channel:
        found.unknown(frame, answer.channel)
    else:
        _answer(found, frame, answer)


# How payloads say what they are about, and where their elements stand.
_TABLES = {name: tuple(tables.FEEDS[f] for f in feeds) for name, feeds in _FEEDS_OF_CHANNEL.items()}
_ANSWERS = {"method", "result", "success", "error"}
_FORM = Form(
    Naming(of_kinds(_TABLES), _ANSWERS, trade_id="trade_id"),
    {
        **dict.fromkeys(tables.Table, ("data.*",)),
        tables.Table.BOOK: ("data.*", "data.*.bids.*", "data.*.asks.*"),
    },
)

# -- the venue -------------------------------------------------------------------------------------

_CHECKED_LEVELS = 10  # of each side, whatever the depth


class Kraken(Exchange):
    """Kraken spot."""

    name = "kraken"
    ws_endpoint: ClassVar[str] = "wss://ws.kraken.com"
    rest_endpoint: ClassVar[str] = "https://api.kraken.com"
    entrances: ClassVar[tuple[Entrance, ...]] = (
        Entrance(ws_endpoint, rest_endpoint, "the only one"),
    )
    ws_path: ClassVar[str] = "/v[12]"
    rest_path: ClassVar[str] = "/0(?:/public)?"
    feeds: ClassVar[frozenset[str]] = frozenset(_EVERY_FEED)
    # Documented as a sequence number of its book, and without holes in every recorded frame; that
    # there never is one is not confirmed, and an example of the REST documentation has one.
    twins: ClassVar[Mapping[tables.Table, Twins]] = {
        tables.Table.MD: Twins.SAID,
        tables.Table.QUOTES: Twins.SAID,
        tables.Table.BOOK: Twins.LED,
    }
    trade_ids: ClassVar[Ids] = Ids.DENSE
    book_check: ClassVar[base.BookCheck] = base.BookCheck.CHECKSUM
    book_depth: ClassVar[int | None] = 100
    book_depths: ClassVar[tuple[int, ...]] = (10, 25, 100, 500, 1000)
    books: ClassVar[tuple[BookOffer, ...]] = tuple(
        BookOffer(depth, 0, "book") for depth in (100, 10, 25, 500, 1000)
    )
    shared_channels: ClassVar[tuple[frozenset[str], ...]] = (frozenset({"ticker", "quotes"}),)
    greets: ClassVar[frozenset[str]] = feeds
    trades_by_rest: ClassVar[TradesByRest | None] = KrakenTrades()
    candles_by_rest: ClassVar[CandlesByRest | None] = KrakenCandles()
    profile: ClassVar[base.Profile] = base.Profile(
        connects_per_second=0.2,  # 150 in ten minutes are allowed, then comes a ban
        connects_burst=20,
        # No number is documented.  "Exceeded msg rate" was seen after some 15 requests at once.
        client_messages_per_second=3.0,
        requests_per_second=1.0,
        subscriptions_per_request=100,  # no limit is known; this makes requests of 1 to 2 kB
        ping_interval_secs=30.0,  # the venue cuts after a minute without traffic
        ping_text='{"method":"ping"}',
        heartbeat_silence_secs=12.0,  # about one each second, if nothing else is sent
    )

    def ws_url(self, endpoint: str, lane: str = "") -> str:
        """Version 2, whether or not the endpoint says so already."""
        return self.ws_root(endpoint) + "/v2"

    def subscribe(self, wanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """A request or more for each channel, with ids `first_id`, `first_id + 1` and so on."""
        return self._requests("subscribe", wanted, first_id, {"snapshot": True})

    def unsubscribe(self, unwanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """Tickers and quotes arrive on one channel: to give up one of them ends both."""
        return self._requests("unsubscribe", unwanted, first_id, {})

    def _requests(
        self,
        method: str,
        subscriptions: Sequence[Subscription],
        first_id: int,
        more: dict[str, Any],
    ) -> list[Request]:
        feeds_of = feeds_by_symbol(subscriptions)
        ticking = [symbol for symbol in feeds_of if feeds_of[symbol] & {"ticker", "quotes"}]
        # A ticker comes with each trade, or with each change of the best prices: quotes need these.
        bbo = [symbol for symbol in ticking if "quotes" in feeds_of[symbol]]
        trades = [symbol for symbol in ticking if "quotes" not in feeds_of[symbol]]
        books: dict[int, list[str]] = {}
        for symbol in _with("orderbook", feeds_of):
            books.setdefault(self.book_of(symbol).depth, []).append(symbol)
        asked: list[tuple[str, dict[str, Any], list[str]]] = [
            ("trade", {}, _with("trades", feeds_of)),  # first: its snapshot fills short gaps only
            *(("book", {"depth": depth}, books[depth]) for depth in sorted(books)),
            ("ticker", {"event_trigger": "bbo"}, bbo),
            ("ticker", {"event_trigger": "trades"}, trades),
        ]
        requests: list[Request] = []
        for channel, own, symbols in asked:
            feeds = _FEEDS_OF_CHANNEL[channel]
            size = self.profile.subscriptions_per_request // len(feeds)
            for part in batches(symbols, size):
                request_id = first_id + len(requests)
                params = {"channel": channel, "symbol": part} | own | more
                content = {"method": method, "params": params, "req_id": request_id}
                settled = [Subscription(s, feed) for s in part for feed in feeds_of[s] & {*feeds}]
                requests.append(request(content, settled, request_id))
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

    def book_checksum(self, bids: Sequence[TextLevel], asks: Sequence[TextLevel]) -> int:
        """CRC32 of the digits of prices and sizes, asks first; zeros before them do not count."""
        levels = chain(asks[:_CHECKED_LEVELS], bids[:_CHECKED_LEVELS])
        return zlib.crc32("".join(map(_digits, levels)).encode())

    def listing_url(self, rest_endpoint: str) -> str:
        """GET AssetPairs."""
        return rest_endpoint.rstrip("/") + "/0/public/AssetPairs"

    def read_listing(self, body: bytes) -> Listed:
        """The pairs of AssetPairs, without dark pools; active are those that may be traded."""
        answer = decode_listing(_decode_pairs, body, "AssetPairs")
        errors = [text for text in answer.error or () if not text.startswith("W")]  # warnings
        if errors or answer.result is None:  # with HTTP status 200
            raise VenueError(f"AssetPairs: {', '.join(errors) or 'no result'}")
        return wire.PAIRS.read(answer.result.values(), "AssetPairs")


@lru_cache(maxsize=16_384)  # most of the best levels stay for many messages: some MB
def _digits(level: TextLevel) -> str:
    """What counts of the price and the size of a level."""
    price, size = level
    if "e" in (price + size).lower():  # 5.0E-7 has as many places as 0.00000050
        price, size = f"{Decimal(price):f}", f"{Decimal(size):f}"
    return price.replace(".", "").lstrip("0") + size.replace(".", "").lstrip("0")


def _with(feed: str, feeds_of: Mapping[str, set[str]]) -> list[str]:
    return [symbol for symbol in feeds_of if feed in feeds_of[symbol]]


EXCHANGE = Kraken()
