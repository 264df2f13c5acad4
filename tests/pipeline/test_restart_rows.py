"""Rows that a new process is sent, after one whose state it continues: none twice, none lost.

What a crash and a clean stop have in common is tested with both.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.pipeline.market import INSTRUMENTS, Items, delivered, in_ticks, market
from tests.pipeline.numbered import Build, each_row_from_before, numbers, row
from tests.pipeline.streams import (
    DAY,
    SECOND,
    T0,
    Level,
    Out,
    book,
    continued,
    new_pipeline,
    quotes,
    record,
    tail_of,
    ticked,
    tickers,
    trades,
)
from tick_logger.model.cause import Cause
from tick_logger.model.marks import AwaitSnapshot, Resumed
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, NO_TIME, SIDE_BUY, Table

STOP = T0 + 100 * SECOND
BACK = T0 + 200 * SECOND


def resumed(*tables: Table, at: int = BACK) -> Resumed:
    return Resumed((0,), tables, at)


# -- rows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("cause", [Cause.CRASH, Cause.RESTART])
def test_no_trade_is_lost_or_doubled_and_what_neither_process_saw_is_known(
    seed: int, cause: Cause
) -> None:
    """The second process is sent some trades again, or misses some, whenever the first stopped."""
    rng = random.Random(seed)
    truth = sorted(market(rng, 40), key=lambda trade: trade[2])
    arrivals = delivered(rng, truth[: rng.randrange(30, 60)])
    second = truth[rng.randrange(len(arrivals) - 25, len(arrivals) + 15) :]
    first = {(i, seq) for i, _, _, seq in arrivals}
    ends = {(i, max((seq for j, seq in first if j == i), default=0)) for i in range(INSTRUMENTS)}
    pipeline, out = new_pipeline(), Out()
    ticks = in_ticks(rng, arrivals)
    ticked(out, pipeline, *ticks[:-1])
    pipeline.push(ticks[-1])  # and then it stops
    if cause is Cause.RESTART:
        out.add(pipeline.close(STOP))
    pipeline = continued(pipeline, cause, arrivals[-1][1], INSTRUMENTS)
    back: Items = [Resumed(tuple(range(INSTRUMENTS)), (Table.TRADES,), T0 + SECOND)]
    ticked(out, pipeline, back, *in_ticks(rng, delivered(rng, second, delay_ns=SECOND)))
    out.add(pipeline.close(T0 + DAY))
    for instrument in range(INSTRUMENTS):
        sent = {seq for i, seq in first if i == instrument}
        sent |= {seq for i, _, _, seq in second if i == instrument}
        assert Counter(out.ids(instrument)) == Counter(sent)
        assert out.missing(instrument) == set(range(min(sent), max(sent))) - sent
        main = out.keys(instrument)
        assert main == sorted(main)
    holes = [gap for gap in out.gaps if gap.from_id and not gap.healed]
    across = [gap for gap in holes if (gap.instrument, (gap.from_id or 0) - 1) in ends]
    assert {gap.cause for gap in across} <= {cause}


def test_what_a_process_had_received_is_released_with_the_first_flush_after_it() -> None:
    """Pushed, in the window, or held for a snapshot: nothing waits for the new process."""
    pipeline, out = new_pipeline(), Out()
    level = Level(T0 + 1, T0 + 1, 5, 1, 7.0, 1.0)
    ticked(out, pipeline, [AwaitSnapshot(0, T0), book([level]), trades([(0, T0, T0, 1)])])
    pipeline.push([trades([(0, T0 + 2, T0 + 2, 2)])])
    rows = pipeline.held_bytes
    assert out.runs == []
    pipeline = continued(pipeline)
    assert pipeline.held_bytes == rows
    ticked(out, pipeline, [trades([(0, BACK, BACK, 3)])])
    assert out.ids() == [1, 2]
    assert out.ids(0, Table.BOOK) == [5]
    assert pipeline.held_bytes == trades([(0, BACK, BACK, 3)]).nbytes


def test_a_row_older_than_the_end_of_the_file_is_late_after_a_restart() -> None:
    """The file must stay sorted, whichever process wrote its first part."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [trades([(0, T0, T0, 1), (0, T0 + 9, T0 + 9, 3)])])
    pipeline = continued(pipeline)
    ticked(out, pipeline, [trades([(0, BACK, T0 + 5, 2), (0, BACK, T0 + 9, 4)])])
    out.add(pipeline.close(BACK))
    assert out.keys(late=True) == [(T0 + 5, 2)]
    assert out.keys() == [(T0, 1), (T0 + 9, 3), (T0 + 9, 4)]


# -- repetitions -----------------------------------------------------------------------------------


def after_restart(before: RowBatch, again: RowBatch, *, clean: bool, idle_ticks: int = 0) -> Out:
    """What comes out of a process that receives `again`, after one that had received `before`."""
    pipeline = new_pipeline()
    pipeline.push([before])
    for _ in range(idle_ticks):
        pipeline.tick()
    if clean:
        pipeline.close(STOP)
    pipeline = continued(pipeline)
    if not clean:
        pipeline.tick()  # the rest of the first process
    return record([[again]], pipeline)


