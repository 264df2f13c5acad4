"""tick_logger: a recorder of live crypto-market data, and what reads it again.

    >>> import tick_logger
    >>> rec = tick_logger.open("data")
    >>> frame = rec.trades("coinbase:BTC-USD", "2026-11-29").polars()

The names of the reading interface are imported when they are first used: a recorder needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tick_logger.version import __version__

if TYPE_CHECKING:
    from tick_logger.reader import (
        Book,
        DamagedError,
        Doubt,
        Gap,
        IncompleteError,
        MissingExtraError,
        NotRecordedError,
        OverlapError,
        Recording,
        Rows,
        open,
    )

__all__ = [
    "Book",
    "DamagedError",
    "Doubt",
    "Gap",
    "IncompleteError",
    "MissingExtraError",
    "NotRecordedError",
    "OverlapError",
    "Recording",
    "Rows",
    "__version__",
    "open",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tick_logger import reader

    return getattr(reader, name)
