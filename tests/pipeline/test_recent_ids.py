"""Trades whose ids only tell them apart: nothing twice, nothing lost, and holes mean nothing."""

from __future__ import annotations

import random

import pytest

from tests.pipeline.streams import SECOND, T0, Out, new_pipeline, trades
from tick_logger.model.cause import Cause
from tick_logger.model.flush import StreamTail
from tick_logger.model.marks import Interrupted, Resumed
from tick_logger.model.proof import Ids
from tick_logger.model.tables import Table
from tick_logger.pipeline.recent_ids import MAX_RECENT_IDS


def ids_of(out: Out) -> list[int]:
    """The ids in the main files, in file order."""
    return [seq for _, seq in out.keys(0)]


LOOSE = (Ids.SPARSE, Ids.OPAQUE)


@pytest.mark.parametrize("ids", LOOSE)
def test_holes_are_no_gaps_and_no_reason_to_drop_anything(ids: Ids) -> None:
    """However far apart the ids are, and however many holes there are."""
    rng = random.Random(ids.name)
    every = sorted(rng.sample(range(2**60), 5_000))
    pipeline, out = new_pipeline(ids=ids), Out()
    for start in range(0, len(every), 100):
        part = every[start : start + 100]
        rows = [(0, T0 + start + n, T0 + start + n, each) for n, each in enumerate(part)]
        pipeline.push([trades(rows)])
        out.add(pipeline.tick())
    out.add(pipeline.close(T0 + SECOND))
    assert ids_of(out) == every
    assert (out.gaps, out.duplicates, out.unproven_holes) == ([], {}, {})


@pytest.mark.parametrize("ids", LOOSE)
def test_what_is_sent_again_is_dropped_and_counted(ids: Ids) -> None:
    """By another connection, in another order, ticks later."""
    pipeline, out = new_pipeline(ids=ids), Out()
    sent = [(0, T0 + n, T0 + n, each) for n, each in enumerate((900, 30, 17, 2**59))]
    pipeline.push([trades(sent), trades(sent[1:3])])
    out.add(pipeline.tick())
    pipeline.push([trades([(0, T0 + 9, at, each) for _, _, at, each in reversed(sent)])])
    out.add(pipeline.tick())
    out.add(pipeline.close(T0 + SECOND))
    assert ids_of(out) == [900, 30, 17, 2**59]
    assert out.duplicates == {0: 6}


def test_ids_without_order_leave_trades_of_one_time_as_they_arrived() -> None:
    """Within a tick, and when a later tick brings one more of the same time."""
    pipeline, out = new_pipeline(ids=Ids.OPAQUE), Out()
    pipeline.push([trades([(0, T0, T0 + 5, 70), (0, T0 + 1, T0 + 5, 20), (0, T0 + 2, T0 + 4, 90)])])
    out.add(pipeline.tick())
    pipeline.push([trades([(0, T0 + 3, T0 + 5, 10)])])
    out.add(pipeline.tick())
    out.add(pipeline.tick())
    pipeline.push([trades([(0, T0 + 4, T0 + 5, 3)])])  # of a time that was released
    out.add(pipeline.close(T0 + SECOND))
    assert out.keys() == [(T0 + 4, 90), (T0 + 5, 70), (T0 + 5, 20), (T0 + 5, 10), (T0 + 5, 3)]
    assert out.keys(late=True) == []


def test_sparse_ids_give_the_order_of_trades_of_one_time() -> None:
    """Several trades share a second on some venues; the ids tell which was first."""
    pipeline, out = new_pipeline(ids=Ids.SPARSE), Out()
    pipeline.push([trades([(0, T0, T0, 70), (0, T0, T0, 20), (0, T0, T0, 45)])])
    out.add(pipeline.close(T0 + SECOND))
    assert out.keys() == [(T0, 20), (T0, 45), (T0, 70)]


@pytest.mark.parametrize("ids", LOOSE)
def test_trades_on_disk_are_known(ids: Ids) -> None:
    """Without any state but the tail of the files."""
    tail = StreamTail(T0, 40, T0, recent_ids=(20, 70, 40), recent_event_ns=(T0, T0, T0))
    pipeline, out = new_pipeline({(0, Table.TRADES): tail}, ids=ids), Out()
    pipeline.push([trades([(0, T0 + 1, T0, 70), (0, T0 + 1, T0, 40), (0, T0 + 2, T0 + 2, 10)])])
    out.add(pipeline.close(T0 + SECOND))
    assert ids_of(out) == [10]
    assert out.duplicates == {0: 2}


def test_an_interruption_is_a_record_because_no_id_can_disprove_it() -> None:
    """As for tables without ids."""
    pipeline, out = new_pipeline(ids=Ids.SPARSE), Out()
    pipeline.push([trades([(0, T0, T0, 1)])])
    pipeline.push([Interrupted((0,), (Table.TRADES,), T0 + 1, Cause.DISCONNECT)])
    pipeline.push([Resumed((0,), (Table.TRADES,), T0 + 9), trades([(0, T0 + 10, T0 + 10, 2)])])
    out.add(pipeline.close(T0 + SECOND))
    assert [(gap.from_ns, gap.to_ns, gap.cause) for gap in out.gaps] == [
        (T0 + 1, T0 + 9, "disconnect")
    ]


def test_the_memory_of_ids_is_bounded_and_keeps_the_newest() -> None:
    """The last thousand are known, whatever came before."""
    pipeline, out = new_pipeline(ids=Ids.OPAQUE), Out()
    count = 5 * MAX_RECENT_IDS
    for n in range(0, count, 100):
        pipeline.push([trades([(0, T0 + i, T0 + i, i + 1) for i in range(n, n + 100)])])
        out.add(pipeline.tick())
    assert len(pipeline.dump()["recent_ids"]["ids"]) == MAX_RECENT_IDS
    newest = range(count - MAX_RECENT_IDS, count)
    pipeline.push([trades([(0, T0 + count, T0 + i, i + 1) for i in newest])])
    out.add(pipeline.close(T0 + SECOND))
    assert out.duplicates == {0: MAX_RECENT_IDS}


def test_holes_in_ids_that_only_seem_dense_are_counted() -> None:
    """They are no gaps; what fills them is taken."""
    pipeline, out = new_pipeline(ids=Ids.SEEM_DENSE), Out()
    pipeline.push([trades([(0, T0, T0, 5), (0, T0, T0, 9), (0, T0, T0 + 1, 12)])])
    out.add(pipeline.tick())
    pipeline.push([trades([(0, T0 + 1, T0, 7), (0, T0 + 1, T0, 9)])])
    out.add(pipeline.close(T0 + SECOND))
    assert ids_of(out) == [5, 7, 9, 12]
    assert (out.gaps, out.unproven_holes, out.duplicates) == ([], {0: 2}, {0: 1})
