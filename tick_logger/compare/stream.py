"""Compares one stream of two recordings, a piece of time at a time, so that memory is bounded.

Rows that find no other are held back for a while, because their times may differ a little; those
that stay alone are counted, and explained by the gaps files of the other recording where they can
be.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import starmap
from typing import Any

import attrs
import numpy as np

from tick_logger.compare.edges import Edges
from tick_logger.compare.explained import Explained
from tick_logger.compare.matching import Indices, pairs, rest_of
from tick_logger.compare.report import Example, Tally
from tick_logger.compare.rows import Array, Piece, Rule
from tick_logger.model.tables import FLAG_SNAPSHOT, Table
from tick_logger.model.times import NS_PER_DAY, NS_PER_SECOND
from tick_logger.reader.columns import COLUMNS, Kind
from tick_logger.reader.parts import DayPart, day_parts
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.times import Span, iso

MOST_ROWS = 500_000
"""Of one recording that are compared at once, for about 200 MB at most; more only where so many
have one time."""

HELD_NS = 10 * NS_PER_SECOND
"""How long a row waits for one with another time: longer than clocks and deliveries differ."""

MOST_EXAMPLES = 3
"""Of each kind of difference in a stream; what is explained is none."""


@attrs.frozen
class Side:
    """A stream in one recording; `symbol` is None where it lacks the symbol."""

    source: Source
    symbol: Symbol | None

    def parts(self, table: Table, wanted: Span) -> list[DayPart]:
        """The rows in a range."""
        if self.symbol is None or wanted.end_ns <= wanted.start_ns:
            return []
        return list(day_parts(self.source, self.symbol, table, wanted, "merge"))

    def rows(self, table: Table, wanted: Span) -> int:
        """How many rows there are in a range."""
        return sum(part.rows for part in self.parts(table, wanted))

    def explained(self, table: Table) -> Explained:
        """What it says that it lacks."""
        holes = [] if self.symbol is None else self.source.holes(self.symbol)
        return Explained([hole for hole in holes if hole.table is table])


class StreamComparison:
    """Compares one stream; `judged` are the first and last moments and ids that are.

    Before `settled_ns` (of OLD, of NEW) a recording that began later may lack rows.
    """

    def __init__(
        self,
        old: Side,
        new: Side,
        table: Table,
        judged: Edges,
        settled_ns: tuple[int, int] = (0, 0),
    ) -> None:
        self._old, self._new = old, new
        self._table = table
        self._judged = judged
        self._settled_ns = settled_ns
        self._missing_in_old, self._missing_in_new = (s.explained(table) for s in (old, new))
        self.tally = Tally()
        self.examples: list[Example] = []
        self._shown = dict.fromkeys(("old", "new", "both"), MOST_EXAMPLES)

    def run(self, wanted: Span) -> None:
        """Compare all rows; those of `wanted` that are not judged are counted.  `OSError`."""
        first, last = self._judged.first_ns, self._judged.last_ns
        around = Span(max(first - HELD_NS, 0), last + 1 + HELD_NS)
        held = Piece.read((), self._table), Piece.read((), self._table)
        for piece in self._pieces(around):
            old, new = (
                waiting.before(Piece.read(side.parts(self._table, piece), self._table))
                for waiting, side in zip(held, (self._old, self._new), strict=True)
            )
            held = self._compare(old, new, piece.end_ns - HELD_NS)
        self._compare(*held, around.end_ns)
        for outside in (Span(wanted.start_ns, first), Span(last + 1, wanted.end_ns)):
            self.tally.outside_old += self._old.rows(self._table, outside)
            self.tally.outside_new += self._new.rows(self._table, outside)

    def _pieces(self, wanted: Span) -> Iterator[Span]:
        """A range day by day, and days in as many pieces as their rows need."""
        for day in wanted.days:
            start = max(wanted.start_ns, day * NS_PER_DAY)
            yield from self._halved(Span(start, min(wanted.end_ns, (day + 1) * NS_PER_DAY)))

    def _halved(self, wanted: Span) -> Iterator[Span]:
        rows = max(side.rows(self._table, wanted) for side in (self._old, self._new))
        middle = (wanted.start_ns + wanted.end_ns) // 2
        if rows <= MOST_ROWS or middle == wanted.start_ns:
            if rows:
                yield wanted
            return
        yield from self._halved(Span(wanted.start_ns, middle))
        yield from self._halved(Span(middle, wanted.end_ns))

    def _compare(self, old: Piece, new: Piece, until_ns: int) -> tuple[Piece, Piece]:
        """Count what is the same, and what is alone from before `until_ns`; returns the rest."""
        rule = Rule.between(old, new)
        same = pairs(rule.whole(old), rule.whole(new))
        self.tally.both += self._count_judged(old, new, same, rule)
        old, new = _without(old, new, same)
        ids = rule.by_id(old), rule.by_id(new)
        if ids[0] is not None and ids[1] is not None:
            differ = pairs(ids[0], ids[1])
            self._tell_different(old, new, differ, rule)
            old, new = _without(old, new, differ)
        self._tell_alone(old, until_ns, rule, is_old=True)
        self._tell_alone(new, until_ns, rule, is_old=False)
        return _from(old, until_ns), _from(new, until_ns)

    def _inside(self, piece: Piece, rule: Rule) -> Array:
        """Which rows are judged: by id where times are those of receipt."""
        times, judged = piece.fields["event_ns"], self._judged
        inside = (times >= judged.first_ns) & (times <= judged.last_ns)
        if rule.ids and not rule.times and 0 < judged.first_id <= judged.last_id:
            inside &= (piece.ids >= judged.first_id) & (piece.ids <= judged.last_id)
        return np.asarray(inside)

    def _count_judged(
        self, old: Piece, new: Piece, same: tuple[Indices, Indices], rule: Rule
    ) -> int:
        """Of pairs, those of which one row is judged at least."""
        inside = self._inside(old, rule)[same[0]] | self._inside(new, rule)[same[1]]
        return int(inside.sum())

    def _tell_different(
        self, old: Piece, new: Piece, differ: tuple[Indices, Indices], rule: Rule
    ) -> None:
        found = self._count_judged(old, new, differ, rule)
        self.tally.different += found
        if found:
            for one, other in zip(*(each[:MOST_EXAMPLES].tolist() for each in differ), strict=True):
                self._show("both", _row(old, one), _row(new, other))

    def _tell_alone(self, piece: Piece, until_ns: int, rule: Rule, *, is_old: bool) -> None:
        times = piece.fields["event_ns"]
        alone = self._inside(piece, rule) & (times < until_ns)
        apart = alone & (times < self._settled_ns[1 if is_old else 0])
        if is_old:
            self.tally.outside_old += int(apart.sum())
        else:
            self.tally.outside_new += int(apart.sum())
        alone &= ~apart
        if self._table is Table.BOOK:
            snapshots = alone & ((piece.fields["flags"] & FLAG_SNAPSHOT) != 0)
            self.tally.snapshots += int(snapshots.sum())
            alone &= ~snapshots
        told = (self._missing_in_new if is_old else self._missing_in_old).tell(piece) & alone
        if is_old:
            self.tally.only_old += int(alone.sum())
            self.tally.in_holes_of_new += int(told.sum())
        else:
            self.tally.only_new += int(alone.sum())
            self.tally.in_holes_of_old += int(told.sum())
        for index in np.flatnonzero(alone & ~told)[:MOST_EXAMPLES].tolist():
            row = _row(piece, index)
            self._show("old", row, None) if is_old else self._show("new", None, row)

    def _show(self, kind: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> None:
        if self._shown[kind]:
            self._shown[kind] -= 1
            self.examples.append(Example(old, new))


def _without(old: Piece, new: Piece, taken: tuple[Indices, Indices]) -> tuple[Piece, Piece]:
    left = starmap(rest_of, zip((old.rows, new.rows), taken, strict=True))
    one, other = left
    return old.take(one), new.take(other)


def _from(piece: Piece, time_ns: int) -> Piece:
    return piece.take(np.flatnonzero(piece.fields["event_ns"] >= time_ns))


def _row(piece: Piece, index: int) -> dict[str, Any]:
    """A row by the public names of its columns."""
    row: dict[str, Any] = {}
    for column in COLUMNS[piece.table]:
        if column.field not in piece.fields or not column.usual:
            continue
        value = column.made_of(piece.fields[column.field][index : index + 1])
        if column.kind is Kind.TIME:
            row[column.name] = iso(int(value.view(np.int64)[0]))
        else:
            row[column.name] = value.tolist()[0]
    return row
