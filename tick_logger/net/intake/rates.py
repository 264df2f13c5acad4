"""How many messages a second each stream of an exchange brings on one line, learned as they come.

A rate is that of the last hour or so: what comes in bursts, or by the hour, moves nothing.  Counted
is once per batch and table, for all instruments at once; nothing is done per message.

Pure: times are seconds of trio's clock.  Not here: what follows from it (`net.venue.balance`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import Table

HALF_LIFE_SECS = 3600.0
"""After so long a message counts for half."""

COUNTED_EVERY_SECS = 30.0
"""So often what came is made a rate: often enough for a new symbol, and hardly ever."""

FIRST_SIZE = 256  # instruments; grows as they come


class _TableRates:
    """Arrays by instrument: messages since the last count, and weighted ones and seconds before."""

    def __init__(self) -> None:
        self.fresh = np.zeros(FIRST_SIZE, np.int64)
        self.messages = np.zeros(FIRST_SIZE)
        self.secs = np.zeros(FIRST_SIZE)

    def reserve(self, instruments: int) -> None:
        missing = instruments - len(self.fresh)
        if missing > 0:
            extra = max(missing, len(self.fresh))
            self.fresh = np.append(self.fresh, np.zeros(extra, np.int64))
            self.messages = np.append(self.messages, np.zeros(extra))
            self.secs = np.append(self.secs, np.zeros(extra))

    def count(self, elapsed_secs: float) -> None:
        """What came in these seconds counts from now on, what came before for less."""
        weight = 0.5 ** (elapsed_secs / HALF_LIFE_SECS)
        self.messages = self.messages * weight + self.fresh
        known = (self.secs > 0) | (self.fresh > 0)
        self.secs = np.where(known, self.secs * weight + elapsed_secs, 0.0)
        self.fresh[:] = 0


class Rates:
    """The rates of every table and instrument of one exchange on one line."""

    def __init__(self) -> None:
        self._of = {table: _TableRates() for table in Table}
        self._counted_at: float | None = None

    def delivered(
        self,
        table: Table,
        instruments: npt.NDArray[np.generic],
        frames: npt.NDArray[np.int32],
        now: float,
    ) -> None:
        """Rows of these instruments came in these messages (shape `(n,)` both), in this order.

        Rows of one message and instrument that stand together count once.
        """
        assert len(instruments) == len(frames) > 0
        self.count(now)
        first = np.ones(len(frames), np.bool_)
        first[1:] = (frames[1:] != frames[:-1]) | (instruments[1:] != instruments[:-1])
        of, counts = self._of[table], np.bincount(instruments[first])
        of.reserve(len(counts))
        of.fresh[: len(counts)] += counts

    def count(self, now: float) -> None:
        """Make rates of what has come, if it is time; whoever reads them calls this before."""
        if self._counted_at is None:
            self._counted_at = now
        elapsed_secs = now - self._counted_at
        if elapsed_secs >= COUNTED_EVERY_SECS:
            self._counted_at = now
            for of in self._of.values():
                of.count(elapsed_secs)

    def known(self, table: Table) -> list[tuple[float, float]]:
        """By instrument its messages, and the seconds in which they came, both weighted.

        No seconds: nothing is known of it, and neither of those beyond the end.
        """
        of = self._of[table]
        return list(zip(of.messages.tolist(), of.secs.tolist(), strict=True))
