"""Numbers of some exchanges only, for whoever may be told of no others."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector


class OfExchanges(Collector):
    """What a registry has of these exchanges, and of none: a collector by itself."""

    def __init__(self, registry: CollectorRegistry, exchanges: Collection[str]) -> None:
        self._registry = registry
        self._shown = frozenset({"", *exchanges})

    def collect(self) -> Iterator[Metric]:
        """Each family with the samples that may be shown; one that has none is left out."""
        for family in self._registry.collect():
            samples = [each for each in family.samples if self._shows(each.labels)]
            if samples or not family.samples:
                kept = Metric(family.name, family.documentation, family.type, family.unit)
                kept.samples = samples
                yield kept

    def _shows(self, labels: dict[str, str]) -> bool:
        return labels.get("exchange", "") in self._shown
