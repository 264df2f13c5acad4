"""The arithmetic of the table of faults, from truths and recordings that are made up."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from scripts.faults_rig.figures import FROM_REST, Figures, Hole, Recorded, Truth, compare
from scripts.faults_rig.peer import known_ids
from scripts.faults_rig.table import Outcome, as_json, numbers, summary, table, total

SECOND = 10**9
TRUTH = Truth(np.arange(101, 121, dtype=np.uint64), np.ones(20, np.bool_))
"""Twenty trades, one a second from second 1 on, unless a test says otherwise."""


def received(
    ids: Sequence[int], holes: Sequence[Hole] = (), fetched: Sequence[int] = ()
) -> Recorded:
    """Each received when it was made; those that were fetched, at second 30."""
    every = [*ids, *fetched]
    times = [(number - 100) * SECOND for number in ids] + [30 * SECOND] * len(fetched)
    origins = [0] * len(ids) + [FROM_REST] * len(fetched)
    return Recorded(
        np.array(every, np.uint64), np.array(times, np.int64), np.array(origins, np.uint8), holes
    )


def all_but(*missing: int) -> list[int]:
    """The ids from the first on, without some."""
    return [number for number in range(101, 121) if number not in missing]


def test_nothing_is_missing() -> None:
    """Every trade once."""
    expected = Figures(20, 20, 0, 0, 0, 0, None, 0)
    assert compare(TRUTH, received(all_but()), 0) == expected


def test_what_came_before_the_first_row_does_not_count() -> None:
    """Nobody was asked to record it."""
    figures = compare(TRUTH, received(range(105, 121)), 0)
    assert (figures.sent, figures.missing) == (16, 0)


def test_what_comes_last_does() -> None:
    """Trading had ended long before the recorder did."""
    figures = compare(TRUTH, received(range(101, 118)), 0)
    assert (figures.sent, figures.recorded, figures.missing, figures.untold) == (20, 17, 3, 3)


def test_nothing_was_recorded() -> None:
    """Then nothing can be compared, and all figures are zero."""
    assert compare(TRUTH, received([]), 0) == Figures(0, 0, 0, 0, 0, 0, None, 0)


@pytest.mark.parametrize(
    ("hole", "proven", "false"),
    [
        (Hole(5 * SECOND, 9 * SECOND, (106, 108)), 3, 0),
        (Hole(5 * SECOND, 9 * SECOND, (107, 110)), 2, 2),
        (Hole(5 * SECOND, 9 * SECOND), 3, 0),
        (Hole(5 * SECOND, 9 * SECOND + 1), 3, 1),
        (Hole(4 * SECOND, 9 * SECOND), 3, 1),
        (Hole(5 * SECOND, None), 3, 0),
        (Hole(9 * SECOND, 12 * SECOND), 0, 2),
        (Hole(1 * SECOND, 2 * SECOND), 0, 0),
    ],
)
def test_a_hole_names_what_is_missing(hole: Hole, proven: int, false: int) -> None:
    """By its ids, or by what was received last before it and first after it."""
    figures = compare(TRUTH, received(all_but(106, 107, 108), [hole]), 0)
    assert (figures.missing, figures.proven, figures.false) == (3, proven, false)


def test_what_was_late_on_its_way_is_named_too() -> None:
    """When trades were made is nothing to a hole: only what was received around it counts."""
    ids = np.array(all_but(106, 107, 108), np.uint64)
    late = (ids.astype(np.int64) - 100) * SECOND + 60 * SECOND
    recorded = Recorded(ids, late, np.zeros(len(ids), np.uint8), [Hole(65 * SECOND, 69 * SECOND)])
    assert compare(TRUTH, recorded, 0).proven == 3


def test_what_was_fetched_is_healed() -> None:
    """Since the world was well again; what is still missing stays a hole."""
    holes = [Hole(5 * SECOND, 9 * SECOND, (108, 108))]
    recorded = received(all_but(106, 107, 108), holes, fetched=[106, 107])
    figures = compare(TRUTH, recorded, 21 * SECOND)
    assert figures == Figures(20, 19, 1, 1, 0, 2, 9.0, 0)


def test_what_was_fetched_is_not_said_to_be_missing_by_its_time() -> None:
    """A hole of times says what did not come then; but one of ids must be healed."""
    by_time = received(all_but(106), [Hole(5 * SECOND, 40 * SECOND)], fetched=[106])
    assert compare(TRUTH, by_time, 0).false == 14
    by_id = received(all_but(106), [Hole(5 * SECOND, 7 * SECOND, (106, 106))], fetched=[106])
    assert compare(TRUTH, by_id, 0).false == 1


def test_what_is_there_twice_or_was_never_traded_is_wrong() -> None:
    """Both count."""
    assert compare(TRUTH, received([*all_but(), 110, 110, 999]), 0).wrong == 3


def test_ids_need_not_rise() -> None:
    """Some venues' do not."""
    ids = np.array([7, 3, 9, 1, 8], np.uint64)
    truth = Truth(ids, np.ones(5, np.bool_))
    recorded = Recorded(
        ids[[0, 1, 4]], np.array([1, 2, 5]) * SECOND, np.zeros(3, np.uint8),
        [Hole(2 * SECOND, 5 * SECOND)],
    )  # fmt: skip
    figures = compare(truth, recorded, 0)
    assert (figures.missing, figures.proven, figures.false) == (2, 2, 0)


