"""Bybit v5: two venues of one protocol, spot and linear (perpetuals and futures in USDT or USDC).

| topic              | message         | what becomes of it                            | evidence |
|--------------------|-----------------|-----------------------------------------------|----------|
| `publicTrade.`     | 1..1024 trades  | TRADES; `S` is the taker's side               | 2026     |
| `tickers.`, spot   | snapshot        | MD, without bid and ask                       | 2026     |
| `tickers.`, linear | snapshot, delta | MD: what was sent; nothing if no price was    | 2026     |
| `orderbook.1.`     | snapshot, delta | QUOTES; a side that was not sent is NaN       | docs     |
| `orderbook.N.`     | snapshot        | BOOK, flagged; BookSnapshot                   | 2026     |
| `orderbook.N.`     | delta           | BOOK; BookLink                                | 2026     |
| `kline.` and other | (own)           | nothing: never asked for                      | 2026     |
| (none)             | subscribe       | Acknowledged, or Refused with the reason      | 2026     |
| (none)             | unsubscribe     | nothing: no answer is awaited                 | docs     |
| (none)             | ping or pong    | Pong; which of the two differs between hosts  | 2025     |
| GET recent-trade   | answer          | TRADES that were missed (`_bybit_trades`)     | docs     |

Evidence names the year of the recorded frames that the tests decode.  The order of keys differs
between topics and years.  Tickers carry neither the size nor the side of the last trade.

Ids of trades are numbers on spot: they rise, and holes mean nothing.  On linear they are UUIDs, of
which the first 15 hexadecimal digits are recorded as a number: `f"{trade_id:015x}"` is the
beginning of the UUID again.  An id of any other form makes its message a bad one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, TypeAlias, TypeVar
from uuid import UUID

import numpy as np
import numpy.typing as npt

from tick_logger.exchanges import base
from tick_logger.exchanges._bybit_candles import BybitCandles
from tick_logger.exchanges._bybit_messages import (
    BOOK_TOPICS,
    BOOKS,
    ENTRANCES,
    AnyMessage,
    Book,
    Ticker,
    Trades,
    decode_any,
    decode_book,
    decode_ticker,
    next_cursor,
    read_instruments,
)
from tick_logger.exchanges._bybit_shapes import shapes
from tick_logger.exchanges._bybit_trades import BybitTrades
from tick_logger.exchanges.apart import Form, understood
from tick_logger.exchanges.base import Exchange, Listed, Request, Subscription
from tick_logger.exchanges.book_offers import BookOffer
from tick_logger.exchanges.candles_by_rest import CandlesByRest
from tick_logger.exchanges.columns import (
    ABOVE_ZERO,
    ABSENT,
    FROM_ZERO,
    Findings,
    Level,
    NumberRule,
    flattened,
)
from tick_logger.exchanges.entrances import Entrance
from tick_logger.exchanges.hot import HotShapes
from tick_logger.exchanges.messages import UNDECODABLE, Frames, Id, decode_each, grouped, lenient
from tick_logger.exchanges.naming import Named, Naming
from tick_logger.exchanges.refusals import wait_of
from tick_logger.exchanges.requests import batches, in_order, request
from tick_logger.exchanges.trades_by_rest import TradesByRest
from tick_logger.model import tables
from tick_logger.model.proof import Ids
from tick_logger.model.twins import Twins

N = TypeVar("N", int, str)
Columns: TypeAlias = dict[str, npt.NDArray[Any]]
Rows: TypeAlias = Callable[[Findings, Frames, list[Any]], None]
Decode: TypeAlias = Callable[[Any], Any]

# -- rows ------------------------------------------------------------------------------------------

_TAKER = {"Buy": tables.SIDE_BUY, "Sell": tables.SIDE_SELL}
_NO_LEVEL = Level(ABSENT, ABSENT)

_TRADE = NumberRule(price=ABOVE_ZERO, size=FROM_ZERO)
# Nothing says what stands for the price of a market without trades or orders: 0 is let pass.
_TICKER = NumberRule(price=FROM_ZERO, best_bid=FROM_ZERO, best_ask=FROM_ZERO)
_QUOTE = NumberRule(best_bid=FROM_ZERO, bid_size=FROM_ZERO, best_ask=FROM_ZERO, ask_size=FROM_ZERO)


def _numbers(_found: Findings, _frame: Frames, ids: list[int]) -> npt.NDArray[np.uint64]:
    """The ids of spot trades, which are decimal numbers."""
    return np.array(ids, np.uint64)


def _uuids(found: Findings, frame: Frames, ids: list[str]) -> npt.NDArray[np.uint64]:
    """The first 60 bits of UUIDs: with all 64, a reader with signed numbers would see negatives."""
    words = np.frombuffer(found.uuids(frame, ids).tobytes(), ">u8")
    return words[::2].astype(np.uint64) >> np.uint64(4)


def _number_of_uuid(text: str) -> int:
    """The same of one; raises `ValueError`."""
    return UUID(text).int >> 68


def _trades(
    numbered: Callable[[Findings, Frames, list[N]], npt.NDArray[np.uint64]],
    found: Findings,
    frame: Frames,
    messages: list[Trades[N]],
) -> None:
    frame, trades = flattened(frame, [m.data for m in messages])
    price, size = found.numbers(frame, _TRADE, [t.p for t in trades], [t.v for t in trades])
    columns = {
        "instrument": found.instruments(frame, [t.s for t in trades]),
        "event_ns": found.unix_times(frame, [t.T for t in trades]),
        "seq": numbered(found, frame, [t.i for t in trades]),
        "price": price,
        "size": size,
        "side": [_TAKER[t.S] for t in trades],
        "maker": tables.NO_UUID,
        "taker": tables.NO_UUID,
    }
    found.rows(tables.Table.TRADES, frame, columns)


def _tickers(found: Findings, frame: Frames, messages: list[Ticker]) -> None:
    data = [m.data for m in messages]
    prices = [d.lastPrice for d in data], [d.bid1Price for d in data], [d.ask1Price for d in data]
    price, bid, ask = found.numbers(frame, _TICKER, *prices)
    columns: dict[str, npt.ArrayLike] = {
        "instrument": found.instruments(frame, [d.symbol for d in data]),
        "event_ns": found.unix_times(frame, [m.ts for m in messages]),
        "seq": np.array([m.cs for m in messages], np.uint64),
        "price": price,
        "volume": np.nan,
        "side": tables.SIDE_UNKNOWN,
        "best_bid": bid,
        "best_ask": ask,
    }
    needs_any = ("price", "best_bid", "best_ask")
    found.rows(tables.Table.MD, frame, columns, needs_any=needs_any)


def _quotes(found: Findings, frame: Frames, messages: list[Book]) -> None:
    """The best levels; one of size 0 has gone."""
    sides = [m.data.b for m in messages], [m.data.a for m in messages]
    best = [[next((v for v in levels if v.size), _NO_LEVEL) for levels in side] for side in sides]
    sent = [f(side) for side in best for f in (_prices, _sizes)]
    bid, bid_size, ask, ask_size = found.numbers(frame, _QUOTE, *sent)
    columns = _of_books(found, frame, messages)
    columns |= {"best_bid": bid, "best_bid_size": bid_size}
    columns |= {"best_ask": ask, "best_ask_size": ask_size}
    found.rows(tables.Table.QUOTES, frame, columns, needs_any=("best_bid", "best_ask"))


def _prices(levels: list[Level]) -> list[float]:
    return [level.price for level in levels]


def _sizes(levels: list[Level]) -> list[float]:
    return [level.size for level in levels]


def _snapshots(found: Findings, frame: Frames, messages: list[Book]) -> None:
    columns = _of_books(found, frame, messages)
    bids, asks = [m.data.b for m in messages], [m.data.a for m in messages]
    found.book(frame, columns, bids, asks, tables.FLAG_SNAPSHOT)
    instruments = columns["instrument"].tolist()
    for number, index, m in zip(frame.tolist(), instruments, messages, strict=True):
        found.event(number, base.BookSnapshot(index, m.data.u))


def _deltas(found: Findings, frame: Frames, messages: list[Book]) -> None:
    columns = _of_books(found, frame, messages)
    found.book(frame, columns, [m.data.b for m in messages], [m.data.a for m in messages])
    instruments = columns["instrument"].tolist()
    for number, index, m in zip(frame.tolist(), instruments, messages, strict=True):
        found.event(number, base.BookLink(index, m.data.u, m.data.u))


def _of_books(found: Findings, frame: Frames, messages: list[Book]) -> Columns:
    """Instrument, time and update id."""
    return {
        "instrument": found.instruments(frame, [m.data.s for m in messages]),
        "event_ns": found.unix_times(frame, [m.cts or m.ts for m in messages]),
        "seq": np.array([m.data.u for m in messages], np.uint64),
    }


# -- sorting out -----------------------------------------------------------------------------------

_TICKERS, _TRADES, _QUOTES, _BOOKS, _SKIPPED = "tickers", "publicTrade", "quotes", "orderbook", "-"
_HEAD_BYTES = 18  # how most messages begin; the others are looked at more closely
_HEADS = {f'{{"topic":"{k}.'.encode()[:_HEAD_BYTES]: k for k in (_TICKERS, _TRADES, _BOOKS)}
_UNINTERESTING = {"kline", "liquidation", "allLiquidation", "insurance", "adlAlert", "priceLimit"}
_UNINTERESTING |= {"kline_lt", "tickers_lt", "lt"}
_OPS = {"subscribe", "unsubscribe", "ping", "pong"}
_BOOKS_WITHOUT_DEPTH = {"full", "rpi"}
_BOOK_ROWS: dict[tuple[str | None, str], Rows] = {
    (_QUOTES, "snapshot"): _quotes,
    (_QUOTES, "delta"): _quotes,
    (_BOOKS, "snapshot"): _snapshots,
    (_BOOKS, "delta"): _deltas,
}


def _kind(topic: str) -> str | None:
    """What the messages of a topic are; None if it is unknown."""
    head, _, rest = topic.partition(".")
    depth = rest.partition(".")[0]
    if head == _BOOKS and depth.isdecimal():
        return _QUOTES if depth == "1" else _BOOKS
    if head in _UNINTERESTING or (head == _BOOKS and depth in _BOOKS_WITHOUT_DEPTH):
        return _SKIPPED
    return head if head in (_TICKERS, _TRADES) else None


def _unknown(topic: str) -> str:
    """The name of a kind of which there is nothing known: the topic without its symbol."""
    return topic.rpartition(".")[0] or topic


def _books(found: Findings, frame: Frames, messages: list[Book]) -> None:
    """Books of all depths."""
    kinds = {topic: _kind(topic) for topic in {m.topic for m in messages}}
    keys = [(kinds[m.topic], m.type) for m in messages]
    for key, frames, group in grouped(keys, frame.tolist(), messages):
        if key in _BOOK_ROWS:
            _BOOK_ROWS[key](found, frames, group)
        elif key[0] != _SKIPPED:
            for number, m in zip(frames.tolist(), group, strict=True):
                found.unknown(number, _unknown(m.topic))


def _look(found: Findings, frame: int, payload: bytes) -> str:
    """The kind of a payload that does not begin as most do; answers are dealt with here."""
    try:
        m = decode_any(payload)
    except UNDECODABLE as error:
        found.undecodable(frame, error)
        return _SKIPPED
    if not m.topic:
        _answer(found, frame, m)
        return _SKIPPED
    kind = _kind(m.topic)
    if kind is None:
        found.unknown(frame, _unknown(m.topic))
        return _SKIPPED
    return _BOOKS if kind == _QUOTES else kind


def _answer(found: Findings, frame: int, m: AnyMessage) -> None:
    """What the venue says to a request.

    Nobody waits for the answer to an unsubscription: if it counted, it would settle, or refuse, a
    subscription that was asked for meanwhile.
    """
    if m.op == "subscribe" and m.success:
        found.event(frame, base.Acknowledged(None))
    elif m.op in ("ping", "pong") and m.success is not False:
        found.event(frame, base.Pong())
    elif m.success is False and m.op not in ("ping", "pong", "unsubscribe"):
        _refuse(found, frame, m.ret_msg)
    elif m.success is None or m.op != "unsubscribe":
        _no_answer(found, frame, m)


def _no_answer(found: Findings, frame: int, m: AnyMessage) -> None:
    if m.op in _OPS or not m.op:
        found.reject(frame, f"neither of a topic nor an answer: {m.op} {m.ret_msg}".rstrip())
    else:
        found.unknown(frame, m.op)


_NAMED = re.compile(r"(?:\[|topic:)\s*(?P<topic>[A-Za-z]+\.[\w.\-/]+)")
_GRANTED_BEFORE = "already subscribed"


def _refuse(found: Findings, frame: int, said: str) -> None:
    """A request is refused as a whole for one topic, which most reasons name.

    One that is live already, after an answer that was lost, keeps the others from being granted.
    """
    reason = said or "no reason was given"
    match = _NAMED.search(said)
    named = _subscriptions(match["topic"] if match else "")
    if named and _GRANTED_BEFORE in said:
        found.event(frame, base.Granted(named))
    found.event(
        frame,
        base.Refused(None, reason, named, with_others=bool(named), wait=wait_of(reason)),
    )


def _subscriptions(topic: str) -> frozenset[Subscription]:
    """What a topic is to us; nothing if it is none that we ask for."""
    prefixes = (*_TOPICS.items(), *(("orderbook", each) for each in BOOK_TOPICS))
    return frozenset(
        Subscription(topic.removeprefix(prefix), feed)
        for feed, prefix in prefixes
        if topic.startswith(prefix)
    )


def _skipped_after_all(
    found: Findings, kind: str, payloads: Sequence[bytes], frame: int, error: Exception
) -> None:
    """Reject a payload, unless it is of a topic that carries nothing for us."""
    try:
        skipped = _kind(decode_any(payloads[frame]).topic) == _SKIPPED
    except UNDECODABLE:
        skipped = False
    if not skipped:
        found.undecodable(frame, error, kind)


# -- the venues ------------------------------------------------------------------------------------

_TOPICS = {
    "ticker": "tickers.",
    "trades": "publicTrade.",
    "quotes": "orderbook.1.",
}


_TABLES = {
    _TICKERS: (tables.Table.MD,),
    _TRADES: (tables.Table.TRADES,),
    _QUOTES: (tables.Table.QUOTES,),
    _BOOKS: (tables.Table.BOOK,),
}
_LISTS = {tables.Table.TRADES: ("data.*",), tables.Table.BOOK: ("data.b.*", "data.a.*")}


def _named(text: str) -> Named:
    """`orderbook.200.BTCUSDT` names both; a symbol may stand alone."""
    topic, _, symbol = text.rpartition(".")
    return symbol, _TABLES.get(_kind(text) or "", ()) if topic else ()


def _reading(trades: Decode, numbered: Callable[..., Any]) -> dict[str, tuple[Decode, Rows]]:
    """How the messages of a kind are decoded, and what makes rows of them."""
    return {
        _TRADES: (trades, partial(_trades, numbered)),
        _TICKERS: (decode_ticker, _tickers),
        _BOOKS: (decode_book, _books),
    }


class _Bybit(Exchange):
    """What spot and linear have in common."""

    operator: ClassVar[str] = "bybit"
    ws_endpoint: ClassVar[str] = "wss://stream.bybit.com"
    rest_endpoint: ClassVar[str] = "https://api.bybit.com"
    entrances: ClassVar[tuple[Entrance, ...]] = ENTRANCES
    ws_path: ClassVar[str] = r"/v5(?:/public(?:/\w+)?)?"
    rest_path: ClassVar[str] = "/v5"
    feeds: ClassVar[frozenset[str]] = frozenset((*_TOPICS, "orderbook"))
    books: ClassVar[tuple[BookOffer, ...]] = BOOKS
    book_check: ClassVar[base.BookCheck] = base.BookCheck.COUNTED_ONLY  # nobody promises dense `u`
    greets: ClassVar[frozenset[str]] = frozenset({"ticker", "quotes", "orderbook"})
    quotes_in_part: ClassVar[bool] = True
    names_requests: ClassVar[bool] = False  # as recorded: answers without ids, or with empty ones
    answers_ends: ClassVar[bool] = False
    profile: ClassVar[base.Profile] = base.Profile(
        connects_burst=60,  # with one a second 300 in 5 minutes; 500 are allowed
        client_messages_per_second=10.0,  # no limit is documented
        requests_per_second=5.0,
        subscriptions_per_request=10,  # documented for spot; linear may have more
        # The topics of a connection may have 21,000 characters in all: this leaves 52 for each.
        subscriptions_per_connection=400,
        ping_text='{"op":"ping"}',
        ban_secs=600.0,
    )
    _category: ClassVar[str]
    _query: ClassVar[str] = ""
    _reading: ClassVar[Mapping[str, tuple[Decode, Rows]]]
    _form: ClassVar[Form]
    _shapes: ClassVar[HotShapes]

    def ws_url(self, endpoint: str, lane: str = "") -> str:
        """The public stream of this category, which the endpoint may name already."""
        return f"{self.ws_root(endpoint)}/v5/public/{self._category}"

    def subscribe(self, wanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """Requests for ten topics at most; ids are not used here."""
        return self._requests("subscribe", wanted)

    def unsubscribe(self, unwanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """Requests that end ten topics at most; ids are not used here."""
        return self._requests("unsubscribe", unwanted)

    def _requests(self, op: str, subscriptions: Sequence[Subscription]) -> list[Request]:
        size = self.profile.subscriptions_per_request
        return [
            request({"op": op, "args": [self._topic(each) for each in part]}, part)
            for part in batches(in_order(subscriptions), size)
        ]

    def _topic(self, wanted: Subscription) -> str:
        prefix = _TOPICS.get(wanted.feed) or self.book_of(wanted.symbol).channel
        return prefix + wanted.symbol

    def decode(self, payloads: Sequence[bytes], instruments: Mapping[str, int]) -> base.Decoded:
        """What the payloads say: see the table at the head of this module."""
        read = partial(self._read, instruments)
        return understood(read, payloads, instruments, self._form, self._shapes)

    def _read(self, instruments: Mapping[str, int], payloads: Sequence[bytes]) -> base.Decoded:
        found = Findings(instruments, payloads)
        kinds = [
            _HEADS.get(payload[:_HEAD_BYTES]) or _look(found, number, payload)
            for number, payload in enumerate(payloads)
        ]
        for kind, frame, group in grouped(kinds, range(len(payloads)), payloads):
            if kind != _SKIPPED:
                decode, rows = self._reading[kind]
                failed = partial(_skipped_after_all, found, kind, payloads)
                kept, messages = decode_each(decode, frame.tolist(), group, failed)
                if messages:
                    rows(found, np.array(kept, np.int32), messages)
        return found.done()

    def listing_url(self, rest_endpoint: str) -> str:
        """GET instruments-info of this category."""
        path = "/v5/market/instruments-info"
        return f"{rest_endpoint.rstrip('/')}{path}?category={self._category}{self._query}"

    def read_listing(self, body: bytes) -> Listed:
        """The symbols of instruments-info; active are those that trade."""
        return read_instruments(body, self._category)

    def next_page(self, url: str, body: bytes) -> str | None:
        """The same with the cursor of the answer; spot comes at once."""
        cursor = next_cursor(body)
        return f"{url.partition('&cursor=')[0]}&cursor={cursor}" if cursor else None


class BybitSpot(_Bybit):
    """Bybit spot."""

    name = "bybit"
    twins: ClassVar[Mapping[tables.Table, Twins]] = {
        tables.Table.MD: Twins.UNTIMED,
        tables.Table.QUOTES: Twins.NUMBERED,
        tables.Table.BOOK: Twins.NUMBERED,
    }
    trade_ids: ClassVar[Ids] = Ids.SPARSE
    _category = "spot"
    _reading = _reading(lenient(Trades[Id]), _numbers)
    _form = Form(Naming(_named, {"op"}, trade_id="i"), _LISTS)
    _shapes = shapes(of_uuid=False)
    trades_by_rest: ClassVar[TradesByRest | None] = BybitTrades("spot", 60, Id, _numbers)
    candles_by_rest: ClassVar[CandlesByRest | None] = BybitCandles("spot")


class BybitLinear(_Bybit):
    """Bybit linear: perpetuals and futures that are settled in USDT or USDC."""

    name = "bybit_linear"
    trade_ids: ClassVar[Ids] = Ids.OPAQUE
    _category = "linear"
    _query = "&limit=1000"  # the most of one page; 800 were listed in August 2026
    _reading = _reading(lenient(Trades[str]), _uuids)
    _form = Form(Naming(_named, {"op"}, trade_id="i", id_of=_number_of_uuid), _LISTS)
    _shapes = shapes(of_uuid=True)
    trades_by_rest: ClassVar[TradesByRest | None] = BybitTrades("linear", 1000, str, _uuids)
    candles_by_rest: ClassVar[CandlesByRest | None] = BybitCandles("linear")


EXCHANGES = (BybitSpot(), BybitLinear())
