"""Upbit, Korea: the public quotation stream, in binary frames that hold UTF-8 JSON.

| type            | message            | what becomes of it                           | evidence   |
|-----------------|--------------------|----------------------------------------------|------------|
| `trade`         | SNAPSHOT, REALTIME | TRADES; `ask_bid` is what the taker did      | 2021, 2026 |
| `ticker`        | SNAPSHOT, REALTIME | MD; volume is the last trade's, not a day's  | docs       |
| `orderbook`     | SNAPSHOT, REALTIME | BOOK, flagged; BookSnapshot; QUOTES          | 2021, 2026 |
| `candle`, `my*` | any                | nothing: never asked for                     | docs       |
| (method)        | LIST_SUBSCRIPTIONS | Confirmed                                    | docs       |
| (error)         | error              | Refused; the venue closes then               | docs       |
| (status)        | UP                 | Heartbeat                                    | docs       |
| GET ticks       | answer             | TRADES that were missed (`_upbit_trades`)    | docs       |

Evidence names the year of the recorded frames that the tests decode.  A connection has one format:
DEFAULT (what is asked for here), SIMPLE (short names), or lists of either; all say the same.

Every message about a book is a whole book, of up to 30 levels a side.  Nothing numbers them: none
can be proved to be there, and none is needed to mend the book.  Their `timestamp` is when the book
last changed, and a new subscription is greeted with the last one, however old.  So it tells whether
a book was seen before, and tells two books of one read apart; it stands where others have an id.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt

from tick_logger.exchanges import _upbit_messages as wire
from tick_logger.exchanges import base
from tick_logger.exchanges._upbit_candles import UpbitCandles
from tick_logger.exchanges._upbit_shapes import SHAPES
from tick_logger.exchanges._upbit_trades import UpbitTrades
from tick_logger.exchanges.apart import Form, understood
from tick_logger.exchanges.base import Exchange, Listed, Request, Subscription
from tick_logger.exchanges.book_offers import BookOffer
from tick_logger.exchanges.candles_by_rest import CandlesByRest
from tick_logger.exchanges.columns import ABOVE_ZERO, FROM_ZERO, Findings, Floats, NumberRule
from tick_logger.exchanges.entrances import Entrance
from tick_logger.exchanges.messages import (
    UNDECODABLE,
    Frames,
    decode_each,
    decode_listing,
    elements_of,
    grouped,
)
from tick_logger.exchanges.naming import Naming, of_kinds
from tick_logger.exchanges.refusals import wait_of
from tick_logger.exchanges.trades_by_rest import TradesByRest
from tick_logger.model import tables
from tick_logger.model.proof import Ids
from tick_logger.model.twins import Twins

# -- rows ------------------------------------------------------------------------------------------

_TAKER = {"ASK": tables.SIDE_SELL, "BID": tables.SIDE_BUY, None: tables.SIDE_UNKNOWN}

_TRADE = NumberRule(price=ABOVE_ZERO, size=FROM_ZERO)
_TICKER = NumberRule(price=FROM_ZERO, last_size=FROM_ZERO, day_volume=FROM_ZERO)
_UNIT = NumberRule(bid=FROM_ZERO, bid_size=FROM_ZERO, ask=FROM_ZERO, ask_size=FROM_ZERO)


def _trades(found: Findings, frame: Frames, messages: list[wire.Trade]) -> None:
    price, size = found.numbers(
        frame, _TRADE, [m.trade_price for m in messages], [m.trade_volume for m in messages]
    )
    columns = {
        "instrument": found.instruments(frame, [m.code for m in messages]),
        "event_ns": found.unix_times(frame, [m.trade_timestamp for m in messages]),
        "seq": [m.sequential_id for m in messages],
        "price": price,
        "size": size,
        "side": [_TAKER[m.ask_bid] for m in messages],
        "maker": tables.NO_UUID,
        "taker": tables.NO_UUID,
    }
    found.rows(tables.Table.TRADES, frame, columns)


def _tickers(found: Findings, frame: Frames, messages: list[wire.Ticker]) -> None:
    """Tickers at the time of the message, which rises where that of the trade stands still.

    The trades of one order make several tickers in a millisecond.  Only the day's volume tells
    them apart; the bits of such a number rise with it, and fit where a sequence belongs.
    """
    price, volume, day_volume = found.numbers(
        frame,
        _TICKER,
        [m.trade_price for m in messages],
        [m.trade_volume for m in messages],
        [m.acc_trade_volume for m in messages],
    )
    columns = {
        "instrument": found.instruments(frame, [m.code for m in messages]),
        "event_ns": found.unix_times(frame, [m.timestamp for m in messages]),
        "seq": day_volume.view(np.uint64),
        "price": price,
        "volume": volume,
        "side": [_TAKER[m.ask_bid] for m in messages],
        "best_bid": np.nan,  # the best prices are in `orderbook` only
        "best_ask": np.nan,
    }
    found.rows(tables.Table.MD, frame, columns)


def _orderbooks(found: Findings, frame: Frames, messages: list[wire.Orderbook]) -> None:
    stamps = [m.timestamp for m in messages]
    common: dict[str, npt.NDArray[np.generic]] = {
        "instrument": found.instruments(frame, [m.code for m in messages]),
        "event_ns": found.unix_times(frame, stamps),
        "seq": np.array(stamps, np.uint64),
    }
    units = [unit for m in messages for unit in m.orderbook_units]
    counts = np.array([len(m.orderbook_units) for m in messages])
    values = found.numbers(
        np.repeat(frame, counts),
        _UNIT,
        [unit.bid_price for unit in units],
        [unit.bid_size for unit in units],
        [unit.ask_price for unit in units],
        [unit.ask_size for unit in units],
    )
    if np.isnan(values).any():
        values = _with_sizes(found, np.repeat(frame, counts), values)
    _levels(found, frame, common, counts, values)
    _best(found, frame, common, counts, values)
    for number, instrument in zip(frame.tolist(), common["instrument"].tolist(), strict=True):
        found.event(number, base.BookSnapshot(instrument, 0))


def _with_sizes(found: Findings, frame: Frames, values: Floats) -> Floats:
    """The values of all units, with a size of 0 where no price is; a price needs a size."""
    lacking = np.isnan(values[1::2])
    for number in frame[(lacking & (values[::2] != 0)).any(axis=0)].tolist():
        found.reject(number, "a price without a size")
    return np.nan_to_num(values)


def _levels(
    found: Findings,
    frame: Frames,
    common: Mapping[str, npt.NDArray[np.generic]],
    counts: npt.NDArray[np.int64],
    values: Floats,
) -> None:
    """BOOK rows, bids before asks; `values` has bid, bid size, ask and ask size of all units."""
    of_unit = np.repeat(np.arange(len(counts)), counts)
    # By message and side, in this order; a price of 0 is no level.
    place = np.concatenate([of_unit * 2, of_unit * 2 + 1])
    order = np.argsort(place, kind="stable")
    price, size = np.concatenate([values[:2], values[2:]], axis=1)
    order = order[price[order] != 0]
    per_side = np.bincount(place[order], minlength=2 * len(counts))
    both = np.stack([price[order], size[order]])
    found.levels(frame, common, per_side, both, tables.FLAG_SNAPSHOT)


def _best(
    found: Findings,
    frame: Frames,
    common: Mapping[str, npt.NDArray[np.generic]],
    counts: npt.NDArray[np.int64],
    values: Floats,
) -> None:
    """QUOTES from the first unit of each book, with nothing where a side is empty."""
    message = np.flatnonzero(counts)
    bid, bid_size, ask, ask_size = values[:, (np.cumsum(counts) - counts)[message]]
    columns = {
        **{name: column[message] for name, column in common.items()},
        "best_bid": np.where(bid != 0, bid, np.nan),
        "best_bid_size": np.where(bid != 0, bid_size, np.nan),
        "best_ask": np.where(ask != 0, ask, np.nan),
        "best_ask_size": np.where(ask != 0, ask_size, np.nan),
    }
    found.rows(tables.Table.QUOTES, frame[message], columns, needs_any=("best_bid", "best_ask"))


# -- sorting out -----------------------------------------------------------------------------------

_HANDLERS: dict[Any, Callable[[Findings, Frames, Any], None]] = {
    wire.Trade: _trades,
    wire.SimpleTrade: _trades,
    wire.Ticker: _tickers,
    wire.SimpleTicker: _tickers,
    wire.Orderbook: _orderbooks,
    wire.SimpleOrderbook: _orderbooks,
}

_DECODERS = {b'{"type': wire.decode_default, b'{"ty":': wire.decode_simple}
"""By the first bytes of a message: to read those costs far less than a decoding that fails."""
_HEAD_BYTES = 6

_FEEDS_OF_TYPE = {"ticker": ("ticker",), "trade": ("trades",), "orderbook": ("quotes", "orderbook")}
_TYPE_OF_FEED = {feed: name for name, feeds in _FEEDS_OF_TYPE.items() for feed in feeds}
_UNINTERESTING = ("candle", "my", "announcement")  # what the names of such types begin with


def _taken_apart(
    found: Findings, payloads: Sequence[bytes]
) -> tuple[Sequence[int], Sequence[bytes]]:
    """The messages in the payloads, some of which are lists of messages, and the frame of each."""
    if not any(payload.startswith(b"[") for payload in payloads):
        return range(len(payloads)), payloads
    frames: list[int] = []
    texts: list[bytes] = []
    for frame, payload in enumerate(payloads):
        inner = [payload]
        if payload.startswith(b"["):
            try:
                inner = elements_of(payload)
            except UNDECODABLE as error:
                found.undecodable(frame, error)
                continue
            if not inner:
                found.reject(frame, "a list without messages")
        frames += [frame] * len(inner)
        texts += inner
    return frames, texts


def _other(found: Findings, frame: int, text: bytes) -> None:
    """A message that no decoder of a stream has understood, or was given."""
    try:
        message = wire.decode_other(text)
    except UNDECODABLE as error:
        return found.undecodable(frame, error)
    kind = message.type or message.ty
    listed = message.rslt if message.result is None else message.result
    if kind in _FEEDS_OF_TYPE:
        _odd(found, frame, text, message)
    elif kind and not kind.startswith(_UNINTERESTING):
        found.unknown(frame, kind)
    elif message.error is not None:
        reason = ": ".join(filter(None, (str(message.error.name), message.error.message)))
        found.event(frame, base.Refused(None, reason, wait=wait_of(reason)))
    elif "LIST_SUBSCRIPTIONS" in (message.method, message.mthd) and listed is not None:
        found.event(frame, _confirmed(listed))
    elif message.status == "UP":
        found.event(frame, base.Heartbeat())
    elif not kind:
        found.reject(frame, "neither a message of a stream nor an answer to a request")
    return None


def _odd(found: Findings, frame: int, text: bytes, seen: wire.Other) -> None:
    """A message of a known type: its fields come in another order, or are not what they must be."""
    decode = wire.decode_default if seen.type else wire.decode_simple
    try:
        message = decode(text)
    except UNDECODABLE as error:
        return found.undecodable(frame, error, seen.type or seen.ty)
    return _HANDLERS[type(message)](found, np.array([frame], np.int32), [message])


def _confirmed(listed: list[wire.Listed]) -> base.Confirmed:
    return base.Confirmed(
        frozenset(
            Subscription(code.partition(".")[0], feed)  # `KRW-BTC.15` is a book of 15 levels
            for each in listed
            for feed in _FEEDS_OF_TYPE.get(each.type or each.ty, ())
            for code in each.codes or each.cds or ()
        )
    )


# How payloads say what they are about; each message of a list stands alone.
_TABLES = {name: tuple(tables.FEEDS[f] for f in feeds) for name, feeds in _FEEDS_OF_TYPE.items()}
_ANSWERS = {"error", "status", "method", "mthd", "result", "rslt"}
_FORM = Form(
    Naming(of_kinds(_TABLES), _ANSWERS, trade_id="(?:sequential_id|sid)"),
    dict.fromkeys(tables.Table, ("*",)),
)

# -- the venue -------------------------------------------------------------------------------------


class Upbit(Exchange):
    """Upbit in Korea; its sites in other countries have hosts of their own."""

    name = "upbit"
    ws_endpoint: ClassVar[str] = "wss://api.upbit.com"
    rest_endpoint: ClassVar[str] = "https://api.upbit.com"
    entrances: ClassVar[tuple[Entrance, ...]] = (
        Entrance(ws_endpoint, rest_endpoint, "Korea, the usual one"),
        Entrance("wss://sg-api.upbit.com", "https://sg-api.upbit.com", "Singapore, its own market"),
        Entrance("wss://id-api.upbit.com", "https://id-api.upbit.com", "Indonesia, its own market"),
        Entrance("wss://th-api.upbit.com", "https://th-api.upbit.com", "Thailand, its own market"),
    )
    ws_path: ClassVar[str] = "/websocket/v1(?:/private|/info)?"
    rest_path: ClassVar[str] = "/v1"
    feeds: ClassVar[frozenset[str]] = frozenset(_TYPE_OF_FEED)
    # Made of the trade's time and a counter within it.
    twins: ClassVar[Mapping[tables.Table, Twins]] = {
        tables.Table.MD: Twins.SAID,
        tables.Table.QUOTES: Twins.NUMBERED,
        tables.Table.BOOK: Twins.NUMBERED,
    }
    trade_ids: ClassVar[Ids] = Ids.SPARSE
    books: ClassVar[tuple[BookOffer, ...]] = (
        BookOffer(30, 0, "", whole=True),
        *(BookOffer(depth, 0, f".{depth}", whole=True) for depth in (15, 5, 1)),
    )
    shared_channels: ClassVar[tuple[frozenset[str], ...]] = (frozenset({"quotes", "orderbook"}),)
    greets: ClassVar[frozenset[str]] = frozenset(_TYPE_OF_FEED)
    names_requests: ClassVar[bool] = False
    requests_replace: ClassVar[bool] = True
    whole_books: ClassVar[bool] = True
    trades_by_rest: ClassVar[TradesByRest | None] = UpbitTrades()
    candles_by_rest: ClassVar[CandlesByRest | None] = UpbitCandles()
    profile: ClassVar[base.Profile] = base.Profile(
        connects_per_second=2.0,  # 5 are allowed, to all connections of an address
        connects_burst=5,
        client_messages_per_second=5.0,
        requests_per_second=1.0,  # 100 messages a minute are allowed, pings perhaps among them
        # No limit is known.  A request of 855 codes was seen to be served.
        subscriptions_per_request=10_000,
        # The documentation has idle connections cut after 120 s; 60 s were seen.
        ping_interval_secs=20.0,
    )

    def ws_url(self, endpoint: str, lane: str = "") -> str:
        """The public stream."""
        return self.ws_root(endpoint) + "/websocket/v1"

    def subscribe(self, wanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """One request, which ends whatever it does not name; ids are not used here."""
        codes_of: dict[str, set[str]] = {}
        for subscription in wanted:
            kind, code = _TYPE_OF_FEED[subscription.feed], subscription.symbol
            if kind == "orderbook":
                code += self.book_of(subscription.symbol).channel
            codes_of.setdefault(kind, set()).add(code)
        types = [{"type": name, "codes": sorted(codes)} for name, codes in sorted(codes_of.items())]
        return [Request(_request(types), frozenset(wanted))] if types else []

    def unsubscribe(self, unwanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """Nothing: what the next `subscribe` leaves out ends."""
        return []

    def list_request(self, request_id: int) -> Request:
        """LIST_SUBSCRIPTIONS, in the format of the streams, which would change to its own."""
        return Request(_request([{"method": "LIST_SUBSCRIPTIONS"}]))

    def decode(self, payloads: Sequence[bytes], instruments: Mapping[str, int]) -> base.Decoded:
        """What the payloads say: see the table at the head of this module."""
        return understood(partial(self._read, instruments), payloads, instruments, _FORM, SHAPES)

    def _read(self, instruments: Mapping[str, int], payloads: Sequence[bytes]) -> base.Decoded:
        found = Findings(instruments, payloads)
        frames, texts = _taken_apart(found, payloads)
        frame_of = np.fromiter(frames, np.int32, len(texts))
        left: list[int] = []  # positions of what is no ordinary message of a stream
        heads = [text[:_HEAD_BYTES] for text in texts]
        for head, at, group in grouped(heads, range(len(texts)), texts):
            if head not in _DECODERS:
                left += at.tolist()
                continue
            failed = partial(_note, left)
            kept, messages = decode_each(_DECODERS[head], at.tolist(), group, failed)
            for kind, chosen, alike in grouped(list(map(type, messages)), kept, messages):
                _HANDLERS[kind](found, frame_of[chosen], alike)
        for position in left:
            _other(found, int(frame_of[position]), texts[position])
        return found.done()

    def listing_url(self, rest_endpoint: str) -> str:
        """GET market/all."""
        return rest_endpoint.rstrip("/") + "/v1/market/all?is_details=true"

    def read_listing(self, body: bytes) -> Listed:
        """The markets, all of them active: those that end are taken off the list."""
        markets = decode_listing(wire.decode_markets, body, "market/all")
        return wire.MARKETS.read(markets, "market/all")


def _note(positions: list[int], position: int, _error: Exception) -> None:
    positions.append(position)


def _request(content: list[dict[str, Any]]) -> str:
    """A request with a ticket that is always the same for the same content."""
    body = msgspec.json.encode([*content, {"format": "DEFAULT"}])
    ticket = msgspec.json.encode({"ticket": f"tick-logger-{zlib.crc32(body):08x}"})
    return (b"[" + ticket + b"," + body[1:]).decode()


EXCHANGE = Upbit()
