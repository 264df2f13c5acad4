"""Which days are to be sealed and certified, and when a better certificate may follow.

Pure: what there is, what was certified, and what time it is, are arguments.

Not here: whether a better certificate would say anything else (`certifying`).
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from tick_logger.model.times import NS_PER_DAY, NS_PER_SECOND

NS_PER_HOUR = 3_600 * NS_PER_SECOND

MOST_DAYS_WATCHED = 100
"""Back from today days are certified again: where venues give trades of the past, it is for three
months at most."""


def is_over(day: int, now_ns: int, seal_after_secs: float) -> bool:
    """Whether a UTC day (days since 1970-01-01) ended so long ago that it may be sealed."""
    return now_ns >= (day + 1) * NS_PER_DAY + round(seal_after_secs * NS_PER_SECOND)


def due_days(
    there: Iterable[int], certified: Container[int], now_ns: int, seal_after_secs: float
) -> list[int]:
    """The days of one exchange that want their first certificate now, in order, each once.

    `there` are the days that have rows, in any order, those included on which nobody looked;
    `certified` those that have a certificate.
    """
    over = {day for day in there if is_over(day, now_ns, seal_after_secs)}
    return [day for day in sorted(over) if day not in certified]


def withheld(days: Iterable[int], venue_ns: int | None) -> list[int]:
    """Those of the due days that are not over by their exchange's own clock.

    `venue_ns` is what that shows; None: nobody knows, and all are withheld.
    """
    return [day for day in days if venue_ns is None or not is_over(day, venue_ns, 0.0)]


def next_ns(first_ns: int, newest_ns: int) -> int:
    """When the next certificate of a day may be made at the earliest.

    `first_ns` and `newest_ns` say when its first one and its newest one were made: at most one an
    hour follows on the first day after the seal, and then one a day.
    """
    hourly_until_ns = first_ns + NS_PER_DAY
    if newest_ns + NS_PER_HOUR <= hourly_until_ns:
        return newest_ns + NS_PER_HOUR
    return newest_ns + NS_PER_DAY
