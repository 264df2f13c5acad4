"""Holes as a user gets them, and whether what was read is all that there was.

`complete` is True only if nothing is missing and that is proven: ids that rise by one, no hole in
the range, and rows before and after it, so that nothing can be missing at its edges.  It is False
if a hole is known, and None if nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from tick_logger.model.flush import GapRecord
from tick_logger.model.proof import Proof
from tick_logger.model.tables import FEED_OF, Table
from tick_logger.reader.edges import bounds, edges_of, has_receipts_around, is_within
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.times import Span, iso

WORDS = {table: FEED_OF.get(table, str(table).lower()) for table in Table} | {Table.BOOK: "book"}
"""What tables are called in the reading interface."""


@attrs.frozen
class Gap:
    """Rows of one table of a symbol that are missing.

    `from_ns` and `to_ns` are receive times that bracket the hole, in ns since 1970-01-01 UTC;
    `to_ns` is None while it lasts.  `from_id` and `to_id` are the first and the last id that is
    missing, None where ids do not tell.  `cause` is a word of the list in the page on files.
    `healed` is None while they are missing, and how they healed once they are not: "rest" (they
    came by REST), "stream" (they came after all), "void" (the exchange has nothing there either).
    """

    exchange: str
    symbol: str
    table: str
    from_ns: int | None
    to_ns: int | None
    from_id: int | None
    to_id: int | None
    cause: str
    healed: str | None = None

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
        healed = f", healed ({self.healed})" if self.healed else ""
        return f"{name} {self.table}: {self.cause}, {begin} to {end or 'now'}{ids}{healed}"


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
    for hole in _by_beginning(source.holes(symbol)):
        if table in (None, hole.table) and is_within(hole, wanted):
            yield _gap(symbol, hole)


def healed_in(source: Source, symbol: Symbol, wanted: Span) -> Iterator[Gap]:
    """The holes of a symbol that are none any more, by when they began."""
    for hole in _by_beginning(source.healed(symbol)):
        if is_within(hole, wanted):
            yield _gap(symbol, hole)


def completeness(
    source: Source, symbols: Sequence[Symbol], table: Table, wanted: Span, by: str = "event"
) -> Completeness:
    """What is known of the completeness of a table in a range of event or of receive times."""
    proof = min((source.proof(each, table) for each in symbols), default=Proof.UNPROVABLE)
    gaps: list[Gap] = []
    bracketed = bool(symbols)
    for symbol in symbols:
        holes = [hole for hole in _by_beginning(source.holes(symbol)) if hole.table is table]
        if by == "event":
            edges = edges_of(source, symbol, table, wanted)
            holes = [hole for hole in holes if edges.are_touched_by(hole)]
            bracketed = bracketed and edges.are_there
        else:
            holes = [hole for hole in holes if is_within(hole, wanted)]
            bracketed = bracketed and has_receipts_around(source, symbol, table, wanted)
        gaps += (_gap(symbol, hole) for hole in holes)
    return Completeness(tuple(gaps), proof, bracketed)


def _by_beginning(holes: Sequence[GapRecord]) -> list[GapRecord]:
    return sorted(holes, key=bounds)


def _gap(symbol: Symbol, hole: GapRecord) -> Gap:
    return Gap(
        symbol.exchange,
        symbol.symbol,
        WORDS[hole.table],
        hole.from_ns,
        hole.to_ns,
        hole.from_id,
        hole.to_id,
        str(hole.cause),
        hole.healed or None,
    )
