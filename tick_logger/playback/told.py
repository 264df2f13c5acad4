"""What was told of each topic until the moment that is played: new subscribers are told it first.

A book is told as a snapshot of that moment, anything else by its last message.

Not here: when something is played (`player`).
"""

from __future__ import annotations

from collections.abc import Sequence

from tick_logger.exchanges.base import BookCheck, Exchange
from tick_logger.playback.books import BookMessage, Books
from tick_logger.playback.offer import Offer
from tick_logger.simulator.dialects.base import Dialect
from tick_logger.simulator.listing import Listing
from tick_logger.simulator.market import Market


class Told:
    """The `Recorded` of a hub; `now_ns` is the time of receipt that is played."""

    def __init__(self, exchange: Exchange, dialect: Dialect, market: Market, offer: Offer) -> None:
        self.idle = True
        self.now_ns = 0
        self._dialect = dialect
        self._market = market
        self._offer = offer
        self._last: dict[str, bytes] = {}  # by topic
        self._by_rest = exchange.book_check is BookCheck.RANGES
        self._snapshots: dict[str, bytes] = {}  # by symbol: one that came by REST
        numbers = {symbol: number for number, symbol in enumerate(market.listings)}
        self.books = Books(exchange, numbers)
        self.keeps_books = not exchange.whole_books
        """Whether books are made of updates, so that their last message is not enough."""

    # -- for the hub ------------------------------------------------------------------------------

    def offers(self, topic: str) -> bool:
        """Whether a topic was recorded."""
        return topic in self._offer.topics

    def greeting(self, topic: str, variant: int) -> Sequence[bytes]:
        """What a new subscriber is told first; nothing before the topic's first message."""
        symbol = self._offer.books.get(topic)
        if symbol is None or not self.keeps_books:
            return [self._last[topic]] if topic in self._last else []
        found = None if self._by_rest else self.book(symbol)
        if found is None:
            return []
        listing, time_ns = found
        return [self._dialect.recorded.book(listing, topic, time_ns, variant)]

    # -- for REST ---------------------------------------------------------------------------------

    def book(self, symbol: str) -> tuple[Listing, int] | None:
        """A symbol's listing with the book of the moment, and its time; None if it is not known."""
        return self.books.of(self._market.listings[symbol], self.now_ns)

    def take_snapshot(self, symbol: str) -> bytes | None:
        """The snapshot that came by REST since somebody follows the book: the first to ask has it.

        Later ones would be told what is older than what they have.
        """
        return self._snapshots.pop(symbol, None)

    # -- for the player ---------------------------------------------------------------------------

    def hear(self, topics: Sequence[str], payload: bytes) -> None:
        """A message is told on these topics."""
        for topic in topics:
            if topic not in self._offer.books or not self.keeps_books:
                before = self._last.get(topic)
                self._last[topic] = self._dialect.recorded.merged(before, payload)

    def hear_books(self, messages: dict[str, BookMessage]) -> None:
        """A message says this of books."""
        for symbol, message in messages.items():
            self.books.apply(symbol, message)

    def keep_snapshot(self, symbol: str, body: bytes) -> None:
        """A snapshot came by REST, and somebody follows the book."""
        self._snapshots[symbol] = body
