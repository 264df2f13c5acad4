"""The ids of one numbering: a range with holes, for ids that rise by one, and what is found there.

Ids that begin again make another numbering (`numberings`); the ranges of two may overlap, and have
nothing to do with each other.  What a hole means for the user is decided in `gaps`.
"""

from __future__ import annotations

import enum
from bisect import bisect_right, insort
from operator import itemgetter
from typing import TypeAlias

import attrs

from tick_logger.model.tables import NO_TIME

MAX_OPEN_HOLES = 1_000
"""Per numbering; a feed with more is hopeless, and older holes are then no longer healed."""

Range: TypeAlias = tuple[int, int]
"""First and last id, both included."""

Ends: TypeAlias = tuple[int, int]
"""The times of the first and the last of several trades."""

_first = itemgetter(0)


@attrs.frozen
class HoleOpened:
    """Ids `first` to `last` of a numbering were skipped between two receive times."""

    instrument: int
    first: int
    last: int
    from_ns: int
    to_ns: int
    numbering: int = 0


@attrs.frozen
class HoleFilled:
    """Ids `first` to `last` of a numbering, missing until now, have arrived, or `never_were`."""

    instrument: int
    first: int
    last: int
    at_ns: int
    numbering: int = 0
    never_were: bool = False


@attrs.frozen
class BegunAgain:
    """After `before_id`, received at `from_ns` (None: not known), ids went on from `first_id`."""

    instrument: int
    before_id: int
    first_id: int
    from_ns: int | None
    to_ns: int


@attrs.frozen
class Stray:
    """A row has an `id` that fits nowhere: others went on from `before_id` without it."""

    instrument: int
    before_id: int
    id: int
    from_ns: int
    to_ns: int


Finding: TypeAlias = HoleOpened | HoleFilled | BegunAgain | Stray


class Place(enum.Enum):
    """Where an id lies in a numbering."""

    BEFORE = enum.auto()
    SEEN = enum.auto()
    HOLE = enum.auto()
    AFTER = enum.auto()


def cut(ranges: list[Range], first: int, last: int) -> None:
    """Take the ids `first` to `last` out of ascending disjoint ranges, in place.

    The ranges are found by bisection, so that many of them cost no more than few.
    """
    start = max(bisect_right(ranges, first, key=_first) - 1, 0)
    stop = bisect_right(ranges, last, key=_first)
    ranges[start:stop] = [
        piece
        for low, high in ranges[start:stop]
        for piece in ((low, min(high, first - 1)), (max(low, last + 1), high))
        if piece[0] <= piece[1]
    ]


@attrs.define
class IdLine:
    """The ids of one numbering of an instrument, with the times of both ends.

    Event times rise with the ids: those of an old id are not younger than `high_event_ns`.
    """

    instrument: int
    low: int
    high: int
    low_event_ns: int
    high_event_ns: int
    low_recv_ns: int
    high_recv_ns: int
    number: int = 0  # of the instrument's numberings
    timed_last: int = 0  # the highest id of a trade whose time is known
    unsure_last: int = 0  # of the ids missing below all others by the word of a trade without time
    holes: list[Range] = attrs.field(factory=list)

    def place(self, id_: int) -> tuple[Place, int | None]:
        """Where an id lies, and the last one from there on that lies there, too; None: all do."""
        if id_ > self.high:
            return Place.AFTER, None
        if id_ < self.low:
            return Place.BEFORE, self.low - 1
        at = bisect_right(self.holes, id_, key=_first)
        if at and id_ <= self.holes[at - 1][1]:
            return Place.HOLE, self.holes[at - 1][1]
        return Place.SEEN, self.holes[at][0] - 1 if at < len(self.holes) else self.high

    def cover(self, ids: Range, events: Ends, recv: Ends) -> list[Finding]:
        """Note that the unseen, adjacent `ids` have been seen: all in one place, or behind it.

        `events` and `recv` are the times of the first and the last of them.
        """
        (first, last), (first_ns, last_ns) = ids, recv
        assert first <= last, "no ids to note"
        if NO_TIME in (events[0], self.low_event_ns):
            self.low_event_ns = max(self.low_event_ns, events[0])
        else:
            self.low_event_ns = min(self.low_event_ns, events[0])
        self.high_event_ns = max(self.high_event_ns, events[1])
        if events[1] != NO_TIME:
            self.timed_last = max(self.timed_last, last)
        found: list[Finding] = []
        if first > self.high:
            if first > self.high + 1:
                found.append(self.open(self.high + 1, first - 1, self.high_recv_ns, first_ns))
            self.high, self.high_recv_ns = last, last_ns
        elif last < self.low:
            if last < self.low - 1:
                # Older than everything so far: what lies between may never have been sent to us.
                found.append(self.open(last + 1, self.low - 1, last_ns, last_ns))
                self.unsure_last = self.low - 1 if events[0] == NO_TIME else 0
            self.low, self.low_recv_ns = first, first_ns
        else:
            assert self.low <= first <= last <= self.high, "ids of several places"
            cut(self.holes, first, last)
            found.append(HoleFilled(self.instrument, first, last, first_ns, self.number))
        return found

    def is_beyond_times(self, hole_last: int) -> bool:
        """Whether a hole that ends there lies behind all trades whose times are known."""
        return hole_last > self.timed_last

    @property
    def last_before_open_end(self) -> int:
        """The highest id, unless that is missing: then the last one before those that are."""
        ends_open = bool(self.holes) and self.holes[-1][1] == self.high
        return self.holes[-1][0] - 1 if ends_open else self.high

    def open(self, first: int, last: int, from_ns: int, to_ns: int) -> HoleOpened:
        """Note that ids are missing."""
        assert first <= last, "a hole without ids"
        insort(self.holes, (first, last))
        del self.holes[:-MAX_OPEN_HOLES]
        return HoleOpened(self.instrument, first, last, from_ns, to_ns, self.number)
