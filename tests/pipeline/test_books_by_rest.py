"""Snapshots by REST ahead of the stream, and what is recorded until they have their place."""

from __future__ import annotations

import pytest

from tests.pipeline.books import diff, rest
from tests.pipeline.streams import SECOND, T0, Out, book, new_pipeline
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.marks import AwaitSnapshot, Interrupted, Mark, Resumed, Retired
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table
from tick_logger.pipeline.books import WAIT_TICKS


def ids_by_tick(*ticks: list[RowBatch | Mark]) -> Out:
    """What comes of a book in so many ticks, each with what came in it, and saved after each."""
    pipeline, out = new_pipeline(), Out()
    for items in ticks:
        pipeline.push(items)
        out.add(pipeline.tick())
        state, pipeline = pipeline.dump(), new_pipeline()
        pipeline.load(state)
    out.add(pipeline.close(T0 + 60 * SECOND))
    return out


@pytest.mark.parametrize("between", [0, 1, 5])
def test_a_snapshot_ahead_of_the_updates_waits_for_them(between: int) -> None:
    """It lies behind the last that it covers, however many ticks later that comes."""
    asked, ahead = AwaitSnapshot(0, T0 + 15), rest(3, T0 + 16)
    later: list[RowBatch | Mark] = [book([diff(2), diff(3), diff(4)])]
    out = ids_by_tick([book([diff(1)]), asked, book([ahead])], *[[]] * between, later, [], [])
    flags = [bool(flag) for flag in out.column("flags")]
    assert list(zip(out.column("seq"), flags, strict=True)) == [
        (1, False),
        (2, False),
        (3, False),
        (3, True),
        (4, False),
    ]
    assert out.keys(table=Table.BOOK, late=True) == []
    assert out.gaps == []


def test_what_a_snapshot_covers_is_late_once_it_was_waited_for_long_enough() -> None:
    """It was placed all the same, and must not be undone."""
    first: list[RowBatch | Mark] = [book([diff(1)]), AwaitSnapshot(0, T0 + 15)]
    later: list[RowBatch | Mark] = [book([diff(2), diff(3), diff(4)])]
    out = ids_by_tick([*first, book([rest(3, T0 + 16)])], *[[]] * (WAIT_TICKS + 2), later)
    assert out.column("seq") == [1, 3, 4]
    assert len(out.keys(table=Table.BOOK, late=True)) == 2


@pytest.mark.parametrize("ticks", [1, 4])
def test_after_a_cut_a_book_is_missing_until_its_snapshot_has_its_place(ticks: int) -> None:
    """One record for the time without a connection, one for that without a snapshot."""
    cut = Interrupted((0,), (Table.BOOK,), T0 + 15, Cause.DISCONNECT)
    resumed = Resumed((0,), (Table.BOOK,), T0 + 35, books_await=True)
    begun: list[RowBatch | Mark] = [book([diff(1)]), AwaitSnapshot(0, T0 + 15), book([rest(1)])]
    again: list[RowBatch | Mark] = [cut, resumed, AwaitSnapshot(0, T0 + 45, 4), book([diff(4)])]
    snapshot: list[RowBatch | Mark] = [book([rest(4, T0 + 700)])]
    out = ids_by_tick(begun, [], again, *[[]] * ticks, snapshot, [])
    assert out.gaps == [
        GapRecord(0, Table.BOOK, None, None, T0 + 15, T0 + 35, Cause.DISCONNECT),
        GapRecord(0, Table.BOOK, None, None, T0 + 35, T0 + 700, Cause.RESYNC),
    ]


def test_a_snapshot_from_before_a_book_is_subscribed_again_mends_nothing() -> None:
    """It came behind the last update, when the connection was about to be lost."""
    cut = Interrupted((0,), (Table.BOOK,), T0 + 15, Cause.DISCONNECT)
    resumed = Resumed((0,), (Table.BOOK,), T0 + 35, books_await=True)
    out = ids_by_tick(
        [AwaitSnapshot(0, T0 + 12, 1), book([diff(1), rest(1, T0 + 20)]), cut, resumed],
        [AwaitSnapshot(0, T0 + 45, 4), book([diff(4)])],
        [book([rest(4, T0 + 700)])],
        [],
    )
    assert out.gaps == [
        GapRecord(0, Table.BOOK, None, None, T0 + 15, T0 + 35, Cause.DISCONNECT),
        GapRecord(0, Table.BOOK, None, None, T0 + 35, T0 + 700, Cause.RESYNC),
    ]


