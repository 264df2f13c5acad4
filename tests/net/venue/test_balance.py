"""Which symbols change their connection because of its load, as invariants over any load."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from tick_logger.net.venue.balance import (
    BUSY_PER_SECOND,
    MOST_MOVED,
    UNEVEN,
    Move,
    loads,
    next_move,
    spread,
    unevenness,
)
from tick_logger.net.venue.plan import Limits, Plan, plan

ROOMY = Limits(shares=10, usual=20, most=1000)
ONE_LANE = ""

rates = st.dictionaries(
    st.integers(0, 60).map(lambda number: f"S{number:02}"),
    st.dictionaries(st.sampled_from(["", "deals"]), st.floats(0, 1000), max_size=2),
    min_size=3,
    max_size=60,
)
limits = st.builds(
    lambda usual, more: Limits(shares=5, usual=usual, most=usual + more),
    st.integers(2, 30),
    st.integers(0, 20),
)


def one_lane(**per_second: float) -> dict[str, dict[str, float]]:
    return {symbol: {ONE_LANE: rate} for symbol, rate in per_second.items()}


def carried(now: Plan, known: Mapping[str, Mapping[str, float]]) -> dict[int, float]:
    return loads(now.shares, known)[ONE_LANE]


@settings(max_examples=150)
@given(rates, limits)
def test_moves_come_to_an_end_and_keep_to_limits(
    known: dict[str, dict[str, float]], limit: Limits
) -> None:
    """However uneven: each makes it more even, nobody is lost, no share is empty or too full."""
    now = plan({}, sorted(known), limit)
    everybody = now.places.keys()
    for _ in range(200):
        move = next_move(now, known, limit, {})
        if move is None:
            break
        assert 0 < len(move.symbols) <= MOST_MOVED
        assert set(move.symbols) < set(now.shares[move.origin])
        now = now.moved(move.symbols, move.to)
        assert now.places.keys() == everybody
        assert all(0 < len(symbols) <= limit.most for symbols in now.shares.values())
    assert next_move(now, known, limit, {}) is None


@settings(max_examples=100)
@given(rates, limits)
def test_a_start_is_no_less_even_and_gives_each_share_as_many(
    known: dict[str, dict[str, float]], limit: Limits
) -> None:
    """As without rates; who has a place already keeps it, and so does who is not known."""
    asked = [*sorted(known), "UNKNOWN"]
    before = plan({}, asked, limit)
    now = spread(before, {}, known, limit, {})
    assert {n: len(s) for n, s in now.shares.items()} == {
        n: len(s) for n, s in before.shares.items()
    }
    assert now.left_out == before.left_out
    assert now.places.get("UNKNOWN") == before.places.get("UNKNOWN")
    assert spread(before, before.places, known, limit, {}) == before
    assert spread(before, {}, {}, limit, {}) == before


def test_the_busiest_symbols_of_a_start_are_on_different_connections() -> None:
    """And the quiet ones are where there is room."""
    known = one_lane(A=50, B=40, C=30, D=2, E=1, F=1)
    few = Limits(shares=3, usual=2, most=2)
    now = spread(plan({}, [*known], few), {}, known, few, {})
    assert carried(now, known) == {1: 51, 2: 41, 3: 32}


def test_a_start_is_planned_as_ever_where_subscriptions_do_not_fit_otherwise() -> None:
    """What each symbol needs is not the same."""
    known, few = one_lane(A=9, B=8, C=1), Limits(shares=2, usual=2, most=2, subscriptions=3)
    needs = {"A": {"": 1}, "B": {"": 3}, "C": {"": 2}}
    before = plan({}, ["A", "C", "B"], few, needs)
    assert before == Plan({1: ("A", "C"), 2: ("B",)}, ())
    assert spread(before, {}, known, few, needs) == before


def test_half_of_what_one_carries_more_goes_over() -> None:
    """From the busiest to the quietest, the busiest symbols that fit into it."""
    known = one_lane(A=100, B=60, C=40, D=10, E=5)
    now = Plan({1: ("A", "B", "C"), 2: ("D",), 3: ("E",)}, ())
    assert next_move(now, known, ROOMY, {}) == Move(1, 3, ("B",), 60)
    assert unevenness(now, known) == 200 / 5


def test_where_there_is_no_room_another_is_taken() -> None:
    """As long as it is quiet as well; else nothing is moved."""
    known = one_lane(A=100, B=60, C=40, D=10, E=5, F=5)
    now = Plan({1: ("A", "B", "C"), 2: ("D",), 3: ("E", "F")}, ())
    tight = Limits(shares=3, usual=3, most=3, subscriptions=2)
    needs = {symbol: {"": 1} for symbol in known}
    assert next_move(now, known, tight, needs) == Move(1, 2, ("B",), 60)
    full = Limits(shares=3, usual=1, most=1)
    assert next_move(now, known, full, {}) is None


def test_little_is_never_uneven() -> None:
    """And neither is what a symbol carries alone, or less than so many times as much."""
    quiet = one_lane(A=BUSY_PER_SECOND / 4, B=BUSY_PER_SECOND / 4, C=0.1)
    assert next_move(Plan({1: ("A", "B"), 2: ("C",)}, ()), quiet, ROOMY, {}) is None
    assert unevenness(Plan({1: ("A", "B"), 2: ("C",)}, ()), quiet) == 1.0
    alone = one_lane(A=1000, B=1)
    assert next_move(Plan({1: ("A",), 2: ("B",)}, ()), alone, ROOMY, {}) is None
    near = one_lane(A=20 * UNEVEN, B=20 * UNEVEN, C=40)
    assert next_move(Plan({1: ("A", "B"), 2: ("C",)}, ()), near, ROOMY, {}) is None


def test_lanes_are_compared_each_for_itself() -> None:
    """A connection of books carries more than one of trades, and nobody can help it."""
    known = {"A": {"books": 500, "trades": 5}, "B": {"books": 400, "trades": 6}}
    now = Plan({1: ("A",), 2: ("B",)}, ())
    assert unevenness(now, known) == 500 / 400
    assert next_move(now, known, ROOMY, {}) is None
