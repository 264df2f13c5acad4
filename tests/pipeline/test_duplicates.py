"""Tickers, quotes and book levels that arrive twice are kept once; none that is new is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.numbered import Build, each_row_from_before, numbers, row
from tests.pipeline.streams import (
    SECOND,
    T0,
    Level,
    book,
    examples,
    new_pipeline,
    quotes,
    record,
    tail_of,
    tickers,
)
from tick_logger.model.tables import FLAG_SNAPSHOT, SIDE_BUY, Table

NAN = float("nan")

KINDS = [pytest.param(quotes, Table.QUOTES, id="quotes"), pytest.param(tickers, Table.MD, id="md")]


@pytest.mark.parametrize("sequence", [0, 101], ids=["no sequence", "one sequence"])
def test_a_ticker_with_other_prices_is_new_at_any_time(sequence: int) -> None:
    """Two of one moment may differ: a whole one after a change, each change of an order."""
    first, later = (tickers([(0, T0 + recv, T0, sequence)]) for recv in (1, 2))
    other = later.replace(best_bid=np.array([1.5]))
    out = record([[first], [], [], [], [other], [], [], [], [other, first]])
    assert len(out.keys(0, Table.MD)) + len(out.keys(0, Table.MD, late=True)) == 3
    assert out.duplicates == {0: 1}, "the newest one again"


@pytest.mark.parametrize(("build", "table"), KINDS)
@pytest.mark.parametrize(
    "ticks",
    [
        pytest.param([[1, 2, 2, 3, 1]], id="in one tick"),
        pytest.param([[1, 2, 3], [2, 3, 4]], id="a tick later"),
        pytest.param([[1, 2, 3], [3]], id="the newest, a tick later"),
        pytest.param([[1, 2, 3], [], [], [], [3, 4]], id="the newest, long after"),
        pytest.param([[1, 3], [2, 3, 4]], id="with one between that is new"),
    ],
)
def test_what_came_before_is_dropped(build: Build, table: Table, ticks: list[list[int]]) -> None:
    """Whenever a venue sends again what it sent, in the same read or after a reconnect."""
    out = record([[build([row(n) for n in tick])] for tick in ticks])
    sent = [number for tick in ticks for number in tick]
    assert numbers(out, table) == sorted(set(sent))
    assert out.duplicates == {0: len(sent) - len(set(sent))}


@examples
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5)), max_size=12), max_size=8),
    st.sampled_from([(quotes, Table.QUOTES), (tickers, Table.MD)]),
)
def test_resends_within_a_tick_never_double_nor_lose_a_row(
    ticks: list[list[tuple[int, int]]], kind: tuple[Build, Table]
) -> None:
    """Instruments move on by some ids a tick, and repeat any of this tick's and the last's."""
    build, table = kind
    sent: dict[int, list[int]] = {0: [], 1: [], 2: []}
    batches = []
    for number, tick in enumerate(ticks):
        rows = [(instrument, 3 * number + offset) for instrument, offset in tick]
        batches.append([build([row(n, T0 + 1000 * n, i) for i, n in rows])])
        for instrument, n in rows:
            sent[instrument].append(n)
    out = record(batches)
    for instrument, rows_sent in sent.items():
        assert numbers(out, table, instrument) == sorted(set(rows_sent))
        assert out.duplicates[instrument] == len(rows_sent) - len(set(rows_sent))


@pytest.mark.parametrize(("build", "table"), KINDS)
def test_a_restart_is_greeted_with_the_row_that_ended_the_run(build: Build, table: Table) -> None:
    """The newest row on disk is recognised, although MD has no column for its sequence."""
    before = record([[build([row(1), row(2)])]])
    after = record(
        [[build([row(2, recv=T0 + SECOND), row(3)])]],
        new_pipeline({(0, table): tail_of(before, 0, table)}),
    )
    assert numbers(after, table) == [3]
    assert after.duplicates == {0: 1}


@each_row_from_before
def test_what_is_older_than_the_files_after_a_restart_was_there_before(
    event: int, seq: int, kept: bool
) -> None:
    """A new connection is sent something old only again; but ids and clocks may also go wrong."""
    before = record([[quotes([row(n) for n in range(1, 6)])]])
    old = (0, T0 + SECOND, T0 + 1000 * event, 100 + seq)
    after = record(
        [[quotes([old, row(9)])]],
        new_pipeline({(0, Table.QUOTES): tail_of(before, 0, Table.QUOTES)}),
    )
    assert numbers(after, Table.QUOTES) == ([seq, 9] if kept else [9])
    assert after.duplicates.total() == (not kept)


def test_a_snapshot_is_taken_after_a_restart_however_old_it_is() -> None:
    """The book begins with it, while updates from before the end of the file are not repeated."""
    before = record([[book([*update(1, 10.0), *update(2, 11.0)])]])
    again = [*update(1, 10.0, 11.0, flags=FLAG_SNAPSHOT), *update(1, 10.0), *update(3, 12.0)]
    tails = {(0, Table.BOOK): tail_of(before, 0, Table.BOOK)}
    after = record([[book(again)]], new_pipeline(tails))
    assert numbers(after, Table.BOOK) == [1, 1, 3]


def test_tickers_of_one_moment_are_told_apart_by_their_sequence() -> None:
    """One taker order makes several trades in one microsecond; each has its ticker."""
    ticks = [[(0, T0, T0, 5), (0, T0, T0, 7)], [(0, T0, T0, 6)], [], [(0, T0, T0, 7)]]
    out = record([[tickers(tick)] for tick in ticks])
    assert out.ids(0, Table.MD) == [5, 6, 7]
    assert out.duplicates == {0: 1}


def test_levels_without_ids_are_all_kept() -> None:
    """Nothing tells them apart from repetitions, and keeping is the safe side."""
    level = Level(T0, T0, 0, 1, 100.0, 2.0)
    out = record([[book([level, level])], [book([level])]])
    assert len(out.ids(0, Table.BOOK)) == 3
    assert not out.duplicates


def test_quotes_without_ids_are_repeated_by_the_same_content_at_the_same_time() -> None:
    """Also a tick later; at another time, or with other content, they are new."""
    same = (0, T0, T0, 0)
    other = quotes([same]).replace(best_bid=np.array([2.0]))
    later = (0, T0, T0 + 1, 0)
    out = record([[quotes([same, same]), other], [quotes([same, later])], [quotes([later])]])
    assert out.keys(0, Table.QUOTES) == [(T0, 0), (T0, 0), (T0 + 1, 0)]
    assert out.duplicates == {0: 3}


def test_rows_without_ids_are_kept_beside_rows_with_ids() -> None:
    """Those with ids are still told apart."""
    out = record([[quotes([(0, T0, T0 + at, seq) for at, seq in enumerate((0, 5, 0, 5, 4))])]])
    assert out.ids(0, Table.QUOTES) == [0, 0, 4, 5]
    assert out.duplicates == {0: 1}


def update(number: int, *prices: float, recv: int = T0, flags: int = 0) -> list[Level]:
    """A book update with one bid per price."""
    event = T0 + 1000 * number
    return [Level(recv, event, 100 + number, SIDE_BUY, p, 1.0, flags) for p in prices]


@pytest.mark.parametrize(
    "ticks",
    [
        pytest.param([[1, 1, 2]], id="twice in one read"),
        pytest.param([[1, 2, 1]], id="again after the next"),
        pytest.param([[1, 2], [2, 3]], id="a tick later"),
        pytest.param([[1, 2], [1, 2, 3]], id="two of them a tick later"),
        pytest.param([[1, 2], [], [], [2, 3]], id="the newest, long after"),
    ],
)
def test_a_book_update_that_came_before_is_dropped_whole(ticks: list[list[int]]) -> None:
    """All its levels, and no level of another update."""
    batches = [[book([lv for n in tick for lv in update(n, 99.0, 98.0, 97.0)])] for tick in ticks]
    out = record(batches)
    sent = [n for tick in ticks for n in tick]
    assert out.ids(0, Table.BOOK) == sorted(100 + n for n in set(sent) for _ in range(3))
    assert out.duplicates == {0: 3 * (len(sent) - len(set(sent)))}


def test_the_two_sides_of_one_price_are_two_levels() -> None:
    """An update may name a price on both sides (the book moved through it)."""
    sides = [Level(T0, T0, 100, side, 50.0, 1.0) for side in (0, 1)]
    out = record([[book(sides)]])
    assert len(out.ids(0, Table.BOOK)) == 2


@pytest.mark.parametrize("later", [0, 1])
def test_a_snapshot_that_came_twice_is_kept_once(later: int) -> None:
    """In one tick or a tick later; the update with the snapshot's id is another row."""
    snapshot = update(2, 99.0, 98.0, flags=FLAG_SNAPSHOT)
    ticks = [[*update(1, 99.0), *update(2, 99.0), *snapshot], [*update(3, 99.0)]]
    ticks[later] += snapshot
    out = record([[book(tick)] for tick in ticks])
    assert out.column("flags") == [0, 0, 1, 1, 0]
    assert out.duplicates == {0: 2}


