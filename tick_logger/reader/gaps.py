"""Holes as a user gets them, and whether what was read is all that there was.

`complete` is True only if nothing is missing and that is proven: ids that rise by one, no hole in
the range, and rows before and after it, so that nothing can be missing at its edges.  It is False
if a hole is known, and None if nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import numpy as np

from tick_logger.model.flush import GapRecord
from tick_logger.model.proof import Proof
from tick_logger.model.tables import Table
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.times import Span, iso

WORDS = {Table.MD: "ticker", Table.TRADES: "trades", Table.QUOTES: "quotes", Table.BOOK: "book"}
"""What tables are called in the reading interface."""


@attrs.frozen
class Gap:
    """Rows of one table of a symbol that are missing.

    `from_ns` and `to_ns` are receive times that bracket the hole, in ns since 1970-01-01 UTC;
    `to_ns` is None while it lasts.  `from_id` and `to_id` are the first and the last id that is
    missing, None where ids do not tell.  `cause` is a word of the list in the page on files.
    """

    exchange: str
    symbol: str
    table: str
    from_ns: int | None
    to_ns: int | None
    from_id: int | None
    to_id: int | None
    cause: str

    @property
    def is_open(self) -> bool:
        """Whether it lasts, as far as the files tell."""
        return self.to_ns is None

    @property
    def seconds(self) -> float | None:
        """How long it lasted; None while it lasts."""
        if self.from_ns is None or self.to_ns is None:
            return None
        return (self.to_ns - self.from_ns) / 1e9

    def __str__(self) -> str:
        """For people."""
        name = f"{self.exchange}:{self.symbol}" if self.exchange else self.symbol
        begin, end = (each and iso(each) for each in (self.from_ns, self.to_ns))
        ids = ""
        if self.from_id is not None and self.to_id is not None:
            ids = f", ids {self.from_id} to {self.to_id}"
        return f"{name} {self.table}: {self.cause}, {begin} to {end or 'now'}{ids}"


@attrs.frozen
class Completeness:
    """What is known of the completeness of some rows."""

    gaps: tuple[Gap, ...]
    proof: Proof
    """The weakest of all streams."""
    bracketed: bool
    """Whether each stream has rows before and after the range."""

    @property
    def complete(self) -> bool | None:
        """True: all are there; False: some are missing; None: nobody can tell."""
        if self.gaps:
            return False
        return True if self.proof is Proof.PROVEN and self.bracketed else None


def both(one: Completeness, other: Completeness) -> Completeness:
    """What is known of rows that were made of two kinds."""
    gaps = dict.fromkeys((*one.gaps, *other.gaps))
    bracketed = one.bracketed and other.bracketed
    return Completeness(tuple(gaps), min(one.proof, other.proof), bracketed)


def gaps_in(source: Source, symbol: Symbol, table: Table | None, wanted: Span) -> Iterator[Gap]:
    """The holes of a symbol that touch a range of receive times, by when they began."""
    for hole in sorted(source.holes(symbol), key=lambda hole: edges(hole)[0]):
        begin, end = edges(hole)
        if table in (None, hole.table) and begin < wanted.end_ns and end >= wanted.start_ns:
            yield Gap(
                symbol.exchange,
                symbol.symbol,
                WORDS[hole.table],
                hole.from_ns,
                hole.to_ns,
                hole.from_id,
                hole.to_id,
                str(hole.cause),
            )


def completeness(
    source: Source, symbols: Sequence[Symbol], table: Table, wanted: Span
) -> Completeness:
    """What is known of the completeness of a table in a range."""
    gaps = tuple(gap for each in symbols for gap in gaps_in(source, each, table, wanted))
    proof = min((source.proof(each, table) for each in symbols), default=Proof.UNPROVABLE)
    bracketed = all(is_bracketed(source, each, table, wanted) for each in symbols)
    return Completeness(gaps, proof, bracketed)


def is_bracketed(source: Source, symbol: Symbol, table: Table, wanted: Span) -> bool:
    """Whether there are rows before a range, and rows after it."""
    days = [day for day in source.days(symbol, table) if source.look(symbol, table, day).main.rows]
    if not days or not wanted.days:
        return False
    first, last = (source.look(symbol, table, day).main for day in (days[0], days[-1]))
    before = days[0] < wanted.days[0] or first.first_at(wanted.start_ns) > 0
    after = days[-1] > wanted.days[-1] or last.first_at(wanted.end_ns) < last.rows
    return before and after


def edges(hole: GapRecord) -> tuple[int, int]:
    """From when until when something may be missing (receive times); an open hole has no end."""
    begin = hole.from_ns if hole.from_ns is not None else hole.to_ns
    assert begin is not None, "a hole without any time"
    return begin, np.iinfo(np.int64).max if hole.to_ns is None else hole.to_ns
