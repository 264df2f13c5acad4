"""Simulated Coinbase Advanced Trade feed.

A ticker is sent at once for each trade and each change of the best prices; trades every 250 ms and
book changes every 50 ms, one message per product.  Every message has its number on its connection,
over all channels; a withheld trade is a message that was lost on its way, so that its number is
missing, and later snapshots of trades tell of it.
"""

from __future__ import annotations

import itertools
import operator
from collections import deque
from collections.abc import Sequence
from functools import partial
from random import Random
from typing import ClassVar
from urllib.parse import urlsplit

from tick_logger.simulator.dialects import coinbase_advanced_texts as texts
from tick_logger.simulator.dialects import coinbase_candles as sheets
from tick_logger.simulator.dialects import coinbase_pages as pages
from tick_logger.simulator.dialects.base import Dialect, Rules, Words
from tick_logger.simulator.dialects.coinbase_advanced_recorded import (
    NAMED,
    CoinbaseAdvancedMessages,
    numbered,
)
from tick_logger.simulator.dialects.coinbase_advanced_requests import (
    HEARTBEATS,
    PRODUCT_CHANNELS,
    RefusedRequestError,
    Request,
    by_channel,
    parse,
    topic,
)
from tick_logger.simulator.faults import BINARY, TEXT
from tick_logger.simulator.hub import Client, Hub
from tick_logger.simulator.listing import Listing, Quote, Trade
from tick_logger.simulator.market import Market, MessageCost
from tick_logger.simulator.periods import Periodic
from tick_logger.simulator.symbols import BASES, SymbolSpec, plain, spec_of
from tick_logger.simulator.truth import Truth

_TRADES_PERIOD_US = 250_000
_BOOK_PERIOD_US = 50_000
_HEARTBEAT_PERIOD_US = 1_000_000
_QUIET_US = 90_000_000
"""Without heartbeats, a channel is closed after so long without a message (60 to 90 s)."""

_NEWEST_TRADES = 100
"""In a snapshot of trades."""

_TOO_MANY = "rate limit exceeded"

_FIRST_COUNTER = 41_690
"""Heartbeats count since the start of a program of the venue, not since that of a connection."""

_STAMP_STEP_NS = 37
"""Between messages of one moment: no two have the same time, as no two have in recordings."""

_ALIAS_QUOTE = "USDC"
_NOWHERE = 404, b'{"error":"NOT_FOUND","error_details":"","message":"no such address"}'
_WORDS = Words(
    channels={
        "ticker": "ticker",
        "trades": "market_trades",
        "orderbook": "level2",
    },
    trades_word=b'"channel":"market_trades"',
    trades_place=("events", "trades"),
    listing_place=("products",),
    name_in_listing="product_id",
    trades_path=pages.PATH,
    candles_path=sheets.PATH,
    leaves_out_candles=True,
    wrong_types='{"channel":"market_trades","timestamp":17,"sequence_num":"seven","events":'
    '[{"type":"update","trades":[{"product_id":"SYMBOL","trade_id":"seven",'
    '"price":{},"size":[],"time":17,"side":3}]}]}',
    unknown_type='{"channel":"tomorrow","events":[{"product_id":"SYMBOL"}]}',
)


class _Connections:
    """Each connection's next number, and when each of its channels last had a message.

    A connection is known by its `variant`, so that each gets an encoding of its own.
    """

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._numbers: dict[int, int] = {}
        self._heard_us: dict[int, dict[str, int]] = {}

    def open(self, client: Client, others: Sequence[Client]) -> None:
        """A new connection; those that are not among the others are gone."""
        known = {other.variant for other in others}
        self._numbers = {key: n for key, n in self._numbers.items() if key in known}
        self._heard_us = {key: each for key, each in self._heard_us.items() if key in known}
        client.variant = next(self._ids)
        self._numbers[client.variant] = 0
        self._heard_us[client.variant] = {}

    def take_number(self, connection: int) -> int:
        """The number of one message more."""
        self._numbers[connection] += 1
        return self._numbers[connection] - 1

    def note(self, connection: int, channel: str, now_us: int) -> None:
        """A channel has a message, or begins."""
        self._heard_us[connection][channel] = now_us

    def quiet_channels(self, connection: int, now_us: int) -> list[str]:
        """The channels without a message for too long."""
        heard = self._heard_us[connection].items()
        return [channel for channel, at_us in heard if now_us - at_us > _QUIET_US]

    def close(self, connection: int, channel: str) -> None:
        """A channel ends."""
        self._heard_us[connection].pop(channel, None)


