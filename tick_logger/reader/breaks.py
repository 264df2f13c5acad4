"""When a book cannot be trusted, and why: it is inside a hole, or has not begun.

Holes are in receive times, and books are asked for by event times, so a moment is moved by what the
last row took from its event to its receipt.  A book is broken from the moment on at which a hole
begins, until that moment, or the receipt of the row that was applied last, is at or after its end.

Not here: which holes there are (`Source.holes`).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.reader.edges import bounds

NO_SNAPSHOT = "no snapshot"
"""The cause of a book that has not begun; all others are causes of holes."""

NOT_BEGUN = 1
"""Its index in `Breaks.words`."""

Times = npt.NDArray[np.int64]


class Breaks:
    """The holes of one table of a symbol."""

    def __init__(self, holes: Iterable[GapRecord], table: Table) -> None:
        mine = (hole for hole in holes if hole.table is table)
        self._holes = sorted(mine, key=lambda hole: bounds(hole)[0])
        causes = sorted({str(hole.cause) for hole in self._holes})
        self.words = ["", NO_SNAPSHOT, *causes]
        """What the numbers of `causes` mean; the first: it is not broken."""

    def causes(self, at: Times, last_ns: Times, last_recv_ns: Times) -> npt.NDArray[np.int32]:
        """Why it is broken at each moment, as indices into `words`; shape `(n,)`.

        `last_ns` and `last_recv_ns` are the event and receive time of the row that was applied
        last.  Of holes inside each other it is the one that began first.
        """
        moments = at + (last_recv_ns - last_ns)
        found = np.zeros(len(at), np.int32)
        for hole in reversed(self._holes):
            begin, end = bounds(hole)
            inside = (moments >= begin) & (moments < end) & (last_recv_ns < end)
            found[inside] = self.words.index(str(hole.cause))
        return found
