"""Which records the gaps file gets, with which brackets and causes."""

from __future__ import annotations

import attrs
import pytest

from tests.pipeline.streams import SECOND, T0
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.marks import Doubt, Interrupted, Lapse, MissingIds, Resumed
from tick_logger.model.tables import Table
from tick_logger.pipeline import past_outages
from tick_logger.pipeline.gaps import GapLedger
from tick_logger.pipeline.id_line import HoleFilled, HoleOpened

TRADES, MD, BOOK = Table.TRADES, Table.MD, Table.BOOK


def ledger() -> GapLedger:
    """Trades are dense, everything else is not."""
    return GapLedger(lambda _, table: table is TRADES, lambda _: T0)


def hole(first: int, last: int, from_ns: int = T0, to_ns: int = T0 + SECOND) -> HoleOpened:
    return HoleOpened(0, first, last, from_ns, to_ns)


def lost(first: int, last: int, cause: Cause = Cause.SEQUENCE) -> GapRecord:
    return GapRecord(0, TRADES, first, last, T0, T0 + SECOND, cause)


def healed(first: int, last: int, at_ns: int) -> GapRecord:
    """The second record, as long as ticks do not say when it is."""
    return GapRecord(0, TRADES, first, last, None, at_ns, Cause.SEQUENCE, "late")


def test_a_hole_is_written_when_its_rows_leave_the_window() -> None:
    """Rows that come a tick late have their chance first."""
    gap = ledger()
    gap.found(TRADES, hole(5, 9))
    assert gap.tick() == ()
    assert gap.tick() == (lost(5, 9),)
    assert gap.tick() == ()


def test_what_is_filled_in_time_is_never_written() -> None:
    """Reordering is no loss; only what stays missing is."""
    gap = ledger()
    gap.found(TRADES, hole(5, 9))
    gap.tick()
    gap.found(TRADES, HoleFilled(0, 6, 7, T0 + 2 * SECOND))
    assert gap.tick() == (lost(5, 5), lost(8, 9))
    gap.found(TRADES, hole(20, 20))
    gap.found(TRADES, HoleFilled(0, 20, 20, T0 + 3 * SECOND))
    assert [*gap.tick(), *gap.tick(), *gap.tick()] == []


def test_what_is_filled_later_gets_a_second_record() -> None:
    """The first record stays, the second takes the filled part back."""
    gap = ledger()
    gap.found(TRADES, hole(5, 9))
    gap.tick()
    gap.tick()
    gap.found(TRADES, HoleFilled(0, 6, 7, T0 + 9 * SECOND))
    assert gap.tick() == (healed(6, 7, T0 + 9 * SECOND),)


def test_one_filling_over_several_holes_counts_for_each() -> None:
    """Adjacent holes come from announcements; the older may have its record already."""
    gap = ledger()
    gap.found(TRADES, hole(5, 9))
    gap.tick()
    gap.found(TRADES, hole(10, 12))
    gap.found(TRADES, hole(13, 15))
    assert gap.tick() == (lost(5, 9),)
    gap.found(TRADES, HoleFilled(0, 8, 14, T0 + 2 * SECOND))
    assert gap.tick() == (healed(8, 9, T0 + 2 * SECOND), lost(15, 15))


def test_holes_of_other_streams_are_left_alone() -> None:
    """The same ids of another instrument mean nothing."""
    gap = ledger()
    gap.found(TRADES, hole(5, 9))
    gap.found(TRADES, HoleFilled(1, 5, 9, T0 + 1))
    late = GapRecord(1, TRADES, 5, 9, None, T0 + 1, Cause.SEQUENCE, "late")
    assert gap.tick() == (late,)
    assert gap.tick() == (lost(5, 9),)


@pytest.mark.parametrize(
    ("began", "ended", "cause"),
    [
        (T0 + 1, T0 + 2, Cause.DISCONNECT),  # within
        (T0 - 9, T0, Cause.DISCONNECT),  # ends with the last row before the hole
        (T0 + SECOND, T0 + 2 * SECOND, Cause.DISCONNECT),  # begins with the first after it
        (T0 - 9, T0 - 1, Cause.SEQUENCE),
        (T0 + SECOND + 1, T0 + 2 * SECOND, Cause.SEQUENCE),
    ],
)
def test_an_interruption_around_a_hole_is_its_cause(began: int, ended: int, cause: Cause) -> None:
    """Ids prove the loss, the interruption explains it, and leaves no record of its own."""
    gap = ledger()
    gap.interrupted(Interrupted((0,), (TRADES,), began, Cause.DISCONNECT))
    gap.resumed(Resumed((0,), (TRADES,), ended))
    gap.found(TRADES, hole(5, 9))
    assert gap.close(T0) == (lost(5, 9, cause),)


