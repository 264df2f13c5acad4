"""Rows of two lines that are one: the first to come is kept, whatever line it came on.

How the twin of a row is known is declared by table (`model.twins`).  Rows are counted by what they
have in common: the n-th of one line and the n-th of the other are twins.  So nothing that a venue
says twice is taken for one, and nothing rests on when a row was received.  Rows of one line alone
go through untouched, at no cost.

A line that begins anew has counted nothing of what came meanwhile.  Where rows may be equal that
are not one, its counts begin with those of the other line: they must not eat rows that the other
never had.  So do those of its snapshots, which are said anew.  What numbers tell apart is known by
its number however late it comes.

A snapshot is dropped as a whole or not at all: readers begin a new book with what is left of it.

Where one line leads, no row has a twin: what says the same as a row of the line that led before
says it of another moment.

Memory: what came within `KEPT_TICKS`, of so many rows at most.  A line that is further behind gives
rows that are compared as those of one connection are (`duplicates`).

Not here: trades, whose ids tell (`admission`), and what was missing on a line (`coverage`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tick_logger.model.marks import Mark, Resumed
from tick_logger.model.routes import LINES, SECOND_LINE
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, SPECS, Table
from tick_logger.model.twins import Twins
from tick_logger.pipeline.plain_state import Plain
from tick_logger.pipeline.said import MIXING_FACTOR, words

Mask = npt.NDArray[np.bool_]
Keys = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.integer[Any]]

KEPT_TICKS = 10
"""With a tick a second, a line may be so many seconds behind."""

MOST_KEPT_ROWS = 500_000
"""Of one table, different ones: 10,000 a second for longer than they are kept, 20 MB."""

FIRST_SIZE = 256  # instruments; doubles when exceeded


class _Seen:
    """What came lately of one table: by key, how many rows came on each line."""

    def __init__(self) -> None:
        self.keys: Keys = np.zeros(0, np.uint64)  # ascending
        self.counts: Counts = np.zeros((0, len(LINES)), np.int64)
        self.instrument: Numbers = np.zeros(0, np.int32)
        self.said_anew: Mask = np.zeros(0, np.bool_)  # by a line that begins
        self.tick: Counts = np.zeros(0, np.int64)  # at which one came last

    def count(
        self, keys: Keys, line: Counts, instrument: Numbers, said_anew: Mask, tick: int
    ) -> Mask:
        """Which of these rows, in the order in which they came, are the first of their kind."""
        found, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        before = self._before(found)
        n = _ranks(inverse * len(LINES) + line) + before[inverse, line] + 1
        is_new = n > before.max(1)[inverse]
        # Of twins that both came just now the first one stays.
        order = np.lexsort((np.arange(len(keys)), n, inverse))
        again = np.zeros(len(keys), np.bool_)
        again[order[1:]] = (np.diff(inverse[order]) == 0) & (np.diff(n[order]) == 0)
        np.add.at(before, (inverse, line), 1)
        self._put(found, before, instrument[first], said_anew[first], tick)
        return np.asarray(is_new & ~again)

    def begin_anew(self, line: int, instruments: Numbers, *, said_anew: Mask | None = None) -> None:
        """A line begins with the counts of the other, for these instruments."""
        mine = np.isin(self.instrument, instruments)
        if said_anew is not None:
            mine &= said_anew
        self.counts[mine, line] = self.counts[mine].max(1)

    def forget(self, before_tick: int) -> None:
        """Forget what came before this tick, and the oldest of too many."""
        keep = self.tick >= before_tick
        if keep.sum() > MOST_KEPT_ROWS:
            oldest = np.partition(self.tick[keep], -MOST_KEPT_ROWS)[-MOST_KEPT_ROWS]
            keep &= self.tick > oldest
        if not keep.all():
            self._take(keep)

    def _before(self, found: Keys) -> Counts:
        at = np.searchsorted(self.keys, found)
        at[at == len(self.keys)] = 0
        known = self.keys[at] == found if len(self.keys) else np.zeros(len(found), np.bool_)
        before = np.zeros((len(found), len(LINES)), np.int64)
        before[known] = self.counts[at[known]]
        return before

    def _put(
        self, found: Keys, counts: Counts, instrument: Numbers, said_anew: Mask, tick: int
    ) -> None:
        self._take(~np.isin(self.keys, found, assume_unique=True))
        keys = np.concatenate((self.keys, found))
        order = np.argsort(keys, kind="stable")
        self.keys = keys[order]
        self.counts = np.concatenate((self.counts, counts))[order]
        self.instrument = np.concatenate((self.instrument, instrument))[order]
        self.said_anew = np.concatenate((self.said_anew, said_anew))[order]
        self.tick = np.concatenate((self.tick, np.full(len(found), tick)))[order]
        assert len(self.keys) == len(self.counts) == len(self.tick), "arrays that belong together"

    def _take(self, keep: Mask) -> None:
        for name in _ARRAYS:
            setattr(self, name, getattr(self, name)[keep])


_ARRAYS = ("keys", "counts", "instrument", "said_anew", "tick")


class TwinRows:
    """What both lines of every stream brought lately; `twins_of` says how their rows are one."""

    def __init__(self, twins_of: Callable[[int, Table], Twins]) -> None:
        self._twins_of = twins_of
        self._seen: dict[Table, _Seen] = {}
        # By instrument, whether its table has come on a second line.
        self._shared: dict[Table, Mask] = {}
        self._timed: dict[Table, Mask] = {}  # by instrument, whether equal rows have equal times
        self._tick = 0

    def take(self, items: Sequence[RowBatch | Mark]) -> tuple[Sequence[RowBatch | Mark], list[int]]:
        """The items of a tick without rows whose twin came before; the instruments of those."""
        self._tick += 1
        if not self._shared and not any(map(_is_of_second_line, items)):
            return items, []
        kept: list[RowBatch | Mark] = []
        dropped: list[int] = []
        rows: list[RowBatch] = []
        for item in items:
            if isinstance(item, RowBatch):
                rows.append(item)
            elif isinstance(item, Resumed):
                kept += self._without_twins(rows, dropped)
                rows = []
                self._resumed(item)
                kept.append(item)
            else:
                kept.append(item)
        kept += self._without_twins(rows, dropped)
        for seen in self._seen.values():
            seen.forget(self._tick - KEPT_TICKS)
        return kept, dropped

    def restarted(self) -> None:
        """A new process continues, with lines of its own."""
        self._seen.clear()
        self._shared.clear()

    def dump(self) -> Plain:
        """The arrays by table."""
        return {
            "tick": self._tick,
            "shared": {table.value: np.flatnonzero(mask) for table, mask in self._shared.items()},
            "seen": {
                table.value: {name: getattr(seen, name).reshape(-1).copy() for name in _ARRAYS}
                for table, seen in self._seen.items()
            },
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned."""
        self._tick = state["tick"]
        for table, instruments in state["shared"].items():
            self._share(Table(table), instruments)
        for table, arrays in state["seen"].items():
            seen = self._seen[Table(table)] = _Seen()
            for name, array in arrays.items():
                setattr(seen, name, np.array(array).reshape(-1, *getattr(seen, name).shape[1:]))

    def _resumed(self, mark: Resumed) -> None:
        """A line begins with a stream, or does so again."""
        instruments = np.array(mark.instruments, np.int64)
        for table in mark.tables:
            if mark.line == SECOND_LINE:
                self._share(table, instruments)
            seen = self._seen.get(table)
            if seen is None:
                continue
            counted = [each for each in mark.instruments if self._twins_of(each, table).are_counted]
            seen.begin_anew(mark.line, np.array(counted, np.int64))
            seen.begin_anew(mark.line, instruments, said_anew=seen.said_anew)

    def _share(self, table: Table, instruments: Numbers) -> None:
        of_one = [self._twins_of(each, table) is Twins.LED for each in instruments.tolist()]
        instruments = instruments[~np.array(of_one, np.bool_)]
        mask = self._shared.get(table, np.zeros(FIRST_SIZE, np.bool_))
        missing = int(instruments.max(initial=-1)) + 1 - len(mask)
        if missing > 0:
            mask = np.append(mask, np.zeros(max(missing, len(mask)), np.bool_))
        mask[instruments] = True
        self._shared[table] = mask

    def _without_twins(self, batches: Sequence[RowBatch], dropped: list[int]) -> list[RowBatch]:
        """The batches without rows whose twin came before."""
        kept = list(batches)
        for table in Table:
            places = [
                place
                for place, batch in enumerate(batches)
                if batch.table is table and batch.route in LINES and len(batch)
            ]
            if table is Table.TRADES or table not in self._shared or not places:
                continue
            mine = [batches[place] for place in places]
            new = self._new(table, mine)
            if new is None or new.all():
                continue
            ends = np.cumsum([len(batch) for batch in mine])
            for place, batch, keep in zip(places, mine, np.split(new, ends[:-1]), strict=True):
                dropped += batch["instrument"][~keep].tolist()
                kept[place] = batch.take(keep)
        return kept

    def _new(self, table: Table, batches: Sequence[RowBatch]) -> Mask | None:
        """Which rows have no twin that came before; None if none can have one."""
        rows = RowBatch.concat(table, batches)
        line = np.repeat([batch.route for batch in batches], [len(batch) for batch in batches])
        instrument = rows["instrument"]
        shared = self._shared[table]
        looked_at = (instrument < len(shared)) & shared[np.minimum(instrument, len(shared) - 1)]
        if not looked_at.any():
            return None
        new = np.ones(len(rows), np.bool_)
        part, of = rows.take(looked_at), line[looked_at]
        said_anew = _snapshot(part)
        found = self._seen.setdefault(table, _Seen()).count(
            self._keys(part), of, part["instrument"], said_anew, self._tick
        )
        new[looked_at] = _whole_snapshots(part, of, found, said_anew)
        return new

    def _keys(self, rows: RowBatch) -> Keys:
        """For each row a number that stands for what its twin has in common with it."""
        instrument = rows["instrument"]
        mixed = instrument.astype(np.uint64) + np.uint64(1)
        event = np.where(self._are_timed(rows), rows["event_ns"], 0)
        names = [name for name in SPECS[rows.table].all_fields if name not in _NOT_SAID]
        for column in (event, *(rows[name] for name in names)):
            for part in words(column):
                mixed = (mixed ^ (mixed >> np.uint64(29))) * MIXING_FACTOR + part
        return np.asarray((mixed ^ (mixed >> np.uint64(32))) * MIXING_FACTOR)

    def _are_timed(self, rows: RowBatch) -> Mask:
        known = self._timed.get(rows.table, np.zeros(0, np.bool_))
        new = range(len(known), int(rows["instrument"].max()) + 1)
        if new:
            says = [self._twins_of(each, rows.table) is Twins.SAID for each in new]
            known = self._timed[rows.table] = np.append(known, says)
        return np.asarray(known[rows["instrument"]])


