"""Which topics of a dialect were recorded, found out by asking as the recorder asks.

The requests of the adapter are given to the dialect, on a connection that nobody listens to.  So
the topics are those of the recorder's own subscriptions, whatever a venue calls them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

import attrs

from tick_logger.exchanges.base import Exchange, Subscription
from tick_logger.model.tables import FEED_OF, Table
from tick_logger.playback.entries import Streams
from tick_logger.simulator.dialects.base import Dialect
from tick_logger.simulator.hub import Hub


@attrs.frozen
class Offer:
    """The topics that were recorded; `by_key`: by what their messages say they are about.

    `books` are those among them that have nothing but a book, with their symbols.
    """

    topics: frozenset[str]
    by_key: Mapping[str, tuple[str, ...]]
    books: Mapping[str, str]

    def of(self, keys: Sequence[str]) -> list[str]:
        """The topics of a message that is about these."""
        return [topic for key in keys for topic in self.by_key.get(key, ())]


class _Asker:
    """A client that hears nothing: what it is subscribed to is all that matters."""

    name = "nobody"
    waiting_bytes = 0

    def __init__(self) -> None:
        self.topics: dict[str, None] = {}
        self.variant = 0

    def deliver(self, ready_frame: bytes) -> None:
        """Market data is for others."""

    def reply(self, payload: bytes) -> None:
        """So are answers."""

    def end(self, code: int | None, reason: str) -> None:
        """There is no connection."""

    def apply_faults(self) -> None:
        """There is no connection."""


class _Everything:
    """Offers every topic, of which there is nothing to tell."""

    idle = True

    def offers(self, topic: str) -> bool:
        """Whatever is asked for."""
        return True

    def greeting(self, topic: str, variant: int) -> Sequence[bytes]:
        """Nothing."""
        return ()


def find_offer(exchange: Exchange, dialect: Dialect, hub: Hub, streams: Streams) -> Offer:
    """The topics of the recorded streams.

    The dialect's market lists their symbols; it is of no other use afterwards, because it takes
    what was asked for requests of clients.
    """
    hub.recorded = _Everything()
    topics: set[str] = set()
    books: dict[str, str] = {}
    asking = list(_of_each_book(exchange, streams))  # nobody knows which of them was asked for
    for symbol, tables in streams.items():
        feeds = sorted({FEED_OF[table] for table in tables} & exchange.feeds)
        topics.update(_topics(exchange, dialect, hub, [Subscription(symbol, f) for f in feeds]))
        if _BOOK not in feeds:
            continue
        others: set[str] = set()
        for feed in exchange.feeds - {_BOOK}:
            others.update(_topics(exchange, dialect, hub, [Subscription(symbol, feed)]))
        for each in asking:
            book = set(_topics(each, dialect, hub, [Subscription(symbol, _BOOK)]))
            topics.update(book)
            books |= dict.fromkeys(book - others, symbol)
    by_key: dict[str, tuple[str, ...]] = {}
    for topic in sorted(topics):
        key = dialect.recorded.key(topic)
        by_key[key] = (*by_key.get(key, ()), topic)
    return Offer(frozenset(topics), by_key, books)


def _of_each_book(exchange: Exchange, symbols: Iterable[str]) -> Iterator[Exchange]:
    """The exchange, asking for each of the books that it offers."""
    for each in exchange.books:
        if not each.refused:
            wanted = each.depth, each.interval_ms
            yield exchange.asking_for(dict.fromkeys(symbols, wanted).__getitem__, [wanted])


_BOOK = FEED_OF[Table.BOOK]


def _topics(
    exchange: Exchange, dialect: Dialect, hub: Hub, wanted: Sequence[Subscription]
) -> list[str]:
    found: list[str] = []
    by_lane: dict[str, list[Subscription]] = {}
    for each in wanted:
        by_lane.setdefault(exchange.lane(each.feed), []).append(each)
    for lane, subscriptions in by_lane.items():
        url = urlsplit(exchange.ws_url(exchange.ws_endpoint, lane))
        for request in exchange.subscribe(subscriptions, 1):
            asker = _Asker()
            hub.clients[asker] = None
            dialect.connected(asker, f"{url.path or '/'}?{url.query}")
            dialect.request(asker, request.text)
            found += asker.topics
            hub.remove(asker)
    return found
