"""A book that is cut is the same after many rows at once as after one after the other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tick_logger.reader.cut_levels import after_cut
from tick_logger.reader.levels import Levels, Side, Updates

Row = tuple[bool, float, float, bool]  # bid, price, size, the last of its update

prices = st.one_of(st.integers(1, 12).map(float), st.just(float("nan")))
rows = st.lists(
    st.tuples(st.booleans(), prices, st.sampled_from([0.0, 1.0, 2.0]), st.booleans()), max_size=60
)


def one_by_one(sides: Sequence[dict[float, float]], rows: Sequence[Row], depth: int) -> None:
    """Set levels of asks and bids, and cut both where an update ends."""
    for is_bid, price, size, ends in rows:
        if size and price == price:
            sides[is_bid][price] = size
        else:
            sides[is_bid].pop(price, None)
        if ends:
            for side, bids in zip(sides, (False, True), strict=True):
                for worse in sorted(side, reverse=bids)[depth:]:
                    del side[worse]


def updates_of(rows: Sequence[Row]) -> Updates:
    """Rows as arrays."""
    is_bid, price, size, ends = (np.array([row[n] for row in rows]) for n in range(4))
    return Updates(is_bid.astype(bool), price.astype(float), size.astype(float), ends.astype(bool))


def same(found: Levels, sides: Sequence[dict[float, float]]) -> bool:
    """Whether both sides have these levels, in order."""
    pairs = zip((found.asks, found.bids), sides, strict=True)
    return all(
        list(zip(side.prices.tolist(), side.sizes.tolist(), strict=True)) == sorted(known.items())
        for side, known in pairs
    )


@given(rows, st.integers(1, 5), st.lists(st.integers(0, 60), max_size=4))
def test_any_rows_in_any_stretches_give_the_levels_of_rows_one_by_one(
    rows: list[Row], depth: int, stops: list[int]
) -> None:
    """Also where an update goes on from one stretch into the next."""
    levels = Levels(Side(), Side(), depth)
    sides: tuple[dict[float, float], dict[float, float]] = {}, {}
    edges = sorted({0, len(rows), *(stop for stop in stops if stop < len(rows))})
    for start, stop in itertools.pairwise(edges):
        levels = after_cut(levels, updates_of(rows[start:stop]))
        one_by_one(sides, rows[start:stop], depth)
        assert same(levels, sides)
        assert levels.depth == depth


@pytest.mark.parametrize("walk", [0, 1], ids=["calm", "moving"])
def test_a_busy_book_of_ten_thousand_rows(walk: int) -> None:
    """As venues send it: most rows near the best, levels falling out at most updates."""
    random = np.random.default_rng(5)
    count, depth = 10_000, 25
    middle = 1_000 + walk * np.cumsum(random.integers(-1, 2, count)) // 4
    is_bid = random.random(count) < 0.5
    away = random.geometric(0.06, count)
    price = np.where(is_bid, middle - away, middle + away).astype(float)
    size = random.integers(1, 9, count) * (random.random(count) > 0.3).astype(float)
    ends = random.random(count) < 0.8
    columns = (each.tolist() for each in (is_bid, price, size, ends))
    rows = list(zip(*columns, strict=True))
    sides: tuple[dict[float, float], dict[float, float]] = {}, {}
    one_by_one(sides, rows, depth)
    found = after_cut(Levels(depth=depth), Updates(is_bid, price, size, ends))
    assert same(found, sides)
    assert found.count > depth