_NOT_SAID = {"instrument", "event_ns", "recv_ns"}


def _is_of_second_line(item: RowBatch | Mark) -> bool:
    if isinstance(item, RowBatch):
        return item.route == SECOND_LINE
    return isinstance(item, Resumed) and item.line == SECOND_LINE


def _snapshot(rows: RowBatch) -> Mask:
    if rows.table is not Table.BOOK:
        return np.zeros(len(rows), np.bool_)
    return np.asarray((rows["flags"] & FLAG_SNAPSHOT) != 0)


def _ranks(groups: Counts) -> Counts:
    """How many of the same group stand before each."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    lengths = np.diff(np.append(starts, len(groups)))
    ranks = np.empty(len(groups), np.int64)
    ranks[order] = np.arange(len(groups)) - np.repeat(starts, lengths)
    return ranks


def _whole_snapshots(rows: RowBatch, line: Counts, new: Mask, snapshot: Mask) -> Mask:
    """Keep all rows of a snapshot if any of them is new."""
    if not snapshot.any():
        return new
    flagged = rows.take(snapshot)
    fields = [flagged["instrument"], flagged["seq"], flagged["recv_ns"], line[snapshot]]
    _, run = np.unique(
        np.stack([each.astype(np.int64) for each in fields]), axis=1, return_inverse=True
    )
    run = run.reshape(-1)
    any_new = np.zeros(int(run.max()) + 1, np.bool_)
    np.logical_or.at(any_new, run, new[snapshot])
    found = new.copy()
    found[snapshot] = any_new[run]
    return found
