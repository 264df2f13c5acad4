"""What there is of one exchange's UTC day: rows, ids, times, holes, and the hashes of its files.

Everything is read from the files, so that whoever has them can find the same again.  It is looked
at when the day is sealed, and whenever somebody wants to know whether it is still so.

Invariant: the same files give the same facts.  Not here: what is said of them in a certificate, and
what is found out elsewhere (minute candles, what REST was asked for).
"""

from __future__ import annotations

import enum
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import attrs
import numpy as np

from tick_logger.model.flush import GapRecord
from tick_logger.model.proof import Proof
from tick_logger.model.tables import (
    ORIGIN_ASIDE,
    ORIGIN_LATE,
    ORIGIN_MAIN,
    ORIGIN_REST,
    Table,
)
from tick_logger.model.times import NS_PER_DAY
from tick_logger.reader.edges import bounds, edges_of, is_within
from tick_logger.reader.source import Array, Block, Source, Symbol, TableDay
from tick_logger.reader.times import Span
from tick_logger.storage.day_files import DayFiles
from tick_logger.storage.files import Files
from tick_logger.storage.id_ranges import IdRanges
from tick_logger.storage.layout import table_folder

MOST_RANGES = 1_000
"""Unbroken ranges of ids that are told of one stream; more of them say no more."""

PIECE_BYTES = 1024 * 1024
"""Of a file, at a time in memory."""


class Condition(enum.StrEnum):
    """How good a day is, in the words that data vendors use."""

    AVAILABLE = "available"
    """Nothing is known to be missing."""
    DEGRADED = "degraded"
    """A hole is known."""
    PENDING = "pending"
    """What may still change it is not in yet."""
    MISSING = "missing"
    """There is nothing."""

    @classmethod
    def worst(cls, conditions: Sequence[Condition]) -> Condition:
        """Of several streams; what is missing counts only where nothing else is there."""
        for each in (cls.DEGRADED, cls.PENDING, cls.AVAILABLE):
            if each in conditions:
                return each
        return cls.MISSING


@attrs.frozen
class IdFacts:
    """The ids of a day's trades: unbroken ranges, and the nearest trades of other days."""

    ranges: tuple[tuple[int, int], ...]
    count: int  # of all ranges, of which at most `MOST_RANGES` are told
    before: int | None
    after: int | None

    @property
    def is_unbroken(self) -> bool:
        """Whether the ids rise by one from the neighbour before to the one after."""
        if self.count != 1 or self.before is None or self.after is None:
            return False
        first, last = self.ranges[0]
        return first == self.before + 1 and self.after == last + 1


@attrs.frozen
class StreamFacts:
    """One table of one symbol on one day.  Times are ns since 1970-01-01 UTC.

    `rows` counts by origin.  `covered` are the spans of the day in which nothing is known to be
    missing.  `files` maps the path of each column file to its SHA-256.
    """

    symbol: str
    table: Table
    rows: Mapping[int, int]
    ids: IdFacts | None
    first_event_ns: int | None
    last_event_ns: int | None
    covered: tuple[tuple[int, int], ...]
    holes: tuple[GapRecord, ...]
    proof: Proof
    files: Mapping[str, str]

    @property
    def total(self) -> int:
        """All rows, but for those whose time cannot be right."""
        return sum(count for origin, count in self.rows.items() if origin != ORIGIN_ASIDE)

    @property
    def lengths(self) -> Lengths:
        """How many rows lie in its files."""
        main = self.rows.get(ORIGIN_MAIN, 0)
        return Lengths(main, sum(self.rows.values()) - main)

    @property
    def covered_secs(self) -> float:
        """How much of the day nothing is known to be missing of."""
        return sum(end - begin for begin, end in self.covered) / 1e9

    @property
    def condition(self) -> Condition:
        """As far as the files tell."""
        if self.holes:
            return Condition.DEGRADED
        return Condition.AVAILABLE if self.total else Condition.MISSING

    @property
    def is_proven(self) -> bool:
        """Whether it is shown that no trade of the day is missing."""
        unbroken = self.ids is not None and self.ids.is_unbroken
        return self.proof is Proof.PROVEN and unbroken and not self.holes

    @property
    def digest(self) -> str:
        """The SHA-256 over the hashes of its files, a line each as `sha256sum` writes them."""
        return hashlib.sha256(sum_lines(self.files)).hexdigest()


def sum_lines(files: Mapping[str, str]) -> bytes:
    """The lines of a list that `sha256sum -c` reads, by path."""
    return b"".join(f"{sha256}  {path}\n".encode() for path, sha256 in sorted(files.items()))


@attrs.frozen
class Lengths:
    """How many rows there were of a stream and day, in its main files and in `late/`."""

    main: int
    late: int


@attrs.frozen
class Earlier:
    """What is known of a stream before a day, though its files were let go of: that it had rows,
    and the id of the last one, if that is known."""

    last_id: int | None


def facts_of(source: Source, files: Files, exchange: str, day: int) -> Iterator[StreamFacts]:
    """Every stream that has rows of a day, or holes; one symbol after the other."""
    for name in source.symbols(exchange):
        symbol = Symbol(exchange, name)
        holes = source.holes(symbol)
        for table in Table:
            found = stream_facts(source, files, symbol, table, day, holes)
            if found.rows or found.holes:
                yield found


