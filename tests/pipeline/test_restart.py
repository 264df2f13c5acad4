"""A new process that continues the state of one before: the pause is written down, and only that.

What a crash and a clean stop have in common is tested with both.
"""

from __future__ import annotations

import random

import attrs
import pytest

from tests.pipeline.books import MS, Venue, rebuilt
from tests.pipeline.streams import (
    SECOND,
    T0,
    Level,
    Out,
    book,
    continued,
    new_pipeline,
    quotes,
    run_keys,
    ticked,
    tickers,
    trades,
)
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord, StreamTail
from tick_logger.model.marks import AwaitSnapshot, Interrupted, LastTradeId, Resumed, Retired
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, NO_TIME, Table
from tick_logger.pipeline.books import WAIT_TICKS

STOP = T0 + 100 * SECOND
BACK = T0 + 200 * SECOND


def outage(table: Table, from_ns: int, to_ns: int, cause: Cause) -> GapRecord:
    return GapRecord(0, table, None, None, from_ns, to_ns, cause)


def resumed(*tables: Table, at: int = BACK) -> Resumed:
    return Resumed((0,), tables, at)


# -- interruptions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", [Cause.CRASH, Cause.RESTART])
def test_the_pause_of_a_table_without_dense_ids_is_a_record_of_times(cause: Cause) -> None:
    """From the stop to the new subscription; failed attempts in between keep the cause."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [quotes([(0, T0, NO_TIME, 7)])])
    if cause is Cause.RESTART:
        out.add(pipeline.close(STOP + SECOND))
    pipeline = continued(pipeline, cause)
    refused = Interrupted((0,), (Table.QUOTES,), BACK - SECOND, Cause.DISCONNECT)
    ticked(out, pipeline, [], [refused], [resumed(Table.QUOTES), quotes([(0, BACK, NO_TIME, 9)])])
    out.add(pipeline.close(BACK + SECOND))
    assert out.gaps == [outage(Table.QUOTES, STOP, BACK, cause)]


def test_ids_prove_whether_the_pause_cost_trades() -> None:
    """What continues without a hole has lost nothing; a hole has the cause of the stop."""
    for first_id, expected in (
        (2, []),
        (4, [GapRecord(0, Table.TRADES, 2, 3, T0, BACK + 5, Cause.CRASH)]),
    ):
        pipeline, out = new_pipeline(), Out()
        ticked(out, pipeline, [trades([(0, T0, T0, 1)])])
        pipeline = continued(pipeline)
        ticked(out, pipeline, [resumed(Table.TRADES), trades([(0, BACK + 5, BACK, first_id)])])
        out.add(pipeline.close(BACK + SECOND))
        assert out.gaps == expected


def test_the_newest_trade_as_the_venue_knows_it_proves_the_same() -> None:
    """Nothing was traded during the pause, or something was."""
    for newest, expected in (
        (1, []),
        (2, [GapRecord(0, Table.TRADES, 2, 2, T0, BACK + 5, Cause.CRASH)]),
    ):
        pipeline, out = new_pipeline(), Out()
        ticked(out, pipeline, [trades([(0, T0, T0, 1)])])
        pipeline = continued(pipeline)
        ticked(out, pipeline, [resumed(Table.TRADES), LastTradeId(0, newest, BACK + 5)])
        out.add(pipeline.close(BACK + SECOND))
        assert out.gaps == expected


@pytest.mark.parametrize("table", [Table.MD, Table.TRADES])
def test_the_pause_of_a_stream_that_never_had_a_row_is_recorded_as_well(table: Table) -> None:
    """Its first row may be what the pause has cost."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [resumed(table, at=T0)])
    pipeline = continued(pipeline)
    ticked(out, pipeline, [resumed(table)])
    out.add(pipeline.close(BACK + SECOND))
    assert out.gaps == [outage(table, STOP, BACK, Cause.CRASH)]


def test_a_pause_that_no_trade_ended_is_recorded_once() -> None:
    """Two processes without a trade, after a clean stop and after a crash."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [trades([(0, T0, T0, 1)])])
    pipeline = continued(pipeline)
    ticked(out, pipeline, [resumed(Table.TRADES)])
    out.add(pipeline.close(BACK + SECOND))
    assert out.gaps == [outage(Table.TRADES, STOP, BACK, Cause.CRASH)]
    pipeline = continued(pipeline, Cause.RESTART, BACK + SECOND)
    ticked(out, pipeline, [resumed(Table.TRADES, at=BACK + 2 * SECOND)])
    out.add(pipeline.close(BACK + 3 * SECOND))
    assert out.gaps[1:] == [
        outage(Table.TRADES, BACK + SECOND, BACK + 2 * SECOND, Cause.RESTART),
    ]


def test_an_interruption_that_a_crash_fell_into_keeps_its_beginning_and_cause() -> None:
    """It is one hole, from the first to the last moment without data."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [Interrupted((0,), (Table.MD,), T0 + 5, Cause.DISCONNECT)])
    pipeline = continued(pipeline)
    ticked(out, pipeline, [], [Interrupted((0,), (Table.MD,), BACK - 1, Cause.SILENT)])
    ticked(out, pipeline, [resumed(Table.MD)])
    assert out.gaps == [outage(Table.MD, T0 + 5, BACK, Cause.DISCONNECT)]


