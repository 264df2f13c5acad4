"""Books that are sent whole each time: one whose time cannot be right keeps its place as well.

The id of such a book may be its time, and no update tells what it covers.
"""

from __future__ import annotations

import pytest

from tests.pipeline.streams import (
    SECOND,
    Level,
    Out,
    book,
    continued,
    new_pipeline,
    record,
    ticked,
)
from tests.pipeline.timed import HOUR, MINUTE, live, odd
from tick_logger.model.cause import Cause
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, NO_TIME, Table
from tick_logger.pipeline.doubtful import ENOUGH_SAMPLES

COUNT = 36
AHEAD = [10 * MINUTE, 9 * HOUR, -8 * 24 * HOUR]
"""By how much a time is wrong."""


def whole(second: int, ahead: int = 0) -> RowBatch:
    """The book of this second, whose id is its time; its sizes tell which it is."""
    _, recv, event, _ = odd(live(second, 0), ahead)
    seq = event // 10**6
    return book(
        Level(recv, event, seq, side, 7.0 + side, float(second), FLAG_SNAPSHOT) for side in (0, 1)
    )


def in_file_order(out: Out) -> list[float]:
    """Which books they are, once each."""
    return out.column("size")[::2]


@pytest.mark.parametrize("ahead", AHEAD)
@pytest.mark.parametrize("a_tick", [1, 3])
@pytest.mark.parametrize("at", [9, 20, COUNT - 1])
def test_a_whole_book_keeps_its_place(at: int, a_tick: int, ahead: int) -> None:
    """Behind those that came before it in its tick, and before the next; there is none it lacks."""
    rows = [whole(second, ahead * (second == at)) for second in range(COUNT)]
    out = record([rows[start : start + a_tick] for start in range(0, COUNT, a_tick)])
    assert in_file_order(out) == [*range(COUNT)]
    assert out.keys(0, Table.BOOK, late=True) == []
    assert len(out.aside(0, Table.BOOK)) == 2
    assert out.gaps == []


@pytest.mark.parametrize("ahead", AHEAD)
@pytest.mark.parametrize("odd_ones", [{0}, {9, 11}, {20, 22}])
def test_several_keep_their_order(odd_ones: set[int], ahead: int) -> None:
    """Also if nothing came before the first."""
    rows = [whole(second, ahead * (second in odd_ones)) for second in range(COUNT)]
    out = record([[rows[0], *rows[1:3]], *([each] for each in rows[3:])])
    assert in_file_order(out) == [*range(COUNT)]


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_whole_book_waits_for_no_update(ahead: int) -> None:
    """As soon as its time is judged, it goes on: all but those of the newest tick have left."""
    pipeline, out = new_pipeline(), Out()
    count = 9 + ENOUGH_SAMPLES + 3  # the row after an odd one may be no sample, either
    for second in range(count):
        ticked(out, pipeline, [whole(second, ahead * (second == 9))])
    assert in_file_order(out) == [*range(count - 1)]


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_whole_book_keeps_its_place_in_the_next_process(ahead: int) -> None:
    """Which goes on from the state of the one before."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, *([whole(second)] for second in range(9)))
    pipeline = continued(pipeline, Cause.CRASH, int(whole(9)["recv_ns"][0]))
    rows = [whole(second, ahead * (second == 12)) for second in range(9, COUNT)]
    ticked(out, pipeline, *([each] for each in rows))
    out.add(pipeline.close(int(rows[-1]["recv_ns"][0]) + SECOND))
    assert in_file_order(out) == [*range(COUNT)]
    assert out.keys(0, Table.BOOK, late=True) == []


def test_a_whole_book_without_a_time_is_behind_those_of_its_tick() -> None:
    """Its venue sent none that can be read."""
    untimed = whole(5).replace(event_ns=whole(5)["event_ns"] * 0 + NO_TIME)
    out = record([[whole(0)], [], [], [whole(3), whole(4), untimed]])
    assert in_file_order(out) == [0.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("ahead", AHEAD)
def test_where_there_are_updates_the_id_tells_the_place(ahead: int) -> None:
    """A snapshot of a line that lags would take back what the other has brought already."""
    pipeline, out = new_pipeline(), Out()
    for second in range(20):
        _, recv, event, seq = live(second, 100 + second)
        ticked(out, pipeline, [book([Level(recv, event, seq, 1, 7.0, float(second))])])
    _, recv, event, seq = odd(live(25, 110), ahead)
    ticked(out, pipeline, [], [], [book([Level(recv, event, seq, 1, 7.0, 10.0, FLAG_SNAPSHOT)])])
    out.add(pipeline.close(recv + SECOND))
    assert out.column("size") == [*range(20)]
    assert [seq for _, seq in out.keys(0, Table.BOOK, late=True)] == [110]
