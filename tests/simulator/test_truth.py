"""The oracle's own rules."""

from __future__ import annotations

import pytest

from tick_logger.simulator.truth import TrueTrade, Truth, TruthForgottenError


def trade(number: int, *, subscribed: bool = True, withheld: bool = False) -> TrueTrade:
    """A trade of which only the id and the two flags matter."""
    return TrueTrade(
        number, number * 1000, "1.0", "2", "buy", None, None, subscribed, withheld, number * 1000
    )


def test_what_nobody_heard_and_what_was_withheld_are_told_apart() -> None:
    """Of four trades, one was sent, one withheld from a subscriber, two had no listener."""
    truth = Truth(10)
    for each in (
        trade(1),
        trade(2, withheld=True),
        trade(3, subscribed=False),
        trade(4, subscribed=False, withheld=True),
    ):
        truth.add("A", each)
    assert [each.trade_id for each in truth.trades("A")] == [1, 2, 3, 4]
    assert [each.trade_id for each in truth.subscribed("A")] == [1, 2]
    assert [each.trade_id for each in truth.sent("A")] == [1]
    assert [each.trade_id for each in truth.withheld("A")] == [2]
    assert (truth.symbols(), truth.trades("B")) == (["A"], [])


def test_a_truth_that_forgot_something_says_so() -> None:
    """What is kept can still be had."""
    truth = Truth(2)
    truth.add("A", trade(1))
    truth.add("A", trade(2))
    assert len(truth.trades("A")) == 2
    truth.add("A", trade(3))
    with pytest.raises(TruthForgottenError, match="A: more than 2"):
        truth.trades("A")
    assert [each.trade_id for each in truth.kept("A")] == [2, 3]
