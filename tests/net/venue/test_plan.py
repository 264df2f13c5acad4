"""Which symbol goes on which connection, as invariants over any listing and its change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tick_logger.net.venue.plan import Limits, Plan, plan

examples = settings(max_examples=100)

NOTHING = Plan({}, ())

wishes = st.lists(st.integers(0, 30).map(lambda number: f"S{number}"), max_size=40)
several = st.lists(wishes, min_size=1, max_size=5)
limits = st.builds(
    lambda shares, usual, more, subscriptions: Limits(
        shares=shares, usual=usual, most=usual + more, subscriptions=subscriptions
    ),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(0, 4),
    st.none() | st.integers(1, 12),
)
weights = st.fixed_dictionaries(
    {},
    optional={
        f"S{number}": st.dictionaries(st.sampled_from(["", "deals"]), st.integers(1, 4))
        for number in range(31)
    },
)


def each(count: int, shares: int) -> Limits:
    """So many symbols in each share, never more."""
    return Limits(shares=shares, usual=count, most=count)


def planned(before: Plan, wanted: Sequence[str], per_connection: int, connections: int) -> Plan:
    return plan(before.shares, wanted, each(per_connection, connections))


def carried(symbols: Sequence[str], loads: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Subscriptions by lane."""
    lanes = {lane for symbol in symbols for lane in loads.get(symbol, {})}
    return {lane: sum(loads.get(s, {}).get(lane, 0) for s in symbols) for lane in lanes}


def fits(symbols: Sequence[str], limit: Limits, loads: Mapping[str, Mapping[str, int]]) -> bool:
    most = limit.subscriptions
    light = most is None or all(many <= most for many in carried(symbols, loads).values())
    return len(symbols) <= limit.most and light


@examples
@given(st.lists(st.tuples(wishes, limits), min_size=1, max_size=5), weights)
def test_no_limit_is_exceeded_and_no_room_is_wasted(
    life: list[tuple[list[str], Limits]], loads: dict[str, dict[str, int]]
) -> None:
    """Whatever is listed and configured one after the other: all are placed or left out, once.

    Nobody is left out who would fit anywhere, and nobody moves who could stay.
    """
    before = NOTHING
    for wanted, limit in life:
        now = plan(before.shares, wanted, limit, loads)
        placed = [symbol for symbols in now.shares.values() for symbol in symbols]
        assert sorted([*placed, *now.left_out]) == sorted(set(wanted))
        assert all(now.shares.values())
        assert len(now.shares) <= limit.shares
        assert all(fits(symbols, limit, loads) for symbols in now.shares.values())
        for symbol in now.left_out:
            rooms = [*now.shares.values(), *[()] * (len(now.shares) < limit.shares)]
            assert not any(fits([*symbols, symbol], limit, loads) for symbols in rooms)
        before = now


@examples
@given(several, limits, weights)
def test_any_sequence_of_listings_keeps_what_can_stay(
    listings: list[list[str]], limit: Limits, loads: dict[str, dict[str, int]]
) -> None:
    """Under the same limits symbols stay where they are, and the others come in their order."""
    before = NOTHING
    for wanted in listings:
        now = plan(before.shares, wanted, limit, loads)
        for number, symbols in before.shares.items():
            kept = tuple(symbol for symbol in symbols if symbol in wanted)
            assert now.shares.get(number, ())[: len(kept)] == kept
        order = {symbol: place for place, symbol in reversed(list(enumerate(wanted)))}
        assert list(now.left_out) == sorted(now.left_out, key=order.__getitem__)
        if not any(loads.values()):
            fresh = now.places.keys() - before.places.keys()
            assert all(order[new] < order[out] for new in fresh for out in now.left_out)
        before = now


@examples
@given(wishes, limits, weights)
def test_one_more_symbol_touches_one_connection(
    wanted: list[str], limit: Limits, loads: dict[str, dict[str, int]]
) -> None:
    """At most, and moves nobody."""
    before = plan({}, wanted, limit, loads)
    now = plan(before.shares, [*wanted, "NEW"], limit, loads)
    touched = [n for n, symbols in now.shares.items() if before.shares.get(n) != symbols]
    assert len(touched) <= 1
    assert before.places.items() <= now.places.items()
    assert set(now.left_out) - {"NEW"} == set(before.left_out)


@examples
@given(wishes, limits, limits)
def test_lower_limits_leave_out_the_least_wanted(
    wanted: list[str], before: Limits, after: Limits
) -> None:
    """Among those that had a place, whatever connection they were on."""
    first = plan({}, wanted, before)
    now = plan(first.shares, wanted, after)
    order = {symbol: place for place, symbol in reversed(list(enumerate(wanted)))}
    dropped = [order[symbol] for symbol in now.left_out if symbol in first.places]
    assert min(dropped, default=99) > max(map(order.__getitem__, now.places), default=-1)


@pytest.mark.parametrize(("count", "shares"), [(1, 1), (20, 1), (21, 2), (200, 10)])
def test_twenty_each_as_long_as_there_are_connections(count: int, shares: int) -> None:
    """Then no connection gets more than it would by that number alone."""
    wanted = [f"S{number}" for number in range(count)]
    found = plan({}, wanted, Limits(shares=10, usual=20, most=1000))
    assert found == planned(NOTHING, wanted, 20, 10)
    assert len(found.shares) == shares