def test_an_interruption_in_progress_explains_as_well() -> None:
    """Rows may come before the acknowledgement that ends it."""
    gap = ledger()
    gap.interrupted(Interrupted((0,), (TRADES,), T0 + 5, Cause.DISCONNECT))
    gap.found(TRADES, hole(5, 9))
    gap.resumed(Resumed((0,), (TRADES,), T0 + 2 * SECOND))
    assert gap.close(T0) == (lost(5, 9, Cause.DISCONNECT),)


def test_the_latest_of_several_interruptions_explains() -> None:
    """And only the last few are remembered, so that memory is bounded."""
    gap = ledger()
    outages = [Cause(f"outage {number}") for number in range(past_outages.MAX_PAST_OUTAGES + 1)]
    for number, cause in enumerate(outages):
        gap.interrupted(Interrupted((0,), (TRADES,), T0 + 10 * number, cause))
        gap.resumed(Resumed((0,), (TRADES,), T0 + 10 * number + 5))
    gap.found(TRADES, hole(1, 1))
    gap.found(TRADES, hole(3, 3, T0 + 20, T0 + 22))
    gap.found(TRADES, hole(5, 5, T0 + 1, T0 + 2))  # the first, which is forgotten
    causes = [record.cause for record in gap.close(T0)]
    assert causes == [outages[-1], outages[2], Cause.SEQUENCE]


def test_without_dense_ids_the_interruption_itself_is_the_record() -> None:
    """It is written when it ends, with the times at which rows came before and after."""
    gap = ledger()
    gap.interrupted(Interrupted((0, 1), (MD, BOOK), T0, Cause.DISCONNECT))
    gap.interrupted(Interrupted((0,), (MD,), T0 + 5, Cause.OVERFLOW))  # keeps the first cause
    gap.resumed(Resumed((0,), (MD, BOOK), T0 + SECOND))
    gap.resumed(Resumed((7,), (MD,), T0 + SECOND))  # was not interrupted
    assert gap.tick() == (
        GapRecord(0, MD, None, None, T0, T0 + SECOND, Cause.DISCONNECT),
        GapRecord(0, BOOK, None, None, T0, T0 + SECOND, Cause.DISCONNECT),
    )
    assert gap.close(T0 + 2 * SECOND) == (
        GapRecord(1, MD, None, None, T0, T0 + 2 * SECOND, Cause.DISCONNECT),
        GapRecord(1, BOOK, None, None, T0, T0 + 2 * SECOND, Cause.DISCONNECT),
    )


def test_closing_writes_what_is_open() -> None:
    """Holes in their grace and interruptions without an end; nothing twice."""
    gap = ledger()
    gap.found(TRADES, hole(5, 9))
    gap.interrupted(Interrupted((0,), (TRADES,), T0 + 2 * SECOND, Cause.DISCONNECT))
    assert gap.close(T0 + 3 * SECOND) == (
        GapRecord(0, TRADES, None, None, T0 + 2 * SECOND, T0 + 3 * SECOND, Cause.DISCONNECT),
        lost(5, 9),
    )
    assert gap.close(T0 + 3 * SECOND) == ()


TOLD = [
    MissingIds(3, BOOK, 11, 14, T0, T0 + 1, Cause.SEQUENCE, doubt=Doubt.OPEN),
    Lapse((3,), (BOOK,), T0, T0 + 1, Cause.SEQUENCE, doubt=Doubt.OPEN),
]


def tell(gap: GapLedger, mark: MissingIds | Lapse) -> None:
    """The feed side says this."""
    if isinstance(mark, MissingIds):
        gap.missing(mark)
    else:
        gap.lapsed(mark)


@pytest.mark.parametrize("mark", TOLD)
def test_a_hole_that_may_be_filled_is_written_as_others_are(mark: MissingIds | Lapse) -> None:
    """What is missing may come late.  A checkpoint keeps what is held back."""
    first, last = (11, 14) if isinstance(mark, MissingIds) else (None, None)
    record = GapRecord(3, BOOK, first, last, T0, T0 + 1, Cause.SEQUENCE)
    gap = ledger()
    tell(gap, mark)
    assert gap.tick() == ()
    again = ledger()
    again.load(gap.dump())
    assert again.tick() == gap.tick() == (record,)
    assert again.tick() == again.close(T0 + 2) == ()
    tell(again, mark)
    assert again.close(T0 + 2) == (record,), "nothing comes any more"


