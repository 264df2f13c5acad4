"""The command `gaps`: what is known to be missing; what lasts on top, then the longest first."""

from __future__ import annotations

import json as json_library
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from tick_logger import exit_codes
from tick_logger.cli import columns
from tick_logger.cli.kinds import Flag, Several
from tick_logger.cli.pairs import Pairs, pairs, say_meant
from tick_logger.cli.reading import moment, names, opened, reading
from tick_logger.cli.reading import tables as tables_of

if TYPE_CHECKING:
    from tick_logger.reader import Gap

MOST_SHOWN = 50
"""Lines for people; `--all` and `--json` give the rest."""


def gaps_command(
    directory: Path,
    /,
    *,
    since: str | None = None,
    symbols: Several = None,
    tables: Several = None,
    healed: Flag = False,
    all: Flag = False,
    json: Flag = False,
) -> int:
    """Show what is known to be missing; exit code 1 if anything is.

    Parameters
    ----------
    directory
        What was recorded into.
    since
        Only what was missing after this time, or in the last days or hours: 2026-11-29, 7d, 12h.
    symbols
        Only of these: coinbase:BTC-USD, a pattern such as coinbase:BTC-*, or BTC-USD.
    tables
        Only of these: trades, quotes, ticker, book.
    healed
        Show as well what is not missing any more, and how it healed: rest, stream or void.
    all
        Show each hole, however many there are.
    json
        Print JSON, one object for each hole on a line.
    """
    recording = opened(directory)
    words = _words(tables)
    start = 0 if since is None else moment("--since", since)
    with reading(directory):
        say_meant(recording, names(symbols))
        there = bool(symbols or recording.symbols())
        asked = (names(symbols, "*"), start)
        found = recording.gaps(*asked) if there else ()
        found += recording.healed(*asked) if there and healed else ()
        called = pairs(recording)
    now_ns = time.time_ns()
    gaps = sorted((gap for gap in found if gap.table in words), key=lambda gap: _rank(gap, now_ns))
    missing = [gap for gap in gaps if not gap.healed]
    if json:
        documents = (attrs.asdict(gap) | {"pair": called.known(_name(gap))} for gap in gaps)
        sys.stdout.writelines(f"{json_library.dumps(each)}\n" for each in documents)
    elif not gaps:
        sys.stdout.write("nothing is known to be missing\n")
    else:
        shown = gaps if all else gaps[:MOST_SHOWN]
        causes = _by_cause(missing, now_ns) if missing else "nothing is known to be missing\n"
        sys.stdout.write(causes + "\n" + _each(shown, called, now_ns, healed=healed))
        if len(shown) < len(gaps):
            sys.stdout.write(f"... and {len(gaps) - len(shown):,} shorter ones; --all shows them\n")
    return exit_codes.FOUND if missing else exit_codes.CLEAN


def _words(given: Sequence[str] | None) -> set[str]:
    from tick_logger.reader.gaps import WORDS

    return {WORDS[table] for table in tables_of("--tables", given)}


def _rank(gap: Gap, now_ns: int) -> tuple[bool, bool, float, str]:
    return bool(gap.healed), not gap.is_open, -_seconds(gap, now_ns), str(gap)


def _seconds(gap: Gap, now_ns: int) -> float:
    """How long it has lasted; of one whose begin nobody knows, 0."""
    if gap.from_ns is None:
        return 0.0
    return ((now_ns if gap.to_ns is None else gap.to_ns) - gap.from_ns) / 1e9


def _by_cause(gaps: Sequence[Gap], now_ns: int) -> str:
    rows = []
    for cause in sorted({gap.cause for gap in gaps}):
        theirs = [gap for gap in gaps if gap.cause == cause]
        still_open = sum(gap.is_open for gap in theirs)
        longest = max(_seconds(gap, now_ns) for gap in theirs)
        symbols = len({(gap.exchange, gap.symbol) for gap in theirs})
        counts = (f"{number:,}" if number else "-" for number in (len(theirs), still_open, symbols))
        rows.append([cause, *counts, columns.lasted(longest)])
    head = ["cause", "holes", "open", "symbols", "longest"]
    return columns.table(head, rows, right="holes open symbols longest")


def _each(gaps: Sequence[Gap], called: Pairs, now_ns: int, *, healed: bool) -> str:
    from tick_logger.reader.times import iso

    rows = []
    for gap in gaps:
        begin = gap.from_ns if gap.from_ns is not None else gap.to_ns
        length = "open " * gap.is_open + columns.lasted(_seconds(gap, now_ns))
        name = _name(gap)
        since = iso((begin or 0) // 10**9 * 10**9)
        how = [gap.healed or "-"] if healed else []
        rows.append(
            [length, gap.cause, *how, name, *called.cell(name), gap.table, since, _ids(gap)]
        )
    word = ["healed"] if healed else []
    head = [
        "lasted",
        "cause",
        *word,
        "symbol",
        *called.head,
        "table",
        "from (received, UTC)",
        "ids",
    ]
    return columns.table(head, rows)


def _name(gap: Gap) -> str:
    return f"{gap.exchange}:{gap.symbol}" if gap.exchange else gap.symbol


def _ids(gap: Gap) -> str:
    if gap.from_id is None or gap.to_id is None:
        return "-"
    return str(gap.from_id) if gap.from_id == gap.to_id else f"{gap.from_id}-{gap.to_id}"
