"""The command `doubts`: what looked wrong in rows when they were recorded, the newest first."""

from __future__ import annotations

import json as json_library
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from tick_logger import exit_codes
from tick_logger.cli import columns
from tick_logger.cli.kinds import Flag, Several
from tick_logger.cli.pairs import Pairs, pairs, say_meant
from tick_logger.cli.reading import moment, names, opened, reading

if TYPE_CHECKING:
    from tick_logger.reader import Doubt

MOST_SHOWN = 50
"""Lines for people; `--all` and `--json` give the rest."""


def doubts_command(
    directory: Path,
    /,
    *,
    since: str | None = None,
    symbols: Several = None,
    all: Flag = False,
    json: Flag = False,
) -> int:
    """Show what looked wrong in rows when they were recorded; exit code 1 if anything did.

    Parameters
    ----------
    directory
        What was recorded into.
    since
        Only what was received after this time, or in the last days or hours: 2026-11-29, 7d, 12h.
    symbols
        Only of these: coinbase:BTC-USD, a pattern such as coinbase:BTC-*, or BTC-USD.
    all
        Show each doubt, however many there are.
    json
        Print JSON, one object for each doubt on a line.
    """
    recording = opened(directory)
    start = 0 if since is None else moment("--since", since)
    with reading(directory):
        say_meant(recording, names(symbols))
        there = bool(symbols or recording.symbols())
        found = recording.doubts(names(symbols, "*"), start) if there else ()
        called = pairs(recording)
    doubts = sorted(found, key=lambda each: -each.from_ns)
    if json:
        documents = (attrs.asdict(each) | {"pair": called.known(_name(each))} for each in doubts)
        sys.stdout.writelines(f"{json_library.dumps(each)}\n" for each in documents)
    elif not doubts:
        sys.stdout.write("nothing is marked as looking wrong\n")
    else:
        shown = doubts if all else doubts[:MOST_SHOWN]
        sys.stdout.write(_table(shown, called))
        if len(shown) < len(doubts):
            more = len(doubts) - len(shown)
            sys.stdout.write(f"... and {more:,} older ones; --all shows them\n")
    return exit_codes.FOUND if doubts else exit_codes.CLEAN


def _name(doubt: Doubt) -> str:
    return f"{doubt.exchange}:{doubt.symbol}"


def _table(doubts: Sequence[Doubt], called: Pairs) -> str:
    from tick_logger.reader.times import iso

    rows = []
    for each in doubts:
        figures = ", ".join(f"{name} {value:.10g}" for name, value in each.figures.items())
        name, since = _name(each), iso(each.from_ns // 10**9 * 10**9)
        lasted = columns.lasted(each.seconds)
        whose = [name, *called.cell(name)]
        rows.append([each.kind, *whose, each.table, since, lasted, f"{each.rows:,}", figures])
    head = [
        "kind",
        "symbol",
        *called.head,
        "table",
        "from (received, UTC)",
        "lasted",
        "rows",
        "worst",
    ]
    return columns.table(head, rows, right="rows")
