"""The pipeline as a whole, against oracles that are sets and lists of what was sent."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.market import INSTRUMENTS, Items, delivered, in_ticks, market
from tests.pipeline.streams import (
    DAY,
    SECOND,
    T0,
    Level,
    Out,
    book,
    examples,
    new_pipeline,
    quotes,
    record,
    run_keys,
    tail_of,
    trades,
)
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.marks import (
    AwaitSnapshot,
    Interrupted,
    LastTradeId,
    NoSnapshot,
    Resumed,
    Retired,
)
from tick_logger.model.proof import Ids
from tick_logger.model.tables import NO_TIME, Table
from tick_logger.pipeline.id_line import MAX_OPEN_HOLES
from tick_logger.pipeline.pipeline import Pipeline


@pytest.mark.parametrize("seed", range(30))
def test_each_trade_comes_out_once_in_order_and_each_missing_id_is_recorded(seed: int) -> None:
    """Rows are delayed, repeated and withheld at random; ticks fall anywhere."""
    rng = random.Random(seed)
    truth = market(rng)
    sent = [trade for trade in truth if rng.random() > 0.03]
    arrivals = delivered(rng, sent)
    pipeline, out = new_pipeline(), Out()
    newest = dict.fromkeys(range(INSTRUMENTS), (0, 0))
    for items in in_ticks(rng, arrivals):
        pipeline.push(items)
        before = dict(newest)
        for run in out.add(pipeline.tick()).runs:
            keys = run_keys(run)
            assert keys == sorted(keys)
            if run.late:
                assert keys[-1] < before[run.instrument]
            else:
                assert keys[0] >= newest[run.instrument]
                newest[run.instrument] = keys[-1]
    out.add(pipeline.close(T0 + DAY))
    for instrument in range(INSTRUMENTS):
        ids = [seq for i, _, _, seq in sent if i == instrument]
        assert out.ids(instrument) == sorted(ids)
        main = out.keys(instrument)
        assert main == sorted(main)
        assert out.missing(instrument) == set(range(min(ids), max(ids))) - set(ids)
    assert out.duplicates.total() == len(arrivals) - len(sent)


def test_days_are_cut_by_event_time_not_by_receipt() -> None:
    """A clock that is behind, and a trade that comes late over midnight."""
    rows = [
        (0, T0 - 2 * SECOND, T0 - 5, 1),
        (0, T0 - 2 * SECOND, T0 - 1, 2),
        (0, T0 - 1 * SECOND, T0, 3),
        (0, T0 + 1 * SECOND, T0 - 3, 4),
    ]
    out = record([[trades(rows)]])
    today = T0 // DAY
    assert [(run.day, run_keys(run)) for run in out.runs] == [
        (today - 1, [(T0 - 5, 1), (T0 - 3, 4), (T0 - 1, 2)]),
        (today, [(T0, 3)]),
    ]


@pytest.mark.parametrize("seed", range(10))
def test_a_restart_goes_on_without_duplicates_and_knows_what_it_missed(seed: int) -> None:
    """The second run sees some rows again; what neither saw is a hole with cause restart."""
    rng = random.Random(seed)
    truth = sorted(market(rng, 40), key=lambda trade: trade[2])
    first = truth[: rng.randrange(30, 60)]
    second = truth[rng.randrange(len(first) - 20, len(first) + 20) :]
    before = record(in_ticks(rng, delivered(rng, first)))
    known = [i for i in range(INSTRUMENTS) if before.keys(i)]
    tails = {(i, Table.TRADES): tail_of(before, i, Table.TRADES) for i in known}
    resumed: Items = [Resumed(tuple(range(INSTRUMENTS)), (Table.TRADES,), T0 + SECOND)]
    ticks = [resumed, *in_ticks(rng, delivered(rng, second, delay_ns=SECOND))]
    after = record(ticks, new_pipeline(tails))
    for instrument in range(INSTRUMENTS):
        sent = {seq for i, _, _, seq in (*first, *second) if i == instrument}
        assert Counter(before.ids(instrument)) + Counter(after.ids(instrument)) == Counter(sent)
        assert after.missing(instrument) == set(range(min(sent), max(sent))) - sent
        end = tails[instrument, Table.TRADES].last_event_ns if instrument in known else 0
        assert all(event >= end for event, _ in after.keys(instrument))
    holes = [gap for gap in after.gaps if gap.from_id in after.missing(gap.instrument)]
    assert {gap.cause for gap in holes} <= {"restart"}
    assert all(gap.from_ns == tails[gap.instrument, Table.TRADES].last_recv_ns for gap in holes)


def test_a_row_older_than_the_end_of_the_file_is_late_after_a_restart() -> None:
    """The file must stay sorted, whoever wrote its first part."""
    before = record([[trades([(0, T0, T0, 1), (0, T0 + 9, T0 + 9, 3)])]])
    tails = {(0, Table.TRADES): tail_of(before, 0, Table.TRADES)}
    after = record(
        [[trades([(0, T0 + 20, T0 + 5, 2), (0, T0 + 20, T0 + 9, 4)])]], new_pipeline(tails)
    )
    assert after.keys(late=True) == [(T0 + 5, 2)]
    assert after.keys() == [(T0 + 9, 4)]


def test_a_restart_of_a_table_without_dense_ids_is_a_record_of_times() -> None:
    """From the last row on disk to the new subscription."""
    before = record([[quotes([(0, T0 + 5, NO_TIME, 7)])]])
    tails = {(0, Table.QUOTES): tail_of(before, 0, Table.QUOTES)}
    items: Items = [
        Interrupted((0,), (Table.QUOTES,), T0 + SECOND, Cause.DISCONNECT),  # the first dial failed
        Resumed((0,), (Table.QUOTES,), T0 + 3 * SECOND),
        quotes([(0, T0 + 4 * SECOND, NO_TIME, 9)]),
    ]
    after = record([items, [quotes([(0, T0 + 5 * SECOND, NO_TIME, 10)])]], new_pipeline(tails))
    assert after.gaps == [
        GapRecord(0, Table.QUOTES, None, None, T0 + 5, T0 + 3 * SECOND, Cause.RESTART)
    ]


def test_the_disk_is_asked_once_per_stream_and_only_for_those_in_use() -> None:
    """At the first row or mark that names it."""
    asked: list[tuple[int, Table]] = []
    pipeline = Pipeline(
        trade_ids=lambda _: Ids.DENSE,
        venue_of=lambda _: "venue",
        tail_of=lambda instrument, table: asked.append((instrument, table)),
    )
    for _ in range(3):
        pipeline.push([trades([(4, T0, T0, 1)]), Resumed((2,), (Table.MD,), T0)])
        pipeline.push([LastTradeId(300, 5, T0)])
        pipeline.tick()
    assert sorted(asked) == [(2, Table.MD), (4, Table.TRADES), (300, Table.TRADES)]


def test_a_disconnect_between_two_trades_is_the_cause_of_what_is_missing() -> None:
    """The brackets are the receive times around the hole, not those of the interruption."""
    out = record(
        [
            [
                trades([(0, T0, T0, 1)]),
                Interrupted((0,), (Table.TRADES,), T0 + 5, Cause.DISCONNECT),
            ],
            [Resumed((0,), (Table.TRADES,), T0 + 50), trades([(0, T0 + 60, T0 + 55, 4)])],
            [trades([(0, T0 + 90, T0 + 85, 9)])],
        ]
    )
    assert out.gaps == [
        GapRecord(0, Table.TRADES, 2, 3, T0, T0 + 60, Cause.DISCONNECT),
        GapRecord(0, Table.TRADES, 5, 8, T0 + 60, T0 + 90, Cause.SEQUENCE),
    ]


def test_an_interruption_that_cost_no_trade_leaves_no_record() -> None:
    """Ids continue: nothing was lost."""
    marks: Items = [
        Interrupted((0,), (Table.TRADES,), T0 + 5, Cause.DISCONNECT),
        Resumed((0,), (Table.TRADES,), T0 + 50),
    ]
    out = record([[trades([(0, T0, T0, 1)])], marks, [trades([(0, T0 + 60, T0 + 55, 2)])]])
    assert out.gaps == []


def test_an_announced_trade_that_never_comes_is_a_hole() -> None:
    """It has a tick's time to arrive; if it comes later still, the hole is healed."""
    ticks: list[Items] = [
        [trades([(0, T0, T0, 1)]), LastTradeId(0, 3, T0 + 10)],
        [trades([(0, T0 + 20, T0 + 15, 2)])],
        [],
        [],
        [trades([(0, T0 + 90, T0 + 18, 3)])],
    ]
    out = record(ticks)
    assert out.gaps == [
        GapRecord(0, Table.TRADES, 3, 3, T0 + 10, T0 + 20, Cause.SEQUENCE),
        GapRecord(0, Table.TRADES, 3, 3, None, T0 + 90, Cause.SEQUENCE, "late"),
    ]
    assert out.missing() == set()
    assert out.ids() == [1, 2, 3]


