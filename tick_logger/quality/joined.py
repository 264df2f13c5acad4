"""Rows of one table of a flush, of all instruments in one array, so that a look costs few calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs
import numpy as np

from tick_logger.model.doubts import DoubtKind
from tick_logger.model.flush import Run
from tick_logger.model.rows import Array, column_of
from tick_logger.model.tables import Table
from tick_logger.quality.findings import Finding


@attrs.frozen(eq=False)
class Joined:
    """Rows of some instruments, those of one together and in file order.

    `instruments`, `starts` and `counts` (shape `(k,)`) say whose rows begin where, and how many
    there are, at least one each.  `columns` have shape `(n,)`.
    """

    table: Table
    instruments: Array
    starts: Array
    counts: Array
    columns: Mapping[str, Array]

    def __getitem__(self, field: str) -> Array:
        return self.columns[field]

    def spread(self, values: Array) -> Array:
        """One value for each instrument (shape `(k,)`) as one for each row."""
        return np.repeat(values, self.counts)

    def lows(self, values: Array) -> Array:
        """The least value of each instrument, shape `(k,)`."""
        return np.minimum.reduceat(values, self.starts)

    def highs(self, values: Array) -> Array:
        """The greatest value of each instrument, shape `(k,)`."""
        return np.maximum.reduceat(values, self.starts)

    def sums(self, values: Array) -> Array:
        """The sum of the values of each instrument, shape `(k,)`."""
        return np.add.reduceat(values, self.starts)

    def lasts(self, values: Array) -> Array:
        """The value in the last row of each instrument, shape `(k,)`."""
        found: Array = values[self.starts + self.counts - 1]
        return found

    def where(self, rows: Array) -> Joined | None:
        """The rows of a mask (shape `(n,)`), as another of these; None if there are none."""
        counts = self.sums(rows.astype(np.int64))
        some = np.flatnonzero(counts)
        if not len(some):
            return None
        counts = counts[some]
        columns = {name: column[rows] for name, column in self.columns.items()}
        starts = np.cumsum(counts) - counts
        return Joined(self.table, self.instruments[some], starts, counts, columns)

    def found(
        self, rows: Array, kind: DoubtKind, severity: Array, figures: Mapping[str, Array]
    ) -> Iterator[Finding]:
        """One finding for each instrument with rows in a mask; all arrays have shape `(n,)`.

        Needs the column `recv_ns`.
        """
        if not rows.any():
            return
        of_rows = self.spread(np.arange(len(self.instruments)))
        for number in np.unique(of_rows[rows]).tolist():
            start = int(self.starts[number])
            at = start + np.flatnonzero(rows[start : start + int(self.counts[number])])
            worst = at[np.argmax(severity[at])]
            recv_ns = self["recv_ns"][at]
            yield Finding(
                int(self.instruments[number]),
                self.table,
                kind,
                int(recv_ns.min()),
                int(recv_ns.max()),
                len(at),
                float(severity[worst]),
                {name: float(values[worst]) for name, values in figures.items()},
            )


def joined(table: Table, runs: Sequence[Run], fields: Sequence[str]) -> Joined | None:
    """The rows of runs of one table with these fields; None if there are none.

    Runs of one instrument are of several days, and are taken by day.  There may be thousands of a
    few rows each: what is done for each run is little.
    """
    parts = [run.rows for run in runs]
    counts = np.array([len(part) for part in parts])
    whose = np.array([run.instrument for run in runs])
    if not counts.all():
        some = np.flatnonzero(counts).tolist()
        return joined(table, [runs[each] for each in some], fields)
    if not len(parts):
        return None
    if (np.diff(whose) <= 0).any():
        order = np.lexsort((np.array([run.day for run in runs]), whose))
        parts, counts, whose = [parts[each] for each in order.tolist()], counts[order], whose[order]
    first = np.flatnonzero(np.diff(whose, prepend=-1))
    starts = (np.cumsum(counts) - counts)[first]
    columns = {name: column_of(parts, name) for name in fields}
    return Joined(table, whose[first], starts, np.add.reduceat(counts, first), columns)
