"""Quotes, books and tickers whose ids begin again: each row once, and a record that says so."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
import pytest

from tests.pipeline.streams import (
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
)
from tick_logger.model.cause import Cause
from tick_logger.model.flush import VOID
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, NO_TIME, SIDE_BUY, Table


def bests(*rows: tuple[int, int, float], timed: bool = True) -> RowBatch:
    """Quotes of (number of the moment, id, best bid)."""
    batch = quotes([(0, T0 + n, T0 + n if timed else NO_TIME, seq) for n, seq, _ in rows])
    return batch.replace(best_bid=np.array([bid for _, _, bid in rows]))


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("together", [True, False])
def test_quotes_that_begin_again_and_are_pushed_again_are_rows_once(
    timed: bool, together: bool
) -> None:
    """As an exchange does that repeats the last one every few seconds."""
    sent = [(1, 499, 1.0), (2, 500, 2.0), (3, 1, 3.0), (4, 1, 3.0), (5, 1, 3.0), (9, 2, 4.0)]
    sent += [(12, 2, 4.0), (13, 3, 5.0), (14, 3, 5.0)]
    ticks = (
        [[bests(*sent, timed=timed)]] if together else [[bests(each, timed=timed)] for each in sent]
    )
    out = record(ticks)
    assert [seq for _, seq in out.keys(0, Table.QUOTES)] == [499, 500, 1, 2, 3]
    assert out.duplicates == {0: 4}
    assert [(gap.from_id, gap.to_id, gap.cause, gap.healed) for gap in out.gaps] == [
        (500, 1, Cause.RENUMBERED, VOID)
    ]


@pytest.mark.parametrize("timed", [True, False])
def test_a_quote_with_the_id_of_the_newest_and_other_prices_is_another(timed: bool) -> None:
    """Two beginnings in a row both start at 1; between two that are alike was another."""
    sent = [(1, 1, 1.0), (2, 1, 1.0), (30, 1, 2.0), (31, 1, 2.0)]
    out = record([[bests(each, timed=timed)] for each in sent])
    assert out.column("best_bid", table=Table.QUOTES) == [1.0, 2.0]
    assert out.begun_again == {0: 1}
    if timed:
        back = record([[bests(*sent, (40, 1, 1.0))]])
        assert back.column("best_bid", table=Table.QUOTES) == [1.0, 2.0, 1.0]


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("together", [True, False])
def test_two_connections_that_interleave_are_not_ids_that_begin_again(
    timed: bool, together: bool
) -> None:
    """498 and 499 of one, then 498 of the other; also where ids do begin again meanwhile."""
    fast = [(1, 498), (2, 499), (5, 500), (6, 1), (8, 2), (10, 3)]
    slow = [(3, 498), (4, 499), (7, 500), (9, 1), (11, 2), (12, 3)]
    event_of = {seq: T0 + n for n, seq in fast}
    arrivals = sorted([*fast, *slow])
    rows = [
        quotes([(0, T0 + n, event_of[seq] if timed else NO_TIME, seq)]).replace(
            best_bid=np.array([float(seq)])
        )
        for n, seq in arrivals
    ]
    # As far behind as the reorder window reaches.
    out = record([[*rows]] if together else [rows[:3], rows[3:7], rows[7:10], rows[10:]])
    assert [seq for _, seq in out.keys(0, Table.QUOTES)] == [498, 499, 500, 1, 2, 3]
    assert out.duplicates == {0: 6}
    assert out.begun_again == {0: 1}


@pytest.mark.parametrize("clean", [True, False])
def test_quotes_that_begin_again_while_nothing_runs(clean: bool) -> None:
    """A new process is sent 1, and 1 again, after one that ended with 500; and the reverse."""
    for before, after in ((500, 1), (1, 500), (1, 1)):
        pipeline, out = new_pipeline(), Out()
        ticked(out, pipeline, [bests((1, before, 1.0))])
        if clean:
            out.add(pipeline.close(T0 + SECOND))
        pipeline = continued(pipeline, stop=T0 + SECOND)
        again = [bests((2 * SECOND + n, after, 2.0)) for n in range(3)]
        ticked(out, pipeline, *([each] for each in again), [], [])
        assert out.ids(0, Table.QUOTES) == sorted([before, after])
        assert out.duplicates == {0: 2}


def test_what_the_files_end_with_is_the_newest_after_ids_have_begun_again() -> None:
    """Not the largest id; of what is on disk the id must do."""
    before = record([[bests((1, 500, 1.0), (2, 1, 2.0))]])
    tails = {(0, Table.QUOTES): tail_of(before, 0, Table.QUOTES)}
    after = record([[bests((9, 1, 2.0))], [bests((11, 2, 3.0))]], new_pipeline(tails))
    assert after.ids(0, Table.QUOTES) == [2]


def test_a_state_of_before_took_the_largest_id_for_the_last() -> None:
    """It says once that ids begin again, and goes on as any other."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [bests((1, 500, 1.0), (2, 1, 2.0))], [], [])
    state = pipeline.dump()
    streams = state["tables"]["QUOTES"]["streams"]
    for name in ("last_event", "last_recv", "untimed", "mixed"):
        del streams[name]
    streams["seen_seq"][:], streams["seen_content"][:] = 500, 0
    again, after = new_pipeline(), Out()
    again.load(state)
    ticked(after, again, *([bests((n, 2, 3.0))] for n in (9, 10, 11)), [], [])
    assert after.ids(0, Table.QUOTES) == [2]
    assert after.begun_again == {0: 1}


