"""Books of which rows have come, and no snapshot yet: until there is one these are no book.

Who asked for a snapshot tells when it does not come in time, or before a stop in order.  What ends
otherwise, by a crash or because the symbol is wanted no longer, is recorded here, from the first
row of the book on.

Invariant: when a book ends so that has had no snapshot, each of its rows is in a record.  Not here:
books that had one and broke (`broken_books`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, Table
from tick_logger.pipeline.gaps import GapLedger
from tick_logger.pipeline.plain_state import Plain


class UnbegunBooks:
    """Which books have begun, and since when rows of the others have come; `gaps` takes records."""

    def __init__(self, gaps: GapLedger) -> None:
        self._gaps = gaps
        self._begun: npt.NDArray[np.bool_] = np.zeros(0, np.bool_)  # by instrument
        self._since_ns: dict[int, int] = {}
        self._ends: list[tuple[int, int, int | None]] = []  # of the present tick
        self._is_known = True  # an earlier version has not said which have begun

    def end(self, instrument: int, at_ns: int, told_ns: int | None) -> None:
        """A book ends; what was received from `told_ns` on is in another record.

        To be called before `gaps` hears of it.  Its last rows may be those of this tick.
        """
        outage = self._gaps.interruption((instrument, Table.BOOK))
        if outage is not None:
            told_ns = outage.from_ns if told_ns is None else min(told_ns, outage.from_ns)
        self._ends.append((instrument, at_ns, told_ns))

    def take(self, rows: RowBatch) -> None:
        """See the rows of a tick, and record what has ended."""
        if len(rows) and self._is_known:
            self._see(rows)
        ends, self._ends = self._ends, []
        for instrument, at_ns, told_ns in ends:
            since_ns = self._since_ns.pop(instrument, None)
            self._begun[instrument : instrument + 1] = False
            if since_ns is not None and (told_ns is None or since_ns < told_ns):
                # A nanosecond at least, so that the row that came last lies in it.
                until_ns = max(since_ns + 1, at_ns if told_ns is None else min(at_ns, told_ns))
                stream = instrument, Table.BOOK
                record = GapRecord(*stream, None, None, since_ns, until_ns, Cause.SNAPSHOT)
                self._gaps.record([record])

    def _see(self, rows: RowBatch) -> None:
        instruments = rows["instrument"]
        missing = int(instruments.max()) + 1 - len(self._begun)
        if missing > 0:
            more = max(missing, len(self._begun))
            self._begun = np.append(self._begun, np.zeros(more, np.bool_))
        if self._begun[instruments].all():
            return  # as ever
        begin = instruments[(rows["flags"] & FLAG_SNAPSHOT) != 0]
        self._begun[begin] = True
        for instrument in np.unique(begin).tolist():
            self._since_ns.pop(instrument, None)
        bare = np.flatnonzero(~self._begun[instruments])
        received = zip(instruments[bare].tolist(), rows["recv_ns"][bare].tolist(), strict=True)
        for instrument, recv_ns in received:
            self._since_ns[instrument] = min(recv_ns, self._since_ns.get(instrument, recv_ns))

    @property
    def instruments(self) -> list[int]:
        """The books of which nothing but updates has come."""
        return list(self._since_ns)

    def begin_anew(self) -> None:
        """Everything has ended: each book gets a snapshot from a new process."""
        self._since_ns.clear()
        self._begun[:] = False
        self._is_known = True

    def dump(self) -> Plain:
        """Everything, as lists."""
        return {
            "begun": np.flatnonzero(self._begun).tolist(),
            "since_ns": [list(each) for each in self._since_ns.items()],
            "is_known": self._is_known,
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned; one of an earlier version is empty."""
        self._is_known = state.get("is_known", False)
        begun = state.get("begun", [])
        self._begun = np.zeros(max(begun, default=-1) + 1, np.bool_)
        self._begun[begun] = True
        self._since_ns = dict(state.get("since_ns", ()))
