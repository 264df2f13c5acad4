"""Compares two recordings of the same time: symbol by symbol, table by table, day by day.

Invariant: only the common time of both is judged, exchange by exchange; what lies outside, and what
could not be compared at all, is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from tick_logger.compare.edges import Edges, around, edges_of
from tick_logger.compare.pairing import MOST_NAMED, Pair, paired
from tick_logger.compare.report import Comparison, Judged, StreamFound, Tally
from tick_logger.compare.stream import Side, StreamComparison
from tick_logger.model.tables import Table
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.times import Span

Streams = dict[tuple[Pair, Table], tuple[Edges | None, Edges | None]]


class _Comparing:
    """One comparison in progress."""

    def __init__(self, old: Source, new: Source, wanted: Span) -> None:
        self._old, self._new = old, new
        self._wanted = wanted
        self.judged: list[Judged] = []
        self.found: list[StreamFound] = []
        self.notes: list[str] = []
        self.total = Tally()
        self.compared = 0

    def exchange(self, name: str, pairs: Sequence[Pair], on_stream: Callable[[str], None]) -> None:
        """Compare what both have of one exchange."""
        streams = self._streams(pairs)
        if not streams:
            return
        olds, news = (around(filter(None, side)) for side in zip(*streams.values(), strict=True))
        if olds is None or news is None:
            have, lack = ("OLD", "NEW") if news is None else ("NEW", "OLD")
            self.notes.append(f"{name or 'this'} is recorded in {have} only, not in {lack}")
            return
        common = olds.common(news).cut(self._wanted)
        if common.first_ns > common.last_ns:
            self.notes.append(f"{name or 'here'}: OLD and NEW have no time in common")
            return
        self.judged.append(Judged(name, common.first_ns, common.last_ns))
        for (pair, table), both in streams.items():
            on_stream(f"{pair.exchange}/{pair.symbol}/{table}")
            zipped = zip(both, (olds, news), strict=True)
            edges = [each.within(whole) for each, whole in zipped if each is not None]
            judged = edges[0].common(edges[-1]).inside(common)
            self._stream(pair, table, judged, _settled(edges))

    def _streams(self, pairs: Sequence[Pair]) -> Streams:
        """The edges of all streams of which there are rows in either."""
        found: Streams = {}
        for pair in pairs:
            for table in Table:
                edges = _edges(self._old, pair.old, table), _edges(self._new, pair.new, table)
                if any(edges):
                    found[pair, table] = edges
        return found

    def _stream(self, pair: Pair, table: Table, judged: Edges, settled_ns: tuple[int, int]) -> None:
        if judged.first_ns > judged.last_ns:
            name = f"{pair.exchange}/{pair.symbol}/{table}"
            self.notes.append(f"{name}: OLD and NEW have no time in common")
            return
        sides = Side(self._old, pair.old), Side(self._new, pair.new)
        stream = StreamComparison(*sides, table, judged, settled_ns)
        stream.run(self._wanted)
        self.compared += 1
        self.total.add(stream.tally)
        if stream.tally.differs:
            place = pair.exchange, pair.symbol, str(table)
            self.found.append(StreamFound(*place, stream.tally, tuple(stream.examples)))


def compare(
    old: Source,
    new: Source,
    wanted: Span,
    *,
    exchange: str = "",
    on_stream: Callable[[str], None] = lambda _name: None,
) -> Comparison:
    """What differs between two recordings within `wanted`, as far as they have a time in common.

    `exchange`: only this one; also of what a recording without exchanges has.  Raises
    `ConfigError` if that has to be said, and `OSError` if files cannot be read.
    """
    comparing = _Comparing(old, new, wanted)
    pairs = paired(old, new, exchange)
    for name, group in groupby(pairs, lambda pair: pair.exchange):
        those = list(group)
        comparing.exchange(name, those, on_stream)
        comparing.notes += _lacking(name, those)
    return Comparison(
        old.name,
        new.name,
        tuple(comparing.judged),
        tuple(comparing.found),
        comparing.compared,
        comparing.total,
        tuple(comparing.notes),
    )


def _settled(edges: Sequence[Edges]) -> tuple[int, int]:
    """Of OLD and NEW: before when it may lack rows because it began later than the other."""
    old, new = edges[0], edges[-1]
    return (
        old.settled_ns if old.first_ns > new.first_ns else 0,
        new.settled_ns if new.first_ns > old.first_ns else 0,
    )


def _edges(source: Source, symbol: Symbol | None, table: Table) -> Edges | None:
    return None if symbol is None else edges_of(source, symbol, table)


def _lacking(name: str, pairs: Sequence[Pair]) -> list[str]:
    """Which symbols only one has, in words."""
    said = []
    only_old = [pair for pair in pairs if pair.new is None]
    only_new = [pair for pair in pairs if pair.old is None]
    for side, lacks in (("OLD", only_old), ("NEW", only_new)):
        if lacks and len(lacks) < len(pairs):
            named = ", ".join(each.symbol for each in lacks[:MOST_NAMED])
            more = f" and {len(lacks) - MOST_NAMED:,} more" if len(lacks) > MOST_NAMED else ""
            said.append(f"{name}: symbols in {side} only: {named}{more}")
    return said
