"""Where the answers about missing trades enter the stream: as payloads of a connection of its own.

Its label tells a replay how they came.  It carries no stream and hears of nothing.  An answer for
which there is no room is no loss: its hole stays, and the venue is asked again.
"""

from __future__ import annotations

from collections.abc import Sequence

from tick_logger.clock import WallClock
from tick_logger.model.marks import Healed, Mark
from tick_logger.model.routes import BACKFILL_LABEL
from tick_logger.model.tables import Table
from tick_logger.model.wanted import WantedTables
from tick_logger.net.intake.arrivals import Heard, Streams
from tick_logger.net.intake.intake import Intake


class BackfillSource:
    """The journal as the back-filler sees it, and that as the intake does."""

    label = BACKFILL_LABEL
    is_incomplete = False

    def __init__(self, intake: Intake, wanted: WantedTables, clock: WallClock) -> None:
        self._intake = intake
        self._wanted = wanted
        self._clock = clock

    def is_recorded(self, instrument: int) -> bool:
        """Whether its trades are recorded now."""
        return Table.TRADES in self._wanted.tables(instrument)

    def put(self, payload: bytes) -> bool:
        """Take an answer as received now; False if there is no room."""
        return self._intake.put_if_room(self, self._clock.now_ns(), [payload])

    def mark(self, mark: Healed) -> None:
        """Say what was answered."""
        self._intake.mark(mark)

    def now_ns(self) -> int:
        """The wall clock."""
        return self._clock.now_ns()

    def heard(self, heard: Heard) -> Sequence[Mark]:
        """Nothing follows."""
        return ()

    def streams(self) -> Streams:
        """None: what it fills was missing before."""
        return ()

    def reopened(self, at_ns: int) -> list[Mark]:
        """Nothing was closed."""
        return []

    def given_up(self, until_ns: int) -> list[Mark]:
        """Whoever put it knows."""
        return []
