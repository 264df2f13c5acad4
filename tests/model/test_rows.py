"""Columns of one value, kept as one value in memory, are as good as any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import NO_UUID, Table

Pick = Callable[[int], npt.NDArray[Any] | slice]


def rows(count: int, volume: float | None, first: int = 0) -> RowBatch:
    """Tickers, of one volume if it is given."""
    numbers = np.arange(first, first + count)
    columns: dict[str, object] = dict.fromkeys(
        ("instrument", "recv_ns", "event_ns", "seq", "price", "best_bid", "best_ask"), numbers
    )
    columns["side"] = np.broadcast_to(np.uint32(2), count)
    columns["volume"] = numbers / 8 if volume is None else np.broadcast_to(volume, count)
    return RowBatch.build(Table.MD, columns)


def filled(batch: RowBatch) -> RowBatch:
    """The same with every value in memory."""
    return RowBatch(batch.table, {name: array.copy() for name, array in batch.columns.items()})


def assert_same(one: RowBatch, other: RowBatch) -> None:
    """All columns, to the bit."""
    assert list(one.columns) == list(other.columns)
    for name, array in one.columns.items():
        assert array.dtype == other[name].dtype
        assert array.tobytes() == other[name].tobytes()


PARTS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from([None, 0.0, -0.0, 1.5, float("nan")])), max_size=4
)


@given(PARTS)
def test_putting_batches_together(parts: list[tuple[int, float | None]]) -> None:
    """Of one value or of many, empty or not."""
    batches = [rows(count, volume, 10 * at) for at, (count, volume) in enumerate(parts)]
    whole = RowBatch.concat(Table.MD, batches)
    assert_same(whole, RowBatch.concat(Table.MD, [filled(batch) for batch in batches]))


@pytest.mark.parametrize("count", [0, 1, 5])
@pytest.mark.parametrize(
    "pick",
    [
        lambda count: np.arange(count)[::-1],
        lambda count: np.empty(0, np.int64),
        lambda count: np.arange(count) % 2 == 0,
        lambda count: np.zeros(count, np.bool_),
        lambda count: slice(1, None),
        lambda count: slice(count, count),
    ],
    ids=["backwards", "nothing by index", "every second", "nothing by mask", "tail", "empty slice"],
)
def test_picking_rows(count: int, pick: Pick) -> None:
    """By index, by mask and as a slice."""
    batch = rows(count, 7.0)
    assert_same(batch.take(pick(count)), filled(batch).take(pick(count)))


def test_one_value_stays_one_value() -> None:
    """Through both, as long as it is the same; the orders of a trade are usually not sent."""
    empty = RowBatch.empty(Table.TRADES)
    zeros = RowBatch(empty.table, {name: np.resize(a, 1000) for name, a in empty.columns.items()})
    batch = zeros.replace(maker=np.broadcast_to(NO_UUID, 1000))
    whole = RowBatch.concat(Table.TRADES, [batch, batch]).take(np.arange(1500))
    assert (whole["maker"].strides, whole["maker"].shape) == ((0,), (1500,))
    assert whole["taker"].strides == (16,)
