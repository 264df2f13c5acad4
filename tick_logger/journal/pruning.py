"""Which segments of the journal may be removed.

A segment that is still needed is never removed, nor is the one that is written to.  The others
are kept because they hold what the exchanges really said, as long as time and space allow.
Segments go oldest first, so that what stays has no hole.

Pure: removes nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from tick_logger.journal.segment import SegmentInfo
from tick_logger.model.times import NS_PER_SECOND


def removable(
    segments: Sequence[SegmentInfo],
    *,
    needed_seq: int,
    keep_secs: float,
    keep_bytes: int,
    now_ns: int,
) -> list[int]:
    """Numbers of the segments to remove, in the order in which to remove them.

    `segments` are all there are, ascending.  `needed_seq` is the first frame that anybody may have
    to read.  Of the segments before it, the oldest go until those that stay have at most
    `keep_bytes` in all (with those that are needed) and ended at most `keep_secs` ago.  A segment
    ends where the next begins; one that ended in the future, because the clock was set back since,
    is not old.
    """
    excess_bytes = sum(each.size_bytes for each in segments) - keep_bytes
    keep_ns = keep_secs * NS_PER_SECOND
    chosen: list[int] = []
    for at in range(_first_needed(segments, needed_seq)):
        if excess_bytes <= 0 and now_ns - _ended_ns(segments, at) <= keep_ns:
            break
        excess_bytes -= segments[at].size_bytes
        chosen.append(segments[at].number)
    assert chosen == [each.number for each in segments[: len(chosen)]], "a hole in what stays"
    assert len(chosen) < max(len(segments), 1), "the segment that is written to would go"
    return chosen


def _first_needed(segments: Sequence[SegmentInfo], needed_seq: int) -> int:
    """Index of the last segment that begins at or before a frame; 0 if there is none."""
    found = 0
    for at, segment in enumerate(segments):
        if segment.first_seq is None:
            continue
        if segment.first_seq > needed_seq:
            break
        found = at
    return found


def _ended_ns(segments: Sequence[SegmentInfo], at: int) -> int:
    """When the next readable segment was begun; there is one after each that is not needed."""
    return next(each.created_ns for each in segments[at + 1 :] if each.first_seq is not None)
