"""Appends runs to column files so that all columns of a day always have the same length.

Rows are only ever appended, the time column last.  When an append fails, what it wrote of the run
is taken back, so the files stay valid and end with the last run that was complete.  What an
earlier process left uneven is cut to whole rows when this one meets the day.

Not here: the order of rows (the pipeline's) and survival of power cuts (`Files.sync`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence

import attrs

from tick_logger.errors import StorageError
from tick_logger.model.flush import Run
from tick_logger.model.instruments import Instruments
from tick_logger.model.tables import SPECS, Table
from tick_logger.storage.appending import (
    CannotAppend,
    PartlyWritten,
    append_all,
    reason_of,
)
from tick_logger.storage.day_files import PRICE_WIDTHS, DayFiles, item_sizes
from tick_logger.storage.encoding import column_bytes
from tick_logger.storage.extents import Extent, KnownLengths, Place, RefusedError
from tick_logger.storage.files import Files
from tick_logger.storage.layout import column_name, table_folder


@attrs.frozen
class Repair:
    """A day that an earlier process left uneven: rows kept, and cut off each longer column.

    A torn last record counts as a row that was cut.
    """

    folder: str
    day: int
    rows_kept: int
    rows_cut: dict[str, int]


class ColumnStore:
    """The column files under one root, with prices of one width ("f4" or "f8").

    `repairs` lists the days that were cut to whole rows, in the order in which they were met.
    """

    def __init__(
        self, files: Files, instruments: Instruments, price_dtype: str, known: KnownLengths
    ) -> None:
        self.repairs: list[Repair] = []
        self._files = files
        self._instruments = instruments
        self._price_dtype = price_dtype
        self._known = known
        self._folders: dict[tuple[int, Table, bool], str] = {}  # one per stream

    def meet(self, runs: Iterable[Run]) -> list[Extent]:
        """The rows of those days of these runs that are not known, the same in all columns.

        Columns that were left uneven are cut.  Raises `RefusedError` where rows cannot be
        continued, and `StorageError`; nothing is remembered.
        """
        new: dict[Place, Extent] = {}
        for run in runs:
            place = folder, day = self._folder(run), run.day
            if place in self._known:
                if self._known.use(folder, day).price_dtype != self._price_dtype:
                    raise self._other_width(folder)
            elif place not in new and len(run.rows):
                new[place] = self._look(folder, run.table, day)
        return list(new.values())

    def append(self, runs: Iterable[Run]) -> None:
        """Append every run, table by table, and within one in the order given.

        Raises `PartlyWritten`: runs before the one that failed are complete, nothing of later ones
        was written.
        """
        runs_of: dict[Table, list[Run]] = {}
        for run in runs:
            if len(run.rows):
                runs_of.setdefault(run.table, []).append(run)
        in_order = [run for each in runs_of.values() for run in each]
        done = 0
        try:
            for table, each in runs_of.items():
                for run, parts in self._cast(table, each):
                    self._append_run(run, parts)
                    done += 1
        except CannotAppend as error:
            rest = tuple(in_order[done:])
            raise PartlyWritten(error.path, error.reason, rest) from error.__cause__

    def _cast(self, table: Table, runs: Sequence[Run]) -> Iterator[tuple[Run, list[memoryview]]]:
        """Cast the rows of all runs at once; each run is then a slice of every column."""
        columns = column_bytes(table, [run.rows for run in runs], self._price_dtype)
        widths = list(item_sizes(table, self._price_dtype).values())
        start = 0
        for run in runs:
            stop = start + len(run.rows)
            slices = zip(columns, widths, strict=True)
            yield run, [column[start * width : stop * width] for column, width in slices]
            start = stop

    def _append_run(self, run: Run, parts: Sequence[memoryview]) -> None:
        folder = self._folder(run)
        paths = [f"{folder}/{name}" for name in _file_names(run.table, run.day)]
        known = self._known.use(folder, run.day)
        append_all(self._files, known, list(zip(paths, parts, strict=True)), len(run.rows))

    def _folder(self, run: Run) -> str:
        stream = run.instrument, run.table, run.late
        folder = self._folders.get(stream)
        if folder is None:
            exchange, symbol = self._instruments.name(run.instrument)
            folder = table_folder(exchange, symbol, run.table, late=run.late)
            self._folders[stream] = folder
        return folder

    def _look(self, folder: str, table: Table, day: int) -> Extent:
        """Learn the length of a day's columns from disk, and make it the same for all."""
        try:
            found = DayFiles.look(self._files, folder, table, day)
            if found.is_exactly(_other(self._price_dtype)):
                raise self._other_width(folder)
            if missing := found.missing():
                # Cutting the others to nothing would finish what a slip of the hand has begun.
                what = f"rows are there, but column {', '.join(missing)} is missing"
                advice = "restore it, or move that day's files away"
                raise RefusedError(f"cannot write {folder}: {what}; {advice}")
            rows = found.whole_rows(self._price_dtype)
            cut = found.cut(self._files, rows, self._price_dtype)
        except OSError as error:
            raise StorageError(f"cannot look at {folder}: {reason_of(error)}") from error
        if cut:
            self.repairs.append(Repair(folder, day, rows, cut))
        return Extent(folder, day, rows, self._price_dtype)

    def _other_width(self, folder: str) -> RefusedError:
        return RefusedError(
            f"cannot write {folder}: its prices are not {self._price_dtype}, as configured"
        )


@functools.lru_cache(maxsize=64)  # a flush asks for the same few tables and days run after run
def _file_names(table: Table, day: int) -> tuple[str, ...]:
    return tuple(column_name(column.name, day) for column in SPECS[table].files)


def _other(price_dtype: str) -> str:
    return next(width for width in PRICE_WIDTHS if width != price_dtype)
