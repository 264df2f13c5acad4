"""The rows of one stream in a range of receive times, in the order in which they were received.

A row may lie in the file of another day than that of its receipt: around midnight, when it came
late, or when a clock was wrong.  So each day is asked when its rows were received, and the rows are
sorted at the end.  Rows that were received at the same moment keep the order of their files.

This costs 16 bytes of memory for each row that is found.  Not here: the order of event times
(`parts`).
"""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import ORIGIN_ASIDE, ORIGIN_MAIN, Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.reader.parts import Late
from tick_logger.reader.source import Array, Block, Source, Symbol
from tick_logger.reader.times import Span

SLACK_NS = 3_600 * 10**9
"""How far the first and last row of a file may be from the first and last receipt in it: rows are
in the order of event times, and an hour is much more than the reorder window."""


@attrs.frozen(eq=False)
class ReceivedPart:
    """Rows of any blocks: row `i` is row `rows_of[i]` of block `block_of[i]`."""

    symbol: Symbol
    blocks: tuple[tuple[Block, bool], ...]
    """Each with whether its rows are late ones."""
    block_of: npt.NDArray[np.int64]
    row_of: npt.NDArray[np.int64]

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.row_of)

    @property
    def late(self) -> int:
        """How many came late."""
        counts = np.bincount(self.block_of, minlength=len(self.blocks))
        return sum(int(n) for n, (_, late) in zip(counts, self.blocks, strict=True) if late)

    def field(self, name: str, start: int, stop: int) -> Array:
        """A field of some rows; see `parts.Part`."""
        block_of, row_of = self.block_of[start:stop], self.row_of[start:stop]
        made: Array | None = None
        for number, (block, late) in enumerate(self.blocks):
            mine = block_of == number
            rows = row_of[mine]
            if not len(rows) and made is not None:
                continue
            values = _field(block, name, rows, late=late)
            made = np.empty(len(row_of), values.dtype) if made is None else made
            made[mine] = values
        assert made is not None, "a part without blocks"
        return made


def received_part(
    source: Source, symbol: Symbol, table: Table, wanted: Span, late: Late
) -> ReceivedPart | None:
    """What was received of a stream in a range; None if nothing was."""
    blocks: list[tuple[Block, bool]] = []
    picked: list[npt.NDArray[np.int64]] = []
    times: list[npt.NDArray[np.int64]] = []
    for day in source.days(symbol, table):
        found = source.look(symbol, table, day)
        for block, is_late in ((found.main, False), (found.late, True)):
            if not block.rows or late == ("drop" if is_late else "only"):
                continue
            if not is_late and not _may_have(block, day, wanted):
                continue
            received = block.field("recv_ns", 0, block.rows)
            inside = (received >= wanted.start_ns) & (received < wanted.end_ns)
            if is_late and late == "merge":
                inside &= block.field("origin", 0, block.rows) != ORIGIN_ASIDE
            if inside.any():
                blocks.append((block, is_late))
                picked.append(np.flatnonzero(inside))
                times.append(received[inside])
    if not blocks:
        return None
    numbers = np.repeat(np.arange(len(blocks)), [len(each) for each in picked])
    order = np.argsort(np.concatenate(times), kind="stable")
    return ReceivedPart(symbol, tuple(blocks), numbers[order], np.concatenate(picked)[order])


def _may_have(block: Block, day: int, wanted: Span) -> bool:
    """Whether some of a day's rows may have been received in a range, by few of them."""
    first, last = (int(block.field("recv_ns", row, row + 1)[0]) for row in (0, block.rows - 1))
    begin, end = min(first, last, day * NS_PER_DAY), max(first, last, (day + 1) * NS_PER_DAY)
    return begin - SLACK_NS < wanted.end_ns and end + SLACK_NS > wanted.start_ns


def _field(block: Block, name: str, rows: npt.NDArray[np.int64], *, late: bool) -> Array:
    if name == "origin" and not late:
        return np.full(len(rows), ORIGIN_MAIN, np.uint8)
    if not len(rows):
        return block.field(name, 0, 0)
    first, last = int(rows.min()), int(rows.max()) + 1
    return block.field(name, first, last)[rows - first]
