"""The pure pipeline: rows and marks in, sorted runs and gap records out.

    push -> drop what came on the other line too -> set aside what has an impossible time
    -> books wait for snapshots -> sort -> admit (drop duplicates, follow ids) -> reorder window
    -> runs

Its output depends on nothing but the sequence of `push`, `tick`, `close` and `restarted` calls: no
clock, no disk, no randomness.  Time passes for it in ticks; a row is released at the second tick
after it came.  It asks the outside for one thing: the tail of a stream that has rows on disk, but
no state here.

Its whole state can be dumped as plain data between two calls, and a pipeline that loads it gives
what this one would have given.  `restarted` tells it that a new process goes on from there.

Invariant: every row that is pushed is either released exactly once, or counted as a duplicate or as
a twin.  Not here: what a hole means (`gaps`), which rows are the same (`admission`, and `twins` of
two lines), and which times can be right (`row_times`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import attrs
import numpy as np

from tick_logger.model.cause import Cause
from tick_logger.model.flush import Flush, Run, StreamTail
from tick_logger.model.marks import (
    Healed,
    Interrupted,
    Lapse,
    LastTradeId,
    Mark,
    MissingIds,
    Resumed,
    Retired,
)
from tick_logger.model.proof import Ids
from tick_logger.model.routes import REST
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table
from tick_logger.model.twins import Twins
from tick_logger.pipeline.admission import Admission
from tick_logger.pipeline.announced import Announced
from tick_logger.pipeline.answers import Answers
from tick_logger.pipeline.books import WAIT_TICKS, WaitingBooks
from tick_logger.pipeline.coverage import Coverage
from tick_logger.pipeline.gaps import GapLedger
from tick_logger.pipeline.id_line import BegunAgain, Finding, HoleFilled, HoleOpened, Stray
from tick_logger.pipeline.lost_trades import asks_ids
from tick_logger.pipeline.meeting import Meetings
from tick_logger.pipeline.order import sort_rows
from tick_logger.pipeline.plain_state import (
    Plain,
    item_from_plain,
    item_to_plain,
    run_from_plain,
    run_to_plain,
)
from tick_logger.pipeline.recent_ids import RecentIds
from tick_logger.pipeline.row_times import RowTimes
from tick_logger.pipeline.table_state import TableState
from tick_logger.pipeline.twins import TwinRows


@attrs.frozen
class TickCounts:
    """How many rows, or holes in ids, of each kind a tick came across, by instrument."""

    duplicates: Counter[int] = attrs.field(factory=Counter)
    twins: Counter[int] = attrs.field(factory=Counter)
    unproven_holes: Counter[int] = attrs.field(factory=Counter)
    begun_again: Counter[int] = attrs.field(factory=Counter)
    strays: Counter[int] = attrs.field(factory=Counter)
    unneeded: Counter[int] = attrs.field(factory=Counter)  # by REST, and here already

    def note(self, found: Finding, *, proves_loss: bool) -> None:
        """Count what ids show; a hole that proves a loss has its record instead."""
        match found:
            case BegunAgain():
                self.begun_again[found.instrument] += 1
            case Stray():
                self.strays[found.instrument] += 1
            case HoleOpened() if not proves_loss:
                self.unproven_holes[found.instrument] += 1

    def note_answers(self, unneeded: Counter[int], begun_again: Counter[int]) -> None:
        """Count what came by REST and was here already, and what the rest of it shows of ids."""
        self.unneeded.update(unneeded)
        self.begun_again.update(begun_again)

    def dump(self) -> Plain:
        """Instruments and numbers, as lists of two."""
        return {
            name: [[i, count] for i, count in counter.items()]
            for name, counter in attrs.asdict(self, recurse=False).items()
        }

    @classmethod
    def from_state(cls, state: Plain) -> TickCounts:
        """The counts that `dump` was given; those of an earlier version may be others."""
        names = [field.name for field in attrs.fields(cls)]
        return cls(**{name: Counter(dict(state.get(name, ()))) for name in names})


class Pipeline:
    """State of every stream.

    `trade_ids(instrument)` says what the ids of its trades are, `venue_of(instrument)` whose clock
    its times are of, and `twins_of(instrument, table)` how rows of two lines are known to be one.
    `tail_of` gives what is on disk of a stream at its first use; it is not asked
    for one that was used before the last restart.
    """

    def __init__(
        self,
        *,
        trade_ids: Callable[[int], Ids],
        venue_of: Callable[[int], str],
        tail_of: Callable[[int, Table], StreamTail | None],
        twins_of: Callable[[int, Table], Twins] = lambda _, __: Twins.NUMBERED,
        book_wait_ticks: int = WAIT_TICKS,
    ) -> None:
        self._trade_ids = trade_ids
        self._items: list[RowBatch | Mark] = []
        self._tables = {table: TableState.empty(table) for table in Table}
        self._recent = RecentIds()
        self._coverage = Coverage()
        self._twins = TwinRows(twins_of)
        self._times = RowTimes(venue_of)
        tables = self._tables
        self._gaps = GapLedger(self._dense, lambda of: tables[of[1]].ids.complete_until_ns(of[0]))
        self._books = WaitingBooks(tables[Table.BOOK].streams, self._gaps, book_wait_ticks)
        self._meetings = Meetings(
            self._tables, self._recent, self._gaps, trade_ids=trade_ids, tail_of=tail_of
        )
        self._answers = Answers(trade_ids, tables[Table.TRADES].ids, self._recent, self._gaps)
        self._admission = Admission(
            self._tables,
            self._recent,
            self._answers,
            found=self._note_findings,
            repeated=lambda instruments: self._counts.duplicates.update(instruments),
        )
        self._announced = Announced(tables[Table.TRADES].ids, self._times.waits)
        self._counts = TickCounts()
        self._stopped_runs: list[Run] = []  # released by a restart, for the next flush

    @property
    def held_bytes(self) -> int:
        """Memory of all rows that wait here, in bytes."""
        pushed = [item for item in self._items if isinstance(item, RowBatch)]
        windows = [table.window.held for table in self._tables.values()]
        stopped = [run.rows for run in self._stopped_runs]
        waiting = self._books.nbytes + self._times.nbytes
        return sum(rows.nbytes for rows in (*pushed, *windows, *stopped)) + waiting

    @property
    def clock_offsets_ns(self) -> dict[str, int]:
        """By venue, how far its times are ahead of their receipt here, as far as that is known."""
        return self._times.offsets_ns

    @property
    def _held_rows(self) -> int:
        """How many rows wait in windows, for snapshots, and until their times are judged."""
        waiting = self._books.rows + self._times.count
        return sum(len(table.window.held) for table in self._tables.values()) + waiting

    def push(self, items: Sequence[RowBatch | Mark]) -> None:
        """Take rows and marks in the order in which they came about."""
        self._items += items

    def tick(self, at_ns: int | None = None) -> tuple[Flush, TickCounts]:
        """Let time pass, until `at_ns`: rows that were here before the last tick are released."""
        self._gaps.is_timed = at_ns is not None
        # What was announced before the last tick: the trades themselves may come a little later.
        announced = self._announced.take()
        runs = [*self._take_stopped_runs(), *self._take_in()]
        for hole in self._announced.compare(announced):
            self._gaps.found(Table.TRADES, hole)
        gaps = self._gaps.tick(at_ns, self._books.lasting())
        suspects = self._answers.tick(gaps)
        return Flush(tuple(runs), gaps, self._gaps.open_holes, suspects), self._take_counts()

    def close(self, at_ns: int, *, tell_open: bool = False) -> tuple[Flush, TickCounts]:
        """Release everything: nothing more will come after `at_ns` (receive time).

        What comes nevertheless belongs to a new process, which begins with `restarted`.  With
        `tell_open`, what the process before it left open is recorded without an end.
        """
        runs = [*self._take_stopped_runs(), *self._release_all()]
        self._gaps.end_unused()
        self._gaps.unproven()
        self._books.close(at_ns)
        return Flush(tuple(runs), self._gaps.close(at_ns, tell_open)), self._take_counts()

    def restarted(self, stopped_ns: Mapping[int, int], cause: Cause, book_wait_ticks: int) -> None:
        """A new process continues; the one before received each instrument up to `stopped_ns`.

        `stopped_ns` holds receive times in nanoseconds, by instrument.  A stream that the new
        process uses counts as interrupted from then on, for `cause`; a stream whose instrument is
        not named goes on without an interruption.  The rows of the process before are released with
        the next flush, as `close` would release them: they are never sorted among, or compared
        with, those of the new process.
        """
        self._stopped_runs += self._release_all()
        self._coverage.restarted()
        self._twins.restarted()
        stopped = []
        for table, state in self._tables.items():
            states = state.streams
            assert not len(state.window.held), "rows of two processes would be sorted together"
            met = [i for i in np.flatnonzero(states.known).tolist() if i in stopped_ns]
            states.known[met] = False
            stopped += [(instrument, table) for instrument in met]
            if table is not Table.MD:  # a ticker's sequence is remembered, though not on disk
                states.count_as_on_disk()
        self._books.restarted(stopped_ns, book_wait_ticks)
        self._gaps.restarted(stopped, stopped_ns, cause)

    def dump(self) -> Plain:
        """The whole state as plain data, which later calls do not change."""
        return {
            "items": [item_to_plain(item) for item in self._items],
            "stopped_runs": [run_to_plain(run) for run in self._stopped_runs],
            "announced": self._announced.dump(),
            "tables": {table.value: state.dump() for table, state in self._tables.items()},
            "recent_ids": self._recent.dump(),
            "times": self._times.dump(),
            "coverage": self._coverage.dump(),
            "twins": self._twins.dump(),
            "books": self._books.dump(),
            "gaps": self._gaps.dump(),
            "answers": self._answers.dump(),
            "counts": self._counts.dump(),
        }

    def load(self, state: Plain) -> None:
        """Become the pipeline that gave this state; only on one that was not used yet."""
        assert not self._held_rows, "the state would be mixed with another"
        self.push([item_from_plain(plain) for plain in state["items"]])
        self._stopped_runs = [run_from_plain(plain) for plain in state["stopped_runs"]]
        self._announced.load(state["announced"])
        for table, of_table in self._tables.items():
            if table.value in state["tables"]:  # else it came with a later version
                of_table.load(state["tables"][table.value])
        self._recent.load(state["recent_ids"])
        used = [of_table.streams.used for of_table in self._tables.values()]
        self._times.load(state.get("times"), used)
        if "coverage" in state:  # else it came with a later version
            self._coverage.load(state["coverage"])
        if "twins" in state:
            self._twins.load(state["twins"])
        self._books.load(state["books"])
        self._gaps.load(state["gaps"])
        if "answers" in state:  # else they came with a later version
            self._answers.load(state["answers"])
        self._counts = TickCounts.from_state(state["counts"])

    def _take_stopped_runs(self) -> list[Run]:
        runs, self._stopped_runs = self._stopped_runs, []
        return runs

    def _release_all(self) -> list[Run]:
        """Release every row, because the process that received them has ended."""
        runs = self._take_in(last=True)
        for state in self._tables.values():
            runs += state.window.drain()
        for hole in self._announced.compare(self._announced.take()):
            self._gaps.found(Table.TRADES, hole)
        return runs

    def _take_in(self, *, last: bool = False) -> list[Run]:
        """Bring the rows pushed into the windows; release those that were there before.

        `last`: nothing more will come, so no book waits any longer for its snapshot.
        """
        items, self._items = self._items, []
        # Marks come before all rows of a tick: they speak of times, not of their place among rows.
        for item in items:
            if not isinstance(item, RowBatch):
                for mark in self._coverage.take(item):
                    self._note(mark)
        single, dropped_twins = self._twins.take(items)
        self._counts.twins.update(dropped_twins)
        batches, by_rest = _by_table(single)
        dropped = self._counts.duplicates.total()
        held = self._held_rows + sum(map(len, batches.values()))
        runs: list[Run] = []
        self._times.learn(batches)
        for table, pushed in batches.items():
            rows, repeated = self._times.unrepeated(pushed)
            self._counts.duplicates.update(repeated)
            rows, state = self._times.filled(rows), self._tables[table]
            # Before all else: what is on disk decides which rows are new, late or ordered by id.
            self._meetings.meet(table, np.unique(rows["instrument"]).tolist())
            self._gaps.lost_trades.came(rows)
            if table is Table.TRADES:
                rows = self._admission.but_by_rest(rows)
            judged = self._times.sift(rows, last=last)
            if table is Table.TRADES:  # an id counts, whatever time stands beside it
                judged = self._admission.trades(judged)
            rows, aside = judged.rows, judged.aside
            if table is Table.BOOK:
                rows, late = self._books.take(rows, state.window.held, last=last)
                runs += late
            if table is Table.QUOTES:
                state.streams.note_untimed(pushed)
            rows = sort_rows(rows, state.streams.opaque)
            runs += state.window.turn(rows if table is Table.TRADES else self._admission.rows(rows))
            runs += self._times.set_aside(aside)
        assert not last or not self._books.rows, "a book waits for what will not come"
        dropped = self._counts.duplicates.total() - dropped
        released = sum(len(run.rows) for run in runs if not (run.aside and run.table is Table.BOOK))
        assert held == self._held_rows + released + dropped, "a row was lost, or came about"
        # Behind the stream, which wins; a page is taken as a whole, and waits for nothing.
        answered, *numbers = self._answers.take(by_rest)
        self._counts.note_answers(*numbers)
        return [*runs, *answered]

    def _note(self, mark: Mark) -> None:
        if isinstance(mark, Interrupted | Resumed | Retired) or asks_ids(mark):
            # A stream may be retired before anything came of it; what it lost until then ends.
            self._meetings.meet_all(mark.tables, mark.instruments)
        self._books.note(mark)
        match mark:
            case Interrupted():
                self._gaps.interrupted(mark)
            case Resumed():
                self._gaps.resumed(mark)
            case MissingIds(cause=Cause.UNDECODABLE):
                self._meetings.meet(Table.TRADES, [mark.instrument])
                ids = self._tables[Table.TRADES].ids
                self._gaps.lost_trades.note(mark, self._recent, ids, self._times)
            case MissingIds():
                self._gaps.missing(mark)
            case Lapse():
                self._gaps.lapsed(mark)
            case LastTradeId():
                self._meetings.meet(Table.TRADES, [mark.instrument])
                self._announced.note(mark)
            case Healed():
                self._answers.note(mark)
            case Retired():
                for instrument in mark.instruments:
                    for table in mark.tables:
                        self._gaps.retired((instrument, table), mark.at_ns)

    def _note_findings(self, table: Table, findings: Sequence[Finding]) -> None:
        """Record what ids show; holes where they prove a loss, else they are counted only."""
        for found in findings:
            proves = self._dense(found.instrument, table)
            self._counts.note(found, proves_loss=proves)
            if proves or not isinstance(found, HoleOpened | HoleFilled):
                self._gaps.found(table, found)
            else:
                self._answers.suspect(found)

    def _dense(self, instrument: int, table: Table) -> bool:
        """Whether a hole in the ids proves a loss."""
        return table is Table.TRADES and self._trade_ids(instrument) is Ids.DENSE

    def _take_counts(self) -> TickCounts:
        counts, self._counts = self._counts, TickCounts()
        return counts


def _by_table(items: Sequence[RowBatch | Mark]) -> tuple[dict[Table, RowBatch], RowBatch]:
    """All rows among the items, in order: of each table, if only an empty batch, and by REST."""
    batches: dict[Table, list[RowBatch]] = {table: [] for table in Table}
    by_rest: list[RowBatch] = []
    for item in items:
        if isinstance(item, RowBatch):
            (by_rest if item.route == REST else batches[item.table]).append(item)
    streamed = {table: RowBatch.concat(table, parts) for table, parts in batches.items()}
    return streamed, RowBatch.concat(Table.TRADES, by_rest)
