"""Simulated Upbit quotation stream, as it was seen in 2026 where the documentation is silent.

Each trade makes a `trade` and a `ticker`.  A withheld trade lacks its `trade` message only.  A book
is published every 100 ms if it changed, always as a whole; a new subscriber gets the last one that
was published, however old.  The id of a trade is its millisecond and a counter within it.

A request replaces all subscriptions of its connection and is not acknowledged.  Codes that are not
listed, or of which nothing was recorded, are accepted in silence; that LIST_SUBSCRIPTIONS leaves
them out is a guess.  Whoever breaks a rule gets an error, and then the connection is closed.  A
refused symbol (a fault that the venue was never seen to have) gets the error alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from random import Random
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import attrs
import msgspec

from tick_logger.simulator.book import parted
from tick_logger.simulator.dialects import upbit_candles as sheets
from tick_logger.simulator.dialects import upbit_pages as pages
from tick_logger.simulator.dialects import upbit_texts as texts
from tick_logger.simulator.dialects.base import Dialect, Rules, Words
from tick_logger.simulator.dialects.upbit_recorded import UpbitMessages, formatted
from tick_logger.simulator.dialects.upbit_requests import (
    BOOK,
    DEPTHS,
    FORMATS,
    TYPES,
    Request,
    Wish,
    WrongRequestError,
    parse,
    topic_of,
)
from tick_logger.simulator.faults import BINARY, TEXT
from tick_logger.simulator.hub import Client, Hub
from tick_logger.simulator.listing import Listing, Quote, Trade
from tick_logger.simulator.market import Market, MessageCost
from tick_logger.simulator.periods import Periodic
from tick_logger.simulator.symbols import BASES, SymbolSpec, spec_of
from tick_logger.simulator.truth import Truth

_BOOK_PERIOD_US = 100_000
_STATUS_PERIOD_US = 10_000_000
_STATUS_TOPIC = "status:"
_NORMAL_CLOSURE = 1000
_PING = 9
_MESSAGES_PER_MINUTE = 100
_MINUTE_NS = 60 * 10**9
_MILLISECOND_NS = 1_000_000
_IDS_PER_MILLISECOND = 10_000
_LAG_MS = 60_000  # of ids that begin again: so much later they are those that were given before
_WON_PER_DOLLAR = 1400
_SIZE_DECIMALS = 8
_PRICE_DIGITS = 6  # that a price has at least
_WORDS = Words(
    trades_path=pages.PATH,
    candles_path=sheets.PATH,
    leaves_out_candles=True,
    channels={
        "ticker": "ticker",
        "trades": "trade",
        "quotes": "orderbook",
        "orderbook": "orderbook",
    },
    trades_word=b'"type":"trade"',
    price_of_trade="trade_price",
    name_in_listing="market",
    wrong_types='{"type":"trade","code":"SYMBOL","timestamp":"soon","trade_timestamp":[],'
    '"trade_price":"much","trade_volume":{},"ask_bid":3,"sequential_id":null}',
    unknown_type='{"type":"tomorrow","code":"SYMBOL","value":1.5}',
)


class UpbitDialect(Dialect):
    """Upbit over one market."""

    name = "upbit"
    symbols: ClassVar[Sequence[str]] = (
        *(f"KRW-{base}" for base in BASES if base != "LTC"),
        "BTC-ETH",
        "USDT-BTC",
    )
    opcode = BINARY
    words = _WORDS
    recorded = UpbitMessages()
    cost = MessageCost(trade=2.0, quote=0.0, steady_per_symbol=0.0)
    rules = Rules(
        messages_per_second=5,
        counted_opcodes=frozenset({TEXT, BINARY, _PING}),
        # Documented are 120 s in which neither side sends anything.  60 s were seen, and to count
        # only what the client sends is stricter.
        client_silence_secs=60.0,
    )

    def __init__(self, hub: Hub, market: Market, truth: Truth) -> None:
        super().__init__(hub, market, truth)
        self._status = Periodic(_STATUS_PERIOD_US, _STATUS_PERIOD_US)
        self._periods: dict[str, Periodic] = {}
        self._books: dict[str, texts.BookState] = {}
        self._ids: dict[str, int] = {}  # newest of each symbol
        self._ids_lag_ms = 0
        self._volumes: dict[str, int] = {}  # lots up to the newest trade that was published
        # What the last messages of each symbol were made of, with their time.
        self._trades: dict[str, tuple[Trade, int]] = {}
        self._tickers: dict[str, tuple[Trade, int, int]] = {}
        self._requests_ns: dict[Client, deque[int]] = {}

    @staticmethod
    def spec(symbol: str) -> SymbolSpec:
        """What a code such as KRW-BTC stands for: the quote currency comes first."""
        quote, _, base = symbol.partition("-")
        in_won = quote == "KRW"
        spec = spec_of(symbol, base, "USD" if in_won else quote)
        decimals, ticks = spec.price_decimals, spec.start_ticks
        if in_won:
            ticks *= _WON_PER_DOLLAR
            cut = min(decimals, max(0, len(str(ticks)) - _PRICE_DIGITS))
            decimals, ticks = decimals - cut, ticks // 10**cut
        finer = 10 ** (_SIZE_DECIMALS - spec.size_decimals)
        return attrs.evolve(
            spec,
            quote=quote,
            price_decimals=decimals,
            start_ticks=ticks,
            size_decimals=_SIZE_DECIMALS,
            typical_lots=spec.typical_lots * finer,
        )

    # -- out --------------------------------------------------------------------------------------

    def open(self) -> None:
        """Tell the truth of each symbol's latest trade from before the start."""
        for listing in self._market.listings.values():
            symbol = listing.spec.symbol
            if symbol not in self._periods and listing.last_trade is not None:
                phase_us = _BOOK_PERIOD_US * (len(self._periods) * 37 % 100) // 100
                self._periods[symbol] = Periodic(_BOOK_PERIOD_US, _BOOK_PERIOD_US + phase_us)
                self._books[symbol] = texts.BookState.of(listing, self._market.now_ns)
                self._volumes[symbol] = listing.volume_lots
                told, _ = self._tell_truth(listing.last_trade)
                stamp_ms = told.time_ns // _MILLISECOND_NS
                self._trades[symbol] = (told, stamp_ms)
                self._tickers[symbol] = (told, listing.volume_lots, stamp_ms)

    def publish(self, events: Sequence[Trade | Quote]) -> None:
        """Send trades and tickers; quotes have no message of their own."""
        for event in events:
            if isinstance(event, Trade):
                self._publish_trade(event)

    def tick(self, elapsed_us: int) -> None:
        """Send the books that are due, and signs of life to the clients that asked for them."""
        for listing in self._market.active():
            if self._periods[listing.spec.symbol].due(elapsed_us) and listing.book.changed:
                self._publish_book(listing)
        self.keep_alive(elapsed_us)

    def keep_alive(self, elapsed_us: int) -> None:
        """Send signs of life to the clients that asked for them."""
        if self._status.due(elapsed_us):
            self._hub.publish(_STATUS_TOPIC, lambda _: texts.UP)

    def adapted(self, payload: bytes, variant: int) -> bytes:
        """In the format that was asked for."""
        return formatted(payload, variant)

    def listing_changed(self) -> None:
        """Nothing is pushed: market/all tells."""
        self.open()

    def begin_ids_again(self) -> None:
        """Ids are made of the time: they lag behind it from now on, more each time."""
        self._ids_lag_ms += _LAG_MS
        self._ids.clear()

    def _publish_trade(self, trade: Trade) -> None:
        symbol, stamp_ms = trade.listing.spec.symbol, self._market.now_ns // _MILLISECOND_NS
        self._volumes[symbol] += trade.lots
        told, is_sent = self._tell_truth(trade)
        if is_sent:
            last = self._trades[symbol] = (told, stamp_ms)
            self._hub.publish(f"trade:{symbol}", lambda v: texts.trade(*last, texts.REALTIME, v))
        day = self._tickers[symbol] = (told, self._volumes[symbol], stamp_ms)
        self._hub.publish(f"ticker:{symbol}", lambda v: texts.ticker(*day, texts.REALTIME, v))

    def _publish_book(self, listing: Listing) -> None:
        spec = listing.spec
        listing.book.fetch_changes()
        state = self._books[spec.symbol] = texts.BookState.of(listing, self._market.now_ns)
        for depth in DEPTHS:
            text = partial(texts.orderbook, spec, state, texts.REALTIME, depth=depth)
            self._hub.publish(topic_of(BOOK, spec.symbol, depth), text)

    def _tell_truth(self, trade: Trade) -> tuple[Trade, bool]:
        """The trade with the venue's own id and time, and whether its message is to be sent."""
        spec, stamp_ms = trade.listing.spec, trade.time_ns // _MILLISECOND_NS
        of_time = (stamp_ms - self._ids_lag_ms) * _IDS_PER_MILLISECOND
        number = max(of_time, self._ids.get(spec.symbol, 0) + 1)
        self._ids[spec.symbol] = number
        told = trade._replace(trade_id=number, time_ns=stamp_ms * _MILLISECOND_NS)
        is_sent = self._record(
            told,
            f"trade:{spec.symbol}",
            price=texts.price(spec, trade.ticks),
            size=texts.size(spec, trade.lots),
        )
        return told, is_sent

    # -- in ---------------------------------------------------------------------------------------

    def accepts(self, target: str) -> bool:
        """The public stream."""
        return urlsplit(target).path == "/websocket/v1"

    def refuses_headers(self, headers: Mapping[str, str]) -> str:
        """With an Origin header one request in 10 s is allowed, which is as good as none."""
        return "an Origin header was sent" if "origin" in headers else ""

    def connected(self, client: Client, target: str) -> None:
        """Nothing is sent before the first request."""
        gone = self._requests_ns.keys() - self._hub.clients.keys()
        for each in gone:
            del self._requests_ns[each]

    def too_many_messages(self, client: Client) -> None:
        """The connection is closed; what the venue does is not known."""
        client.end(_NORMAL_CLOSURE, "")

    def request(self, client: Client, text: str) -> None:
        """Subscribe to the named codes alone, list the subscriptions, or answer a PING."""
        if self._exceeds_a_minute(client):
            self._hub.breach(client, f"more than {_MESSAGES_PER_MINUTE} messages in a minute")
            self.too_many_messages(client)
            return
        if text == "PING":
            self._hub.subscribe(client, _STATUS_TOPIC)
            return
        try:
            request = parse(text)
        except WrongRequestError as error:
            self._hub.breach(client, f"wrong request: {error}")
            client.reply(texts.error(error.name, error.message))
            client.end(_NORMAL_CLOSURE, "")
            return
        self._obey(client, request)

    def _obey(self, client: Client, request: Request) -> None:
        named = {wish.code for wish in request.wishes}
        if named & self._hub.faults.never_acked_symbols:
            return
        refused = sorted(w.code for w in request.wishes if self._refuses(w.code, w.kind))
        if refused:
            client.reply(texts.error("INVALID_PARAM", f"{refused[0]} 은 지원하지 않는 페어입니다."))
            self._refused(client)
            return
        if named and self._hub.faults.too_busy_for(*named):
            client.reply(texts.error("TOO_MANY_REQUEST", "too many requests"))
            self._refused(client)
            return
        client.variant = FORMATS.index(request.format)
        if request.lists:
            live = [(kind, self._codes(client, kind)) for kind in TYPES]
            listed = [(kind, codes) for kind, codes in live if codes]
            client.reply(texts.subscriptions(listed, request.ticket, client.variant))
            return
        for topic in list(client.topics):
            if topic != _STATUS_TOPIC:
                self._hub.unsubscribe(client, topic)
        listed_codes = {listing.spec.symbol for listing in self._market.active()}
        for wish in request.wishes:
            if wish.code not in listed_codes or not self._offers(wish.topic):
                continue
            if wish.realtime:
                self._hub.subscribe(client, wish.topic)
            if wish.snapshot:
                for greeting in self._greetings(wish, client.variant):
                    client.reply(greeting)

    def _greetings(self, wish: Wish, variant: int) -> list[bytes]:
        """The last message of a stream, told again; of a book perhaps once without a side."""
        code = wish.code
        if (before := self._said_before(wish.topic, variant)) is not None:
            return before
        if wish.kind == "trade":
            return [texts.trade(*self._trades[code], texts.SNAPSHOT, variant)]
        if wish.kind == "ticker":
            return [texts.ticker(*self._tickers[code], texts.SNAPSHOT, variant)]
        spec, state = self._market.listings[code].spec, self._books[code]
        (bids, asks), filling = parted((state.bids, state.asks), self._hub.next_hollow_sides())
        states = [] if filling is None else [attrs.evolve(state, bids=bids, asks=asks)]
        greeting = partial(texts.orderbook, spec, depth=wish.depth)
        return [greeting(each, texts.SNAPSHOT, variant) for each in (*states, state)]

    @staticmethod
    def _codes(client: Client, kind: str) -> list[str]:
        topics = (topic.partition(":") for topic in client.topics)
        return [code for name, _, code in topics if name == kind]

    def _exceeds_a_minute(self, client: Client) -> bool:
        now_ns = self._market.now_ns
        times = self._requests_ns.setdefault(client, deque(maxlen=_MESSAGES_PER_MINUTE))
        exceeds = len(times) == _MESSAGES_PER_MINUTE and now_ns - times[0] < _MINUTE_NS
        times.append(now_ns)
        return exceeds

    # -- REST -------------------------------------------------------------------------------------

    def rest(self, target: str) -> tuple[int, bytes]:
        """GET /v1/market/all, which leaves out what is no longer traded, trades/ticks, candles."""
        url = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if url.path == sheets.PATH:
            return sheets.answer(query, self._market.listings, self.candles)
        if url.path == pages.PATH:
            page = partial(self._page, newest=True)
            return pages.answer(query, self._market.listings, self._market.now_ns, page)
        if url.path == "/v1/market/all":
            markets = [texts.market(each) for each in self._listed() if each.active]
            return 200, msgspec.json.encode(markets)
        reason = {"name": "not_found", "message": "no Route matched with those values"}
        return 404, msgspec.json.encode({"error": reason})

    # -- garbage ----------------------------------------------------------------------------------

    def sample(self, rng: Random) -> bytes:
        """A sign of life."""
        return texts.UP

    def huge_integer(self, rng: Random) -> bytes:
        """A trade whose id has 26 digits."""
        trade, stamp_ms = self._trades[self._some_listing(rng).spec.symbol]
        huge = trade._replace(trade_id=rng.randrange(10**25, 10**26))
        return texts.trade(huge, stamp_ms, texts.REALTIME, 0)