def test_a_process_that_ends_again_at_once_does_not_shorten_the_pause() -> None:
    """Killed before it used the stream: the pause begins with the first stop."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [tickers([(0, T0, T0, 1)])])
    pipeline = continued(continued(pipeline, Cause.CRASH), Cause.RESTART, STOP + 50 * SECOND)
    ticked(out, pipeline, [resumed(Table.MD)])
    assert out.gaps == [outage(Table.MD, STOP, BACK, Cause.CRASH)]


def test_a_stream_that_is_not_used_again_leaves_no_record() -> None:
    """Nobody asks for it any more; whoever does later learns how long it was not there."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [tickers([(0, T0, T0, 1)])])
    for run in range(3):
        pipeline = continued(pipeline, Cause(f"stop {run}"), STOP + run * SECOND)
        ticked(out, pipeline, [], [])
        out.add(pipeline.close(STOP + run * SECOND + 5))
    assert out.gaps == []
    ticked(out, continued(pipeline, Cause("stop 3"), BACK - SECOND), [resumed(Table.MD)])
    assert out.gaps == [outage(Table.MD, STOP, BACK, Cause("stop 0"))]


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("table", [Table.MD, Table.TRADES])
def test_an_interruption_of_a_stream_that_nobody_wants_any_more_ends_with_its_process(
    table: Table, clean: bool
) -> None:
    """Recorded once, when the first process without it ends; then the pause begins."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [Interrupted((0,), (table,), T0 + 5, Cause.DISCONNECT)])
    lost = outage(table, T0 + 5, STOP, Cause.DISCONNECT)
    for run in range(1, 4):
        pipeline = continued(pipeline, Cause.CRASH, STOP + (run - 1) * SECOND)
        ticked(out, pipeline, [])
        if clean:
            out.add(pipeline.close(STOP + run * SECOND))
            assert out.gaps == [lost]
    out.add(pipeline.close(BACK))
    assert out.gaps == [lost]
    pipeline = continued(pipeline, Cause.CRASH, BACK - 1)
    ticked(out, pipeline, [resumed(table)])
    out.add(pipeline.close(BACK + SECOND))
    assert out.gaps[1:] == [outage(table, STOP, BACK, Cause.CRASH)]


def test_such_an_interruption_is_not_lengthened_by_a_later_process_that_wants_the_stream() -> None:
    """Though all of them crash: the second recorded it, the third begins where the first ended."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [Interrupted((0,), (Table.MD,), T0 + 5, Cause.DISCONNECT)])
    pipeline = continued(continued(pipeline), Cause.CRASH, BACK - 1)
    ticked(out, pipeline, [resumed(Table.MD)])
    assert out.gaps == [
        outage(Table.MD, T0 + 5, STOP, Cause.DISCONNECT),
        outage(Table.MD, STOP, BACK, Cause.CRASH),
    ]


@pytest.mark.parametrize("table", [Table.QUOTES, Table.MD, Table.BOOK])
def test_what_is_retired_before_anything_came_of_it_leaves_the_pause_in_a_record(
    table: Table,
) -> None:
    """It was wanted when the process began: what was missed until then is a loss."""
    pipeline, out = new_pipeline(), Out()
    first = {
        Table.QUOTES: quotes([(0, T0, NO_TIME, 7)]),
        Table.MD: tickers([(0, T0, T0, 7)]),
        Table.BOOK: book([Level(T0, T0, 7, 1, 1.0, 2.0, FLAG_SNAPSHOT)]),
    }
    ticked(out, pipeline, [first[table]])
    pipeline = continued(pipeline)
    ticked(out, pipeline, [Retired((0,), BACK, (table,))])
    out.add(pipeline.close(BACK + SECOND))
    assert out.gaps == [outage(table, STOP, BACK, Cause.CRASH)]


@pytest.mark.parametrize("clean", [True, False])
def test_what_is_retired_stays_so_until_it_is_resumed(clean: bool) -> None:
    """By intent nothing was recorded, in this process or the next."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [tickers([(0, T0, T0, 1)]), trades([(0, T0, T0, 1)])])
    ticked(out, pipeline, [Retired((0,), T0 + 5)])
    for _ in range(2):  # the second process does not use it
        if clean:
            out.add(pipeline.close(STOP))
        pipeline = continued(pipeline)
    ticked(out, pipeline, [resumed(Table.MD, Table.TRADES), trades([(0, BACK, BACK, 4)])])
    out.add(pipeline.close(BACK + SECOND))
    assert out.gaps == [GapRecord(0, Table.TRADES, 2, 3, T0, BACK, Cause.RETIRED)]


def test_an_instrument_without_a_time_of_stop_goes_on_as_if_nothing_had_been() -> None:
    """The caller knows of no process that received it and ended."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [tickers([(0, T0, T0, 1), (1, T0, T0, 1)])])
    pipeline = continued(pipeline, count=1)
    ticked(out, pipeline, [Resumed((0, 1), (Table.MD,), BACK)])
    assert out.gaps == [outage(Table.MD, STOP, BACK, Cause.CRASH)]


