"""What the words of a refusal mean: whether waiting helps, for how long, and whom it is about.

Venues say most of it in prose, which differs from one to the next and from year to year.  So it is
looked for what all of them have in common; adapters add the codes of their venue.

Invariant: what is not understood counts as lasting, which costs a search for the one to blame, and
is asked for again anyway.
"""

from __future__ import annotations

import re

from tick_logger.exchanges.base import Wait

_BUSY = re.compile(
    r"too many (\w+ )?(requests?|messages?|msgs?|visits?|connections?|attempts?|calls?|logins?)\b"
    r"|too (frequent|fast|often)|slow down|throttl"
    r"|(rate|frequency)\W{0,2}(limit|exceed|protect)|(msg|message|request|call) (rate|frequency)"
    r"|try (it )?again|retry (after|later|in)\b|please wait|banned until|lock ?out"
    r"|\bbusy\b|over ?load|temporar(y|ily)|service\W+(is )?unavailable|unavailable.{1,20}service"
    r"|(internal|server|system)( server)? error|time-?d? ?-?out|deadline elapsed|maintenance"
)

_SPAN = re.compile(
    r"\b(?:after|in|for|wait|within)\W{1,2}(?P<many>\d+(?:\.\d+)?|an?|one|a few) ?"
    r"(?P<unit>ms|milli ?sec\w*|s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b"
)
_COUNTED = {"a": 1.0, "an": 1.0, "one": 1.0, "a few": 3.0}
_UNIT_SECS = {"s": 1.0, "m": 60.0, "h": 3600.0}

_UNTIL_MS = re.compile(r"\buntil\W{1,2}(\d{13})\b")

_TOKEN = re.compile(
    r"\bauth|unauth|\bjwt\b|\btoken\b|\bapi ?key\b|signature|credential|permission|forbidden"
    r"|not logged in|log ?in (is )?required"
)


def wait_of(reason: str) -> Wait | None:
    """How long to wait, if these are the words of a venue that is only too busy; None if not."""
    words = _plain(reason)
    if not _BUSY.search(words):
        return None
    until = _UNTIL_MS.search(words)
    return Wait(_span_secs(words), int(until[1]) * 10**6 if until else 0)


def is_of_token(reason: str) -> bool:
    """Whether the words speak of who asks, and not of what is asked for."""
    return _TOKEN.search(_plain(reason)) is not None


def _plain(reason: str) -> str:
    """The words in small letters, those that are names of constants apart."""
    return reason.lower().replace("_", " ")


def _span_secs(words: str) -> float:
    found = _SPAN.search(words)
    if found is None:
        return 0.0
    many, unit = found["many"], found["unit"]
    count = _COUNTED[many] if many in _COUNTED else float(many)
    return count * (0.001 if unit.startswith(("ms", "milli")) else _UNIT_SECS[unit[0]])
