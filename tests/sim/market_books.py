"""What the books of a simulated exchange were after each step of its market.

An exchange sends what has changed once per step, with the time that its clock shows then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import TypeAlias

import attrs

from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.symbols import SymbolSpec

MILLISECOND_NS = 10**6
"""What the coarsest of the venues tell times in; steps are much longer."""

Ticks: TypeAlias = Mapping[int, int]
"""Lots by ticks."""


@attrs.frozen
class State:
    """A book as clients may see it."""

    asks: Ticks
    bids: Ticks


class BookHistory:
    """Of one exchange: the states of each book by update id, and by the time of their exchange.

    If its clock stands still, several have one time.
    """

    def __init__(self, exchange: SimulatedExchange) -> None:
        self._exchange = exchange
        self._by_id: dict[tuple[str, int], State] = {}
        self._by_ms: dict[tuple[str, int], list[State]] = defaultdict(list)
        self._newest: dict[str, int] = {}
        exchange.step_once = partial(self._step, exchange.step_once)  # type: ignore[method-assign]
        self._note()

    def spec(self, symbol: str) -> SymbolSpec:
        """What its ticks and lots are."""
        return self._exchange.market.listings[symbol].spec

    def as_of(self, symbol: str, update_id: int) -> list[State]:
        """The book with this update as its last; empty if no step ended there."""
        state = self._by_id.get((symbol, update_id))
        return [] if state is None else [state]

    def at(self, symbol: str, event_ns: int) -> list[State]:
        """The books that were sent with this time."""
        return self._by_ms.get((symbol, event_ns // MILLISECOND_NS), [])

    def ticks(self, symbol: str) -> set[int]:
        """All prices at which there ever were levels."""
        states = (state for (name, _), state in self._by_id.items() if name == symbol)
        return {ticks for state in states for side in (state.asks, state.bids) for ticks in side}

    def _step(self, step_once: object, elapsed_secs: float) -> None:
        assert callable(step_once)
        step_once(elapsed_secs)
        self._note()

    def _note(self) -> None:
        market = self._exchange.market
        for symbol, listing in market.listings.items():
            book = listing.book
            if self._newest.get(symbol) == book.update_id:
                continue
            self._newest[symbol] = book.update_id
            state = State(dict(book.shown(is_bid=False)), dict(book.shown(is_bid=True)))
            self._by_id[symbol, book.update_id] = state
            self._by_ms[symbol, market.now_ns // MILLISECOND_NS].append(state)
