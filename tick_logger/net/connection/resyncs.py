"""When a broken book begins anew: at once, and then less and less often if it breaks again.

A venue whose sequence is wrong by nature must not be asked for snapshots forever.  Pure.
"""

from __future__ import annotations

from collections.abc import Collection

import attrs

FIRST_PAUSE_SECS, MAX_PAUSE_SECS = 1.0, 300.0
"""Between a resync and the next of the same book; it doubles from the one up to the other."""

CALM_SECS = 600.0
"""A book that was whole for so long begins with the first pause again."""


@attrs.define
class _Book:
    due_at: float
    pause_secs: float


class Resyncs:
    """The broken books of one connection."""

    def __init__(self) -> None:
        self._books: dict[int, _Book] = {}
        self._waiting: set[int] = set()

    def ask(self, instrument: int, now: float) -> None:
        """A book is broken."""
        before = self._books.get(instrument)
        if before is None or now - before.due_at > CALM_SECS:
            self._books[instrument] = _Book(now, FIRST_PAUSE_SECS)
        elif instrument not in self._waiting:
            pause = min(2 * before.pause_secs, MAX_PAUSE_SECS)
            self._books[instrument] = _Book(max(now, before.due_at + before.pause_secs), pause)
        self._waiting.add(instrument)

    def drop(self, instrument: int) -> None:
        """The book is no longer subscribed."""
        self._books.pop(instrument, None)
        self._waiting.discard(instrument)

    @property
    def waiting(self) -> frozenset[int]:
        """The instruments whose books are broken and have not begun anew."""
        return frozenset(self._waiting)

    def deadline(self, live: Collection[int]) -> float:
        """When the next of the `live` ones is due; infinite if none waits."""
        waiting = self._waiting.intersection(live)
        return min((self._books[i].due_at for i in waiting), default=float("inf"))

    def due(self, live: Collection[int], now: float) -> frozenset[int]:
        """The `live` ones that may begin anew now, each given once.

        A book that broke before its subscription was acknowledged waits for that.
        """
        due = frozenset(i for i in self._waiting.intersection(live) if self._books[i].due_at <= now)
        self._waiting -= due
        return due
