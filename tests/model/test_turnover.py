"""The order of a listing by turnover, whatever currency that is told in."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tick_logger.model.instruments import Instrument
from tick_logger.model.turnover import most_traded_first


def pair(name: str, turnover: float = 0.0, price: float = 0.0) -> Instrument:
    """Such as "BTC-USD"."""
    base, quote = name.split("-")
    return Instrument(name, base, quote, turnover=turnover, last_price=price)


def order(*pairs: Instrument) -> list[str]:
    return [each.symbol for each in most_traded_first(pairs)]


def test_the_most_traded_come_first() -> None:
    """Those of which it is not told come last, as they are listed."""
    found = order(pair("Z-USD"), pair("A-USD", 5.0), pair("Y-USD"), pair("B-USD", 7.0))
    assert found == ["B-USD", "A-USD", "Z-USD", "Y-USD"]


def test_where_nothing_is_told_the_order_is_that_of_the_listing() -> None:
    """Also where prices are."""
    assert order(pair("Z-USD", price=3.0), pair("A-USD")) == ["Z-USD", "A-USD"]


def test_other_currencies_are_compared_by_the_prices_of_the_listing() -> None:
    """Also by way of a third: nobody trades JPY against USD here."""
    found = order(
        pair("BTC-USD", 900_000.0, 60_000.0),
        pair("ETH-BTC", 10.0, 0.05),  # 600,000 USD
        pair("SOL-USD", 500_000.0, 100.0),
        pair("BTC-JPY", 45_000_000.0, 9_000_000.0),  # 300,000 USD
        pair("SOL-USDT", 400_000.0, 200.0),  # 200,000 USD
    )
    assert found == ["BTC-USD", "ETH-BTC", "SOL-USD", "BTC-JPY", "SOL-USDT"]


def test_a_currency_of_unknown_worth_counts_as_not_told() -> None:
    """Its turnover says nothing beside the others."""
    found = order(pair("A-XYZ", 1e12), pair("B-USD", 1.0, 1.0), pair("C-USD", 2.0, 1.0))
    assert found == ["C-USD", "B-USD", "A-XYZ"]


@pytest.mark.parametrize("price", [0.0, -1.0, float("inf"), float("nan"), 1e-320])
def test_nonsense_breaks_nothing(price: float) -> None:
    """All are still there, once."""
    pairs = [pair("A-B", 1e308, price), pair("B-C", 1e308, price), pair("C-A", 1e-308, price)]
    assert sorted(order(*pairs)) == ["A-B", "B-C", "C-A"]


AMOUNTS = st.floats(0, 1e12) | st.sampled_from([float("inf"), float("nan")])
PAIRS = st.builds(
    lambda base, quote, turnover, price: pair(f"{base}-{quote}", turnover, price),
    st.sampled_from("ABCDEF"),
    st.sampled_from("ABC"),
    AMOUNTS,
    AMOUNTS,
)


@settings(max_examples=100)
@given(st.lists(PAIRS, max_size=20))
def test_every_entry_stays(pairs: list[Instrument]) -> None:
    """And what is told beats what is not."""
    found = most_traded_first(pairs)
    assert sorted(map(id, found)) == sorted(map(id, pairs))
    assert most_traded_first(found) == found


def test_what_is_traded_at_the_moment_is_no_part_of_an_instrument() -> None:
    """Otherwise each listing would say something new."""
    assert pair("A-B", 1.0, 2.0) == pair("A-B", 3.0, 4.0)
