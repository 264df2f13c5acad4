"""The command `ls`: what is recorded, by exchange, or by symbol where symbols are named.

Thousands of symbols stay readable: without `--symbols` there is a line for each exchange and
table, unless there are few symbols.
"""

from __future__ import annotations

import datetime
import json as json_library
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import attrs
import cyclopts

from tick_logger import exit_codes
from tick_logger.cli import columns
from tick_logger.cli.arguments import require
from tick_logger.cli.kinds import Several
from tick_logger.cli.pairs import Pairs, pairs, say_meant
from tick_logger.cli.reading import moment, names, opened, reading, say
from tick_logger.cli.reading import tables as tables_of

if TYPE_CHECKING:
    from tick_logger.reader import Recording

FEW_SYMBOLS = 20
"""So many are shown one by one, though nobody names them."""


def ls_command(
    directory: Path,
    /,
    *,
    symbols: Several = None,
    tables: Several = None,
    from_: Annotated[str | None, cyclopts.Parameter(name="--from")] = None,
    to: str | None = None,
    days: Annotated[bool, cyclopts.Parameter(negative="")] = False,
    sealed: Annotated[bool, cyclopts.Parameter(negative="")] = False,
    json: Annotated[bool, cyclopts.Parameter(negative="")] = False,
) -> int:
    """Show what is recorded: symbols, tables, days, rows, seconds, holes and condition.

    A condition is "available", "degraded" (a hole is known), "pending" (the day may still grow)
    or "missing"; of several days or symbols the worst.

    Parameters
    ----------
    directory
        What was recorded into.
    symbols
        Show these one by one: coinbase:BTC-USD, a pattern such as coinbase:BTC-*, or BTC-USD.
    tables
        Only these: trades, quotes, ticker, book.
    from_
        From this day or time on, or from so long ago: 2026-11-29, 7d.
    to
        Until before this day or time.
    days
        A line for each day.
    sealed
        Instead, each day of each exchange that has a certificate: its condition and coverage.
    json
        Print JSON, one object for each symbol, table and day on a line.
    """
    recording, between = opened(directory), _between(from_, to)
    if sealed:
        from tick_logger.cli.sealed import show_sealed

        more = "certificates are of whole exchanges: leave --symbols and --tables out"
        require(("--sealed", more) if symbols or tables else None)
        return show_sealed(directory, between, as_json=json)
    with reading(directory):
        say_meant(recording, names(symbols))
        found = _days_of(recording, names(symbols), tables, between, full=json)
        called = pairs(recording)
    if not found:
        say(f"nothing is recorded in {directory}" + (" of that" if symbols or from_ else " yet"))
        return exit_codes.FOUND
    if json:
        documents = (each.document() | {"pair": called.known(each.name)} for each in found)
        sys.stdout.writelines(f"{json_library.dumps(each)}\n" for each in documents)
        return exit_codes.CLEAN
    by_symbol = bool(symbols) or len({each.name for each in found}) <= FEW_SYMBOLS
    sys.stdout.write(_shown(found, called, by_symbol=by_symbol, by_day=days))
    if not by_symbol:
        sys.stdout.write("\n--symbols PATTERN shows symbols one by one, --days each day.\n")
    return exit_codes.CLEAN


@attrs.frozen
class _Day:
    """A row of the catalogue."""

    exchange: str
    symbol: str
    table: str
    day: datetime.date
    rows: int
    late: int
    holes: int
    proof: str
    condition: str
    seconds: float | None = None

    @property
    def name(self) -> str:
        return f"{self.exchange}:{self.symbol}" if self.exchange else self.symbol

    def document(self) -> dict[str, object]:
        return attrs.asdict(self) | {"day": self.day.isoformat()}


def _days_of(
    recording: Recording,
    wanted: Sequence[str],
    words: Sequence[str] | None,
    between: tuple[int, int],
    *,
    full: bool,
) -> list[_Day]:
    """What there is; of many symbols without the seconds, for which columns are read."""
    from tick_logger.reader.gaps import WORDS

    which = [WORDS[table] for table in tables_of("--tables", words)]
    start, end = between
    if not wanted and not recording.symbols():
        return []
    found = recording.catalog(wanted or "*", start, end, tables=which, now=time.time_ns())
    names = [field.name for field in attrs.fields(_Day)][:-1]
    columns = [found.numpy(name).tolist() for name in names]
    few = full or bool(wanted) or len(set(zip(*columns[:2], strict=True))) <= FEW_SYMBOLS
    seconds = found.numpy("seconds").tolist() if few else [None] * len(found)
    return [_Day(*each) for each in zip(*columns, seconds, strict=True)]


def _between(since: str | None, until: str | None) -> tuple[int, int]:
    """From when to before when, in ns since 1970."""
    from tick_logger.reader.times import BEGINNING_NS, END_NS

    start = BEGINNING_NS if since is None else moment("--from", since)
    return start, END_NS if until is None else moment("--to", until)


def _shown(found: Sequence[_Day], called: Pairs, *, by_symbol: bool, by_day: bool) -> str:
    from tick_logger.reader.gaps import WORDS

    def who(each: _Day) -> str:
        return each.name if by_symbol else each.exchange

    place = {word: number for number, word in enumerate(WORDS.values())}
    asked = {name: number for number, name in enumerate(dict.fromkeys(map(who, found)))}
    groups: dict[tuple[str, str, datetime.date | None], list[_Day]] = {}
    for each in sorted(found, key=lambda each: (asked[who(each)], place[each.table], each.day)):
        key = (who(each), each.table, each.day if by_day else None)
        groups.setdefault(key, []).append(each)
    with_seconds = found[0].seconds is not None
    head = ["symbol", *called.head, "table"] if by_symbol else ["exchange", "table", "symbols"]
    head += ["days", "rows", *(["covered"] if with_seconds else []), "holes", "condition"]
    called_so = called if by_symbol else None
    rows = [_line(group, called_so, seconds=with_seconds) for group in groups.values()]
    return columns.table(head, rows, right="symbols rows covered holes")


def _line(group: Sequence[_Day], called: Pairs | None, *, seconds: bool) -> list[str]:
    """Of a symbol with what it is called; without that, of an exchange."""
    from tick_logger.reader.catalog import worst

    first = group[0]
    days = sorted({each.day for each in group})
    if called is not None:
        cells = [first.name, *called.cell(first.name), first.table]
    else:
        cells = [first.exchange, first.table, f"{len({each.name for each in group}):,}"]
    cells += [_days(days), f"{sum(each.rows for each in group):,}"]
    if seconds:
        cells.append(columns.lasted(sum(each.seconds or 0.0 for each in group)))
    holes = sum(each.holes for each in group)
    return [*cells, f"{holes:,}" if holes else "-", worst(each.condition for each in group)]


def _days(days: Sequence[datetime.date]) -> str:
    """`2026-11-29`, or `2026-11-01..29 (29)`, which says how many there are."""
    first, last = days[0].isoformat(), days[-1].isoformat()
    if first == last:
        return first
    same = next((length for length in (8, 5) if first[:length] == last[:length]), 0)
    return f"{first}..{last[same:]} ({len(days)})"
