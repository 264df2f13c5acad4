"""Rows whose time does not fit the clock of their venue, until it shows who was wrong.

Such a row waits for a few samples of its venue's clock.  If these agree with it, the clock was
another than was thought (the first rows of a venue, or a clock that was set), and the row goes on.
If not, its time cannot be right, and it is set aside.  Where one row waits, those of its stream
that follow wait as well, so that none overtakes it.  In an ordinary tick nothing is doubtful, and
each look at its rows costs one comparison.

A book in file order must be its venue's, so no row of it can be left out: one whose time cannot be
right goes on without it, in its place, while a copy with the time as sent is set aside.

Nothing else is concluded from a trade as long as it waits: not which ids are missing, nor whether
they began again.  Earlier versions did so at once, by its id alone; those that they left here have
been counted among the ids.

Invariant: every row that comes in goes on once, or is set aside; rows of books always go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import NO_TIME, Table
from tick_logger.pipeline.places import KEEPS_PLACE, is_snapshot
from tick_logger.pipeline.plain_state import Plain, rows_from_plain, rows_to_plain
from tick_logger.pipeline.venue_clocks import VenueClocks

Mask = npt.NDArray[np.bool_]

ENOUGH_SAMPLES = 3
"""Of the clock after a doubtful row: one may come from a stream that is wrong like the row."""

MAX_WAIT_TICKS = 30
"""Where nothing tells what the clock shows, because little comes: with a tick a second, as long as
a row may be ahead."""

MAX_WAITING_ROWS = 200_000
"""Of a table: all that comes of a large venue within a few ticks, 20 MB."""


@attrs.define
class _Part:
    """Rows of one venue that came in one tick, and which of them are doubtful.

    `seen` samples of its clock came before; the others wait with these.  `counted` are trades of
    which an earlier version has taken the ids.
    """

    place: int
    seen: int
    ticks: int
    rows: RowBatch
    doubtful: Mask
    counted: bool = False


@attrs.frozen
class Judged:
    """Rows of one table that go on, and those to be set aside; `counted` as those of a part."""

    sound: RowBatch
    wrong: RowBatch
    counted_sound: RowBatch
    counted_wrong: RowBatch

    @classmethod
    def of(cls, table: Table, parts: Sequence[tuple[RowBatch, RowBatch, bool]]) -> Judged:
        """Put together what was judged: rows that go on, rows set aside, whether counted."""

        def joined(place: Literal[0, 1], *, counted: bool) -> RowBatch:
            return RowBatch.concat(table, [each[place] for each in parts if each[2] is counted])

        return cls(*(joined(n, counted=c) for c in (False, True) for n in (0, 1)))

    @property
    def rows(self) -> RowBatch:
        """Those that go on, counted or not."""
        if not len(self.counted_sound):
            return self.sound  # as ever, and without a copy
        return RowBatch.concat(self.sound.table, [self.counted_sound, self.sound])

    @property
    def aside(self) -> RowBatch:
        """Those to be set aside, counted or not."""
        if not len(self.counted_wrong):
            return self.wrong
        return RowBatch.concat(self.wrong.table, [self.counted_wrong, self.wrong])


class DoubtfulRows:
    """The rows of one table that wait until their times are judged."""

    def __init__(self, table: Table, clocks: VenueClocks) -> None:
        self._table = table
        self._clocks = clocks
        self._parts: list[_Part] = []  # in order of receipt

    @property
    def rows(self) -> RowBatch:
        """All that wait, in order of receipt."""
        return RowBatch.concat(self._table, [part.rows for part in self._parts])

    @property
    def count(self) -> int:
        """How many rows wait."""
        return sum(len(part.rows) for part in self._parts)

    @property
    def nbytes(self) -> int:
        """Memory of the rows that wait."""
        return sum(part.rows.nbytes for part in self._parts)

    def sift(self, rows: RowBatch, *, last: bool = False) -> Judged:
        """The rows of this tick, and of earlier ones, that go on; and those to be set aside.

        `last`: nothing more will come, so that all are judged now.
        """
        doubtful = self._clocks.doubtful(rows)
        if not self._parts and not doubtful.any():
            return Judged.of(self._table, [(rows, RowBatch.empty(self._table), False)])
        waiting = [part.rows["instrument"] for part in self._parts]
        streams = np.concatenate([rows["instrument"][doubtful], *waiting])
        waits, places = np.isin(rows["instrument"], streams), self._clocks.places(rows)
        for place in np.unique(places[waits]).tolist():
            mine, seen = waits & (places == place), self._clocks.seen(place)
            self._parts.append(_Part(place, seen, 0, rows.take(mine), doubtful[mine]))
        last = last or self.count > MAX_WAITING_ROWS
        rest = rows.take(~waits), RowBatch.empty(self._table), False
        return Judged.of(self._table, [*self._judged(last=last), rest])

    def dump(self) -> Plain:
        """The numbers of all parts as lists, and their rows one after the other."""
        parts = self._parts
        return {
            "parts": [[p.place, p.seen, p.ticks, len(p.rows), p.counted] for p in parts],
            "doubtful": [row for part in parts for row in part.doubtful.tolist()],
            "rows": rows_to_plain(RowBatch.concat(self._table, [part.rows for part in parts])),
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned."""
        rows, start = rows_from_plain(state["rows"]), 0
        by_id_alone = self._table is Table.TRADES  # as earlier versions did
        for place, seen, ticks, count, *more in state["parts"]:
            part, counted = slice(start, start + count), bool(more[0]) if more else by_id_alone
            doubtful = np.array(state["doubtful"][part], np.bool_)
            self._parts.append(_Part(place, seen, ticks, rows.take(part), doubtful, counted))
            start += count
        assert start == len(rows), "rows that belong to no part"

    def _judged(self, *, last: bool) -> Iterator[tuple[RowBatch, RowBatch, bool]]:
        """By venue, the rows that go on and those set aside, if they need not wait any longer."""
        parts, self._parts = self._parts, []
        for place in dict.fromkeys(part.place for part in parts):
            mine = [part for part in parts if part.place == place]
            rows = RowBatch.concat(self._table, [part.rows for part in mine])
            for part in mine:
                part.ticks += 1
            # What fitted when it came goes on, whatever is known by now.
            wrong = np.concatenate([part.doubtful for part in mine])
            wrong &= self._clocks.doubtful(rows)
            if wrong.any() and not (last or self._is_ripe(mine[0])):
                self._parts += mine
                continue
            wrong[wrong] = self._clocks.misfits(rows.take(wrong), place, mine[0].seen, last=last)
            if self._table is Table.BOOK:
                instead = np.where(is_snapshot(rows), KEEPS_PLACE, NO_TIME)
                event = np.where(wrong, instead, rows["event_ns"])
                yield rows.replace(event_ns=event), rows.take(wrong), False
                continue
            is_counted = np.repeat([part.counted for part in mine], [len(p.rows) for p in mine])
            for counted in (True, False):
                of_these = is_counted == counted
                yield rows.take(~wrong & of_these), rows.take(wrong & of_these), counted

    def _is_ripe(self, part: _Part) -> bool:
        samples = self._clocks.seen(part.place) - part.seen
        return samples >= ENOUGH_SAMPLES or part.ticks > MAX_WAIT_TICKS