@pytest.mark.parametrize("mark", TOLD)
def test_a_hole_that_is_void_in_time_is_not_written(mark: MissingIds | Lapse) -> None:
    """Once for each time that it was told; too late, it stands."""
    gap, void = ledger(), attrs.evolve(mark, doubt=Doubt.VOID)
    tell(gap, mark)
    tell(gap, mark)
    tell(gap, void)
    assert gap.tick() == ()
    assert len(gap.tick()) == 1
    tell(gap, void)
    assert gap.tick() == gap.tick() == gap.tick() == ()
    tell(gap, mark)
    tell(gap, void)
    assert gap.close(T0 + 2) == ()


def test_a_state_of_a_version_that_held_nothing_back_is_read() -> None:
    """It wrote what the feed told at once."""
    state = ledger().dump()
    del state["told"]
    gap = ledger()
    gap.load(state)
    assert gap.close(T0) == ()


@pytest.mark.parametrize("mark", TOLD)
def test_a_hole_without_a_doubt_is_written_at_once(mark: MissingIds | Lapse) -> None:
    """As it was by versions that knew of none, whose journals are replayed."""
    gap = ledger()
    tell(gap, attrs.evolve(mark, doubt=Doubt.NONE))
    assert len(gap.tick()) == 1


def test_a_retired_stream_loses_nothing() -> None:
    """From its retirement on; before it, what was open ends."""
    gap = ledger()
    gap.interrupted(Interrupted((0,), (MD, TRADES), T0, Cause.DISCONNECT))
    gap.retired((0, MD), T0 + SECOND)
    gap.retired((0, TRADES), T0 + SECOND)
    assert gap.tick() == (GapRecord(0, MD, None, None, T0, T0 + SECOND, Cause.DISCONNECT),)
    assert gap.close(T0 + 3 * SECOND) == ()


def test_a_stream_that_is_wanted_again_and_lost_is_interrupted() -> None:
    """Only what is wanted is: what was left out by intent ends there, and never before it began."""
    gap = ledger()
    gap.retired((0, MD), T0 + SECOND)
    gap.retired((1, MD), T0 + SECOND)
    gap.interrupted(Interrupted((0,), (MD,), T0 + 2 * SECOND, Cause.REFUSED))
    gap.interrupted(Interrupted((1,), (MD,), T0, Cause.DISCONNECT))
    assert gap.close(T0 + 3 * SECOND) == (
        GapRecord(0, MD, None, None, T0 + 2 * SECOND, T0 + 3 * SECOND, Cause.REFUSED),
        GapRecord(1, MD, None, None, T0 + SECOND, T0 + 3 * SECOND, Cause.DISCONNECT),
    )


def test_ids_missing_while_a_stream_was_retired_say_so() -> None:
    """They are not on disk, so a record is needed, but nothing went wrong."""
    gap = ledger()
    gap.retired((0, TRADES), T0 + 1)
    gap.retired((0, MD), T0 + 1)
    gap.resumed(Resumed((0,), (TRADES, MD), T0 + 9))
    gap.found(TRADES, hole(5, 9))
    gap.found(TRADES, hole(20, 20, T0 + SECOND, T0 + 2 * SECOND))
    assert gap.close(T0) == (
        lost(5, 9, Cause.RETIRED),
        GapRecord(0, TRADES, 20, 20, T0 + SECOND, T0 + 2 * SECOND, Cause.SEQUENCE),
    )


def test_an_interruption_before_the_first_id_is_recorded() -> None:
    """Ids that come later cannot tell what was sent before them."""
    gap = GapLedger(lambda _, table: table is TRADES, lambda _: None)
    gap.interrupted(Interrupted((0,), (TRADES,), T0, Cause.DISCONNECT))
    gap.resumed(Resumed((0,), (TRADES,), T0 + 5))
    assert gap.tick() == (GapRecord(0, TRADES, None, None, T0, T0 + 5, Cause.DISCONNECT),)


# -- what was not understood -----------------------------------------------------------------------


def lapse(table: Table, *recv_ns: int) -> list[Lapse]:
    """Messages of a stream that came at these times, and could not be understood."""
    return [
        Lapse((0,), (table,), at_ns, at_ns, Cause.UNDECODABLE, ids_tell=True) for at_ns in recv_ns
    ]


def undecodable(table: Table, from_ns: int, to_ns: int) -> GapRecord:
    return GapRecord(0, table, None, None, from_ns, to_ns, Cause.UNDECODABLE)


