"""How long to wait before the next attempt to connect: exponential, capped, full jitter.

Pure: the random source is given.  Full jitter (anything between zero and the bound) spreads the
reconnects of many connections that fell together.
"""

from __future__ import annotations

from random import Random

STABLE_SECS = 60.0
"""A connection that lived this long was good: the next failure starts from the beginning."""


class Backoff:
    """The waits of one connection."""

    def __init__(self, initial_secs: float, max_secs: float, rng: Random) -> None:
        self._initial_secs = initial_secs
        self._max_secs = max_secs
        self._rng = rng
        self._bound_secs = initial_secs

    def limit(self, initial_secs: float, max_secs: float) -> None:
        """Keep to these from the next wait on."""
        self._initial_secs, self._max_secs = initial_secs, max_secs
        self._bound_secs = min(max(self._bound_secs, initial_secs), max_secs)

    def next_wait_secs(self, lived_secs: float) -> float:
        """The wait after a connection that lived so long (0 if it never came about)."""
        if lived_secs >= STABLE_SECS:
            self._bound_secs = self._initial_secs
        bound = self._bound_secs
        self._bound_secs = min(bound * 2, self._max_secs)
        return self._rng.uniform(0, bound)
