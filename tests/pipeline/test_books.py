"""Order books: applying the rows in file order rebuilds the book, wherever its snapshot came.

The oracle is the simulated venue, which knows its book after every update.
"""

from __future__ import annotations

import random

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.books import MS, Venue, diff, rebuilt, rest
from tests.pipeline.streams import (
    DAY,
    SECOND,
    T0,
    Level,
    Out,
    book,
    examples,
    new_pipeline,
    record,
    tail_of,
    ticked,
)
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.marks import AwaitSnapshot, Mark, NoSnapshot
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, NO_TIME, Table
from tick_logger.pipeline import books
from tick_logger.pipeline.books import WAIT_TICKS

NAN = float("nan")


@examples
@given(st.integers(0, 10**9))
def test_a_rest_snapshot_gets_before_the_updates_that_it_does_not_cover(seed: int) -> None:
    """It is taken and arrives between any two updates, which come in any ticks."""
    rng = random.Random(seed)
    venue = Venue(rng)
    for _ in range(rng.randrange(10)):
        venue.update()  # before the recording
    first = venue.update()
    ticks: list[list[RowBatch | AwaitSnapshot]] = [[AwaitSnapshot(0, first[0].recv), book(first)]]
    for _ in range(rng.randrange(12)):
        ticks[-1].append(book(venue.update()))
        if rng.random() < 0.3:
            ticks.append([])
    taken_id, snapshot = venue.last_id, venue.snapshot(recv=0)
    for number in range(rng.randrange(12)):
        ticks[-1].append(book(venue.update()))
        if number and rng.random() < 0.3:
            ticks.append([])
    received = venue.now + 100 * MS
    ticks[-1].append(book([attrs.evolve(row, recv=received) for row in snapshot]))
    while rng.random() < 0.8:
        ticks[-1].append(book(venue.update()))
        if rng.random() < 0.3:
            ticks.append([])
    out = record(ticks)
    expected = {seq: state for seq, state in venue.after.items() if seq > taken_id}
    assert rebuilt(out, taken_id) == expected
    assert out.keys(table=Table.BOOK, late=True) == []


def test_a_snapshot_finds_its_place_among_rows_that_wait_in_the_window() -> None:
    """It may be older than updates that went by before it was asked for."""
    venue = Venue(random.Random(1))
    for _ in range(10):
        venue.update()  # before the recording
    before, covered = venue.update(), venue.update()
    taken_id, snapshot = venue.last_id, venue.snapshot(recv=venue.now + 200 * MS)
    uncovered = [venue.update(), venue.update()]
    asked = AwaitSnapshot(0, venue.now + 80 * MS)
    out = record([[book(before)], [book(covered), *map(book, uncovered)], [asked, book(snapshot)]])
    assert out.keys(table=Table.BOOK, late=True) == []
    assert rebuilt(out, taken_id) == {
        seq: state for seq, state in venue.after.items() if seq > taken_id
    }


@pytest.mark.parametrize("last_id", [0, 102], ids=["on the socket", "by REST"])
def test_a_snapshot_without_levels_has_its_place_too(last_id: int) -> None:
    """After the updates before it: what they set is gone, and what comes later is all there is."""
    ids = [last_id and 101 + n for n in range(3)]
    updates = [Level(T0 + n * MS, T0 + n * MS, seq, 1, 5.0 + n, 1.0) for n, seq in enumerate(ids)]
    empty = [
        Level(T0 + 2 * MS - 1, NO_TIME, last_id, side, NAN, 0.0, FLAG_SNAPSHOT) for side in (1, 0)
    ]
    out = record([[AwaitSnapshot(0, T0)], [book([*updates[:2], *empty, *updates[2:]])]])
    assert out.column("price") == pytest.approx([5.0, 6.0, NAN, NAN, 7.0], nan_ok=True)
    assert out.column("flags") == [0, 0, 1, 1, 0]
    assert out.gaps == []


@examples
@given(st.integers(0, 10**9))
def test_socket_snapshots_and_untimed_updates_keep_their_place(seed: int) -> None:
    """Rows of one connection, some without a time, come out exactly as they came in.

    All but the first have a predecessor; as on any socket it is a snapshot, or has a time.
    """
    rng = random.Random(seed)
    event, sizes = T0, 0
    arrived: list[float] = []
    ticks: list[list[RowBatch]] = [[]]
    for _ in range(rng.randrange(2, 40)):
        event += rng.randrange(1, 50) * MS
        recv = event + rng.randrange(-5, 80) * MS
        kind = rng.choices(["update", "snapshot", "untimed"], [6, 1, 2 if sizes else 0])[0]
        time = event if kind == "update" else NO_TIME
        flags = FLAG_SNAPSHOT if kind == "snapshot" else 0
        levels = rng.randrange(1, 4)
        sent = [Level(recv, time, 0, 1, float(n), float(sizes + n), flags) for n in range(levels)]
        sizes += levels
        arrived += [row.size for row in sent]
        ticks[-1].append(book(sent))
        if rng.random() < 0.3:
            ticks.append([])
    # So that the last snapshot has an update to go before.
    ticks[-1].append(book([Level(event + SECOND, event + SECOND, 0, 1, 0.0, float(sizes))]))
    out = record(ticks)
    assert out.keys(table=Table.BOOK, late=True) == []
    assert out.column("size") == [*arrived, float(sizes)]


