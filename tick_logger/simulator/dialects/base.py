"""The contract of dialects: each turns a market into messages, and requests into effects.

Dialects do no I/O and never wait: sessions do, by the numbers in `Rules`.
"""

from __future__ import annotations

import abc
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import ClassVar
from urllib.parse import urlsplit

import attrs

from tick_logger.simulator.candles import Candle, Candles
from tick_logger.simulator.dialects.recorded import RecordedMessages
from tick_logger.simulator.faults import TEXT
from tick_logger.simulator.hub import Client, Hub
from tick_logger.simulator.listing import Listing, Quote, Trade
from tick_logger.simulator.market import Market, MessageCost
from tick_logger.simulator.oddities import with_bad_trade
from tick_logger.simulator.symbols import SymbolSpec
from tick_logger.simulator.trade_pages import Page, TradePages
from tick_logger.simulator.truth import TrueTrade, Truth

POLICY_VIOLATION = 1008
GOING_AWAY = 1001


@attrs.frozen(kw_only=True)
class Rules:
    """The venue's rules about connections, which sessions enforce."""

    messages_per_second: int
    counted_opcodes: frozenset[int]
    first_request_secs: float | None = None
    pings: bool = False
    pong_timeout_secs: float = 60.0
    lifetime_secs: float | None = None
    client_silence_secs: float | None = None
    """A client that sends nothing at all for so long is cut; None: it need not send anything."""


@attrs.frozen(kw_only=True)
class Words:
    """Where in a venue's messages the things are that faults are about."""

    channels: Mapping[str, str]
    """By kind of data ("ticker", "trades", "quotes", "orderbook"), the channel that has it."""
    trades_word: bytes
    """What occurs in messages with trades, and in no others."""
    trades_place: Sequence[str] = ()
    """Where in them the trades lie, or the only one."""
    price_of_trade: str = "price"
    listing_place: Sequence[str] = ()
    """Where in a listing its entries lie."""
    name_in_listing: str = "symbol"
    """The field of an entry that has its name."""
    trades_path: str = ""
    """The path of a request for a page of trades by REST, as a regular expression."""
    candles_path: str = ""
    """That of a request for minute candles, likewise."""
    leaves_out_candles: bool = False
    """Whether a minute without trades has no candle."""
    wrong_types: str
    """A trade of SYMBOL whose numbers are texts and whose texts are not."""
    unknown_type: str
    """A message about SYMBOL of a kind that does not exist."""


