"""Checks every invariant of a recording on disk.

Reads only.  Beside a recorder that runs, what is promised at each moment is checked: the rows that
the time column, written last, has are complete and sorted, and every hole is written down in time.
Not here: when to look again (`looks`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeAlias

import attrs

from tick_logger.errors import words_of
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import SPECS, Table
from tick_logger.model.times import day_of
from tick_logger.storage.cutting import IsReleased, nothing_released
from tick_logger.storage.files import REPLACEMENT_SUFFIX, Files
from tick_logger.storage.format_file import UnreadableFormatError, read_widths, width_told
from tick_logger.storage.gap_files import parse_gaps
from tick_logger.storage.instruments_file import UnreadableError, decode
from tick_logger.storage.journal_layout import JOURNAL_FOLDER
from tick_logger.storage.kept_aside import unreadable_lines
from tick_logger.storage.layout import (
    FORMAT_PATH,
    ColumnPath,
    FormatPath,
    GapsPath,
    InstrumentsPath,
    UndecodablePath,
    is_column_of_unknown_name,
    is_misplaced,
    is_stray,
    parse,
    symbol_folder,
    table_folder,
)
from tick_logger.storage.legacy_links import has_links_only
from tick_logger.storage.unwritten_files import streams_told
from tick_logger.verify.holes import holes_of
from tick_logger.verify.looks import Look, what_stands
from tick_logger.verify.numberings import MOST_UNDECIDED, Numberings
from tick_logger.verify.report import Finding, Kind, Report
from tick_logger.verify.table import PriceWidths, TableCheck

Dense: TypeAlias = Callable[[str, Table], bool]


def verify(
    files: Files,
    *,
    dense: Dense,
    price_dtype: str | None = None,
    wait: Callable[[], None] | None = None,
    is_released: IsReleased = nothing_released,
) -> Report:
    """Check everything under the root of `files`.

    `dense(exchange, table)` says whether the ids of that table rise by one, so that every hole
    must have a gap record.  All prices must be as wide as in `price_dtype` ("f4+rest", "f4" or
    "f8"); None means that they must all be the same.  `wait` lets some time pass: for a recorder
    that runs.  `is_released` tells of which days the main files may be gone, or go while this
    looks.  Raises `OSError` if nothing can be read.
    """
    return _Verification(files, dense, wait, is_released).run(price_dtype)


@attrs.define
class _SymbolFiles:
    """The files of one symbol, as far as they belong to it."""

    columns: dict[tuple[Table, int, bool], set[str]] = attrs.field(factory=lambda: defaultdict(set))
    gaps: list[tuple[int, str]] = attrs.field(factory=list)  # day, path


class _Verification:
    def __init__(
        self,
        files: Files,
        dense: Dense,
        wait: Callable[[], None] | None,
        is_released: IsReleased,
    ) -> None:
        self._is_released = is_released
        self._files = files
        self._dense = dense
        self._wait = wait
        self._widths: dict[str, PriceWidths] = {}  # by folder of a symbol, as of the last look
        self._known_width: str | None = None
        self._untold = streams_told(files)  # of which records are beside the exchanges

    def run(self, price_dtype: str | None) -> Report:
        report = what_stands(self._looks(), self._wait)
        self._check_widths(report, price_dtype)
        return report

    def _looks(self) -> Iterator[Look]:
        """What can be looked at for itself: the files beside the folders, and each symbol."""
        yield lambda: self._files_in("")
        for exchange in self._folders_in(""):
            if exchange == JOURNAL_FOLDER:
                yield self._check_journal_folder
                continue
            yield partial(self._as_readable, exchange, partial(self._files_in, exchange))
            if self._is_links_only(exchange):
                continue
            counted = False
            for symbol in self._folders_in(exchange):
                folder = f"{exchange}/{symbol}"
                counted = counted or self._has_columns(folder)
                yield partial(self._as_readable, folder, partial(self._check_symbol, folder))
            if counted:
                yield lambda: Report(exchanges=1)

    def _is_links_only(self, folder: str) -> bool:
        try:
            return has_links_only(self._files, folder)
        except OSError:
            return False  # what cannot be read is a finding

    def _has_columns(self, folder: str) -> bool:
        paths = self._files.list(folder, recursive=True)
        return any(isinstance(parse(path), ColumnPath) for path in paths)

    def _folders_in(self, folder: str) -> list[str]:
        try:
            names = self._files.list(folder)
        except OSError:
            if not folder:
                raise
            return []  # what is beside them cannot be read either, which is a finding
        return [name.rstrip("/") for name in names if name.endswith("/")]

    def _as_readable(self, path: str, look: Look) -> Report:
        """What a look finds; that it can read nothing there is a finding about this path."""
        try:
            return look()
        except FileNotFoundError:
            raise  # beside a recorder it is on its way
        except OSError as error:
            finding = Finding(path, Kind.UNREADABLE, 1, detail=words_of(error))
            return Report([finding])

    def _check_journal_folder(self) -> Report:
        """What does not belong there; the rest is judged by `check_segments`."""
        paths = self._files.list(JOURNAL_FOLDER, recursive=True)
        return self._unknown(path for path in paths if parse(path) is None)

    def _files_in(self, folder: str) -> Report:
        """The files in a folder, without those in folders in it."""
        report = Report()
        for name in self._files.list(folder):
            path = f"{folder}/{name}" if folder else name
            if name.endswith("/"):
                continue
            where = parse(path)
            if isinstance(where, FormatPath):
                report.findings += self._check_format()
            elif isinstance(where, InstrumentsPath):
                report.findings += self._check_instruments(path, where)
            elif isinstance(where, UndecodablePath):
                report.findings += self._check_kept_aside(path)
            elif where is None:
                report.add(self._unknown([path]))
        return report

    def _check_format(self) -> list[Finding]:
        try:
            read_widths(self._files)
        except UnreadableFormatError as error:
            return [Finding(FORMAT_PATH, Kind.FORMAT, 1, detail=str(error))]
        return []

    def _check_instruments(self, path: str, where: InstrumentsPath) -> list[Finding]:
        try:
            saved = decode(self._files.read(path))
        except UnreadableError as error:
            detail = str(error)
        else:
            if saved.exchange != where.exchange:
                detail = f"it is of {saved.exchange}"
            elif day_of(saved.read_ns) != where.day:
                detail = "it was received on another day"
            else:
                return []
        return [Finding(path, Kind.INSTRUMENTS, 1, detail=detail)]

    def _check_kept_aside(self, path: str) -> list[Finding]:
        bad = unreadable_lines(self._whole_lines(path))
        return [Finding(path, Kind.KEPT_ASIDE_LINE, len(bad), bad[0])] if bad else []

    def _whole_lines(self, path: str) -> bytes:
        """What a file of lines holds; beside a recorder without the one that is being written."""
        data = self._files.read(path)
        return data if self._wait is None else data[: data.rfind(b"\n") + 1]

    def _unknown(self, paths: Iterable[str]) -> Report:
        report = Report()
        for path in paths:
            if is_column_of_unknown_name(path):
                report.notes.append(f"{path}: a column that is not known here; left alone")
            elif is_stray(path):
                report.findings.append(Finding(path, Kind.STRAY, 1))
            elif is_misplaced(path):
                report.findings.append(Finding(path, Kind.MISPLACED, 1))
            elif self._wait is None or not path.endswith(REPLACEMENT_SUFFIX):
                report.notes.append(f"{path}: no part of a recording")
        return report

    def _check_symbol(self, folder: str) -> Report:
        mine, exchange, symbol = _SymbolFiles(), "", ""
        if self._wait is not None:
            self._untold = streams_told(self._files)
        report, self._widths[folder] = Report(), PriceWidths()
        for path in self._files.list(folder, recursive=True):
            match parse(path):
                case ColumnPath(exchange, symbol, table, late, column, day):
                    mine.columns[table, day, late].add(column)
                case GapsPath(exchange, symbol, day):
                    mine.gaps.append((day, path))
                case None:
                    report.add(self._unknown([path]))
        gaps = self._read_gaps(mine, report)
        report.holes.add(holes_of(gaps))
        for table in Table:
            if any(key[0] is table for key in mine.columns):
                report.add(self._check_table(exchange, symbol, table, mine, gaps))
        report.symbols = int(bool(mine.columns))
        return report

    def _check_table(
        self,
        exchange: str,
        symbol: str,
        table: Table,
        mine: _SymbolFiles,
        gaps: Iterable[GapRecord],
    ) -> Report:
        own = [gap for gap in gaps if gap.table is table]
        # Where rows had no place, what is missing is told by times alone.
        dense = self._dense(exchange, table) and (exchange, symbol) not in self._untold
        numberings = Numberings(own) if dense else None
        widths = self._widths[symbol_folder(exchange, symbol)]
        live, width = self._wait is not None, self._width_told()
        check = TableCheck(self._files, table, widths, numberings, live=live, width=width)
        days = sorted((day, not late) for of, day, late in mine.columns if of is table)
        folders = {main: table_folder(exchange, symbol, table, late=not main) for _, main in days}
        in_order = [(folders[main], day) for day, main in days if main]
        if numberings is not None and in_order:
            newest = check.newest_trades(in_order, MOST_UNDECIDED + 1)
            numberings.leave_out_undecided(newest)
        if numberings:
            numberings.look_at(lambda: check.trades([(folders[main], day) for day, main in days]))
        for day, main in days:
            gone = self._is_gone(mine, exchange, table, day)
            if not (main and gone):
                present = mine.columns[table, day, not main]
                check.day(folders[main], day, present, late=not main, with_ids=not gone)
        if dense:
            check.check_gaps(f"{symbol_folder(exchange, symbol)}/{table}", own)
        return Report(check.findings, rows=check.rows, table_days=check.table_days)

    def _is_gone(self, mine: _SymbolFiles, exchange: str, table: Table, day: int) -> bool:
        """Whether the main rows of a day were let go of: the column of times goes first."""
        names = mine.columns.get((table, day, False), ())
        return SPECS[table].time_column not in names and self._is_released(exchange, day)

    def _width_told(self) -> str | None:
        """The bytes of a price beside a recorder, for ever the same; at rest the sizes tell."""
        if self._known_width is None and self._wait is not None:
            self._known_width = width_told(self._files)
        return self._known_width

    def _read_gaps(self, mine: _SymbolFiles, report: Report) -> list[GapRecord]:
        """The records of all days; unreadable lines are reported."""
        records: list[GapRecord] = []
        for _, path in sorted(mine.gaps):
            lines = parse_gaps(self._whole_lines(path), instrument=0)
            records += lines.records
            if lines.unreadable:
                report.findings.append(
                    Finding(path, Kind.GAP_LINE, len(lines.unreadable), lines.unreadable[0])
                )
        return records

    def _check_widths(self, report: Report, price_dtype: str | None) -> None:
        """One finding if some days have prices of another width than most, or than given."""
        all_of_them = PriceWidths()
        for each in self._widths.values():
            all_of_them.add_all(each)
        counts = all_of_them.counts
        given = None if price_dtype is None else "f8" if price_dtype == "f8" else "f4"
        usual = given or max(counts, key=lambda width: counts[width], default="f4")
        for width, count in counts.items():
            if width != usual:
                path = all_of_them.first_paths[width]
                detail = f"table-days with {width} instead of {usual}"
                report.findings.append(Finding(path, Kind.WIDTH, count, detail=detail))