class CoinbaseAdvancedDialect(Dialect):
    """The Advanced Trade market data feed over one market."""

    name = "coinbase_advanced"
    symbols: ClassVar[Sequence[str]] = (*(f"{base}-USD" for base in BASES), "BTC-EUR")
    words = _WORDS
    recorded = CoinbaseAdvancedMessages()
    cost = MessageCost(trade=1.1, quote=1.0, steady_per_symbol=0.0)
    rules = Rules(
        messages_per_second=8,
        counted_opcodes=frozenset({TEXT, BINARY}),
        first_request_secs=5.0,
        client_silence_secs=29.0,  # reported by others; the documentation says nothing of it
    )

    def __init__(self, hub: Hub, market: Market, truth: Truth) -> None:
        super().__init__(hub, market, truth)
        self._trades_due = Periodic(_TRADES_PERIOD_US, _TRADES_PERIOD_US)
        self._books_due = Periodic(_BOOK_PERIOD_US, _BOOK_PERIOD_US)
        self._heartbeats_due = Periodic(_HEARTBEAT_PERIOD_US, _HEARTBEAT_PERIOD_US)
        self._connections = _Connections()
        self._newest: dict[str, deque[Trade]] = {}
        self._unsent: dict[str, list[tuple[bool, Trade]]] = {}  # whether it is to be sent
        self._heartbeats = _FIRST_COUNTER
        self._stamp_ns = 0
        self._now_us = 0

    @staticmethod
    def spec(symbol: str) -> SymbolSpec:
        """What a product id such as BTC-USD stands for."""
        base, _, quote = symbol.partition("-")
        return spec_of(symbol, base, quote or "USD", extra_size_decimals=3)

    # -- out --------------------------------------------------------------------------------------

    def open(self) -> None:
        """Tell the truth of each product's latest trade from before the start."""
        for listing in self._market.listings.values():
            if listing.spec.symbol not in self._newest and listing.last_trade is not None:
                self._newest[listing.spec.symbol] = deque(maxlen=_NEWEST_TRADES)
                self._tell_truth(listing.last_trade)

    def publish(self, events: Sequence[Trade | Quote]) -> None:
        """Send tickers, and keep trades until they are due."""
        for event in events:
            symbol = event.listing.spec.symbol
            if isinstance(event, Trade):
                sent = self._tell_truth(event)
                self._unsent.setdefault(symbol, []).append((sent, event))
            if self._hub.wanted(topic("ticker", symbol)):
                self._publish("ticker", symbol, self._ticker("update", event))

    def tick(self, elapsed_us: int) -> None:
        """Send the trades, book changes and heartbeats that are due."""
        self._now_us = elapsed_us
        if self._trades_due.due(elapsed_us):
            for symbol in list(self._unsent):
                self._send_trades(symbol)
        if self._books_due.due(elapsed_us):
            for listing in self._market.listings.values():
                if listing.book.changed:
                    self._send_book(listing)
        self.keep_alive(elapsed_us)

    def keep_alive(self, elapsed_us: int) -> None:
        """Send the heartbeats that are due; channels of what was recorded stay open."""
        self._now_us = elapsed_us
        if self._heartbeats_due.due(elapsed_us):
            self._heartbeats += 1
            beat = texts.heartbeat(self._market.now_ns, self._heartbeats)
            self._publish(HEARTBEATS, "", beat)
            if self._hub.recorded is None:
                self._close_quiet_channels()

    def adapted(self, payload: bytes, variant: int) -> bytes:
        """With the number that is next on the connection."""
        return numbered(payload, partial(self._connections.take_number, variant))

    def listing_changed(self) -> None:
        """The listing is read by REST only."""
        self.open()

    def _send_trades(self, symbol: str) -> None:
        """The trades since the last time; one that is withheld is a message of its own."""
        unsent = self._unsent.pop(symbol, [])
        for sent, group in itertools.groupby(unsent, key=operator.itemgetter(0)):
            trades = [trade for _, trade in group]
            if sent:
                event = texts.market_trades("update", symbol, trades)
                self._publish("market_trades", symbol, event)
            else:
                for _ in trades:
                    self._lose(topic("market_trades", symbol))

    def _send_book(self, listing: Listing) -> None:
        symbol, changes = listing.spec.symbol, listing.book.fetch_changes()
        if (changes.bids or changes.asks) and self._hub.wanted(topic("level2", symbol)):
            when = texts.time_text(self._market.now_ns)
            self._publish("level2", symbol, texts.update(listing.spec, changes, when))

    def _ticker(self, kind: str, event: Trade | Quote) -> str:
        """With the best prices after the event, and the price of the latest trade until then."""
        quote = event.quote if isinstance(event, Trade) else event
        latest = self._newest[event.listing.spec.symbol][-1]
        return texts.ticker(kind, quote, latest.ticks)

    def _publish(self, channel: str, product: str, event: str) -> None:
        """Send an event to its subscribers, to each with the number that it has there."""
        when = self._stamp()

        def encode(connection: int) -> bytes:
            self._connections.note(connection, channel, self._now_us)
            number = self._connections.take_number(connection)
            return texts.envelope(NAMED.get(channel, channel), when, number, event)

        self._hub.publish(topic(channel, product), encode)

    def _reply(self, client: Client, channel: str, event: str) -> None:
        number = self._connections.take_number(client.variant)
        channel = NAMED.get(channel, channel)
        client.reply(texts.envelope(channel, self._stamp(), number, event))

    def _lose(self, lost_topic: str) -> None:
        """Number a message that reaches nobody."""
        for client in self._hub.clients:
            if lost_topic in client.topics:
                self._connections.take_number(client.variant)

    def _stamp(self) -> str:
        """The time of a message, later than that of any before."""
        self._stamp_ns = max(self._stamp_ns + _STAMP_STEP_NS, self._market.now_ns)
        return texts.time_text(self._stamp_ns)

    def _close_quiet_channels(self) -> None:
        for client in list(self._hub.clients):
            if topic(HEARTBEATS, "") in client.topics:
                continue
            for channel in self._connections.quiet_channels(client.variant, self._now_us):
                secs = _QUIET_US // 10**6
                self._hub.breach(client, f"{channel} closed: quiet for {secs} s, no heartbeats")
                self._connections.close(client.variant, channel)
                for each in list(client.topics):
                    if each.startswith(topic(channel, "")):
                        self._hub.unsubscribe(client, each)

    def _tell_truth(self, trade: Trade) -> bool:
        """Remember a trade; whether it is to be sent."""
        spec = trade.listing.spec
        self._newest[spec.symbol].append(trade)
        return self._record(
            trade,
            topic("market_trades", spec.symbol),
            price=plain(spec.price(trade.ticks)),
            size=plain(spec.size(trade.lots)),
        )

    # -- in ---------------------------------------------------------------------------------------

    def accepts(self, target: str) -> bool:
        """The feed lives at the root."""
        return urlsplit(target).path in ("", "/")

    def connected(self, client: Client, target: str) -> None:
        """Nothing is sent before the first request."""
        self._connections.open(client, list(self._hub.clients))

    def too_many_messages(self, client: Client) -> None:
        """The request is refused; the connection stays."""
        client.reply(texts.error(_TOO_MANY))

    def request(self, client: Client, text: str) -> None:
        """Subscribe or unsubscribe, wholly or not at all."""
        faults = self._hub.faults
        online = {listing.spec.symbol for listing in self._market.active()}
        try:
            request = parse(text, online)
        except RefusedRequestError as error:
            if error.breach:
                self._hub.breach(client, error.breach)
            client.reply(texts.error(str(error)))
            return
        objection = self._objection(request)
        if objection:
            client.reply(texts.error(objection))
            self._refused(client)
            return
        if faults.never_acked_symbols.intersection(request.products):
            return
        if request.subscribe:
            self._subscribe(client, request.channel, request.products)
        else:
            for each in request.topics:
                self._hub.unsubscribe(client, each)
            if request.channel not in by_channel(client.topics):
                self._connections.close(client.variant, request.channel)
        if not request.subscribe or not self._hub.loses_next_acknowledgement():
            self._reply(client, "subscriptions", texts.subscriptions(by_channel(client.topics)))

    def _objection(self, request: Request) -> str:
        """What a fault refuses a request with."""
        if request.signed and self._hub.faults.rejects_tokens:
            return "authentication failure"
        if not request.subscribe or request.channel not in PRODUCT_CHANNELS:
            return ""
        for product in request.products:
            if product in self._hub.faults.refused_symbols:
                return f"{product} is not a valid product"
            if self._refuses(product, request.channel, topic(request.channel, product)):
                return f"{request.channel} is not a valid channel"
        return _TOO_MANY if self._hub.faults.too_busy_for(*request.products) else ""

    def _subscribe(self, client: Client, channel: str, products: Sequence[str]) -> None:
        """As recorded: the snapshots come before the acknowledgement."""
        self._connections.note(client.variant, channel, self._now_us)
        fresh = [each for each in products or ("",) if topic(channel, each) not in client.topics]
        for product in fresh:
            if channel == "market_trades":  # those that the snapshot will name are not news
                self._send_trades(product)
            self._hub.subscribe(client, topic(channel, product))
            if channel in PRODUCT_CHANNELS and not self._keeps_snapshot(product, channel):
                before = self._said_before(topic(channel, product), client.variant)
                for payload in before or ():
                    client.reply(payload)
                for event in self._greetings(channel, product) if before is None else ():
                    self._reply(client, channel, event)

    def _greetings(self, channel: str, product: str) -> list[str]:
        listing, now_ns = self._market.listings[product], self._market.now_ns
        if channel == "market_trades":
            return [texts.market_trades("snapshot", product, self._newest[product])]
        if channel == "ticker":
            return [self._ticker("snapshot", listing.quote(now_ns))]
        return texts.begin(listing, self._hub.next_hollow_sides(), texts.time_text(now_ns))

    # -- REST -------------------------------------------------------------------------------------

    def rest(self, target: str) -> tuple[int, bytes]:
        """GET /api/v3/brokerage/market/products, and trades and candles of the Exchange."""
        if urlsplit(target).path == "/api/v3/brokerage/market/products":
            return 200, texts.products(self._listed(), _ALIAS_QUOTE)
        return sheets.past(target, self._market.listings, self._page, self.candles) or _NOWHERE

    # -- garbage ----------------------------------------------------------------------------------

    def sample(self, rng: Random) -> bytes:
        """A heartbeat without a number, which would tell of messages that are missing."""
        beat = texts.heartbeat(self._market.now_ns, self._heartbeats)
        when = texts.time_text(self._market.now_ns)
        return f'{{"channel":"heartbeats","timestamp":"{when}","events":[{beat}]}}'.encode()

    def huge_integer(self, rng: Random) -> bytes:
        """A trade whose id has 26 digits."""
        symbol = self._some_listing(rng).spec.symbol
        when = texts.time_text(self._market.now_ns)
        return (
            f'{{"channel":"market_trades","timestamp":"{when}","events":'
            f'[{{"type":"update","trades":[{{"product_id":"{symbol}",'
            f'"trade_id":"{rng.randrange(10**25, 10**26)}","price":"1.5","size":"2",'
            f'"time":"{when}","side":"BUY"}}]}}]}}'
        ).encode()
