"""Where late rows belong among those that are in order, and how a column of both is made.

A late row stands behind all rows of earlier times, and among those of its own time before the
first one with a greater id.  Main rows keep their order, whatever their ids.  Pure.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tick_logger.reader.source import Array

Positions = npt.NDArray[np.int64]


def order_of_late(times: Array, ids: Array) -> Positions:
    """Late rows by time, then id, stable: which comes first, second, ... shape `(n,)`."""
    return np.lexsort((ids, times))


def places_among(times: Array, ids: Array, late_times: Array, late_ids: Array) -> Positions:
    """Before which main row each late row belongs, both being sorted by time; shape `(late,)`.

    `times` and `ids` are those of the main rows (int64 ns, uint64).
    """
    places = np.searchsorted(times, late_times, "left")
    ends = np.searchsorted(times, late_times, "right")
    for number in np.flatnonzero(places < ends):
        tied = ids[places[number] : ends[number]]
        greater = np.flatnonzero(tied > late_ids[number])
        places[number] = places[number] + greater[0] if len(greater) else ends[number]
    # Of two late rows with one time, the second may not come before the first.
    return np.maximum.accumulate(places) if len(places) else places


def with_late(main: Array, late: Array, places: Positions) -> Array:
    """A column of both: late values before the main rows that `places` names."""
    return np.insert(main, places, late) if len(late) else main
