"""The last minutes of a few rates, for small charts."""

from __future__ import annotations

from collections import deque

import attrs

STEP_SECS = 5.0
STEPS = 120
"""Ten minutes."""


@attrs.define
class _Ring:
    values: deque[float] = attrs.field(factory=lambda: deque(maxlen=STEPS))
    before: int | None = None

    def add(self, total: int, secs: float) -> None:
        if self.before is not None:
            self.values.append(round(max(0, total - self.before) / secs, 2))
        self.before = total


class History:
    """Rates by key, from totals that are given every `STEP_SECS`."""

    def __init__(self) -> None:
        self._rings: dict[tuple[str, str], _Ring] = {}
        self._at: float | None = None

    def add(self, monotonic_secs: float, totals: dict[tuple[str, str], int]) -> None:
        """Take totals that only rise; too early they are passed over."""
        secs = STEP_SECS if self._at is None else monotonic_secs - self._at
        if self._at is not None and secs < STEP_SECS:
            return
        self._at = monotonic_secs
        for key, total in totals.items():
            self._rings.setdefault(key, _Ring()).add(total, secs)

    def of(self, *key: str) -> list[float]:
        """Per second, the newest last; at most `STEPS`."""
        owner, kind = key
        ring = self._rings.get((owner, kind))
        return list(ring.values) if ring else []
