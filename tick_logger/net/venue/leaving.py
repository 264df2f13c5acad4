"""Symbols that are no longer called tradable, and keep their streams for a while nevertheless.

A halt lasts minutes, a listing is read every few minutes, and may lack for a moment what is traded
all the time: whoever unsubscribes at once misses the first trades after it.  So a symbol is kept
for `GRACE_SECS` since it left, and since it delivered anything.  When it is called tradable again,
nothing has happened.

As long as a symbol is kept, and for a while after it came back, its silence is no fault.

Pure: times are seconds of trio's clock.  Not here: what a listing is (`discovery`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

GRACE_SECS = 900.0
"""Three readings of a listing by REST, and longer than most halts."""

CHECK_SECS = 30.0
"""How often it is seen whose time is over."""


class Leaving:
    """The symbols of one exchange that have left its listing, or have just come back."""

    def __init__(self) -> None:
        self._left: dict[str, float] = {}
        self._back: dict[str, float] = {}

    def leave(self, symbols: Iterable[str], now: float) -> None:
        """These are recorded, and not called tradable any more."""
        for symbol in symbols:
            self._left.setdefault(symbol, now)
            self._back.pop(symbol, None)

    def come_back(self, symbols: Iterable[str], now: float) -> None:
        """These are called tradable; nothing follows of those that had not left."""
        for symbol in symbols:
            if self._left.pop(symbol, None) is not None:
                self._back[symbol] = now

    def end(self, now: float, delivered_at: Callable[[str], float]) -> list[str]:
        """The symbols whose time is over, which are forgotten."""
        for symbol, since in list(self._back.items()):
            if delivered_at(symbol) > since or now >= since + GRACE_SECS:
                del self._back[symbol]
        over = [
            symbol
            for symbol, since in self._left.items()
            if now >= max(since, delivered_at(symbol)) + GRACE_SECS
        ]
        for symbol in over:
            del self._left[symbol]
        return over

    @property
    def kept(self) -> frozenset[str]:
        """Those that have left, and are recorded still."""
        return frozenset(self._left)

    @property
    def excused(self) -> frozenset[str]:
        """Those whose silence is no fault."""
        return frozenset({*self._left, *self._back})
