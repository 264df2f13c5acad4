"""A recording and its own archive, or two copies of an archive: the rows of a day that both have.

Main rows are the recording's where it has them still, and the archive's where they were released.
Late rows are those of both, each once: a directory keeps its own when a day is released, and gets
more.

Two belong together if they have the same main rows, as far as their number and the first and last
tell (receipts are known to the nanosecond, so that no other recorder has these), or, where one has
none any more, the same certificate of the day.

Not here: what is done about those that do not (`joined`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.reader.archived import Archived
from tick_logger.reader.certified import Certificates
from tick_logger.reader.column_files import ColumnFiles
from tick_logger.reader.source import Array, Block, Source, Symbol, TableDay, is_exact

_IDENTITY = ("event_ns", "recv_ns", "seq", "origin")
"""What tells a late row from others; several may have it, as levels of one update do."""


def together(
    owners: Sequence[tuple[Source, TableDay]], symbol: Symbol, day: int
) -> TableDay | None:
    """The rows of a day that several sources have; None if they do not belong together."""
    files = [each for each in owners if not isinstance(each[0], Archived)]
    archives = [each for each in owners if isinstance(each[0], Archived)]
    if len(files) > 1:
        return None
    (first, found), *others = [*files, *archives]
    for source, rows in others:
        if found.main.rows and rows.main.rows:
            if _ends(found.main) != _ends(rows.main):
                return None
        elif not _same_day(first, source, symbol, day):
            return None
        main = found.main if found.main.rows else rows.main
        found = TableDay(main, _late(found.late, rows.late))
    return found


def knows(source: Source, archive: Archived, symbol: Symbol, day: int) -> bool:
    """Whether a source has anything to say of a day of an archive by itself: it certified it."""
    return _same_day(source, archive, symbol, day)


def _same_day(one: Source, other: Source, symbol: Symbol, day: int) -> bool:
    """Whether both have a certificate of the day that is the same."""
    first, second = (_certificates(each) for each in (one, other))
    if first is None or second is None:
        return False
    exchange = symbol.exchange
    return bool(first.hashes(exchange, day) & second.hashes(exchange, day))


def _certificates(source: Source) -> Certificates | None:
    return source.certificates if isinstance(source, Archived | ColumnFiles) else None


def _ends(main: Block) -> tuple[int, ...]:
    """How many rows there are, and the first and the last."""
    names = ("event_ns", "recv_ns", "seq")
    ends = [main.field(name, row, row + 1) for row in (0, main.rows - 1) for name in names]
    return (main.rows, *(int(values[0]) for values in ends))


def _late(files: Block, packed: Block) -> Block:
    """Those that were packed and are not in files any more, and then those in files."""
    if not packed.rows or not files.rows:
        return files if files.rows else packed
    left = Counter(_identities(files))
    lacking = []
    for row, identity in enumerate(_identities(packed)):
        if left[identity]:
            left[identity] -= 1
        else:
            lacking.append(row)
    if not lacking:
        return files
    return _Both(packed, np.array(lacking), files)


def _identities(late: Block) -> list[tuple[int, ...]]:
    columns = (late.field(name, 0, late.rows).tolist() for name in _IDENTITY)
    return list(zip(*columns, strict=True))


@attrs.frozen(eq=False)
class _Both:
    """Some late rows that were packed, and behind them all of another block; see `Block`."""

    packed: Block
    picked: npt.NDArray[np.int64]
    files: Block

    @property
    def rows(self) -> int:
        return len(self.picked) + self.files.rows

    @property
    def exact(self) -> bool:
        return is_exact(self.packed) and is_exact(self.files)

    @property
    def short_files(self) -> tuple[str, ...]:
        return tuple(getattr(self.files, "short_files", ()))

    def field(self, name: str, start: int, stop: int) -> Array:
        count = len(self.picked)
        first = self.packed.field(name, 0, self.packed.rows)[self.picked[start:stop]]
        second = self.files.field(name, max(start - count, 0), max(stop - count, 0))
        return np.concatenate([first, second.astype(first.dtype, copy=False)])

    def first_at(self, time_ns: int) -> int:
        raise AssertionError("late rows are in no order of time")
