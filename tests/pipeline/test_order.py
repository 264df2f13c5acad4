"""Sorting many streams at once gives what sorting each row in Python gives."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.streams import DAY, T0, examples, run_keys, trades
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table
from tick_logger.pipeline.order import cut_runs, group_ends, group_starts, rows_of, sort_rows

BIG = 2**63

Rows = list[tuple[int, int, int, int]]


def listed(rows: RowBatch) -> Rows:
    names = ("instrument", "recv_ns", "event_ns", "seq")
    return list(zip(*(rows[name].tolist() for name in names), strict=True))


def rows_strategy(max_instrument: int = 5) -> st.SearchStrategy[Rows]:
    """Few values, so that ties of every kind occur; ids around 2**63, where floats are blind."""
    row = st.tuples(
        st.integers(0, max_instrument),
        st.integers(0, 3),
        st.integers(T0 - 2, T0 + 2),
        st.integers(BIG - 2, BIG + 2),
    )
    return st.lists(row, max_size=40)


@examples
@given(rows_strategy())
def test_rows_are_sorted_by_instrument_event_id_and_arrival(rows: Rows) -> None:
    """As Python's stable sort says, for any rows."""
    assert listed(sort_rows(trades(rows))) == sorted(rows, key=lambda r: (r[0], r[2], r[3]))


@examples
@given(rows_strategy(max_instrument=70_000))
def test_instruments_beyond_the_narrow_sort_key_are_sorted_too(rows: Rows) -> None:
    """More instruments than an int16 can number do not wrap around."""
    assert listed(sort_rows(trades(rows))) == sorted(rows, key=lambda r: (r[0], r[2], r[3]))


@examples
@given(rows_strategy())
def test_groups_begin_and_end_where_the_instrument_changes(rows: Rows) -> None:
    """Starts and ends enclose each instrument's rows, in rows grouped by instrument."""
    batch = sort_rows(trades(rows))
    starts = group_starts(batch)
    ends = group_ends(starts, len(batch))
    groups = [
        batch["instrument"][a : b + 1].tolist()
        for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    assert [set(group) for group in groups] == [{i} for i in sorted({r[0] for r in rows})]
    assert sum(map(len, groups)) == len(rows)


@examples
@given(rows_strategy(), st.integers(0, 6))
def test_one_instruments_rows_are_found_in_sorted_rows(rows: Rows, instrument: int) -> None:
    """`rows_of` gives exactly the rows of the instrument, none if it has none."""
    batch = sort_rows(trades(rows))
    assert listed(rows_of(batch, instrument)) == [r for r in listed(batch) if r[0] == instrument]


@examples
@given(rows_strategy())
def test_runs_are_cut_at_instruments_and_days(rows: Rows) -> None:
    """The runs joined are the rows, and each run is of one instrument and one day."""
    batch = sort_rows(trades(rows))
    runs = cut_runs(batch, late=False)
    assert [key for run in runs for key in run_keys(run)] == [r[2:] for r in listed(batch)]
    assert all({e // DAY for e, _ in run_keys(run)} == {run.day} for run in runs)
    assert all(set(run.rows["instrument"].tolist()) == {run.instrument} for run in runs)
    names = [(run.instrument, run.day) for run in runs]
    assert len(names) == len(set(names))


def test_the_last_nanosecond_of_a_day_belongs_to_it() -> None:
    """Days are cut at midnight UTC, to the nanosecond."""
    runs = cut_runs(trades([(0, 0, T0 - 1, 1), (0, 0, T0, 2)]), late=True)
    assert [(run.day, run_keys(run), run.late) for run in runs] == [
        (T0 // DAY - 1, [(T0 - 1, 1)], True),
        (T0 // DAY, [(T0, 2)], True),
    ]


def test_nothing_sorts_and_cuts_to_nothing() -> None:
    """Empty batches pass every step."""
    empty = RowBatch.empty(Table.TRADES)
    assert len(sort_rows(empty)) == 0
    assert group_starts(empty).tolist() == []
    assert group_ends(np.empty(0, np.intp), 0).tolist() == []
    assert len(rows_of(empty, 3)) == 0
    assert cut_runs(empty, late=False) == []
