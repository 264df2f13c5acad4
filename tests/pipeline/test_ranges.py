"""Cutting ids out of ranges gives what sets of ids give."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.streams import examples
from tick_logger.pipeline.ranges import cut


@examples
@given(st.sets(st.integers(0, 30)), st.integers(-2, 32), st.integers(0, 12))
def test_what_is_cut_out_is_gone_and_nothing_else(ids: set[int], first: int, more: int) -> None:
    """Ascending disjoint ranges stay so, and hold the ids that were not taken out."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(ids):
        ranges.append((number, number))
        if (
            number % 3 and len(ranges) > 1 and ranges[-2][1] == number - 1
        ):  # some adjacent, some not
            ranges[-2:] = [(ranges[-2][0], number)]
    cut(ranges, first, first + more)
    left = [number for low, high in ranges for number in range(low, high + 1)]
    assert left == sorted(ids - set(range(first, first + more + 1)))
