"""Appends flushes to column files so that all columns of a day always have the same length.

Rows are only ever appended, the time column last.  When an append fails, what it wrote of the run
is taken back, so the files stay valid and end with the last run that was complete.  What an
earlier process left uneven is cut to whole rows when this one first touches the day.

Not here: the order of rows (the pipeline's) and survival of power cuts (`Files.sync`).
"""

from __future__ import annotations

import functools
from collections import Counter, OrderedDict
from collections.abc import Sequence

import attrs

from tick_logger.errors import StorageError
from tick_logger.model.flush import Flush, Run
from tick_logger.model.instruments import Instruments
from tick_logger.model.tables import SPECS, Table
from tick_logger.storage.day_files import PRICE_WIDTHS, DayFiles, item_sizes
from tick_logger.storage.encoding import column_bytes
from tick_logger.storage.files import Files
from tick_logger.storage.layout import column_name, table_folder

MAX_KNOWN_DAYS = 65_536
"""Streams whose length is remembered, about 400 bytes each; others are looked up again."""


@attrs.define
class Written:
    """What one flush has put on disk; `rows` includes `late_rows`, `files` counts column files."""

    rows: int = 0
    late_rows: int = 0
    bytes: int = 0
    files: int = 0


@attrs.frozen
class Repair:
    """A day that an earlier process left uneven: rows kept, and cut off each longer column.

    A torn last record counts as a row that was cut.
    """

    folder: str
    day: int
    rows_kept: int
    rows_cut: dict[str, int]


class AppendError(StorageError):
    """A flush could not be written in full.  `rows_saved` of it are on disk, `rows_lost` not."""

    def __init__(self, path: str, reason: str, rows_saved: int, rows_lost: int) -> None:
        self.path = path
        self.reason = reason
        self.rows_saved = rows_saved
        self.rows_lost = rows_lost
        super().__init__(
            f"cannot write {path}: {reason}; of {rows_saved + rows_lost} rows of this flush "
            f"{rows_saved} are saved and {rows_lost} are not"
        )


@attrs.define
class _StreamDay:
    folder: str
    rows: int  # in every column: the last good length


class _RunError(Exception):
    """One run could not be written, and what of it was written is taken back."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason


class ColumnStore:
    """The column files under one root, with prices of one width ("f4" or "f8").

    `repairs` lists the days that were cut to whole rows, in the order in which they were met, and
    `rows` counts by table what was appended, that of flushes which failed halfway included.
    """

    def __init__(self, files: Files, instruments: Instruments, price_dtype: str) -> None:
        self.repairs: list[Repair] = []
        self.rows: Counter[Table] = Counter()
        self._files = files
        self._instruments = instruments
        self._price_dtype = price_dtype
        self._known: OrderedDict[tuple[int, Table, int, bool], _StreamDay] = OrderedDict()

    def append(self, flush: Flush) -> Written:
        """Append every run of the flush, table by table, and within one in the order given.

        Raises `AppendError`: runs before the one that failed are complete, nothing of later ones
        was written.
        """
        runs_of: dict[Table, list[Run]] = {}
        for run in flush.runs:
            if len(run.rows):
                runs_of.setdefault(run.table, []).append(run)
        written = Written()
        try:
            for table, runs in runs_of.items():
                self._append_table(table, runs, written)
        except _RunError as error:
            total = sum(len(run.rows) for run in flush.runs)
            raise AppendError(
                error.path, error.reason, written.rows, total - written.rows
            ) from error.__cause__
        return written

    def _append_table(self, table: Table, runs: Sequence[Run], written: Written) -> None:
        """Cast the rows of all runs at once; each run is then a slice of every column."""
        columns = column_bytes(table, [run.rows for run in runs], self._price_dtype)
        widths = list(item_sizes(table, self._price_dtype).values())
        row_bytes = sum(widths)
        start = 0
        for run in runs:
            stop = start + len(run.rows)
            slices = zip(columns, widths, strict=True)
            self._append_run(run, [c[start * width : stop * width] for c, width in slices])
            self.rows[table] += stop - start
            written.rows += stop - start
            written.late_rows += (stop - start) * run.late
            written.bytes += (stop - start) * row_bytes
            written.files += len(columns)
            start = stop

    def _append_run(self, run: Run, parts: Sequence[memoryview]) -> None:
        stream_day = self._stream_day(run)
        append, folder = self._files.append, stream_day.folder
        path = folder
        try:
            for name, part in zip(_file_names(run.table, run.day), parts, strict=True):
                path = f"{folder}/{name}"
                append(path, part)
        except OSError as error:
            raise _RunError(path, _reason(error) + self._take_back(run, stream_day)) from error
        stream_day.rows += len(run.rows)

    def _take_back(self, run: Run, stream_day: _StreamDay) -> str:
        """Cut the columns to the last good length; what went wrong with that, if anything."""
        try:
            now = DayFiles.look(self._files, stream_day.folder, run.table, run.day)
            now.cut(self._files, stream_day.rows, self._price_dtype)
        except OSError as error:
            del self._known[_key(run)]  # whoever touches the day next finds out and repairs
            return (
                f" (and the columns of that day could not be cut back to their "
                f"{stream_day.rows} good rows: {_reason(error)})"
            )
        return ""

    def _stream_day(self, run: Run) -> _StreamDay:
        key = _key(run)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._meet(run)
            if len(self._known) > MAX_KNOWN_DAYS:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return known

    def _meet(self, run: Run) -> _StreamDay:
        """Learn the length of a day's columns from disk, and make it the same for all."""
        exchange, symbol = self._instruments.name(run.instrument)
        folder = table_folder(exchange, symbol, run.table, late=run.late)
        try:
            found = DayFiles.look(self._files, folder, run.table, run.day)
            if found.is_exactly(_other(self._price_dtype)):
                raise _RunError(folder, f"its prices are not {self._price_dtype}, as configured")
            if missing := found.missing():
                # Cutting the others to nothing would finish what a slip of the hand has begun.
                what = f"rows are there, but column {', '.join(missing)} is missing"
                raise _RunError(folder, f"{what}; restore it, or move that day's files away")
            rows = found.whole_rows(self._price_dtype)
            cut = found.cut(self._files, rows, self._price_dtype)
        except OSError as error:
            raise _RunError(folder, _reason(error)) from error
        if cut:
            self.repairs.append(Repair(folder, run.day, rows, cut))
        return _StreamDay(folder, rows)


@functools.lru_cache(maxsize=64)  # a flush asks for the same few tables and days run after run
def _file_names(table: Table, day: int) -> tuple[str, ...]:
    return tuple(column_name(column.name, day) for column in SPECS[table].files)


def _key(run: Run) -> tuple[int, Table, int, bool]:
    return run.instrument, run.table, run.day, run.late


def _other(price_dtype: str) -> str:
    return next(width for width in PRICE_WIDTHS if width != price_dtype)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
