"""What becomes of rows by their times: stand-ins where none was sent, and those set aside.

Rows that are set aside keep the order in which they came, and are not compared with the others.
What is plainly sent again is dropped: the last ticker of a quiet market, or its last trades, come
with each new subscription.  So is what was set aside because it was ahead: it may look right by the
time it comes again, and newer than all that came since.

Not here: what fits (`venue_clocks`), and how long nobody knows (`doubtful`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tick_logger.model.flush import Run
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import NO_TIME, ORIGIN_ASIDE, Table
from tick_logger.pipeline.doubtful import DoubtfulRows, Judged
from tick_logger.pipeline.order import (
    by_instrument,
    cut_runs,
)
from tick_logger.pipeline.plain_state import Plain
from tick_logger.pipeline.said import MIXING_FACTOR, content
from tick_logger.pipeline.venue_clocks import VenueClocks

Mask = npt.NDArray[np.bool_]


_FEW: dict[Table, int] = {table: 1 for table in Table if table is not Table.BOOK}
MOST_SAID = _FEW | {Table.TRADES: 100}
"""Of each instrument, how many rows of doubtful times are remembered: a ticker or quote that comes
again is the newest, of trades a new subscriber is sent the last ones."""


class RowTimes:
    """The times of all rows; `venue_of` says of which venue an instrument is."""

    def __init__(self, venue_of: Callable[[int], str]) -> None:
        self._clocks = VenueClocks(venue_of)
        self._doubtful = {table: DoubtfulRows(table, self._clocks) for table in Table}
        # By instrument, numbers that stand for all that such rows said, the oldest first.
        self._said: dict[Table, dict[int, dict[int, None]]] = {table: {} for table in MOST_SAID}
        self._ahead: dict[Table, dict[int, dict[int, None]]] = {table: {} for table in MOST_SAID}

    @property
    def count(self) -> int:
        """How many rows wait until their times are judged."""
        return sum(each.count for each in self._doubtful.values())

    @property
    def nbytes(self) -> int:
        """Memory of these rows."""
        return sum(each.nbytes for each in self._doubtful.values())

    @property
    def offsets_ns(self) -> dict[str, int]:
        """Event time less receipt, by venue, as far as it is known."""
        return self._clocks.offsets_ns

    def learn(self, batches: Mapping[Table, RowBatch]) -> None:
        """See what the clocks show, by the rows of a tick in the order of their receipt."""
        self._clocks.learn(batches)

    def filled(self, rows: RowBatch) -> RowBatch:
        """The rows with a time in each, but for those of books, which find theirs later."""
        untimed = rows["event_ns"] == NO_TIME
        if rows.table is Table.BOOK or not untimed.any():
            return rows
        received = self._clocks.received(rows)
        return rows.replace(event_ns=np.where(untimed, received, rows["event_ns"]))

    def unrepeated(self, rows: RowBatch) -> tuple[RowBatch, Counter[int]]:
        """Rows as they came, without those of doubtful times that were there before, counted.

        Ids and times, by which other rows are told apart, say little about these.
        """
        doubtful = self._clocks.doubtful(rows)
        if rows.table is Table.BOOK:
            return rows, Counter()
        ahead, known = self._ahead[rows.table], self._said[rows.table]
        if not (ahead or self._doubtful[rows.table].count or doubtful.any()):
            return rows, Counter()
        # The same row, received a little later, may be in no doubt.
        streams = (
            rows["instrument"][doubtful],
            self._doubtful[rows.table].rows["instrument"],
            np.fromiter(ahead, np.int32, len(ahead)),
        )
        looked_at = np.isin(rows["instrument"], np.concatenate(streams))
        if not looked_at.any():
            return rows, Counter()
        part = rows.take(looked_at)
        again = np.zeros(len(part), np.bool_)
        each = zip(part["instrument"].tolist(), _keys(part), doubtful[looked_at], strict=True)
        for row, (instrument, key, is_doubtful) in enumerate(each):
            again[row] = key in ahead.get(instrument, ()) or key in known.get(instrument, ())
            if is_doubtful:
                _remember(known, instrument, key, rows.table)
        keep = ~looked_at
        keep[looked_at] = ~again
        return rows.take(keep), Counter(part["instrument"][again].tolist())

    def has(self, instrument: int, trade_id: int) -> bool:
        """Whether a trade with this id waits until its time is judged."""
        rows = self._doubtful[Table.TRADES].rows
        return bool(((rows["instrument"] == instrument) & (rows["seq"] == trade_id)).any())

    def waits(self, instrument: int) -> bool:
        """Whether trades of an instrument wait until their times are judged."""
        rows = self._doubtful[Table.TRADES].rows
        return len(rows) > 0 and bool((rows["instrument"] == instrument).any())

    def sift(self, rows: RowBatch, *, last: bool) -> Judged:
        """The rows whose times can be right, and those whose times cannot.

        Some wait until more is known, unless this is the `last` call; those of earlier calls
        come with the others.  What is set aside of a book are copies: each of its rows goes on.
        """
        return self._doubtful[rows.table].sift(rows, last=last)

    def set_aside(self, wrong: RowBatch) -> list[Run]:
        """Runs of rows whose times cannot be right."""
        if not len(wrong):
            return []
        if wrong.table is not Table.BOOK:
            ahead = wrong.take(wrong["event_ns"] > wrong["recv_ns"])
            for instrument, key in zip(ahead["instrument"].tolist(), _keys(ahead), strict=True):
                _remember(self._ahead[wrong.table], instrument, key, wrong.table)
        return cut_runs(by_instrument(wrong), late=True, origin=ORIGIN_ASIDE)

    def dump(self) -> Plain:
        """The parts by name."""
        return {
            "clocks": self._clocks.dump(),
            "doubtful": {table.value: each.dump() for table, each in self._doubtful.items()},
            "said": _plain(self._said),
            "ahead": _plain(self._ahead),
        }

    def load(self, state: Plain | None, used: Sequence[npt.NDArray[np.int32]]) -> None:
        """Take over the state that `dump` returned.

        None: that of a version that judged no times, and has recorded the instruments `used`.
        """
        if state is None:
            self._clocks.believe(np.concatenate(used))
            return
        self._clocks.load(state["clocks"])
        for name, of_table in state["doubtful"].items():
            self._doubtful[Table(name)].load(of_table)
        for here, name in ((self._said, "said"), (self._ahead, "ahead")):
            for table, of_table in state.get(name, {}).items():  # one came with a later version
                here[Table(table)] = {each: dict.fromkeys(keys) for each, *keys in of_table}


def _keys(rows: RowBatch) -> list[int]:
    """For each row a number that stands for all that it says."""
    keys = content(rows) * MIXING_FACTOR + rows["event_ns"].view(np.uint64)
    return [*map(int, keys * MIXING_FACTOR + rows["seq"])]


def _remember(of: dict[int, dict[int, None]], instrument: int, key: int, table: Table) -> None:
    keys = of.setdefault(instrument, {})
    keys[key] = None
    if len(keys) > MOST_SAID[table]:
        del keys[next(iter(keys))]


def _plain(every: dict[Table, dict[int, dict[int, None]]]) -> Plain:
    return {
        table.value: [[instrument, *keys] for instrument, keys in of.items()]
        for table, of in every.items()
    }
