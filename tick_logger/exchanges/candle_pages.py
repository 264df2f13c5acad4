"""What the answers of venues about their candles have in common, once they are decoded.

Invariant: a time that begins no minute, or a value that is none, makes the whole answer none.  Not
here: any venue's fields.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tick_logger.exchanges.venue_error import VenueError
from tick_logger.model.candles import Minutes, Values

SECONDS, MILLIS = 60, 60_000
"""What a minute has of a unit in which venues tell times."""


def candles(
    request: str, starts: Sequence[int], unit: int, values: Sequence[float]
) -> tuple[Minutes, Values]:
    """Minutes and values of an answer to a request of this name; raises `VenueError`.

    `starts` are times since 1970-01-01 UTC, of which a minute has so many units.
    """
    begins = np.array(starts, np.int64)
    found = np.array(values, np.float64)
    if (begins % unit).any():
        raise VenueError(f"{request}: {begins[begins % unit != 0][0]} does not begin a minute")
    if not (np.isfinite(found) & (found >= 0)).all():
        raise VenueError(f"{request}: a candle without a number of what was traded")
    return begins // unit, found
