"""How days and symbols are spelled in paths, and how they are read back.

A symbol is the exchange's own spelling; only characters that would make it unsafe as a folder are
percent-encoded, and those that do not show, or change how what is around them shows, on a terminal
or a page.  Invariant: each name gives one spelling, and only that spelling gives the name.

Not here: which paths there are (`layout`, `journal_layout`).  Pure: no file access.
"""

from __future__ import annotations

import datetime
import functools
import re

FIRST_DAY = 0
LAST_DAY = datetime.date(2069, 12, 31).toordinal() - datetime.date(1970, 1, 1).toordinal()
"""Days (since 1970-01-01) that two digits can tell apart: years 70 to 99 are 1970 to 1999."""

_EPOCH_ORDINAL = datetime.date(1970, 1, 1).toordinal()
_HIDDEN = (
    r"\x00-\x1f\x7f-\x9f"  # controls: an escape begins with one
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"  # formats, directions, fillers
    r"\U000e0000-\U000e0fff"
)
"""Written out, because tables of Unicode grow: a name has one spelling in all versions."""
_UNSAFE = re.compile(rf"^\.|[%/{_HIDDEN}\ud800-\udfff]")  # lone surrogates have no bytes on disk
_ESCAPED = re.compile(r"(?:%[0-9A-F]{2})+")
_EMPTY = "%"  # the folder of the empty symbol; no other symbol gives a bare percent sign
_DAY = re.compile(r"(\d\d)\.(\d\d)\.(\d\d)", re.ASCII)


@functools.lru_cache(maxsize=1024)  # a flush touches few days, and asks for each very often
def day_text(day: int) -> str:
    """`DD.MM.YY` of a day since 1970-01-01; `ValueError` outside `FIRST_DAY` to `LAST_DAY`."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"day {day} has no place in the file layout")
    return datetime.date.fromordinal(_EPOCH_ORDINAL + day).strftime("%d.%m.%y")


def day_of_text(text: str) -> int | None:
    """The day of a `DD.MM.YY`, or None if there is no such day."""
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    of_month, month, year = (int(part) for part in match.groups())
    try:
        date = datetime.date(year + (1900 if year >= 70 else 2000), month, of_month)
    except ValueError:
        return None
    return date.toordinal() - _EPOCH_ORDINAL


def folder_of(symbol: str) -> str:
    """A symbol (or exchange) as a single safe path component."""
    return _UNSAFE.sub(_escape, symbol) or _EMPTY


def symbol_of(folder: str) -> str | None:
    """The symbol whose folder this is, or None if no symbol is written so."""
    if folder == _EMPTY:
        return ""
    try:
        symbol = _ESCAPED.sub(_unescape, folder)
    except UnicodeDecodeError:
        return None
    return symbol if folder_of(symbol) == folder else None


def _escape(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))


def _unescape(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "surrogatepass")
