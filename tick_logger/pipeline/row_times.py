"""What becomes of rows by their times: stand-ins where none was sent, and those set aside.

Rows that are set aside are neither sorted nor compared with the others.  They keep the order in
which they came, and only a ticker or quote that says in all what the one before said (the last of a
quiet market comes with each new subscription) is dropped.

Not here: what fits (`venue_clocks`), and how long nobody knows (`doubtful`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.flush import Run
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import NO_TIME, SPECS, Table
from tick_logger.pipeline.doubtful import DoubtfulRows
from tick_logger.pipeline.duplicates import MIXING_FACTOR
from tick_logger.pipeline.order import (
    by_instrument,
    cut_runs,
    group_ends,
    group_starts,
    same_stream,
)
from tick_logger.pipeline.plain_state import Plain
from tick_logger.pipeline.venue_clocks import VenueClocks

Mask = npt.NDArray[np.bool_]


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
        # By instrument, what stands for all that the newest row said that was set aside.
        self._said: dict[Table, dict[int, int]] = {Table.MD: {}, Table.QUOTES: {}}

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
        said = self._said.get(wrong.table)
        repeated: Counter[int] = Counter()
        if said is not None:  # trades were compared by their ids; levels of books tell nothing
            again = _said_before(wrong, said)
            repeated.update(wrong["instrument"][again].tolist())
            wrong = wrong.take(~again)
        return Sifted(sound, cut_runs(wrong, late=True, aside=True), repeated)

    def dump(self) -> Plain:
        """The parts by name."""
        return {
            "clocks": self._clocks.dump(),
            "doubtful": {table.value: each.dump() for table, each in self._doubtful.items()},
            "said": {table.value: list(map(list, of.items())) for table, of in self._said.items()},
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned."""
        self._clocks.load(state["clocks"])
        for name, of_table in state["doubtful"].items():
            self._doubtful[Table(name)].load(of_table)
        for name, said in state["said"].items():
            self._said[Table(name)] = dict(said)


def _said_before(rows: RowBatch, said: dict[int, int]) -> Mask:
    """Which rows (grouped by instrument) say what the one before them said; notes the newest."""
    content = np.zeros(len(rows), np.uint64)
    for name in SPECS[rows.table].all_fields:
        if name not in ("instrument", "recv_ns"):
            bits = rows[name].view(np.uint64) if rows[name].itemsize == 8 else rows[name]
            content = content * MIXING_FACTOR + bits.astype(np.uint64)
    again = np.zeros(len(rows), np.bool_)
    again[1:] = same_stream(rows) & (content[1:] == content[:-1])
    starts = group_starts(rows)
    ends = group_ends(starts, len(rows))
    for instrument, start, end in zip(
        rows["instrument"][starts].tolist(), starts.tolist(), ends.tolist(), strict=True
    ):
        again[start] = said.get(instrument) == int(content[start])
        said[instrument] = int(content[end])
    return again
