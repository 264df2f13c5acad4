"""How many ids can be missing at once, for ids that rise by one: what is more is no hole.

An id of 2**63 - 1 in the middle of a stream would open a hole without end, in which every later
trade would be "found", and a real loss never be seen.

Not here: what such an id is instead (`pipeline.numberings`).
"""

from __future__ import annotations

from tick_logger.model.times import NS_PER_SECOND

ANY_TIME_IDS = 1_000_000
"""Missing ids that are believed however short the time: a venue may skip some, or be very busy."""

IDS_PER_SECOND = 10_000
"""Missing ids that are believed for each second in which nothing came: several times as many
trades as any symbol has had on its busiest days."""


def is_believable(missing: int, elapsed_ns: int) -> bool:
    """Whether so many ids can have been given in this time."""
    return missing <= ANY_TIME_IDS + IDS_PER_SECOND * max(elapsed_ns, 0) // NS_PER_SECOND
