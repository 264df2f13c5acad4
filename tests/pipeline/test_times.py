"""A time that cannot be right costs its own row at most its place, and no other row anything."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

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
    tickers,
    trades,
)
from tests.pipeline.timed import (
    HOUR,
    MAKERS,
    MINUTE,
    NOON,
    OFFSETS,
    Row,
    all_aside,
    late,
    live,
    odd,
    one_a_tick,
)
from tick_logger.model.tables import FLAG_SNAPSHOT, NO_TIME, ORIGIN_ASIDE, Table
from tick_logger.pipeline.doubtful import ENOUGH_SAMPLES, MAX_WAIT_TICKS
from tick_logger.pipeline.venue_clocks import MAX_AGE_NS, MAX_AHEAD_NS


@pytest.mark.parametrize("again", range(1, 8))
def test_an_old_trade_that_comes_again_before_its_time_is_judged(again: int) -> None:
    """To a new subscriber of a quiet market, at any moment: it is recorded once."""
    rows = [[live(second, 100 + second, instrument=2)] for second in range(12)]
    old = live(-90, 7)
    for second in (0, again):
        recv = NOON + second * SECOND
        rows[second].append((0, recv, old[2], 7))
        rows[second] += [live(second, 8)] if second else []
    out = record([[trades(tick)] for tick in rows])
    assert out.ids(0) == [7, 8]
    assert all_aside(out) == []
    assert out.gaps == []


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("table", MAKERS)
@pytest.mark.parametrize("at", [0, 1, 2, 9, 19])
@pytest.mark.parametrize("ahead", [40 * SECOND, 10 * MINUTE, 9 * HOUR, 20 * DAY, -8 * DAY])
def test_one_odd_row_is_set_aside_and_nothing_else(
    offset: int, table: Table, at: int, ahead: int
) -> None:
    """First, last or in the middle, whatever the venue's clock shows."""
    if offset + ahead == 0 and at < 4:
        return  # right by this machine's clock, as long as nothing tells of the venue's
    rows = [live(second, 1 + second, offset) for second in range(20)]
    rows[at] = odd(rows[at], ahead)
    out = record(one_a_tick(rows, table))
    assert out.aside(0, table) == [rows[at][2:]]
    assert out.keys(0, table) == [row[2:] for row in rows if row is not rows[at]]
    assert (late(out), out.gaps, out.duplicates) == ([], [], {})


