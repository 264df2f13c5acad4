"""Rows of two lines that are one: the first to come is kept, and nothing that a line says alone.

The oracle counts what each line said, row by row.
"""

from __future__ import annotations

from collections import Counter

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.streams import T0, Level, book, new_pipeline, quotes, tickers
from tick_logger.model.cause import Cause
from tick_logger.model.marks import Mark, Resumed
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, NO_TIME, Table
from tick_logger.model.twins import Twins
from tick_logger.pipeline.twins import KEPT_TICKS, TwinRows

BTC = 7
QUOTES = (Table.QUOTES,)
Said = tuple[int, int]  # line, what


def on(line: int, rows: RowBatch) -> RowBatch:
    """The same as it comes on a line."""
    return attrs.evolve(rows, route=line)


def begun(*tables: Table) -> list[RowBatch | Mark]:
    """Both lines carry the stream."""
    return [Resumed((BTC,), tables, T0, line=line) for line in (0, 1)]


def quote(line: int, number: int, at: int = 0) -> RowBatch:
    """One quote, as one line brings it at a moment of its own."""
    return on(line, quotes([(BTC, T0 + at, NO_TIME, number)]))


def new(how: Twins = Twins.NUMBERED) -> TwinRows:
    """A new one, for rows that are one in this way."""
    return TwinRows(lambda _, __: how)


def kept(twins: TwinRows, items: list[RowBatch | Mark]) -> list[tuple[int, int]]:
    """Line and number of the rows that stay of a tick."""
    found, _ = twins.take(items)
    rows = [each for each in found if isinstance(each, RowBatch)]
    return [(each.route, int(seq)) for each in rows for seq in each["seq"]]


def test_the_first_to_come_is_kept_whatever_line_it_came_on() -> None:
    """In one tick, in the next, and seconds later."""
    twins = new()
    assert kept(twins, [*begun(*QUOTES), quote(0, 1), quote(1, 1), quote(1, 2), quote(0, 2)]) == [
        (0, 1),
        (1, 2),
    ]
    assert kept(twins, [quote(0, 3, 5)]) == [(0, 3)]
    for _ in range(KEPT_TICKS - 1):
        assert kept(twins, []) == []
    assert kept(twins, [quote(1, 3, 9), quote(1, 4, 9)]) == [(1, 4)]


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3)), max_size=40), st.data())
def test_the_nth_of_each_line_are_one(said: list[Said], data: st.DataObject) -> None:
    """However they are mixed, in batches and ticks of whatever size, and saved in between."""
    twins = new(Twins.UNTIMED)
    twins.take(begun(Table.QUOTES))
    counts: tuple[Counter[int], Counter[int]] = (Counter(), Counter())
    expected, found, items = list[Said](), list[Said](), list[RowBatch | Mark]()
    for at, (line, what) in enumerate(said):
        counts[line][what] += 1
        if counts[line][what] > counts[1 - line][what]:
            expected.append((line, what))
        items.append(quote(line, what, at))
        if data.draw(st.booleans()):
            found += kept(twins, items)
            state, twins, items = twins.dump(), new(Twins.UNTIMED), []
            twins.load(state)
    found += kept(twins, items)
    assert found == expected


def test_a_line_that_begins_anew_does_not_eat_what_the_other_never_had() -> None:
    """It has missed one of several equal rows; the next that it brings alone is another."""
    twins = new(Twins.UNTIMED)
    kept(twins, [*begun(*QUOTES), quote(0, 1), quote(1, 1)])
    assert kept(twins, [quote(0, 1, 2)]) == [(0, 1)], "missed by the second line, which is cut"
    again: list[RowBatch | Mark] = [Resumed((BTC,), QUOTES, T0 + 5, line=1)]
    assert kept(twins, again) == []
    assert kept(twins, [quote(1, 1, 6)]) == [(1, 1)], "the first line is cut now"


def test_what_numbers_tell_apart_is_known_however_late() -> None:
    """A line that begins, and is behind, brings what came on the other before it began."""
    twins = new(Twins.NUMBERED)
    kept(twins, [*begun(*QUOTES), quote(0, 1), quote(1, 1), quote(0, 2)])
    again: list[RowBatch | Mark] = [Resumed((BTC,), QUOTES, T0 + 5, line=1)]
    assert kept(twins, [*again, quote(1, 2, 6), quote(1, 3, 7)]) == [(1, 3)]


