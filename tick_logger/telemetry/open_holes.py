"""The holes that are open now, by exchange and cause, for scrapes and whoever looks at the status.

They are told with each flush; how long they have been open is asked of the clock, so that it is
right while nothing comes.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from tick_logger.clock import WallClock
from tick_logger.model.cause import Cause


@attrs.frozen
class OpenNow:
    """The open holes of one exchange and cause: of how many streams, and when the first began."""

    cause: Cause
    streams: int
    since_ns: int


class OpenHolesNow:
    """Those of all exchanges."""

    def __init__(self, clock: WallClock) -> None:
        self._clock = clock
        self._of: Mapping[tuple[str, Cause], OpenNow] = {}

    def show(self, holes: Mapping[tuple[str, Cause], OpenNow]) -> None:
        """These are open now, and no others."""
        self._of = dict(holes)

    def of(self, exchange: str) -> list[OpenNow]:
        """Those of one exchange, the longest first."""
        mine = [hole for (name, _), hole in self._of.items() if name == exchange]
        return sorted(mine, key=lambda hole: hole.since_ns)

    def count(self, exchange: str, cause: Cause) -> int:
        """Of how many streams there is one of this cause."""
        hole = self._of.get((exchange, cause))
        return 0 if hole is None else hole.streams

    def secs(self, exchange: str, cause: Cause) -> float:
        """For how long the first of this cause has been open; 0 while none is."""
        hole = self._of.get((exchange, cause))
        return 0.0 if hole is None else max(0.0, (self._clock.now_ns() - hole.since_ns) / 1e9)
