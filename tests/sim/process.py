"""One process of a story, and what was in the exchanges at its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import attrs
import trio

from tests.fakes.signals import FakeSignals
from tests.sim.said import facts, payload_of
from tick_logger.app import Service
from tick_logger.reload import Reloader
from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.session import Session

Book: TypeAlias = tuple[dict[float, float], dict[float, float]]
"""Sizes by price: of the asks, and of the bids."""

TradeKey: TypeAlias = tuple[str, str, tuple[Any, ...]]
"""Exchange, symbol and id."""


@attrs.define(eq=False)
class Process:
    """A life as it was lived; times in seconds of trio's clock.

    `ending` is how it was to end, or "itself"; `code` is None after a death.  `made` are the
    numbers of trades by exchange and symbol when it was told to stop, None if it never was, and
    `books` those of that moment.  `unsent` are the trades that mishaps held back in the exchanges
    at `ending_at`, when it was told to stop, died, or found that it had to stop.  `showed` is what
    its clock showed first, and when, once it recorded.
    """

    number: int
    began: float
    ended: float = 0.0
    ending_at: float = float("inf")
    ending: str = "itself"
    code: int | None = None
    made: dict[tuple[str, str], int] | None = None
    books: dict[tuple[str, str], Book] = attrs.field(factory=dict)
    unsent: set[TradeKey] = attrs.field(factory=set)
    service: Service | None = None
    reloader: Reloader | None = None
    showed: tuple[float, int] | None = None
    signals: FakeSignals = attrs.field(factory=FakeSignals)
    over: trio.Event = attrs.field(factory=trio.Event)

    def note_stop(self, exchanges: Mapping[str, SimulatedExchange]) -> None:
        """It is told to stop now."""
        self.note_waiting(exchanges)
        self.made = {
            (name, symbol): len(exchange.truth.kept(symbol))
            for name, exchange in exchanges.items()
            for symbol in exchange.truth.symbols()
        }
        self.books = {
            (name, symbol): _book(exchange, symbol)
            for name, exchange in exchanges.items()
            for symbol in exchange.truth.symbols()
        }

    def note_waiting(self, exchanges: Mapping[str, SimulatedExchange]) -> None:
        """What has not left the exchanges, and may never do so."""
        self.ending_at = min(self.ending_at, trio.current_time())
        self.unsent |= {
            (name, fact.symbol, fact.key)
            for name, exchange in exchanges.items()
            for frame in _frames_waiting(exchange)
            for fact in facts(name, payload_of(frame))
            if fact.table == "TRADES"
        }


def _frames_waiting(exchange: SimulatedExchange) -> Iterator[bytes]:
    for client in exchange._hub.clients:
        assert isinstance(client, Session)
        yield from client._queue
        if client._delivery._held is not None:
            yield client._delivery._held


def _book(exchange: SimulatedExchange, symbol: str) -> Book:
    listing = exchange.market.listings[symbol]
    spec = listing.spec
    asks, bids = (
        {float(spec.price(ticks)): float(spec.size(lots)) for ticks, lots in side.items()}
        for side in (listing.book.shown(is_bid=False), listing.book.shown(is_bid=True))
    )
    return asks, bids
