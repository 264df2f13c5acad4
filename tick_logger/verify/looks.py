"""Looks again, beside a recorder, at what did not hold: what was on its way is there soon.

Several files make up one fact (a row and the record of the hole before it, a checkpoint and the log
behind it), and nobody writes them at once.  Only what is found by two looks in a row is reported.

Not here: what is looked at, and how to wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import attrs

from tick_logger.verify.report import Finding, Kind, Report

Look: TypeAlias = Callable[[], Report]

MOST_LOOKS = 3
"""At the same thing.  Something else may be on its way the second time."""

WAIT_SECS = 8.0
"""Between two looks: a hole is written down when it is 5 s old, with the flush that follows."""


def what_stands(looks: Iterable[Look], wait: Callable[[], None] | None) -> Report:
    """The sum of all looks; `wait` lets some time pass, None: nothing changes meanwhile."""
    total = Report()
    if wait is None:
        for look in looks:
            total.add(look())
        return total
    doubtful = []
    for look in looks:
        found = _look(look)
        if found.ok:
            total.add(found)
        else:
            doubtful.append(_Doubtful(look, found, Report()))
    for _ in range(MOST_LOOKS - 1):
        if doubtful:
            wait()
        for each in doubtful:
            each.before, each.found = each.found, _look(each.look)
            if each.found.ok:
                total.add(each.found)
        doubtful = [each for each in doubtful if not each.found.ok]
    for each in doubtful:
        total.add(_stands(each.before, each.found))
    return total


@attrs.define
class _Doubtful:
    """Something that did not hold, the last two times it was looked at."""

    look: Look
    found: Report
    before: Report


def _look(look: Look) -> Report:
    """One look; a file that is gone by the time it is read is a finding, for now."""
    try:
        return look()
    except FileNotFoundError as error:
        return Report([Finding(str(error.filename or error), Kind.VANISHED, 1)])


def _stands(before: Report, now: Report) -> Report:
    """The newer report, with those findings only that the look before had as well."""
    known = {each.key for each in before.findings}
    return attrs.evolve(now, findings=[each for each in now.findings if each.key in known])
