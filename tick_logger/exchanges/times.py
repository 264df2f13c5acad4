"""Times as venues write them, to int64 nanoseconds since 1970, in bulk.

Every text is checked, because numpy's parser takes much else, NaT included.  A time outside 2000 to
2100 is a placeholder: `NO_TIME`.  Not here: what becomes of a row without a time (`columns` counts
it).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import NO_TIME

Ints: TypeAlias = npt.NDArray[np.int64]

_FIRST_SECOND = 946_684_800  # 2000-01-01
_LAST_SECOND = 4_102_444_800  # 2100-01-01

_ONE = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):?(\d\d))", re.ASCII
)
_MOST_OFFSET_HOURS = 14  # of any zone on earth
_WHOLE_SECONDS_CHARS = len("0000-00-00T00:00:00Z")
_ONE_DECIMAL_CHARS = len("0000-00-00T00:00:00.0Z")
_MICROS_CHARS = len("0000-00-00T00:00:00.000000")
_BELOW_MICROS = np.array([100, 10, 1])


class _Form:
    """Texts of one length in which digits vary and all else does not."""

    def __init__(self, like: bytes) -> None:
        self.chars = len(like)
        self._like = np.frombuffer(like, np.uint8)
        self._spread = np.where(ord("0") == self._like, 9, 0).astype(np.uint8)

    def digits(self, chars: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Each character (shape `(n, chars)`) less that of the form; ValueError if one differs."""
        digits = chars - self._like
        if (digits > self._spread).any():
            raise ValueError("a time of another form")
        return digits


_MICROSECONDS = _Form(b"0000-00-00T00:00:00.000000Z")
_NANOSECONDS = _Form(b"0000-00-00T00:00:00.000000000Z")


_UNITS = (10**6, 10**3, 1, 10**9)
"""Nanoseconds of the units in use, the most usual first: milli-, micro-, nanoseconds, seconds."""


def unix_times(values: Sequence[int]) -> Ints:
    """Seconds, milli-, micro- or nanoseconds since 1970 as int64 ns; NO_TIME outside 2000 to 2100.

    The ranges of two units are a factor of 200 apart, so that the magnitude tells which one it is.
    """
    raw = np.array(values, np.int64)
    if not len(raw):
        return raw
    lowest, highest = raw.min(), raw.max()
    for unit in _UNITS:
        if lowest >= _FIRST_SECOND * 10**9 // unit and highest < _LAST_SECOND * 10**9 // unit:
            return raw * unit
    found = np.full(len(raw), NO_TIME, np.int64)
    for unit in _UNITS:
        inside = raw >= _FIRST_SECOND * 10**9 // unit
        inside &= raw < _LAST_SECOND * 10**9 // unit
        found[inside] = raw[inside] * unit
    return found


def iso_times(texts: Sequence[str]) -> Ints:
    """ISO-8601 texts (`Z`) with up to nine decimals each; ValueError if one is of another form."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    form = _NANOSECONDS if (lengths > _MICROSECONDS.chars).any() else _MICROSECONDS
    known = (lengths >= _ONE_DECIMAL_CHARS) & (lengths <= form.chars)
    if not (known | (lengths == _WHOLE_SECONDS_CHARS)).all():
        raise ValueError("a time of another form")
    if (lengths != form.chars).any():
        texts = [text if len(text) == form.chars else _padded(text, form.chars) for text in texts]
    raw = np.frombuffer("".join(texts).encode("ascii"), f"S{form.chars}")
    digits = form.digits(raw.view(np.uint8).reshape(-1, form.chars))
    of_micros = np.ndarray(raw.shape, f"S{_MICROS_CHARS}", raw, strides=raw.strides)
    micros = of_micros.astype("M8[us]").view(np.int64)
    inside = (micros >= _FIRST_SECOND * 1_000_000) & (micros < _LAST_SECOND * 1_000_000)
    nanos = micros * 1_000
    if form is _NANOSECONDS:
        nanos += digits[:, _MICROS_CHARS:-1] @ _BELOW_MICROS
    return np.where(inside, nanos, NO_TIME)


def _padded(text: str, chars: int) -> str:
    """A time with the zeros at its end, and the point before them, that were left out."""
    point = "." if len(text) == _WHOLE_SECONDS_CHARS else ""
    return (text[:-1] + point).ljust(chars - 1, "0") + text[-1]


def iso_time(text: str) -> int | None:
    """A time with an offset or any number of decimals in ns; NO_TIME if none, None if malformed."""
    if not text:
        return NO_TIME
    match = _ONE.fullmatch(text)
    if match is None:
        return None
    whole, decimals, sign, hours, minutes = match.groups()
    try:
        seconds = int(np.datetime64(whole, "s").astype(np.int64))
    except ValueError:
        return None
    if sign is not None:
        if int(hours) > _MOST_OFFSET_HOURS or int(minutes) > 59:
            return None
        ahead = int(hours) * 3600 + int(minutes) * 60
        seconds += ahead if sign == "-" else -ahead
    if not _FIRST_SECOND <= seconds < _LAST_SECOND:
        return NO_TIME
    return seconds * 10**9 + int((decimals or "").ljust(9, "0"))