def test_an_odd_row_is_in_the_day_of_its_receipt_with_its_time_as_sent() -> None:
    """Tomorrow's file has nothing of it."""
    rows = [live(second, 1 + second) for second in range(10)]
    out = record(one_a_tick([*rows[:5], odd(rows[5], 20 * HOUR), *rows[6:]]))
    assert {run.day for run in out.runs} == {T0 // DAY}
    (apart,) = [run for run in out.runs if run.late]
    assert apart.origin == ORIGIN_ASIDE
    assert apart.rows["event_ns"].tolist() == [rows[5][2] + 20 * HOUR]


@pytest.mark.parametrize("ahead", [10 * MINUTE, 9 * HOUR])
def test_a_first_row_alone_is_not_believed(ahead: int) -> None:
    """It would be all that tells what its venue's clock shows."""
    row = odd(live(0, 1), ahead)
    out = record([[trades([row])], *[[]] * (2 * MAX_WAIT_TICKS)])
    assert (out.aside(), out.keys()) == ([row[2:]], [])


@pytest.mark.parametrize("ahead", [10 * MINUTE, 9 * HOUR, 20 * DAY])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_the_streams_of_one_trade_are_not_believed(ahead: int, at: int) -> None:
    """Ticker and quote come with it, and have its time."""
    rows = [live(second, 1 + second) for second in range(12)]
    rows[at] = odd(rows[at], ahead)
    out = record([[make([row]) for make in MAKERS.values()] for row in rows])
    for table in MAKERS:
        assert out.aside(0, table) == [rows[at][2:]]
        assert out.keys(0, table) == [row[2:] for row in rows if row is not rows[at]]
    assert (late(out), out.gaps, out.duplicates) == ([], [], {})


@pytest.mark.parametrize("table", MAKERS)
@pytest.mark.parametrize("after", [12, 25, 39, 45, 60])
def test_what_was_set_aside_and_comes_again_later_is_known(after: int, table: Table) -> None:
    """Its time is less and less ahead then, and at last behind, but newer than those of others."""
    rows = [live(second, 1 + second) for second in range(12)]
    rows[8] = odd(rows[8], 40 * SECOND)
    recv = NOON + (8 + after) * SECOND
    ticks = [*([MAKERS[table]([row])] for row in rows), *[[]] * (after - 4)]
    newest = [11] if table is Table.TRADES else []  # which it follows with
    again = [(0, recv, rows[place][2], rows[place][3]) for place in (8, *newest)]
    following = [live(second, 13 + second - 9 - after) for second in range(9 + after, 15 + after)]
    out = record([*ticks, [MAKERS[table](again)], *one_a_tick(following, table)])
    assert out.aside(0, table) == [rows[8][2:]]
    assert out.keys(0, table) == [row[2:] for row in (*rows, *following) if row is not rows[8]]
    assert (late(out), out.gaps) == ([], [])
    assert out.duplicates == {0: len(again)}


@pytest.mark.parametrize("offset", OFFSETS)
def test_the_clock_of_a_venue_is_learned_from_one_stream(offset: int) -> None:
    """The first rows wait for it, and none is lost, late or repeated."""
    rows = [live(second, 1 + second, offset) for second in range(12)]
    pipeline, out = new_pipeline(), Out()
    for items in one_a_tick(rows):
        pipeline.push(items)
        out.add(pipeline.tick())
    assert len(out.keys()) == len(rows) - 1  # those of the newest tick wait, as ever
    assert pipeline.clock_offsets_ns == {"venue": offset - SECOND // 20}
    out.add(pipeline.close(NOON + HOUR))
    assert out.keys() == [row[2:] for row in rows]
    assert (late(out), all_aside(out), out.gaps) == ([], [], [])


@pytest.mark.parametrize("offset", [3 * DAY, -3 * DAY, 30 * DAY, -30 * DAY])
def test_event_times_stand_where_venues_agree_against_this_machine(offset: int) -> None:
    """From the first row on, at every venue; also at one of which too little comes to judge."""
    venues = ("one", "two", "quiet")
    rows = [live(s, 1 + s, offset, i) for s in range(10) for i in range(2)]
    rows.append(live(5, 1, offset, 2))
    pipeline, out = new_pipeline(venues=venues), Out()
    for second in range(10):
        now = NOON + second * SECOND
        pipeline.push([trades([row for row in rows if row[1] == now])])
        out.add(pipeline.tick())
    assert pipeline.clock_offsets_ns.keys() == {"one", "two"}
    out.add(pipeline.close(NOON + HOUR))
    for instrument in range(3):
        mine = [row[2:] for row in rows if row[0] == instrument]
        assert out.keys(instrument) == mine
    assert {run.day for run in out.runs} == {(T0 + offset) // DAY, (NOON + offset) // DAY} - {
        (T0 + offset) // DAY - 1
    }
    assert not any(run.late for run in out.runs)


def test_many_instruments_of_a_venue_show_its_clock_at_once() -> None:
    """What agrees in the first tick needs no second one."""
    rows = [live(0, 1, 9 * HOUR, instrument) for instrument in range(4)]
    out = record([[trades(rows)], []])
    assert [out.keys(i) for i in range(4)] == [[row[2:]] for row in rows]


def test_another_venue_is_not_held_up() -> None:
    """Each clock is judged for itself."""
    pipeline, out = new_pipeline(venues=("one", "two")), Out()
    for second in range(8):
        pipeline.push([trades([live(second, 1 + second), live(second, 1 + second, 0, 1)])])
        if second == 6:
            pipeline.push([trades([odd(live(6, 90), HOUR)])])
        out.add(pipeline.tick())
    assert (len(out.keys(0)), len(out.keys(1))) == (6, 7)


@pytest.mark.parametrize("step", [2 * MINUTE, -2 * MINUTE, HOUR, -HOUR, 3 * DAY, -30 * DAY])
@pytest.mark.parametrize("table", MAKERS)
def test_a_clock_that_is_set_is_followed(step: int, table: Table) -> None:
    """Nothing is set aside; what sorts before rows from before the step is late, as it must be."""
    rows = [live(s, 1 + s, step if s >= 30 else 0) for s in range(80)]
    out = record(one_a_tick(rows, table))
    main, behind = out.keys(0, table), out.keys(0, table, late=True)
    assert sorted([*main, *behind]) == sorted(row[2:] for row in rows)
    assert all_aside(out) == []
    assert len(behind) == (50 if step < 0 else 0)


@pytest.mark.parametrize("speed", [2, 16, 100, 1000])
@pytest.mark.parametrize("slow", [2, 10, 300])
def test_a_venue_that_lags_and_catches_up_loses_no_place(slow: int, speed: int) -> None:
    """For ten minutes it tells of one second in so many, then of many in each."""
    told, ticks = 0, []
    for second in range(1000):
        until = second if second < 60 else 60 + (second - 60) // slow
        if second > 660:
            until = min(second, told + speed)
        recv = NOON + second * SECOND
        rows = [(0, recv, NOON + each * SECOND - 1, 1 + each) for each in range(told, until)]
        told = max(told, until)
        ticks.append([trades(rows)])
    out = record(ticks)
    assert out.ids() == list(range(1, 1 + told))
    assert not any(run.late for run in out.runs)


@pytest.mark.parametrize("table", MAKERS)
def test_old_rows_are_recorded_in_their_own_day_up_to_a_week(table: Table) -> None:
    """What a subscription begins with; what is older is in the day of its receipt."""
    old = [odd(live(3, 1 + n), -age) for n, age in enumerate((MAX_AGE_NS - HOUR, 2 * DAY, HOUR))]
    older = odd(live(3, 9), -MAX_AGE_NS - HOUR)
    ticks = [
        [MAKERS[table]([*old, older])],
        *one_a_tick([live(s, 10 + s) for s in (3, 4, 5, 6, 7)], table),
    ]
    out = record(ticks)
    assert out.keys(0, table)[:3] == [row[2:] for row in old]
    assert out.aside(0, table) == [older[2:]]
    assert late(out) == []
    assert [run.day for run in out.runs if run.aside] == [T0 // DAY]


def test_thousands_of_past_days_open_few_files() -> None:
    """Days, and with them files, are bounded, whatever times a venue sends."""
    rows = [odd(live(3, 1 + n), -n * DAY) for n in range(9_000)]
    out = record([[trades(rows)], *one_a_tick([live(s, 10_000 + s) for s in range(4, 12)])])
    assert len({run.day for run in out.runs}) == 1 + MAX_AGE_NS // DAY
    assert len(out.ids()) == len(rows) + 8


def test_the_last_ticker_of_a_quiet_market_is_set_aside_once() -> None:
    """Though it is sent again with every new subscription."""
    old = odd(live(3, 1), -20 * DAY)
    again = [(0, old[1] + s * SECOND, old[2], old[3]) for s in range(5)]
    beside = [live(s, 1 + s, instrument=1) for s in range(3, 23)]
    ticks = [[tickers([row])] for row in beside]
    for tick, row in zip(ticks[::4], again, strict=True):
        tick.append(tickers([row]))
    out = record(ticks)
    assert out.aside(0, Table.MD) == [old[2:]]
    assert out.duplicates == {0: 4}


def test_what_is_set_aside_is_told_apart_by_all_that_it_says() -> None:
    """Where ids are times, and the time is wrong, ids say nothing."""
    rows = [(0, NOON + s * SECOND, NOON + HOUR, 7) for s in range(6)]
    bids = [1.0, 2.0, 2.0, 1.0, 1.0, 3.0]
    ticks = [[quotes([live(s, 1 + s, instrument=1)])] for s in range(16)]
    for tick, row, bid in zip(ticks[8:], rows, bids, strict=False):
        tick.append(quotes([row]).replace(best_bid=np.array([bid])))
    out = record(ticks)
    runs = [run for run in out.runs if run.aside]
    assert [each for run in runs for each in run.rows["best_bid"].tolist()] == [1.0, 2.0, 1.0, 3.0]
    assert out.duplicates == {0: 2}


def test_trades_that_are_set_aside_are_no_holes_and_come_once() -> None:
    """An id counts whatever time stands beside it."""
    rows = [live(s, 1 + s) for s in range(20)]
    rows[7] = odd(rows[7], HOUR)
    ticks = one_a_tick(rows)
    ticks[9] = [trades([(0, rows[9][1], rows[7][2], rows[7][3]), rows[9]])]
    out = record(ticks)
    assert (out.gaps, out.missing(), out.duplicates) == ([], set(), {0: 1})
    assert out.ids() == list(range(1, 21))


def test_a_row_without_time_goes_with_the_others_of_its_stream() -> None:
    """Where this machine's clock is days off, the receive time alone would be days off as well."""
    for offset in (3 * DAY, -3 * DAY):
        rows = [live(s, 1 + s, offset) for s in range(20)]
        instrument, recv, _, seq = rows[10]
        rows[10] = instrument, recv, NO_TIME, seq
        out = record(one_a_tick(rows))
        assert out.ids() == list(range(1, 21))
        assert not any(run.late for run in out.runs)


@pytest.mark.parametrize("offset", OFFSETS)
def test_quotes_that_never_have_a_time_keep_that_of_their_receipt(offset: int) -> None:
    """Whatever other streams of the venue show."""
    ticks = one_a_tick([live(s, 1 + s, offset) for s in range(10)])
    untimed = [(0, NOON + s * SECOND, NO_TIME, 1 + s) for s in range(10)]
    for tick, row in zip(ticks, untimed, strict=True):
        tick.append(quotes([row]))
    out = record(ticks)
    assert out.keys(0, Table.QUOTES) == [(row[1], row[3]) for row in untimed]


@attrs.frozen
class Story:
    """Rows of two streams of one venue, one of which is odd at a place."""

    rows: list[Row]
    at: int
    cuts: list[int]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    offset = draw(st.sampled_from(OFFSETS) | st.integers(-500 * DAY, 500 * DAY))
    count = draw(st.integers(24, 40))
    rows = [live(s, 1 + s, offset, draw(st.integers(0, 1))) for s in range(count)]
    at = draw(st.integers(0, count - 1))
    ahead = draw(
        st.integers(MAX_AHEAD_NS + SECOND, 30 * DAY) | st.integers(-30 * DAY, -MAX_AGE_NS - SECOND)
    )
    assume(abs(offset + ahead) > MAX_AHEAD_NS or at > 12)  # right, as far as is known by then
    rows[at] = odd(rows[at], ahead)
    cuts = draw(st.lists(st.integers(1, 3), min_size=count, max_size=count))
    return Story(rows, at, cuts)


@examples
@given(story=stories(), table=st.sampled_from(sorted(MAKERS)))
def test_no_odd_time_makes_another_row_late(story: Story, table: Table) -> None:
    """At any place, with any clock, however rows fall into ticks; no row is out of its day."""
    ticks, done = [], 0
    for count in story.cuts:
        ticks.append([MAKERS[table](story.rows[done : done + count])])
        done += count
    out = record(ticks)
    assert late(out) == []
    assert set(all_aside(out)) <= {1 + story.at}
    assert sum(len(run.rows) for run in out.runs) == len(story.rows)
    for run in out.runs:
        times = run.rows["recv_ns" if run.aside else "event_ns"]
        assert {time // DAY for time in times.tolist()} == {run.day}


# -- books ----------------------------------------------------------------------------------------


def update(row: Row, price: float, flags: int = 0) -> Level:
    instrument, recv, event, seq = row
    return Level(recv, event, seq, 1, price, 1.0, flags, instrument)


@pytest.mark.parametrize("ahead", [10 * MINUTE, 9 * HOUR, 20 * DAY, -8 * DAY])
@pytest.mark.parametrize("at", [0, 1, 9, 19])
def test_an_update_of_a_book_keeps_its_place(ahead: int, at: int) -> None:
    """A book in file order is the venue's: the row has the time of the one before it there."""
    rows = [live(s, 1 + s) for s in range(20)]
    rows[at] = odd(rows[at], ahead)
    out = record([[book([update(row, float(n))])] for n, row in enumerate(rows)])
    assert out.column("price") == [float(n) for n in range(20)]
    neighbour = rows[at - 1 if at else 1]
    assert out.keys(0, Table.BOOK)[at] == (neighbour[2], rows[at][3])
    assert out.aside(0, Table.BOOK) == [rows[at][2:]]
    assert (late(out), out.gaps) == ([], [])


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_book_is_in_order_whatever_its_venues_clock_shows(offset: int) -> None:
    """Snapshot and updates, from the first one on."""
    rows = [live(s, 1 + s, offset) for s in range(12)]
    first = Level(rows[0][1], NO_TIME, 0, 0, 99.0, 1.0, FLAG_SNAPSHOT)
    ticks = [[book([update(row, float(n))])] for n, row in enumerate(rows)]
    out = record([[book([first]), *ticks[0]], *ticks[1:]])
    assert out.column("price") == [99.0, *(float(n) for n in range(12))]
    assert out.keys(0, Table.BOOK)[1:] == [row[2:] for row in rows]
    assert not any(run.late for run in out.runs)


def test_only_the_book_with_the_odd_row_waits() -> None:
    """Only the one whose row is doubtful does, for a few samples of its venue's clock."""
    pipeline, out, seen = new_pipeline(), Out(), []
    for s in range(12):
        row = odd(live(s, 1 + s), HOUR) if s == 6 else live(s, 1 + s)
        pipeline.push([book([update(row, float(s)), update(live(s, 1 + s, instrument=1), 5.0)])])
        out.add(pipeline.tick())
        seen.append((len(out.column("price")), len(out.column("price", 1))))
    waited = 6 + ENOUGH_SAMPLES
    assert [one for one, _ in seen[: waited + 1]] == [0, 1, 2, 3, 4, 5, 6, 6, 6, 6][: waited + 1]
    assert [one for one, _ in seen[waited + 1 :]] == list(range(10, 12))
    assert [other for _, other in seen] == list(range(12))
