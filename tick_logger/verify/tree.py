"""Checks every invariant of a recording on disk.

Reads only.  Meant for a recorder that has stopped: beside one that writes, columns may be found
unequal because they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeAlias

import attrs

from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.storage.files import Files
from tick_logger.storage.format_file import UnreadableFormatError, read_widths
from tick_logger.storage.gap_files import parse_gaps
from tick_logger.storage.instruments_file import UnreadableError, decode
from tick_logger.storage.journal_layout import JOURNAL_FOLDER
from tick_logger.storage.layout import (
    FORMAT_PATH,
    ColumnPath,
    FormatPath,
    GapsPath,
    InstrumentsPath,
    is_column_of_unknown_name,
    is_stray,
    parse,
    symbol_folder,
    table_folder,
)
from tick_logger.verify.numberings import MOST_UNDECIDED, Numberings
from tick_logger.verify.report import Finding, Kind, Report
from tick_logger.verify.table import PriceWidths, TableCheck

Dense: TypeAlias = Callable[[str, Table], bool]


def verify(files: Files, *, dense: Dense, price_dtype: str | None = None) -> Report:
    """Check everything under the root of `files`.

    `dense(exchange, table)` says whether the ids of that table rise by one, so that every hole
    must have a gap record.  All prices must be as wide as in `price_dtype` ("f4+rest", "f4" or
    "f8"); None means that they must all be the same.  Raises `OSError` if something cannot be read.
    """
    return _Verification(files, dense).run(price_dtype)


@attrs.define
class _SymbolFiles:
    """The files of one symbol, as far as they belong to it."""

    columns: dict[tuple[Table, int, bool], set[str]] = attrs.field(factory=lambda: defaultdict(set))
    gaps: list[tuple[int, str]] = attrs.field(factory=list)  # day, path


class _Verification:
    def __init__(self, files: Files, dense: Dense) -> None:
        self._files = files
        self._dense = dense
        self._report = Report()
        self._widths = PriceWidths()

    def run(self, price_dtype: str | None) -> Report:
        for exchange in self._folders(""):
            if exchange == JOURNAL_FOLDER:
                inner = self._files.list(exchange, recursive=True)
                self._unknown(path for path in inner if parse(path) is None)
                continue  # what is in the others is judged by `check_segments`
            before = self._report.symbols
            for symbol in self._folders(exchange):
                self._check_symbol(f"{exchange}/{symbol}")
            self._report.exchanges += self._report.symbols > before
        self._check_widths(price_dtype)
        return self._report

    def _folders(self, folder: str) -> list[str]:
        """The folders in a folder; files beside them are checked or noted."""
        names = self._files.list(folder)
        for name in names:
            path = f"{folder}/{name}" if folder else name
            if name.endswith("/"):
                continue
            where = parse(path)
            if isinstance(where, FormatPath):
                self._check_format()
            elif isinstance(where, InstrumentsPath):
                self._check_instruments(path, where.exchange)
            elif where is None:
                self._unknown([path])
        return [name.rstrip("/") for name in names if name.endswith("/")]

    def _check_format(self) -> None:
        try:
            read_widths(self._files)
        except UnreadableFormatError as error:
            self._report.findings.append(Finding(FORMAT_PATH, Kind.FORMAT, 1, detail=str(error)))

    def _check_instruments(self, path: str, exchange: str) -> None:
        try:
            saved = decode(self._files.read(path))
        except UnreadableError as error:
            self._report.findings.append(Finding(path, Kind.INSTRUMENTS, 1, detail=str(error)))
            return
        if saved.exchange != exchange:
            detail = f"it is of {saved.exchange}"
            self._report.findings.append(Finding(path, Kind.INSTRUMENTS, 1, detail=detail))

    def _unknown(self, paths: Iterable[str]) -> None:
        for path in paths:
            if is_column_of_unknown_name(path):
                self._report.notes.append(f"{path}: a column that is not known here; left alone")
            elif is_stray(path):
                self._report.findings.append(Finding(path, Kind.STRAY, 1))
            else:
                self._report.notes.append(f"{path}: no part of a recording")

    def _check_symbol(self, folder: str) -> None:
        mine, exchange, symbol = _SymbolFiles(), "", ""
        for path in self._files.list(folder, recursive=True):
            match parse(path):
                case ColumnPath(exchange, symbol, table, late, column, day):
                    mine.columns[table, day, late].add(column)
                case GapsPath(exchange, symbol, day):
                    mine.gaps.append((day, path))
                case None:
                    self._unknown([path])
        gaps = self._read_gaps(mine)
        for table in Table:
            if any(key[0] is table for key in mine.columns):
                self._check_table(exchange, symbol, table, mine, gaps)
        self._report.symbols += bool(mine.columns)

    def _check_table(
        self,
        exchange: str,
        symbol: str,
        table: Table,
        mine: _SymbolFiles,
        gaps: Iterable[GapRecord],
    ) -> None:
        own = [gap for gap in gaps if gap.table is table]
        dense = self._dense(exchange, table)
        numberings = Numberings(own) if dense else None
        check = TableCheck(self._files, table, self._widths, numberings)
        days = sorted((day, not late) for of, day, late in mine.columns if of is table)
        folders = {main: table_folder(exchange, symbol, table, late=not main) for _, main in days}
        in_order = [(folders[main], day) for day, main in days if main]
        if numberings is not None and in_order:
            newest = check.newest_trades(in_order, MOST_UNDECIDED + 1)
            numberings.leave_out_undecided(newest)
        if numberings:
            numberings.look_at(lambda: check.trades([(folders[main], day) for day, main in days]))
        for day, main in days:
            check.day(folders[main], day, mine.columns[table, day, not main], late=not main)
        if dense:
            check.check_gaps(f"{symbol_folder(exchange, symbol)}/{table}", own)
        self._report.findings += check.findings
        self._report.rows += check.rows
        self._report.table_days += check.table_days

    def _read_gaps(self, mine: _SymbolFiles) -> list[GapRecord]:
        """The records of all days; unreadable lines are reported."""
        records: list[GapRecord] = []
        for _, path in sorted(mine.gaps):
            lines = parse_gaps(self._files.read(path), instrument=0)
            records += lines.records
            if lines.unreadable:
                self._report.findings.append(
                    Finding(path, Kind.GAP_LINE, len(lines.unreadable), lines.unreadable[0])
                )
        return records

    def _check_widths(self, price_dtype: str | None) -> None:
        """One finding if some days have prices of another width than most, or than given."""
        counts = self._widths.counts
        given = None if price_dtype is None else "f8" if price_dtype == "f8" else "f4"
        usual = given or max(counts, key=lambda width: counts[width], default="f4")
        for width, count in counts.items():
            if width != usual:
                path = self._widths.first_paths[width]
                detail = f"table-days with {width} instead of {usual}"
                self._report.findings.append(Finding(path, Kind.WIDTH, count, detail=detail))
