"""The numbers of one exchange's newest day that is sealed and certified.

Invariant: they are of one day; a certificate of an older one changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import Counter, Gauge

CONDITIONS = ("missing", "degraded", "pending", "available")
"""Of a day, from the worst on; a gauge has the place in this order."""


class SealedDay:
    """Made by name and text."""

    def __init__(
        self, gauge: Callable[[str, str], Gauge], counter: Callable[[str, str], Counter]
    ) -> None:
        self.withheld = counter(
            "seals_withheld",
            "Days over by this machine's clock, and not by the exchange's",
        )
        self.due_timestamp_seconds = gauge(
            "seal_due_timestamp_seconds",
            "Unix time at which the next day is to be sealed and certified, 0 if none is known",
        )
        self.day: int | None = None
        """It, counted since 1970-01-01; None without one."""
        self.timestamp_seconds = gauge(
            "sealed_day_timestamp_seconds",
            "Unix time at which the newest day that is sealed and certified began, 0 without one",
        )
        self.coverage = gauge(
            "sealed_day_coverage",
            "Share of that day in which nothing is known to be missing, on average of all streams",
        )
        self.condition = gauge(
            "sealed_day_condition",
            "Of that day: 0 missing, 1 degraded, 2 pending, 3 available",
        )
        self.lacking_minutes = gauge(
            "sealed_day_candles_lacking",
            "Minutes of that day in which candles have more than was recorded, of all symbols",
        )

    def due(self, day: int, seal_after_secs: float) -> None:
        """The next day to be sealed is this one (since 1970-01-01)."""
        self.due_timestamp_seconds.set((day + 1) * 86_400 + seal_after_secs)

    def certified(self, day: int, coverage: float, condition: str, lacking_minutes: int) -> None:
        """A day (since 1970-01-01) has a certificate that says this."""
        if self.day is not None and day < self.day:
            return
        self.day = day
        self.timestamp_seconds.set(day * 86_400)
        self.coverage.set(coverage)
        self.condition.set(CONDITIONS.index(condition))
        self.lacking_minutes.set(lacking_minutes)
