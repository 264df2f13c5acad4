"""What becomes of rows by their times: stand-ins where none was sent, and those set aside.

Rows that are set aside are neither sorted nor compared with the others.  They keep the order in
which they came, and only what is plainly sent again (the last ticker of a quiet market, with each
new subscription) is dropped.

Not here: what fits (`venue_clocks`), and how long nobody knows (`doubtful`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import attrs
import numpy as np

from tick_logger.model.flush import Run
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import NO_TIME, Table
from tick_logger.pipeline import duplicates
from tick_logger.pipeline.doubtful import DoubtfulRows
from tick_logger.pipeline.order import by_instrument, cut_runs
from tick_logger.pipeline.plain_state import Plain
from tick_logger.pipeline.state import StreamStates
from tick_logger.pipeline.venue_clocks import VenueClocks


@attrs.frozen(eq=False)
class Sifted:
    """The rows that go on, those set aside, and how many of these were there already.

    What is set aside of a book are copies: each of its rows goes on.
    """

    rows: RowBatch
    aside: list[Run]
    repeated: Counter[int]  # by instrument


class RowTimes:
    """The times of all rows; `venue_of` says of which venue an instrument is."""

    def __init__(self, venue_of: Callable[[int], str]) -> None:
        self._clocks = VenueClocks(venue_of)
        self._doubtful = {table: DoubtfulRows(table, self._clocks) for table in Table}
        self._aside = {table: StreamStates() for table in Table}

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

    def sift(self, rows: RowBatch, *, last: bool) -> Sifted:
        """Part the rows whose times can be right from those whose times cannot.

        Some wait until more is known, unless this is the `last` call; those of earlier calls
        come with the others.
        """
        sound, wrong = self._doubtful[rows.table].sift(rows, last=last)
        if not len(wrong):
            return Sifted(sound, [], Counter())
        wrong = by_instrument(wrong)
        if wrong.table is Table.TRADES:  # these were compared by their ids
            return Sifted(sound, cut_runs(wrong, late=True, aside=True), Counter())
        states = self._aside[wrong.table]
        states.reserve(int(wrong["instrument"].max()) + 1)
        keep = duplicates.admit(wrong, states, RowBatch.empty(wrong.table))
        is_copy = wrong.table is Table.BOOK
        repeated = Counter([] if is_copy else wrong["instrument"][~keep].tolist())
        return Sifted(sound, cut_runs(wrong.take(keep), late=True, aside=True), repeated)

    def dump(self) -> Plain:
        """The parts by name."""
        return {
            "clocks": self._clocks.dump(),
            "doubtful": {table.value: each.dump() for table, each in self._doubtful.items()},
            "aside": {table.value: each.dump() for table, each in self._aside.items()},
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned."""
        self._clocks.load(state["clocks"])
        for name, of_table in state["doubtful"].items():
            self._doubtful[Table(name)].load(of_table)
        for name, of_table in state["aside"].items():
            self._aside[Table(name)].load(of_table)
