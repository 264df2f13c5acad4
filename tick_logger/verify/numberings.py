"""Which numbering a trade belongs to, where ids have begun again, as the gap records tell.

A record names the first trade of a numbering by its id and its receive time; the trade itself has
the event time from which on the numbering counts.  Strays belong to none.  Nor do trades by REST
between two numberings: ids may have begun again more often than the stream has shown.

Nothing of the recorder is used: it decides while trades come, this afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.id_jumps import is_believable
from tick_logger.model.times import Times
from tick_logger.storage.id_ranges import Ids

Rows: TypeAlias = tuple[Ids, Times, Times]
"""Ids, event times and receive times of some trades."""

STRAY, ASIDE = OUTSIDE = -1, -2
"""Trades of no numbering, and those whose time cannot be right, so that it tells of none."""

MOST_UNDECIDED = 2
"""With one more, the recorder would have decided."""

_NEVER = np.iinfo(np.int64).min


@attrs.define
class _Beginning:
    """A numbering that follows another, as far as it is found among the rows."""

    record: GapRecord
    event_ns: int | None = None  # of its first trade
    before_ns: int = _NEVER  # of the last one of the numbering before

    def find(self, rows: Rows) -> None:
        """Look for the trade among these."""
        ids, events, recv = rows
        found = events[(ids == self.record.to_id) & (recv == self.record.to_ns)]
        if len(found):
            self.event_ns = int(found[-1])

    def find_before(self, rows: Rows) -> None:
        """Look for the trade before it, once it is found itself."""
        ids, events, _ = rows
        if self.event_ns is not None:
            found = events[(ids == self.record.from_id) & (events < self.event_ns)]
            self.before_ns = max([self.before_ns, *found.tolist()])

    def begun(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Which of the trades belong to this numbering, or a later one."""
        (ids, events, recv), record = rows, self.record
        assert record.to_id is not None
        assert record.to_ns is not None
        assert self.event_ns is not None
        same = (events == self.event_ns) & (recv >= record.to_ns)
        # What is older than its first trade may have been overtaken by it.
        overtaken = (ids < record.to_id) & (events > self.before_ns) & (events <= self.event_ns)
        overtaken &= recv > (_NEVER if record.from_ns is None else record.from_ns)
        return np.asarray((events > self.event_ns) | same | overtaken)

    def follows(self, events: Times) -> npt.NDArray[np.bool_]:
        """Which trades are newer than all of the numbering before, and older than this one."""
        assert self.event_ns is not None
        if self.before_ns == _NEVER:
            return np.zeros(len(events), np.bool_)
        return np.asarray((events > self.before_ns) & (events < self.event_ns))


class Numberings:
    """The numberings of one stream, from the records about its ids."""

    def __init__(self, gaps: Iterable[GapRecord]) -> None:
        known = list(gaps)
        self._beginnings = [_Beginning(gap) for gap in known if gap.cause is Cause.RENUMBERED]
        self._strays = [(gap.to_id, gap.to_ns) for gap in known if gap.cause is Cause.STRAY]

    def __bool__(self) -> bool:
        """Whether there is more than one, or a stray."""
        return bool(self._beginnings or self._strays)

    def look_at(self, trades: Callable[[], Iterable[Rows]]) -> None:
        """Find the first trade of each among all trades, which are gone through twice."""
        for rows in trades():
            for beginning in self._beginnings:
                beginning.find(rows)
        for rows in trades():
            for beginning in self._beginnings:
                beginning.find_before(rows)
        self._beginnings = [each for each in self._beginnings if each.event_ns is not None]

    def leave_out_undecided(self, newest: Rows) -> None:
        """Take the last of the newest trades for strays, if nothing has shown yet what they are.

        One with a lower id than those before it, or with one that is far too high, is either the
        first of a numbering, or a stray: a record says which as soon as others follow.
        """
        ids, _, recv = newest
        known, times = ids.tolist(), recv.tolist()
        for place in range(len(known) - 1, 0, -1):
            id_, others = known[place], known[:place]
            elapsed_ns = times[place] - max(times[:place])
            follows = id_ - max(others) > 0 and is_believable(id_ - max(others) - 1, elapsed_ns)
            if follows or id_ - 1 in others or id_ + 1 in known[place:]:
                break
            self._strays.append((id_, int(recv[place])))

    def of(self, rows: Rows, by_rest: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """The number of each trade's numbering, or `STRAY`; some trades came `by_rest`."""
        ids, events, recv = rows
        number = np.zeros(len(ids), np.int64)
        for beginning in self._beginnings:
            number += beginning.begun(rows)
        for beginning in self._beginnings:
            number[by_rest & beginning.follows(events)] = STRAY
        for id_, recv_ns in self._strays:
            number[(ids == id_) & (recv == recv_ns)] = STRAY
        return number
