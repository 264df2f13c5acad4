"""How pages of trades follow each other where a venue is asked by ids.

Invariant: each function names an id within what is wanted, or none: a page of others does not lead
anywhere.  That the same page may come again is not seen here, but by whoever asks (`walk`).
"""

from __future__ import annotations

import abc
from typing import ClassVar

from tick_logger.exchanges.trades_by_rest import Paging, TradesByRest, TradesPage, TradesWanted


class NewestFirst(TradesByRest):
    """A venue whose pages go back: each is asked for by the id that it is older than."""

    paging: ClassVar[Paging] = Paging.BACKWARD

    def first_url(self, endpoint: str, wanted: TradesWanted) -> str:
        """The newest that are wanted."""
        below = None if wanted.to_id is None else wanted.to_id + 1
        return self.url(endpoint, wanted.symbol, below)

    def next_url(self, endpoint: str, wanted: TradesWanted, page: TradesPage) -> str | None:
        """Those before the oldest of the page."""
        below = older_than(wanted, page)
        return None if below is None else self.url(endpoint, wanted.symbol, below)

    @abc.abstractmethod
    def url(self, endpoint: str, symbol: str, below: int | None) -> str:
        """The address of the page with the trades before this id; None: of the newest."""


def older_than(wanted: TradesWanted, page: TradesPage) -> int | None:
    """The id below which those on the page after this one are, if pages go back; None at the end.

    The trades of a page are next to each other, so that all that is wanted above is on it.
    """
    if not len(page):
        return None
    lowest = int(page.ids.min())
    if wanted.to_id is not None and lowest > wanted.to_id:
        return None
    if wanted.from_id is not None:
        return lowest if lowest > wanted.from_id else None
    if wanted.from_ns is not None and int(page.event_ns.min()) < wanted.from_ns:
        return None
    return lowest


def next_from(wanted: TradesWanted, page: TradesPage) -> int | None:
    """The lowest id of the page after this one, if pages go forward; None at the end."""
    if not len(page):
        return None
    highest = int(page.ids.max())
    if wanted.from_id is not None and highest < wanted.from_id:
        return None
    if wanted.to_id is not None:
        return highest + 1 if highest < wanted.to_id else None
    if wanted.to_ns is not None and int(page.event_ns.max()) > wanted.to_ns:
        return None
    return highest + 1
