"""What `ls --sealed` shows: each certified day of each exchange, how good it is and how covered."""

from __future__ import annotations

import datetime
import json as json_library
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs

from tick_logger import exit_codes
from tick_logger.cli import columns
from tick_logger.cli.reading import reading, say
from tick_logger.model.times import NS_PER_DAY


@attrs.frozen
class _Sealed:
    """The newest certificate of a day; seconds and per cent on average of its streams."""

    exchange: str
    day: str
    condition: str
    covered_secs: float
    covered_percent: float
    streams: int
    number: int
    signed: bool


def show_sealed(directory: Path, between: tuple[int, int], *, as_json: bool) -> int:
    """Show the days that begin within `between` (ns, end exclusive); returns the exit code."""
    with reading(directory):
        found = [each for each in _all(directory) if between[0] <= _ns(each.day) < between[1]]
    if not found:
        say(f"no day is certified in {directory}")
        return exit_codes.FOUND
    if as_json:
        sys.stdout.writelines(f"{json_library.dumps(attrs.asdict(each))}\n" for each in found)
        return exit_codes.CLEAN
    head = ["exchange", "day", "condition", "seconds", "percent", "streams", "number", "signed"]
    rows = [
        [
            each.exchange,
            each.day,
            each.condition,
            f"{each.covered_secs:,.0f}",
            f"{each.covered_percent:.2f}",
            f"{each.streams:,}",
            str(each.number),
            "yes" if each.signed else "no",
        ]
        for each in found
    ]
    sys.stdout.write(columns.table(head, rows, right="seconds percent streams number"))
    return exit_codes.CLEAN


def _ns(day: str) -> int:
    return (datetime.date.fromisoformat(day) - datetime.date(1970, 1, 1)).days * NS_PER_DAY


def _all(directory: Path) -> Iterator[_Sealed]:
    from tick_logger.archive.certifying import certified_days, readable
    from tick_logger.archive.keys import date_text
    from tick_logger.archive.summary import summary_of
    from tick_logger.reader.opening import source_at
    from tick_logger.storage.disk_files import DiskFiles

    files = DiskFiles(str(directory), max_open=1)
    try:
        for exchange in filter(None, source_at(directory).exchanges()):
            for day in sorted(certified_days(files, exchange)):
                found = readable(files, exchange, day)
                if found is None:
                    say(f"{exchange} {date_text(day)}: its certificate cannot be read; see verify")
                    continue
                summary = summary_of(found)
                yield _Sealed(
                    exchange,
                    date_text(day),
                    summary.condition,
                    round(summary.covered_secs, 3),
                    round(100 * summary.coverage, 4),
                    summary.streams,
                    found.number,
                    bool(found.key_ids),
                )
    finally:
        files.close()
