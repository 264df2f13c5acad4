"""Coinbase Advanced Trade: the public market data feed.

| channel         | message          | what becomes of it                               | evidence |
|-----------------|------------------|--------------------------------------------------|----------|
| `market_trades` | snapshot, update | TRADES, oldest first; side sent is the maker's   | 2026     |
| `ticker`        | snapshot, update | MD, and QUOTES if it carries a bid or an ask     | 2026     |
| `l2_data`       | snapshot         | BOOK, flagged, without time; BookSnapshot        | 2026     |
| `l2_data`       | update           | BOOK                                             | 2026     |
| `heartbeats`    | heartbeat        | Heartbeat                                        | 2026     |
| `subscriptions` | acknowledgement  | Confirmed: the whole list                        | 2026     |
| (none)          | error            | Refused                                          | reported |
| (our wrapping)  | a page of trades | TRADES that were missed, asked of the Exchange   | docs     |
| `candles`       | snapshot, update | nothing: never asked for                         | 2026     |
| (four others)   | (any)            | nothing: never asked for                         | docs     |

Evidence names the year of the recorded frames that the tests decode; "reported" is the word of
others, as it is for the trade side UNKNOWN_ORDER_SIDE.  Every message but an error carries
`sequence_num`, which counts all messages of its connection, and is counted too (recorded; one
page of the documentation says that it counts per product).

Event times: trades and updates of books carry that of the matching engine, rising per product.  A
ticker has none, so that the envelope's stands in.  The levels of a snapshot carry its time or a
placeholder (1970); neither says where it belongs among the updates, so that it has none.

Nearly all products quoted in USDC are aliases of those in USD: their messages, says the
documentation, are those of the other, under its name.  They are listed as not active, so that
nothing comes twice; a message about a product that nobody asked for is a bad frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from functools import partial
from itertools import chain
from typing import Any, ClassVar, get_args

import msgspec
import numpy as np
import numpy.typing as npt

from tick_logger.exchanges import base
from tick_logger.exchanges._coinbase_advanced_candles import CoinbaseAdvancedCandles
from tick_logger.exchanges._coinbase_advanced_messages import (
    IGNORED,
    PRODUCTS,
    Heartbeats,
    Level,
    Level2,
    MarketTrades,
    Message,
    Side,
    Snapshot,
    Subscriptions,
    Tickers,
    Trade,
    Update,
    decode_channel,
    decode_error,
    decode_message,
    decode_products,
    is_known,
)
from tick_logger.exchanges._coinbase_advanced_shapes import SHAPES
from tick_logger.exchanges._coinbase_advanced_trades import ENDPOINT, TRADES
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
    Ints,
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
)
from tick_logger.exchanges.naming import Naming, of_kinds
from tick_logger.exchanges.refusals import is_of_token, wait_of
from tick_logger.exchanges.requests import batches, request
from tick_logger.exchanges.trades_by_rest import TradesByRest
from tick_logger.model import tables
from tick_logger.model.proof import Ids
from tick_logger.model.twins import Twins

# -- rows ------------------------------------------------------------------------------------------

# A trade names the maker's side: in the recordings SELL prints at the best ask, BUY at the bid.
_TAKER_OF_MAKER = {
    "BUY": tables.SIDE_SELL,
    "SELL": tables.SIDE_BUY,
    "UNKNOWN_ORDER_SIDE": tables.SIDE_UNKNOWN,
}
_BOOK_SIDE = {"bid": tables.BOOK_BID, "offer": tables.BOOK_ASK}
_EMPTY = {side: Level(side, ABSENT, 0.0) for side in get_args(Side)}

_TRADE = NumberRule(price=ABOVE_ZERO, size=FROM_ZERO)
_TICKER = NumberRule(
    price=FROM_ZERO,  # 0 where there was no trade
    best_bid=FROM_ZERO,
    best_ask=FROM_ZERO,
    best_bid_quantity=FROM_ZERO,
    best_ask_quantity=FROM_ZERO,
)


def _counts(lists: Iterable[Sized]) -> Ints:
    return np.fromiter(map(len, lists), np.int64)


def _events(frame: Frames, messages: Sequence[Any]) -> tuple[Frames, list[Any]]:
    """All events of messages, in order, and the frame of each."""
    return flattened(frame, [m.events for m in messages])


def _market_trades(found: Findings, frame: Frames, messages: list[MarketTrades]) -> None:
    frame, events = _events(frame, messages)
    newest_first: list[list[Trade]] = [event.trades for event in events]
    frame = np.repeat(frame, _counts(newest_first))
    trades = list(chain.from_iterable(reversed(newest_first)))
    trades.reverse()
    sent = [t.price for t in trades], [t.size for t in trades]
    price, size = found.numbers(frame, _TRADE, *sent)
    columns = {
        "instrument": found.instruments(frame, [t.product_id for t in trades]),
        "event_ns": found.iso_times(frame, [t.time for t in trades]),
        "seq": [t.trade_id for t in trades],
        "price": price,
        "size": size,
        "side": [_TAKER_OF_MAKER[t.side] for t in trades],
        "maker": tables.NO_UUID,
        "taker": tables.NO_UUID,
    }
    found.rows(tables.Table.TRADES, frame, columns)


def _tickers(found: Findings, frame: Frames, messages: list[Tickers]) -> None:
    time_ns = found.iso_times(frame, [m.timestamp for m in messages])
    frame, events = _events(frame, messages)
    time_ns = np.repeat(time_ns, _counts([m.events for m in messages]))
    lists = [event.tickers for event in events]
    counts, tickers = _counts(lists), list(chain.from_iterable(lists))
    frame, time_ns = np.repeat(frame, counts), np.repeat(time_ns, counts)
    price, bid, ask, bid_size, ask_size = found.numbers(
        frame,
        _TICKER,
        [t.price for t in tickers],
        [t.best_bid for t in tickers],
        [t.best_ask for t in tickers],
        [t.best_bid_quantity for t in tickers],
        [t.best_ask_quantity for t in tickers],
    )
    common: dict[str, npt.ArrayLike] = {
        "instrument": found.instruments(frame, [t.product_id for t in tickers]),
        "event_ns": time_ns,
        "seq": 0,  # the envelope's number begins anew each time
        "best_bid": bid,
        "best_ask": ask,
    }
    md = {"price": price, "volume": np.nan, "side": tables.SIDE_UNKNOWN}
    found.rows(tables.Table.MD, frame, {**common, **md})
    quotes = {**common, "best_bid_size": bid_size, "best_ask_size": ask_size}
    found.rows(tables.Table.QUOTES, frame, quotes, needs_any=("best_bid", "best_ask"))


def _level2(found: Findings, frame: Frames, messages: list[Level2]) -> None:
    """All messages of updates at once; of the others each event on its own, in order."""
    of_updates = [{*map(type, m.events)} == {Update} for m in messages]
    for only_updates, frames, group in grouped(of_updates, frame.tolist(), messages):
        frames, events = _events(frames, group)
        if only_updates:
            _levels(found, frames, events)
            continue
        for at, event in enumerate(events):
            _levels(found, frames[at : at + 1], [event])


def _levels(found: Findings, frame: Frames, events: list[Any]) -> None:
    """BOOK rows of any number of updates, or of one snapshot."""
    instruments = found.instruments(frame, [event.product_id for event in events])
    is_snapshot = isinstance(events[0], Snapshot)
    if is_snapshot:
        found.event(int(frame[0]), base.BookSnapshot(int(instruments[0]), 0))
    lists = [_whole(event.updates) if is_snapshot else event.updates for event in events]
    counts, levels = _counts(lists), list(chain.from_iterable(lists))
    frame = np.repeat(frame, counts)
    sent = [level.price_level for level in levels], [level.new_quantity for level in levels]
    price, size = found.numbers(frame, LEVEL, *sent)
    if is_snapshot:
        time_ns = np.broadcast_to(np.int64(tables.NO_TIME), len(levels))
    else:
        time_ns = found.iso_times(frame, [level.event_time for level in levels])
    columns = {
        "instrument": np.repeat(instruments, counts),
        "event_ns": time_ns,
        "seq": 0,
        "side": [_BOOK_SIDE[level.side] for level in levels],
        "price": price,
        "size": size,
        "flags": tables.FLAG_SNAPSHOT if is_snapshot else 0,
    }
    found.rows(tables.Table.BOOK, frame, columns)


def _whole(levels: list[Level]) -> list[Level]:
    """The levels of a snapshot, with one that stands for each side without any."""
    sides = {level.side for level in levels}
    return [*levels, *(_EMPTY[side] for side in _EMPTY if side not in sides)]


# -- events ----------------------------------------------------------------------------------------

_FEEDS_OF_CHANNEL = {
    "market_trades": ("trades",),
    "ticker": ("ticker", "quotes"),
    "level2": ("orderbook",),
}


def _count(found: Findings, frame: Frames, messages: list[Message]) -> None:
    numbers = [number for m in messages if (number := m.sequence_num) is not None]
    if len(numbers) < len(messages):
        frame = frame[[m.sequence_num is not None for m in messages]]
    found.count(frame, numbers)


def _heartbeats(found: Findings, frame: Frames, _messages: list[Heartbeats]) -> None:
    for number in frame.tolist():
        found.event(number, base.Heartbeat())


def _subscriptions(found: Findings, frame: Frames, messages: list[Subscriptions]) -> None:
    for number, m in zip(frame.tolist(), messages, strict=True):
        live = frozenset(
            Subscription(product, feed)
            for event in m.events
            for channel, products in event.subscriptions.items()
            for feed in _FEEDS_OF_CHANNEL.get(channel, ())
            for product in products or ()
        )
        found.event(number, base.Confirmed(live))


def _pass_over(_found: Findings, _frame: Frames, _messages: list[Message]) -> None:
    """Carries nothing for us."""


_HANDLERS: dict[type[Any], Callable[[Findings, Frames, Any], None]] = {
    MarketTrades: _market_trades,
    Tickers: _tickers,
    Level2: _level2,
    Heartbeats: _heartbeats,
    Subscriptions: _subscriptions,
    **dict.fromkeys(IGNORED, _pass_over),
}


def _other(found: Findings, payloads: Sequence[bytes], frame: int, error: Exception) -> None:
    """An error, which alone has no channel, a message of an unknown one, or a bad payload.

    What came is not missing, so that its number counts whatever it says.
    """
    try:
        reason = decode_error(payloads[frame]).message or "the venue gives no reason"
    except UNDECODABLE:
        pass
    else:
        wait, of_token = wait_of(reason), is_of_token(reason)
        return found.event(frame, base.Refused(None, reason, wait=wait, of_token=of_token))
    try:
        message = decode_channel(payloads[frame])
    except UNDECODABLE:
        return found.undecodable(frame, error)
    if message.sequence_num is not None:
        found.count(np.array([frame], np.int32), [message.sequence_num])
    channel = message.channel or ""
    if is_known(channel) or not channel:
        return found.undecodable(frame, error, channel)
    return found.unknown(frame, channel)


# How payloads say what they are about, and where their elements stand.
_TICKS = (tables.Table.MD, tables.Table.QUOTES)
_TABLES = {
    "market_trades": (tables.Table.TRADES,),
    "ticker": _TICKS,
    "l2_data": (tables.Table.BOOK,),
}
_FORM = Form(
    Naming(of_kinds(_TABLES), {"subscriptions", "heartbeats", "error"}, trade_id="trade_id"),
    {
        tables.Table.TRADES: ("events.*", "events.*.trades.*"),
        **dict.fromkeys(_TICKS, ("events.*", "events.*.tickers.*")),
        tables.Table.BOOK: ("events.*", "events.*.updates.*"),
    },
)


# -- the venue -------------------------------------------------------------------------------------

# How many products a request of each channel may name.  No limit is documented; but an
# acknowledgement comes after the snapshots, and those of ten books can be 50 MB.  In the order of
# asking: light ones first.
_PRODUCTS_PER_REQUEST = {"market_trades": 50, "ticker": 50, "level2": 10}


class CoinbaseAdvanced(Exchange):
    """Coinbase Advanced Trade: the market of Coinbase Exchange, with every message numbered."""

    name = "coinbase_advanced"
    ws_endpoint: ClassVar[str] = "wss://advanced-trade-ws.coinbase.com"
    rest_endpoint: ClassVar[str] = ENDPOINT
    entrances: ClassVar[tuple[Entrance, ...]] = (
        Entrance(ws_endpoint, rest_endpoint, "the only one"),
    )
    rest_path: ClassVar[str] = "/api/v3(?:/brokerage(?:/market)?)?"
    trades_by_rest: ClassVar[TradesByRest | None] = TRADES
    candles_by_rest: ClassVar[CandlesByRest | None] = CoinbaseAdvancedCandles()
    feeds: ClassVar[frozenset[str]] = frozenset(chain.from_iterable(_FEEDS_OF_CHANNEL.values()))
    books: ClassVar[tuple[BookOffer, ...]] = (BookOffer(0, 0, "level2"),)
    twins: ClassVar[Mapping[tables.Table, Twins]] = {
        tables.Table.MD: Twins.UNTIMED,
        tables.Table.QUOTES: Twins.UNTIMED,
        tables.Table.BOOK: Twins.LED,
    }
    trade_ids: ClassVar[Ids] = Ids.SEEM_DENSE  # in all recordings; nobody promises it
    counts_messages: ClassVar[bool] = True
    shared_channels: ClassVar[tuple[frozenset[str], ...]] = (frozenset({"ticker", "quotes"}),)
    greets: ClassVar[frozenset[str]] = feeds
    names_requests: ClassVar[bool] = False
    key_prefix: ClassVar[str] = "COINBASE"
    """Of the environment variables that hold an API key; see `net.wire.signing`."""
    profile: ClassVar[base.Profile] = base.Profile(
        # Documented: 8 connects a second from one address (elsewhere 750), and 8 messages.  The
        # messages are those of all connections, and each new one sends four at once.
        connects_per_second=1.0,
        connects_burst=8,
        client_messages_per_second=8.0,
        requests_per_second=4.0,
        subscriptions_per_request=100,
        ack_timeout_secs=15.0,  # the snapshots come first
        ping_interval_secs=15.0,  # reported: one that sent nothing was cut after 29 s
        heartbeat_silence_secs=15.0,  # one each second is promised
    )

    def ws_url(self, endpoint: str, lane: str = "") -> str:
        """The endpoint itself."""
        return endpoint

    def opening_request(self) -> Request:
        """Heartbeats, without which a channel closes after 60 to 90 seconds without news."""
        return Request('{"type":"subscribe","channel":"heartbeats"}')

    def subscribe(self, wanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """Requests for one channel each; ids are not used here."""
        return _requests("subscribe", wanted)

    def unsubscribe(self, unwanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """Ends the channels of what is named; those of tickers and quotes are one."""
        return _requests("unsubscribe", unwanted)

    def signed(self, text: str, token: str) -> str:
        """The request with a JSON web token, which is advised and not needed."""
        return msgspec.json.encode({**msgspec.json.decode(text), "jwt": token}).decode()

    def decode(self, payloads: Sequence[bytes], instruments: Mapping[str, int]) -> base.Decoded:
        """What the payloads say: see the table at the head of this module."""
        return understood(partial(self._read, instruments), payloads, instruments, _FORM, SHAPES)

    def _read(self, instruments: Mapping[str, int], payloads: Sequence[bytes]) -> base.Decoded:
        found = Findings(instruments, payloads)
        failed = partial(_other, found, payloads)
        frames, messages = decode_each(decode_message, range(len(payloads)), payloads, failed)
        for kind, frame, group in grouped(list(map(type, messages)), frames, messages):
            _count(found, frame, group)
            _HANDLERS[kind](found, frame, group)
        return found.done()

    def listing_url(self, rest_endpoint: str) -> str:
        """GET the public products."""
        return rest_endpoint.rstrip("/") + "/api/v3/brokerage/market/products"

    def read_listing(self, body: bytes) -> Listed:
        """The spot products; active are those online, not halted, and no alias of another."""
        products = decode_listing(decode_products, body, "products").products
        return PRODUCTS.read(products, "products")


def _requests(kind: str, subscriptions: Sequence[Subscription]) -> list[Request]:
    requests = []
    for channel, limit in _PRODUCTS_PER_REQUEST.items():
        of_channel = [sub for sub in subscriptions if sub.feed in _FEEDS_OF_CHANNEL[channel]]
        symbols = sorted({sub.symbol for sub in of_channel})
        for chosen in batches(symbols, limit):
            settled = [sub for sub in of_channel if sub.symbol in chosen]
            content = {"type": kind, "product_ids": chosen, "channel": channel}
            requests.append(request(content, settled))
    return requests


EXCHANGE = CoinbaseAdvanced()