def test_a_break_before_the_first_snapshot_is_seen_is_recorded() -> None:
    """The snapshot waits for its id, and the book breaks and is cut off meanwhile."""
    broken = AwaitSnapshot(0, T0 + 25, 5, broken=True)
    cut = Interrupted((0,), (Table.BOOK,), T0 + 55, Cause.DISCONNECT)
    first: list[RowBatch | Mark] = [AwaitSnapshot(0, T0 + 15), book([rest(1, T0 + 16), diff(1)])]
    out = ids_by_tick([*first, broken, book([diff(5)])], [cut], [], [])
    assert out.gaps == [
        GapRecord(0, Table.BOOK, None, None, T0 + 25, T0 + 55, Cause.RESYNC),
        GapRecord(0, Table.BOOK, None, None, T0 + 55, T0 + 60 * SECOND, Cause.DISCONNECT),
    ]


def test_a_book_that_is_recorded_again_is_missing_until_its_snapshot_has_its_place() -> None:
    """What comes before it would be applied to the book of before; nothing else is a loss."""
    begun: list[RowBatch | Mark] = [book([diff(1)]), AwaitSnapshot(0, T0 + 15), book([rest(1)])]
    retired = Retired((0,), T0 + SECOND, (Table.BOOK,))
    resumed = Resumed((0,), (Table.BOOK,), T0 + 3 * SECOND, books_await=True)
    asked = AwaitSnapshot(0, T0 + 3 * SECOND + 45, 4)
    again: list[RowBatch | Mark] = [resumed, asked, book([diff(4), diff(5)])]
    out = ids_by_tick(begun, [retired], again, [book([rest(5, T0 + 4 * SECOND)])], [])
    assert out.column("seq") == [1, 1, 4, 5, 5]
    times = T0 + 3 * SECOND, T0 + 4 * SECOND
    assert out.gaps == [GapRecord(0, Table.BOOK, None, None, *times, Cause.RESYNC)]


LATE, ASKED, CAME = range(3)


@pytest.mark.parametrize("order", [(LATE, ASKED, CAME), (ASKED, LATE, CAME), (ASKED, CAME, LATE)])
def test_a_book_that_one_line_resumed_while_the_other_was_frozen_is_missing(
    order: tuple[int, ...],
) -> None:
    """Until its snapshot has its place, whenever it is known that the other line was frozen."""
    table = (Table.BOOK,)
    both = [Resumed((0,), table, T0 + 5, books_await=True, line=line) for line in (0, 1)]
    cut = Interrupted((0,), table, T0 + 15, Cause.DISCONNECT)
    resumed = Resumed((0,), table, T0 + 35, books_await=True)
    then: dict[int, list[RowBatch | Mark]] = {
        LATE: [Interrupted((0,), table, T0 + 20, Cause.SILENT, line=1)],
        ASKED: [AwaitSnapshot(0, T0 + 45, 4), book([diff(4)])],
        CAME: [book([rest(4, T0 + 700)])],
    }
    begun: list[RowBatch | Mark] = [book([diff(1)]), AwaitSnapshot(0, T0 + 15), book([rest(1)])]
    first: list[RowBatch | Mark] = [*both, *begun]
    out = ids_by_tick(first, [], [cut, resumed], *(then[each] for each in order), [], [])
    assert sorted(out.gaps, key=lambda gap: gap.from_ns or 0) == [
        GapRecord(0, Table.BOOK, None, None, T0 + 20, T0 + 35, Cause.SILENT),
        GapRecord(0, Table.BOOK, None, None, T0 + 35, T0 + 700, Cause.RESYNC),
    ]


def test_a_book_that_needed_no_snapshot_when_one_line_resumed_it_is_whole() -> None:
    """Its updates joined those that came before, though the other line was frozen."""
    table = (Table.BOOK,)
    both = [Resumed((0,), table, T0 + 5, books_await=True, line=line) for line in (0, 1)]
    cut = Interrupted((0,), table, T0 + 15, Cause.DISCONNECT)
    resumed = Resumed((0,), table, T0 + 35, books_await=True)
    late = Interrupted((0,), table, T0 + 20, Cause.SILENT, line=1)
    begun: list[RowBatch | Mark] = [book([diff(1)]), AwaitSnapshot(0, T0 + 15), book([rest(1)])]
    out = ids_by_tick([*both, *begun], [], [cut, resumed, book([diff(2)])], [late], [], [])
    assert out.gaps == [GapRecord(0, Table.BOOK, None, None, T0 + 20, T0 + 35, Cause.SILENT)]
