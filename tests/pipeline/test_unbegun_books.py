"""A book without a snapshot whose process dies cannot be rebuilt, and that is recorded."""

from __future__ import annotations

import attrs
import pytest

from tests.pipeline.books import MS
from tests.pipeline.streams import SECOND, T0, Level, Out, book, continued, new_pipeline, ticked
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.marks import Interrupted, Mark, Resumed, Retired
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, Table
from tick_logger.pipeline.pipeline import Pipeline

Items = list[RowBatch | Mark]

STOP, BACK = T0 + 20 * SECOND, T0 + 30 * SECOND


def row(second: int, flags: int = 0) -> Level:
    """A level that is received in this second."""
    recv = T0 + second * SECOND
    return Level(recv, recv - MS, 0, 1, 5.0, 1.0, flags)


SNAPSHOT = row(3, FLAG_SNAPSHOT)
UPDATES = [row(1), row(2)]


def told(out: Out) -> list[tuple[Cause, int | None, int | None]]:
    """The records, without a stream."""
    return [(gap.cause, gap.from_ns, gap.to_ns) for gap in out.gaps]


def after_crash(*ticks: Items, stop: int = STOP, cause: Cause = Cause.CRASH) -> Out:
    """What comes of these ticks, a crash, and a process that has a snapshot at once."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, *ticks)
    return _again(continued(pipeline, cause, stop), out)


def _again(pipeline: Pipeline, out: Out) -> Out:
    first = attrs.evolve(SNAPSHOT, recv=BACK, event=BACK)
    ticked(out, pipeline, [Resumed((0,), (Table.BOOK,), BACK), book([first])], [], [])
    out.add(pipeline.close(BACK + SECOND))
    return out


CRASH = (Cause.CRASH, STOP, BACK)


@pytest.mark.parametrize("ticks", [1, 2])
def test_updates_without_a_snapshot_are_in_a_record(ticks: int) -> None:
    """From the first of them to the end of their process."""
    items: list[Items] = [[book(UPDATES)]] if ticks == 1 else [[book([each])] for each in UPDATES]
    out = after_crash(*items)
    assert told(out) == [(Cause.SNAPSHOT, UPDATES[0].recv, STOP), CRASH]


def test_the_row_that_came_last_lies_in_the_record() -> None:
    """Nothing else came after it."""
    (recv,) = {each.recv for each in UPDATES[:1]}
    out = after_crash([book(UPDATES[:1])], stop=recv)
    assert told(out)[0] == (Cause.SNAPSHOT, recv, recv + 1)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_book_that_had_a_snapshot_is_none_of_these(at: int) -> None:
    """Before its updates, or a little later."""
    rows = [*UPDATES[:at], SNAPSHOT, *UPDATES[at:]]
    ticks: list[Items] = [[book([each])] for each in rows]
    assert told(after_crash(*ticks)) == [CRASH]


def test_what_is_interrupted_already_is_told_once() -> None:
    """A lost connection has a record of its own, from its loss on."""
    lost_ns = T0 + 2 * SECOND
    lost = Interrupted((0,), (Table.BOOK,), lost_ns, Cause.DISCONNECT)
    out = after_crash([book(UPDATES[:1])], [lost], [])
    assert told(out) == [
        (Cause.SNAPSHOT, UPDATES[0].recv, lost_ns),
        (Cause.DISCONNECT, lost_ns, BACK),
    ]


def test_a_snapshot_that_was_overdue_is_told_once() -> None:
    """Whoever waited for it has said since when."""
    overdue = Interrupted((0,), (Table.BOOK,), T0, Cause.SNAPSHOT)
    out = after_crash([book(UPDATES)], [overdue], [])
    assert told(out) == [(Cause.SNAPSHOT, T0, BACK)]


def test_each_process_needs_a_snapshot_of_its_own() -> None:
    """What the second brings before it dies as well is part of what the first has left."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [book([SNAPSHOT])], [])
    second = continued(pipeline, stop=SNAPSHOT.recv)
    ticked(out, second, [book([row(6)])], [])
    out = _again(continued(second, stop=STOP), out)
    assert told(out) == [(Cause.CRASH, SNAPSHOT.recv, BACK)]


def test_a_stop_in_order_tells_by_itself() -> None:
    """The feed side knows then what it waits for."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [book(UPDATES)])
    out.add(pipeline.close(STOP))
    out = _again(continued(pipeline, Cause.RESTART, STOP), out)
    assert told(out) == [(Cause.RESTART, STOP, BACK)]


def test_a_book_that_is_wanted_no_longer_before_its_snapshot_came() -> None:
    """What there is of it is no book either; the last rows may come with the news."""
    retired = Retired((0,), STOP, (Table.BOOK,))
    for ticks in ([[book(UPDATES)], [retired]], [[book(UPDATES), retired]]):
        pipeline, out = new_pipeline(), Out()
        ticked(out, pipeline, *ticks, [])
        out.add(pipeline.close(BACK))
        assert told(out) == [(Cause.SNAPSHOT, UPDATES[0].recv, STOP)]


def test_the_state_of_an_earlier_version_says_of_no_book_that_it_has_none() -> None:
    """It did not note which had their snapshot."""
    pipeline = new_pipeline()
    ticked(Out(), pipeline, [book([SNAPSHOT])])
    state = pipeline.dump()
    del state["books"]["unbegun"]
    earlier, out = new_pipeline(), Out()
    earlier.load(state)
    ticked(out, earlier, [book(UPDATES)])
    assert told(_again(continued(earlier, stop=STOP), out)) == [CRASH]


def test_records_are_of_the_book() -> None:
    """And of its instrument alone."""
    other = attrs.evolve(SNAPSHOT, instrument=1)
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [book([*UPDATES, other])])
    ticked(out, continued(pipeline, stop=STOP, count=2), [], [])
    stream = 0, Table.BOOK, None, None
    assert out.gaps == [GapRecord(*stream, UPDATES[0].recv, STOP, Cause.SNAPSHOT)]
