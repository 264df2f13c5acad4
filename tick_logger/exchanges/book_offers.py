"""The books that a venue offers: how deep, and how often they are sent.

What is asked for is chosen by symbol, once, where a recording begins.  Decoding knows of no choice:
each message says itself what it is, so that a replay is the same whatever was asked for since.

Pure.  Not here: which of them a user wants (`config`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import ClassVar, Self, TypeAlias

import attrs


@attrs.frozen
class BookOffer:
    """One kind of book.

    `depth` is in levels a side (0: all there are), `interval_ms` is the least time between two of
    its messages (0: as it changes), `channel` is the venue's word for it.
    """

    depth: int
    interval_ms: int
    channel: str
    whole: bool = False
    """Whether every message is all of it: the next one mends whatever was lost, and none is
    missed by its number."""
    refused: str = ""
    """Why it cannot be recorded, if it cannot."""


Wanted: TypeAlias = tuple[int, int]
"""Depth and interval (ms) of a book; 0 for the usual ones."""


class Offering:
    """What an adapter says of the books of its venue."""

    books: ClassVar[tuple[BookOffer, ...]] = (BookOffer(0, 0, ""),)
    """Those that there are; the usual one first, and of each depth the usual interval first."""
    choose: Callable[[str], BookOffer] | None = None
    any_whole: bool = False

    def book_of(self, symbol: str) -> BookOffer:
        """The book of a symbol that is asked for."""
        return self.books[0] if self.choose is None else self.choose(symbol)

    def asking_for(self, wanted_of: Callable[[str], Wanted], every: Sequence[Wanted]) -> Self:
        """The same venue, of which the books are asked for that are wanted of symbols.

        `every` are all that may be wanted; each is one that is offered, or the usual one is asked.
        """
        asking = copy.copy(self)
        asking.choose = lambda symbol: self._offered(wanted_of(symbol))
        asking.any_whole = any(self._offered(each).whole for each in every)
        return asking

    def _offered(self, wanted: Wanted) -> BookOffer:
        depth, interval_ms = wanted[0] or self.books[0].depth, wanted[1]
        fitting = [each for each in self.books if each.depth == depth and not each.refused]
        found = (each for each in fitting if interval_ms in (0, each.interval_ms))
        return next(found, self.books[0])
