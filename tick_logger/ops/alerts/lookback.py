"""Counters of the last hours, and what they say: feeds that fell silent, and holes that stay.

Pure: samples come in with their time.  The bounds are those of `FeedSilent` and `GapOpened` in
`config/prometheus/rules.yml`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Collection, Mapping
from itertools import islice

from tick_logger.model.cause import Cause

STEP_SECS = 30.0
MAX_SAMPLES = 392
"""Three and a quarter hours of them, which is how far back a slow feed is looked at."""

Key = tuple[str, str]
"""An exchange, and a feed or a cause."""

EXPECTED = frozenset(
    {
        Cause.RESTART, Cause.RETIRED, Cause.MOVED, Cause.RESYNC, Cause.SNAPSHOT,
        Cause.DISCONNECT, Cause.UNDECODABLE, Cause.RENUMBERED, Cause.STRAY,
    }
)  # fmt: skip
"""Causes of holes that are no surprise, follow from another hole, or are told otherwise."""

GAP_SECS = 600.0
"""For so long a new hole that stays is told."""


class Lookback:
    """Of several counters their values at past moments, at most `MAX_SAMPLES` of each.

    They were 0 when it began.
    """

    def __init__(self, began: float) -> None:
        self._at: deque[float] = deque([began], maxlen=MAX_SAMPLES)
        self._values: deque[dict[Key, float]] = deque([{}], maxlen=MAX_SAMPLES)

    def add(self, now: float, values: Mapping[Key, float]) -> None:
        """What they are now; called often, it keeps a sample each `STEP_SECS`."""
        if now - self._at[-1] >= STEP_SECS:
            self._at.append(now)
            self._values.append(dict(values))

    def at(self, when: float) -> dict[Key, float]:
        """The newest sample that is as old as that, or the oldest."""
        return self._values[max(bisect_right(self._at, when) - 1, 0)]

    def since(self, when: float) -> list[dict[Key, float]]:
        """All samples that are not older."""
        return list(islice(self._values, bisect_left(self._at, when), None))


def silent_feeds(rows: Lookback, now: float, before: Collection[Key] = ()) -> list[Key]:
    """Feeds of which at least 120 rows were due since the last one.

    Silent for a minute at two rows a second, or for a quarter of an hour at 480 an hour.  Those
    that were so `before` are until a row comes, or until they are forgotten, as after a reload that
    took them away.
    """
    return [key for key in rows.at(now) if _is_silent(rows, key, now, key in before)]


def _is_silent(rows: Lookback, key: Key, now: float, before: bool) -> bool:
    if _grown(rows, key, now, 60.0) > 0:
        return False
    if before or _grown(rows, key, now, 1800.0) > 3600:
        return _grown(rows, key, now, 11_700.0) > 0
    return _grown(rows, key, now, 900.0) == 0 and _grown(rows, key, now - 900.0, 10_800.0) > 1440


def _grown(rows: Lookback, key: Key, until: float, secs: float) -> float:
    return rows.at(until).get(key, 0.0) - rows.at(until - secs).get(key, 0.0)


def new_gaps(left: Lookback, values: Mapping[Key, float], now: float) -> list[Key]:
    """Causes of which more holes are left (`values`) than there were within the last ten minutes.

    What a start finds is new, too.
    """
    before = left.since(now - GAP_SECS)
    return [
        key
        for key, count in values.items()
        if key[1] not in EXPECTED
        and count > min((each.get(key, 0.0) for each in before), default=count)
    ]