def test_tickers_whose_sequence_begins_again_are_told_apart_by_their_time() -> None:
    """The newest is the last, and is known again when a connection begins with it."""
    sent = [(0, T0 + n, T0 + n, seq) for n, seq in ((1, 499), (2, 500), (3, 1), (4, 2), (4, 2))]
    for ticks in ([[tickers(sent)]], [[tickers([each])] for each in sent]):
        out = record(ticks)
        assert [seq for _, seq in out.keys(0, Table.MD)] == [499, 500, 1, 2]
        assert out.duplicates == {0: 1}


@pytest.mark.parametrize("together", [True, False])
def test_book_updates_that_begin_again_are_recorded_and_their_repeats_are_not(
    together: bool,
) -> None:
    """Also those that change the same level to the same size as before, and old ones that lag."""

    def change(n: int, seq: int, size: float) -> RowBatch:
        return book([Level(T0 + 100 + n, T0 + n, seq, SIDE_BUY, 99.0, size)])

    sent = [change(1, 2, 1.0), change(2, 3, 2.0), change(3, 500, 3.0), change(4, 2, 1.0)]
    sent += [change(3, 500, 3.0), change(4, 2, 1.0), change(5, 3, 2.0), change(5, 3, 2.0)]
    out = record([[*sent]] if together else [sent[:4], sent[4:]])
    assert [seq for _, seq in out.keys(0, Table.BOOK)] == [2, 3, 500, 2, 3]
    assert out.column("size") == [1.0, 2.0, 3.0, 1.0, 2.0]
    assert out.duplicates == {0: 3}
    assert [(gap.from_id, gap.to_id, gap.cause) for gap in out.gaps] == [(500, 2, Cause.RENUMBERED)]


@pytest.mark.parametrize("together", [True, False])
def test_the_same_snapshot_after_another_beginning_is_taken_again(together: bool) -> None:
    """Without it a reader would keep what the update between has changed."""
    snapshot = [Level(T0, T0, 1, SIDE_BUY, price, 1.0, FLAG_SNAPSHOT) for price in (99.0, 98.0)]
    again = [attrs.evolve(level, recv=T0 + 9, event=T0 + 9) for level in snapshot]
    changed = [Level(T0 + 5, T0 + 5, 2, SIDE_BUY, 99.0, 7.0)]
    ticks = [snapshot, changed, again]
    out = record(
        [[book([*snapshot, *changed, *again])]] if together else [[book(each)] for each in ticks]
    )
    assert out.column("size") == [1.0, 1.0, 7.0, 1.0, 1.0]


@pytest.mark.parametrize(("build", "table"), [(quotes, Table.QUOTES), (book, Table.BOOK)])
@pytest.mark.parametrize("ids", [[5, 3, 2, 1], [9, 8, 9, 8, 9, 8]])
def test_ids_that_begin_again_all_the_time_are_said_once_a_tick(
    build: Callable[..., RowBatch], table: Table, ids: list[int]
) -> None:
    """A record each would be as many as there are rows."""
    rows = [(0, T0 + n, T0 + n, seq) for n, seq in enumerate(ids)]
    levels = [Level(recv, event, seq, SIDE_BUY, 9.0, 1.0) for _, recv, event, seq in rows]
    out = record([[build(levels if table is Table.BOOK else rows)]])
    assert [seq for _, seq in out.keys(0, table)] == ids
    assert len(out.gaps) == 1
