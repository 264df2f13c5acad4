"""Histograms that take whole arrays of values, with one numpy call however many.

`prometheus_client` observes one value at a time, which is too dear for every row.  What is exported
looks the same.  A `Histogram` may also be read back, for quantiles between two moments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import numpy as np
import numpy.typing as npt
from prometheus_client import Metric
from prometheus_client.core import HistogramMetricFamily

Counts = npt.NDArray[np.int64]


MOST_WAITING = 64
"""Arrays, each of which a batch has brought: counted together they cost little more than one."""


class Histogram:
    """Counts of values by upper bounds, which are part of their buckets, and the rest.

    What was observed is counted when somebody looks, or when much of it waits.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = np.array(bounds, np.float64)
        self._counts: Counts = np.zeros(len(bounds) + 1, np.int64)
        self._sum = 0.0
        self._waiting: list[npt.NDArray[np.float64]] = []

    def observe(self, values: npt.NDArray[np.float64]) -> None:
        """Count values (any number of them, float64); NaN must not be among them."""
        self._waiting.append(values)
        if len(self._waiting) >= MOST_WAITING:
            self._count()

    @property
    def counts(self) -> Counts:
        """By bucket, the last of which has what is beyond all bounds."""
        self._count()
        return self._counts

    @property
    def sum(self) -> float:
        """Of all values."""
        self._count()
        return self._sum

    def _count(self) -> None:
        if self._waiting:
            values = np.concatenate(self._waiting)
            self._waiting.clear()
            places = np.searchsorted(self.bounds, values, side="left")
            self._counts += np.bincount(places, minlength=len(self._counts))
            self._sum += float(values.sum())


class Together:
    """Several histograms with the same bounds, read as one."""

    def __init__(self, parts: Sequence[Histogram]) -> None:
        self._parts = parts
        self.bounds = parts[0].bounds

    @property
    def counts(self) -> Counts:
        """Of all of them, an array of its own."""
        counts: Counts = np.sum([each.counts for each in self._parts], axis=0, dtype=np.int64)
        return counts

    @property
    def sum(self) -> float:
        """Of all values."""
        return sum(each.sum for each in self._parts)


def quantile(bounds: npt.NDArray[np.float64], counts: Counts, share: float) -> float | None:
    """The value below which this share of what was counted lies; None of nothing.

    Even within a bucket; of what is beyond the last bound, that bound.
    """
    total = int(counts.sum())
    if not total:
        return None
    reached = np.cumsum(counts)
    place = int(np.searchsorted(reached, share * total, side="left"))
    if place >= len(bounds):
        return float(bounds[-1])
    below = float(bounds[place - 1]) if place else 0.0
    before = int(reached[place] - counts[place])
    within = (share * total - before) / int(counts[place])
    return below + (float(bounds[place]) - below) * within


@attrs.define(eq=False)
class HistogramFamily:
    """Histograms with the label `exchange`, and perhaps more, as a registry collects them."""

    name: str
    text: str
    bounds: Sequence[float]
    labels: Sequence[str] = ("exchange",)
    _children: dict[tuple[str, ...], Histogram] = attrs.field(factory=dict)

    def child(self, *values: str) -> Histogram:
        """That of these labels, the same one at every call."""
        assert len(values) == len(self.labels), "one value for each label"
        if values not in self._children:
            self._children[values] = Histogram(self.bounds)
        return self._children[values]

    def collect(self) -> Iterator[Metric]:
        """What is exported."""
        family = HistogramMetricFamily(self.name, self.text, labels=self.labels)
        names = [*(f"{bound:g}" for bound in self.bounds), "+Inf"]
        for values, child in self._children.items():
            reached = np.cumsum(child.counts).tolist()
            buckets = list(zip(names, map(float, reached), strict=True))
            family.add_metric(values, buckets, child.sum)
        yield family

    def describe(self) -> Iterator[Metric]:
        """Its name, so that no other family can have it."""
        yield HistogramMetricFamily(self.name, self.text, labels=self.labels)
