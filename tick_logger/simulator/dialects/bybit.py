"""Simulated Bybit v5: spot and linear, over one market.

Both paths are served; which one a client opened decides how its messages are written.  What differs
otherwise is the venue's own: how often it sends books and tickers, and whose ids of trades the
truth tells (`texts.trade_id`).

The best prices are sent when they change, and again with the same id after three quiet seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import msgspec

from tick_logger.simulator.dialects import bybit_candles as sheets
from tick_logger.simulator.dialects import bybit_pages as pages
from tick_logger.simulator.dialects import bybit_texts as texts
from tick_logger.simulator.dialects.base import POLICY_VIOLATION, Dialect, Rules, Words
from tick_logger.simulator.dialects.bybit_books import BestPrices, BookWindows
from tick_logger.simulator.dialects.bybit_listing import instruments_info
from tick_logger.simulator.dialects.bybit_recorded import BybitMessages
from tick_logger.simulator.dialects.bybit_requests import (
    BEST,
    MOST_ARGS,
    Request,
    channel_of,
    objection,
    symbol_of,
)
from tick_logger.simulator.faults import BINARY, TEXT
from tick_logger.simulator.hub import Client, Hub
from tick_logger.simulator.listing import Listing, Quote, Trade
from tick_logger.simulator.market import Market, MessageCost
from tick_logger.simulator.periods import Periodic
from tick_logger.simulator.rates import RateLimit
from tick_logger.simulator.symbols import BASES, SymbolSpec, spec_of, split_joined
from tick_logger.simulator.truth import Truth

_QUOTES = ("USDT", "USDC", "BTC", "EUR", "BRL", "TRY")
_PERPETUAL_IN_USDC = "PERP"
_PATHS = {f"/v5/public/{name}": variant for name, variant in texts.CATEGORIES.items()}
_MOST_CONNECTIONS, _CONNECTIONS_WITHIN_NS = 500, 300 * 10**9

# Documented: without ping and without data, a connection is cut after ten minutes.  Here it is a
# client that sends nothing, whatever it is sent.
_SILENCE_SECS = 600.0
_MESSAGES_PER_SECOND = 20  # no limit is documented: more than any decent client needs
_WORDS = Words(
    trades_path=pages.PATH,
    candles_path=sheets.PATH,
    channels={
        "ticker": "tickers",
        "trades": "publicTrade",
        "quotes": "orderbook.1",
        "orderbook": "orderbook.200",
    },
    trades_word=b'"topic":"publicTrade.',
    trades_place=("data",),
    price_of_trade="p",
    listing_place=("result", "list"),
    wrong_types='{"topic":"publicTrade.SYMBOL","type":"snapshot","ts":[],"data":'
    '[{"T":"soon","s":"SYMBOL","S":3,"v":[],"p":{},"i":null}]}',
    unknown_type='{"topic":"tomorrow.SYMBOL","type":"snapshot","ts":1,"data":{}}',
)


class BybitDialect(Dialect):
    """Bybit spot; linear clients are served as well."""

    name = "bybit"
    symbols: ClassVar[Sequence[str]] = (*(f"{base}USDT" for base in BASES), "ETHBTC")
    cost = MessageCost(trade=1.0, quote=1.0, batch=2.0)
    rules = Rules(
        messages_per_second=_MESSAGES_PER_SECOND,
        counted_opcodes=frozenset({TEXT, BINARY}),
        client_silence_secs=_SILENCE_SECS,
    )
    words = _WORDS
    recorded = BybitMessages()
    own_variant: ClassVar[int] = texts.SPOT
    book_period_us: ClassVar[int] = 200_000
    ticker_period_us: ClassVar[int] = 50_000

    def __init__(self, hub: Hub, market: Market, truth: Truth) -> None:
        super().__init__(hub, market, truth)
        self._books = Periodic(self.book_period_us, self.book_period_us)
        self._tickers = Periodic(self.ticker_period_us, self.ticker_period_us)
        self._last: dict[str, texts.Print] = {}
        self._told: dict[str, tuple[dict[str, str], dict[str, str]]] = {}  # ticker by variant
        self._best = BestPrices()
        self._windows = BookWindows()
        self._connects = RateLimit(_MOST_CONNECTIONS, _CONNECTIONS_WITHIN_NS)

    @staticmethod
    def spec(symbol: str) -> SymbolSpec:
        """What a symbol such as BTCUSDT, BTCPERP or BTCUSDT-25DEC26 stands for."""
        pair = symbol.partition("-")[0]
        if pair.endswith(_PERPETUAL_IN_USDC):
            return spec_of(symbol, pair.removesuffix(_PERPETUAL_IN_USDC), "USDC")
        return spec_of(symbol, *split_joined(pair, _QUOTES))

    # -- out --------------------------------------------------------------------------------------

    def open(self) -> None:
        """Tell the truth of each symbol's latest trade from before the start."""
        for symbol, listing in self._market.listings.items():
            if symbol not in self._last and listing.last_trade is not None:
                self._print(listing.last_trade)
                self._told[symbol] = self._ticker_fields(listing)
                self._best.begin(listing.quote(self._market.now_ns))

    def publish(self, events: Sequence[Trade | Quote]) -> None:
        """Send trades, those of one order in one message; all else is sent in its time."""
        order: list[Trade] = []
        for event in events:
            if isinstance(event, Trade):
                if order and event.taker_order != order[0].taker_order:
                    self._publish_order(order)
                    order = []
                order.append(event)
        if order:
            self._publish_order(order)

    def tick(self, elapsed_us: int) -> None:
        """Send the best prices, books and tickers that are due."""
        books, tickers = self._books.due(elapsed_us), self._tickers.due(elapsed_us)
        for listing in self._market.active():
            self._publish_best(listing, elapsed_us)
            if books and listing.book.changed:
                listing.book.fetch_changes()
                for levels in self._windows.deltas(listing, self._hub.wanted):
                    self._publish_book(levels)
            if tickers:
                self._publish_ticker(listing)

    def begin_ids_again(self) -> None:
        """Quotes begin at 1 as well, and so do books, with a snapshot."""
        super().begin_ids_again()
        self._best.begin_again()
        for levels in self._windows.begin_again(self._market.active(), self._hub.wanted):
            self._publish_book(levels)

    def listing_changed(self) -> None:
        """Nothing is pushed: instruments-info tells."""
        self.open()

    def _publish_order(self, order: Sequence[Trade]) -> None:
        symbol = order[0].listing.spec.symbol
        prints = [each for trade in order if (each := self._print(trade)) is not None]
        if prints:
            self._hub.publish(
                f"publicTrade.{symbol}", lambda variant: texts.trades(symbol, prints, variant)
            )

    def _print(self, trade: Trade) -> texts.Print | None:
        """Tell the truth about a trade; None if its message is withheld."""
        spec, variant = trade.listing.spec, self.own_variant
        before = self._last.get(spec.symbol)
        self._last[spec.symbol] = texts.Print(trade, texts.direction(before, trade.ticks))
        true = trade._replace(
            trade_id=texts.trade_id(trade, variant), time_ns=texts.millis(trade.time_ns) * 10**6
        )
        sent = self._record(
            true,
            f"publicTrade.{spec.symbol}",
            price=texts.price_text(spec, trade.ticks, variant),
            size=texts.size_text(spec, trade.lots, variant),
        )
        return self._last[spec.symbol] if sent else None

    def _publish_best(self, listing: Listing, elapsed_us: int) -> None:
        if self._best.due(listing.quote(self._market.now_ns), elapsed_us):
            self._hub.publish(BEST + listing.spec.symbol, partial(self._best_levels, listing))

    def _best_levels(self, listing: Listing, variant: int) -> bytes:
        return texts.book(*self._best.levels(listing), variant)

    def _publish_book(self, levels: texts.Levels) -> None:
        self._hub.publish(levels.topic, partial(texts.book, levels, self._market.now_ns))

    def _publish_ticker(self, listing: Listing) -> None:
        symbol, now_ns = listing.spec.symbol, self._market.now_ns
        before, now = self._told[symbol], self._ticker_fields(listing)
        if now[self.own_variant] == before[self.own_variant]:
            return
        self._told[symbol] = now
        sent = (now[texts.SPOT], texts.changed(before[texts.LINEAR], now[texts.LINEAR]))
        kinds = ("snapshot", "delta")
        self._hub.publish(
            f"tickers.{symbol}",
            lambda variant: texts.ticker(listing, sent[variant], kinds[variant], now_ns, variant),
        )

    def _ticker_fields(self, listing: Listing) -> tuple[dict[str, str], dict[str, str]]:
        """By variant."""
        last, now_ns = self._last[listing.spec.symbol], self._market.now_ns
        spot = texts.spot_fields(listing, last.trade)
        return spot, texts.linear_fields(listing, last, listing.quote(now_ns), now_ns)

    # -- in ---------------------------------------------------------------------------------------

    def accepts(self, target: str) -> bool:
        """/v5/public/spot and /v5/public/linear; what was recorded is of one of them."""
        variant = _PATHS.get(urlsplit(target).path)
        return variant is not None and (self._hub.recorded is None or variant == self.own_variant)

    def connected(self, client: Client, target: str) -> None:
        """Note the category, and that there are not too many connections."""
        client.variant = _PATHS[urlsplit(target).path]
        if self._connects.exceeded(self._market.now_ns):
            self._hub.breach(client, f"more than {_MOST_CONNECTIONS} connections in 5 minutes")
            client.end(POLICY_VIOLATION, "too many connections")

    def too_many_messages(self, client: Client) -> None:
        """The connection is closed."""
        client.end(POLICY_VIOLATION, "too many messages")

    def request(self, client: Client, text: str) -> None:
        """Subscribe, unsubscribe or ping."""
        try:
            request = msgspec.json.decode(text, type=Request)
        except (msgspec.DecodeError, RecursionError) as error:
            self._hub.breach(client, f"malformed request: {error}")
            self._answer(client, Request(""), "Failed to decode incoming data")
            return
        if request.op == "ping":
            client.reply(texts.pong(client.name, request.req_id, client.variant))
        elif {symbol_of(topic) for topic in request.args} & self._hub.faults.never_acked_symbols:
            return
        elif request.op == "subscribe":
            self._subscribe(client, request)
        elif request.op == "unsubscribe":
            self._unsubscribe(client, request)
        else:
            self._hub.breach(client, f"malformed request: op {request.op}")
            self._answer(client, request, "error:invalid op")

    def _subscribe(self, client: Client, request: Request) -> None:
        trading = {listing.spec.symbol for listing in self._market.active()}
        if self._hub.faults.too_busy_for(*map(symbol_of, request.args)):
            self._answer(client, request, "Too many visits!")
            self._refused(client)
            return
        by_fault = {t for t in request.args if self._refuses(symbol_of(t), channel_of(t), t)}
        refusal = objection(request, trading, client.topics, client.variant, by_fault)
        if refusal is not None:
            if refusal.breach:
                self._hub.breach(client, refusal.breach)
            self._answer(client, request, refusal.reason)
            if by_fault:
                self._refused(client)
            return
        greetings = [self._greet(topic, client.variant) for topic in request.args]
        for topic in request.args:
            self._hub.subscribe(client, topic)
        # As recorded: on linear the first messages overtake the answer.
        answer = self._answer_text(client, request, "")
        if client.variant == texts.SPOT:
            self._acknowledge(client, answer)
        for topic, messages in zip(request.args, greetings, strict=True):
            if not self._keeps_snapshot(symbol_of(topic), channel_of(topic)):
                for greeting in messages:
                    client.reply(greeting)
        if client.variant == texts.LINEAR:
            self._acknowledge(client, answer)

    def _unsubscribe(self, client: Client, request: Request) -> None:
        if len(request.args) > MOST_ARGS:
            self._hub.breach(client, f"{len(request.args)} args in one request")
            self._answer(client, request, "args size >10")
            return
        for topic in request.args:
            self._hub.unsubscribe(client, topic)
        self._answer(client, request, "")

    def _answer(self, client: Client, request: Request, refusal: str) -> None:
        client.reply(self._answer_text(client, request, refusal))

    @staticmethod
    def _answer_text(client: Client, request: Request, refusal: str) -> bytes:
        return texts.answer(client.name, request.op, refusal, request.req_id, client.variant)

    def _greet(self, topic: str, variant: int) -> list[bytes]:
        """The first messages to a new subscriber: all but trades begin with a snapshot."""
        if (before := self._said_before(topic, variant)) is not None:
            return before
        listing, now_ns = self._market.listings[symbol_of(topic)], self._market.now_ns
        if topic.startswith("tickers."):
            told = self._told[listing.spec.symbol][variant]
            return [texts.ticker(listing, told, "snapshot", now_ns, variant)]
        if topic.startswith("publicTrade."):
            return []
        if topic.startswith(BEST):
            return [self._best_levels(listing, variant)]
        if not self._hub.wanted(topic):  # else the deltas of others go on from what they have
            self._windows.begin(listing, topic)
        parts = self._windows.begun(listing, topic, self._hub.next_hollow_sides())
        return [texts.book(part, now_ns, variant) for part in parts]

    # -- REST -------------------------------------------------------------------------------------

    def rest(self, target: str) -> tuple[int, bytes]:
        """GET /v5/market/instruments-info?category=&limit=&cursor=, recent-trade, kline."""
        url = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if url.path == pages.PATH:
            page = partial(self._page, newest=True)
            return 200, pages.answer(query, self._market, self.own_variant, page)
        if url.path == sheets.PATH:
            return 200, sheets.answer(query, self._market, self.own_variant, self.candles)
        if url.path != "/v5/market/instruments-info":
            return 404, b'{"retCode":404,"retMsg":"Not found","result":{}}'
        return instruments_info(self._listed(), query, self._market.now_ns)

    # -- garbage ----------------------------------------------------------------------------------

    def sample(self, rng: Random) -> bytes:
        """The best prices, once more."""
        return self._best_levels(self._some_listing(rng), self.own_variant)

    def huge_integer(self, rng: Random) -> bytes:
        """A trade whose id has 26 digits, on either category."""
        symbol = self._some_listing(rng).spec.symbol
        sent = texts.trades(symbol, [self._last[symbol]], texts.SPOT)
        true = str(texts.trade_id(self._last[symbol].trade, texts.SPOT))
        return sent.replace(true.encode(), str(rng.randrange(10**25, 10**26)).encode())


class BybitLinearDialect(BybitDialect):
    """Bybit linear, as a venue of its own: perpetuals and a dated future."""

    name = "bybit_linear"
    symbols: ClassVar[Sequence[str]] = (
        *(f"{base}USDT" for base in BASES[:-1]),
        "BTCPERP",
        "BTCUSDT-25DEC26",
    )
    own_variant: ClassVar[int] = texts.LINEAR
    book_period_us: ClassVar[int] = 100_000
    ticker_period_us: ClassVar[int] = 100_000
