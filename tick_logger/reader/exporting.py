"""What was recorded as files of another format, so that a run that was cut short can be repeated.

    parquet, arrow   table=trades/exchange=NAME/date=2026-11-29/trades.parquet   `symbol` a column
    csv              trades/NAME/2026-11-29/SYMBOL.csv.gz

A file of a part of a day has the times in its name.  A line of `export.jsonl` says of each file
that is whole what it was made from: it is written again only if that has changed.  `gaps.jsonl`
holds what is known to be missing.

Invariant: equal rows give equal files; memory is bounded by `ROWS_AT_ONCE`, whatever is exported.

Not here: what a row of CSV is like (`tick_csv`).
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import attrs

from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.reader.columns import COLUMNS
from tick_logger.reader.frames import load
from tick_logger.reader.gaps import WORDS, Gap
from tick_logger.reader.recording import Recording
from tick_logger.reader.rows import Rows
from tick_logger.reader.tick_csv import write_csv
from tick_logger.reader.times import Span, instant, iso
from tick_logger.reader.writing import ROWS_AT_ONCE, whole
from tick_logger.storage.names import folder_of

Format = Literal["parquet", "csv", "arrow"]

MANIFEST = "export.jsonl"
GAPS = "gaps.jsonl"

_VERSION = 2
"""Of what files are like; another one has them written again."""

_TABLES = {word: table for table, word in WORDS.items()}


class OtherExportError(ValueError):
    """In the directory is an export of other symbols, or in another format."""


@attrs.frozen
class Job:
    """One file to be written."""

    path: str
    table: str
    day: datetime.date
    exchange: str
    symbols: tuple[str, ...]
    """As a user writes them."""
    rows: int
    """Of those days, before what is out of the range is left out."""
    made_from: str
    """Different as soon as the file would be."""


@attrs.frozen
class Export:
    """What is to be written: these symbols (names or patterns), tables and times."""

    recording: Recording
    symbols: Sequence[str]
    tables: Sequence[Table]
    wanted: Span
    format: Format

    def jobs(self) -> list[Job]:
        """All files, by table, exchange, day; raises `LookupError` for unknown symbols."""
        words = [WORDS[table] for table in self.tables]
        start, end = self.wanted.start_ns, self.wanted.end_ns
        found = self.recording.catalog(list(self.symbols), start, end, tables=words)
        keys = ("table", "exchange", "day", "symbol", "rows", "late")
        columns = [found.numpy(key).tolist() for key in keys]
        groups: dict[tuple[str, str, datetime.date, str], list[tuple[str, int, int]]] = {}
        for table, exchange, day, symbol, rows, late in sorted(zip(*columns, strict=True)):
            file = symbol if self.format == "csv" else ""
            groups.setdefault((table, exchange, day, file), []).append((symbol, rows, late))
        return [self._job(*key, parts) for key, parts in groups.items()]

    def run(self, job: Job, out: Path) -> int | None:
        """Write a file, and return its rows; None if it is there already.

        Raises `OtherExportError`, and `MissingExtraError` without pyarrow.
        """
        manifest = Manifest(out, [self.format, *sorted(self.symbols)])
        if manifest.has(job):
            return None
        path = out / job.path
        rows = self._rows(job)
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.format == "parquet":
            rows.to_parquet(path)
        elif self.format == "csv":
            write_csv(rows, job.table, job.exchange, path)
        else:
            _write_arrow(rows, path)
        manifest.add(job)
        return len(rows)

    def write_gaps(self, out: Path) -> int:
        """Write down what is known to be missing of all that, and return how much it is."""
        words = {WORDS[table] for table in self.tables}
        start, end = self.wanted.start_ns, self.wanted.end_ns
        found = self.recording.gaps(list(self.symbols), start, end)
        gaps = [gap for gap in found if gap.table in words]
        with whole(out / GAPS) as part:
            Path(part).write_text("".join(f"{_line_of(gap)}\n" for gap in gaps))
        return len(gaps)

    def _job(
        self,
        table: str,
        exchange: str,
        day: datetime.date,
        file: str,
        parts: Sequence[tuple[str, int, int]],
    ) -> Job:
        span = self._of_day(day)
        known = [_VERSION, self.format, table, exchange, span.start_ns, span.end_ns, parts]
        name = file or table
        folder = f"table={table}/exchange={exchange or 'none'}/date={day.isoformat()}"
        if self.format == "csv":
            folder, name = f"{table}/{exchange or 'none'}/{day.isoformat()}", folder_of(file)
        if span.end_ns - span.start_ns < NS_PER_DAY:
            times = (iso(edge)[11:-1].replace(":", "") for edge in (span.start_ns, span.end_ns))
            name += "-" + "-".join(times)
        ending = {"parquet": "parquet", "csv": "csv.gz", "arrow": "arrow"}[self.format]
        return Job(
            f"{folder}/{name}.{ending}",
            table,
            day,
            exchange,
            tuple(f"{exchange}:{symbol}" if exchange else symbol for symbol, _, _ in parts),
            sum(rows for _, rows, _ in parts),
            hashlib.sha256(json.dumps(known).encode()).hexdigest(),
        )

    def _rows(self, job: Job) -> Rows:
        of = {
            Table.TRADES: self.recording.trades,
            Table.QUOTES: self.recording.quotes,
            Table.MD: self.recording.ticker,
            Table.BOOK: self.recording.book_updates,
        }
        table = _TABLES[job.table]
        columns = ["symbol", *(column.name for column in COLUMNS[table] if column.usual)]
        span = self._of_day(job.day)
        return of[table](list(job.symbols), span.start_ns, span.end_ns, columns=columns)

    def _of_day(self, day: datetime.date) -> Span:
        start = instant(day)
        end = start + NS_PER_DAY
        return Span(max(start, self.wanted.start_ns), min(end, self.wanted.end_ns))


class Manifest:
    """What is whole in a directory; a line is added when a file has got its name."""

    def __init__(self, out: Path, request: list[str]) -> None:
        self._out = out
        self._path = out / MANIFEST
        self._made: dict[str, tuple[str, int]] = {}
        if not self._path.exists():
            self._append({"export_of": request})
        for line in self._path.read_bytes().splitlines():
            try:
                said = json.loads(line)
            except ValueError:  # the last line of a run that was killed
                continue
            if said.get("export_of", request) != request:
                raise OtherExportError(
                    f"{out} has an export of {', '.join(said['export_of'][1:])} as"
                    f" {said['export_of'][0]}; choose another directory"
                )
            if "path" in said:
                self._made[said["path"]] = (said["made_from"], said["bytes"])

    def has(self, job: Job) -> bool:
        """Whether the file is there, whole, and made from the same."""
        path = self._out / job.path
        size = path.stat().st_size if path.exists() else -1
        return self._made.get(job.path) == (job.made_from, size)

    def add(self, job: Job) -> None:
        """The file is whole now."""
        size = (self._out / job.path).stat().st_size
        self._made[job.path] = (job.made_from, size)
        self._append({"path": job.path, "made_from": job.made_from, "bytes": size})

    def _append(self, document: dict[str, object]) -> None:
        torn = self._path.exists() and not self._path.read_bytes().endswith(b"\n")
        with self._path.open("a") as file:
            file.write("\n" * torn + json.dumps(document) + "\n")


def _write_arrow(rows: Rows, path: Path) -> None:
    """An Arrow IPC file, which can be mapped; its batches are compressed."""
    ipc = load("pyarrow.ipc", "arrow")
    options = ipc.IpcWriteOptions(compression="zstd")
    pieces = rows.chunks(ROWS_AT_ONCE)
    first = next(pieces, rows).arrow()
    with whole(path) as part, ipc.new_file(part, first.schema, options=options) as writer:
        writer.write_table(first)
        for piece in pieces:
            writer.write_table(piece.arrow())


def _line_of(gap: Gap) -> str:
    return json.dumps(attrs.asdict(gap))
