"""The numbers of holes of one exchange, by cause: written, healed, left, and open now.

Invariant: every cause has its number from the start, because a scrape cannot see that something
begins at 1.  Not here: which holes are left (`recording.left_holes`).
"""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from prometheus_client import Counter, Gauge

from tick_logger.model.cause import Cause
from tick_logger.telemetry.families import Families
from tick_logger.telemetry.open_holes import OpenHolesNow

OTHER_CAUSE = "other"
"""What holes are counted under whose cause only a newer version knows."""

CountHoles: TypeAlias = Callable[[str, Cause], float]
"""Of an exchange and a cause."""


class HoleMetrics:
    """Counters and gauges by cause."""

    def __init__(self, families: Families, exchange: str) -> None:
        self._exchange = exchange
        causes: list[str] = [*Cause, OTHER_CAUSE]

        def counters(name: str, text: str) -> dict[str, Counter]:
            family = families.family(Counter, name, text, "cause")
            return {cause: family.labels(exchange, str(cause)) for cause in causes}

        def gauge(name: str, text: str) -> Gauge:
            family = families.family(Gauge, name, text, "cause")
            for cause in causes:
                family.labels(exchange, str(cause))
            return family

        self._written = counters("sequence_gaps", "Holes written to the gaps files")
        self._healed = counters(
            "holes_healed", "Holes of sequence_gaps of which nothing is missing any more"
        )
        self._left = gauge(
            "holes_left",
            "Holes of sequence_gaps that are not healed, and about which nobody is being asked",
        )
        self._open = gauge("holes_open", "Streams with an open hole")
        self._open_secs = gauge("hole_open_seconds", "For how long the first of them has been open")
        self._for_good: Counts[Cause] = Counts()
        self._count_left: CountHoles = lambda _exchange, _cause: 0
        self._watched: set[tuple[Gauge, Cause]] = set()

    def written(self, cause: Cause) -> Counter:
        """The holes of one cause."""
        return self._written.get(cause, self._written[OTHER_CAUSE])

    def left_for_good(self, cause: Cause) -> None:
        """Count one that no record heals."""
        self.written(cause).inc()
        self._for_good[cause] += 1
        self._watch(self._left, cause, self._left_now)

    def healed(self, cause: Cause) -> Counter:
        """Those of them that are healed."""
        return self._healed.get(cause, self._healed[OTHER_CAUSE])

    def watch_left(self, cause: Cause, count: CountHoles) -> None:
        """Let each scrape ask how many holes of this cause are left, beside those for good."""
        self._count_left = count
        self._watch(self._left, cause, self._left_now)

    def watch_open(self, cause: Cause, holes: OpenHolesNow) -> None:
        """Let each scrape ask how many holes of this cause are open, and for how long."""
        self._watch(self._open, cause, holes.count)
        self._watch(self._open_secs, cause, holes.secs)

    def _watch(self, gauge: Gauge, cause: Cause, ask: CountHoles) -> None:
        if (gauge, cause) not in self._watched:
            self._watched.add((gauge, cause))
            child = gauge.labels(self._exchange, str(cause))
            child.set_function(partial(ask, self._exchange, cause))

    def _left_now(self, exchange: str, cause: Cause) -> float:
        return self._count_left(exchange, cause) + self._for_good[cause]