@pytest.mark.parametrize("table", [MD, BOOK])
def test_where_ids_prove_nothing_each_message_is_a_record(table: Table) -> None:
    """Those within a second share one, and the next tick has records of its own."""
    gap = ledger()
    for each in lapse(table, T0, T0 + SECOND, T0 + 3 * SECOND):
        gap.lapsed(each)
    assert gap.tick() == (
        undecodable(table, T0, T0 + SECOND),
        undecodable(table, T0 + 3 * SECOND, T0 + 3 * SECOND),
    )
    (again,) = lapse(table, T0 + 3 * SECOND)
    gap.lapsed(again)
    assert gap.tick() == (undecodable(table, T0 + 3 * SECOND, T0 + 3 * SECOND),)


def test_where_ids_are_dense_the_hole_is_the_record_and_has_the_cause() -> None:
    """One record, not two."""
    known = [T0]
    gap = GapLedger(lambda *_: True, lambda _: known[0])
    (bad,) = lapse(TRADES, T0 + SECOND)
    gap.lapsed(bad)
    gap.found(TRADES, hole(5, 5, T0, T0 + 2 * SECOND))
    known[0] = T0 + 2 * SECOND
    assert gap.tick() == ()
    expected = GapRecord(0, TRADES, 5, 5, T0, T0 + 2 * SECOND, Cause.UNDECODABLE)
    assert gap.tick() == (expected,)
    gap.unproven()
    assert gap.close(T0 + 9 * SECOND) == ()


@pytest.mark.parametrize("known_ns", [T0, T0 + SECOND])
def test_where_no_id_comes_after_it_the_message_is_told_at_the_end(known_ns: int) -> None:
    """Ids that came before it, or with it, prove nothing; many messages are one record."""
    known = [T0]
    gap = GapLedger(lambda *_: True, lambda _: known[0])
    for each in lapse(TRADES, *(T0 + SECOND + n for n in range(100))):
        gap.lapsed(each)
    known[0] = known_ns
    gap.unproven()
    assert gap.close(T0 + 9 * SECOND) == (undecodable(TRADES, T0 + SECOND, T0 + SECOND + 99),)


def test_before_the_first_id_nothing_is_proven() -> None:
    """Then the message itself is the record."""
    gap = GapLedger(lambda *_: True, lambda _: None)
    for each in lapse(TRADES, T0):
        gap.lapsed(each)
    assert gap.tick() == (undecodable(TRADES, T0, T0),)


def test_what_was_not_understood_begins_and_ends_no_interruption() -> None:
    """One in progress goes on."""
    gap = ledger()
    gap.interrupted(Interrupted((0,), (MD,), T0, Cause.DISCONNECT))
    for each in lapse(MD, T0 + SECOND):
        gap.lapsed(each)
    gap.resumed(Resumed((0,), (MD,), T0 + 2 * SECOND))
    assert gap.tick() == (
        undecodable(MD, T0 + SECOND, T0 + SECOND),
        GapRecord(0, MD, None, None, T0, T0 + 2 * SECOND, Cause.DISCONNECT),
    )


def test_a_refusal_begins_a_record_of_its_own() -> None:
    """Whatever interrupted before ends there; what comes later does not end the refusal."""
    gap, streams = ledger(), ((0,), (MD,))
    gap.interrupted(Interrupted(*streams, T0 + 5, Cause.DISCONNECT))
    gap.interrupted(Interrupted(*streams, T0 + 9, Cause.REFUSED))
    gap.interrupted(Interrupted(*streams, T0 + 11, Cause.REFUSED))
    gap.interrupted(Interrupted(*streams, T0 + 15, Cause.DISCONNECT))
    gap.resumed(Resumed(*streams, T0 + 20))
    assert gap.tick() == (
        GapRecord(0, MD, None, None, T0 + 5, T0 + 9, Cause.DISCONNECT),
        GapRecord(0, MD, None, None, T0 + 9, T0 + 20, Cause.REFUSED),
    )


def test_a_refusal_at_the_moment_of_another_interruption_stands_in_its_place() -> None:
    """There is no empty record of the other."""
    gap, streams = ledger(), ((0,), (MD,))
    gap.interrupted(Interrupted(*streams, T0 + 5, Cause.DISCONNECT))
    gap.interrupted(Interrupted(*streams, T0 + 5, Cause.REFUSED))
    gap.resumed(Resumed(*streams, T0 + 20))
    assert gap.tick() == (GapRecord(0, MD, None, None, T0 + 5, T0 + 20, Cause.REFUSED),)