def test_only_streams_without_state_are_looked_up_on_disk() -> None:
    """Those of a directory that an older version wrote; their pause is a restart."""
    pipeline = new_pipeline()
    pipeline.push([tickers([(0, T0, T0, 1)])])
    pipeline.tick()
    tails = {(i, Table.MD): StreamTail(T0 + 7, 0, T0 + 8) for i in range(2)}
    again, out = new_pipeline(tails), Out()
    again.load(pipeline.dump())
    again.restarted({0: STOP}, Cause.CRASH, WAIT_TICKS)
    ticked(out, again, [Resumed((0, 1), (Table.MD,), BACK)])
    assert out.gaps == [
        outage(Table.MD, STOP, BACK, Cause.CRASH),
        GapRecord(1, Table.MD, None, None, T0 + 8, BACK, Cause.RESTART),
    ]


# -- books -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("first_id", [7, 2])
def test_a_snapshot_that_a_crash_prevented_is_a_record_and_the_next_one_is_waited_for(
    first_id: int,
) -> None:
    """The rows that waited for it are kept, and those of the new process wait for theirs.

    Also if the venue's ids have begun anew meanwhile.
    """

    def level(seq: int, at: int, flags: int = 0) -> RowBatch:
        event = NO_TIME if flags else at
        return book([Level(at, event, seq, 1, 7.0, float(seq), flags)])

    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [AwaitSnapshot(0, T0), level(5, T0 + 1)])
    pipeline = continued(pipeline)
    ticked(out, pipeline, [resumed(Table.BOOK), AwaitSnapshot(0, BACK)])
    ticked(out, pipeline, [level(first_id + 1, BACK + 1)])
    assert out.keys(table=Table.BOOK) == [(T0 + 1, 5)]
    ticked(out, pipeline, [], [], [level(first_id, BACK + 2, FLAG_SNAPSHOT)], [])
    placed = [(BACK + 1, first_id), (BACK + 1, first_id + 1)]
    assert [run_keys(run) for run in out.runs[1:]] == [placed]
    assert {gap for gap in out.gaps if gap.cause is not Cause.RENUMBERED} == {
        outage(Table.BOOK, STOP, BACK, Cause.CRASH),
        outage(Table.BOOK, T0, STOP, Cause.SNAPSHOT),
    }
    assert out.begun_again == ({0: 1} if first_id == 2 else {})


def test_how_long_books_wait_is_what_the_new_process_says() -> None:
    """Its ticks may be of another length."""
    pipeline, out = new_pipeline(), Out()
    again = new_pipeline()
    again.load(pipeline.dump())
    again.restarted({}, Cause.RESTART, 3)
    again.push([AwaitSnapshot(0, T0), book([Level(T0 + 1, T0 + 1, 5, 1, 7.0, 1.0)])])
    assert [bool(out.add(again.tick()).runs) for _ in range(6)] == [False] * 4 + [True, False]


@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("clean", [True, False])
def test_a_book_can_be_rebuilt_after_a_stop_at_any_moment(seed: int, clean: bool) -> None:
    """Each update comes out once, and from the new snapshot on they give the venue's book."""
    rng = random.Random(seed)
    venue, pipeline, out = Venue(rng), new_pipeline(), Out()
    sent: list[int] = []

    def update() -> RowBatch:
        levels = venue.update()
        sent.extend(level.seq for level in levels)
        return book(levels)

    pipeline.push([AwaitSnapshot(0, T0)])
    snapshot_after = rng.randrange(-8, 12)  # negative: not before the stop
    for number in range(rng.randrange(12)):
        pipeline.push([update()])
        if number == snapshot_after:
            pipeline.push([book(venue.snapshot(venue.now + 100 * MS))])
        if rng.random() < 0.4:
            out.add(pipeline.tick())
    stop = venue.now + 100 * MS
    if clean:
        out.add(pipeline.close(stop))
    pipeline = continued(pipeline, Cause.CRASH, stop)
    for _ in range(rng.randrange(5)):
        venue.update()  # while there is no process
    pipeline.push([resumed(Table.BOOK, at=venue.now + 50 * MS), AwaitSnapshot(0, venue.now)])
    for _ in range(rng.randrange(5)):
        pipeline.push([update()])
        if rng.random() < 0.4:
            out.add(pipeline.tick())
    taken_id, snapshot = venue.last_id, venue.snapshot(0)
    received = venue.now + 200 * MS
    pipeline.push([update(), book([attrs.evolve(level, recv=received) for level in snapshot])])
    ticked(out, pipeline, [update()], [update()])
    out.add(pipeline.close(venue.now + SECOND))
    keys = zip(out.column("seq"), out.column("flags"), strict=True)
    assert sorted(seq for seq, flags in keys if not flags) == sent
    assert out.keys(table=Table.BOOK, late=True) == []
    after = rebuilt(out, taken_id)
    assert after == {seq: state for seq, state in venue.after.items() if seq > taken_id}
