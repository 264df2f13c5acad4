"""The rows of one stream that are not read file by file: by receive times, and late ones alone.

A row may lie in the file of another day than that of its receipt: around midnight, when it came
late, or when a clock was wrong; and what is aside lies in another than that of its time.  So each
day is asked, and the rows are sorted at the end.  Rows that were received at the same moment keep
the order of their files, and late ones of the same time go by their ids.

Not here: rows by their event times (`parts`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import ORIGIN_ASIDE, Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.reader.merging import order_of_late
from tick_logger.reader.parts import Late
from tick_logger.reader.scattered import ScatteredPart, scattered
from tick_logger.reader.source import Array, Block, Source, Symbol
from tick_logger.reader.times import Span

SLACK_NS = 3_600 * 10**9
"""How far the first and last row of a file may be from the first and last receipt in it: rows are
in the order of event times, and an hour is much more than the reorder window."""


def late_part(source: Source, symbol: Symbol, table: Table, wanted: Span) -> ScatteredPart | None:
    """What came late in a range of event times, and what is aside, by (time, id); None if none."""
    blocks: list[tuple[Block, bool]] = []
    rows: list[npt.NDArray[np.int64]] = []
    times: list[Array] = []
    ids: list[Array] = []
    for day in source.days(symbol, table):
        late = source.look(symbol, table, day).late
        happened = late.field("event_ns", 0, late.rows)
        inside = (happened >= wanted.start_ns) & (happened < wanted.end_ns)
        if inside.any():
            blocks.append((late, True))
            rows.append(np.flatnonzero(inside))
            times.append(happened[inside])
            ids.append(late.field("seq", 0, late.rows)[inside])
    if not blocks:
        return None
    order = order_of_late(np.concatenate(times), np.concatenate(ids))
    return scattered(symbol, blocks, rows, order)


def received_part(
    source: Source, symbol: Symbol, table: Table, wanted: Span, late: Late
) -> ScatteredPart | None:
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
    return scattered(symbol, blocks, picked, np.argsort(np.concatenate(times), kind="stable"))


def _may_have(block: Block, day: int, wanted: Span) -> bool:
    """Whether some of a day's rows may have been received in a range, by few of them."""
    first, last = (int(block.field("recv_ns", row, row + 1)[0]) for row in (0, block.rows - 1))
    begin, end = min(first, last, day * NS_PER_DAY), max(first, last, (day + 1) * NS_PER_DAY)
    return begin - SLACK_NS < wanted.end_ns and end + SLACK_NS > wanted.start_ns
