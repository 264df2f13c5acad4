"""What is due to be packed: the jobs of a sealed day, and of closed segments of the journal.

Cheap: lengths of files and the ledger are looked at, and of rows only where late ones came from.
Not here: when, and who runs them (`worker`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product

from tick_logger.archive.jobs import Folders, RawJob, Stream, TableJob
from tick_logger.archive.keys import RAW, WORDS, aside_word
from tick_logger.archive.ledger import Ledger
from tick_logger.journal.reader import segments
from tick_logger.journal.segment import SegmentInfo
from tick_logger.model.tables import ORIGIN_ASIDE, Table
from tick_logger.model.times import NS_PER_SECOND
from tick_logger.reader.source import Source, Symbol
from tick_logger.storage.files import Files

_MIB = 2**20


def day_jobs(
    folders: Folders, source: Source, ledger: Ledger, exchange: str, day: int
) -> list[TableJob]:
    """What is not packed yet of a sealed day (since 1970-01-01).

    A job a table at most, and one for its rows whose time cannot be right.

    The first object of a table has its main rows and the late ones of then; each later one only
    the late rows that came since.  Raises `OSError`.
    """
    jobs = []
    for table, aside in product(Table, (False, True)):
        word = aside_word(table) if aside else WORDS[table]
        known = ledger.of_day(exchange, day, word)
        packed = ledger.late_packed(exchange, day, word)
        with_main = not known and not aside
        streams = tuple(
            each
            for each in _streams(source, exchange, day, table, packed, with_main=with_main)
            if each.main or _has(source, exchange, day, table, each, aside=aside)
        )
        if streams:
            keys = tuple(each.key for each in known)
            jobs.append(TableJob(folders, exchange, day, table, streams, keys, aside))
    return jobs


def _streams(
    source: Source,
    exchange: str,
    day: int,
    table: Table,
    packed: dict[str, int],
    *,
    with_main: bool,
) -> Iterator[Stream]:
    for name in source.symbols(exchange):
        symbol = Symbol(exchange, name)
        if day not in source.days(symbol, table):
            continue
        found = source.look(symbol, table, day)
        main, late, done = found.main.rows * with_main, found.late.rows, packed.get(name, 0)
        if main or done < late:
            yield Stream(name, main, min(done, late), late)


def _has(
    source: Source, exchange: str, day: int, table: Table, stream: Stream, *, aside: bool
) -> bool:
    """Whether there are late rows of the kind in question."""
    late = source.look(Symbol(exchange, stream.symbol), table, day).late
    origins = late.field("origin", stream.late_from, stream.late_to)
    return bool(((origins == ORIGIN_ASIDE) == aside).any())


def raw_jobs(
    folders: Folders,
    journal: Files,
    ledger: Ledger,
    *,
    layout: str = "hive",
    rotate_secs: int = 3600,
    rotate_mib: int = 500,
    until_seq: int | None = None,
) -> Sequence[RawJob]:
    """The frames of the journal that are to be packed and are not, by age or size of segments.

    A job has the closed segments that were begun within one `rotate_secs`, or as many as have
    `rotate_mib`; it is due when a later one has begun.  With `until_seq` all frames before it are
    due, which must be durable.  A job is done when its line `Covered` is in the ledger, after those
    of its objects.  Raises `OSError`.
    """
    covered = ledger.covered(layout)
    due = [
        run
        for first, after in _runs(segments(journal), rotate_secs, rotate_mib, until_seq)
        for run in _without(first, after, covered)
    ]
    if not due:
        return []
    begun = [(each.frames, each.key) for each in ledger.all_packed() if each.table == RAW]
    jobs = []
    for begin, end in due:
        known = tuple(key for frames, key in begun if frames is None or frames[0] >= begin)
        jobs.append(RawJob(folders, begin, end, rotate_secs, rotate_mib, layout, known))
    return jobs


def _runs(
    found: Sequence[SegmentInfo], rotate_secs: int, rotate_mib: int, until_seq: int | None
) -> Iterator[tuple[int, int]]:
    """The frames of each job: the first, and the one behind the last."""
    begun: list[tuple[int, int, int]] = []  # first frame, slot, bytes; a bad head joins the last
    for each in found:
        if each.first_seq is not None:
            slot = each.created_ns // (rotate_secs * NS_PER_SECOND)
            begun.append((each.first_seq, slot, each.size_bytes))
        elif begun:
            first, slot, size = begun.pop()
            begun.append((first, slot, size + each.size_bytes))
    if not begun:
        return
    first, _, _ = begun[0]
    size = 0
    for (_, slot, bytes_), (following, later, _) in pairwise(begun):
        size += bytes_
        if later != slot or size >= rotate_mib * _MIB:
            if following > first:
                yield first, following
            first, size = following, 0
    if until_seq is not None and until_seq > first:
        yield first, until_seq


def _without(
    first: int, after: int, covered: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """What is left of a run of frames."""
    for begin, end in covered:
        if end <= first or begin >= after:
            continue
        if first < begin:
            yield first, begin
        first = max(first, end)
    if first < after:
        yield first, after
