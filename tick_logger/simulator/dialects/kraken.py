"""Simulated Kraken spot: WebSocket v2, and the listing.

The fills of one order come in one message.  A withheld trade is left out of it, and of snapshots:
only the day's count in the tickers still tells of it.  Each checksum is that of the book which a
client holds after the message.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from random import Random
from typing import ClassVar
from urllib.parse import urlsplit

from tick_logger.simulator.book import Sides
from tick_logger.simulator.dialects import kraken_candles as sheets
from tick_logger.simulator.dialects import kraken_pages as pages
from tick_logger.simulator.dialects import kraken_texts as texts
from tick_logger.simulator.dialects.base import Dialect, Rules, Words
from tick_logger.simulator.dialects.kraken_books import View, begun, changed
from tick_logger.simulator.dialects.kraken_recorded import KrakenMessages
from tick_logger.simulator.dialects.kraken_requests import (
    DEPTHS,
    RefusedRequestError,
    Request,
    parse,
    topic_of,
)
from tick_logger.simulator.faults import BINARY, TEXT
from tick_logger.simulator.hub import Client, Hub
from tick_logger.simulator.listing import Listing, Quote, Trade
from tick_logger.simulator.market import Market, MessageCost
from tick_logger.simulator.periods import Periodic
from tick_logger.simulator.rates import RateLimit
from tick_logger.simulator.symbols import BASES, SymbolSpec, spec_of
from tick_logger.simulator.truth import Truth
from tick_logger.simulator.wire import frame

_BOOK_PERIOD_US = 50_000
_HEARTBEAT_AFTER_US = 1_000_000
_SNAPSHOT_TRADES = 50
_MOST_CONNECTS, _CONNECTS_WINDOW_NS = 150, 600 * 10**9
_ALL_SIZE_DECIMALS = 8
_TOO_FAST = "Exceeded msg rate"
_WORDS = Words(
    trades_path=pages.PATH,
    candles_path=sheets.PATH,
    channels={
        "ticker": "ticker",
        "trades": "trade",
        "quotes": "ticker",
        "orderbook": "book",
    },
    trades_word=b'"channel":"trade"',
    trades_place=("data",),
    listing_place=("result",),
    name_in_listing="wsname",
    wrong_types='{"channel":"trade","type":"update","data":[{"symbol":"SYMBOL","side":3,'
    '"price":{},"qty":[],"ord_type":"limit","trade_id":"seven","timestamp":17}]}',
    unknown_type='{"channel":"tomorrow","type":"update","data":[{"symbol":"SYMBOL"}]}',
)


class KrakenDialect(Dialect):
    """Kraken over one market: the channels ticker, trade and book."""

    name = "kraken"
    symbols: ClassVar[Sequence[str]] = (*(f"{base}/USD" for base in BASES), "ETH/BTC")
    words = _WORDS
    recorded = KrakenMessages()
    cost = MessageCost(trade=1.0, quote=1.0, steady_per_symbol=0.0)
    rules = Rules(
        messages_per_second=15,  # not documented; more than that at once was seen to be refused
        counted_opcodes=frozenset({TEXT, BINARY}),
        client_silence_secs=60.0,
    )

    def __init__(self, hub: Hub, market: Market, truth: Truth) -> None:
        super().__init__(hub, market, truth)
        self._books = Periodic(_BOOK_PERIOD_US, _BOOK_PERIOD_US)
        self._views: dict[str, View] = {}  # by topic
        self._last: dict[str, Trade] = {}
        self._told: dict[str, deque[Trade]] = {}  # what a snapshot of trades may hold
        self._heard_us: dict[Client, int] = {}  # when clients were last sent something
        self._elapsed_us = 0
        self._connects = RateLimit(_MOST_CONNECTS, _CONNECTS_WINDOW_NS)
        self._banned_until_ns = 0
        self._ids = Random("connections")

    @staticmethod
    def spec(symbol: str) -> SymbolSpec:
        """What a pair such as BTC/USD stands for; sizes of all pairs have eight decimals."""
        base, _, quote = symbol.partition("/")
        return spec_of(symbol, base, quote or "USD", extra_size_decimals=_ALL_SIZE_DECIMALS)

    # -- out --------------------------------------------------------------------------------------

    def open(self) -> None:
        """Tell the truth of each pair's latest trade from before the start."""
        for listing in self._market.listings.values():
            symbol, last = listing.spec.symbol, listing.last_trade
            if symbol not in self._last and last is not None:
                self._last[symbol] = last
                told = [last] if self._tell_truth(last) else []
                self._told[symbol] = deque(told, _SNAPSHOT_TRADES)

    def publish(self, events: Sequence[Trade | Quote]) -> None:
        """Send the fills of each order in one message, and the tickers that events cause."""
        for _, same in groupby(events, lambda e: e.taker_order if isinstance(e, Trade) else -1):
            group = list(same)
            fills = [event for event in group if isinstance(event, Trade)]
            if fills:
                self._publish_trades(fills)
            for event in group:
                self._publish_ticker(event)

    def tick(self, elapsed_us: int) -> None:
        """Send the book changes and the heartbeats that are due."""
        self._elapsed_us = elapsed_us
        if self._books.due(elapsed_us):
            for listing in self._market.listings.values():
                if listing.book.changed:
                    listing.book.fetch_changes()  # each depth has changes of its own
                    self._publish_books(listing)
        self.keep_alive(elapsed_us)

    def keep_alive(self, elapsed_us: int) -> None:
        """Send heartbeats to those who were sent nothing for a while."""
        self._elapsed_us = elapsed_us
        for client in list(self._hub.clients):  # delivering may end a session
            silent = elapsed_us - self._heard_us.get(client, 0) >= _HEARTBEAT_AFTER_US
            if client.topics and silent:
                client.deliver(frame(self.opcode, texts.HEARTBEAT))
                self._heard_us[client] = elapsed_us
        self._heard_us = {c: us for c, us in self._heard_us.items() if c in self._hub.clients}

    def listing_changed(self) -> None:
        """Nothing is pushed: AssetPairs tells."""
        self.open()

    def announce_shutdown(self) -> int:
        """Send the notice of the proxy before the venue, which is no JSON, to every connection."""
        for client in list(self._hub.clients):
            client.reply(texts.PROXY_NOTICE)
        return len(self._hub.clients)

    def _publish_trades(self, fills: Sequence[Trade]) -> None:
        spec = fills[0].listing.spec
        sent = [fill for fill in fills if self._tell_truth(fill)]
        self._told[spec.symbol].extend(sent)
        if sent:
            topic = topic_of("trade", "", spec.symbol)
            self._publish(topic, lambda _: texts.trades("update", spec, sent))

    def _publish_ticker(self, event: Trade | Quote) -> None:
        """With each trade for some, with each change of the best prices for others."""
        symbol = event.listing.spec.symbol
        if isinstance(event, Trade):
            self._last[symbol], trigger, quote = event, "trades", event.quote
        else:
            trigger, quote = "bbo", event
        last, topic = self._last[symbol], topic_of("ticker", trigger, symbol)
        self._publish(topic, lambda _: texts.ticker("update", quote, last))

    def _publish_books(self, listing: Listing) -> None:
        for depth in DEPTHS:
            topic = topic_of("book", depth, listing.spec.symbol)
            view = self._views.get(topic)
            if view is None:
                continue
            if not self._hub.wanted(topic):
                del self._views[topic]
                continue
            bids, asks = view.follow(listing, self._market.now_ns)
            if bids or asks:
                self._publish_book(topic, listing.spec, (bids, asks), view)

    def _publish_book(self, topic: str, spec: SymbolSpec, changes: Sides, view: View) -> None:
        message = changed(spec, changes, view, self._hub)
        self._publish(topic, lambda _: message)

    def _publish(self, topic: str, encode: Callable[[int], bytes]) -> None:
        for client in self._hub.clients:
            if topic in client.topics:
                self._heard_us[client] = self._elapsed_us
        self._hub.publish(topic, encode)

    def _tell_truth(self, trade: Trade) -> bool:
        spec = trade.listing.spec
        price, size = spec.price(trade.ticks), spec.size(trade.lots)
        return self._record(trade, topic_of("trade", "", spec.symbol), price=price, size=size)

    # -- in ---------------------------------------------------------------------------------------

    def accepts(self, target: str) -> bool:
        """Version 2 has a path of its own."""
        return urlsplit(target).path.rstrip("/") == "/v2"

    def refuses_headers(self, headers: Mapping[str, str]) -> str:
        """No header is refused; but an address that connects too often is banned for a while."""
        now_ns = self._market.now_ns
        if self._connects.exceeded(now_ns):
            self._banned_until_ns = now_ns + _CONNECTS_WINDOW_NS
        banned = now_ns < self._banned_until_ns
        return f"more than {_MOST_CONNECTS} connects in ten minutes" if banned else ""

    def connected(self, client: Client, target: str) -> None:
        """The venue says how it is; the number of a connection is larger than most integers."""
        self._heard_us[client] = self._elapsed_us
        client.reply(texts.status(self._ids.randrange(2**63, 2**64)))

    def too_many_messages(self, client: Client) -> None:
        """The request is refused; the connection stays."""
        self._answer(client, error=_TOO_FAST, success=False)

    def request(self, client: Client, text: str) -> None:
        """Subscribe, unsubscribe or ping."""
        try:
            request = parse(text)
        except RefusedRequestError as refused:
            self._hub.breach(client, f"malformed request: {refused.error}")
            method, req_id = refused.method or None, refused.req_id
            self._answer(client, error=refused.error, method=method, req_id=req_id, success=False)
            return
        if set(request.symbols) & self._hub.faults.never_acked_symbols:
            return
        if request.method == "ping":
            self._answer(client, method="pong", req_id=request.req_id)
        elif request.method == "subscribe":
            self._subscribe(client, request)
        else:
            self._unsubscribe(client, request)

    def _subscribe(self, client: Client, request: Request) -> None:
        """Answer for each symbol, then greet with what was asked for."""
        online = {listing.spec.symbol for listing in self._market.active()}
        begun = []
        for symbol in request.symbols:
            busy = self._hub.faults.too_busy_for(symbol)
            unknown = f"Currency pair not supported {symbol}"
            if busy or self._refuses(symbol, request.channel, request.topic(symbol)):
                self._refuse(client, request, symbol, _TOO_FAST if busy else unknown)
                self._refused(client)
            elif symbol not in online:
                self._refuse(client, request, symbol, unknown)
            elif any(_same(topic, request.channel, symbol) for topic in client.topics):
                self._refuse(client, request, symbol, "Already subscribed")
            else:
                begun.append(symbol)
                self._hub.subscribe(client, request.topic(symbol))
                if not self._hub.loses_next_acknowledgement():
                    self._confirm(client, request, symbol, snapshot=request.snapshot)
        for symbol in begun:
            listing = self._market.listings[symbol]
            greetings = self._greetings(request, listing)  # a book is followed from here on
            kept = self._keeps_snapshot(listing.spec.symbol, request.channel)
            for greeting in greetings if request.snapshot and not kept else ():
                client.reply(greeting)

    def _greetings(self, request: Request, listing: Listing) -> list[bytes]:
        """The first messages to a new subscriber."""
        symbol, spec = listing.spec.symbol, listing.spec
        if (before := self._said_before(request.topic(symbol), 0)) is not None:
            return before
        if request.channel == "ticker":
            now_ns = self._market.now_ns
            return [texts.ticker("snapshot", listing.quote(now_ns), self._last[symbol])]
        if request.channel == "trade":
            told = self._told[symbol]
            return [texts.trades("snapshot", spec, told)] if told else []
        topic, depth = request.topic(symbol), int(request.own["depth"])
        view = self._views.get(topic)
        if view is None:
            view = self._views[topic] = View.of(listing, depth, self._market.now_ns)
        return begun(spec, view, self._hub)

    def _unsubscribe(self, client: Client, request: Request) -> None:
        for symbol in request.symbols:
            if (topic := request.topic(symbol)) not in client.topics:
                self._refuse(client, request, symbol, "Subscription Not Found")
                continue
            self._hub.unsubscribe(client, topic)
            if not self._hub.wanted(topic):
                self._views.pop(topic, None)
            self._confirm(client, request, symbol)

    def _confirm(self, client: Client, request: Request, symbol: str, **more: bool) -> None:
        result = {"channel": request.channel, **request.own, **more, "symbol": symbol}
        self._answer(
            client, method=request.method, req_id=request.req_id, result=result, success=True
        )

    def _refuse(self, client: Client, request: Request, symbol: str, error: str) -> None:
        named = {"method": request.method, "req_id": request.req_id, "symbol": symbol}
        self._answer(client, error=error, **named, success=False)

    def _answer(self, client: Client, **fields: object) -> None:
        self._heard_us[client] = self._elapsed_us
        client.reply(texts.answer(self._market.now_ns, **fields))

    # -- REST -------------------------------------------------------------------------------------

    def rest(self, target: str) -> tuple[int, bytes]:
        """GET /0/public/AssetPairs, /0/public/Trades and /0/public/OHLC."""
        url = urlsplit(target)
        if url.path == "/0/public/AssetPairs":
            return 200, texts.asset_pairs(self._listed())
        if url.path == pages.PATH:
            return 200, pages.answer(url.query, self._market.listings, self._page)
        sheet = sheets.answer(url, self._market, self.candles)
        return 200, sheet or texts.error("EGeneral:Unknown method")

    # -- garbage ----------------------------------------------------------------------------------

    def sample(self, rng: Random) -> bytes:
        """A heartbeat."""
        return texts.HEARTBEAT

    def huge_integer(self, rng: Random) -> bytes:
        """A trade whose id has 26 digits."""
        spec = self._some_listing(rng).spec
        huge = self._last[spec.symbol]._replace(trade_id=rng.randrange(10**25, 10**26))
        return texts.trades("update", spec, [huge])


def _same(topic: str, channel: str, symbol: str) -> bool:
    """Whether a subscription is of this channel and symbol, whatever else was asked for."""
    return topic.partition(":")[0] == channel and topic.rpartition(":")[2] == symbol
