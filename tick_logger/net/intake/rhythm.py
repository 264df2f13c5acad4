"""How long each stream of an exchange is usually silent, learned from when its rows arrive.

The measure is the longest normal silence so far: trades come in bursts, and an average would call
every lull a fault.  A silence with a known reason (a lost connection, a new subscription) is not
learned from.  Old silences count for less and less, because markets change with the hour.

Pure: times are seconds of trio's clock.  One call per batch and table, for all instruments at once.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import Table

FAR_BEYOND = 4.0
"""A silence so many times as long as the longest normal one is a fault."""

KNOWN_AFTER = 20
"""So many silences are learned from before any is called unusual."""

FORGOTTEN_BY_HALF_SECS = 12 * 3600.0
"""After so long, a normal silence counts for half."""

FORGET_EVERY_SECS = 60.0

NEVER = float("-inf")

FIRST_SIZE = 256  # instruments; grows as they come


class _TableRhythm:
    """Arrays by instrument."""

    def __init__(self) -> None:
        self.last = np.full(FIRST_SIZE, NEVER)
        self.learned_from = np.full(FIRST_SIZE, NEVER)
        self.longest = np.zeros(FIRST_SIZE)
        self.learned = np.zeros(FIRST_SIZE, np.int64)

    def reserve(self, instruments: int) -> None:
        missing = instruments - len(self.last)
        if missing > 0:
            extra = max(missing, len(self.last))
            self.last = np.append(self.last, np.full(extra, NEVER))
            self.learned_from = np.append(self.learned_from, np.full(extra, NEVER))
            self.longest = np.append(self.longest, np.zeros(extra))
            self.learned = np.append(self.learned, np.zeros(extra, np.int64))


class Rhythm:
    """The usual silences of every table and instrument of one exchange."""

    def __init__(self) -> None:
        self._of = {table: _TableRhythm() for table in Table}
        self._forgot_at = NEVER  # nothing is known that could be forgotten

    def delivered(
        self,
        table: Table,
        instruments: npt.NDArray[np.generic],
        arrived: npt.NDArray[np.float64],
    ) -> None:
        """Rows of these instruments (int32, shape `(n,)`) arrived at these times, in this order.

        These are the times of the reads, not of decoding: rows that wait to be decoded are no
        silence.
        """
        assert len(instruments) == len(arrived) > 0
        self._forget(float(arrived[-1]))
        of = self._of[table]
        of.reserve(int(instruments.max()) + 1)
        last = of.last[instruments]
        normal = last > of.learned_from[instruments]
        # If an instrument has several rows, numpy keeps the value that is written last: backwards
        # that is its first row, at which the silence ended.
        of.last[instruments[::-1]] = arrived[::-1]
        silence: npt.NDArray[np.float64] = np.where(normal, of.last[instruments] - last, 0.0)
        of.longest[instruments] = np.maximum(of.longest[instruments], silence)
        of.last[instruments] = arrived
        of.learned[instruments] += normal

    def begin_again(self, table: Table, instrument: int, now: float) -> None:
        """The silence in progress, if any, is not to be learned from."""
        of = self._of[table]
        of.reserve(instrument + 1)
        of.learned_from[instrument] = now

    def begin_all_again(self, now: float) -> None:
        """As `begin_again`, of all that came so far."""
        for of in self._of.values():
            of.learned_from[:] = now

    def last(self, table: Table, instrument: int) -> float:
        """When rows came last, on any connection; `NEVER` if none came."""
        of = self._of[table]
        of.reserve(instrument + 1)
        return float(of.last[instrument])

    def limit_secs(self, table: Table, instrument: int) -> float | None:
        """The longest silence that is no fault; None until enough was learned to tell."""
        of = self._of[table]
        of.reserve(instrument + 1)
        if of.learned[instrument] < KNOWN_AFTER:
            return None
        return FAR_BEYOND * float(of.longest[instrument])

    def accept(self, table: Table, instrument: int, silence_secs: float) -> None:
        """So long a silence is called normal from now on, because nothing ended it."""
        of = self._of[table]
        of.reserve(instrument + 1)
        of.longest[instrument] = max(float(of.longest[instrument]), silence_secs)

    def _forget(self, now: float) -> None:
        """Let old silences count for less, now and then."""
        elapsed = now - self._forgot_at
        if elapsed < FORGET_EVERY_SECS:
            return
        self._forgot_at = now
        for of in self._of.values():
            of.longest *= 0.5 ** (elapsed / FORGOTTEN_BY_HALF_SECS)
