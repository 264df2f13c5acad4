"""Simulated OKX v5: the public and the business address on one market, and the listing by REST.

`trades-all` exists on the business address only, and everything else on the public one.  Ids of
book messages are the same on every connection: whoever subscribes to a book gets it as of the last
message that the others were sent.  A withheld trade lacks its message on both channels of trades;
the ticker still shows it.

The venue ends a connection to which it has pushed nothing for 30 s, and whose only way to be pushed
something in a quiet market is to send `ping`.  Who goes silent by a simulated mishap breaks no
rule, so where connections become half-open nobody is held to this one.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Sequence
from functools import partial
from random import Random
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from tick_logger.simulator.dialects import okx_candles as sheets
from tick_logger.simulator.dialects import okx_pages as pages
from tick_logger.simulator.dialects import okx_texts as texts
from tick_logger.simulator.dialects.base import Dialect, Rules, Words
from tick_logger.simulator.dialects.okx_recorded import OkxMessages
from tick_logger.simulator.dialects.okx_requests import (
    BUSINESS,
    MOST_BYTES,
    PUBLIC,
    RefusedRequestError,
    Request,
    Topic,
    objection,
    parse,
)
from tick_logger.simulator.dialects.okx_silences import Silences
from tick_logger.simulator.hub import Client, Hub
from tick_logger.simulator.listing import Listing, Quote, Trade
from tick_logger.simulator.market import Market, MessageCost
from tick_logger.simulator.periods import Periodic
from tick_logger.simulator.rates import RateLimit
from tick_logger.simulator.symbols import BASES, SymbolSpec, spec_of
from tick_logger.simulator.truth import Truth

_NOWHERE = 404, texts.rest_error(404, "Not Found")
_PERIOD_US = 100_000  # of books and tickers
_LOOK_PERIOD_US = 1_000_000  # at who has been quiet for too long
_QUIET_BOOK_US = 60_000_000
_HOUR_NS = 3600 * 10**9
_REQUESTS_PER_HOUR = 480
_ADDRESSES = {"public": PUBLIC, "business": BUSINESS}
_TOO_FREQUENT = 60014, "Requests too frequent"
_TOO_LARGE, _SILENT = 1009, 4004  # close codes
_WORDS = Words(
    channels={
        "ticker": "tickers",
        "trades": "trades-all",
        "quotes": "bbo-tbt",
        "orderbook": "books",
    },
    trades_word=b'"channel":"trades',
    trades_place=("data",),
    price_of_trade="px",
    listing_place=("data",),
    name_in_listing="instId",
    trades_path=pages.PATH,
    candles_path=sheets.PATH,
    wrong_types='{"arg":{"channel":"trades-all","instId":"SYMBOL"},"data":[{"instId":3,'
    '"tradeId":"seven","px":{},"sz":[],"side":17,"ts":null}]}',
    unknown_type='{"arg":{"channel":"tomorrow","instId":"SYMBOL"},"data":[{}]}',
)


class OkxDialect(Dialect):
    """OKX v5 over one market."""

    name = "okx"
    symbols: ClassVar[Sequence[str]] = (*(f"{base}-USDT" for base in BASES), "ETH-BTC")
    words = _WORDS
    recorded = OkxMessages()
    cost = MessageCost(trade=1.0, quote=1.0, batch=2.0, steady_per_symbol=0.0)
    rules = Rules(messages_per_second=1000, counted_opcodes=frozenset())  # no limit is documented

    def __init__(self, hub: Hub, market: Market, truth: Truth) -> None:
        super().__init__(hub, market, truth)
        self._books = Periodic(_PERIOD_US, _PERIOD_US)
        self._tickers = Periodic(_PERIOD_US, _PERIOD_US)
        self._looks = Periodic(_LOOK_PERIOD_US, _LOOK_PERIOD_US)
        self._last_sent: dict[str, Trade] = {}
        self._moved: dict[str, Listing] = {}  # since their last ticker
        self._silences = Silences()
        self._limits: dict[Client, RateLimit] = {}  # of requests

    @staticmethod
    def spec(symbol: str) -> SymbolSpec:
        """What an instrument such as BTC-USDT stands for."""
        base, _, quote = symbol.partition("-")
        return spec_of(symbol, base, quote or "USDT", extra_size_decimals=2)

    # -- out --------------------------------------------------------------------------------------

    def open(self) -> None:
        """Tell the truth of each instrument's latest trade from before the start."""
        for listing in self._market.listings.values():
            if listing.spec.symbol not in self._last_sent and listing.last_trade is not None:
                trade = _in_milliseconds(listing.last_trade)
                self._tell_truth(trade)
                self._last_sent[listing.spec.symbol] = trade

    def publish(self, events: Sequence[Trade | Quote]) -> None:
        """Send trades, and the best prices that are the newest of their instrument."""
        newest: dict[str, Quote] = {}
        for event in events:
            self._moved[event.listing.spec.symbol] = event.listing
            if isinstance(event, Trade):
                self._publish_trade(_in_milliseconds(event))
            else:
                newest[event.listing.spec.symbol] = event
        for symbol, quote in newest.items():
            self._push(Topic("bbo-tbt", symbol), partial(texts.best, quote))

    def tick(self, elapsed_us: int) -> None:
        """Send the books and tickers that are due, and end silent connections."""
        self._silences.move(elapsed_us)
        if self._books.due(elapsed_us):
            for listing in self._market.listings.values():
                self._publish_changes(listing)
        if self._tickers.due(elapsed_us):
            for listing in self._moved.values():
                self._push(Topic("tickers", listing.spec.symbol), self._ticker(listing))
            self._moved.clear()
        if self._looks.due(elapsed_us):
            for listing in self._market.active():
                self._repeat_if_quiet(listing)
            self._end_silent()

    def listing_changed(self) -> None:
        """Nothing is pushed: the listing by REST tells."""
        self.open()

    def announce_shutdown(self) -> int:
        """Send the notice of a service upgrade to every connection."""
        for client in list(self._hub.clients):
            self._answer(client, texts.notice(_connection_id(client)))
        return len(self._hub.clients)

    def _publish_trade(self, trade: Trade) -> None:
        symbol = trade.listing.spec.symbol
        if self._tell_truth(trade):
            self._last_sent[symbol] = trade
            self._push(Topic("trades", symbol), lambda: texts.trade_of_many(trade))
            self._push(Topic("trades-all", symbol), lambda: texts.trade_alone(trade))

    def _publish_changes(self, listing: Listing) -> None:
        if not listing.book.changed:
            return
        changes, now_ns = listing.book.fetch_changes(), self._market.now_ns
        symbol = listing.spec.symbol
        self._push(Topic("books", symbol), lambda: texts.update(listing.spec, changes, now_ns))
        self._push(Topic("books5", symbol), lambda: texts.few_levels(listing, now_ns))

    def _ticker(self, listing: Listing) -> Callable[[], bytes]:
        last = listing.last_trade
        assert last is not None, "every listing begins with a trade"
        return lambda: texts.ticker(listing, last, self._market.now_ns)

    def _repeat_if_quiet(self, listing: Listing) -> None:
        """Books in which nothing changes show that they live about once a minute."""
        now_ns = self._market.now_ns
        messages: dict[str, Callable[[], bytes]] = {
            "bbo-tbt": lambda: texts.best(listing.quote(now_ns)),
            "books": lambda: texts.nothing_changed(listing, now_ns),
            "books5": lambda: texts.few_levels(listing, now_ns),
        }
        for channel, message in messages.items():
            topic = Topic(channel, listing.spec.symbol)
            if self._silences.of_topic(str(topic)) >= _QUIET_BOOK_US:
                self._publish_changes(listing)
                self._push(topic, message)

    def _push(self, topic: Topic, message: Callable[[], bytes]) -> None:
        self._silences.pushed(str(topic))
        self._hub.publish(str(topic), lambda _: message())

    def _tell_truth(self, trade: Trade) -> bool:
        spec = trade.listing.spec
        topic, price = Topic("trades-all", spec.symbol), texts.price(spec, trade.ticks)
        return self._record(trade, str(topic), price=price, size=texts.size(spec, trade.lots))

    # -- who is connected -------------------------------------------------------------------------

    def accepts(self, target: str) -> bool:
        """/ws/v5/public and /ws/v5/business, and both at the root as well."""
        head, _, address = urlsplit(target).path.rstrip("/").rpartition("/")
        return head in ("/ws/v5", "") and address in _ADDRESSES

    def connected(self, client: Client, target: str) -> None:
        """Nothing is sent before something is asked for."""
        client.variant = _ADDRESSES[urlsplit(target).path.rstrip("/").rpartition("/")[2]]
        self._silences.answered(client)
        self._forget_gone()
        self._limits[client] = RateLimit(_REQUESTS_PER_HOUR, _HOUR_NS)

    def too_many_messages(self, client: Client) -> None:
        """Never happens: nothing is counted."""

    def _end_silent(self) -> None:
        live = self._hub.clients
        self._forget_gone()
        if self._hub.faults.half_open_after_secs is not None or self._hub.counts.half_open:
            return
        for client in list(live):
            if self._silences.silent(client):
                self._hub.breach(client, "no ping within 30 s of silence")
                client.end(_SILENT, "No data received in 30s.")

    def _forget_gone(self) -> None:
        live = self._hub.clients
        self._silences.forget_all_but(live)
        self._limits = {c: limit for c, limit in self._limits.items() if c in live}

    def _answer(self, client: Client, payload: bytes) -> None:
        self._silences.answered(client)
        client.reply(payload)

    # -- in ---------------------------------------------------------------------------------------

    def request(self, client: Client, text: str) -> None:
        """`ping`, or a request to subscribe or unsubscribe, each argument of which is answered."""
        if text == "ping":
            self._answer(client, b"pong")
            return
        if len(text.encode()) > MOST_BYTES:
            self._hub.breach(client, f"a request of more than {MOST_BYTES} bytes")
            client.end(_TOO_LARGE, "Request message exceeds the maximum frame length")
            return
        try:
            request = parse(text)
            if self._limits[client].exceeded(self._market.now_ns):
                raise RefusedRequestError(*_TOO_FREQUENT, request.request_id)
        except RefusedRequestError as refusal:
            self._hub.breach(client, f"refused request: {refusal.reason}")
            self._error(client, refusal.code, refusal.reason, refusal.request_id)
            return
        symbols = {topic.symbol for topic in request.topics}
        if request.op == "subscribe" and self._hub.faults.too_busy_for(*symbols):
            self._error(client, *_TOO_FREQUENT, request.request_id)
            self._refused(client)
            return
        if not symbols & self._hub.faults.never_acked_symbols:
            self._obey(client, request)

    def _obey(self, client: Client, request: Request) -> None:
        subscribes = request.op == "subscribe"
        trading = {listing.spec.symbol for listing in self._market.active()}
        new: list[Topic] = []
        for topic in request.topics:
            if subscribes and self._objects(client, topic, trading, request.request_id):
                continue
            if not subscribes:
                self._hub.unsubscribe(client, str(topic))
            elif str(topic) not in client.topics and topic not in new:
                new.append(topic)
            names = topic.arg, request.request_id, _connection_id(client)
            if not subscribes or not self._hub.loses_next_acknowledgement():
                self._answer(client, texts.answer(request.op, *names))
        for topic in new:
            self._publish_changes(self._market.listings[topic.symbol])  # to those before
            self._hub.subscribe(client, str(topic))
            if not self._keeps_snapshot(topic.symbol, topic.channel):
                for greeting in self._greetings(topic, client.variant):
                    self._answer(client, greeting)

    def _objects(
        self, client: Client, topic: Topic, trading: Collection[str], request_id: str
    ) -> bool:
        """Whether an argument is refused; the others of its request are not touched by that."""
        by_fault = self._refuses(topic.symbol, topic.channel, str(topic))
        refusal = objection(topic, () if by_fault else trading, client.variant)
        if refusal is None:
            return False
        if refusal.breach:
            self._hub.breach(client, refusal.breach)
        self._error(client, refusal.code, refusal.reason, request_id)
        if by_fault:
            self._refused(client)
        return True

    def _greetings(self, topic: Topic, variant: int) -> list[bytes]:
        """The first messages to a new subscriber; single trades begin with none."""
        if (before := self._said_before(str(topic), variant)) is not None:
            return before
        listing, now_ns = self._market.listings[topic.symbol], self._market.now_ns
        match topic.channel:
            case "tickers":
                return [self._ticker(listing)()]
            case "trades":
                return [texts.trade_of_many(self._last_sent[topic.symbol])]
            case "bbo-tbt":
                return [texts.best(listing.quote(now_ns))]
            case "books5":
                return [texts.few_levels(listing, now_ns)]
            case "books":
                return texts.begin(listing, self._hub.next_hollow_sides(), now_ns)
        return []

    def _error(self, client: Client, code: int, reason: str, request_id: str) -> None:
        self._answer(client, texts.error(code, reason, request_id, _connection_id(client)))

    # -- REST -------------------------------------------------------------------------------------

    def rest(self, target: str) -> tuple[int, bytes]:
        """GET instruments?instType=, which only spot has, history-trades and candles."""
        url = urlsplit(target)
        if url.path != "/api/v5/public/instruments":
            page = pages.answer(target, self._market.listings, self._page)
            return page or sheets.answer(target, self._market, self.candles) or _NOWHERE
        kind = parse_qs(url.query).get("instType", [""])[0]
        if not kind:
            return 400, texts.rest_error(50014, "Parameter instType can not be empty.")
        return 200, texts.instruments(self._listed() if kind == "SPOT" else [])

    # -- garbage ----------------------------------------------------------------------------------

    def sample(self, rng: Random) -> bytes:
        """An event about channels that need a login."""
        return texts.connection_count(f"{rng.getrandbits(32):08x}")

    def huge_integer(self, rng: Random) -> bytes:
        """A trade whose id has 26 digits."""
        trade = self._last_sent[self._some_listing(rng).spec.symbol]
        return texts.trade_alone(trade._replace(trade_id=rng.randrange(10**25, 10**26)))


def _in_milliseconds(trade: Trade) -> Trade:
    """With the time that the venue tells."""
    return trade._replace(time_ns=trade.time_ns - trade.time_ns % 1_000_000)


def _connection_id(client: Client) -> str:
    return f"{zlib.crc32(client.name.encode()):08x}"
