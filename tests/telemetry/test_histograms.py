"""Histograms that take arrays: the same as `prometheus_client` counts one by one, and quantiles."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tick_logger.telemetry.histograms import Histogram, HistogramFamily, quantile

BOUNDS = (0.001, 0.25, 1.0, 2.0, 60.0)

values_secs = st.lists(
    st.one_of(st.sampled_from([0.0, *BOUNDS]), st.floats(0, 1e6, allow_nan=False)), max_size=60
)


def exported(registry: CollectorRegistry) -> Mapping[tuple[str, str, float | None], float]:
    """Samples as a scrape sees them, by name, exchange and upper bound."""
    return {
        (
            sample.name,
            sample.labels["exchange"],
            float(sample.labels["le"]) if "le" in sample.labels else None,
        ): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


@given(st.lists(values_secs, max_size=4))
def test_what_is_exported_is_what_prometheus_client_exports(batches: list[list[float]]) -> None:
    """Buckets, count and sum, whatever is observed in whatever batches, bounds included."""
    registry, others = CollectorRegistry(), CollectorRegistry()
    family = HistogramFamily("delay", "A text", BOUNDS)
    registry.register(family)
    other = prometheus_client.Histogram(
        "delay", "A text", ["exchange"], buckets=BOUNDS, registry=others
    ).labels("alpha")
    child = family.child("alpha")
    for batch in batches:
        child.observe(np.array(batch, np.float64))
        for value in batch:
            other.observe(value)
    ours, theirs = dict(exported(registry)), dict(exported(others))
    total = ("delay_sum", "alpha", None)
    assert ours.pop(total) == pytest.approx(theirs.pop(total))
    assert ours == theirs


def test_exchanges_are_apart() -> None:
    """Each has its own child, the same at every call."""
    registry = CollectorRegistry()
    family = HistogramFamily("delay", "A text", BOUNDS)
    registry.register(family)
    assert family.child("alpha") is family.child("alpha")
    family.child("alpha").observe(np.array([0.5, 0.5]))
    family.child("beta").observe(np.array([99.0]))
    found = exported(registry)
    assert (found["delay_count", "alpha", None], found["delay_count", "beta", None]) == (2, 1)
    assert found["delay_bucket", "beta", 60.0] == 0
    assert found["delay_bucket", "beta", math.inf] == 1


def test_a_name_can_be_taken_only_once() -> None:
    """The registry hears of it although there are no children yet."""
    registry = CollectorRegistry()
    registry.register(HistogramFamily("delay", "A text", BOUNDS))
    with pytest.raises(ValueError, match="delay"):
        prometheus_client.Histogram("delay", "Another", registry=registry)


def within(value: float, bounds: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The bucket that a value lies in."""
    place = int(np.searchsorted(bounds, value))
    if place >= len(bounds):
        return float(bounds[-1]), float(bounds[-1])
    return (float(bounds[place - 1]) if place else 0.0), float(bounds[place])


@given(values_secs.filter(bool), st.floats(0.01, 1.0))
def test_a_quantile_lies_in_the_bucket_where_numpy_finds_it(
    values: list[float], share: float
) -> None:
    """No better is possible from counts."""
    histogram = Histogram(BOUNDS)
    histogram.observe(np.array(values))
    found = quantile(histogram.bounds, histogram.counts, share)
    true = float(np.percentile(np.array(values), share * 100, method="inverted_cdf"))
    low, high = within(true, histogram.bounds)
    assert found is not None
    assert low <= found <= high


def test_a_quantile_is_even_within_a_bucket() -> None:
    """Exact values; beyond the last bound it is that bound, and of nothing it is None."""
    bounds = np.array([1.0, 2.0, 4.0])
    assert quantile(bounds, np.array([0, 0, 10, 0]), 0.5) == 3.0
    assert quantile(bounds, np.array([10, 0, 0, 0]), 0.99) == 0.99
    assert quantile(bounds, np.array([1, 0, 1, 2]), 0.5) == 4.0
    assert quantile(bounds, np.array([1, 0, 1, 2]), 0.99) == 4.0
    assert quantile(bounds, np.zeros(4, np.int64), 0.5) is None


def test_between_two_moments() -> None:
    """A copy of the counts is a moment; the difference is what came after it."""
    histogram = Histogram((1.0, 2.0))
    histogram.observe(np.array([0.5] * 1000))
    before = histogram.counts.copy()
    histogram.observe(np.array([1.5, 1.5]))
    assert (histogram.counts - before).tolist() == [0, 2, 0]
    assert quantile(histogram.bounds, histogram.counts - before, 0.5) == 1.5


def test_nothing_is_counted_of_nothing() -> None:
    """An empty batch is no error."""
    histogram = Histogram(BOUNDS)
    histogram.observe(np.zeros(0))
    assert (histogram.counts.sum(), histogram.sum) == (0, 0.0)
