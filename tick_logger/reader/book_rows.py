"""The rows of books of one symbol and day: where books begin anew, and the updates between.

A book begins at the first row of a snapshot: a run of flagged rows with the same update id and
receive time.  Where every message is all of a book, each is such a run.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import BOOK_BID, FLAG_SNAPSHOT
from tick_logger.reader.levels import Updates
from tick_logger.reader.parts import DayPart
from tick_logger.reader.venue_rules import VenueRules

SCANNED_ROWS = 1 << 20
"""Rows among which snapshots are looked for at once; some 30 MB."""

Positions = npt.NDArray[np.int64]
NOWHERE: Positions = np.empty(0, np.int64)


def begins_of(part: DayPart, rules: VenueRules, start: int) -> Positions:
    """At which rows snapshots begin, from row `start` on; ascending, shape `(n,)`."""
    found = [NOWHERE]
    before = _last_flagged(part, rules, start)
    for first in range(start, part.rows, SCANNED_ROWS):
        last = min(first + SCANNED_ROWS, part.rows)
        rows = _flagged(part, rules, first, last)
        if not len(rows):
            continue
        base = int(rows[0])
        ids = part.field("seq", base, last)[rows - base]
        received = part.field("recv_ns", base, last)[rows - base]
        fresh = np.ones(len(rows), np.bool_)
        fresh[1:] = (np.diff(rows) > 1) | (ids[1:] != ids[:-1]) | (received[1:] != received[:-1])
        fresh[0] = before != (base - 1, int(ids[0]), int(received[0]))
        before = int(rows[-1]), int(ids[-1]), int(received[-1])
        found.append(rows[fresh])
    return np.concatenate(found)


def depth_at(part: DayPart, rules: VenueRules, begin: int) -> int | None:
    """To how many levels a book is cut whose snapshot begins at a row."""
    if rules.depth is None:
        return None
    most = 2 * max((rules.depth, *rules.depths)) + 2  # of both sides, and the first one behind
    last = min(begin + most, part.rows)
    ids, received = part.field("seq", begin, last), part.field("recv_ns", begin, last)
    mine = (ids == ids[0]) & (received == received[0])
    flagged = np.zeros(last - begin, np.bool_)
    flagged[_flagged(part, rules, begin, last) - begin] = True
    run = np.logical_and.accumulate(mine & flagged)
    there = run & ~np.isnan(part.field("price", begin, last))
    is_bid = part.field("side", begin, last) == BOOK_BID
    return rules.depth_of(int((there & is_bid).sum()), int((there & ~is_bid).sum()))


def _flagged(part: DayPart, rules: VenueRules, start: int, stop: int) -> Positions:
    """Which rows are of snapshots."""
    if rules.whole_books:
        return np.arange(start, stop)
    return start + np.flatnonzero(part.field("flags", start, stop) & FLAG_SNAPSHOT)


def _last_flagged(part: DayPart, rules: VenueRules, row: int) -> tuple[int, int, int] | None:
    """The row before this one, its id and its receive time, if it is of a snapshot."""
    if row == 0 or not len(_flagged(part, rules, row - 1, row)):
        return None
    of_id, received = (part.field(name, row - 1, row)[0] for name in ("seq", "recv_ns"))
    return row - 1, int(of_id), int(received)


def updates_of(part: DayPart, start: int, stop: int, *, is_cut: bool) -> Updates:
    """The rows `start` to `stop`; where updates end is looked up only if the book is cut."""
    ends = np.zeros(stop - start, np.bool_)
    if is_cut:
        known = min(stop + 1, part.rows)  # the next row tells whether the last update goes on
        differs = np.zeros(known - start - 1, np.bool_)
        for name in ("event_ns", "recv_ns", "seq"):
            values = part.field(name, start, known)
            differs |= values[1:] != values[:-1]
        ends[: len(differs)] = differs
        if known == stop and stop > start:
            ends[-1] = True
    return Updates(
        part.field("side", start, stop) == BOOK_BID,
        part.field("price", start, stop),
        part.field("size", start, stop),
        ends,
    )
