"""Appends runs to column files so that all columns of a day always have the same length.

Rows are only ever appended, the time column last.  When an append fails, what it wrote of the run
is taken back, so the files stay valid and end with the last run that was complete.  What an
earlier process left uneven is cut to whole rows when this one meets the day.

A day that has rows already and lacks a column that is to be written gets it first, filled up with
the value that stands for none.  A day keeps every column that it has, as long as it grows.

Not here: the order of rows (the pipeline's) and survival of power cuts (`Files.sync`).
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import attrs
import numpy as np

from tick_logger.errors import StorageError, UnfitError
from tick_logger.model.flush import Run
from tick_logger.model.instruments import Instruments
from tick_logger.model.rows import column_of
from tick_logger.model.schemas import Schema, Schemas
from tick_logger.model.tables import Table
from tick_logger.storage.appending import (
    CannotAppend,
    PartlyWritten,
    append_all,
    reason_of,
)
from tick_logger.storage.day_files import DayFiles
from tick_logger.storage.encoding import absent_records, encode
from tick_logger.storage.extents import Extent, Known, KnownLengths, Place
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
    """The column files under one root; `schemas` says what is written from now on.

    `repairs` lists the days that were cut to whole rows, in the order in which they were met;
    `inexact` counts by exchange the prices that f4 and rest cannot hold.
    """

    def __init__(
        self, files: Files, instruments: Instruments, schemas: Schemas, known: KnownLengths
    ) -> None:
        self.schemas = schemas
        self.repairs: list[Repair] = []
        self.inexact: Counter[str] = Counter()
        self._files = files
        self._instruments = instruments
        self._known = known
        self._folders: dict[tuple[int, Table, bool], str] = {}  # one per stream

    def meet(self, runs: Iterable[Run]) -> list[Extent]:
        """The rows of those days of these runs that are not known, the same in all columns.

        Columns that were left uneven are cut.  Raises `UnfitError` where rows cannot be
        continued, and `StorageError`; nothing is remembered.
        """
        new: dict[Place, Extent] = {}
        for run in runs:
            place = folder, day = self._folder(run), run.day
            wanted = self.schemas.of[run.table, run.late]
            if place in self._known:
                self._check_width(folder, wanted, _schema_of(self._known.use(folder, day)))
            elif place not in new and len(run.rows):
                new[place] = self._look(folder, wanted, day)
        return list(new.values())

    def append(self, runs: Iterable[Run]) -> None:
        """Append every run, schema by schema, and within one in the order given.

        Raises `PartlyWritten`: runs before the one that failed are complete, nothing of later ones
        was written.
        """
        filled = [run for run in runs if len(run.rows)]
        try:
            groups = self._grouped(filled)
        except CannotAppend as error:
            raise PartlyWritten(error.path, error.reason, tuple(filled)) from error.__cause__
        in_order = [run for each in groups.values() for run in each]
        assert len(in_order) == len(filled), "runs that no schema took"
        done = 0
        try:
            for schema, each in groups.items():
                for run, parts in self._cast(schema, each):
                    self._append_run(run, schema, parts)
                    done += 1
            assert done == len(in_order), "runs that were not written"
        except CannotAppend as error:
            rest = tuple(in_order[done:])
            raise PartlyWritten(error.path, error.reason, rest) from error.__cause__

    def _grouped(self, runs: Iterable[Run]) -> dict[Schema, list[Run]]:
        """The runs by the schema of their day, which has by then all columns to be written."""
        groups: dict[Schema, list[Run]] = {}
        for run in runs:
            known = self._known.use(self._folder(run), run.day)
            schema = _schema_of(known).union(self.schemas.of[run.table, run.late])
            if schema != known.schema:
                self._widen(known, schema)
            assert known.schema == schema, f"{known.path} lacks columns that are to be written"
            groups.setdefault(schema, []).append(run)
        return groups

    def _widen(self, known: Known, schema: Schema) -> None:
        """Give a day the columns that it lacks, filled up for the rows that it has."""
        before = _schema_of(known)
        assert set(before.names) <= set(schema.names), f"{known.path} would lose columns"
        for column in schema.columns:
            path = f"{known.path}/{column_name(column.name, known.day)}"
            if column.name in before.names or not known.length:
                continue
            try:
                # Something may be there of an attempt that failed.
                if self._files.size(path):
                    self._files.truncate(path, 0)
                for piece in absent_records(column, schema.width, known.length):
                    self._files.append(path, piece)
            except OSError as error:
                raise CannotAppend(path, reason_of(error)) from error
        known.schema = schema

    def _cast(self, schema: Schema, runs: Sequence[Run]) -> Iterator[tuple[Run, list[memoryview]]]:
        """Cast the rows of all runs at once; each run is then a slice of every column."""
        _check_order([run for run in runs if not run.late])
        encoded = encode(schema, [run.rows for run in runs], [run.origin for run in runs])
        widths = list(schema.item_sizes.values())
        start = 0
        for run in runs:
            stop = start + len(run.rows)
            slices = zip(encoded.columns, widths, strict=True)
            yield run, [column[start * width : stop * width] for column, width in slices]
            if encoded.inexact is not None and (count := int(encoded.inexact[start:stop].sum())):
                self.inexact[self._instruments.name(run.instrument)[0]] += count
            start = stop
        sizes = zip(encoded.columns, widths, strict=True)
        assert all(len(column) == start * width for column, width in sizes), "rows of no run"

    def _append_run(self, run: Run, schema: Schema, parts: Sequence[memoryview]) -> None:
        known = self._known.use(self._folder(run), run.day)
        paths = _paths(known.path, schema, run.day)
        append_all(self._files, known, list(zip(paths, parts, strict=True)), len(run.rows))

    def _folder(self, run: Run) -> str:
        stream = run.instrument, run.table, run.late
        folder = self._folders.get(stream)
        if folder is None:
            exchange, symbol = self._instruments.name(run.instrument)
            folder = table_folder(exchange, symbol, run.table, late=run.late)
            self._folders[stream] = folder
        return folder

    def _look(self, folder: str, wanted: Schema, day: int) -> Extent:
        """Learn the length of a day's columns from disk, and make it the same for all."""
        try:
            found = DayFiles.look(self._files, folder, wanted.table, day)
            if not found.may_be(wanted.width):
                # Cut as if they had the width that is wanted, prices of another would be lost.
                self._check_width(folder, wanted, found.schema)
            if missing := found.missing:
                # Cutting the others to nothing would finish what a slip of the hand has begun.
                what = f"rows are there, but column {', '.join(missing)} is missing"
                advice = "restore it, or move that day's files away"
                raise UnfitError(folder, f"{what}; {advice}")
            found = attrs.evolve(found, schema=attrs.evolve(found.schema, width=wanted.width))
            rows = found.whole_rows
            cut = found.cut(self._files, rows)
            self._fill_up(found, rows)
        except OSError as error:
            raise StorageError(f"cannot look at {folder}: {reason_of(error)}") from error
        if cut:
            self.repairs.append(Repair(folder, day, rows, cut))
        return Extent(folder, day, rows, found.schema if rows else wanted)

    def _fill_up(self, found: DayFiles, rows: int) -> None:
        """Let columns that came later be as long as the others: they never shorten a day."""
        for column in found.schema.columns:
            have = found.rows[column.name]
            if have < rows:
                assert not column.required, f"{column.name} of {found.folder} would be made up"
                path, size = found.path(column.name), found.schema.item_sizes[column.name]
                if found.sizes[column.name] > have * size:
                    self._files.truncate(path, have * size)
                for piece in absent_records(column, found.schema.width, rows - have):
                    self._files.append(path, piece)

    def _check_width(self, folder: str, wanted: Schema, found: Schema) -> None:
        if found.width != wanted.width:
            # Perhaps a day that was brought back by hand: all other streams can go on.
            raise UnfitError(
                folder, f"its prices are {found.width}, and {wanted.width} is configured"
            )


def _schema_of(known: Known) -> Schema:
    assert known.schema is not None, f"{known.path} has no columns"
    return known.schema


def _check_order(runs: Sequence[Run]) -> None:
    """Whoever reads the files searches them by bisection."""
    if runs:
        event_ns = column_of([run.rows for run in runs], "event_ns")
        owner = np.repeat(np.arange(len(runs)), [len(run.rows) for run in runs])
        falls = (event_ns[1:] < event_ns[:-1]) & (owner[1:] == owner[:-1])
        assert not falls.any(), "rows of a stream go back"


@functools.lru_cache(maxsize=8192)  # as many as grow all the time; each flush asks for them again
def _paths(folder: str, schema: Schema, day: int) -> tuple[str, ...]:
    return tuple(f"{folder}/{column_name(name, day)}" for name in schema.names)
