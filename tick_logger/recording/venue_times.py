"""What time it is by the clocks of exchanges: whoever ends a day for good must ask them too.

A machine's clock may be set to another day by mistake.  What comes from exchanges shows that within
seconds, and one that shows nothing is believed to agree with the others.

What an exchange showed is not believed for ever: once this machine's clock is set right, one that
sends nothing would seem to be off for good, and none of its days would end.

Invariant: no exchange's time is ever told to be later than this machine's.  Not here: how the
clocks are learned (`pipeline.venue_clocks`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from tick_logger.telemetry.logs import get_logger

NS_PER_HOUR = 3_600 * 10**9

SILENT_NS = NS_PER_HOUR
"""An exchange of which nothing came for so long is believed to agree with the others, as long as
there are any: they would have shown meanwhile that a clock was set."""

MUTE_NS = 24 * NS_PER_HOUR
"""Where nothing came of any, what they showed last is believed for so long: a network that is down
must not end a day by a clock that is wrong."""

TOLD_NS = 10 * 10**9
"""What is not believed any more is told if it was further off than this."""


class VenueTimes:
    """By how much the clocks of exchanges are behind this machine's, as far as anything showed."""

    def __init__(self, monotonic_ns: Callable[[], int]) -> None:
        self._monotonic_ns = monotonic_ns
        self._offsets_ns: Mapping[str, int] = {}
        self._heard_ns: dict[str, int] = {}
        self._told: set[str] = set()
        self._log = get_logger()

    def showed(self, offsets_ns: Mapping[str, int], heard: Collection[str]) -> None:
        """Take the offsets that are known after a flush: event time less receipt, by exchange.

        `heard` are those of which it has rows that came by themselves.
        """
        self._offsets_ns = dict(offsets_ns)
        now_ns = self._monotonic_ns()
        for name in offsets_ns:
            if name in heard or name not in self._heard_ns:
                self._heard_ns[name] = now_ns
        self._told.difference_update(heard)

    def now_ns(self, exchange: str, now_ns: int) -> int | None:
        """The time there when it is `now_ns` here; None as long as no exchange shows any."""
        believed = self._heard_within(SILENT_NS) or self._heard_within(MUTE_NS)
        if exchange in self._offsets_ns and exchange not in believed:
            self._tell(exchange)
        if not believed:
            return None
        known = sorted(believed.values())
        offset_ns = believed.get(exchange, known[len(known) // 2])
        return now_ns + min(offset_ns, 0)

    def _heard_within(self, most_ns: int) -> dict[str, int]:
        """The offsets of those of which something came since then."""
        since_ns = self._monotonic_ns() - most_ns
        offsets = self._offsets_ns.items()
        return {name: each for name, each in offsets if self._heard_ns[name] > since_ns}

    def _tell(self, exchange: str) -> None:
        offset_ns = self._offsets_ns[exchange]
        if exchange in self._told or abs(offset_ns) <= TOLD_NS:
            return
        self._told.add(exchange)
        self._log.warning(
            "clock_offset_not_believed",
            clock=exchange,
            seconds=round(offset_ns / 1e9, 3),
            explanation="nothing came from there since: its days end by the clocks of the others, "
            "or by that of this machine",
        )
