"""What a reader must know of an exchange to apply the rows of its books and quotes.

The rules stand with each exchange's adapter.  Of an exchange that this version does not know, rows
are applied as they are.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class VenueRules:
    """How one exchange's rows are read."""

    depth: int | None = None
    """Levels a side to which a book is cut after each update; None: all there are."""
    depths: tuple[int, ...] = ()
    """A book that begins with so many levels on both sides is cut to as many instead."""
    whole_books: bool = False
    """Whether every message is all of a book, so that what was before it is forgotten."""
    quotes_in_part: bool = False
    """Whether a side that a quote lacks has not changed; elsewhere there is no such side."""

    def depth_of(self, bids: int, asks: int) -> int | None:
        """To how many levels a side a book is cut that begins with so many."""
        return bids if bids == asks and bids in self.depths else self.depth


def rules_of(exchange: str) -> VenueRules:
    """The rules of an exchange, by its name in the recording."""
    from tick_logger.exchanges import registry  # takes a while, and is seldom needed

    if not registry.knows(exchange):
        return VenueRules()
    known = registry.get(exchange)
    return VenueRules(known.book_depth, known.book_depths, known.whole_books, known.quotes_in_part)
