"""Compares what was read with rows of plain Python, number by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.reader.oracle import Row
from tick_logger import Rows

PUBLIC = {
    "MD": ["ts", "recv_ts", "price", "size", "side", "bid", "ask", "origin"],
    "TRADES": [
        "ts", "recv_ts", "id", "price", "size", "side",
        "maker_order_id", "taker_order_id", "origin",
    ],
    "QUOTES": ["ts", "recv_ts", "id", "bid", "bid_size", "ask", "ask_size", "origin"],
    "BOOK": ["ts", "recv_ts", "id", "side", "price", "size", "is_snapshot", "origin"],
}  # fmt: skip
"""All columns that there are, by the name of the table on disk."""

METHODS = {"MD": "ticker", "TRADES": "trades", "QUOTES": "quotes", "BOOK": "book_updates"}


def plain(values: npt.NDArray[Any]) -> list[Any]:
    """As Python has them; times in ns, ids of orders as bytes."""
    if values.dtype.kind == "M":
        assert values.dtype == np.dtype("datetime64[ns]")
        values = values.astype(np.int64)
    return [bytes(each) for each in values] if values.dtype.kind == "V" else list(values.tolist())


def same(found: Rows, expected: Sequence[Row], columns: Sequence[str]) -> None:
    """All rows, in order, in each of these columns; NaN equals NaN, and nothing else is near."""
    assert len(found) == len(expected)
    for name, values in found.numpy().items():
        assert values.shape == (len(expected),), name
        np.testing.assert_array_equal(
            np.array(plain(values), object if name.endswith("order_id") else None),
            np.array(
                [row[name] for row in expected], object if name.endswith("order_id") else None
            ),
            err_msg=name,
        )
    assert list(found.columns) == list(columns)
