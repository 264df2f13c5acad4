"""Which days of each exchange are sealed: nothing is added to their main files and gaps files.

Days are sealed in order, so that one number for each exchange says it.  What comes later is kept
beside them: rows are late, whatever their order, and records have a file of their own.

Not here: when a day is sealed, and what is vouched for then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from tick_logger.model.flush import Flush, Run
from tick_logger.model.instruments import Instruments
from tick_logger.model.tables import ORIGIN_LATE


class SealedDays:
    """The last sealed day of each exchange, in days since 1970-01-01."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._until: dict[str, int] = {}

    def seal(self, exchange: str, day: int) -> None:
        """Seal the days up to this one; one that is sealed stays so."""
        self._until[exchange] = max(day, self._until.get(exchange, day))

    def has(self, instrument: int, day: int) -> bool:
        """Whether this day is sealed, for the exchange of an instrument."""
        exchange, _ = self._instruments.name(instrument)
        return day <= self._until.get(exchange, day - 1)

    def late(self, flush: Flush) -> Flush:
        """The same flush, in which the rows of sealed days are late."""
        if not self._until:
            return flush
        return attrs.evolve(flush, runs=tuple(self._late(flush.runs)))

    def _late(self, runs: Iterable[Run]) -> Iterable[Run]:
        for run in runs:
            if run.late or not self.has(run.instrument, run.day):
                yield run
            else:
                yield attrs.evolve(run, late=True, origin=ORIGIN_LATE)

    def dump(self) -> dict[str, int]:
        """By exchange."""
        return dict(self._until)

    def load(self, state: Mapping[str, int]) -> None:
        """Take over what `dump` gave; nothing, if an earlier version did."""
        self._until = dict(state)
