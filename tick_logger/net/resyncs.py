"""When a broken book begins anew: at once, and then less and less often if it breaks again.

A venue whose sequence is wrong by nature must not be asked for snapshots forever.  Pure.
"""

from __future__ import annotations

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

    @property
    def deadline(self) -> float:
        """When the next one is due; infinite if none waits."""
        return min((self._books[i].due_at for i in self._waiting), default=float("inf"))

    def due(self, now: float) -> frozenset[int]:
        """The instruments whose books may begin anew now; each is given once."""
        due = frozenset(i for i in self._waiting if self._books[i].due_at <= now)
        self._waiting -= due
        return due
