"""Which symbol goes on which connection, as invariants over any listing and its change."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tick_logger.net.venue.plan import Plan, plan

examples = settings(max_examples=100)

wishes = st.lists(st.integers(0, 30).map(lambda number: f"S{number}"), max_size=40)
limits = st.tuples(st.integers(1, 6), st.integers(1, 6))


def planned(before: Plan, wanted: list[str], per_connection: int, connections: int) -> Plan:
    return plan(
        before.shares,
        wanted,
        symbols_per_connection=per_connection,
        max_connections=connections,
    )


@examples
@given(st.lists(wishes, min_size=1, max_size=5), limits)
def test_any_sequence_of_listings_keeps_what_can_stay(
    listings: list[list[str]], limit: tuple[int, int]
) -> None:
    """Nothing lost or doubled, limits kept, symbols stay where they are, the rest in order."""
    per_connection, connections = limit
    before = Plan({}, ())
    for wanted in listings:
        now = planned(before, wanted, per_connection, connections)
        placed = [symbol for symbols in now.shares.values() for symbol in symbols]
        assert sorted([*placed, *now.left_out]) == sorted(set(wanted))
        assert set(now.shares) <= set(range(1, connections + 1))
        assert all(0 < len(symbols) <= per_connection for symbols in now.shares.values())
        assert not now.left_out or len(placed) == per_connection * connections
        for number, symbols in before.shares.items():
            kept = tuple(symbol for symbol in symbols if symbol in wanted)
            assert now.shares.get(number, ())[: len(kept)] == kept
        order = {symbol: place for place, symbol in reversed(list(enumerate(wanted)))}
        assert list(now.left_out) == sorted(now.left_out, key=order.__getitem__)
        fresh = set(placed) - {s for symbols in before.shares.values() for s in symbols}
        assert all(order[new] < order[out] for new in fresh for out in now.left_out)
        before = now


def test_symbols_fill_connections_in_order() -> None:
    """The first connection is number one."""
    assert planned(Plan({}, ()), ["A", "B", "C", "D", "E"], 2, 2) == Plan(
        {1: ("A", "B"), 2: ("C", "D")}, ("E",)
    )


def test_freed_places_are_filled_before_connections_are_added() -> None:
    """And a connection without symbols goes."""
    before = Plan({1: ("A", "B"), 2: ("C",), 3: ("D",)}, ())
    now = planned(before, ["B", "D", "E", "F", "G", "H", "I"], 2, 3)
    assert now == Plan({1: ("B", "E"), 3: ("D", "F"), 2: ("G", "H")}, ("I",))


def test_an_unchanged_listing_changes_nothing() -> None:
    """Nor does one in another order."""
    before = planned(Plan({}, ()), ["A", "B", "C"], 2, 2)
    assert planned(before, ["C", "A", "B"], 2, 2) == before


def test_smaller_limits_are_kept() -> None:
    """What is beyond them moves to where there is room, and what has none is left out."""
    before = Plan({2: ("A", "B", "C"), 3: ("D",), 5: ("E",)}, ())
    wanted = ["A", "B", "C", "D", "E"]
    assert planned(before, wanted, 2, 2) == Plan({2: ("A", "B"), 3: ("D", "C")}, ("E",))
    assert planned(before, wanted, 3, 1) == Plan({2: ("A", "B", "C")}, ("D", "E"))
    assert planned(Plan({4: ("A",)}, ()), ["A", "B"], 1, 1) == Plan({4: ("A",)}, ("B",))


def test_every_place_is_the_number_of_its_connection() -> None:
    """And who is left out has none."""
    assert Plan({2: ("A", "B"), 3: ("D",)}, ("E",)).places == {"A": 2, "B": 2, "D": 3}
