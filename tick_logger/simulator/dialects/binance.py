"""Simulated Binance spot streams and REST.

Streams that do not exist are accepted silently and deliver nothing, names in upper case among
them.  A book's REST snapshot is always as of this moment, so it bridges to the next depth event,
unless a fault holds those back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import msgspec

from tick_logger.simulator.dialects import binance_candles as sheets
from tick_logger.simulator.dialects import binance_pages as pages
from tick_logger.simulator.dialects import binance_texts as texts
from tick_logger.simulator.dialects.base import POLICY_VIOLATION, Dialect, Rules, Words
from tick_logger.simulator.dialects.binance_books import Depths
from tick_logger.simulator.dialects.binance_recorded import BinanceMessages, unwrapped
from tick_logger.simulator.faults import BINARY, TEXT
from tick_logger.simulator.hub import Client, Hub
from tick_logger.simulator.listing import Listing, Quote, Trade
from tick_logger.simulator.market import Market, MessageCost
from tick_logger.simulator.periods import Periodic
from tick_logger.simulator.symbols import BASES, SymbolSpec, spec_of, split_joined
from tick_logger.simulator.truth import Truth

_QUOTES = ("USDT", "USDC", "FDUSD", "TUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "GBP", "BRL")
_TICKER_PERIOD_US = 1_000_000
_MOST_STREAMS = 1024
_DEPTH_LIMIT = 100
_MOST_DEPTH = 5000
_DEPTH_PATH = "/api/v3/depth"
_PING, _PONG = 9, 10
_WORDS = Words(
    channels={
        "ticker": "ticker",
        "trades": "trade",
        "quotes": "bookTicker",
        "orderbook": "depth",
    },
    trades_word=b'"e":"trade"',
    trades_place=("data",),
    price_of_trade="p",
    listing_place=("symbols",),
    trades_path=pages.PATH,
    candles_path=sheets.PATH,
    wrong_types='{"stream":"STREAM@trade","data":'
    '{"e":"trade","E":[],"s":"SYMBOL","t":"x","p":1,"q":{}}}',
    unknown_type='{"stream":"STREAM@tomorrow","data":{"e":"tomorrow","E":1,"s":"SYMBOL"}}',
)


class _Request(msgspec.Struct):
    method: str
    id: int | str | None = None
    params: list[str] = msgspec.field(default_factory=list)


class BinanceDialect(Dialect):
    """Binance spot over one market."""

    name = "binance"
    symbols: ClassVar[Sequence[str]] = (*(f"{base}USDT" for base in BASES), "ETHBTC")
    words = _WORDS
    recorded = BinanceMessages()
    cost = MessageCost(trade=1.0, quote=1.0)
    rules = Rules(
        messages_per_second=5,
        counted_opcodes=frozenset({TEXT, BINARY, _PING, _PONG}),
        pings=True,
        lifetime_secs=86_400.0,
    )

    def __init__(self, hub: Hub, market: Market, truth: Truth) -> None:
        super().__init__(hub, market, truth)
        self._depths = Depths(hub, market)
        self._tickers: dict[str, Periodic] = {}
        self._last_told: dict[str, Trade] = {}

    @staticmethod
    def spec(symbol: str) -> SymbolSpec:
        """What a symbol such as BTCUSDT stands for."""
        return spec_of(symbol, *split_joined(symbol, _QUOTES))

    # -- out --------------------------------------------------------------------------------------

    def open(self) -> None:
        """Tell the truth of each symbol's latest trade from before the start."""
        for listing in self._market.listings.values():
            symbol = listing.spec.symbol
            if symbol not in self._tickers and listing.last_trade is not None:
                self._tell_truth(listing.last_trade)
                self._last_told[symbol] = listing.last_trade
                phase_us = _TICKER_PERIOD_US * (len(self._tickers) + 1) * 7 // 100
                self._tickers[symbol] = Periodic(_TICKER_PERIOD_US, phase_us % _TICKER_PERIOD_US)

    def publish(self, events: Sequence[Trade | Quote]) -> None:
        """Send trades and best prices."""
        for event in events:
            if isinstance(event, Trade):
                self._publish_trade(event)
            else:
                self._publish_quote(event)

    def tick(self, elapsed_us: int) -> None:
        """Send the depth events and day tickers that are due."""
        self._depths.tick(elapsed_us)
        for listing in self._market.active():
            symbol = listing.spec.symbol
            if self._tickers[symbol].due(elapsed_us):
                self._publish_ticker(listing)

    def listing_changed(self) -> None:
        """Nothing is pushed: exchangeInfo tells."""
        self.open()

    def announce_shutdown(self) -> int:
        """Send `serverShutdown`, outside of any stream, to every connection."""
        for client in list(self._hub.clients):
            now = texts.stamp(self._market.now_ns, client.variant)
            client.reply(b'{"e":"serverShutdown","E":%d}' % now)
        return len(self._hub.clients)

    def adapted(self, payload: bytes, variant: int) -> bytes:
        """Alone, where no name of a stream is wanted; times stay in microseconds."""
        return payload if variant & texts.COMBINED else unwrapped(payload)

    def _publish_trade(self, trade: Trade) -> None:
        if self._tell_truth(trade):
            stream = _stream(trade.listing, "trade")
            self._hub.publish(stream, lambda v: texts.wrapped(stream, texts.trade(trade, v), v))

    def _publish_quote(self, quote: Quote) -> None:
        stream = _stream(quote.listing, "bookTicker")
        self._hub.publish(stream, lambda v: texts.wrapped(stream, texts.book_ticker(quote), v))

    def _publish_ticker(self, listing: Listing) -> None:
        last, stream = listing.last_trade, _stream(listing, "ticker")
        if last is None or last is self._last_told[listing.spec.symbol]:
            return
        self._last_told[listing.spec.symbol] = last
        now_ns = self._market.now_ns
        self._hub.publish(
            stream,
            lambda v: texts.wrapped(stream, texts.day_ticker(listing, last, now_ns, v), v),
        )

    def _tell_truth(self, trade: Trade) -> bool:
        spec = trade.listing.spec
        return self._record(
            trade,
            _stream(trade.listing, "trade"),
            price=texts.price(spec, trade.ticks),
            size=texts.size(spec, trade.lots),
        )

    # -- in ---------------------------------------------------------------------------------------

    def accepts(self, target: str) -> bool:
        """/stream for combined, /ws for raw streams."""
        path = urlsplit(target).path
        return path.rstrip("/") in ("/stream", "/ws") or path.startswith("/ws/")

    def connected(self, client: Client, target: str) -> None:
        """Subscribe to the streams that the request target names."""
        url = urlsplit(target)
        query = parse_qs(url.query)
        if url.path.startswith("/stream"):
            client.variant |= texts.COMBINED
            named = query.get("streams", [""])[0]
        else:
            named = url.path.removeprefix("/ws").strip("/")
        if query.get("timeUnit", [""])[0].upper() == "MICROSECOND":
            client.variant |= texts.MICROSECONDS
        streams = [stream for stream in named.split("/") if stream]
        if not self._subscribe(client, streams):
            client.end(POLICY_VIOLATION, "Too many streams")

    def too_many_messages(self, client: Client) -> None:
        """The connection is closed."""
        client.end(POLICY_VIOLATION, "Too many requests")

    def request(self, client: Client, text: str) -> None:
        """SUBSCRIBE, UNSUBSCRIBE or LIST_SUBSCRIPTIONS."""
        try:
            request = msgspec.json.decode(text, type=_Request)
        except (msgspec.DecodeError, RecursionError) as error:
            self._malformed(client, str(error), _id_in(text))
            return
        named = {stream.partition("@")[0].upper() for stream in request.params}
        if named & self._hub.faults.never_acked_symbols:
            return
        if any(self._refuses(*_symbol_and_kind(stream)) for stream in request.params):
            client.reply(_error(2, "Invalid request: refused", request.id))
            self._refused(client)
            return
        if request.method == "SUBSCRIBE" and self._hub.faults.too_busy_for(*named):
            client.reply(_error(-1003, "Too many requests.", request.id))
            self._refused(client)
            return
        self._obey(client, request)

    def _obey(self, client: Client, request: _Request) -> None:
        result: list[str] | None = None
        match request.method:
            case "SUBSCRIBE":
                if not self._subscribe(client, request.params):
                    client.reply(_error(2, "Invalid request: too many streams", request.id))
                    return
            case "UNSUBSCRIBE":
                for stream in request.params:
                    self._hub.unsubscribe(client, stream)
            case "LIST_SUBSCRIPTIONS":
                result = list(client.topics)
            case unknown:
                self._malformed(client, f"unknown variant {unknown}", request.id)
                return
        answer = msgspec.json.encode({"result": result, "id": request.id})
        if request.method == "SUBSCRIBE":
            self._acknowledge(client, answer)
        else:
            client.reply(answer)

    def _subscribe(self, client: Client, streams: Iterable[str]) -> bool:
        new = dict.fromkeys(stream for stream in streams if stream not in client.topics)
        if len(client.topics) + len(new) > _MOST_STREAMS:
            self._hub.breach(client, f"more than {_MOST_STREAMS} streams")
            return False
        for stream in new:
            self._hub.subscribe(client, stream)
        return True

    def _malformed(self, client: Client, reason: str, request_id: int | str | None) -> None:
        self._hub.breach(client, f"malformed request: {reason}")
        client.reply(_error(2, f"Invalid request: {reason}", request_id))

    # -- REST -------------------------------------------------------------------------------------

    def rest(self, target: str) -> tuple[int, bytes]:
        """GET exchangeInfo, depth?symbol=&limit=, klines and historicalTrades?symbol=&fromId=."""
        path, query = _path_and_query(target)
        if path == "/api/v3/exchangeInfo":
            return 200, self._exchange_info(query.get("symbolStatus"))
        if path == _DEPTH_PATH:
            listing = self._market.listings.get(query.get("symbol", ""))
            if listing is None:
                return 400, b'{"code":-1121,"msg":"Invalid symbol."}'
            return self.book_answer(listing, target)
        if path == pages.PATH:
            return pages.answer(query, self._market.listings, self._page, 0)
        if path == sheets.PATH:
            return sheets.answer(query, self._market.listings, self.candles)
        return 404, b'{"code":-1,"msg":"Not found"}'

    def book_asked(self, target: str) -> str:
        """The symbol of GET depth."""
        path, query = _path_and_query(target)
        return query.get("symbol", "") if path == _DEPTH_PATH else ""

    def _exchange_info(self, wanted_status: str | None) -> bytes:
        symbols = [texts.exchange_symbol(listing) for listing in self._listed()]
        if wanted_status is not None:
            symbols = [symbol for symbol in symbols if symbol["status"] == wanted_status]
        info: dict[str, Any] = {
            "timezone": "UTC",
            "serverTime": self._market.now_ns // 1_000_000,
            "rateLimits": [],
            "exchangeFilters": [],
            "symbols": symbols,
        }
        return msgspec.json.encode(info)

    def book_answer(self, listing: Listing, target: str) -> tuple[int, bytes]:
        """The answer to GET depth: as many levels as asked for."""
        limit = _path_and_query(target)[1].get("limit", str(_DEPTH_LIMIT))
        if not limit.isdigit() or not int(limit):
            return 400, b'{"code":-1100,"msg":"Illegal characters found in parameter \'limit\'."}'
        return 200, texts.depth_snapshot(listing, min(int(limit), _MOST_DEPTH))

    # -- garbage ----------------------------------------------------------------------------------

    def sample(self, rng: Random) -> bytes:
        """A bookTicker of the best prices now."""
        listing = self._some_listing(rng)
        payload = texts.book_ticker(listing.quote(self._market.now_ns))
        return texts.wrapped(_stream(listing, "bookTicker"), payload, texts.COMBINED)

    def huge_integer(self, rng: Random) -> bytes:
        """A trade whose id has 26 digits."""
        trade = self._last_told[self._some_listing(rng).spec.symbol]
        huge = texts.trade(trade._replace(trade_id=rng.randrange(10**25, 10**26)), 0)
        return texts.wrapped(_stream(trade.listing, "trade"), huge, texts.COMBINED)


def _path_and_query(target: str) -> tuple[str, dict[str, str]]:
    url = urlsplit(target)
    return url.path, {key: values[0] for key, values in parse_qs(url.query).items()}


def _stream(listing: Listing, kind: str) -> str:
    return f"{listing.spec.symbol.lower()}@{kind}"


def _symbol_and_kind(stream: str) -> tuple[str, str]:
    symbol, _, kind = stream.partition("@")
    return symbol.upper(), kind.partition("@")[0]


def _error(code: int, reason: str, request_id: int | str | None) -> bytes:
    return msgspec.json.encode({"error": {"code": code, "msg": reason}, "id": request_id})


def _id_in(text: str) -> int | str | None:
    """The id of a request that is otherwise not understood."""
    try:
        return msgspec.json.decode(text, type=_Identified).id
    except (msgspec.DecodeError, RecursionError):
        return None


class _Identified(msgspec.Struct):
    id: int | str | None = None
