"""Says which streams cannot be written though the disk works: counters, log, readiness.

Not here: finding that out, and what becomes of their rows (`storage.unwritable`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tick_logger.derive.derivation import Outcome
from tick_logger.model.cause import Cause
from tick_logger.model.instruments import Instruments
from tick_logger.recording.readiness import STREAMS, Readiness
from tick_logger.telemetry.logs import get_logger
from tick_logger.telemetry.metrics import Metrics

MAX_NAMED = 5
"""Of the places in a sentence."""

MAX_NAME_CHARS = 80
"""Of the name of a place in a sentence; longer ones are cut."""


class UnwritableStreams:
    """The places of one run that cannot be written, each with the reason, as last heard."""

    def __init__(self, instruments: Instruments, metrics: Metrics, readiness: Readiness) -> None:
        self._instruments = instruments
        self._metrics = metrics
        self._readiness = readiness
        self._reasons: Mapping[str, str] = {}
        self._log = get_logger()

    def flushed(self, outcome: Outcome) -> None:
        """Count what was not written, and say what cannot be."""
        for run in outcome.lost:
            exchange, _ = self._instruments.name(run.instrument)
            self._metrics.exchange(exchange).rows_unwritten[run.table].inc(len(run.rows))
        if outcome.unwritable == self._reasons:
            return
        before, self._reasons = self._reasons, outcome.unwritable
        now = Counter(_exchange(place) for place in self._reasons)
        for exchange in {*now, *map(_exchange, before)}:
            self._metrics.exchange(exchange).streams_unwritable.set(now[exchange])
        for place in self._reasons.keys() - before.keys():
            self._metrics.exchange(_exchange(place)).holes.left_for_good(Cause.UNWRITABLE)
        if not self._reasons:
            self._readiness.works(STREAMS)
            return
        words = [_in_words(place, why) for place, why in sorted(self._reasons.items())]
        # The gauge tells how many more: a sentence that changed each second would be logged so.
        more = " and others" if len(words) > MAX_NAMED else ""
        self._readiness.trouble(
            STREAMS, f"cannot be written: {', '.join(words[:MAX_NAMED])}{more}; all else is"
        )


def _exchange(place: str) -> str:
    return place.partition("/")[0]


def _in_words(place: str, reason: str) -> str:
    name = place if len(place) <= MAX_NAME_CHARS else f"{place[:MAX_NAME_CHARS]}..."
    return f"{name} ({reason})"