@pytest.mark.parametrize("clean", [True, False])
@each_row_from_before
def test_quotes_older_than_the_end_of_a_process_were_there_before(
    event: int, seq: int, kept: bool, clean: bool
) -> None:
    """A new connection is sent something old only again; but ids and clocks may also go wrong."""
    old = (0, BACK, T0 + 1000 * event, 100 + seq)
    before = quotes([row(n) for n in range(1, 6)])
    after = after_restart(before, quotes([old, row(9, BACK)]), clean=clean)
    assert numbers(after, Table.QUOTES) == ([seq, 9] if kept else [9])
    assert after.duplicates.total() == (not kept)


@pytest.mark.parametrize("clean", [True, False])
def test_a_quote_without_a_time_that_greets_a_new_process_is_recognised(clean: bool) -> None:
    """Its receive time stands in, so only the id tells that it ended the process before."""
    before = quotes([(0, T0 + n, NO_TIME, n) for n in (1, 2, 3)])
    again = quotes([(0, BACK, NO_TIME, 3), (0, BACK + 1, NO_TIME, 4)])
    after = after_restart(before, again, clean=clean)
    assert after.ids(0, Table.QUOTES) == [4]


def test_ids_that_began_anew_before_a_stop_do_not_hide_what_comes_after_it() -> None:
    """The end of a file is its last row, not the largest id that it holds."""
    pipeline = new_pipeline()
    pipeline.push([quotes([(0, T0, T0, 9000), (0, T0 + 1, T0 + 1, 1), (0, T0 + 2, T0 + 2, 2)])])
    pipeline = continued(pipeline)
    pipeline.tick()
    after = record([[quotes([(0, BACK, T0 + 1, 1), (0, BACK, T0 + 2, 3)])]], pipeline)
    assert after.ids(0, Table.QUOTES) == [3]


@pytest.mark.parametrize("clean", [True, False])
def test_the_ticker_that_greets_a_new_process_is_recognised(clean: bool) -> None:
    """By its sequence, so that another of the same moment is not taken for it."""
    before = tickers([(0, T0, T0, 5), (0, T0 + 1, T0 + 1, 6)])
    again = tickers([(0, BACK, T0 + 1, 6), (0, BACK, T0 + 1, 7), (0, BACK, BACK, 8)])
    after = after_restart(before, again, clean=clean)
    assert after.ids(0, Table.MD) == [7, 8]
    assert after.duplicates == {0: 1}


def test_a_ticker_that_was_overtaken_is_no_repetition() -> None:
    """Sequence and time together name a ticker: an older one that never came is kept, apart."""
    after = after_restart(tickers([row(1), row(3)]), tickers([row(2, BACK)]), clean=True)
    assert after.keys(0, Table.MD, late=True) == [(T0 + 2000, 102)]


@pytest.mark.parametrize("clean", [True, False])
def test_a_snapshot_is_taken_after_a_restart_though_its_updates_are_not(clean: bool) -> None:
    """The book begins anew with it, even if it is the very one with which the first ended."""

    def update(number: int, *prices: float, flags: int = 0) -> list[Level]:
        event = T0 + 1000 * number
        return [Level(T0, event, 100 + number, SIDE_BUY, p, 1.0, flags) for p in prices]

    snapshot = update(2, 10.0, 11.0, flags=FLAG_SNAPSHOT)
    before = book([*update(1, 10.0), *update(2, 11.0), *snapshot])
    again = book([*snapshot, *update(1, 10.0), *update(3, 12.0)])
    after = after_restart(before, again, clean=clean)
    assert [seq - 100 for _, seq in after.keys(0, Table.BOOK)] == [2, 2, 3]
    assert after.column("flags") == [1, 1, 0]


@pytest.mark.parametrize(
    ("build", "table", "repeated"),
    [
        pytest.param(trades, Table.TRADES, 7, id="trades"),
        pytest.param(quotes, Table.QUOTES, 7, id="quotes"),
        pytest.param(tickers, Table.MD, 1, id="md"),
    ],
)
@pytest.mark.parametrize("missed", [0, 4])
def test_after_a_clean_stop_it_is_as_if_the_files_had_been_read(
    build: Build, table: Table, repeated: int, missed: int
) -> None:
    """The oracle is a process without state, which knows the tail of what is on disk."""
    ticks: list[Items] = [[build([row(n, T0 + n) for n in range(k, k + 5)])] for k in (0, 5, 10)]
    numbers = range(15 - repeated, 30) if not missed else range(15 + missed, 30)
    more: list[Items] = [
        [resumed(table), build([row(n, BACK + n) for n in numbers])],
        [build([row(n, BACK + n) for n in range(30, 33)])],
    ]
    pipeline = new_pipeline()
    before = record(ticks, pipeline)
    tail = tail_of(before, 0, table)
    from_files = record(more, new_pipeline({(0, table): tail}))
    from_state = record(more, continued(pipeline, Cause.RESTART, tail.last_recv_ns))
    assert len(from_state.ids(0, table)) == 18 - missed
    assert from_state.gaps == from_files.gaps
    assert from_state.duplicates == from_files.duplicates
    assert from_state.fingerprint() == from_files.fingerprint()
