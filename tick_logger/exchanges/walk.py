"""Which pages of trades are asked for, one after another, until nothing more can come.

Invariant: a walk ends, whatever a venue answers: no address is asked for twice, and there are at
most `MOST_PAGES`.  Where a venue's pages must join by their ids and do not, the walk steps back in
time, farther each time, before it takes the ids between for missing.

Pure.  Not here: who asks, how fast, and what an answer that is no page means (`net.rest`).
"""

from __future__ import annotations

import attrs
import msgspec

from tick_logger.exchanges.trades_by_rest import TradesByRest, TradesPage, TradesWanted

MOST_PAGES = 2_000
"""Of one walk: a million trades and more.  What is missing then is asked for again, by what is."""

FIRST_STEP_NS = 10**9
MOST_STEPS = 8
"""In a row, each four times the one before: the last goes back by four and a half hours."""


class Walk:
    """The pages about what is wanted; `url` is what to ask for now, None at the end."""

    def __init__(self, trades: TradesByRest, endpoint: str, wanted: TradesWanted) -> None:
        self.url: str | None = trades.first_url(endpoint, wanted)
        self._trades, self._endpoint, self._wanted = trades, endpoint, wanted
        self._asked: set[str] = set()
        self._next_id = wanted.from_id if trades.joins else None  # must be on the page, or before
        self._from_ns = wanted.from_ns  # of a trade before that
        self._steps = 0

    def answered(self, page: TradesPage) -> None:
        """Go on from the page that answers `url`."""
        assert self.url is not None, "nothing was asked for"
        self._asked.add(self.url)
        following = self._step_back() if self._is_apart(page) else self._on(page)
        over = following in self._asked or len(self._asked) >= MOST_PAGES
        self.url = None if over else following

    def _is_apart(self, page: TradesPage) -> bool:
        """Whether ids are missing before the page which one of an earlier time may have.

        An empty page is apart too: the trade of `from_ns` must be on it.
        """
        if self._next_id is None or self._from_ns is None or self._steps == MOST_STEPS:
            return False
        return not len(page) or int(page.ids.min()) > self._next_id

    def _step_back(self) -> str:
        assert self._from_ns is not None, "there is a time to step back from"
        earlier_ns = self._from_ns - (FIRST_STEP_NS << 2 * self._steps)
        self._steps += 1
        return self._trades.first_url(
            self._endpoint, msgspec.structs.replace(self._wanted, from_ns=earlier_ns)
        )

    def _on(self, page: TradesPage) -> str | None:
        if len(page) and self._next_id is not None:
            self._steps = 0
            self._next_id = max(self._next_id, int(page.ids.max()) + 1)
            self._from_ns = max(self._from_ns or 0, int(page.event_ns.max()))
        told = attrs.evolve(page, asked=self.url or "")
        return self._trades.next_url(self._endpoint, self._wanted, told)
