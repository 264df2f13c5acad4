"""Port: what was recorded, asked for by a page.  Whoever puts the program together hands it in."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol


class Past(Protocol):
    """What was recorded, as JSON; reads files, so it is called in a thread, one call at a time.

    All methods raise `LookupError` for what is not recorded, `ValueError` for what makes no sense
    (both with words for people), and `OSError`.
    """

    def calendar(self, exchanges: Collection[str] | None = None) -> bytes:
        """Each of these exchanges (None: of all) with its days, and how good they are."""
        ...

    def symbols(
        self,
        query: str,
        exchange: str | None,
        day: str | None,
        sort: str,
        offset: int,
        limit: int,
        exchanges: Collection[str] | None = None,
    ) -> bytes:
        """Symbols of these exchanges that contain a query; None: of all, of all days together."""
        ...

    def day(
        self, exchange: str, symbol: str, day: str, start_ns: int, end_ns: int, buckets: int
    ) -> bytes:
        """A UTC day of a symbol, in at most so many buckets; an empty range is all of it."""
        ...

    def book(self, exchange: str, symbol: str, at_ns: int, depth: int) -> bytes:
        """The order book of a symbol at a moment, so many levels of each side."""
        ...