def snapshot(line: int, seq: int, prices: list[float], at: int) -> RowBatch:
    """A whole book on one line."""
    levels = [Level(T0 + at, NO_TIME, seq, 0, price, 1.0, FLAG_SNAPSHOT, BTC) for price in prices]
    return on(line, book(levels))


def test_a_snapshot_is_one_thing() -> None:
    """It is a twin as a whole, or none: the same as of another depth stays whole."""
    twins = new()
    first = [*begun(Table.BOOK), snapshot(0, 5, [1.0, 2.0], 1), snapshot(1, 5, [1.0, 2.0], 2)]
    assert kept(twins, first) == [(0, 5), (0, 5)]
    assert kept(twins, [snapshot(1, 5, [1.0, 2.0, 3.0], 3)]) == [(1, 5)] * 3


def test_a_snapshot_that_a_line_begins_anew_with_stays() -> None:
    """Though it is as the other line's was: a reader needs it after a hole."""
    twins = new()
    kept(twins, [*begun(Table.BOOK), snapshot(0, 5, [1.0], 1), snapshot(1, 5, [1.0], 2)])
    again: list[RowBatch | Mark] = [Resumed((BTC,), (Table.BOOK,), T0 + 5, line=1)]
    kept(twins, again)
    assert kept(twins, [snapshot(1, 5, [1.0], 6)]) == [(1, 5)]


def test_what_one_line_leads_has_no_twins() -> None:
    """A level goes on the line that leads, is there again, and goes on the line that takes over."""
    table = (Table.BOOK,)
    twins = new(Twins.LED)
    gone = [book([Level(T0 + at, T0 + at, 0, 0, 84106.15, 0.0, 0, BTC)]) for at in (5, 60)]
    assert kept(twins, [Resumed((BTC,), table, T0), snapshot(0, 0, [1.0], 1), on(0, gone[0])]) == [
        (0, 0),
        (0, 0),
    ]
    state, twins = twins.dump(), new(Twins.LED)
    twins.load(state)
    assert kept(
        twins,
        [Resumed((BTC,), table, T0 + 9, line=1), snapshot(1, 0, [1.0], 10), on(1, gone[1])],
    ) == [(1, 0), (1, 0)]
    assert kept(twins, [Resumed((BTC,), table, T0 + 70), on(0, gone[1])]) == [(0, 0)]


@pytest.mark.parametrize(("how", "expected"), [(Twins.SAID, 2), (Twins.UNTIMED, 1)])
def test_the_time_counts_where_it_is_no_envelopes(how: Twins, expected: int) -> None:
    """Two tickers that say the same at two times."""
    twins, first = new(how), on(0, tickers([(BTC, T0, T0, 1)]))
    other = on(1, tickers([(BTC, T0 + 1, T0 + 1, 1)]))
    assert len(kept(twins, [*begun(Table.MD), first, other])) == expected


def test_rows_of_one_line_cost_nothing() -> None:
    """The very items come back, and nothing is remembered."""
    twins = new()
    items: list[RowBatch | Mark] = [Resumed((BTC,), QUOTES, T0), quote(0, 1), quote(0, 1)]
    assert twins.take(items) == (items, [])
    assert twins.dump() == {"tick": 1, "shared": {}, "seen": {}}


def test_instruments_of_one_line_are_not_looked_at() -> None:
    """Beside others that have two."""
    twins = new()
    alone = quotes([(900, T0, NO_TIME, 1), (900, T0, NO_TIME, 1)])
    found, dropped = twins.take([*begun(*QUOTES), alone, quote(0, 1), quote(1, 1)])
    assert dropped == [BTC]
    assert [len(each) for each in found if isinstance(each, RowBatch)] == [2, 1, 0]
    assert np.array_equal(twins.dump()["seen"]["QUOTES"]["instrument"], [BTC])


def test_twins_are_counted_by_instrument_also_over_a_restart() -> None:
    """What was counted with the last rows of a process is told with the next flush."""
    pipeline, items = new_pipeline(), [*begun(*QUOTES), quote(0, 1), quote(1, 1)]
    pipeline.push(items)
    pipeline.restarted({BTC: T0}, Cause.RESTART, 45)
    again = new_pipeline()
    again.load(pipeline.dump())
    flush, counts = again.tick()
    assert counts.twins == {BTC: 1}
    assert sum(len(run.rows) for run in flush.runs) == 1
