"""One listed symbol's live state: book, latest trade, running numbers, the day's statistics."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import attrs

from tick_logger.simulator.book import Book
from tick_logger.simulator.symbols import SymbolSpec

_FIRST_TRADE_IDS = (5_000_000_000, 7_000_000_000)  # beyond 32 bits, as the busiest symbols are
_FIRST_UPDATE_IDS = (40_000_000_000, 60_000_000_000)
_FIRST_SEQUENCES = (20_000_000_000, 40_000_000_000)
_MAX_LEVEL_SPREAD = 3  # ticks between neighbouring levels of a new book


class Quote(NamedTuple):
    """The best bid and ask after an event."""

    listing: Listing
    time_ns: int
    update_id: int
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int


class Trade(NamedTuple):
    """One trade, with the best prices that it left behind."""

    listing: Listing
    trade_id: int
    time_ns: int
    ticks: int
    lots: int
    taker_buys: bool
    maker_order: int  # 128 bits
    taker_order: int
    sequence: int
    made_ns: int  # when it was made, whatever `time_ns` says
    quote: Quote


@attrs.define(eq=False)
class Listing:
    """A symbol on the exchange; `rng` is its own, so that symbols do not disturb each other."""

    spec: SymbolSpec
    rng: Random
    book: Book
    weight: float
    active: bool = True
    trade_id: int = 0
    sequence: int = 0
    open_ticks: int = 0
    high_ticks: int = 0
    low_ticks: int = 0
    volume_lots: int = 0
    turnover: int = 0  # ticks times lots
    first_id: int = 0
    last_trade: Trade | None = None

    def next_sequence(self) -> int:
        """A new sequence number; the steps are irregular, as on a filtered feed."""
        self.sequence += self.rng.randint(1, 12)
        return self.sequence

    def begin_ids_again(self) -> None:
        """Let the ids of trades go on from a lower one, some of which were given before."""
        back = self.rng.choice((5, 40, self.trade_id))
        self.trade_id = max(self.trade_id - back, 0)
        self.first_id = min(self.first_id, self.trade_id)

    def quote(self, time_ns: int) -> Quote:
        """The best prices now."""
        return Quote(self, time_ns, self.book.update_id, *self.book.top())

    def trade(
        self, time_ns: int, ticks: int, lots: int, taker_buys: bool, order: int, made_ns: int
    ) -> Trade:
        """Make a trade that has already been taken out of the book, and count it."""
        self.trade_id += 1
        self.high_ticks = max(self.high_ticks, ticks)
        self.low_ticks = min(self.low_ticks, ticks)
        self.volume_lots += lots
        self.turnover += ticks * lots
        self.last_trade = Trade(
            listing=self,
            trade_id=self.trade_id,
            time_ns=time_ns,
            ticks=ticks,
            lots=lots,
            taker_buys=taker_buys,
            maker_order=self.rng.getrandbits(128),
            taker_order=order,
            sequence=self.next_sequence(),
            made_ns=made_ns,
            quote=self.quote(time_ns),
        )
        return self.last_trade


def new_listing(spec: SymbolSpec, rng: Random, weight: float, levels: int, time_ns: int) -> Listing:
    """A symbol with a full book and one old trade, made `time_ns`."""
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    below, above = spec.start_ticks, spec.start_ticks + 1
    for _ in range(levels):
        bids[max(1, below)] = some_lots(spec, rng)
        asks[above] = some_lots(spec, rng)
        below -= rng.randint(1, _MAX_LEVEL_SPREAD)
        above += rng.randint(1, _MAX_LEVEL_SPREAD)
    # Ids go on from one start of the program to the next, as a venue's do: a symbol makes fewer
    # than one a millisecond.
    age_ms = time_ns // 1_000_000
    trade_id = age_ms + rng.randint(*_FIRST_TRADE_IDS)
    volume = spec.typical_lots * rng.randint(10_000, 90_000)
    listing = Listing(
        spec=spec,
        rng=rng,
        book=Book(bids, asks, age_ms + rng.randint(*_FIRST_UPDATE_IDS)),
        weight=weight,
        trade_id=trade_id,
        sequence=age_ms + rng.randint(*_FIRST_SEQUENCES),
        open_ticks=round(spec.start_ticks * rng.uniform(0.96, 1.04)),
        high_ticks=round(spec.start_ticks * 1.06),
        low_ticks=round(spec.start_ticks * 0.94),
        volume_lots=volume,
        turnover=volume * spec.start_ticks,
        first_id=trade_id - rng.randint(10_000, 90_000),
    )
    lots, buys, order = some_lots(spec, rng), rng.random() < 0.5, rng.getrandbits(128)
    listing.trade(time_ns, spec.start_ticks, lots, buys, order, time_ns)
    return listing


def some_lots(spec: SymbolSpec, rng: Random) -> int:
    """A plausible size of an order or a level."""
    return 1 + int(rng.expovariate(1.0 / spec.typical_lots))
