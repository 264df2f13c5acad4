"""The pages of trades that a venue gives by REST, out of what it really did, and how they go wrong.

Of every symbol the history is what the truth remembers, so that it is as bounded as that
(`Truth`): trades from before the start on, also those that were withheld or that nobody subscribed
to.  Dialects say which trades a request asks for, in which order, and how a page is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import attrs

from tick_logger.simulator.hub import Hub
from tick_logger.simulator.listing import Listing
from tick_logger.simulator.truth import TrueTrade, Truth

OVERLAP = 7
"""Trades on either side of those asked for that a page has as well, where a fault says so."""


@attrs.frozen
class Page:
    """What is on one page: trades of a symbol in the order in which the page has them.

    The symbol is that which the page names, where the venue's pages do: another one than was asked
    for, if a fault says so.
    """

    symbol: str
    trades: Sequence[TrueTrade]


class GivePage(Protocol):
    """Gives a page of the true history, as `TradePages.page` does."""

    def __call__(
        self, symbol: str, asked_for: Callable[[TrueTrade], bool], limit: int, *, newest: bool
    ) -> Page:
        """At most `limit` of the trades that are asked for."""
        ...


class TradePages:
    """Pages of one exchange's trades, with the mishaps of `Faults.pages`."""

    def __init__(self, hub: Hub, listings: Mapping[str, Listing], truth: Truth) -> None:
        self._hub = hub
        self._listings = listings
        self._truth = truth
        self._last: dict[str, Page] = {}

    def page(
        self,
        symbol: str,
        asked_for: Callable[[TrueTrade], bool],
        limit: int,
        *,
        now_ns: int,
        newest: bool,
    ) -> Page:
        """At most `limit` of the symbol's trades that a request asks for, and that are told yet.

        `newest`: the newest of them, newest first; otherwise the oldest, oldest first.  `now_ns` is
        the time by a clock that is never off (`Market.true_ns`).
        """
        assert limit > 0, "a page has room for something"
        of = self._other(symbol) if self._hub.misses_page("of_another_probability") else symbol
        until_ns = now_ns - round(self._hub.faults.pages.lag_secs * 1e9)
        told = [trade for trade in self._truth.kept(of) if trade.made_ns <= until_ns]
        places = [place for place, trade in enumerate(told) if asked_for(trade)]
        places = places[-limit:] if newest else places[:limit]
        if of != symbol and not places:  # a liar has something to say
            places = list(range(len(told)))[-limit:]
        trades = self._mistaken(told, places, newest=newest)
        page = Page(of, trades[::-1] if newest else trades)
        if symbol in self._last and self._hub.misses_page("repeat_probability"):
            return self._last[symbol]
        self._last[symbol] = page
        return page

    def _mistaken(
        self, told: Sequence[TrueTrade], places: Sequence[int], *, newest: bool
    ) -> Sequence[TrueTrade]:
        """The trades at these places, oldest first, or what faults make of them."""
        trades = [told[place] for place in places]
        if not trades or self._hub.misses_page("empty_probability"):
            return ()
        if self._hub.misses_page("short_probability"):
            cut = _cut(trades)
            return trades[cut:] if newest else trades[:cut]
        if self._hub.misses_page("overlap_probability"):
            before = told[max(places[0] - OVERLAP, 0) : places[0]]
            return [*before, *trades, *told[places[-1] + 1 : places[-1] + 1 + OVERLAP]]
        return trades

    def _other(self, symbol: str) -> str:
        """The next symbol after this one; itself, if there is no other."""
        symbols = list(self._listings)
        return symbols[(symbols.index(symbol) + 1) % len(symbols)]


def _cut(trades: Sequence[TrueTrade]) -> int:
    """Where a page is cut: between two trades of one time, if there are any, or in the middle."""
    ties = (n for n in range(1, len(trades)) if trades[n].event_ns == trades[n - 1].event_ns)
    return next(ties, max(len(trades) // 2, 1))
