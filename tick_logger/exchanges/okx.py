"""OKX v5: public market data, on the public address and, for single trades, the business one.

| channel                  | message            | what becomes of it                | evidence     |
|--------------------------|--------------------|-----------------------------------|--------------|
| `tickers`                | data               | MD, no side; an empty text is NaN | 2021 to 2026 |
| `trades-all`             | data               | TRADES; the side is the taker's   | docs         |
| `trades`                 | data               | TRADES; the fills of an order at  | 2021 to 2026 |
|                          |                    | one price under the last one's id |              |
| `bbo-tbt`                | data               | QUOTES; an empty side is NaN      | docs         |
| `books`, `books-l2-tbt`, | snapshot           | BOOK, flagged; BookSnapshot       | 2021 to 2026 |
| `books50-l2-tbt`         | update             | BOOK; BookLink where ids are sent | 2021 to 2026 |
|                          | (with a checksum)  | BookTexts too; 0 is no checksum   | 2021, 2022   |
| `books5`                 | data               | as a snapshot, which it is        | docs         |
| candles and many others  | data               | nothing: never asked for          | docs         |
| (any)                    | event subscribe    | Granted                           | 2021 to 2026 |
| (any)                    | event unsubscribe  | nothing                           | docs         |
| (any)                    | event error        | Refused                           | docs         |
| (none)                   | event notice 64008 | GoingAway                         | docs         |
| (none)                   | `pong`, not JSON   | Pong                              | docs         |
| (our wrapping)           | history-trades     | TRADES that were missed           | docs         |

Evidence names the years of the recorded frames that the tests decode.  In 2021 and 2022 books had
checksums and no ids; since June 2026 the checksum is always 0, and the ids form a chain.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain, zip_longest
from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec
import numpy as np
import numpy.typing as npt

from tick_logger.exchanges import _okx_messages as messages
from tick_logger.exchanges import base
from tick_logger.exchanges._okx_candles import OkxCandles
from tick_logger.exchanges._okx_messages import CHANNELS, FEED_OF_CHANNEL
from tick_logger.exchanges._okx_shapes import SHAPES
from tick_logger.exchanges._okx_trades import OkxTrades
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
    ABSENT,
    FROM_ZERO,
    Findings,
    Level,
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
from tick_logger.exchanges.refusals import wait_of
from tick_logger.exchanges.requests import in_order, request
from tick_logger.exchanges.trades_by_rest import TradesByRest
from tick_logger.model import tables
from tick_logger.model.proof import Ids
from tick_logger.model.twins import Twins

# -- rows ------------------------------------------------------------------------------------------

_TAKER = {"buy": tables.SIDE_BUY, "sell": tables.SIDE_SELL}
_EMPTY_SIDE = Level(ABSENT, ABSENT)

_TRADE = NumberRule(price=ABOVE_ZERO, size=FROM_ZERO)
_TICKER = NumberRule(price=FROM_ZERO, last_size=FROM_ZERO, best_bid=FROM_ZERO, best_ask=FROM_ZERO)
_QUOTE = NumberRule(best_bid=FROM_ZERO, bid_size=FROM_ZERO, best_ask=FROM_ZERO, ask_size=FROM_ZERO)


def _trades(found: Findings, frame: Frames, sent: list[messages.Trades]) -> None:
    frame, trades = flattened(frame, [m.data for m in sent])
    price, size = found.numbers(frame, _TRADE, [t.px for t in trades], [t.sz for t in trades])
    columns = {
        "instrument": found.instruments(frame, [t.inst_id for t in trades]),
        "event_ns": found.unix_times(frame, [t.ts for t in trades]),
        "seq": [t.trade_id for t in trades],
        "price": price,
        "size": size,
        "side": [_TAKER[t.side] for t in trades],
        "maker": tables.NO_UUID,
        "taker": tables.NO_UUID,
    }
    found.rows(tables.Table.TRADES, frame, columns)


def _tickers(found: Findings, frame: Frames, sent: list[messages.Tickers]) -> None:
    frame, tickers = flattened(frame, [m.data for m in sent])
    price, volume, bid, ask = found.numbers(
        frame,
        _TICKER,
        [t.last for t in tickers],
        [t.last_sz for t in tickers],
        [t.bid_px for t in tickers],
        [t.ask_px for t in tickers],
    )
    columns = {
        "instrument": found.instruments(frame, [t.inst_id for t in tickers]),
        "event_ns": found.unix_times(frame, [t.ts for t in tickers]),
        "seq": 0,
        "price": price,
        "volume": volume,
        "side": tables.SIDE_UNKNOWN,
        "best_bid": bid,
        "best_ask": ask,
    }
    found.rows(tables.Table.MD, frame, columns)


def _quotes(found: Findings, frame: Frames, sent: list[messages.Bests]) -> None:
    names = [m.arg.inst_id for m in sent for _ in m.data]
    frame, quotes = flattened(frame, [m.data for m in sent])
    bids = [q.bids[0] if q.bids else _EMPTY_SIDE for q in quotes]
    asks = [q.asks[0] if q.asks else _EMPTY_SIDE for q in quotes]
    bid, bid_size, ask, ask_size = found.numbers(
        frame,
        _QUOTE,
        [level.price for level in bids],
        [level.size for level in bids],
        [level.price for level in asks],
        [level.size for level in asks],
    )
    columns = {
        "instrument": found.instruments(frame, names),
        "event_ns": found.unix_times(frame, [q.ts for q in quotes]),
        "seq": np.array([q.seq_id for q in quotes], np.uint64),
        "best_bid": bid,
        "best_bid_size": bid_size,
        "best_ask": ask,
        "best_ask_size": ask_size,
    }
    found.rows(tables.Table.QUOTES, frame, columns)


# -- books -----------------------------------------------------------------------------------------


def _books(found: Findings, frame: Frames, sent: list[messages.SentBooks]) -> None:
    whole: tuple[list[int], list[messages.SentBooks]] = ([], [])
    changes: tuple[list[int], list[messages.SentBooks]] = ([], [])
    for number, each in zip(frame.tolist(), sent, strict=True):
        message = each[0]
        if message.action is None and message.arg.channel != "books5":
            found.reject(number, f"{message.arg.channel} without an action")
        numbers, books = changes if message.action == "update" else whole
        numbers.append(number)
        books.append(each)
    for (numbers, books), flags in ((whole, tables.FLAG_SNAPSHOT), (changes, 0)):
        if numbers:
            _levels(found, np.array(numbers, np.int32), books, flags)


def _levels(found: Findings, frame: Frames, sent: list[messages.SentBooks], flags: int) -> None:
    """Rows and events of messages that are all snapshots, or all updates."""
    names = [m.arg.inst_id for m, _ in sent for _ in m.data]
    texts = [text for _, of_message in sent for text in of_message]
    frame, books = flattened(frame, [m.data for m, _ in sent])
    instrument = found.instruments(frame, names)
    columns: dict[str, npt.NDArray[np.generic]] = {
        "instrument": instrument,
        "event_ns": found.unix_times(frame, [b.ts for b in books]),
        "seq": np.array([b.seq_id or 0 for b in books], np.uint64),
    }
    found.book(frame, columns, [b.bids for b in books], [b.asks for b in books], flags)
    for number, index, book, text in zip(
        frame.tolist(), instrument.tolist(), books, texts, strict=True
    ):
        if flags:
            found.event(number, base.BookSnapshot(index, book.seq_id or 0))
        elif book.seq_id is not None and book.prev_seq_id is not None:
            found.event(number, _link(index, book.prev_seq_id, book.seq_id))
        if text is not None and (book.checksum or book.seq_id is None):
            sides = messages.price_and_size(text.bids), messages.price_and_size(text.asks)
            checksum = book.checksum or None
            found.event(number, base.BookTexts(index, bool(flags), *sides, checksum))


def _link(instrument: int, previous_id: int, last_id: int) -> base.BookLink:
    """Ids rise by any amount, stay where nothing changed, and fall after maintenance."""
    return base.BookLink(instrument, min(previous_id + 1, last_id), last_id, previous_id)


# -- sorting out -----------------------------------------------------------------------------------

_KINDS: dict[str, tuple[Callable[[Any], Any], Callable[[Findings, Frames, Any], None]]] = {
    "ticker": (messages.decode_tickers, _tickers),
    "trades": (messages.decode_trades, _trades),
    "quotes": (messages.decode_bests, _quotes),
    "orderbook": (messages.decode_books, _books),
}

# How data begins as the venue writes it; what begins otherwise is looked at twice.  The names of
# the longest channels do not end within these bytes, so the decoder checks those of books.
_START_BYTES = 31
_FEED_OF_START = {
    f'{{"arg":{{"channel":"{channel}","instId":"'.encode()[:_START_BYTES]: feed
    for channel, feed in FEED_OF_CHANNEL.items()
}

_SERVICE_UPGRADE = "64008"
# Service unavailable, time-out, too many requests (two codes), system busy, system error.
_BUSY_CODES = frozenset({"50001", "50004", "50011", "50013", "50026", "60014"})


def _data(found: Findings, feed: str, frame: Frames, payloads: list[bytes]) -> None:
    """All messages of one feed."""
    decode, handle = _KINDS[feed]
    try:
        decoded = [decode(payload) for payload in payloads]
    except UNDECODABLE:
        numbers = frame.tolist()
        failed = partial(_event_after_all, found, feed, numbers, payloads)
        kept, decoded = decode_each(decode, numbers, payloads, failed)
        frame = np.array(kept, np.int32)
    if decoded:
        handle(found, frame, decoded)


def _event_after_all(
    found: Findings,
    feed: str,
    numbers: list[int],
    payloads: list[bytes],
    number: int,
    error: Exception,
) -> None:
    """Reject a message, unless it is an event that begins as data does."""
    try:
        head = messages.decode_head(payloads[bisect_left(numbers, number)])
    except UNDECODABLE:
        head = messages.Head()
    if head.event:
        _event(found, number, head)
    else:
        found.undecodable(number, error, feed)


def _feed_or_event(found: Findings, number: int, payload: bytes) -> str:
    """The feed of a message that does not begin as usual; "" where nothing is left to do."""
    if payload == b"pong":
        found.event(number, base.Pong())
        return ""
    try:
        head = messages.decode_head(payload)
    except UNDECODABLE as error:
        found.undecodable(number, error)
        return ""
    channel = "" if head.arg is None else head.arg.channel
    if head.event:
        _event(found, number, head)
    elif not channel:
        found.reject(number, "neither data of a channel nor an event")
    elif channel in FEED_OF_CHANNEL:
        return FEED_OF_CHANNEL[channel]
    elif not messages.is_uninteresting(channel):
        found.unknown(number, channel)
    return ""


def _event(found: Findings, number: int, head: messages.Head) -> None:
    match head.event:
        case "subscribe":
            if head.arg is None:
                found.reject(number, "an acknowledgement of nothing")
            elif granted := _subscriptions(head.arg):
                found.event(number, base.Granted(granted))
        case "unsubscribe" | "channel-conn-count":
            pass
        case "error":
            about = head.about()
            subscriptions = _subscriptions(about) if about else frozenset()
            reason = f"{head.msg} (code {head.code})"
            wait = wait_of(reason) or (base.Wait() if str(head.code) in _BUSY_CODES else None)
            found.event(number, base.Refused(head.request_id(), reason, subscriptions, wait=wait))
        case "notice" if str(head.code) == _SERVICE_UPGRADE:
            found.event(number, base.GoingAway(f"{head.msg} (code {head.code})"))
        case event:
            found.unknown(number, f"{event} {head.code}".rstrip())


def _subscriptions(arg: messages.Arg) -> frozenset[Subscription]:
    """What a channel of an instrument is to us; nothing where it is of no interest."""
    feed = FEED_OF_CHANNEL.get(arg.channel)
    return frozenset({Subscription(arg.inst_id, feed)} if feed and arg.inst_id else ())


# How payloads say what they are about, and where their elements stand.
_TABLES = {channel: (tables.FEEDS[feed],) for channel, feed in FEED_OF_CHANNEL.items()}
_FORM = Form(
    Naming(of_kinds(_TABLES), {"event", "connId"}, trade_id="tradeId"),
    {
        **dict.fromkeys(tables.Table, ("data.*",)),
        tables.Table.BOOK: ("data.*", "data.*.bids.*", "data.*.asks.*"),
    },
)

# -- the venue -------------------------------------------------------------------------------------

_CHECKSUM_LEVELS = 25  # of each side

# All arguments of a request may have 64 KB together by the newer documentation; a client of former
# years knew of 4 KB for the whole frame, which nothing confirms.  Requests are rare anyway.
_MOST_ARGUMENT_BYTES = 16 * 1024
_MOST_ARGUMENTS = 200


class Okx(Exchange):
    """OKX: spot is listed; symbols of swaps, futures and options are understood as well."""

    name = "okx"
    ws_endpoint: ClassVar[str] = "wss://ws.okx.com:8443/ws/v5"
    rest_endpoint: ClassVar[str] = "https://www.okx.com"
    entrances: ClassVar[tuple[Entrance, ...]] = (
        Entrance(ws_endpoint, rest_endpoint, "the usual one"),
        Entrance("wss://wseea.okx.com:8443", "https://eea.okx.com", "the European Economic Area"),
        Entrance("wss://wsus.okx.com:8443", "https://us.okx.com", "the United States"),
    )
    ws_path: ClassVar[str] = "/(?:public|business|private)"
    rest_path: ClassVar[str] = "/api(?:/v5)?"
    feeds: ClassVar[frozenset[str]] = frozenset(CHANNELS)
    books: ClassVar[tuple[BookOffer, ...]] = messages.BOOKS
    # Dense in all that was recorded, as far as `trades` shows it; nowhere promised.
    twins: ClassVar[Mapping[tables.Table, Twins]] = {
        tables.Table.MD: Twins.SAID,
        tables.Table.QUOTES: Twins.NUMBERED,
        tables.Table.BOOK: Twins.NUMBERED,
    }
    trade_ids: ClassVar[Ids] = Ids.SEEM_DENSE
    book_check: ClassVar[base.BookCheck] = base.BookCheck.CHAIN
    trades_by_rest: ClassVar[TradesByRest | None] = OkxTrades()
    candles_by_rest: ClassVar[CandlesByRest | None] = OkxCandles()
    # `trades` begins with the last trade; that `trades-all` does so is not documented.
    greets: ClassVar[frozenset[str]] = frozenset({"ticker", "quotes", "orderbook"})
    profile: ClassVar[base.Profile] = base.Profile(
        connects_per_second=2.5,  # 3 are allowed in any second; some take longer to arrive
        connects_burst=3,
        client_messages_per_second=5.0,  # no limit is documented
        requests_per_second=2.0,
        requests_per_hour=480,
        subscriptions_per_request=_MOST_ARGUMENTS,
        rest_weight_per_minute=600,  # 20 in 2 s, which is what trades of the past are allowed
        ping_text="ping",  # the venue ends a connection to which it sent nothing for 30 s
    )

    def lane(self, feed: str) -> str:
        """Trades come one by one on the business address, everything else on the public one."""
        return "business" if feed == "trades" else ""

    def ws_url(self, endpoint: str, lane: str = "") -> str:
        """The address of a lane; an endpoint that names an address already is understood too."""
        root = self.ws_root(endpoint)
        version = "" if urlsplit(root).path else "/ws/v5"
        return f"{root}{version}/{lane or 'public'}"

    def subscribe(self, wanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """Requests with ids `first_id`, `first_id + 1` and so on; each argument is acknowledged."""
        return self._requests("subscribe", wanted, first_id)

    def unsubscribe(self, unwanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """Requests with ids `first_id`, `first_id + 1` and so on."""
        return self._requests("unsubscribe", unwanted, first_id)

    def _requests(
        self, op: str, subscriptions: Sequence[Subscription], first_id: int
    ) -> list[Request]:
        parts: list[list[tuple[Subscription, dict[str, str]]]] = []
        room = 0
        for sub in in_order(subscriptions):
            arg = {"channel": self._channel(sub), "instId": sub.symbol}
            size = len(msgspec.json.encode(arg)) + 1
            if size > room or len(parts[-1]) == _MOST_ARGUMENTS:
                parts.append([])
                room = _MOST_ARGUMENT_BYTES
            parts[-1].append((sub, arg))
            room -= size
        requests = []
        for request_id, part in enumerate(parts, first_id):
            args = [arg for _, arg in part]
            content = {"id": str(request_id), "op": op, "args": args}
            requests.append(request(content, [sub for sub, _ in part], request_id))
        return requests

    def _channel(self, subscription: Subscription) -> str:
        is_book = subscription.feed == "orderbook"
        return self.book_of(subscription.symbol).channel if is_book else CHANNELS[subscription.feed]

    def decode(self, payloads: Sequence[bytes], instruments: Mapping[str, int]) -> base.Decoded:
        """What the payloads say: see the table at the head of this module."""
        return understood(partial(self._read, instruments), payloads, instruments, _FORM, SHAPES)

    def _read(self, instruments: Mapping[str, int], payloads: Sequence[bytes]) -> base.Decoded:
        found = Findings(instruments, payloads)
        feeds = [_FEED_OF_START.get(payload[:_START_BYTES], "") for payload in payloads]
        if "" in feeds:
            sent = enumerate(zip(feeds, payloads, strict=True))
            feeds = [feed or _feed_or_event(found, n, payload) for n, (feed, payload) in sent]
        for feed, frame, group in grouped(feeds, range(len(payloads)), payloads):
            if feed:
                _data(found, feed, frame, group)
        return found.done()

    def listing_url(self, rest_endpoint: str) -> str:
        """GET instruments, those of the spot market."""
        return rest_endpoint.rstrip("/") + "/api/v5/public/instruments?instType=SPOT"

    def read_listing(self, body: bytes) -> Listed:
        """The instruments; active are those that are live."""
        answer = decode_listing(messages.decode_answer, body, "instruments")
        if answer.code != "0":
            raise VenueError(f"instruments: {answer.msg} (code {answer.code})")
        return messages.LISTED.read(answer.data, "instruments")

    def book_checksum(self, bids: Sequence[TextLevel], asks: Sequence[TextLevel]) -> int:
        """CRC-32, as a signed number, of the best bid, the best ask, the next bid and so on."""
        pairs = zip_longest(bids[:_CHECKSUM_LEVELS], asks[:_CHECKSUM_LEVELS], fillvalue=())
        text = ":".join(chain.from_iterable(chain.from_iterable(pairs)))
        unsigned = zlib.crc32(text.encode())
        return unsigned - 2**32 if unsigned >= 2**31 else unsigned


EXCHANGE = Okx()