def test_two_snapshots_in_one_wait_stay_two() -> None:
    """Each takes the time of the update after it, not that of the other's."""
    one = [Level(T0, NO_TIME, 0, 1, float(n), 1.0, FLAG_SNAPSHOT) for n in range(3)]
    two = [attrs.evolve(row, recv=T0 + 20 * MS, size=2.0) for row in one]
    between = Level(T0 + 10 * MS, T0 + 5 * MS, 0, 1, 0.0, 9.0)
    after = Level(T0 + 30 * MS, T0 + 25 * MS, 0, 1, 0.0, 8.0)
    out = record([[book([*one, between, *two, after])]])
    assert out.column("size") == [1.0, 1.0, 1.0, 9.0, 2.0, 2.0, 2.0, 8.0]
    times = [(event - T0) // MS for event, _ in out.keys(table=Table.BOOK)]
    assert times == [5, 5, 5, 5, 25, 25, 25, 25]


def placed(*arrivals: Level) -> list[int]:
    """The time, in ns after T0, at which each of the snapshots' rows came out, in file order."""
    out = record([[AwaitSnapshot(0, T0), book(arrivals)]])
    flags, keys = out.column("flags"), out.keys(table=Table.BOOK)
    return [event - T0 for (event, _), flag in zip(keys, flags, strict=True) if flag]


def test_the_newest_update_covered_is_by_id_not_by_arrival() -> None:
    """A resend of older ones may come last; so may one overtaken, where none is covered."""
    assert placed(diff(1), diff(2), diff(3), diff(1), diff(2), rest(3)) == [30]
    assert placed(diff(6), diff(5), diff(7), rest(4)) == [50]


def test_two_snapshots_by_id_have_two_places() -> None:
    """Also if they come one right after the other."""
    assert placed(diff(1), diff(2), diff(3), rest(1), rest(3, T0 + 501)) == [10, 30]


def test_a_snapshot_older_than_a_second_wish_does_not_fulfil_it() -> None:
    """The latest wish counts."""
    pipeline, out = new_pipeline(), Out()
    wishes = [AwaitSnapshot(0, T0 + at) for at in (100, 900)]
    pipeline.push([wishes[0], book([diff(1)]), wishes[1], book([rest(1)])])
    for _ in range(5):
        assert out.add(pipeline.tick()).runs == ()
    pipeline.push([book([rest(1, recv=T0 + 900)])])
    out.add(pipeline.tick())
    assert len(out.add(pipeline.tick()).runs) == 1


def test_a_snapshot_whose_time_is_made_up_never_goes_before_what_came_earlier() -> None:
    """Our clock may be behind the venue's."""
    ahead = Level(T0, T0 + 5 * SECOND, 0, 1, 7.0, 1.0)
    snapshot = Level(T0 + SECOND, NO_TIME, 0, 1, 7.0, 2.0, FLAG_SNAPSHOT)
    for ticks in ([[book([ahead, snapshot])]], [[book([ahead])], [], [], [book([snapshot])]]):
        out = record(ticks)
        assert out.column("size") == [1.0, 2.0]
        assert [event for event, _ in out.keys(table=Table.BOOK)] == [T0 + 5 * SECOND] * 2


def test_an_untimed_update_follows_its_predecessor_of_an_earlier_tick() -> None:
    """A year-0001 time first in its tick: the receive time would put it after its successor."""
    rows = [
        Level(T0 + 50 * MS, T0, 0, 1, 7.0, 1.0),
        Level(T0 + 90 * MS, NO_TIME, 0, 1, 7.0, 2.0),
        Level(T0 + 95 * MS, T0 + 60 * MS, 0, 1, 7.0, 3.0),
    ]
    out = record([[book(rows[:1])], [], [book(rows[1:])]])
    assert out.column("size") == [1.0, 2.0, 3.0]
    assert [event for event, _ in out.keys(table=Table.BOOK)] == [T0, T0, T0 + 60 * MS]


def test_the_predecessor_may_be_on_disk() -> None:
    """After a restart, an untimed update goes after what the last run wrote."""
    before = record([[book([Level(T0 + 5, T0, 0, 1, 7.0, 1.0)])]])
    tail = tail_of(before, 0, Table.BOOK)
    untimed = Level(T0 - SECOND, NO_TIME, 0, 1, 7.0, 2.0)  # and our clock was set back
    after = record([[book([untimed])]], new_pipeline({(0, Table.BOOK): tail}))
    assert after.keys(table=Table.BOOK) == [(T0, 0)]


def test_without_any_predecessor_the_receive_time_stands_in() -> None:
    """The very first row of a book, unless another tells that it came before."""
    first = Level(T0 + 5, NO_TIME, 0, 1, 7.0, 2.0)
    assert record([[book([first])]]).keys(table=Table.BOOK) == [(T0 + 5, 0)]
    out = record([[book([first, Level(T0 + 6, T0 + 1, 0, 1, 7.0, 3.0)])]])
    assert out.column("size") == [2.0, 3.0]
    assert [event for event, _ in out.keys(table=Table.BOOK)] == [T0 + 1, T0 + 1]


def released_at(ticks: int, first: list[RowBatch | AwaitSnapshot]) -> list[int]:
    """The ticks, counting from one, at which rows came out."""
    pipeline, out = new_pipeline(), Out()
    pipeline.push(first)
    return [tick for tick in range(1, ticks + 1) if out.add(pipeline.tick()).runs]


def test_a_snapshot_that_never_comes_is_waited_for_so_long() -> None:
    """After `WAIT_TICKS` the updates enter the window, and leave it a tick later."""
    update = book([Level(T0 + 5, T0, 7, 1, 7.0, 2.0)])
    assert released_at(60, [AwaitSnapshot(0, T0), update]) == [WAIT_TICKS + 2]


def test_a_snapshot_before_a_silent_market_is_held_so_long() -> None:
    """Then the receive time stands in, not that of an update of long ago."""
    snapshot = book([Level(T0 + SECOND, NO_TIME, 0, 1, 7.0, 2.0, FLAG_SNAPSHOT)])
    assert released_at(60, [snapshot]) == [WAIT_TICKS + 2]
    old = book([Level(T0 + 5, T0, 0, 1, 7.0, 1.0)])
    out = record([[old], [], [snapshot], *[[]] * 60])
    assert out.keys(table=Table.BOOK) == [(T0, 0), (T0 + SECOND, 0)]


def test_an_update_without_a_snapshot_does_not_wait() -> None:
    """It leaves the window like any other row."""
    assert released_at(5, [book([Level(T0 + 5, T0, 7, 1, 7.0, 2.0)])]) == [2]
    assert released_at(5, [book([Level(T0 + 5, NO_TIME, 7, 1, 7.0, 2.0)])]) == [2]


def test_a_snapshot_received_before_it_was_asked_for_is_not_the_one() -> None:
    """A break in the chain asks for another while the first is on its way."""
    stale = Level(T0 + 10, NO_TIME, 7, 1, 7.0, 1.0, FLAG_SNAPSHOT)
    update = Level(T0 + 20, T0 + 15, 9, 1, 7.0, 2.0)
    fresh = attrs.evolve(stale, recv=T0 + 30, seq=9, size=3.0)
    pipeline, out = new_pipeline(), Out()
    pipeline.push([AwaitSnapshot(0, T0 + 20), book([stale, update])])
    assert [out.add(pipeline.tick()).runs for _ in range(5)] == [()] * 5
    pipeline.push([book([fresh])])
    out.add(pipeline.tick())
    out.add(pipeline.tick())
    assert out.column("size") == [1.0, 2.0, 3.0]


def test_a_book_that_waits_delays_no_other() -> None:
    """Rows of other books pass, in order."""
    rows = [Level(T0, T0 + n, n + 1, 1, float(n), 1.0, instrument=n % 3) for n in range(9)]
    pipeline, out = new_pipeline(), Out()
    pipeline.push([AwaitSnapshot(1, T0), book(rows)])
    out.add(pipeline.tick())
    out.add(pipeline.tick())
    assert [out.ids(i, Table.BOOK) for i in range(3)] == [[1, 4, 7], [], [3, 6, 9]]
    out.add(pipeline.close(T0))
    assert out.ids(1, Table.BOOK) == [2, 5, 8]


def test_too_many_waiting_rows_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded per book; the rows are recorded, though their snapshot is late."""
    monkeypatch.setattr(books, "MAX_WAITING_ROWS", 3)
    pipeline, out = new_pipeline(), Out()
    for n in range(1, 5):
        pipeline.push([AwaitSnapshot(0, T0), book([Level(T0, T0 + n, n, 1, 1.0, 1.0)])])
        assert out.add(pipeline.tick()).runs == ()
    out.add(pipeline.tick())
    assert out.ids(0, Table.BOOK) == [1, 2, 3, 4]


def test_the_memory_of_waiting_books_is_counted_and_given_back() -> None:
    """`held_bytes` is what the writer decides by."""
    rows = book([Level(T0, T0 + n, n + 1, 1, 1.0, 1.0, instrument=n % 2) for n in range(10)])
    pipeline = new_pipeline()
    pipeline.push([AwaitSnapshot(0, T0), AwaitSnapshot(1, T0), rows])
    assert pipeline.held_bytes == rows.nbytes
    pipeline.tick()
    assert pipeline.held_bytes == rows.nbytes
    pipeline.tick()
    assert pipeline.held_bytes == rows.nbytes
    pipeline.push([book([Level(T0 + 1, NO_TIME, 3, 1, 1.0, 1.0, FLAG_SNAPSHOT)])])
    pipeline.tick()  # book 0 moves on to the window
    pipeline.tick()
    assert pipeline.held_bytes == rows.nbytes // 2
    pipeline.close(T0)
    assert pipeline.held_bytes == 0


def test_an_expectation_without_rows_ends_as_well() -> None:
    """A book that fell silent is forgotten, not waited for all day."""
    assert released_at(60, [AwaitSnapshot(0, T0)]) == []
    pipeline, out = new_pipeline(), Out()
    pipeline.push([AwaitSnapshot(0, T0)])
    ticked(out, pipeline, *[[]] * WAIT_TICKS)
    assert pipeline.dump()["books"]["instrument"] == [0]
    ticked(out, pipeline, [])
    assert pipeline.dump()["books"]["instrument"] == []


# -- snapshots that fail, or come too late ---------------------------------------------------------


def numbered(seq: int, at_ns: int, flags: int = 0) -> RowBatch:
    """One level, as of an update id."""
    event = NO_TIME if flags else at_ns
    return book([Level(at_ns, event, seq, 1, 7.0, float(seq), flags)])


def test_a_snapshot_that_fails_lets_its_book_go_and_is_recorded() -> None:
    """The updates reach the disk, and one record says from when to when they are of no use."""
    steps: list[list[RowBatch | Mark]] = [[AwaitSnapshot(0, T0), numbered(5, T0 + 1)]]
    steps += [[NoSnapshot(0, T0 + 9)], [], [], [AwaitSnapshot(0, T0 + 20)]]
    steps += [[NoSnapshot(0, T0 + 29)], [], [AwaitSnapshot(0, T0 + 30)]]
    out = record([*steps, [numbered(5, T0 + 33, FLAG_SNAPSHOT)], [], []])
    assert out.keys(table=Table.BOOK) == [(T0 + 1, 5), (T0 + 1, 5)]
    assert out.gaps == [GapRecord(0, Table.BOOK, None, None, T0, T0 + 33, Cause.SNAPSHOT)]


def test_asking_again_lets_the_book_wait_anew() -> None:
    """A fetch that began late in the queue has as much time as any other."""
    steps: list[list[RowBatch | Mark]] = [[AwaitSnapshot(0, T0), numbered(5, T0 + 1)]]
    steps += [[] for _ in range(WAIT_TICKS - 1)]
    steps += [[AwaitSnapshot(0, T0 + 2)], *([] for _ in range(WAIT_TICKS - 1))]
    steps += [[numbered(5, T0 + 3, FLAG_SNAPSHOT), numbered(6, T0 + 4)], [], [], []]
    out = record(steps)
    assert out.keys(table=Table.BOOK) == [(T0 + 1, 5), (T0 + 1, 5), (T0 + 4, 6)]
    assert out.gaps == []


def test_a_snapshot_behind_what_has_left_is_kept_apart_and_recorded() -> None:
    """Among later updates it would take back those it does not know of."""
    steps: list[list[RowBatch | Mark]] = [[AwaitSnapshot(0, T0), numbered(5, T0 + 1)]]
    steps += [[] for _ in range(WAIT_TICKS + 1)]
    steps += [[numbered(6, T0 + 2)], [], [], []]
    steps += [[numbered(4, T0 + 3, FLAG_SNAPSHOT), numbered(7, T0 + 4)], [], [], []]
    out = record(steps)
    assert [seq for _, seq in out.keys(table=Table.BOOK)] == [5, 6, 7]
    assert [seq for _, seq in out.keys(table=Table.BOOK, late=True)] == [4]
    assert out.gaps == [GapRecord(0, Table.BOOK, None, None, T0, T0 + DAY, Cause.SNAPSHOT)]
