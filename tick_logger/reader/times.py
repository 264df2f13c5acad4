"""Times as a user writes them, and the half-open range of ns that is read.

A date is its UTC day, text is ISO 8601 (UTC where it names no offset), a datetime must be aware,
an integer is ns since 1970-01-01 UTC.  Nothing is guessed: a naive datetime, or an integer that
looks like seconds, is refused with words.
"""

from __future__ import annotations

import datetime
import operator
import re
from typing import SupportsIndex, TypeAlias

import attrs
import numpy as np

from tick_logger.model.times import NS_PER_DAY, NS_PER_SECOND, day_of

Time: TypeAlias = "datetime.date | datetime.datetime | str | int | np.datetime64"
"""A moment, or a UTC day: a date, ISO text, an aware datetime, or ns since 1970-01-01 UTC."""

BEGINNING_NS = 0
END_NS = 4_102_444_800 * NS_PER_SECOND
"""2100-01-01: behind the last day that a file's name can have."""

_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_LEAST_NS = 10**16  # 26 April 1970; as seconds, ms or us it is a time of this century
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FRACTION = re.compile(r"[.,](\d+)", re.ASCII)
_EVERY = re.compile(r"(\d+(?:\.\d+)?)\s*(ns|us|ms|s|m|min|h|d)", re.ASCII)
_UNITS = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": NS_PER_SECOND,
    "m": 60 * NS_PER_SECOND,
    "min": 60 * NS_PER_SECOND,
    "h": 3600 * NS_PER_SECOND,
    "d": NS_PER_DAY,
}


@attrs.frozen
class Span:
    """From `start_ns` until before `end_ns`, in ns since 1970-01-01 UTC."""

    start_ns: int
    end_ns: int

    @property
    def days(self) -> range:
        """The UTC days that it touches (days since 1970-01-01)."""
        if self.end_ns <= self.start_ns:
            return range(0)
        return range(day_of(self.start_ns), day_of(self.end_ns - 1) + 1)

    @property
    def text(self) -> str:
        """For people."""
        if self.start_ns % NS_PER_DAY == 0 and self.end_ns == self.start_ns + NS_PER_DAY:
            return iso(self.start_ns)[:10]
        if self.end_ns == END_NS:
            return f"from {iso(self.start_ns)} on" if self.start_ns else "all days"
        return f"{iso(self.start_ns)} to {iso(self.end_ns)}"


def span(start: Time, end: Time | None) -> Span:
    """The range that is asked for; without `end` a day is that day, a moment all that follows it.

    Raises `ValueError` and `TypeError`, and `ValueError` if it ends before it begins.
    """
    start_ns = instant(start)
    if end is None:
        return Span(start_ns, start_ns + NS_PER_DAY if _is_day(start) else END_NS)
    end_ns = instant(end)
    if end_ns < start_ns:
        raise ValueError(f"it ends ({iso(end_ns)}) before it begins ({iso(start_ns)})")
    return Span(start_ns, end_ns)


def instant(time: Time) -> int:
    """A moment in ns since 1970-01-01 UTC; of a day, its first.  `ValueError`, `TypeError`."""
    if isinstance(time, datetime.datetime):
        return _of_datetime(time)
    if isinstance(time, datetime.date):
        return (time.toordinal() - _EPOCH_DAY) * NS_PER_DAY
    if isinstance(time, str):
        return _of_text(time)
    if isinstance(time, np.datetime64):
        if np.isnat(time):
            raise ValueError("NaT is no time")
        return int(time.astype("datetime64[ns]").astype(np.int64))
    if isinstance(time, SupportsIndex) and not isinstance(time, bool | np.bool_):
        return _of_number(operator.index(time))
    raise TypeError(f"{time!r} is no date, ISO text, aware datetime or number of ns")


def period(every: str) -> int:
    """The ns of a period such as "1s", "250ms", "1m", "4h" or "1d"; raises `ValueError`."""
    match = _EVERY.fullmatch(every.strip())
    length = round(float(match[1]) * _UNITS[match[2]]) if match else 0
    if length < 1:
        raise ValueError(f'{every!r} is no period; write "100ms", "1s", "1m", "4h" or "1d"')
    return length


def iso(time_ns: int) -> str:
    """A moment as ISO text, with as many digits as it needs."""
    seconds, fraction = divmod(time_ns, NS_PER_SECOND)
    text = (_EPOCH + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f"{fraction:09d}".rstrip("0")
    return f"{text}.{digits}Z" if digits else f"{text}Z"


def _is_day(time: Time) -> bool:
    if isinstance(time, str):
        return _DATE.fullmatch(time.strip()) is not None
    if isinstance(time, np.datetime64):
        return np.datetime_data(time)[0] == "D"
    return isinstance(time, datetime.date) and not isinstance(time, datetime.datetime)


def _of_datetime(time: datetime.datetime) -> int:
    if time.utcoffset() is None:
        raise ValueError(f"{time!r} has no time zone; give it one, such as tzinfo=datetime.UTC")
    since = time.astimezone(datetime.UTC) - _EPOCH
    nanoseconds = int(getattr(time, "nanosecond", 0))  # of a pandas Timestamp
    whole = since.days * 86_400 + since.seconds
    return whole * NS_PER_SECOND + since.microseconds * 1000 + nanoseconds


def _of_text(text: str) -> int:
    plain = text.strip()
    fraction = _FRACTION.search(plain)
    digits = fraction[1] if fraction else ""
    if len(digits) > 9:
        raise ValueError(f"{text!r} has more than nine digits of a second")
    try:  # the fraction is read here, because a datetime has six digits of it
        whole = datetime.datetime.fromisoformat(_FRACTION.sub("", plain, count=1))
    except ValueError:
        raise ValueError(f'{text!r} is no time; write "2026-11-29T10:00:00Z"') from None
    aware = whole if whole.utcoffset() is not None else whole.replace(tzinfo=datetime.UTC)
    return _of_datetime(aware) + int(digits.ljust(9, "0") or 0)


def _of_number(number: int) -> int:
    if 0 < abs(number) < _LEAST_NS:
        raise ValueError(f"{number} ns is a time of 1970; times are ns since 1970-01-01 UTC")
    return number
