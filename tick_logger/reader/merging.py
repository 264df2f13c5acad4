"""Where late rows belong among those that are in order, and how a column of both is made.

A late row stands behind all rows of earlier times, and among those of its own time before the
first one with a greater id.  Main rows keep their order, whatever their ids.  Pure.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tick_logger.reader.source import Array, Block

Positions = npt.NDArray[np.int64]

SCANNED = 20_000
"""Main rows that are scanned in the time in which one is found by halving."""


def order_of_late(times: Array, ids: Array) -> Positions:
    """Late rows by time, then id, stable: which comes first, second, ... shape `(n,)`."""
    return np.lexsort((ids, times))


def places_among(main: Block, times: Array, ids: Array) -> Positions:
    """Before which main row each late row belongs, late ones being sorted; shape `(late,)`.

    Looks at few rows for each late one, of which there are few; at all between them otherwise.
    """
    if not len(times):
        return np.empty(0, np.int64)
    first, last = main.first_at(int(times[0])), main.first_at(int(times[-1]) + 1)
    if last - first < SCANNED * len(times):
        happened = main.field("event_ns", first, last)
        begins = first + np.searchsorted(happened, times, "left")
        ends = first + np.searchsorted(happened, times, "right")
    else:
        begins = np.array([main.first_at(time) for time in times.tolist()])
        ends = np.array([main.first_at(time + 1) for time in times.tolist()])
    for number in np.flatnonzero(begins < ends):
        tied = main.field("seq", int(begins[number]), int(ends[number]))
        greater = np.flatnonzero(tied > ids[number])
        begins[number] = begins[number] + greater[0] if len(greater) else ends[number]
    return begins  # sorted as the late rows are: a greater id has no smaller place


def with_late(main: Array, late: Array, places: Positions) -> Array:
    """A column of both: late values before the main rows that `places` names."""
    return np.insert(main, places, late) if len(late) else main