class Dialect(abc.ABC):
    """One venue's protocol, over one market."""

    name: ClassVar[str]
    symbols: ClassVar[Sequence[str]]
    cost: ClassVar[MessageCost]
    rules: ClassVar[Rules]
    opcode: ClassVar[int] = TEXT
    """Of every message that the venue sends."""

    words: ClassVar[Words]
    recorded: ClassVar[RecordedMessages]
    """What is known of messages that were recorded."""

    def __init__(self, hub: Hub, market: Market, truth: Truth) -> None:
        hub.opcode = self.opcode
        self._hub = hub
        self._market = market
        self._truth = truth
        self._pages = TradePages(hub, market.listings, truth)
        self._candles = Candles(hub, truth, leaves_out=self.words.leaves_out_candles)

    @staticmethod
    @abc.abstractmethod
    def spec(symbol: str) -> SymbolSpec:
        """What a symbol of this venue's spelling is."""

    @abc.abstractmethod
    def open(self) -> None:
        """Tell the truth of each symbol's latest trade from before the start."""

    @abc.abstractmethod
    def publish(self, events: Sequence[Trade | Quote]) -> None:
        """Send what happened in the market."""

    @abc.abstractmethod
    def tick(self, elapsed_us: int) -> None:
        """Send the messages that are due; `elapsed_us` is the time since the market opened."""

    def keep_alive(self, elapsed_us: int) -> None:
        """Send the signs of life that are due, and nothing of the market; some venues have none."""
        return

    @abc.abstractmethod
    def accepts(self, target: str) -> bool:
        """Whether WebSocket connections may be opened at this request target."""

    def refuses_headers(self, headers: Mapping[str, str]) -> str:
        """Why the venue refuses an upgrade with these headers (names in lower case), or ""."""
        return ""

    @abc.abstractmethod
    def connected(self, client: Client, target: str) -> None:
        """A client opened a connection."""

    @abc.abstractmethod
    def request(self, client: Client, text: str) -> None:
        """A client sent a message."""

    @abc.abstractmethod
    def too_many_messages(self, client: Client) -> None:
        """A client exceeded the limit of messages per second, which is already written down."""

    @abc.abstractmethod
    def rest(self, target: str) -> tuple[int, bytes]:
        """Status and body of a REST request."""

    def asks_for_the_past(self, target: str) -> bool:
        """Whether a REST request asks for a page of trades, or for candles."""
        paths, path = (self.words.trades_path, self.words.candles_path), urlsplit(target).path
        return any(re.fullmatch(each, path) is not None for each in paths)

    def candles(self, symbol: str, first: int, last: int) -> Sequence[Candle]:
        """Minute candles of the true history, from the first minute to the last; see `Candles`."""
        return self._candles.of(symbol, first, last, now_ns=self._market.true_ns)

    def _page(
        self, symbol: str, asked_for: Callable[[TrueTrade], bool], limit: int, *, newest: bool
    ) -> Page:
        """A page of trades out of the true history; see `TradePages`."""
        now_ns = self._market.true_ns
        return self._pages.page(symbol, asked_for, limit, now_ns=now_ns, newest=newest)

    @abc.abstractmethod
    def listing_changed(self) -> None:
        """A symbol was listed or delisted."""

    # -- what was recorded ------------------------------------------------------------------------

    def play(self, topics: Iterable[str], payload: bytes) -> int:
        """Send a recorded message to whoever has any of these topics; returns to how many."""
        return self._hub.publish_once(topics, lambda variant: self.adapted(payload, variant))

    def adapted(self, payload: bytes, variant: int) -> bytes:
        """A recorded message as clients of a variant get it."""
        return payload

    def book_asked(self, target: str) -> str:
        """The symbol whose book a REST request asks for; "" if it asks for something else."""
        return ""

    def book_answer(self, listing: Listing, target: str) -> tuple[int, bytes]:
        """Status and body of the answer to such a request, from the book of a listing."""
        raise NotImplementedError(f"{self.name} has no books by REST")

    def _said_before(self, topic: str, variant: int) -> list[bytes] | None:
        """The first messages to a new subscriber of what was recorded; None: there is a market."""
        recorded = self._hub.recorded
        if recorded is None:
            return None
        return [self.adapted(each, variant) for each in recorded.greeting(topic, variant)]

    def _offers(self, topic: str) -> bool:
        """Whether a topic was recorded; of a market there is everything."""
        return self._hub.recorded is None or self._hub.recorded.offers(topic)

    def begin_ids_again(self) -> None:
        """Let the ids of trades go on from lower ones."""
        for listing in self._market.active():
            listing.begin_ids_again()

    def announce_shutdown(self) -> int:
        """Tell every client that the server is about to close; how many were told."""
        return 0

    def _record(
        self,
        trade: Trade,
        topic: str,
        *,
        price: str,
        size: str,
        orders: tuple[str | None, str | None] = (None, None),
    ) -> bool:
        """Tell the truth about a trade; whether its message is to be sent."""
        withheld = self._hub.withholds_next_trade()
        subscribed = self._hub.wanted(topic)
        self._truth.add(
            trade.listing.spec.symbol,
            TrueTrade(
                trade_id=trade.trade_id,
                event_ns=trade.time_ns,
                price=price,
                size=size,
                side="buy" if trade.taker_buys else "sell",
                maker_order_id=orders[0],
                taker_order_id=orders[1],
                subscribed=subscribed,
                withheld=withheld or (subscribed and not self._hub.delivers(topic)),
                made_ns=trade.made_ns,
            ),
        )
        return not withheld

    # -- faults of answers ------------------------------------------------------------------------

    def _refuses(self, symbol: str, channel: str, topic: str = "") -> bool:
        """Whether a fault refuses this subscription, or nothing of its topic was recorded."""
        faults = self._hub.faults
        if symbol in faults.refused_symbols or (topic and not self._offers(topic)):
            return True
        return any(self.words.channels.get(feed) == channel for feed in faults.refused_feeds)

    def _refused(self, client: Client) -> None:
        """A fault has refused something, which was answered."""
        if self._hub.faults.refusals_close:
            client.end(POLICY_VIOLATION, "refused")

    def _acknowledge(self, client: Client, payload: bytes) -> None:
        """Tell a client that its subscription was accepted, if that is not lost."""
        if not self._hub.loses_next_acknowledgement():
            client.reply(payload)

    def _keeps_snapshot(self, symbol: str, channel: str) -> bool:
        """Whether a new subscriber of a book is not sent it."""
        of_books = channel == self.words.channels["orderbook"]
        return of_books and symbol in self._hub.faults.no_snapshot_symbols

    def _listed(self) -> list[Listing]:
        """The symbols that a listing names, those among them that do not trade."""
        missing = self._hub.faults.unlisted_symbols
        return [
            listing for symbol, listing in self._market.listings.items() if symbol not in missing
        ]

    def _some_listing(self, rng: Random) -> Listing:
        return rng.choice(list(self._market.listings.values()))

    # -- what garbage is made of ------------------------------------------------------------------

    def spoilt(self, payload: bytes) -> bytes | None:
        """A message with trades of which the last has no price; None if it has none."""
        if self.words.trades_word not in payload:
            return None
        return with_bad_trade(payload, self.words.trades_place, self.words.price_of_trade)

    @abc.abstractmethod
    def sample(self, rng: Random) -> bytes:
        """A correct JSON object that changes nothing when it is understood."""

    def wrong_types(self, rng: Random) -> bytes:
        """Well-formed JSON of a known message type with values of the wrong types."""
        return self._about_some(self.words.wrong_types, rng)

    @abc.abstractmethod
    def huge_integer(self, rng: Random) -> bytes:
        """A message of a known type, with a trade id of 26 digits."""

    def unknown_type(self, rng: Random) -> bytes:
        """Well-formed JSON of a message type that does not exist."""
        return self._about_some(self.words.unknown_type, rng)

    def _about_some(self, text: str, rng: Random) -> bytes:
        symbol = self._some_listing(rng).spec.symbol
        return text.replace("STREAM", symbol.lower()).replace("SYMBOL", symbol).encode()
