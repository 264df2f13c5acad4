"""Sets of ids as ranges, against Python's own sets."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tick_logger.storage.id_ranges import IdRanges

TOP = 2**64 - 1
ids = st.integers(0, 25) | st.integers(TOP - 25, TOP)
sets = st.lists(ids, max_size=40)


def ranges(values: list[int]) -> IdRanges:
    return IdRanges.of(np.array(values, np.uint64))


def members(found: IdRanges) -> set[int]:
    """All ids, after checking that the ranges ascend without touching."""
    pairs = found.pairs()
    assert all(first <= last for first, last in pairs)
    assert all(a[1] + 1 < b[0] for a, b in itertools.pairwise(pairs))
    return {each for first, last in pairs for each in range(first, last + 1)}


@given(sets)
def test_of(values: list[int]) -> None:
    """Order and repetition do not matter."""
    assert members(ranges(values)) == set(values)
    assert ranges(values).count() == len(set(values))


@given(sets, sets)
def test_set_operations(one: list[int], other: list[int]) -> None:
    """Union, intersection and difference are those of sets."""
    a, b = ranges(one), ranges(other)
    assert members(a.union(b)) == set(one) | set(other)
    assert members(a.common(b)) == set(one) & set(other)
    assert members(a.without(b)) == set(one) - set(other)


@given(sets, sets)
def test_contains(one: list[int], asked: list[int]) -> None:
    """Each id is answered for on its own."""
    found = ranges(one).contains(np.array(asked, np.uint64))
    assert found.tolist() == [each in set(one) for each in asked]


@given(st.lists(st.integers(0, 40), max_size=20))
def test_holes(values: list[int]) -> None:
    """What is missing between the smallest and the largest."""
    within = range(min(values), max(values) + 1) if values else range(0)
    assert members(ranges(values).holes()) == set(within) - set(values)


def test_spanning_joins_what_touches_or_overlaps() -> None:
    """Ranges may come in any order."""
    first, last = np.array([20, 1, 5, 3, 9], np.uint64), np.array([30, 4, 8, 3, 9], np.uint64)
    assert IdRanges.spanning(first, last).pairs() == ((1, 9), (20, 30))
