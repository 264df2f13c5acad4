"""From what holds at each moment to what is told: each condition once, and once more when it ends.

Pure: times come in.  A condition is told when it has held for as long as its kind asks, and is over
when it has not held for `CALM_SECS`, so that one that comes and goes is told once.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from tick_logger.ops.alerts.conditions import Findings, Subject

CALM_SECS = 60.0


@attrs.frozen
class Notice:
    """Something to tell: it has begun, or (`over_ns`) it is over.  Times are Unix times in ns."""

    subject: Subject
    words: str
    since_ns: int
    over_ns: int | None = None


@attrs.define
class _Seen:
    """A condition that holds, or held a moment ago."""

    since: float
    since_ns: int
    last: float
    last_ns: int
    words: str
    told: bool = False


class Bell:
    """What holds now, and what was told of it.

    `faster` divides all times: for those who cannot wait.
    """

    def __init__(self, faster: float = 1.0) -> None:
        self._faster = faster
        self._seen: dict[Subject, _Seen] = {}

    def look(self, found: Findings, now: float, now_ns: int) -> list[Notice]:
        """What is to be told at this moment, where this holds."""
        return [*self._over(found, now), *self._begun(found, now, now_ns)]

    def _begun(self, found: Findings, now: float, now_ns: int) -> Iterator[Notice]:
        for subject, words in found.items():
            seen = self._seen.setdefault(subject, _Seen(now, now_ns, now, now_ns, words))
            seen.last, seen.last_ns, seen.words = now, now_ns, words
            if not seen.told and now - seen.since >= subject.kind.for_secs / self._faster:
                seen.told = True
                yield Notice(subject, words, seen.since_ns)

    def _over(self, found: Findings, now: float) -> Iterator[Notice]:
        for subject, seen in list(self._seen.items()):
            if subject in found:
                continue
            if not seen.told:
                del self._seen[subject]
            elif now - seen.last >= CALM_SECS / self._faster:
                del self._seen[subject]
                yield Notice(subject, seen.words, seen.since_ns, over_ns=seen.last_ns)