# -- telling ---------------------------------------------------------------------------------------

ONE = Figures(1000, 900, 100, 90, 5, 50, 1.25, 0)


def test_a_row_for_people() -> None:
    """Counts with their thousands, and no time where nothing was healed."""
    assert numbers(ONE) == ["1,000", "900", "100", "90", "5", "50", "1.2"]
    assert numbers(Figures(1, 1, 0, 0, 0, 0, None, 0))[-1] == ""


def test_a_sum_has_the_slowest_healing() -> None:
    """And adds up all else."""
    other = Figures(10, 10, 0, 0, 0, 0, None, 2)
    assert total([ONE, other]) == Figures(1010, 910, 100, 90, 5, 50, 1.25, 2)


def test_what_could_not_be_measured_says_why() -> None:
    """It stands in the table, counts in no sum, and is amiss only if it failed."""
    skipped = Outcome("power", 1, False, why_not="it mounts a disk")
    measured = Outcome("reset", 2, True, "okx", ONE)
    assert "| power | not measured: it mounts a disk | 1 | no |" in table([skipped, measured])
    assert "| reset | okx | 2 | yes | 1,000 |" in table([skipped, measured])
    assert "power" not in summary([skipped, measured])
    failed = Outcome("kill", 1, False, why_not="failed: it ended", failed=True)
    wrong = Outcome("kill", 1, False, "okx", Figures(1, 1, 0, 0, 0, 0, None, 1))
    assert [each.amiss for each in (skipped, measured, failed, wrong)] == [False, False, True, True]


def test_a_row_for_programs() -> None:
    """Each with what it is about; what is missing and not told beside the rest."""
    (row,) = json.loads(as_json([Outcome("reset", 1, False, "okx", ONE)]))
    assert (row["fault"], row["venue"], row["lines"], row["backfill"]) == ("reset", "okx", 1, False)
    assert (row["missing"], row["untold"], row["healed_secs"]) == (100, 10, 1.25)


def test_ids_of_another_recorder() -> None:
    """Numbers, and UUIDs by their first digits; empty lines are none."""
    text = "17\n\n 18 \n00a0f1b2-c3d4-5e6f-a123-456789abcdef\n"
    assert known_ids(text).tolist() == [17, 18, 0x00A0F1B2C3D45E6]
    with pytest.raises(ValueError, match="trade"):
        known_ids("trade")