def test_a_snapshot_ahead_of_the_updates_that_came_twice_is_kept_once() -> None:
    """Its id is beyond everything seen, so only the rows themselves tell."""
    snapshot = update(5, 99.0, 98.0, flags=FLAG_SNAPSHOT)
    out = record([[book([*update(1, 99.0), *snapshot])], [book(snapshot)]])
    assert out.column("flags") == [0, 1, 1]
    assert out.duplicates == {0: 2}


@pytest.mark.parametrize("asks", [(), (99.0, 98.0)], ids=["empty", "without bids"])
@pytest.mark.parametrize("later", [0, 1])
def test_a_snapshot_without_levels_that_came_twice_is_kept_once(
    later: int, asks: tuple[float, ...]
) -> None:
    """Its first row has no price, in which it equals itself; a third, of later, is another."""
    sides = [(1, NAN, 0.0), *((0, price, 1.0) for price in asks)] + [(0, NAN, 0.0)] * (not asks)
    ticks: list[list[Level]] = [[], []]
    for tick, seq in ((0, 102), (later, 102), (1, 103)):
        ticks[tick] += [
            Level(T0 + 2, T0 + 2, seq, side, price, size, FLAG_SNAPSHOT)
            for side, price, size in sides
        ]
    out = record([[book(tick)] for tick in ticks])
    assert out.ids(0, Table.BOOK) == [102] * len(sides) + [103] * len(sides)
    assert out.duplicates == {0: len(sides)}