def stream_facts(
    source: Source,
    files: Files,
    symbol: Symbol,
    table: Table,
    day: int,
    holes: Sequence[GapRecord],
    as_of: Lengths | None = None,
    earlier: Earlier | None = None,
) -> StreamFacts:
    """What there is of one stream; `holes` are all that stand of its symbol.

    `as_of`: when it had so many rows; what came since is left out.  `earlier` stands in for the
    last row before the day where none is found.
    """
    whole = Span(day * NS_PER_DAY, (day + 1) * NS_PER_DAY)
    rows = source.look(symbol, table, day)
    if as_of is not None:
        main, late = _First(rows.main, as_of.main), _First(rows.late, as_of.late)
        rows = TableDay(main, late)
    edges = edges_of(source, symbol, table, whole)
    mine = tuple(h for h in holes if h.table is table and edges.are_touched_by(h))
    times = _first_and_last(rows)
    begun = edges.before is not None or earlier is not None
    before = None if earlier is None else earlier.last_id
    before = before if edges.before is None else edges.before.id
    neighbours = before, None if edges.after is None else edges.after.id
    return StreamFacts(
        symbol=symbol.symbol,
        table=table,
        rows=_by_origin(rows),
        ids=_ids(rows, *neighbours) if table is Table.TRADES else None,
        first_event_ns=times[0],
        last_event_ns=times[1],
        covered=_covered(whole, times, begun, edges.after is not None, mine),
        holes=mine,
        proof=source.proof(symbol, table),
        files=dict(_hashes(files, symbol, table, day, as_of)),
    )


@attrs.frozen(eq=False)
class _First:
    """The first rows of a block; see `Block`."""

    block: Block
    most: int

    @property
    def rows(self) -> int:
        return min(self.most, self.block.rows)

    def field(self, name: str, start: int, stop: int) -> Array:
        return self.block.field(name, start, stop)

    def first_at(self, time_ns: int) -> int:
        return min(self.rows, self.block.first_at(time_ns))


def _by_origin(day: TableDay) -> dict[int, int]:
    counts = Counter(day.late.field("origin", 0, day.late.rows).tolist())
    counts += Counter({ORIGIN_MAIN: day.main.rows})
    known = {ORIGIN_MAIN, ORIGIN_LATE, ORIGIN_REST, ORIGIN_ASIDE}
    assert counts.keys() <= known, "rows of an origin that nobody knows"
    return dict(sorted(counts.items()))


def _ids(day: TableDay, before: int | None, after: int | None) -> IdFacts:
    late = day.late.field("origin", 0, day.late.rows) != ORIGIN_ASIDE
    ids = [day.main.field("seq", 0, day.main.rows), day.late.field("seq", 0, day.late.rows)[late]]
    ranges = IdRanges.of(np.concatenate(ids).astype(np.uint64))
    pairs = ranges.pairs()
    return IdFacts(pairs[:MOST_RANGES], len(pairs), before, after)


def _first_and_last(day: TableDay) -> tuple[int | None, int | None]:
    """The event times of the first and the last row, those with an impossible one left out."""
    found = []
    if day.main.rows:
        found += [
            int(day.main.field("event_ns", row, row + 1)[0]) for row in (0, -1 % day.main.rows)
        ]
    times = day.late.field("event_ns", 0, day.late.rows)
    times = times[day.late.field("origin", 0, day.late.rows) != ORIGIN_ASIDE]
    found += [int(times.min()), int(times.max())] if len(times) else []
    return (min(found), max(found)) if found else (None, None)


def _covered(
    whole: Span,
    times: tuple[int | None, int | None],
    begun: bool,
    goes_on: bool,
    holes: Sequence[GapRecord],
) -> tuple[tuple[int, int], ...]:
    """The day, from its first row on where it began on it, and so at its end; less the holes."""
    first, last = times
    if first is None or last is None:
        return ()
    begin, end = whole.start_ns if begun else first, whole.end_ns if goes_on else last
    spans = []
    for hole in sorted(filter(lambda each: is_within(each, whole), holes), key=bounds):
        since, until = bounds(hole)
        if since > begin:
            spans.append((begin, min(since, end)))
        begin = max(begin, until)
    spans.append((begin, end))
    return tuple((a, b) for a, b in spans if a < b)


def _hashes(
    files: Files, symbol: Symbol, table: Table, day: int, as_of: Lengths | None
) -> Iterator[tuple[str, str]]:
    """The path and SHA-256 of each column file of a stream's day that has anything in it."""
    for late in (False, True):
        folder = table_folder(symbol.exchange, symbol.symbol, table, late=late)
        found = DayFiles.look(files, folder, table, day)
        for name, width in found.schema.item_sizes.items():
            size = found.sizes[name]
            if as_of is not None:
                size = min(size, width * (as_of.late if late else as_of.main))
            if size:
                yield found.path(name), hash_of(files, found.path(name), size)


def hash_of(files: Files, path: str, size: int) -> str:
    """The SHA-256 of the first `size` bytes of a file, piece by piece."""
    digest = hashlib.sha256()
    for offset in range(0, size, PIECE_BYTES):
        digest.update(files.read(path, offset, min(PIECE_BYTES, size - offset)))
    return digest.hexdigest()
