"""A seeded market: orders come, go and trade, as many as a message rate calls for.

The same seed, symbols and calls give the same market.  It knows nothing of dialects, sessions or
wall clocks: the caller says what time it is, and how many messages an event will cause, so that
the total rate of messages can be kept.  Prices wander, but are pulled back to where they began.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterable
from random import Random

import attrs

from tick_logger.simulator.listing import Listing, Quote, Trade, new_listing, some_lots
from tick_logger.simulator.symbols import SymbolSpec

_MOST_FILLS = 4  # levels that one order may sweep
_ORDER_SHARE = 0.35  # of all events, those that trade
_IDLE_COST = 0.05  # an event that causes no message of its own still uses up some of the budget
_MOST_CREDIT_SECS = 1.0  # a market that was held up does not make up for more than this
_OLDEST_TRADE_NS = 300 * 10**9
_MICROSECOND_NS = 1000


@attrs.frozen
class MessageCost:
    """How many messages an event causes when every feed of every symbol is subscribed."""

    trade: float
    quote: float
    batch: float = 1.0  # the first change in a book since its changes were last sent
    steady_per_symbol: float = 1.0  # per second, whatever happens


class Market:
    """All symbols of one exchange.

    `offset_ns` is how far its clock is ahead of the caller's, in whole microseconds, and
    `odd_time` gives for each event by how much its time is off besides.
    """

    def __init__(
        self, specs: Iterable[SymbolSpec], cost: MessageCost, *, seed: int, levels: int, now_ns: int
    ) -> None:
        self.listings: dict[str, Listing] = {}
        self._cost = cost
        self._seed = seed
        self._levels = levels
        self._rng = Random(f"{seed}:market")
        self._credit = 0.0
        self.offset_ns = 0
        self.odd_time: Callable[[], int] = _never
        self.now_ns = self._true_ns = _whole_microseconds(now_ns)
        for spec in specs:
            self.add(spec)

    def add(self, spec: SymbolSpec) -> None:
        """List a symbol, or list it again."""
        known = self.listings.get(spec.symbol)
        if known is not None:
            known.active = True
        else:
            rng = Random(f"{self._seed}:{spec.symbol}")
            age_ns = _whole_microseconds(rng.randrange(_OLDEST_TRADE_NS))
            weight = (len(self.listings) + 1) ** -0.7  # the first symbols are the busiest
            self.listings[spec.symbol] = new_listing(
                spec, rng, weight, self._levels, self.now_ns - age_ns
            )
        self._weigh()

    def delist(self, symbol: str) -> None:
        """Stop all trading in a symbol."""
        self.listings[symbol].active = False
        self._weigh()

    def active(self) -> list[Listing]:
        """The symbols that trade."""
        return self._active

    @property
    def true_ns(self) -> int:
        """What time it is, by a clock that is never off."""
        return self._true_ns

    def step(self, now_ns: int, elapsed_secs: float, rate: float) -> list[Trade | Quote]:
        """What happened in the `elapsed_secs` up to `now_ns`, at `rate` messages per second.

        Event times are whole microseconds, never before an earlier step's, and share the steps
        evenly; the trades of one order have one time.
        """
        end_ns = max(self._true_ns, _whole_microseconds(now_ns))
        start_ns = max(self._true_ns, end_ns - round(elapsed_secs * 10**9))
        steady = self._cost.steady_per_symbol * len(self._active)
        income = max(rate - steady, rate * 0.2)
        self._credit = min(self._credit + income * elapsed_secs, income * _MOST_CREDIT_SECS)
        at_first = self._credit
        events: list[Trade | Quote] = []
        while self._credit > 0 and self._active:
            share = 1.0 - self._credit / at_first
            true_ns = _whole_microseconds(start_ns + int((end_ns - start_ns) * share))
            self._one_event(self._pick(), self._shown(true_ns), true_ns, events)
        self.now_ns, self._true_ns = self._shown(end_ns), end_ns
        return events

    def _shown(self, true_ns: int) -> int:
        """What the exchange's clock shows then."""
        self.now_ns = max(self.now_ns, true_ns + self.offset_ns)
        return self.now_ns

    def _one_event(
        self, listing: Listing, now_ns: int, true_ns: int, events: list[Trade | Quote]
    ) -> None:
        time_ns = now_ns + self.odd_time()
        before = listing.book.top()
        spent = _IDLE_COST if listing.book.changed else self._cost.batch
        earlier = len(events)
        if listing.rng.random() < _ORDER_SHARE:
            _take(listing, time_ns, true_ns, events)
        else:
            _change_level(listing)
        spent += self._cost.trade * (len(events) - earlier)
        if listing.book.top() != before:
            events.append(listing.quote(time_ns))
            spent += self._cost.quote
        self._credit -= spent

    def _pick(self) -> Listing:
        return self._active[bisect.bisect(self._weights, self._rng.random() * self._weights[-1])]

    def _weigh(self) -> None:
        self._active = [listing for listing in self.listings.values() if listing.active]
        self._weights = list(itertools.accumulate(listing.weight for listing in self._active))


