"""How long a symbol is kept that has left the listing, and when its silence is no fault."""

from __future__ import annotations

import pytest

from tick_logger.net.venue.leaving import GRACE_SECS, Leaving

NEVER = float("-inf")


def silent(_: str) -> float:
    """Nothing was ever delivered."""
    return NEVER


def test_it_is_kept_for_a_while() -> None:
    """To the second, from when it was first missed."""
    leaving = Leaving()
    leaving.leave(["A"], 100.0)
    leaving.leave(["A"], 400.0)
    assert leaving.end(100.0 + GRACE_SECS - 0.001, silent) == []
    assert leaving.kept == leaving.excused == {"A"}
    assert leaving.end(100.0 + GRACE_SECS, silent) == ["A"]
    assert leaving.kept == leaving.excused == frozenset()


@pytest.mark.parametrize("delivered_at", [150.0, 2_000.0])
def test_what_delivers_stays(delivered_at: float) -> None:
    """For as long since it delivered last."""
    leaving = Leaving()
    leaving.leave(["A"], 100.0)
    end = delivered_at + GRACE_SECS
    assert leaving.end(end - 0.001, lambda _: delivered_at) == []
    assert leaving.end(end, lambda _: delivered_at) == ["A"]


def test_one_that_comes_back_is_kept_no_longer() -> None:
    """Its silence is no fault until it delivers, or for as long again."""
    for since, delivered_at, excused in (
        (301.0, 300.0, True),
        (301.0, 300.5, False),
        (300.0 + GRACE_SECS, NEVER, False),
    ):
        leaving = Leaving()
        leaving.leave(["A", "B"], 100.0)
        leaving.come_back(["A", "C"], 300.0)
        assert leaving.kept == {"B"}
        leaving.end(since, lambda symbol: delivered_at if symbol == "A" else since)  # noqa: B023
        assert leaving.excused == ({"A", "B"} if excused else {"B"})


def test_one_that_leaves_again_is_kept_from_then_on() -> None:
    """As if it had never left before."""
    leaving = Leaving()
    leaving.leave(["A"], 0.0)
    leaving.come_back(["A"], 800.0)
    leaving.leave(["A"], 900.0)
    assert leaving.end(GRACE_SECS + 899.0, silent) == []
    assert leaving.end(GRACE_SECS + 900.0, silent) == ["A"]
