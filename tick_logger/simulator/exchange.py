"""A simulated exchange: a market, the dialect it speaks, and any number of clients.

Event times come from the wall clock that it is given.  It prints and logs nothing: what happened
can be asked for.  Not here: how clients are served (`served`).
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import attrs
import trio

from tick_logger.clock import WallClock
from tick_logger.simulator.dialects.base import GOING_AWAY
from tick_logger.simulator.faults import FaultCounts, Faults
from tick_logger.simulator.hub import Hub
from tick_logger.simulator.listing import Quote, Trade
from tick_logger.simulator.market import Market
from tick_logger.simulator.oddities import with_odd_prices
from tick_logger.simulator.registry import DIALECTS
from tick_logger.simulator.served import ServedVenue
from tick_logger.simulator.session import SessionSettings
from tick_logger.simulator.truth import Truth


@attrs.frozen(kw_only=True)
class Settings:
    """Numbers that most simulations leave as they are."""

    step_secs: float = 0.01  # of the market
    book_levels: int = 50  # of each side
    truth_trades_per_symbol: int = 20_000  # that the truth remembers
    ping_interval_secs: float = 20.0
    lifetime_secs: float | None = None  # how long a connection may live; None: the venue's rule
    queue_bytes: int = 8 * 1024 * 1024  # waiting for a client before it is cut as too slow


class SimulatedExchange(ServedVenue):
    """One venue by name, out of `registry.DIALECTS`; equal seeds and calls give equal messages.

    `symbols` are those that the venue lists at first; None: its dialect's own.
    `messages_per_second` is the total over all symbols when all feeds of all are subscribed.

    Raises `KeyError` for an unknown venue.
    """

    def __init__(
        self,
        name: str,
        *,
        symbols: Sequence[str] | None = None,
        messages_per_second: float = 200.0,
        clock: WallClock,
        seed: int = 0,
        faults: Faults | None = None,
        settings: Settings | None = None,
    ) -> None:
        kind = DIALECTS[name]
        settings = settings or Settings()
        self.name = name
        self.truth = Truth(settings.truth_trades_per_symbol)
        self.ids_begun_again = 0  # so many times
        hub = Hub(faults if faults is not None else Faults(), seed)
        self._clock = clock
        self._rate = messages_per_second
        self._step_secs = settings.step_secs
        self._elapsed_secs = 0.0
        session = SessionSettings(
            ping_interval_secs=settings.ping_interval_secs,
            lifetime_secs=(
                kind.rules.lifetime_secs
                if settings.lifetime_secs is None
                else settings.lifetime_secs
            ),
            queue_bytes=settings.queue_bytes,
        )
        self._market = Market(
            [kind.spec(symbol) for symbol in (kind.symbols if symbols is None else symbols)],
            kind.cost,
            seed=seed,
            levels=settings.book_levels,
            now_ns=clock.now_ns(),
        )
        self._time_rng = Random(f"{seed}:times")
        self._market.odd_time = self._odd_time
        super().__init__(hub, kind(hub, self._market, self.truth), session, seed=seed)
        self._dialect.open()
        self._hide_sides()

    # -- running ----------------------------------------------------------------------------------

    async def run_market(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Advance the market in small steps until cancelled; a late step makes up for the time."""
        start_secs = before_secs = trio.current_time()
        step = 0
        task_status.started()
        while True:
            step = max(step + 1, int((before_secs - start_secs) / self._step_secs))
            await trio.sleep_until(start_secs + step * self._step_secs)
            now_secs = trio.current_time()
            self.step_once(now_secs - before_secs)
            before_secs = now_secs

    def step_once(self, elapsed_secs: float) -> None:
        """Let this much time pass in the market, and queue its messages for the sessions."""
        self._elapsed_secs += elapsed_secs
        self._market.offset_ns = round(self._hub.faults.clock_offset_secs * 1e6) * 1000
        events = self._market.step(self._clock.now_ns(), elapsed_secs, self._rate)
        self._dialect.publish(self._with_odd_prices(events))
        self._dialect.tick(round(self._elapsed_secs * 1e6))

    def _hide_sides(self) -> None:
        faults = self._hub.faults
        for symbol, listing in self._market.listings.items():
            empty = faults.empty_sides if symbol in faults.empty_book_symbols else ()
            listing.book.hide(asks="asks" in empty, bids="bids" in empty)

    def _with_odd_prices(self, events: Sequence[Trade | Quote]) -> Sequence[Trade | Quote]:
        """What is told of the market: all as it was, but for faults."""
        faults = self._hub.faults
        odd = faults.odd_price_probability, faults.crossed_quote_probability
        if not any(odd) and faults.quote_factor == 1.0:
            return events
        return [with_odd_prices(each, faults, self._time_rng) for each in events]

    def _odd_time(self) -> int:
        """By how much the time of the market's next event is off."""
        faults = self._hub.faults
        probability = faults.odd_time_probability
        is_off = probability > 0 and self._time_rng.random() < probability
        return round(faults.odd_time_secs * 1e6) * 1000 if is_off else 0

    # -- what happened ----------------------------------------------------------------------------

    @property
    def counts(self) -> FaultCounts:
        """How often each fault happened."""
        return self._hub.counts

    @property
    def lost(self) -> Sequence[tuple[str, bytes]]:
        """The frames that were kept from sessions by `lose_probability`: (session, frame)."""
        return self._hub.lost

    @property
    def market(self) -> Market:
        """The market itself, whose books are the truth of the books."""
        return self._market

    # -- controls ---------------------------------------------------------------------------------

    def set_faults(self, faults: Faults) -> None:
        """Misbehave differently from now on, on live connections too."""
        self._hub.set_faults(faults)
        self._hide_sides()

    def cut_all(self, abrupt: bool) -> None:
        """End every connection, without or with a close frame."""
        for client in list(self._hub.clients):
            client.end(None if abrupt else GOING_AWAY, "cut")

    def list_symbol(self, symbol: str) -> None:
        """Start trading in a symbol, new or delisted before."""
        self._market.add(self._dialect.spec(symbol))
        self._dialect.listing_changed()

    def delist_symbol(self, symbol: str) -> None:
        """Stop trading in a symbol; raises `KeyError` if it was never listed."""
        self._market.delist(symbol)
        self._dialect.listing_changed()

    def begin_ids_again(self) -> None:
        """Let ids go on from lower ones, as after a restart of the venue that nobody else notices.

        Those of trades, and where the venue says so of itself, those of quotes and books.
        """
        self.ids_begun_again += 1
        self._dialect.begin_ids_again()

    def announce_shutdown(self) -> int:
        """Send the venue's announcement, where it has one, to all clients; how many got it."""
        return self._dialect.announce_shutdown()