def _whole_microseconds(time_ns: int) -> int:
    return time_ns - time_ns % _MICROSECOND_NS


def _pull(listing: Listing) -> float:
    """The chance that the next order buys: above one half while the price is low."""
    anchor = listing.spec.start_ticks
    distance = (anchor - listing.book.best_bid) / anchor
    return 0.5 + min(0.3, max(-0.3, distance * 50))


def _never() -> int:
    return 0


def _take(listing: Listing, time_ns: int, true_ns: int, events: list[Trade | Quote]) -> None:
    """An order takes liquidity from the best levels of one side."""
    rng, book = listing.rng, listing.book
    buys = rng.random() < _pull(listing)
    wanted = some_lots(listing.spec, rng)
    order = rng.getrandbits(128)
    for _ in range(_MOST_FILLS):
        ticks = book.best_ask if buys else book.best_bid
        held = book.side(not buys)[ticks]
        lots = min(wanted, held)
        if lots == held:
            _extend(listing, is_bid=not buys)
        book.set_level(not buys, ticks, held - lots)
        events.append(listing.trade(time_ns, ticks, lots, buys, order, true_ns))
        wanted -= lots
        if not wanted:
            return


def _change_level(listing: Listing) -> None:
    """Somebody posts, alters or withdraws an order without trading."""
    rng, book, spec = listing.rng, listing.book, listing.spec
    is_bid = rng.random() < _pull(listing)
    best, inwards = (book.best_bid, 1) if is_bid else (book.best_ask, -1)
    ids = rng.choice((1, 1, 1, 2, 5))
    spread = book.best_ask - book.best_bid
    if spread > 1 and rng.random() < min(0.8, 0.15 * spread):
        book.set_level(is_bid, best + inwards * rng.randrange(1, spread), some_lots(spec, rng), ids)
        _prune(listing, is_bid)
        return
    ticks = max(1, best - inwards * int(rng.expovariate(0.2)))
    if ticks in book.side(is_bid) and rng.random() < 0.25:
        _extend(listing, is_bid)
        book.set_level(is_bid, ticks, 0, ids)
    else:
        book.set_level(is_bid, ticks, some_lots(spec, rng), ids)
        _prune(listing, is_bid)


def _extend(listing: Listing, is_bid: bool) -> None:
    """Post a level behind all others, before one is taken away."""
    side = listing.book.side(is_bid)
    ticks = max(1, min(side) - 1) if is_bid else max(side) + 1
    listing.book.set_level(is_bid, ticks, some_lots(listing.spec, listing.rng))


def _prune(listing: Listing, is_bid: bool) -> None:
    """Withdraw the level farthest away, once one was added, so that books do not grow."""
    side = listing.book.side(is_bid)
    if len(side) > listing.book.most_levels:
        listing.book.set_level(is_bid, min(side) if is_bid else max(side), 0)
