"""The command `export`: what was recorded as Parquet, CSV or Arrow files.

Not here: what those files are like (`reader.exporting`).
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import cyclopts

from tick_logger import exit_codes
from tick_logger.cli.kinds import Several
from tick_logger.cli.pairs import say_meant
from tick_logger.cli.reading import moment, names, opened, reading, say
from tick_logger.cli.reading import tables as tables_of
from tick_logger.errors import ConfigError

if TYPE_CHECKING:
    from tick_logger.reader.exporting import Job


def export_command(
    directory: Path,
    /,
    *,
    out: Path,
    symbols: Several = None,
    tables: Several = None,
    from_: Annotated[str | None, cyclopts.Parameter(name="--from")] = None,
    to: str | None = None,
    format: Literal["parquet", "csv", "arrow"] = "parquet",
) -> int:
    """Write what was recorded as files of another format; run again, it writes what is missing.

    Parameters
    ----------
    directory
        What was recorded into.
    out
        Directory for the files; what it has of an earlier run is not written again.
    symbols
        coinbase:BTC-USD, a pattern such as coinbase:BTC-*, or BTC-USD; all if it is left out.
    tables
        trades, quotes, ticker, book; all if it is left out.
    from_
        From this day or time on, or from so long ago: 2026-11-01, 7d.
    to
        Until before this day or time: --to 2026-12-01 ends with November.
    format
        parquet and arrow: a file for each table, exchange and day; csv: for each symbol too.
    """
    recording = opened(directory)
    words = tables_of("--tables", names(tables))
    from tick_logger.reader.exporting import Export
    from tick_logger.reader.frames import load
    from tick_logger.reader.times import BEGINNING_NS, END_NS, Span

    start = BEGINNING_NS if from_ is None else moment("--from", from_)
    end = END_NS if to is None else moment("--to", to)
    if end <= start:
        raise ConfigError([("--to", "must be later than --from")])
    if out.exists() and not out.is_dir():
        raise ConfigError([("--out", f"{out} is a file, and no directory")])
    with reading(directory), _other_exports_refused():
        if not symbols and not recording.symbols():
            say(f"nothing is recorded in {directory} yet")
            return exit_codes.FOUND
        say_meant(recording, names(symbols))
        export = Export(recording, names(symbols, "*"), words, Span(start, end), format)
        jobs = export.jobs()
        if not jobs:
            say(f"{directory} has no rows of that")
            return exit_codes.FOUND
        load("pyarrow", "arrow")  # before anything is made
        out.mkdir(parents=True, exist_ok=True)
        found = [export.run(job, out) for job in _shown(jobs)]
        holes = export.write_gaps(out)
    sys.stdout.write(_summary(found, holes, out))
    return exit_codes.CLEAN


def _summary(found: Sequence[int | None], holes: int, out: Path) -> str:
    """What was written; a file that was there already has no number of rows."""
    written = [rows for rows in found if rows is not None]
    kept = len(found) - len(written)
    left = f"; {kept:,} were there already" if kept else ""
    said = f"wrote {sum(written):,} rows into {len(written):,} files below {out}{left}\n"
    if not holes:
        return said
    known = "1 hole is" if holes == 1 else f"{holes:,} holes are"
    return f"{said}{known} known in what was asked for: {out}/gaps.jsonl\n"


@contextlib.contextmanager
def _other_exports_refused() -> Iterator[None]:
    from tick_logger.reader.exporting import OtherExportError

    try:
        yield
    except OtherExportError as error:
        raise ConfigError([("--out", str(error))]) from None


def _shown(jobs: Iterable[Job]) -> Iterator[Job]:
    """With a bar on a terminal."""
    every = list(jobs)
    if not sys.stderr.isatty():
        yield from every
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("exporting", total=sum(job.rows for job in every))
        for job in every:
            progress.update(task, description=job.path.rsplit("/", 1)[0])
            yield job
            progress.advance(task, job.rows)
