"""Event times that go back."""

from __future__ import annotations

import pytest

from tests.quality.flushes import at, figures, look, run, unnamed
from tick_logger.model.tables import ORIGIN_ASIDE, ORIGIN_LATE, ORIGIN_REST, Table


@pytest.mark.parametrize("table", [Table.TRADES, Table.BOOK])
@pytest.mark.parametrize("origin", [ORIGIN_LATE, ORIGIN_ASIDE])
def test_rows_far_before_the_newest_are_found(table: Table, origin: int) -> None:
    """Ten seconds and less may happen; the figures say how far the worst went back."""
    checks = unnamed()
    look(checks, run(0, table, [99], event_secs=[100]), run(1, table, [99], event_secs=[300]))
    back = run(0, table, [101, 102, 103], event_secs=[90, 89.5, 40], origin=origin)
    found = look(checks, back, run(1, table, [104], event_secs=[310]))
    assert figures(found) == [(0, str(table), "backwards", 2, {"seconds": 60})]
    assert (found[0].from_ns, found[0].to_ns) == (at(102), at(103))


def test_rows_by_rest_are_old_by_their_nature() -> None:
    """They fill holes."""
    checks = unnamed()
    look(checks, run(0, Table.TRADES, [100]))
    old = run(0, Table.TRADES, [101], event_secs=[20], origin=ORIGIN_REST)
    assert look(checks, old) == []


def test_a_time_ahead_that_was_set_aside_makes_nothing_old() -> None:
    """What follows it is in order."""
    checks = unnamed()
    look(checks, run(0, Table.TRADES, [100]))
    look(checks, run(0, Table.TRADES, [101], event_secs=[900], origin=ORIGIN_ASIDE))
    late = run(0, Table.TRADES, [103], event_secs=[99], origin=ORIGIN_LATE)
    assert look(checks, run(0, Table.TRADES, [102]), late) == []


def test_nothing_is_old_before_there_is_anything() -> None:
    """The first row of a stream, whatever its time."""
    late = run(0, Table.TRADES, [100], event_secs=[20], origin=ORIGIN_LATE)
    assert look(unnamed(), late) == []