@pytest.mark.parametrize("count", [201, 1_262, 10_000])
def test_more_than_twenty_each_are_spread_evenly(count: int) -> None:
    """No connection has two more than another; the first of the list are spread as by twenty."""
    wanted = [f"S{number}" for number in range(count)]
    found = plan({}, wanted, Limits(shares=10, usual=20, most=1000))
    sizes = {len(symbols) for symbols in found.shares.values()}
    assert len(found.shares) == 10
    assert max(sizes) - min(sizes) <= 1
    assert found.left_out == ()
    for number in range(10):
        assert found.shares[number + 1][:20] == tuple(wanted[number * 20 : number * 20 + 20])


@pytest.mark.parametrize("usual", [5, 20, 50])
def test_there_and_back_again(usual: int) -> None:
    """From a number to as many as there are: nobody moves; and back: those that came go."""
    wanted = [f"S{number}" for number in range(1_262)]
    first = planned(NOTHING, wanted, usual, 10)
    every = plan(first.shares, wanted, Limits(shares=10, usual=20, most=1000))
    assert every.left_out == ()
    assert first.places.items() <= every.places.items()
    assert planned(every, wanted, usual, 10) == first


def test_a_connection_is_full_where_one_of_its_lanes_is() -> None:
    """What needs another lane still finds room there."""
    deals, both = {"deals": 1}, {"deals": 1, "prices": 1}
    loads = {"A": both, "B": deals, "C": both, "D": {"prices": 1}}
    limit = Limits(shares=1, usual=20, most=20, subscriptions=2)
    assert plan({}, ["A", "B", "C", "D"], limit, loads) == Plan({1: ("A", "B", "D")}, ("C",))


def test_what_no_connection_can_carry_is_left_out() -> None:
    """And stands in nobody's way."""
    limit = Limits(shares=2, usual=1, most=5, subscriptions=3)
    found = plan({}, ["A", "B"], limit, {"A": {"": 4}, "B": {"": 3}})
    assert found == Plan({1: ("B",)}, ("A",))


def test_symbols_fill_connections_in_order() -> None:
    """The first connection is number one."""
    assert planned(NOTHING, ["A", "B", "C", "D", "E"], 2, 2) == Plan(
        {1: ("A", "B"), 2: ("C", "D")}, ("E",)
    )


def test_freed_places_are_filled_before_connections_are_added() -> None:
    """And a connection without symbols goes."""
    before = Plan({1: ("A", "B"), 2: ("C",), 3: ("D",)}, ())
    now = planned(before, ["B", "D", "E", "F", "G", "H", "I"], 2, 3)
    assert now == Plan({1: ("B", "E"), 3: ("D", "F"), 2: ("G", "H")}, ("I",))


def test_an_unchanged_listing_changes_nothing() -> None:
    """Nor does one in another order."""
    before = planned(NOTHING, ["A", "B", "C"], 2, 2)
    assert planned(before, ["C", "A", "B"], 2, 2) == before


def test_smaller_limits_are_kept() -> None:
    """What is beyond them moves to where there is room, and the least wanted are left out."""
    before = Plan({2: ("A", "B", "C"), 3: ("D",), 5: ("E",)}, ())
    wanted = ["A", "B", "C", "D", "E"]
    assert planned(before, wanted, 2, 2) == Plan({2: ("A", "B"), 3: ("D", "C")}, ("E",))
    assert planned(before, wanted, 3, 1) == Plan({2: ("A", "B", "C")}, ("D", "E"))
    assert planned(before, wanted, 1, 3) == Plan({2: ("A",), 3: ("C",), 5: ("B",)}, ("D", "E"))
    assert planned(Plan({4: ("A",)}, ()), ["A", "B"], 1, 1) == Plan({4: ("A",)}, ("B",))


def test_what_is_about_to_leave_takes_room_until_it_has_left() -> None:
    """Of symbols and of subscriptions; it may stay elsewhere meanwhile."""
    one = Limits(shares=2, usual=2, most=2)
    before = {1: ("A",), 2: ("B", "MOVED")}
    now = plan(before, ["A", "B", "MOVED", "NEW"], one, reserved={1: ["MOVED"]})
    assert now == Plan({1: ("A",), 2: ("B", "MOVED")}, ("NEW",))
    light = Limits(shares=2, usual=9, most=9, subscriptions=3)
    loads = {symbol: {"": 1} for symbol in ("A", "B", "MOVED", "NEW")} | {"A": {"": 2}}
    now = plan({1: ("A",), 2: ("B", "MOVED")}, [*loads], light, loads, {1: ["MOVED"]})
    assert now == Plan({1: ("A",), 2: ("B", "MOVED", "NEW")}, ())


def test_every_place_is_the_number_of_its_connection() -> None:
    """And who is left out has none."""
    assert Plan({2: ("A", "B"), 3: ("D",)}, ("E",)).places == {"A": 2, "B": 2, "D": 3}
