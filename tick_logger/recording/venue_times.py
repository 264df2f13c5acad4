"""What time it is by the clocks of exchanges: whoever ends a day for good must ask them too.

A machine's clock may be set to another day by mistake.  What comes from exchanges shows that within
seconds, and one that shows nothing is believed to agree with the others.

Invariant: no exchange's time is ever told to be later than this machine's.  Not here: how the
clocks are learned (`pipeline.venue_clocks`).
"""

from __future__ import annotations

from collections.abc import Mapping


class VenueTimes:
    """By how much the clocks of exchanges are behind this machine's, as far as anything showed."""

    def __init__(self) -> None:
        self._offsets_ns: Mapping[str, int] = {}

    def showed(self, offsets_ns: Mapping[str, int]) -> None:
        """Take the offsets that are known after a flush: event time less receipt, by exchange."""
        self._offsets_ns = dict(offsets_ns)

    def now_ns(self, exchange: str, now_ns: int) -> int | None:
        """The time there when it is `now_ns` here; None as long as no exchange has shown any."""
        known = sorted(self._offsets_ns.values())
        if not known:
            return None
        offset_ns = self._offsets_ns.get(exchange, known[len(known) // 2])
        return now_ns + min(offset_ns, 0)
