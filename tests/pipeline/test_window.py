"""The reorder window against its promise, checked tick by tick in plain Python."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.streams import T0, examples, run_keys, trades
from tick_logger.model.flush import Run
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table
from tick_logger.pipeline.order import sort_rows
from tick_logger.pipeline.state import FIRST_SIZE, StreamStates
from tick_logger.pipeline.window import ReorderWindow

Key = tuple[int, int]
BIG = 2**63

ticks_of_rows = st.lists(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.just(0),
            st.integers(T0, T0 + 8),
            st.integers(BIG - 2, BIG + 2),
        ),
        max_size=10,
    ),
    max_size=8,
)


def window(instruments: int = 3) -> ReorderWindow:
    states = StreamStates()
    states.reserve(instruments)
    return ReorderWindow(Table.TRADES, states)


@examples
@given(ticks_of_rows)
def test_rows_come_out_in_order_late_only_if_older_than_what_is_out(
    ticks: list[list[tuple[int, int, int, int]]],
) -> None:
    """At every tick: each row within one tick of its arrival, main in order, late truly late."""
    reorder = window()
    waiting: list[tuple[int, Key]] = []
    newest: dict[int, Key] = {}
    for rows in [*ticks, None]:
        runs = reorder.drain() if rows is None else reorder.turn(sort_rows(trades(rows)))
        arrived = [(row[0], (row[2], row[3])) for row in rows or []]
        out = [(run.instrument, key) for run in runs for key in run_keys(run)]
        left = [*waiting, *arrived]
        for released in out:
            left.remove(released)  # each once, and none that never came
        assert not Counter(left) - Counter(arrived)  # whatever waited before is out
        for run in runs:
            check(run, newest)
        for run in runs:
            if not run.late:
                newest[run.instrument] = run_keys(run)[-1]
        waiting = left
    assert waiting == []


def check(run: Run, newest: dict[int, Key]) -> None:
    """A main run continues what its stream released before this tick, a late one goes before it."""
    keys = run_keys(run)
    assert keys == sorted(keys)
    before = newest.get(run.instrument, (0, 0))
    assert all((key < before) == run.late for key in keys)


def test_a_row_overtaken_by_a_tick_falls_in_line() -> None:
    """It is released together with those that it sorts before, and others wait on."""
    reorder = window()
    assert reorder.turn(trades([(0, 0, T0 + 1, 1), (0, 0, T0 + 5, 5)])) == []
    (run,) = reorder.turn(trades([(0, 0, T0 + 4, 4), (0, 0, T0 + 6, 6)]))
    assert run_keys(run) == [(T0 + 1, 1), (T0 + 4, 4), (T0 + 5, 5)]
    (late, main) = sorted(reorder.turn(trades([(0, 0, T0 + 2, 2)])), key=lambda r: not r.late)
    assert (late.late, run_keys(late), run_keys(main)) == (True, [(T0 + 2, 2)], [(T0 + 6, 6)])


def test_equal_keys_keep_their_order_of_arrival() -> None:
    """Also when one waited and the other did not, and neither is late."""
    reorder = window()
    reorder.turn(trades([(0, 1, T0, 0)]))
    runs = [*reorder.turn(trades([(0, 2, T0, 0)])), *reorder.drain()]
    assert [(run.late, run.rows["recv_ns"].tolist()) for run in runs] == [
        (False, [1]),
        (False, [2]),
    ]


def test_what_is_on_disk_counts_as_released() -> None:
    """Rows older than the end of the file are late from the start."""
    states = StreamStates()
    states.released_event[0], states.released_seq[0] = T0, BIG + 1
    reorder = ReorderWindow(Table.TRADES, states)
    reorder.turn(trades([(0, 0, T0, BIG), (0, 0, T0, BIG + 2)]))
    assert [(run.late, run_keys(run)) for run in reorder.drain()] == [
        (False, [(T0, BIG + 2)]),
        (True, [(T0, BIG)]),
    ]


def test_state_grows_with_the_instruments_and_keeps_what_it_knows() -> None:
    """Any number of instruments, met in any order."""
    states = StreamStates()
    states.seen_seq[FIRST_SIZE - 1] = BIG + 1
    states.reserve(10 * FIRST_SIZE)
    assert states.seen_seq[FIRST_SIZE - 1] == BIG + 1
    lengths = {
        len(array)
        for array in (
            states.known,
            states.released_event,
            states.released_seq,
            states.seen_event,
            states.seen_seq,
        )
    }
    assert len(lengths) == 1
    assert lengths.pop() >= 10 * FIRST_SIZE
    assert not states.known.any()


def test_empty_ticks_release_what_waits_and_then_nothing() -> None:
    """Time passes without rows as well."""
    reorder = window()
    reorder.turn(trades([(0, 0, T0, 1)]))
    assert [run_keys(run) for run in reorder.turn(RowBatch.empty(Table.TRADES))] == [[(T0, 1)]]
    assert reorder.turn(RowBatch.empty(Table.TRADES)) == []
    assert reorder.drain() == []
