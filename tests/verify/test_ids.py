"""Verification of dense ids: every hole is explained, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.storage.recording import SYMBOL, adding, checked, gap, gaps_added, removed
from tests.storage.sample import DAY, MIDNIGHT_NS, SECOND, numbered
from tick_logger.model.cause import Cause
from tick_logger.model.flush import VOID, GapRecord
from tick_logger.model.tables import ORIGIN_ASIDE, ORIGIN_REST, Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.verify.report import Finding, Kind

NEXT_DAY = MIDNIGHT_NS + NS_PER_DAY
Change = Callable[[MemoryFiles], object]


@pytest.mark.parametrize(
    ("changes", "ids", "detail"),
    [
        ([removed(f"{SYMBOL}/gaps.01.02.24.jsonl")], 1, "first 4 to 4"),
        ([gaps_added(gap(4, 4, "late"))], 1, "first 4 to 4"),
        ([adding(Table.TRADES, *numbered(13, 13, day=DAY + 1), day=DAY + 1)], 2, "first 11 to 12"),
        (
            [
                adding(Table.TRADES, *numbered(20, 20, day=DAY + 1), day=DAY + 1),
                gaps_added(gap(11, 14), gap(13, 16), gap(18, 18), gap(19, None)),
            ],
            2,
            "first 17 to 17",
        ),
    ],
)
def test_ids_that_are_missing(
    changes: list[Callable[[MemoryFiles], object]], ids: int, detail: str
) -> None:
    """Every hole of a dense table, days apart or not, needs gap records that cover it."""
    report = checked(*changes)
    assert report.findings == [Finding(f"{SYMBOL}/TRADES", Kind.MISSING_IDS, ids, detail=detail)]


def test_gap_record_about_ids_that_are_there() -> None:
    """A hole that was filled must be recorded as healed."""
    report = checked(gaps_added(gap(2, 4), gap(9, 9)))
    expected = Finding(f"{SYMBOL}/TRADES", Kind.PRESENT_IDS, 3, detail="first 2 to 3")
    assert report.findings == [expected]


@pytest.mark.parametrize(
    "gaps",
    [
        (gap(9, 9), gap(9, 9, "late")),
        (gap(4, 4, "late"), gap(4, 4)),
        (gap(2, 5), gap(2, 3, "late"), gap(5, 5, "resent")),
        (gap(11, 500),),
        (gap(None, None),),
    ],
)
def test_gap_records_that_are_right(gaps: tuple[GapRecord, ...]) -> None:
    """Healed as a whole or in parts, lost again, beyond what is on disk, or without ids."""
    assert checked(gaps_added(*gaps)).ok


# -- ids that begin again --------------------------------------------------------------------------


def trades(seconds: Mapping[int, int], *, late: bool = False) -> Change:
    """Add trades with these ids at these seconds of the next day."""
    rows = [
        {"seq": id_, "event_ns": NEXT_DAY + second * SECOND, "recv_ns": NEXT_DAY + second * SECOND}
        for id_, second in seconds.items()
    ]
    return adding(Table.TRADES, *rows, day=DAY + 1, late=late)


def about_ids(before: int, after: int, cause: Cause, *seconds: int) -> GapRecord:
    from_ns, to_ns = (NEXT_DAY + second * SECOND for second in seconds)
    return GapRecord(0, Table.TRADES, before, after, from_ns, to_ns, cause, VOID)


def of_ids(first: int, last: int, at: int, *, but: int = -1) -> dict[int, int]:
    """Trades of one second after the other, without one of them."""
    return {id_: at + id_ - first for id_ in range(first, last + 1) if id_ != but}


AGAIN = about_ids(70, 1, Cause.RENUMBERED, 110, 120)
"""After 11 to 70 came 1 to 90; nothing of the second numbering is in the good recording."""


def renumbered(*, but: int = -1) -> list[Change]:
    return [
        gaps_added(AGAIN),
        trades(of_ids(11, 70, 51)),
        trades(of_ids(1, 90, 120, but=but)),
    ]


def test_ids_may_begin_again_if_a_record_says_so() -> None:
    """Each numbering is complete for itself; a hole in one of them has a record of its own."""
    assert checked(*renumbered()).ok
    assert checked(*renumbered(but=65), gaps_added(gap(65, 65))).ok
    late = trades({65: 120 + 64}, late=True)
    assert checked(*renumbered(but=65), late, gaps_added(gap(65, 65), gap(65, 65, "late"))).ok


@pytest.mark.parametrize("second", [80_000, 5])
def test_a_trade_whose_time_cannot_be_right_is_of_no_numbering(second: int) -> None:
    """Its id is not missing from the first, though its time would put it into the second."""
    aside = {"seq": 65, "recv_ns": NEXT_DAY + 105 * SECOND, "event_ns": NEXT_DAY + second * SECOND}
    changes = [
        gaps_added(AGAIN),
        trades(of_ids(11, 70, 51, but=65)),
        trades(of_ids(1, 60, 120)),
        adding(Table.TRADES, aside, day=DAY + 1, late=True, origin=ORIGIN_ASIDE),
    ]
    assert checked(*changes).ok


def test_trades_by_rest_between_two_numberings_are_of_neither() -> None:
    """Ids may have begun again meanwhile, unseen; within a numbering they are of it."""
    between = [
        {"seq": id_, "event_ns": NEXT_DAY + second * SECOND, "recv_ns": NEXT_DAY + 500 * SECOND}
        for id_, second in ((75, 111), (5, 112), (9, 113))
    ]
    rest = adding(Table.TRADES, *between, day=DAY + 1, late=True, origin=ORIGIN_REST)
    assert checked(*renumbered(), rest).ok
    within = {"seq": 95, "event_ns": NEXT_DAY + 210 * SECOND, "recv_ns": NEXT_DAY + 500 * SECOND}
    rest = adding(Table.TRADES, within, day=DAY + 1, late=True, origin=ORIGIN_REST)
    (finding,) = checked(*renumbered(), rest).findings
    assert (finding.kind, finding.detail) == (Kind.MISSING_IDS, "first 91 to 94")


def test_a_hole_in_one_numbering_is_not_filled_by_another() -> None:
    """The ids that are missing, and those that a record claims though no numbering lacks them."""
    folder = f"{SYMBOL}/TRADES"
    lacking = checked(*renumbered(but=65))
    assert lacking.findings == [Finding(folder, Kind.MISSING_IDS, 1, detail="first 65 to 65")]
    claimed = checked(*renumbered(), gaps_added(gap(30, 31)))
    assert claimed.findings == [Finding(folder, Kind.PRESENT_IDS, 2, detail="first 30 to 31")]


def test_ids_that_are_there_twice_without_a_record_are_found() -> None:
    """Though their times differ: one of the two may be wrong, or the record is lost."""
    _, *changes = renumbered()
    report = checked(*changes)
    assert {(each.kind, each.count) for each in report.findings} == {
        (Kind.DUPLICATE, 69),
        (Kind.PRESENT_IDS, 1),  # the id that the first numbering lacks
    }


def test_the_same_trade_twice_is_found_in_any_numbering() -> None:
    """By id, time and content."""
    report = checked(*renumbered(), trades({30: 149}, late=True))
    assert [(each.kind, each.count) for each in report.findings] == [(Kind.DUPLICATE, 1)]


def test_a_trade_that_the_first_of_its_numbering_has_overtaken_is_part_of_it() -> None:
    """It lies between the two in time, and its id is below all others of the later one."""
    changes = [
        gaps_added(about_ids(70, 2, Cause.RENUMBERED, 110, 121)),
        trades(of_ids(11, 70, 51)),
        trades(of_ids(2, 90, 121)),
        trades({1: 120}, late=True),
    ]
    assert checked(*changes).ok


@pytest.mark.parametrize("stray", [3, 30, 10**9])
def test_a_stray_is_part_of_no_numbering(stray: int) -> None:
    """It makes no hole, and may have an id that is there; without its record it is a defect."""
    change = trades({stray: 130})
    changes = [trades(of_ids(11, 40, 51)), change, trades(of_ids(41, 50, 140))]
    record = gaps_added(about_ids(40, stray, Cause.STRAY, 80, 130))
    assert checked(*changes, record).ok
    assert not checked(*changes).ok


@pytest.mark.parametrize("last", [{1: 150}, {1: 150, 3: 151}, {10**6: 150}])
def test_what_nothing_has_decided_yet_is_no_defect(last: dict[int, int]) -> None:
    """The newest trades, as a crash may leave them: a numbering that begins, or strays."""
    for id_ in last:
        report = checked(trades(of_ids(11, 70, 51)), trades(last))
        assert report.ok == (id_ < 70)
    followed = {**last, 5: 152, 6: 153}
    assert not checked(trades(of_ids(11, 70, 51)), trades(followed)).ok


def test_ids_that_begin_again_twice_in_the_same_way_are_two_numberings() -> None:
    """Their records name the same ids."""
    changes: list[Change] = [trades(of_ids(11, 20, 51))]
    for start in (200, 300, 400):
        before = 20 if start == 200 else 5
        changes.append(gaps_added(about_ids(before, 1, Cause.RENUMBERED, start - 90, start)))
        changes.append(trades(of_ids(1, 5, start)))
    assert checked(*changes).ok


@pytest.mark.parametrize("far", [2**63 - 1, 2**53, 10**8])
def test_a_trade_far_above_all_others_is_nothing_yet(far: int) -> None:
    """What it is shows when others follow; it is no hole that nobody wrote down."""
    at_ns = NEXT_DAY + 90 * SECOND
    row = {"seq": far, "event_ns": at_ns, "recv_ns": at_ns}
    report = checked(adding(Table.TRADES, row, day=DAY + 1))
    assert report.findings == []
