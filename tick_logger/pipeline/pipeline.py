"""The pure pipeline: rows and marks in, sorted runs and gap records out.

    push -> admit (de-duplicate, follow ids) -> wait for book snapshots -> reorder window -> runs

Its output depends on nothing but the sequence of `push`, `tick`, `close` and `restarted` calls: no
clock, no disk, no randomness.  Time passes for it in ticks; a row is released at the second tick
after it came.  The one thing it asks of the outside is the tail of a stream that has rows on disk
already, of which it has no state.

Its whole state can be dumped as plain data between two calls, and a pipeline that loads it gives
what this one would have given.  `restarted` tells it that a new process goes on from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.cause import Cause
from tick_logger.model.flush import NS_PER_DAY, Flush, GapRecord, Run, StreamTail
from tick_logger.model.marks import (
    AwaitSnapshot,
    Interrupted,
    Lapse,
    LastTradeId,
    Mark,
    MissingIds,
    NoSnapshot,
    Resumed,
    Retired,
)
from tick_logger.model.proof import Ids
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import NO_TIME, Table
from tick_logger.pipeline import duplicates
from tick_logger.pipeline.books import WAIT_TICKS, WaitingBooks
from tick_logger.pipeline.gaps import GapLedger
from tick_logger.pipeline.ids import HoleOpened, IdLedger
from tick_logger.pipeline.order import sort_rows
from tick_logger.pipeline.plain import (
    Plain,
    item_from_plain,
    item_to_plain,
    run_from_plain,
    run_to_plain,
)
from tick_logger.pipeline.recent_ids import RecentIds
from tick_logger.pipeline.state import StreamStates
from tick_logger.pipeline.window import ReorderWindow

MAX_AHEAD_NS = NS_PER_DAY
"""An event this far ahead of its receipt is nonsense, and would make every later row late."""


@attrs.frozen
class TickCounts:
    """What a tick noticed, per instrument."""

    duplicates: Counter[int] = attrs.field(factory=Counter)
    bad_times: Counter[int] = attrs.field(factory=Counter)
    unproven_holes: Counter[int] = attrs.field(factory=Counter)

    def dump(self) -> Plain:
        """Instruments and numbers, as lists of two."""
        return {
            name: [[i, count] for i, count in counter.items()]
            for name, counter in attrs.asdict(self, recurse=False).items()
        }

    @classmethod
    def from_state(cls, state: Plain) -> TickCounts:
        """The counts that `dump` was given."""
        return cls(**{name: Counter(dict(counts)) for name, counts in state.items()})


class Pipeline:
    """State of every stream.

    `trade_ids(instrument)` says what the ids of its trades are.  `tail_of` gives what is on disk of
    a stream at its first use; it is not asked for one that was used before the last restart.
    """

    def __init__(
        self,
        *,
        trade_ids: Callable[[int], Ids],
        tail_of: Callable[[int, Table], StreamTail | None],
        book_wait_ticks: int = WAIT_TICKS,
    ) -> None:
        self._trade_ids = trade_ids
        self._tail_of = tail_of
        self._items: list[RowBatch | Mark] = []
        self._states = {table: StreamStates() for table in Table}
        self._windows = {table: ReorderWindow(table, self._states[table]) for table in Table}
        self._ids = {table: IdLedger() for table in Table}
        self._recent = RecentIds()
        self._books = WaitingBooks(self._states[Table.BOOK], book_wait_ticks)
        self._gaps = GapLedger(self._dense, self._complete_until_ns)
        self._announced: list[LastTradeId] = []
        self._counts = TickCounts()
        self._stopped_runs: list[Run] = []  # released by a restart, for the next flush

    @property
    def held_bytes(self) -> int:
        """Memory of all rows that wait here, in bytes."""
        pushed = [item for item in self._items if isinstance(item, RowBatch)]
        windows = [window.held for window in self._windows.values()]
        stopped = [run.rows for run in self._stopped_runs]
        return sum(rows.nbytes for rows in (*pushed, *windows, *stopped)) + self._books.nbytes

    def push(self, items: Sequence[RowBatch | Mark]) -> None:
        """Take rows and marks in the order in which they came about."""
        self._items += items

    def tick(self) -> tuple[Flush, TickCounts]:
        """Let time pass: what was there before the last tick is released."""
        announced, self._announced = self._announced, []
        runs = [*self._take_stopped_runs(), *self._take_in()]
        self._compare(announced)
        return Flush(tuple(runs), self._gaps.tick()), self._take_counts()

    def close(self, at_ns: int) -> tuple[Flush, TickCounts]:
        """Release everything: nothing more will come after `at_ns` (receive time).

        What comes nevertheless belongs to a new process, which begins with `restarted`.
        """
        runs = [*self._take_stopped_runs(), *self._release_all()]
        self._gaps.end_unused()
        self._gaps.unproven()
        gaps: tuple[GapRecord, ...] = self._gaps.close(at_ns)
        return Flush(tuple(runs), gaps), self._take_counts()

    def restarted(self, stopped_ns: Mapping[int, int], cause: Cause, book_wait_ticks: int) -> None:
        """A new process continues; the one before received each instrument up to `stopped_ns`.

        Receive times in nanoseconds, by instrument.  A stream is interrupted from then on, for
        `cause`, if the new process uses it; one whose instrument is not named goes on as if nothing
        had been.  The rows of the process before are released with the next flush, as `close`
        would, so that they have nothing to do with those of the new one.
        """
        self._stopped_runs += self._release_all()
        stopped = []
        for table, states in self._states.items():
            met = [i for i in np.flatnonzero(states.known).tolist() if i in stopped_ns]
            states.known[met] = False
            stopped += [(instrument, table) for instrument in met]
            if table is not Table.MD:  # a ticker's sequence is remembered, though not on disk
                states.count_as_on_disk()
        self._gaps.restarted(stopped, stopped_ns, cause)
        self._books.begin_anew(book_wait_ticks)

    def dump(self) -> Plain:
        """The whole state as plain data, which later calls do not change."""
        return {
            "items": [item_to_plain(item) for item in self._items],
            "stopped_runs": [run_to_plain(run) for run in self._stopped_runs],
            "announced": [item_to_plain(mark) for mark in self._announced],
            "tables": {
                table.value: {
                    "streams": self._states[table].dump(),
                    "window": self._windows[table].dump(),
                    "ids": self._ids[table].dump(),
                }
                for table in Table
            },
            "recent_ids": self._recent.dump(),
            "books": self._books.dump(),
            "gaps": self._gaps.dump(),
            "counts": self._counts.dump(),
        }

    def load(self, state: Plain) -> None:
        """Become the pipeline that gave this state; only on one that was not used yet."""
        self.push([item_from_plain(plain) for plain in state["items"]])
        self._stopped_runs = [run_from_plain(plain) for plain in state["stopped_runs"]]
        for plain in state["announced"]:
            mark = item_from_plain(plain)
            assert isinstance(mark, LastTradeId)
            self._announced.append(mark)
        for table in Table:
            of_table = state["tables"][table.value]
            self._states[table].load(of_table["streams"])
            self._windows[table].load(of_table["window"])
            self._ids[table].load(of_table["ids"])
        self._recent.load(state["recent_ids"])
        self._books.load(state["books"])
        self._gaps.load(state["gaps"])
        self._counts = TickCounts.from_state(state["counts"])

    def _complete_until_ns(self, stream: tuple[int, Table]) -> int | None:
        instrument, table = stream
        return self._ids[table].complete_until_ns(instrument)

    def _compare(self, announced: Sequence[LastTradeId]) -> None:
        """Note what the exchange knows of but has not sent."""
        for newest in announced:
            for hole in self._ids[Table.TRADES].announce(
                newest.instrument, newest.trade_id, newest.at_ns
            ):
                self._gaps.hole(Table.TRADES, hole)

    def _take_stopped_runs(self) -> list[Run]:
        runs, self._stopped_runs = self._stopped_runs, []
        return runs

    def _release_all(self) -> list[Run]:
        """Every row, as the process that received them has come to its end."""
        runs = self._take_in(last=True)
        for window in self._windows.values():
            runs += window.drain()
        announced, self._announced = self._announced, []
        self._compare(announced)
        return runs

    def _take_in(self, *, last: bool = False) -> list[Run]:
        items, self._items = self._items, []
        batches: dict[Table, list[RowBatch]] = {table: [] for table in Table}
        for item in items:
            if isinstance(item, RowBatch):
                batches[item.table].append(item)
            else:
                self._note(item)
        runs: list[Run] = []
        for table, parts in batches.items():
            rows = self._with_times(RowBatch.concat(table, parts))
            self._meet(table, np.unique(rows["instrument"]).tolist())
            if table is Table.BOOK:
                rows = self._books.pass_through(rows)
                held = self._windows[table].held
                rows = RowBatch.concat(table, [rows, *self._books.release(held, everything=last)])
                self._gaps.unplaced(self._books.unplaced)
                self._books.unplaced = []
            runs += self._windows[table].turn(
                self._admit(sort_rows(rows, self._states[table].opaque))
            )
        return runs

    def _note(self, mark: Mark) -> None:
        match mark:
            case Interrupted():
                self._meet_all(mark.tables, mark.instruments)
                self._gaps.interrupted(mark)
            case Resumed():
                self._meet_all(mark.tables, mark.instruments)
                self._gaps.resumed(mark)
            case MissingIds():
                self._gaps.missing(mark)
            case Lapse():
                self._gaps.lapsed(mark)
            case LastTradeId():
                self._meet(Table.TRADES, [mark.instrument])
                self._announced.append(mark)
            case AwaitSnapshot():
                self._books.expect(mark.instrument, mark.at_ns)
            case NoSnapshot():
                self._books.abandon(mark.instrument, mark.at_ns)
            case Retired():
                for instrument in mark.instruments:
                    for table in mark.tables:
                        self._gaps.retired((instrument, table), mark.at_ns)
                    if Table.BOOK in mark.tables:
                        self._books.forget(instrument)

    def _meet_all(self, tables: Sequence[Table], instruments: Sequence[int]) -> None:
        for table in tables:
            self._meet(table, instruments)

    def _meet(self, table: Table, instruments: Sequence[int]) -> None:
        """Continue the streams that this process meets for the first time, if need be from disk."""
        states = self._states[table]
        if len(instruments):
            states.reserve(max(instruments) + 1)
        for instrument in instruments:
            if states.known[instrument]:
                continue
            states.known[instrument] = True
            if table is Table.TRADES:
                states.number(instrument, self._trade_ids(instrument))
            if self._gaps.met_again((instrument, table)):
                continue
            tail = self._tail_of(instrument, table)
            if tail is None:
                continue
            states.continue_from(instrument, tail)
            if states.sparse[instrument]:
                self._recent.seed(instrument, tail.recent_ids)
            else:
                self._ids[table].seed(instrument, tail.id_ranges, tail.last_recv_ns)
            self._gaps.interrupted(
                Interrupted((instrument,), (table,), tail.last_recv_ns, Cause.RESTART)
            )

    def _with_times(self, rows: RowBatch) -> RowBatch:
        """Rows with the receive time where the exchange sent none; books place theirs later."""
        event, recv = rows["event_ns"], rows["recv_ns"]
        absurd = event > recv + MAX_AHEAD_NS
        if absurd.any():
            self._counts.bad_times.update(rows["instrument"][absurd].tolist())
            event = np.where(absurd, NO_TIME, event)
        untimed = event == NO_TIME
        if rows.table is not Table.BOOK and untimed.any():
            event = np.where(untimed, recv, event)
        return rows if event is rows["event_ns"] else rows.replace(event_ns=event)

    def _admit(self, rows: RowBatch) -> RowBatch:
        """The rows that were not there before."""
        table = rows.table
        if table is Table.TRADES:
            keep = self._admit_trades(rows)
        else:
            keep = duplicates.admit(rows, self._states[table], self._windows[table].held)
        if keep.all():
            return rows
        self._counts.duplicates.update(rows["instrument"][~keep].tolist())
        return rows.take(keep)

    def _admit_trades(self, rows: RowBatch) -> npt.NDArray[np.bool_]:
        sparse = self._states[Table.TRADES].sparse[rows["instrument"]]
        if sparse.any():
            keep = np.ones(len(rows), np.bool_)
            keep[sparse] = self._recent.admit(rows.take(sparse))
            if not sparse.all():
                keep[~sparse] = self._follow_ids(rows.take(~sparse))
            return keep
        return self._follow_ids(rows)

    def _follow_ids(self, rows: RowBatch) -> npt.NDArray[np.bool_]:
        """The trades that are new, by ids that rise by one, or seem to."""
        keep, findings = self._ids[Table.TRADES].admit(rows)
        for found in findings:
            if self._dense(found.instrument, Table.TRADES):
                self._gaps.hole(Table.TRADES, found)
            elif isinstance(found, HoleOpened):
                self._counts.unproven_holes[found.instrument] += 1
        return keep

    def _dense(self, instrument: int, table: Table) -> bool:
        """Whether a hole in the ids proves a loss."""
        return table is Table.TRADES and self._trade_ids(instrument) is Ids.DENSE

    def _take_counts(self) -> TickCounts:
        counts, self._counts = self._counts, TickCounts()
        return counts
