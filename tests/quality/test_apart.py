"""Prices of one pair at several exchanges."""

from __future__ import annotations

from tests.quality.flushes import figures, look, quotes, trades
from tick_logger.quality.apart import ASK_AGAIN_LOOKS
from tick_logger.quality.checks import Checks
from tick_logger.quality.limits import APART_LOOKS

PAIRS = {0: "BTC-USD spot", 1: "BTC-USD spot", 2: "BTC-USD spot", 3: "ETH-USD spot"}


def agreed(*prices: float, checks: Checks | None = None) -> Checks:
    """Checks by which exchanges have quoted these prices for a while, until second 10."""
    known = checks or Checks(PAIRS.get)
    for second in range(APART_LOOKS):
        both = [[price * 0.999] for price in prices], [[price * 1.001] for price in prices]
        runs = [quotes(n, [second], *of) for n, of in enumerate(zip(*both, strict=True))]
        assert look(known, *runs) == []
    return known


def test_one_of_three_is_apart() -> None:
    """By quotes as by trades; from the middle of all."""
    checks = agreed(100, 101, 99)
    runs = [quotes(each, [11], [99.9], [100.1]) for each in (0, 1)]
    found = look(checks, *runs, quotes(2, [20], [107.0], [107.2]))
    assert figures(found) == [(2, "QUOTES", "apart", 1, {"price": 107.1, "others": 100})]
    assert look(checks, quotes(2, [26], [104.0], [104.2])) == []


def test_of_two_that_differ_both_are_apart() -> None:
    """Nobody knows which of them is wrong."""
    checks = agreed(100, 101)
    found = look(checks, quotes(0, [11], [99.9], [100.1]), trades(1, [20], [110.0]))
    assert figures(found)[0] == (0, "QUOTES", "apart", 1, {"price": 100, "others": 110})
    assert figures(found)[1] == (1, "TRADES", "apart", 1, {"price": 110, "others": 100})


def test_another_thing_of_the_same_name_is_not_compared() -> None:
    """It never agreed; the two that did are compared with each other as before."""
    checks = agreed(100, 101, 0.5)
    assert look(checks, quotes(2, [11], [0.7], [0.71])) == []
    same = [quotes(each, [12], [99.9], [100.1]) for each in (0, 2)]
    assert look(checks, same[0], quotes(2, [12], [0.7], [0.71])) == []
    found = look(checks, quotes(0, [20], [99.9], [100.1]), quotes(1, [20], [120], [120.1]))
    assert sorted(each.instrument for each in found) == [0, 1]


def test_other_pairs_are_not_compared() -> None:
    """Nor what has no name."""
    checks = agreed(100, 101, 99, 5000)
    assert look(checks, quotes(3, [11], [9000], [9001]), quotes(4, [11], [1], [1.01])) == []


def test_old_prices_are_not_compared() -> None:
    """After ten seconds the others may have moved as well."""
    checks = agreed(100, 101)
    assert look(checks, trades(1, [21], [110.0])) == []


def test_a_price_in_reach_is_not_apart() -> None:
    """All that an instrument lately was must be beyond: one trade of a sweep is not enough."""
    checks = agreed(100, 101, 99)
    near = [quotes(each, [11], [99.9], [100.1]) for each in (0, 1, 2)]
    assert look(checks, *near, trades(2, [11], [104.9])) == []


def test_names_may_come_with_a_flush_of_fewer_instruments() -> None:
    """A pair is known by all that were seen, whoever has rows when it is."""
    pairs: dict[int, str] = {}
    checks = Checks(pairs.get)
    both = [quotes(each, [1], [99.9], [100.1]) for each in (2, 3)]
    assert look(checks, *both) == []
    pairs |= {2: "BTC-USD spot", 3: "BTC-USD spot"}
    for second in range(2, 2 + ASK_AGAIN_LOOKS):
        assert look(checks, quotes(0, [second], [1], [1.01])) == []
    agreed(1, 1, 100, 100, checks=checks)
    found = look(checks, quotes(2, [20], [110.0], [110.2]), quotes(3, [20], [99.9], [100.1]))
    assert {each.instrument for each in found} == {2, 3}


def test_a_name_may_come_later() -> None:
    """Listings come every few minutes."""
    names: dict[int, str] = {}
    checks = agreed(100, 101, checks=Checks(names.get))
    names |= {0: "BTC-USD spot", 1: "BTC-USD spot"}
    for second in range(APART_LOOKS, 80):
        look(checks, *[quotes(each, [second], [99.9], [100.1]) for each in (0, 1)])
    both = quotes(0, [88], [99.9], [100.1]), quotes(1, [88], [120], [120.1])
    assert len(look(checks, *both)) == 2
