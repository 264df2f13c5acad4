"""Simulated Coinbase Exchange feed.

Each trade makes a match and a ticker with the same trade id and sequence, in either order.  A
withheld trade lacks its match only: its ticker and the heartbeats still tell of it, and REST
returns it.  Requests take effect wholly or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import ClassVar
from urllib.parse import urlsplit

import msgspec

from tick_logger.simulator.dialects import coinbase_candles as sheets
from tick_logger.simulator.dialects import coinbase_pages as pages
from tick_logger.simulator.dialects import coinbase_texts as texts
from tick_logger.simulator.dialects.base import Dialect, Rules, Words
from tick_logger.simulator.dialects.coinbase_recorded import CoinbaseMessages
from tick_logger.simulator.dialects.coinbase_requests import (
    MalformedRequestError,
    RefusedRequestError,
    Request,
    Topic,
    parse,
    reply_products,
)
from tick_logger.simulator.faults import BINARY, TEXT
from tick_logger.simulator.hub import Client, Hub
from tick_logger.simulator.listing import Listing, Quote, Trade
from tick_logger.simulator.market import Market, MessageCost
from tick_logger.simulator.oddities import with_odd_entries
from tick_logger.simulator.periods import Periodic
from tick_logger.simulator.symbols import BASES, SymbolSpec, plain, spec_of
from tick_logger.simulator.truth import Truth

_BOOK_PERIOD_US = 50_000
_HEARTBEAT_PERIOD_US = 1_000_000
_STATUS_PERIOD_US = 5_000_000
_STATUS_TOPIC = "status:"
_NOWHERE = 404, b'{"message":"NotFound"}'
_TOO_MANY = "Too many requests", "rate limit exceeded"
_WORDS = Words(
    channels={
        "ticker": "ticker",
        "trades": "matches",
        "orderbook": "level2_batch",
    },
    trades_word=b'"type":"match"',
    name_in_listing="id",
    trades_path=pages.PATH,
    candles_path=sheets.PATH,
    leaves_out_candles=True,
    wrong_types='{"type":"match","trade_id":"seven","side":3,"size":[],"price":{},'
    '"product_id":"SYMBOL","sequence":null,"time":17}',
    unknown_type='{"type":"tomorrow","product_id":"SYMBOL","value":"1.5"}',
)


class CoinbaseDialect(Dialect):
    """The Coinbase Exchange feed over one market."""

    name = "coinbase"
    symbols: ClassVar[Sequence[str]] = (*(f"{base}-USD" for base in BASES), "BTC-EUR")
    words = _WORDS
    recorded = CoinbaseMessages()
    cost = MessageCost(trade=2.0, quote=0.0)
    rules = Rules(
        messages_per_second=10, counted_opcodes=frozenset({TEXT, BINARY}), first_request_secs=5.0
    )

    def __init__(self, hub: Hub, market: Market, truth: Truth) -> None:
        super().__init__(hub, market, truth)
        self._times = texts.IsoTimes()
        self._books = Periodic(_BOOK_PERIOD_US, _BOOK_PERIOD_US)
        self._status = Periodic(_STATUS_PERIOD_US, _STATUS_PERIOD_US)
        self._heartbeats: dict[str, Periodic] = {}
        self._last_sent: dict[str, Trade] = {}

    @staticmethod
    def spec(symbol: str) -> SymbolSpec:
        """What a product id such as BTC-USD stands for."""
        base, _, quote = symbol.partition("-")
        return spec_of(symbol, base, quote or "USD", extra_size_decimals=3)

    # -- out --------------------------------------------------------------------------------------

    def open(self) -> None:
        """Tell the truth of each product's latest trade from before the start."""
        for listing in self._market.listings.values():
            if listing.spec.symbol not in self._last_sent and listing.last_trade is not None:
                self._tell_truth(listing.last_trade)
                self._last_sent[listing.spec.symbol] = listing.last_trade
                phase_us = _HEARTBEAT_PERIOD_US * len(self._last_sent) * 7 // 100
                self._heartbeats[listing.spec.symbol] = Periodic(
                    _HEARTBEAT_PERIOD_US, phase_us % _HEARTBEAT_PERIOD_US
                )

    def publish(self, events: Sequence[Trade | Quote]) -> None:
        """Send matches and tickers; quotes have no message of their own."""
        for event in events:
            if isinstance(event, Trade):
                self._publish_trade(event)

    def tick(self, elapsed_us: int) -> None:
        """Send the book changes, heartbeats and the status that are due."""
        if self._books.due(elapsed_us):
            for listing in self._market.listings.values():
                if listing.book.changed:
                    self._publish_book(listing)
        for listing in self._market.active():
            if self._heartbeats[listing.spec.symbol].due(elapsed_us):
                self._publish_heartbeat(listing)
        if self._status.due(elapsed_us):
            self.listing_changed()

    def keep_alive(self, elapsed_us: int) -> None:
        """Send the status when it is due; while nothing is played, repeat the last heartbeats."""
        recorded = self._hub.recorded
        for symbol, heartbeat in self._heartbeats.items() if recorded and recorded.idle else ():
            topic = f"heartbeat:{symbol}"
            if heartbeat.due(elapsed_us) and self._hub.wanted(topic):
                for payload in self._said_before(topic, 0) or ():
                    self.play((topic,), payload)
        if self._status.due(elapsed_us):
            self._hub.publish(_STATUS_TOPIC, lambda _: self._list())

    def listing_changed(self) -> None:
        """Send the list of products to its subscribers."""
        self.open()
        self._hub.publish(_STATUS_TOPIC, lambda _: self._list())

    def _list(self) -> bytes:
        message = texts.status(self._listed())
        odd = self._hub.faults.odd_listing
        return (
            with_odd_entries(message, ("products",), self.words.name_in_listing) if odd else message
        )

    def _publish_trade(self, trade: Trade) -> None:
        symbol = trade.listing.spec.symbol
        when = self._times.text(trade.time_ns)
        messages = [(f"ticker:{symbol}", lambda _: texts.ticker(trade, when))]
        if self._tell_truth(trade):
            self._last_sent[symbol] = trade
            messages.append((f"matches:{symbol}", lambda _: texts.match("match", trade, when)))
        if trade.trade_id % 2:
            messages.reverse()
        for topic, encode in messages:
            self._hub.publish(topic, encode)

    def _publish_book(self, listing: Listing) -> None:
        changes = listing.book.fetch_changes()
        if not changes.bids and not changes.asks:
            return
        when = self._times.text(self._market.now_ns)
        topic = f"level2_batch:{listing.spec.symbol}"
        self._hub.publish(
            topic, lambda _: texts.l2update(listing.spec, changes.bids, changes.asks, when)
        )

    def _publish_heartbeat(self, listing: Listing) -> None:
        self._hub.publish(f"heartbeat:{listing.spec.symbol}", lambda _: self._heartbeat(listing))

    def _heartbeat(self, listing: Listing) -> bytes:
        return texts.heartbeat(listing, self._times.text(self._market.now_ns))

    def _tell_truth(self, trade: Trade) -> bool:
        spec = trade.listing.spec
        return self._record(
            trade,
            f"matches:{spec.symbol}",
            price=spec.price(trade.ticks),
            size=plain(spec.size(trade.lots)),
            orders=(texts.uuid_text(trade.maker_order), texts.uuid_text(trade.taker_order)),
        )

    # -- in ---------------------------------------------------------------------------------------

    def accepts(self, target: str) -> bool:
        """The feed lives at the root."""
        return urlsplit(target).path in ("", "/")

    def connected(self, client: Client, target: str) -> None:
        """Nothing is sent before the first request."""

    def too_many_messages(self, client: Client) -> None:
        """The request is refused; the connection stays."""
        client.reply(texts.error(*_TOO_MANY))

    def request(self, client: Client, text: str) -> None:
        """Subscribe or unsubscribe."""
        faults = self._hub.faults
        online = {listing.spec.symbol for listing in self._market.active()}
        try:
            request = parse(text, online, client.topics)
        except MalformedRequestError as error:
            self._hub.breach(client, f"malformed request: {error}")
            client.reply(texts.error("Malformed request", str(error)))
            return
        except RefusedRequestError as error:
            client.reply(texts.error("Failed to subscribe", str(error)))
            return
        objection = self._objection(request)
        if objection:
            client.reply(texts.error(*objection))
            self._refused(client)
            return
        if any(topic.product in faults.never_acked_symbols for topic in request.topics):
            return
        if not request.subscribe:
            for topic in request.topics:
                self._hub.unsubscribe(client, str(topic))
            client.reply(texts.subscriptions(reply_products(client.topics)))
            return
        self._subscribe(client, request.topics)

    def _objection(self, request: Request) -> tuple[str, str] | None:
        """Message and reason with which a fault refuses a request."""
        for topic in request.topics if request.subscribe else ():
            if topic.product in self._hub.faults.refused_symbols:
                return "Failed to subscribe", f"{topic.product} is not a valid product"
            if self._refuses(topic.product, topic.channel, str(topic) if topic.product else ""):
                return "Failed to subscribe", f"{topic.channel} is not a valid channel"
            if topic.product and self._hub.faults.too_busy_for(topic.product):
                return _TOO_MANY
        return None

    def _subscribe(self, client: Client, topics: Sequence[Topic]) -> None:
        new = [topic for topic in topics if str(topic) not in client.topics]
        for topic in new:
            self._hub.subscribe(client, str(topic))
        delivered = [topic for topic in new if self._hub.delivers(str(topic), client)]
        greeted = [t for t in delivered if not self._keeps_snapshot(t.product, t.channel)]
        greetings = [greeting for topic in greeted for greeting in self._greet(topic)]
        # As recorded: some of the first messages overtake the acknowledgement.
        acknowledgement = texts.subscriptions(reply_products(client.topics))
        for payload in greetings[:1]:
            client.reply(payload)
        self._acknowledge(client, acknowledgement)
        for payload in greetings[1:]:
            client.reply(payload)

    def _greet(self, topic: Topic) -> list[bytes]:
        """The first message to a new subscriber."""
        if topic.channel == "status":
            return [self._list()]
        if (before := self._said_before(str(topic), 0)) is not None:
            return before
        listing = self._market.listings[topic.product]
        last = self._last_sent[topic.product]
        if topic.channel == "matches":
            return [texts.match("last_match", last, self._times.text(last.time_ns))]
        if topic.channel == "ticker" and listing.last_trade is not None:
            latest = listing.last_trade
            return [texts.ticker(latest, self._times.text(latest.time_ns))]
        if topic.channel == "level2_batch":
            when = self._times.text(self._market.now_ns)
            return texts.begin(listing, self._hub.next_hollow_sides(), when)
        return []

    # -- REST -------------------------------------------------------------------------------------

    def rest(self, target: str) -> tuple[int, bytes]:
        """GET /products and /products/{id}/trades?limit=&after=&before=, or /candles."""
        url = urlsplit(target)
        match url.path.strip("/").split("/"):
            case ["products"]:
                products = [texts.product(listing) for listing in self._listed()]
                return 200, msgspec.json.encode(products)
        return sheets.past(target, self._market.listings, self._page, self.candles) or _NOWHERE

    # -- garbage ----------------------------------------------------------------------------------

    def sample(self, rng: Random) -> bytes:
        """A heartbeat."""
        return self._heartbeat(self._some_listing(rng))

    def huge_integer(self, rng: Random) -> bytes:
        """A match whose trade id has 26 digits."""
        trade = self._last_sent[self._some_listing(rng).spec.symbol]
        huge = trade._replace(trade_id=rng.randrange(10**25, 10**26))
        return texts.match("match", huge, self._times.text(trade.time_ns))
