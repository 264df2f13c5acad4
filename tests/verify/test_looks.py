"""Beside a recorder, a finding is one that stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tick_logger.verify.looks import MOST_LOOKS, what_stands
from tick_logger.verify.report import Finding, Kind, Report

ORDER, TORN = Finding("a", Kind.ORDER, 1), Finding("a", Kind.TORN, 1)
GONE = FileNotFoundError(2, "No such file or directory", "journal/00000001.tlj")


def seen(*each_time: list[Finding] | FileNotFoundError) -> Callable[[], Report]:
    """Something that looks so the first time, the second time and so on."""
    left = iter(each_time)

    def look() -> Report:
        found = next(left)
        if isinstance(found, FileNotFoundError):
            raise found
        return Report(list(found), rows=1)

    return look


def stands(*looks: Callable[[], Report]) -> tuple[list[Finding], int, int]:
    """What is reported in the end, rows, and how often was waited."""
    waits: list[None] = []
    report = what_stands(looks, lambda: waits.append(None))
    return report.findings, report.rows, len(waits)


def test_what_holds_is_looked_at_once() -> None:
    """And nobody waits."""
    assert stands(seen([]), seen([])) == ([], 2, 0)


def test_what_was_on_its_way_is_no_finding() -> None:
    """All that is in doubt waits together, and what is sound counts once."""
    assert stands(seen([ORDER], []), seen([TORN], []), seen([])) == ([], 3, 1)
    assert stands(seen([ORDER], [TORN], [])) == ([], 1, 2)


def test_what_stays_is_a_finding() -> None:
    """As it was seen last; something else that was on its way is not."""
    grown = Finding("a", Kind.ORDER, 5)
    assert stands(seen([ORDER], [ORDER, TORN], [grown])) == ([grown], 1, MOST_LOOKS - 1)


def test_another_hole_is_another_finding() -> None:
    """Ids that are on their way all the time are not one hole that stays."""
    holes = [[Finding("a", Kind.MISSING_IDS, 1, detail=f"first {n} to {n}")] for n in (3, 7, 9)]
    assert stands(seen(*holes)) == ([], 1, MOST_LOOKS - 1)
    assert stands(seen(*holes[:1] * 3)) == (holes[0], 1, MOST_LOOKS - 1)


@pytest.mark.parametrize(("times", "found"), [(1, 0), (2, 0), (3, 1)])
def test_a_file_that_goes_while_it_is_read(times: int, found: int) -> None:
    """Segments of the journal are removed now and then."""
    each: Iterable[list[Finding] | FileNotFoundError] = [GONE] * times + [[]] * (MOST_LOOKS - times)
    findings, _, _ = stands(seen(*each))
    assert [each.kind for each in findings] == [Kind.VANISHED] * found


def test_without_a_recorder_one_look_is_enough() -> None:
    """Nothing changes, and what is gone is an error."""
    assert what_stands([seen([ORDER])], None).findings == [ORDER]
    with pytest.raises(FileNotFoundError):
        what_stands([seen(GONE)], None)
