"""Buckets of a long stretch against plain Python, however the rows are cut into pieces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tick_logger
from tests.reader.recorded import Recorder
from tests.reader.test_rows import BTC, MS, trade
from tests.storage.sample import MIDNIGHT_NS, NAN
from tick_logger.model.tables import Table
from tick_logger.reader import buckets
from tick_logger.reader.buckets import Extremes, Grid, prices_of, spread_of
from tick_logger.reader.errors import DamagedError

PRICES = st.sampled_from([1.0, 2.5, 84106.09, 1e-8, NAN])
ROWS = st.lists(st.tuples(st.integers(0, 99), PRICES, st.sampled_from([0.5, 2.0, NAN])))


def told(values: Sequence[float]) -> list[float]:
    """The first, least, greatest and last of some values."""
    there = [value for value in values if not math.isnan(value)]
    return [there[0], min(there), max(there), there[-1]] if there else [NAN] * 4


def bucket(of: Extremes, number: int) -> list[float]:
    return [float(each[number]) for each in (of.first, of.low, of.high, of.last)]


@given(rows=ROWS, most=st.integers(1, 120), at_once=st.integers(1, 40))
def test_prices_and_volume(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, float, float]],
    most: int,
    at_once: int,
) -> None:
    """Of each bucket: where it began, how low and high it went, where it ended, how much."""
    recorder = Recorder(tmp_path_factory.mktemp("data"), "f8")
    ordered = sorted(enumerate(rows), key=lambda each: (each[1][0], each[0]))
    written: list[dict[str, Any]] = [
        trade(seq, ms, price=price, size=size) for seq, (ms, price, size) in ordered
    ]
    recorder.write(Table.TRADES, written or [trade(1_000, 200)])
    grid = Grid.over(MIDNIGHT_NS, MIDNIGHT_NS + 100 * MS, most)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buckets, "ROWS_AT_ONCE", at_once)
        found = tick_logger.open(recorder.folder).trades(
            BTC, MIDNIGHT_NS, MIDNIGHT_NS + 100 * MS, columns=["ts", "price", "size"]
        )
        drawn = prices_of(found, grid)
    assert grid.many <= most
    buckets_of: list[list[tuple[float, float]]] = [[] for _ in range(grid.many)]
    for _, (ms, price, size) in ordered:
        buckets_of[ms * MS // grid.step_ns].append((price, size))
    np.testing.assert_array_equal(
        [bucket(drawn.price, number) for number in range(grid.many)],
        [told([price for price, _ in mine]) for mine in buckets_of],
    )
    volumes = [sum(size for _, size in mine if not math.isnan(size)) for mine in buckets_of]
    np.testing.assert_allclose(drawn.volume, volumes)
    np.testing.assert_array_equal(drawn.rows, [len(mine) for mine in buckets_of])


def test_a_side_without_a_price_is_empty(tmp_path: Path) -> None:
    """Neither NaN nor 0 is a bid or an ask; the other side stays."""
    recorder = Recorder(tmp_path, "f8")
    quotes = [(10.0, 11.0), (0.0, 12.0), (NAN, 9.0), (8.0, NAN)]
    rows = [trade(n, n, best_bid=bid, best_ask=ask) for n, (bid, ask) in enumerate(quotes)]
    recorder.write(Table.QUOTES, rows)
    found = tick_logger.open(tmp_path).quotes(BTC, "2024-02-01", columns=["ts", "bid", "ask"])
    spread = spread_of(found, Grid.over(MIDNIGHT_NS, MIDNIGHT_NS + 4 * MS, 1))
    assert bucket(spread.bid, 0) == [10.0, 8.0, 10.0, 8.0]
    assert bucket(spread.ask, 0) == [11.0, 9.0, 12.0, 9.0]


def test_times_that_are_not_in_order_are_damage(tmp_path: Path) -> None:
    """They are said, and nothing is drawn of them."""
    for row in (trade(1, 50), trade(2, 10)):
        Recorder(tmp_path).write(Table.TRADES, [row])
    found = tick_logger.open(tmp_path).trades(BTC, "2024-02-01", columns=["ts", "price", "size"])
    grid = Grid.over(MIDNIGHT_NS, MIDNIGHT_NS + 100 * MS, 100)
    with pytest.raises(DamagedError, match="times are not in order"):
        prices_of(found, grid)


@pytest.mark.parametrize("length", [1, 2, 999, 1_000_001])
@pytest.mark.parametrize("most", [1, 7, 1_200])
def test_a_grid_covers_its_range(length: int, most: int) -> None:
    """The last ns is in the last bucket, and there are no more than asked for."""
    grid = Grid.over(5, 5 + length, most)
    assert grid.many <= most
    assert (grid.many - 1) * grid.step_ns < length <= grid.many * grid.step_ns