def test_an_update_with_the_id_of_a_snapshot_is_another_row() -> None:
    """Updates that a snapshot covers may still come, in any tick; they are no repetitions."""
    snapshot = update(3, 99.0, flags=FLAG_SNAPSHOT)
    out = record([[book(snapshot)], [], [book([*update(2, 99.0), *update(3, 99.0)])]])
    assert sorted(out.ids(0, Table.BOOK)) == [102, 103, 103]
    assert not out.duplicates


def test_a_new_snapshot_of_a_silent_book_is_no_repetition() -> None:
    """After a reconnect it has the id of the newest update, and must be kept."""
    ticks = [update(1, 99.0), [], [], update(1, 99.0, recv=T0 + SECOND, flags=FLAG_SNAPSHOT)]
    out = record([[book(tick)] for tick in ticks])
    assert out.column("flags") == [0, 1]
    assert not out.duplicates


def test_a_level_that_changes_twice_within_an_update_ends_as_it_was_sent_last() -> None:
    """Taken away and set again: a reader who saw only the first would lack the level."""
    levels = [Level(T0, T0, 101, 1, 99.0, 1.0)]
    levels += [Level(T0, T0 + 1, 102, 1, 99.0, size) for size in (0.0, 5.0)]
    out = record([[book(levels)]])
    assert out.column("size") == [1.0, 0.0, 5.0]
    twice = record([[book(levels)], [book(levels)]])
    assert twice.column("size") == [1.0, 0.0, 5.0]


@pytest.mark.parametrize("price", [99.0, 97.0], ids=["same best", "other best"])
def test_another_snapshot_with_the_same_id_is_kept_whole(price: float) -> None:
    """Ids begin anew, and may be times: what both have in common belongs to the second as well."""
    first = [Level(T0, T0, 1, 1, at, 1.0, FLAG_SNAPSHOT) for at in (99.0, 98.0, 97.0)]
    second = [
        Level(T0 + 5, T0, 1, 1, at, size, FLAG_SNAPSHOT)
        for at, size in ((price, 1.0), (98.5, 1.0), (98.0, 1.0))
    ]
    for ticks in ([[*first, *second]], [first, second]):
        out = record([[book(tick)] for tick in ticks])
        assert len(out.ids(0, Table.BOOK)) == 6
        assert out.duplicates == {}


def test_an_id_that_comes_again_after_a_reset_is_another_update() -> None:
    """The newest id of all may be reached once more, long after."""
    later = [Level(T0 + SECOND, T0 + SECOND, 102, 1, 99.0, 2.0)]
    out = record([[book([*update(1, 99.0), *update(2, 99.0)])], [], [], [], [book(later)]])
    assert out.ids(0, Table.BOOK) == [101, 102, 102]
