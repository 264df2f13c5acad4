"""What looked wrong in rows when they were recorded, as it stands beside them.

A doubt says nothing of what is missing, and changes no row.  Where a directory has no such files
(an earlier logger's, one recorded without checks), there is none: its absence proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import attrs

from tick_logger.reader.gaps import WORDS
from tick_logger.reader.places import Places
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.times import Span, iso
from tick_logger.reader.tree import Tree
from tick_logger.storage.names import day_of_text, folder_of
from tick_logger.storage.quality_files import ReadDoubt, doubts_in

_QUALITY_FILE = re.compile(r"quality\.(\d\d\.\d\d\.\d\d)\.jsonl", re.ASCII)


@attrs.frozen
class Doubt:
    """Rows of one table of a symbol that look wrong in one way; they stand as they were sent.

    `from_ns` and `to_ns` are receive times of the first row and of the last, in ns since 1970-01-01
    UTC.  `kind` is a word of the list in the page on files, `figures` what was seen of the worst
    row, by names that belong to the kind.
    """

    exchange: str
    symbol: str
    table: str
    kind: str
    from_ns: int
    to_ns: int
    rows: int
    figures: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return (self.to_ns - self.from_ns) / 1e9

    def __str__(self) -> str:
        """For people."""
        figures = ", ".join(f"{name} {value:.10g}" for name, value in self.figures.items())
        when = f"{iso(self.from_ns)} to {iso(self.to_ns)}"
        rows = f"{self.rows:,} row{'' if self.rows == 1 else 's'}"
        name = f"{self.exchange}:{self.symbol}"
        return f"{name} {self.table}: {self.kind}, {when}, {rows}, worst: {figures}"


class DoubtFiles:
    """The quality files of one tree."""

    def __init__(self, tree: Tree, places: Places) -> None:
        self._tree = tree
        self._places = places

    def of(self, exchange: str, wanted: Span) -> Iterator[tuple[Symbol, ReadDoubt]]:
        """What is marked of an exchange in a range of receive times, in order of its marking."""
        if not exchange:
            return
        folder = folder_of(exchange)
        matches = map(_QUALITY_FILE.fullmatch, self._tree.list(folder))
        days = {day: match[0] for match in matches if match and (day := day_of_text(match[1]))}
        for day in sorted(days):
            # What began on one day may end on the next.
            if wanted.days and not wanted.days[0] - 1 <= day <= wanted.days[-1]:
                continue
            for found in doubts_in(bytes(self._tree.read(f"{folder}/{days[day]}"))):
                if found.from_ns < wanted.end_ns and found.to_ns >= wanted.start_ns:
                    yield Symbol(exchange, found.symbol), found


def doubts_of(source: Source, symbols: tuple[Symbol, ...], wanted: Span) -> Iterator[Doubt]:
    """The doubts about symbols that touch a range of receive times, by exchange and beginning."""
    ask = getattr(source, "doubts", None)
    if ask is None:
        return
    asked = set(symbols)
    for exchange in dict.fromkeys(each.exchange for each in symbols):
        told = ((each, found) for each, found in ask(exchange, wanted) if each in asked)
        for symbol, found in sorted(told, key=lambda both: both[1].from_ns):
            yield _doubt(symbol, found)


def _doubt(symbol: Symbol, found: ReadDoubt) -> Doubt:
    return Doubt(
        symbol.exchange,
        symbol.symbol,
        WORDS[found.table],
        found.kind,
        found.from_ns,
        found.to_ns,
        found.rows,
        dict(found.figures),
    )
