"""Trades that were not understood: told by their ids, unless they came before or come later."""

from __future__ import annotations

import pytest

from tests.pipeline.streams import SECOND, T0, Out, new_pipeline, ticked, trades
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.marks import MissingIds
from tick_logger.model.proof import Ids
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table
from tick_logger.pipeline.books import WAIT_TICKS
from tick_logger.pipeline.lost_trades import MOST_TOLD, LostTrades

NOT_DENSE = (Ids.SEEM_DENSE, Ids.SPARSE, Ids.OPAQUE)
each_kind = pytest.mark.parametrize("ids", NOT_DENSE)


def bad(trade_id: int, at_ns: int = T0 + 5 * SECOND) -> MissingIds:
    """A trade that came then, and was not understood."""
    return MissingIds(0, Table.TRADES, trade_id, trade_id, at_ns, at_ns, Cause.UNDECODABLE)


def came(*ids: int) -> RowBatch:
    return trades([(0, T0 + each * SECOND, T0 + each * SECOND, each) for each in ids])


def told(out: Out) -> list[tuple[int | None, str | bool]]:
    """Id and healing of each record."""
    return [(gap.from_id, gap.healed) for gap in out.gaps if gap.cause is Cause.UNDECODABLE]


@each_kind
def test_one_that_never_comes_is_told_when_its_neighbours_are_written(ids: Ids) -> None:
    """By its id, and by when it came."""
    pipeline, out = new_pipeline(ids=ids), Out()
    ticked(out, pipeline, [bad(5), came(4, 6)], [])
    assert told(out) == [(5, False)]
    (record,) = (gap for gap in out.gaps if gap.cause is Cause.UNDECODABLE)
    at_ns = T0 + 5 * SECOND
    assert record == GapRecord(0, Table.TRADES, 5, 5, at_ns, at_ns, Cause.UNDECODABLE)


@each_kind
def test_one_that_had_come_is_no_loss(ids: Ids) -> None:
    """A venue sends its last trades again to each new subscriber."""
    pipeline, out = new_pipeline(ids=ids), Out()
    ticked(out, pipeline, [came(4, 5, 6)], [], [bad(5)], [], [])
    assert told(out) == []


@each_kind
def test_one_that_comes_soon_is_no_loss(ids: Ids) -> None:
    """With the same tick, or with the next: another connection may bring it."""
    pipeline, out = new_pipeline(ids=ids), Out()
    ticked(out, pipeline, [bad(5), came(5)], [bad(7)], [came(7)], [], [])
    assert told(out) == []


@each_kind
def test_one_that_comes_later_is_healed(ids: Ids) -> None:
    """Once; the record before it stays."""
    pipeline, out = new_pipeline(ids=ids), Out()
    ticked(out, pipeline, [bad(5)], [], [], [came(5)], [came(5)], [])
    assert told(out) == [(5, False), (5, "late")]


def test_what_is_held_back_is_part_of_the_state() -> None:
    """Another pipeline goes on from it; a state of an earlier version has nothing of the kind."""
    pipeline, out = new_pipeline(ids=Ids.SPARSE), Out()
    ticked(out, pipeline, [bad(5), bad(6)])
    state = pipeline.dump()
    again, later = new_pipeline(ids=Ids.SPARSE), Out()
    again.load(state)
    ticked(later, again, [came(6)], [came(5)])
    assert told(later) == [(5, False), (5, "late")]
    del state["gaps"]["lost_trades"]
    older = new_pipeline(ids=Ids.SPARSE)
    older.load(state)
    ticked(empty := Out(), older, [], [])
    assert told(empty) == []


def test_one_that_came_last_before_a_crash_is_healed_by_the_next_process() -> None:
    """Whose state may be saved before its first tick."""
    pipeline, out = new_pipeline(ids=Ids.SPARSE), Out()
    ticked(out, pipeline, [bad(5)], [], [])
    pipeline.push([came(5)])
    pipeline.restarted({0: T0 + 9 * SECOND}, Cause.CRASH, WAIT_TICKS)
    again, later = new_pipeline(ids=Ids.SPARSE), Out()
    again.load(pipeline.dump())
    ticked(later, again, [], [])
    assert told(out) == [(5, False)]
    assert told(later) == [(5, "late")]


def test_at_the_end_everything_is_told() -> None:
    """Nothing more will come."""
    lost = LostTrades()
    lost.note(bad(5))
    assert [record.from_id for record in lost.tick(last=True)] == [5]
    assert lost.tick(last=True) == []


def test_not_all_are_remembered_for_ever() -> None:
    """The oldest can no longer be healed."""
    lost = LostTrades()
    for each in range(MOST_TOLD + 1):
        lost.note(bad(each))
    assert len(lost.tick(last=True)) == MOST_TOLD + 1
    lost.came(came(0, 1))
    assert [record.from_id for record in lost.tick()] == [1]
