"""An order book as a page is told of it: its levels, when it was so, and why it is broken.

Times are seconds since 1970-01-01 (to show) and texts of ns (exact).  Not here: what the book was
(`books`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tick_logger.model.times import NS_PER_SECOND
from tick_logger.reader.book import Book

Document = dict[str, Any]


def book_view(book: Book) -> Document:
    """Levels are pairs of price and size, the best first; `levels` counts all that there are.

    `as_of` is null where there is no book; `cause` is empty where it is not broken.
    """
    return {
        "exchange": book.symbol.exchange,
        "symbol": book.symbol.symbol,
        **_time("at", book.at),
        **_time("as_of", book.as_of),
        "broken": book.broken,
        "cause": book.cause,
        "levels": book.levels,
        "bids": book.bids.tolist(),
        "asks": book.asks.tolist(),
    }


def _time(name: str, moment: np.datetime64) -> Document:
    if np.isnat(moment):
        return {f"{name}_ns": None, name: None}
    time_ns = int(moment.astype(np.int64))
    return {f"{name}_ns": str(time_ns), name: time_ns / NS_PER_SECOND}