@pytest.mark.parametrize("idle_ticks", [0, 1])
def test_an_announced_trade_that_has_not_come_at_the_end_is_a_hole(idle_ticks: int) -> None:
    """Nothing can bring it any more, however short the time that it had."""
    items: Items = [trades([(0, T0, T0, 1)]), LastTradeId(0, 3, T0 + 10)]
    out, pipeline = Out(), new_pipeline()
    pipeline.push(items)
    for _ in range(idle_ticks):
        out.add(pipeline.tick())
    out.add(pipeline.close(T0 + 20))
    assert out.gaps == [GapRecord(0, Table.TRADES, 2, 3, T0, T0 + 10, Cause.SEQUENCE)]


def test_an_announced_trade_that_comes_in_time_is_none() -> None:
    """Heartbeats may overtake trades by a tick."""
    ticks: list[Items] = [
        [trades([(0, T0, T0, 1)]), LastTradeId(0, 3, T0 + 10)],
        [trades([(0, T0 + 20, T0 + 15, 2), (0, T0 + 21, T0 + 16, 3)])],
        [],
        [],
    ]
    assert record(ticks).gaps == []


@examples
@given(
    st.lists(
        st.tuples(st.sets(st.integers(0, 12), max_size=5), st.none() | st.integers(0, 12)),
        max_size=10,
    )
)
def test_holes_around_announced_ids_are_exact(
    ticks: list[tuple[set[int], int | None]],
) -> None:
    """Rows and announcements in any order: what the records say is missing, is."""
    pipeline, out = new_pipeline(), Out()
    sent: set[int] = set()
    known = -1  # the highest id that the pipeline must know of
    for ids, announced in [({0}, None), *ticks, (set(), None), (set(), None)]:
        pipeline.push([trades([(0, T0 + seq, T0 + seq, 100 + seq) for seq in sorted(ids)])])
        if announced is not None:
            pipeline.push([LastTradeId(0, 100 + announced, T0)])
            known = max(known, announced)
        sent |= ids
        out.add(pipeline.tick())
    out.add(pipeline.close(T0))
    assert out.missing() == {100 + n for n in set(range(max(*sent, known) + 1)) - sent}
    assert out.ids() == sorted(100 + n for n in sent)


