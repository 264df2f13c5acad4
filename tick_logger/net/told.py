"""Understands when a venue says to wait, and how long: headers, words and codes, however spelled.

What is understood: `Retry-After` in seconds or as a date, in any answer that refuses; the statuses
418 and 429 and the close code 1013, even without a time; and words, in a body or in the reason of a
close frame, that speak of too many requests or name a time ("banned until 1700000000000", "retry
after 30", "try again in 5 minutes").  A moment counts by the venue's own clock where that is known.

Pure.  Not here: what follows from it (`address`).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from email.utils import parsedate_tz

import attrs

from tick_logger.errors import Told

ALWAYS_WAIT = (418, 429, 1013)
"""HTTP statuses, and the close code, that mean to wait, whatever else is said."""

WORDS_ALONE, FIRST_REFUSAL, FIRST_CLOSE_CODE = 0, 400, 1000

MARGIN_SECS = 1.0
"""Moments are named in whole seconds: the venue's second may be just beginning."""


@attrs.frozen
class Asked:
    """A venue wants to be left alone: for so many seconds, or for a time that it does not name.

    `odd` is what stands where a time should, and is none that lies ahead.
    """

    secs: float | None
    odd: str = ""


def asked_to_wait(told: Told, now_secs: float) -> Asked | None:
    """What the other side wants, at this Unix time of this machine's clock; None if no wait."""
    if WORDS_ALONE < told.code < FIRST_REFUSAL:
        return None
    venue_secs = _date(told.date) or now_secs
    header = _header_secs(told.retry_after, venue_secs)
    named = [secs for secs in _named(told.words, venue_secs) if secs > 0]
    by_header = header is not None and told.code < FIRST_CLOSE_CODE
    if not (by_header or told.code in ALWAYS_WAIT or _SPEAKS_OF_IT.search(told.words)):
        return None
    if header is not None:
        named.append(header)
    odd = "" if header is not None else told.retry_after.strip()
    return Asked(max(named, default=None), odd)


# -- headers ---------------------------------------------------------------------------------------

_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)


def _header_secs(text: str, venue_secs: float) -> float | None:
    """The seconds from now that a `Retry-After` names; None where it names none that lie ahead."""
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return float(text) or None
    moment = _date(text)
    if moment is None or moment <= venue_secs:
        return None
    return moment - venue_secs + MARGIN_SECS


def _date(text: str) -> float | None:
    """The Unix time of a date as HTTP writes it, in any of its three forms."""
    parts = parsedate_tz(text)
    if parts is None:
        return None
    try:
        moment = datetime.datetime(*parts[:6], tzinfo=datetime.UTC)
    except ValueError:  # the 99th of October
        return None
    return moment.timestamp() - (parts[9] or 0)


# -- words -----------------------------------------------------------------------------------------

_SPEAKS_OF_IT = re.compile(
    r"""too[\W_]{0,3}(?:many|much|frequent|fast)|throttl|\bbanned\b|slow\ down|lockout
    |rate[\W_]{0,3}limit|(?:request|connection|message)s?\ (?:rate|limit)|weight\ used
    |exceed\w*.{0,30}(?:rate|request|frequency|connection)
    |retry[\W_]{0,3}after|(?:try|connect|retry)\ again\ (?:in|after|at)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_UNIT_SECS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(
    r"""(?P<before>after(?P<key>\w*)|\b(?:in|for|wait))\W{1,4}
    (?P<number>\d+(?:\.\d+)?)
    (?:\s*(?P<unit>ms|milli\w*|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)\b)?""",
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)
_EPOCH = re.compile(
    r"""(?:until|till|after\w*|again\ at|throttled|reset\w*)\W{1,6}
    ([1-9]\d{9})(\d{3}|\d{6}|\d{9})?(?!\d)""",
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?", re.ASCII
)


def _named(words: str, venue_secs: float) -> Iterator[float]:
    """The seconds from now of every time that is named; of moments in the past below zero."""
    for match in _DURATION.finditer(words):
        if len(match["number"].partition(".")[0]) < 10:  # longer ones are moments
            yield from _duration_secs(match)
    for match in _EPOCH.finditer(words):
        fraction = match[2] or ""
        moment = int(match[1] + fraction) / 10 ** len(fraction)
        yield moment - venue_secs + MARGIN_SECS
    for match in _ISO.finditer(words):
        zone = match[3] or "Z"
        zone = "Z" if zone in ("UTC", "GMT") else zone
        try:
            moment = datetime.datetime.fromisoformat(f"{match[1]}T{match[2]}{zone}").timestamp()
        except ValueError:
            continue
        yield moment - venue_secs + MARGIN_SECS


def _duration_secs(match: re.Match[str]) -> Iterator[float]:
    """What a number of some unit is in seconds; "retry after 30" needs none, "in 30" does."""
    unit, key = match["unit"] or "", (match["key"] or "").lower()
    if unit:
        short = "ms" if unit.lower().startswith(("ms", "milli")) else unit[0].lower()
    elif match["before"].lower().startswith("after"):
        short = "ms" if "ms" in key or "milli" in key else "s"
    else:
        return
    yield float(match["number"]) * _UNIT_SECS[short]
