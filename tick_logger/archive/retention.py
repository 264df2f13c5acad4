"""What may be let go of, because the archive has it; and letting it go.

A day of an exchange may go if it is older than is to be kept, sealed and certified, and if all of
it lies, read back and found equal, wherever it is to be kept: its certificates, of each table as
many rows as are on the disk, and what looked wrong in them.  Days go whole, the oldest first, and
none overtakes one that has to stay.  Of a stream's newest day the files stay, since the next start
joins there.

Only main files go.  What is in `late/` stays: it tells which rows came since, and is little.  So do
gaps files, quality files, listings and certificates.

Invariant: a ledger line `released` is durable before the first file goes, and of a table the column
of times goes first, durably, so that nobody ever meets half of a row.

Blocking.  Not here: when (`archiver`), and segments of the journal (`journal_release`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs
import numpy as np

from tick_logger.archive.keys import QUALITY, WORDS, certificate_key, date_text
from tick_logger.archive.ledger import Ledger, Packed, Released, Where
from tick_logger.archive.quality_parts import packed_bytes
from tick_logger.model.tables import ORIGIN_ASIDE, SPECS, Table
from tick_logger.storage.files import Files
from tick_logger.storage.layout import (
    CertificatePath,
    ColumnPath,
    QualityPath,
    column_path,
    parse,
    quality_path,
)

TIME_BYTES = 4
"""Of one row in the column of times, in every version."""

LEAST_DAYS = 1
"""What a full disk leaves at least: yesterday may still be looked at for its end."""

ORIGIN = "origin"

Stream = tuple[str, Table]


@attrs.frozen
class Day:
    """One exchange and UTC day (since 1970-01-01) that may go: its files, and their bytes."""

    exchange: str
    day: int
    files: Mapping[str, int]

    @property
    def size(self) -> int:
        """How many bytes that frees."""
        return sum(self.files.values())

    def __str__(self) -> str:
        """For people."""
        return (
            f"{self.exchange} {date_text(self.day)}: {len(self.files):,} files, {self.size:,} bytes"
        )


@attrs.frozen
class Stays:
    """A day that is old enough to go, and why it has to stay."""

    exchange: str
    day: int
    reason: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.exchange} {date_text(self.day)} stays: {self.reason}"


@attrs.frozen
class Outlook:
    """What may go now, the oldest of each exchange first, and what has to stay and why."""

    goes: tuple[Day, ...]
    stays: tuple[Stays, ...]


@attrs.define
class _OnDisk:
    """What there is of one exchange and day: main files by stream, late ones by path."""

    main: dict[Stream, dict[str, ColumnPath]] = attrs.field(factory=lambda: defaultdict(dict))
    late: dict[Stream, dict[str, ColumnPath]] = attrs.field(factory=lambda: defaultdict(dict))


class Retention:
    """What may go of one directory; `wanted` are the places in which everything is to be."""

    def __init__(self, files: Files, ledger: Ledger, wanted: Sequence[Where]) -> None:
        assert wanted, "nothing may go that is kept nowhere else"
        self._files = files
        self._ledger = ledger
        self._wanted = wanted

    def outlook(self, today: int, keep_days: int) -> Outlook:
        """What may go today; `keep_days` full days before today stay.  Raises `OSError`."""
        goes: list[Day] = []
        stays: list[Stays] = []
        before = today - max(keep_days, LEAST_DAYS)
        certificates, exchanges = self._look()
        for exchange, days in sorted(exchanges.items()):
            newest = _newest(days)
            for day in sorted(each for each in days if each < before):
                found = _going(days[day], day, newest)
                if not found:
                    continue  # every file is that of a newest day
                numbers = certificates.get((exchange, day), [])
                reason = self._objection(exchange, day, days[day], numbers)
                if reason:
                    stays.append(Stays(exchange, day, reason))
                    break  # what is newer does not overtake it
                sizes = {path: self._files.size(path) for path in found}
                goes.append(Day(exchange, day, sizes))
        return Outlook(tuple(goes), tuple(stays))

    def steps(self, day: Day, at_ns: int, files: Files) -> Iterator[None]:
        """Let a day go, a step at a time; `files` are those with which it was written.

        Raises `OSError`; what is left then goes the next time.
        """
        if not self._ledger.is_released(day.exchange, day.day):
            self._ledger.add(Released(at_ns=at_ns, exchange=day.exchange, day=day.day))
        yield
        times = [path for path in day.files if _is_time(path)]
        for some in (times, [path for path in day.files if not _is_time(path)]):
            for begin in range(0, len(some), FILES_AT_ONCE):
                for path in some[begin : begin + FILES_AT_ONCE]:
                    files.remove(path)
                yield
            for folder in sorted({path.rpartition("/")[0] for path in some}):
                files.sync_folder(folder)
            yield

    def _objection(self, exchange: str, day: int, there: _OnDisk, numbers: Iterable[int]) -> str:
        """Why a day has to stay; empty if it need not."""
        keys = [certificate_key(exchange, day, number) for number in numbers]
        if not keys:
            return "it is not certified"
        if any(not self._is_kept(key) for key in keys):
            return "a certificate of it is not verified everywhere"
        if self._ledger.is_released(exchange, day):
            return ""
        for table in Table:
            packed = self._ledger.of_day(exchange, day, WORDS[table])
            if any(not self._is_kept(each.key) for each in packed):
                return f"{WORDS[table]} are not verified everywhere"
            rows = self._rows(there, table, packed)
            if rows != (found := sum(each.rows for each in packed)):
                return f"of {rows:,} rows of {WORDS[table]} {found:,} are packed"
        return self._objection_of_quality(exchange, day)

    def _objection_of_quality(self, exchange: str, day: int) -> str:
        """Why it has to stay for what looked wrong in its rows; empty if it need not."""
        size = self._files.size(quality_path(QualityPath(exchange, day)))
        if size > packed_bytes(self._ledger, exchange, day):
            return "what looked wrong in it is not packed"
        parts = self._ledger.of_day(exchange, day, QUALITY)
        if any(not self._is_kept(each.key) for each in parts):
            return "what looked wrong in it is not verified everywhere"
        return ""

    def _is_kept(self, key: str) -> bool:
        return all(self._ledger.is_verified(key, where) for where in self._wanted)

    def _rows(self, there: _OnDisk, table: Table, packed: Sequence[Packed]) -> int:
        """How many rows the objects of a table must have: main ones, and late ones of then."""
        name, rows = SPECS[table].time_column, 0
        for (_, of), paths in there.main.items():
            if of is table:
                sizes = [self._files.size(p) for p, each in paths.items() if each.column == name]
                rows += sum(sizes) // TIME_BYTES
        late: dict[str, int] = {}
        for each in packed:
            for symbol, count in each.late.items():
                late[symbol] = max(count, late.get(symbol, 0))
        for (symbol, of), paths in there.late.items():
            if of is table and symbol in late:
                rows += late[symbol] - self._aside(paths, late[symbol])
        return rows

    def _aside(self, paths: Mapping[str, ColumnPath], count: int) -> int:
        """How many of the first late rows have a time that cannot be right."""
        for path, each in paths.items():
            if each.column == ORIGIN:
                origins = np.frombuffer(self._files.read(path, 0, count), np.uint8)
                return int(np.count_nonzero(origins == ORIGIN_ASIDE))
        return 0

    def _look(self) -> tuple[dict[tuple[str, int], list[int]], dict[str, dict[int, _OnDisk]]]:
        """Numbers of certificates by exchange and day, and column files by these."""
        certificates: dict[tuple[str, int], list[int]] = defaultdict(list)
        exchanges: dict[str, dict[int, _OnDisk]] = {}
        for path in self._files.list(recursive=True):
            match parse(path):
                case CertificatePath(exchange, day, number):
                    certificates[exchange, day].append(number)
                case ColumnPath() as found:
                    days = exchanges.setdefault(found.exchange, {})
                    there = days.setdefault(found.day, _OnDisk())
                    of = there.late if found.late else there.main
                    of[found.symbol, found.table][path] = found
        return certificates, exchanges


FILES_AT_ONCE = 200
"""Removed in one step: some milliseconds, in which nothing else is written."""


def _newest(days: Mapping[int, _OnDisk]) -> dict[Stream, int]:
    """The newest day of each stream."""
    newest: dict[Stream, int] = {}
    for day, there in days.items():
        for stream in there.main:
            newest[stream] = max(day, newest.get(stream, day))
    return newest


def _going(there: _OnDisk, day: int, newest: Mapping[Stream, int]) -> list[str]:
    """Main files of the streams that have a newer day."""
    return [path for stream, paths in there.main.items() if newest[stream] > day for path in paths]


def _is_time(path: str) -> bool:
    found = parse(path)
    assert isinstance(found, ColumnPath), f"{path} is no column file"
    assert not found.late, f"{path} stays"
    assert path == column_path(found), "a file that is not ours"
    return found.column == SPECS[found.table].time_column