def test_rows_without_event_time_get_their_receive_time() -> None:
    """Quotes of venues that send none."""
    out = record([[quotes([(0, T0 + 5, NO_TIME, 1), (0, T0 + 9, NO_TIME, 2)])]])
    assert out.keys(0, Table.QUOTES) == [(T0 + 5, 1), (T0 + 9, 2)]


def test_a_row_is_released_at_the_second_tick_after_it_came() -> None:
    """A tick in the window, and none is held longer."""
    pipeline, out = new_pipeline(), Out()
    released = []
    for tick in range(4):
        if tick == 0:
            pipeline.push([trades([(0, T0, T0, 1)])])
        released.append(sum(len(run.rows) for run in out.add(pipeline.tick()).runs))
    assert released == [0, 1, 0, 0]


def test_held_bytes_are_those_of_the_rows_not_yet_released() -> None:
    """Pushed or in the window."""
    pipeline = new_pipeline()
    one, two = trades([(0, T0, T0, 1)]), quotes([(0, T0, T0, 1), (0, T0, T0 + 1, 2)])
    pipeline.push([one])
    pipeline.push([two, Resumed((0,), (Table.MD,), T0)])
    assert pipeline.held_bytes == one.nbytes + two.nbytes
    pipeline.tick()
    assert pipeline.held_bytes == one.nbytes + two.nbytes
    pipeline.tick()
    assert pipeline.held_bytes == 0


def test_many_ticks_leave_nothing_behind() -> None:
    """State is bounded by the number of instruments, whatever happens for months."""
    pipeline = new_pipeline()
    sizes = []
    for number in range(400):
        at = T0 + number * SECOND
        pipeline.push(
            [
                trades([(i, at, at, 2 * number) for i in range(3)]),  # every second id is missing
                quotes([(i, at, at, number) for i in range(3)]),
                book([Level(at, NO_TIME, number, 1, 1.0, 1.0, instrument=number % 3)]),
                Interrupted((0, 1, 2), (Table.TRADES, Table.MD), at, Cause.DISCONNECT),
                Resumed((0, 1, 2), (Table.TRADES, Table.MD), at + 1),
                NoSnapshot((number - 2) % 3, at),
                AwaitSnapshot(number % 3, at),
                Retired((2,), at),
            ]
        )
        pipeline.tick(at)
        if number in (199, 399):
            gaps, waiting = pipeline._gaps, pipeline._books
            sizes.append(
                (
                    len(gaps._outages),
                    sum(map(len, gaps._past._of.values())),
                    sum(map(len, gaps.holes._pending.values())),
                    sum(map(len, gaps.holes._recorded.values())) <= 3 * MAX_OPEN_HOLES,
                    len(gaps._open._seen) <= 12,
                    len(gaps._records),
                    len(waiting._books) <= 3,
                    pipeline.held_bytes < 20_000,
                    len(pipeline._announced.dump()) + len(pipeline._items),
                )
            )
    assert sizes[0] == sizes[1]


def test_nothing_in_nothing_out() -> None:
    """Ticks without rows, and closing without any."""
    out = record([[], [trades([])], []])
    assert (out.runs, out.gaps) == ([], [])
