"""Verification of one table of one symbol: its days one after the other, in bounded memory.

Files are read in pieces and never mapped: a mapping of a file that shrinks kills its reader.
Memory: one chunk of rows, the hashes of a day's late rows, and 16 bytes per unbroken run of ids.

The same row twice is always a defect.  The same id twice is one where ids rise by one, in the same
numbering; elsewhere ids may begin again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import SPECS, Table
from tick_logger.storage.day_files import DayFiles
from tick_logger.storage.files import Files
from tick_logger.storage.gap_files import standing
from tick_logger.storage.id_ranges import IdRanges, Ids
from tick_logger.storage.names import day_text
from tick_logger.verify.numberings import ASIDE, OUTSIDE, Numberings, Rows
from tick_logger.verify.report import Finding, Kind
from tick_logger.verify.rows import (
    Columns,
    Mask,
    comparable,
    id_column,
    order_keys,
    repeated_hashes,
    repeated_ids,
    row_hashes,
    set_aside,
    times_ns,
    wrong_values,
)

CHUNK_ROWS = 262_144
"""About 15 MB of columns, and as much again for what is computed from them."""

_NO_HASHES = np.empty(0, np.uint64)


@attrs.define
class _Tally:
    """Wrong rows of one file, by kind and column."""

    counts: dict[tuple[Kind, str], int] = attrs.field(factory=dict)
    first_rows: dict[tuple[Kind, str], int] = attrs.field(factory=dict)

    def add(self, kind: Kind, column: str, wrong: Mask, start: int) -> None:
        """Count the rows of a mask whose first element is row `start`."""
        rows = np.flatnonzero(wrong)
        if len(rows):
            self.counts[kind, column] = self.counts.get((kind, column), 0) + len(rows)
            self.first_rows.setdefault((kind, column), start + int(rows[0]))


@attrs.define
class PriceWidths:
    """Table-days by the width of their prices, and the first one of each."""

    counts: Counter[str] = attrs.field(factory=Counter)
    first_paths: dict[str, str] = attrs.field(factory=dict)

    def add(self, price_dtype: str, path: str) -> None:
        """Count a table-day."""
        self.counts[price_dtype] += 1
        self.first_paths.setdefault(price_dtype, path)

    def add_all(self, others: PriceWidths) -> None:
        """Count what others counted."""
        self.counts.update(others.counts)
        self.first_paths = {**others.first_paths, **self.first_paths}


@attrs.define
class _Boundary:
    """What the next chunk of a day must be compared with."""

    key: int = 0  # time and nanos of the last row
    hashes: Ids = _NO_HASHES  # of the rows at that time


class TableCheck:
    """Goes through the days of one table of one symbol; `findings` and totals grow with them.

    With `live` somebody appends meanwhile: of each day those rows count that its time column had,
    and prices have the `width` that is told ("f4" or "f8"), because sizes that grow do not tell it.
    """

    def __init__(
        self,
        files: Files,
        table: Table,
        widths: PriceWidths,
        numberings: Numberings | None = None,
        *,
        live: bool = False,
        width: str | None = None,
    ) -> None:
        self._live = live
        self._width = width
        self._looked: dict[tuple[str, int], DayFiles] = {}
        self.findings: list[Finding] = []
        self.rows = 0
        self.table_days = 0
        self._ids: dict[int, IdRanges] = {}  # by numbering
        self._numberings = numberings  # of ids that rise by one; None where they do not
        self._files = files
        self._widths = widths
        self._table = table
        self._spec = SPECS[table]
        self._with_ids = True
        self._late_day = -1
        self._late_hashes = _NO_HASHES

    def _look(self, folder: str, day: int) -> DayFiles:
        """The sizes of a day, as they were when it was first looked at."""
        if (folder, day) not in self._looked:
            look = DayFiles.look_beside_a_writer if self._live else DayFiles.look
            self._looked[folder, day] = look(self._files, folder, self._table, day, self._width)
        return self._looked[folder, day]

    def day(
        self,
        folder: str,
        day: int,
        present: Collection[str],
        *,
        late: bool,
        with_ids: bool = True,
    ) -> None:
        """Check the column files `present` of a day; the late ones of a day come first.

        Without `with_ids` its ids are no part of a run: others of the day are not here any more.
        """
        self._with_ids = with_ids
        if day != self._late_day:
            self._late_day, self._late_hashes = day, _NO_HASHES
        found = self._look(folder, day)
        if not found.sizes[self._spec.time_column] and self._spec.time_column in present:
            return  # no day: a process that could not write its first row leaves such files
        if not any(found.sizes.values()):
            return
        self.table_days += 1
        rows = self._check_sizes(found, present)
        if rows:
            self._widths.add(found.schema.width, _all_columns(found))
        self.rows += rows
        tally, boundary = _Tally(), _Boundary()
        for start, columns in self._chunks(found, present, rows):
            self._check_chunk(tally, boundary, start, columns, day, late=late)
        self.findings += (
            Finding(found.path(column), kind, count, tally.first_rows[kind, column])
            for (kind, column), count in tally.counts.items()
        )

    def trades(self, days: Sequence[tuple[str, int]]) -> Iterator[Rows]:
        """Ids, event and receive times of all trades in these folders on these days."""
        for folder, day in days:
            found = self._look(folder, day)
            for start in range(0, found.whole_rows, CHUNK_ROWS):
                count = min(CHUNK_ROWS, found.whole_rows - start)
                names = ("seq", "event_ns", "recv_ns")
                ids, events, recv = (found.values(self._files, n, start, count) for n in names)
                yield ids, events, recv

    def newest_trades(self, days: Sequence[tuple[str, int]], count: int) -> Rows:
        """As `trades`, the last ones only, in file order."""
        parts: list[Rows] = []
        for folder, day in reversed(days):
            found = self._look(folder, day)
            rows = min(count, found.whole_rows)
            names, start = ("seq", "event_ns", "recv_ns"), found.whole_rows - rows
            ids, events, recv = (found.values(self._files, n, start, rows) for n in names)
            parts.insert(0, (ids, events, recv))
            count -= rows
            if not count:
                break
        ids, events, recv = (np.concatenate(each) for each in zip(*parts, strict=True))
        return ids, events, recv

    def check_gaps(self, folder: str, gaps: Collection[GapRecord]) -> None:
        """Compare the ids of all days, which rise by one, with the gap records.

        Records do not say which numbering they are about: with several, a hole in one of them is
        explained by any record of its ids.
        """
        holes, present = IdRanges(), IdRanges()
        for numbering, ids in self._ids.items():
            if numbering not in OUTSIDE:
                holes, present = holes.union(ids.holes()), present.union(ids)
        holes = holes.without(self._ids.get(ASIDE, IdRanges()))
        lost, claimed = _ids_of(gaps), _ids_of(standing(gaps))
        several = bool(self._numberings)
        for kind, ids in (
            (Kind.MISSING_IDS, holes.without(lost if several else claimed)),
            (Kind.PRESENT_IDS, present.without(holes).common(claimed)),
        ):
            if ids.count():
                detail = f"first {ids.first[0]} to {ids.last[0]}"
                self.findings.append(Finding(folder, kind, ids.count(), detail=detail))

    def _check_sizes(self, found: DayFiles, present: Collection[str]) -> int:
        """Report what the sizes show; returns the rows that all present columns have.

        A column that came with a later version may be missing, or be empty.
        """
        rows = {name: count for name, count in found.rows.items() if name in present}
        most, least = max(rows.values()), min(rows.values())
        for name, width in found.schema.item_sizes.items():
            if name not in present:
                self.findings.append(Finding(found.path(name), Kind.MISSING_COLUMN, most))
            elif torn := found.sizes[name] % width:
                self.findings.append(
                    Finding(found.path(name), Kind.TORN, torn, rows[name], "bytes")
                )
        if most != least:
            uneven = ", ".join(f"{name} {count}" for name, count in rows.items())
            self.findings.append(
                Finding(_all_columns(found), Kind.UNEQUAL, most - least, least, uneven)
            )
        return least

    def _chunks(
        self, found: DayFiles, present: Collection[str], rows: int
    ) -> Iterator[tuple[int, Columns]]:
        """The rows in pieces: number of the first one, present columns by name."""
        names = [name for name in found.schema.names if name in present]
        for start in range(0, rows, CHUNK_ROWS):
            count = min(CHUNK_ROWS, rows - start)
            yield start, {name: found.read(self._files, name, start, count) for name in names}

    def _check_chunk(
        self,
        tally: _Tally,
        boundary: _Boundary,
        start: int,
        columns: Columns,
        day: int,
        *,
        late: bool,
    ) -> None:
        for kind, column, wrong in wrong_values(self._table, day, columns):
            tally.add(kind, column, wrong, start)
        keys = order_keys(self._table, columns)
        if keys is not None and not late:
            before = np.concatenate((np.array([boundary.key], np.uint64), keys[:-1]))
            tally.add(Kind.ORDER, self._spec.time_column, keys < before, start)
        complete = all(each.name in columns for each in self._spec.files if each.required)
        if self._table is not Table.MD and complete and keys is not None:
            wrong = self._find_identical(boundary, columns, keys, late=late)
            wrong |= self._find_repeated_ids(columns, keys)
            tally.add(Kind.DUPLICATE, id_column(self._table), wrong, start)
        if keys is not None:
            boundary.key = int(keys[-1])

    def _find_repeated_ids(self, columns: Columns, keys: Ids) -> Mask:
        """Rows whose id an earlier one of the same numbering has; all ids are remembered."""
        ids = columns[id_column(self._table)]
        wrong = np.zeros(len(ids), np.bool_)
        if self._numberings is None or not self._with_ids:
            return wrong
        number = np.zeros(len(ids), np.int64)
        if self._numberings:
            events = times_ns(keys >> np.uint64(32), keys & np.uint64(0xFFFFFFFF))
            recv = times_ns(columns["recv_time"], columns["recv_nanos"])
            number = self._numberings.of((ids, events, recv))
            number[set_aside(columns)] = ASIDE
        for numbering in np.unique(number).tolist():
            mine = number == numbering
            known = self._ids.get(numbering, IdRanges())
            if numbering not in OUTSIDE:
                wrong[mine] = repeated_ids(ids[mine], known)
            numbered = ids[mine & (ids != 0)]
            self._ids[numbering] = known.union(IdRanges.of(numbered))
        return wrong

    def _find_identical(
        self, boundary: _Boundary, columns: Columns, keys: Ids, *, late: bool
    ) -> npt.NDArray[np.bool_]:
        """Rows equal to an earlier one: of the same time if sorted, else of all late ones."""
        rows = comparable(self._table, columns)
        hashes = row_hashes(columns)
        known = np.concatenate((self._late_hashes, boundary.hashes))
        wrong = np.zeros(len(rows), np.bool_)
        wrong[rows] = repeated_hashes(hashes[rows], known)
        if late:
            self._late_hashes = np.concatenate((self._late_hashes, hashes[rows]))
            return wrong
        if boundary.key != int(keys[-1]):
            boundary.hashes = _NO_HASHES
        newest = hashes[rows & (keys == keys[-1])]
        boundary.hashes = np.concatenate((boundary.hashes, newest))
        return wrong


def _ids_of(gaps: Iterable[GapRecord]) -> IdRanges:
    """The ids that these call missing."""
    ids = [
        (gap.from_id, gap.to_id)
        for gap in gaps
        if gap.from_id is not None and gap.to_id is not None and not gap.healed
    ]
    return IdRanges.spanning(*(np.array([each[end] for each in ids], np.uint64) for end in (0, 1)))


def _all_columns(found: DayFiles) -> str:
    return f"{found.folder}/*.{day_text(found.day)}.bin"
