"""Families of metrics with the label `exchange`, and perhaps more.

Invariant: each is created once, at its first use.  Not here: which there are (`exchange_metrics`).
"""

from __future__ import annotations

from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge

from tick_logger.telemetry.histograms import HistogramFamily

PREFIX = "collector_"

LATENCY_BOUNDS_SECS = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
GAP_BOUNDS_IDS = (1, 2, 5, 10, 20, 50, 100, 1_000, 10_000, 100_000, 1_000_000)


Family = TypeVar("Family", Counter, Gauge)


class Families:
    """Families with the label `exchange`, and perhaps more, each created at its first use."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._families: dict[str, Counter | Gauge] = {}
        self.latency = HistogramFamily(
            PREFIX + "latency_exchange_to_collector",
            "Seconds from the exchange's time of an event to its receipt here, of live events",
            LATENCY_BOUNDS_SECS,
            ("exchange", "feed"),
        )
        self.gap_size = HistogramFamily(
            PREFIX + "gap_size", "Ids missing in a hole of which the ids are known", GAP_BOUNDS_IDS
        )
        for histograms in (self.latency, self.gap_size):
            registry.register(histograms)

    def family(self, kind: type[Family], name: str, text: str, *labels: str) -> Family:
        """The one of this name."""
        if name not in self._families:
            labelled = ["exchange", *labels]
            self._families[name] = kind(PREFIX + name, text, labelled, registry=self._registry)
        family = self._families[name]
        assert isinstance(family, kind)
        return family
