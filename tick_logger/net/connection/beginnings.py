"""Which books of one connection have begun: a book begins with the snapshot that greets it.

    asked for -> granted -> its snapshot comes: begun
             |          `-> its deadline passes: to be asked for again
             `-> its snapshot comes before the grant: begun as well

Updates without their snapshot are recorded, and are no book.  A snapshot that comes before its book
is asked for, or asked for again, is of an earlier subscription and begins nothing.

Only for venues that greet who subscribes to a book.  Pure: times are arguments.  Not here: what is
said of a book that has not begun (`books`, `dialogue`).
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

MAX_SNAPSHOT_SECS = 60.0
"""The most that a snapshot may take after the grant.  How long a market is usually silent says
nothing about a greeting; but a large book on a slow line takes its time."""


@attrs.define
class _Asked:
    since_ns: int  # when the request was sent, so that updates may have come since
    due_at: float | None = None  # once it is granted


class Beginnings:
    """The books of one connection, by instrument: those that have begun, and those asked for."""

    def __init__(self) -> None:
        self._asked: dict[int, _Asked] = {}  # and have not begun
        self._begun: set[int] = set()

    def has_begun(self, book: int) -> bool:
        """Whether its snapshot has come, since it was last asked for."""
        return book in self._begun

    @property
    def granted(self) -> dict[int, int]:
        """Those that are granted and have not begun, with when they were asked for (int64 ns)."""
        asked = self._asked.items()
        return {book: each.since_ns for book, each in asked if each.due_at is not None}

    @property
    def due_at(self) -> float:
        """When the first of them is overdue; infinite if none can be."""
        due = (each.due_at for each in self._asked.values() if each.due_at is not None)
        return min(due, default=float("inf"))

    def ask(self, books: Iterable[int], at_ns: int) -> None:
        """These are asked for, by a request that is sent now.

        One that has begun is asked for once more for want of an answer: it needs no other snapshot.
        """
        for book in books:
            if book not in self._begun:
                self._asked[book] = _Asked(at_ns)

    def grant(self, book: int, at_ns: int, due_at: float) -> int | None:
        """It is granted, asked for or not.

        Returns since when its snapshot is missing; None if it has come.
        """
        if book in self._begun:
            return None
        asked = self._asked.setdefault(book, _Asked(at_ns))
        asked.due_at = due_at
        return asked.since_ns

    def begin(self, book: int) -> bool:
        """A snapshot has come; returns whether it is the one that was missing after a grant."""
        asked = self._asked.pop(book, None)
        if asked is None:
            return False
        self._begun.add(book)
        return asked.due_at is not None

    def take_overdue(self, now: float) -> dict[int, int]:
        """The granted ones whose snapshot is overdue, each given once, as `granted` does."""
        overdue = {
            book: each.since_ns
            for book, each in self._asked.items()
            if each.due_at is not None and each.due_at <= now
        }
        for book in overdue:
            self.forget(book)
        return overdue

    def forget(self, book: int) -> None:
        """It has ended, or is to begin anew: whatever comes before it is asked for is old."""
        self._asked.pop(book, None)
        self._begun.discard(book)
