"""A dialogue to talk to, with what it made its connection do, and small venues for it."""

from __future__ import annotations

import attrs

from tests.fakes.clock import VirtualClock
from tests.net.bench import Bench
from tests.net.played import PlayedDial, venue_on
from tests.net.small_venue import TinyVenue
from tick_logger.exchanges.base import (
    BookCheck,
    BookSnapshot,
    Event,
    Granted,
    Listed,
    Request,
    Subscription,
)
from tick_logger.model.marks import (
    Mark,
)
from tick_logger.model.tables import Table
from tick_logger.net.connection.context import Timeouts
from tick_logger.net.connection.dialogue import Dialogue, Reactions
from tick_logger.telemetry.logs import get_logger

BTC, ETH = 0, 1
BTC_TRADES, ETH_TRADES = Subscription("BTC", "trades"), Subscription("ETH", "trades")
BTC_BOOK, ETH_BOOK = Subscription("BTC", "orderbook"), Subscription("ETH", "orderbook")
EVERYTHING = BTC_TRADES, ETH_TRADES, BTC_BOOK, ETH_BOOK
TRADES, BOOK = (Table.TRADES,), (Table.BOOK,)
TIMEOUTS = Timeouts(first_data_secs=120.0, data_secs=20.0, of_symbol={"ETH": 600.0})


class Chained(TinyVenue):
    """Its books are chains."""

    feeds = frozenset({"trades", "orderbook"})
    book_check = BookCheck.CHAIN


class Numbered(Chained):
    """Numbers its messages, and that is all that shows a loss."""

    book_check = BookCheck.NONE
    counts_messages = True


class Ranged(Chained):
    """Its snapshots come by REST."""

    book_check = BookCheck.RANGES


class Bound(Chained):
    """One channel serves books and quotes."""

    shared_channels = (frozenset({"orderbook", "quotes"}),)


@attrs.define(eq=False)
class Talk:
    """A dialogue, and what it made its connection do."""

    wanted: tuple[Subscription, ...] = EVERYTHING
    exchange: TinyVenue = attrs.field(factory=Chained)
    retired: list[str] = attrs.field(factory=list)
    pongs: int = 0
    settled: int = 0
    asked: list[int] = attrs.field(factory=list)
    listed: list[Listed] = attrs.field(factory=list)
    bench: Bench = attrs.field(init=False)
    dialogue: Dialogue = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.bench = Bench(venue=self.exchange)
        reactions = Reactions(
            retire=self.retired.append,
            pong=self._pong,
            settled=self._settled,
            ask_snapshot=self.asked.append,
            list_instruments=self.listed.append,
            timeouts=lambda: TIMEOUTS,
        )
        venue = venue_on(self.bench, PlayedDial(VirtualClock()))
        self.dialogue = Dialogue(venue, frozenset(self.wanted), reactions, get_logger())

    def _pong(self) -> None:
        self.pongs += 1

    def _settled(self, _: object) -> None:
        self.settled += 1

    def hear(self, at_ns: int, *events: Event, now: float = 0.0) -> list[Mark]:
        """The venue says this."""
        return self.dialogue.said([(at_ns, event) for event in events], now)

    def send(self, at_ns: int = 0, *, now: float = 0.0) -> list[Request]:
        """Send what is to be sent."""
        requests = self.dialogue.subscriptions.next_requests()
        for request in requests:
            self.dialogue.sent(request, now, at_ns)
        return requests

    def begin(self) -> None:
        """Subscribe to everything; the books begin at 100."""
        while requests := self.send():
            for request in requests:
                self.hear(1, Granted(request.subscriptions))
        for instrument in (BTC, ETH):
            self.hear(2, BookSnapshot(instrument, 100))

    def count(self, name: str) -> float:
        """A counter."""
        return self.bench.count(name)
