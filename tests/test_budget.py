"""The bound on memory between sockets and writer."""

from __future__ import annotations

import pytest

from tick_logger.budget import ByteBudget


def test_a_take_fits_or_changes_nothing() -> None:
    """Up to the last byte."""
    budget = ByteBudget(100)
    assert budget.take(60)
    assert not budget.take(41)
    assert budget.taken_bytes == 60
    assert budget.take(40)
    assert not budget.take(1)
    assert budget.take(0)


def test_half_free_is_when_refused_work_is_taken_up() -> None:
    """At half exactly; the peak stays."""
    budget = ByteBudget(100)
    budget.take(80)
    assert not budget.half_free
    budget.give_back(29)
    assert not budget.half_free
    budget.give_back(1)
    assert budget.half_free
    assert (budget.taken_bytes, budget.peak_bytes) == (50, 80)


def test_giving_back_too_much_is_a_bug_that_shows() -> None:
    """The bound would be gone without anyone noticing."""
    budget = ByteBudget(100)
    budget.take(5)
    with pytest.raises(AssertionError, match="more bytes"):
        budget.give_back(6)
