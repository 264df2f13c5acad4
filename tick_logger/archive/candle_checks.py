"""What was recorded of a day, minute by minute, beside what its exchange says was traded.

Invariant: a minute counts only where nothing is known to be missing around it: holes are told of
already, and what was not recorded from the first to the last second cannot be compared.

Pure.  Not here: how the answers came (`net.rest.candles`), and where they are found again
(`journal_candles`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tick_logger.archive.facts import Lengths, StreamFacts
from tick_logger.model.candles import (
    MINUTES_PER_DAY,
    NS_PER_MINUTE,
    Candles,
    Measure,
    Values,
    newest,
)
from tick_logger.model.tables import ORIGIN_ASIDE
from tick_logger.reader.edges import SLACK_NS
from tick_logger.reader.source import Block, TableDay, is_exact

CHECK = "candles"
"""What the names of these checks begin with; the measure follows."""

MOST_DIFFERENT = 20
"""Minutes that are told one by one; more of them say no more."""

ROWS_AT_ONCE = 1 << 20
"""In memory."""

_TOLERANCE = {True: 1e-10, False: 1e-5}
"""By how much volumes may differ, as a share: sums of floats, exact ones or those of an f4."""


def candle_check(
    facts: StreamFacts, rows: TableDay, answers: Iterable[Candles], day: int
) -> dict[str, Any] | None:
    """The check of one symbol's trades, as certificates have it; None without any answer.

    `facts` are those of its trades on a UTC day (since 1970-01-01), `rows` has them, and perhaps
    more that came since.
    """
    there = newest(answers)
    if there is None:
        return None
    there = there.of_day(day)
    minutes = there.minutes - day * MINUTES_PER_DAY
    whole = _whole_minutes(facts, day)[minutes]
    minutes, values = minutes[whole], there.values[whole]
    here = _traded(rows, facts.lengths, day, there.measure)[minutes]
    tolerance = 0.0
    if there.measure is Measure.VOLUME:
        tolerance = _TOLERANCE[is_exact(rows.main) and is_exact(rows.late)]
    other = np.abs(here - values) > tolerance * (np.maximum(here, values) + 1.0)
    told = np.flatnonzero(other)[:MOST_DIFFERENT].tolist()
    starts = (day * MINUTES_PER_DAY + minutes) * NS_PER_MINUTE
    return {
        "what": f"{CHECK}.{there.measure}",
        "against": "venue REST",
        "symbol": facts.symbol,
        "minutes": len(minutes),
        "unequal": int(other.sum()),
        "less_here": int((other & (here < values)).sum()),
        "different": [
            {"from_ns": int(starts[at]), "here": float(here[at]), "there": float(values[at])}
            for at in told
        ],
        "as_of_ns": there.at_ns,
    }


def found_again(
    said: Mapping[str, Any],
    facts: StreamFacts,
    rows: TableDay,
    answers: Iterable[Candles],
    day: int,
) -> str | None:
    """Whether a check that a certificate has is still so, by the answers that the journal has.

    Empty if it is, None if the journal has not all of them any more; else what is otherwise.
    """
    known = [each for each in answers if each.at_ns <= said["as_of_ns"]]
    found = candle_check(facts, rows, known, day)
    if found is None or found["minutes"] < said["minutes"]:
        return None
    names = [name for name in found if said.get(name) != found[name]]
    return "; ".join(f"{name} is {found[name]}, certified {said.get(name)}" for name in names[:3])


def has_loss(check: Mapping[str, Any]) -> bool:
    """Whether a check shows that something is missing here."""
    return bool(check.get("less_here"))


def _whole_minutes(facts: StreamFacts, day: int) -> npt.NDArray[np.bool_]:
    """Of each minute of the day, whether all of it was recorded, as far as is known."""
    begin = day * MINUTES_PER_DAY * NS_PER_MINUTE
    end = begin + MINUTES_PER_DAY * NS_PER_MINUTE
    whole = np.zeros(MINUTES_PER_DAY, np.bool_)
    for since, until in facts.covered:
        # Holes are known by times of receipt, which are later than those of trades.
        first = since if since in (begin, facts.first_event_ns) else since + SLACK_NS
        last = until if until in (end, facts.last_event_ns) else until - SLACK_NS
        whole[-((begin - first) // NS_PER_MINUTE) : max((last - begin) // NS_PER_MINUTE, 0)] = True
    return whole


def _traded(rows: TableDay, as_of: Lengths, day: int, measure: Measure) -> Values:
    """How much was recorded of each minute of the day."""
    found = np.zeros(MINUTES_PER_DAY, np.float64)
    for block, most in ((rows.main, as_of.main), (rows.late, as_of.late)):
        for start in range(0, most, ROWS_AT_ONCE):
            stop = min(start + ROWS_AT_ONCE, most)
            found += _of_rows(block, (start, stop), day, measure, late=block is rows.late)
    return found


def _of_rows(
    block: Block, span: tuple[int, int], day: int, measure: Measure, *, late: bool
) -> Values:
    minutes = block.field("event_ns", *span) // NS_PER_MINUTE - day * MINUTES_PER_DAY
    taken = (minutes >= 0) & (minutes < MINUTES_PER_DAY)
    if late:
        taken &= block.field("origin", *span) != ORIGIN_ASIDE
    weights = block.field("size", *span)[taken] if measure is Measure.VOLUME else None
    counts = np.bincount(minutes[taken], weights, MINUTES_PER_DAY)
    return counts.astype(np.float64)
